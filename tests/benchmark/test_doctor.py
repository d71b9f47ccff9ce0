"""The doctor on healthy and on sick machines: what it says, what it advises, and what its exit code means."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.doctor import engines, machine
from benchmark.doctor.checks import all_checks, diagnose
from benchmark.doctor.findings import Check, Finding, Report, anonymous
from sim_envs.storage import write_json
from tests.command_line import run_command
from tests.sim_envs.recording_kit import install_engine


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def named(findings: list[Finding], name: str) -> Finding:
    return next(finding for finding in findings if finding.name == name)


# --- the machine ----------------------------------------------------------------------------------------


def test_this_machine_has_what_is_required(tmp_path: Path) -> None:
    python, libraries = machine.look_at_python(tmp_path)
    assert python.status == "ok"
    assert "64 bit" in python.found
    assert libraries.status == "ok"


def test_a_missing_or_old_library_is_named_with_how_to_install_it() -> None:
    required = [
        "numpy>=99",
        "no-such-library",
        "scipy>=1",
        'pytest-nowhere; extra == "dev"',
        'six>=1; python_version<"3"',
    ]
    finding = machine.libraries(required)
    assert finding.status == "failure"
    assert re.fullmatch(r"numpy is [\d.]+, not >=99; no-such-library is missing", finding.found)
    assert "pip install" in finding.advice


def test_running_without_being_installed_is_a_warning() -> None:
    assert machine.libraries(None).status == "warning"


def test_torch_is_imported_and_its_devices_multiply(tmp_path: Path) -> None:
    torch, cuda = machine.look_at_torch(tmp_path)
    assert torch.status == "ok"
    assert re.match(r"\d+\.\d+.*, threads: \d+", torch.found)
    assert cuda.status in ("ok", "absent", "warning")


def test_a_torch_that_cannot_be_imported_is_a_failure_with_its_own_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libcudart.so.13: cannot open shared object file')\n")
    monkeypatch.syspath_prepend(tmp_path)
    finding = only(machine.look_at_torch(tmp_path))
    assert finding.status == "failure"
    assert "importing torch: ImportError: libcudart.so.13: cannot open shared object file" in finding.found


def test_a_gpu_is_optional() -> None:
    assert machine.cuda("CUDA 13.0", driver=False).status == "absent"
    assert "main job runs on the CPU" in machine.cuda("", driver=False).advice
    assert machine.cuda("", driver=True).status == "warning"


def test_a_gpu_that_torch_cannot_wake_is_a_warning_in_the_drivers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    finding = machine.cuda("CUDA 13.0", driver=True)
    assert finding.status == "warning"
    assert "waking the driver" in finding.found
    assert "--gpus all" in finding.advice


def files(root: Path, contents: dict[str, str]) -> Path:
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def test_memory_is_what_machine_and_control_groups_leave(tmp_path: Path) -> None:
    proc = files(
        tmp_path / "proc",
        {"meminfo": "MemTotal: 9000 kB\nMemAvailable:  8000000 kB\n", "self/cgroup": "0::/user/job\n"},
    )
    groups = tmp_path / "groups"
    assert machine.memory_available_gb(proc, groups) == pytest.approx(8.192)
    files(
        groups / "user",
        {
            "memory.max": "6000000000\n",
            "memory.current": "4000000000\n",
            "memory.stat": "anon 1\ninactive_file 500000000\n",
        },
    )
    files(groups / "user" / "job", {"memory.max": "max\n", "memory.current": "1\n", "memory.stat": "inactive_file 0\n"})
    assert machine.memory_available_gb(proc, groups) == pytest.approx(2.5)
    assert machine.memory_available_gb(tmp_path / "nowhere", groups) is None


def test_memory_in_control_groups_of_the_first_version(tmp_path: Path) -> None:
    proc = files(tmp_path / "proc", {"self/cgroup": "4:cpu:/\n3:memory:/docker/f00\n"})
    limits = {"memory.limit_in_bytes": "3000000000\n", "memory.usage_in_bytes": "1000000000\n"}
    groups = files(tmp_path / "groups" / "memory", limits | {"memory.stat": "total_inactive_file 0\n"}).parent
    assert machine.memory_available_gb(proc, groups) == pytest.approx(2.0)


def test_a_data_home_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    home, disk = machine.look_at_home(tmp_path / "deep" / "home")
    assert (home.status, disk.name) == ("ok", "disk")
    assert "made when first used" in home.found
    assert list(tmp_path.iterdir()) == []
    assert "made when" not in machine.look_at_home(tmp_path)[0].found


def test_a_data_home_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        finding = only(machine.look_at_home(home))
        assert finding.status == "failure"
        assert str(home) in finding.found
        assert "TST_BENCH_HOME" in finding.advice


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_data_home_is_a_failure(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    assert only(machine.look_at_home(tmp_path)).status == "failure"


@pytest.mark.parametrize(("limits", "status"), [((0.0, 0.0), "ok"), ((0.0, 1e9), "warning"), ((1e9, 1e9), "failure")])
def test_too_little_disk_warns_and_far_too_little_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: tuple[float, float], status: str
) -> None:
    monkeypatch.setattr(machine, "DISK_GB", limits)
    assert machine.look_at_home(tmp_path)[1].status == status


def test_furniture_is_optional_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TST_BENCH_SH3F", str(tmp_path / "nowhere.sh3f"))
    finding = only(machine.look_at_furniture(tmp_path))
    assert finding.status == "warning"
    assert "nowhere.sh3f" in finding.found
    (tmp_path / "broken.sh3f").write_text("not a zip")
    monkeypatch.setenv("TST_BENCH_SH3F", str(tmp_path / "broken.sh3f"))
    finding = only(machine.look_at_furniture(tmp_path))
    assert finding.status == "warning"
    assert "broken.sh3f is not a Sweet Home 3D furniture library" in finding.found
    monkeypatch.delenv("TST_BENCH_SH3F")
    assert only(machine.look_at_furniture(tmp_path)).status in ("ok", "absent")


# --- engines --------------------------------------------------------------------------------------------


def third(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Finding:
    """Install a third-party engine and let the doctor look at it."""
    monkeypatch.syspath_prepend(install_engine(tmp_path / "site", body))
    assert "engine third" in [check.name for check in all_checks()]
    return only(engines.look_at_engine("third", tmp_path))


def test_embree_casts_a_ray(tmp_path: Path) -> None:
    finding = only(engines.look_at_embree(tmp_path))
    assert (finding.status, finding.advice) == ("ok", "")
    assert re.match(r"embreex \d", finding.found)


def test_raycast_draws_what_is_there(tmp_path: Path) -> None:
    finding = only(engines.look_at_engine("raycast", tmp_path))
    assert finding.status == "ok"
    assert "3 views are as expected" in finding.found


def test_black_squares_are_found_and_told_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = """
frame = super().render(camera_to_world)
if self.frames == 2:
    frame['rgb'][64:96, 32:64] = frame['depth'][64:96, 32:64] = 0
