"""Where a number came from: which code, which libraries, which machine."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "trimesh",
    "embreex",
    "opencv-python-headless",
    "torch",
    "torchvision",
    "timm",
)
PACKAGES = ("sim_envs", "baselines", "benchmark", "leaderboard")
RESULTS = "leaderboard/results"
"""Holds what came out of earlier code, which changes no number."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Code(_Part):
    """Which version of this software.

    Attributes:
        package: version of ``tst-bench``, "" when it runs without being installed.
        commit: git commit of the checkout, "" when it is none.
        dirty: whether the checkout differs from the commit; None without git.
        source: SHA-256 over the Python files and tables of the packages, which holds with or without git.
    """

    package: str
    commit: str
    dirty: bool | None
    source: str


class Hardware(_Part):
    """Which machine; no names of hosts or people.

    Attributes:
        cores: cores this process may use.
        memory_gb: of the machine, in 10⁹ bytes; 0 where the system does not say.
        gpus: names of the CUDA devices that torch sees, in order.
    """

    cpu: str
    cores: int
    memory_gb: float
    gpus: tuple[str, ...] = ()


class Environment(_Part):
    """Everything about code and machine that a number may depend on."""

    code: Code
    python: str
    system: str
    libraries: dict[str, str]
    hardware: Hardware


def environment(gpus: tuple[str, ...] = ()) -> Environment:
    """Describe this process.

    Args:
        gpus: names of the devices in use; passed in, because asking for them takes torch.
    """
    return Environment(
        code=code_version(),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        libraries={name: found for name in LIBRARIES if (found := _version(name))},
        hardware=Hardware(cpu=_cpu_model(), cores=_cores(), memory_gb=_memory_gb(), gpus=gpus),
    )


def code_version() -> Code:
    """Return the version of the code that is running."""
    root = Path(__file__).resolve().parents[1]
    commit, dirty = _git(root)
    return Code(package=_version("tst-bench"), commit=commit, dirty=dirty, source=source_digest(root))


def source_digest(root: Path) -> str:
    """Return one SHA-256 over the files of the packages under ``root`` that can change a number."""
    sha = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.is_relative_to(root / RESULTS):
                continue
            if path.suffix in (".py", ".yaml", ".json", ".csv", ".properties") and path.is_file():
                sha.update(f"{path.relative_to(root).as_posix()}\n".encode())
                sha.update(hashlib.sha256(path.read_bytes()).digest())
    return sha.hexdigest()


def _git(root: Path) -> tuple[str, bool | None]:
    if not (root / ".git").exists():  # an installed copy may lie inside somebody else's checkout
        return "", None
    try:
        commit = _run(root, "rev-parse", "HEAD")
        return commit, bool(_run(root, "status", "--porcelain"))
    except (OSError, subprocess.SubprocessError):
        return "", None


def _run(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.strip()


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux: platform knows less, but something
    return platform.processor() or platform.machine()


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _memory_gb() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (ValueError, OSError, AttributeError):
        return 0.0