return frame
"""
    finding = third(tmp_path, monkeypatch, body)
    assert finding.status == "warning"
    for modality in ("rgb", "depth"):
        assert re.search(rf"{modality} of view 2: 10\d\d of 76800 pixels are black \(0\)", finding.found)
    assert finding.found.count("columns 32 to 63, rows 64 to 95") == 2
    assert "driver" in finding.advice
    assert "do not trust" in finding.advice


def test_a_picture_that_is_wrong_otherwise_is_not_called_black(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "return {name: values[:, ::-1].copy() for name, values in super().render(camera_to_world).items()}"
    finding = third(tmp_path, monkeypatch, body)
    assert finding.status == "warning"
    assert "and 12 more" in finding.found
    assert "black" not in finding.found + finding.advice


def test_an_engine_that_crashes_is_told_by_its_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = third(tmp_path, monkeypatch, "os.kill(os.getpid(), 11)")
    assert finding.status == "warning"
    assert "SIGSEGV at: drawing the room" in finding.found


def test_an_engine_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "ENGINE_LIMIT_S", 6)
    finding = third(tmp_path, monkeypatch, "time.sleep(60)")
    assert finding.status == "warning"
    assert "no answer within 6 s at: drawing the room" in finding.found


def refusing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    """Install a third-party engine that cannot be opened."""
    site = install_engine(tmp_path / "site", "pass")
    module = next(site.glob("third_*.py"))
    module.write_text(
        module.read_text()
        + "    def __init__(self, space, rig):\n"
        + "        from sim_envs.errors import UserError\n"
        + f"        raise UserError({message!r})\n"
    )
    monkeypatch.syspath_prepend(site)


def test_an_engine_that_cannot_be_opened_here_is_absent_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(tmp_path, monkeypatch, "It replays what a device saw; it does not render meshes.")
    finding = only(engines.look_at_engine("third", tmp_path))
    assert finding.status == "absent"
    assert finding.found == "not available here: It replays what a device saw; it does not render meshes."


def test_an_engine_that_should_open_here_and_does_not_is_a_warning_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(
        tmp_path, monkeypatch, "It ended with code 1. It said last:\na\nb\nno EGL devices found\nIt was restarted.\n"
    )
    finding = only(engines.look_at_engine("third", tmp_path, unavailable="warning"))
    assert finding.status == "warning"
    assert finding.found == (
        "not available here: It ended with code 1. It said last: … b; no EGL devices found; It was restarted."
    )
    assert "EGL" in finding.advice


def test_an_engine_that_renders_no_spaces_has_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = install_engine(tmp_path / "site", "pass")
    module = next(site.glob("third_*.py"))
    module.write_text(module.read_text() + "    renders_spaces = False\n")
    monkeypatch.syspath_prepend(site)
    assert engines.look_at_engine("third", tmp_path) == []


def test_an_engine_can_tell_what_it_runs_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = install_engine(tmp_path / "site", "pass")
    module = next(site.glob("third_*.py"))
    module.write_text(module.read_text() + "    renderer = 'llvmpipe (LLVM 15.0.6, 256 bits)'\n")
    monkeypatch.syspath_prepend(site)
    finding = only(engines.look_at_engine("third", tmp_path))
    assert finding.status == "ok"
    assert "on llvmpipe (LLVM 15.0.6, 256 bits): 3 views are as expected" in finding.found


def test_only_the_main_engine_stops_the_main_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "embreex").mkdir()
    (tmp_path / "embreex" / "__init__.py").write_text("raise ImportError('libembree4.so.4: version not found')\n")
    monkeypatch.syspath_prepend(tmp_path)
    for finding in (only(engines.look_at_engine("raycast", tmp_path)), only(engines.look_at_embree(tmp_path))):
        assert finding.status == "failure"
        assert "libembree4.so.4" in finding.found


# --- the report and the command -------------------------------------------------------------------------

FINE = Check("fine", lambda home: [Finding(name="fine", status="ok", found=f"in {home}")])
GONE = Check("gone", lambda home: [Finding(name="gone", status="absent", found="not here", advice="Get one.")])
ILL = Check("ill", lambda home: [Finding(name="ill", status="warning", found="limps", advice="Rest.")])
DEAD = Check("dead", lambda home: [Finding(name="dead", status="failure", found="lost", advice="Mend it.")])


@pytest.mark.parametrize(
    ("checks", "main_job"),
    [([FINE], True), ([FINE, GONE, ILL], True), ([FINE, DEAD], False), ([GONE, DEAD, ILL], False)],
)
def test_only_a_failure_stops_the_main_job(tmp_path: Path, checks: list[Check], main_job: bool) -> None:
    report = diagnose(tmp_path, checks)
    assert report.main_job is main_job
    assert [finding.name for finding in report.findings] == [check.name for check in checks]


@pytest.fixture
def doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run the command in this process; return its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        return run_command(capsys, "doctor", *arguments)[:2]

    return run


def test_the_command_reports_every_row_as_json_without_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, doctor: Callable[..., tuple[int, str]]
) -> None:
    """The home folder, the user's and the machine's names are nowhere in what goes into a bug report."""
    monkeypatch.setenv("HOME", str(tmp_path / "people" / "ada"))
    monkeypatch.setenv("LOGNAME", "adalovelace")
    (tmp_path / "people" / "ada").mkdir(parents=True)
    data = tmp_path / "people" / "ada" / "adalovelace" / socket.gethostname()
    code, out = doctor("--json", "--home", str(data))
    report = Report.model_validate_json(out)
    assert code == 0
    assert report.main_job
    assert named(list(report.findings), "data home").found.startswith("~/<user>/<host>")
    names = [finding.name for finding in report.findings]
    assert len(set(names)) == len(names)
    assert {"Python", "libraries", "torch", "CUDA", "memory", "disk", "Embree", "EGL", "driver"} <= set(names)
    assert "engine raycast" in names
    for private in (str(tmp_path), "adalovelace", socket.gethostname()):
        assert not re.search(rf"\b{re.escape(private)}\b", out)
    assert not data.exists()


def test_a_machine_that_cannot_run_the_main_job_is_told_so_with_exit_code_1(
    tmp_path: Path, doctor: Callable[..., tuple[int, str]]
) -> None:
    (tmp_path / "file").write_text("")
    code, out = doctor("--home", str(tmp_path / "file"))
    assert code == 1
    assert "cannot be written to" in " ".join(out.split())
    assert "TST_BENCH_HOME" in out
    assert "The main job cannot run here: data home." in out


def test_a_doctor_that_lacks_a_library_itself_says_so_with_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "packaging").mkdir()
    (tmp_path / "packaging" / "__init__.py").write_text("raise ImportError('packaging is in pieces')\n")
    code = "import sys; sys.argv = ['tst-bench', 'doctor']\nfrom benchmark.cli import main\nmain()"
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "packaging is in pieces" in done.stderr
    assert "pip install" in done.stderr
    assert "Traceback" not in done.stderr


def test_names_are_replaced_whole_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("LOGNAME", "ada")
    assert getpass.getuser() == "ada"
    assert anonymous("/home/ada/tst-bench and /home/adam, adapter") == "~/tst-bench and /home/adam, adapter"
    assert anonymous("/scratch/ada/x") == "/scratch/<user>/x"
    assert anonymous("/home/ada") == "~"


def test_a_report_keeps_its_format(tmp_path: Path) -> None:
    report = diagnose(tmp_path, [FINE, GONE])
    write_json(tmp_path / "report.json", report.anonymised().model_dump(mode="json"))
    again = Report.model_validate(json.loads((tmp_path / "report.json").read_text()))
    assert again.format_version == 1
    assert again.findings[1] == report.findings[1]
    assert again.environment == report.environment
