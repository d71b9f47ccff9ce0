"""What a recording holds and what it is called: the recipe that makes one, its meta.json, its columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from sim_envs.errors import UserError, unknown
from sim_envs.modalities import MODALITIES
from sim_envs.recordings.lens_and_noise import LensAndNoise, by_content, described_noise
from sim_envs.rig import Rig
from sim_envs.sensors.noise import redwood_table
from sim_envs.space import Place
from sim_envs.storage import canonical_json, digest_json
from sim_envs.trajectories import PLANNER_VERSION, SPLITS
from sim_envs.trajectories.kinds import POSES, trajectory_source

FORMAT_VERSION = 1
MAX_FRAMES = 1_000_000

META_FILE = "meta.json"
FRAMES_FILE = "frames.parquet"
LOG_FILE = "log.json"
POSE_COLUMNS = tuple(f"p{row}{column}" for row in range(4) for column in range(4))
FRAME_COLUMNS = ("trajectory", "step", "split", *POSE_COLUMNS, "valid")

CONVENTIONS = {
    "world": "right-handed, Y up, metres",
    "camera": "OpenGL: x right, y up, looks along -z",
    "pose": "p00…p33: 4×4 camera-to-world, float64, row by row",
    "pixels": "centres at +0.5, row 0 on top; hfov is horizontal, degrees",
    "rgb": "uint8 sRGB",
    "depth": "planar z (not ray length), uint16 millimetres, 0 = no measurement",
    "normals": "camera frame, unit, facing the camera, uint8 = round((n + 1) · 127.5), void where depth is 0",
    "edges": "uint8, derived from rgb",
    "semantic": "uint16 category id, 0 = unlabelled; id i is categories[i - 1]",
    "instance": "uint16 instance id of the space, 0 = none",
    "valid": "depth measured on 30 % of the pixels or more, and not one plain plane alone; whatever the labels",
}
REMEDY = "Delete that folder and generate the recording again."
_LONGEST_PROVENANCE = 1000  # characters of JSON an entry may have before its digest stands in for it


def modality_file(modality: str) -> str:
    """Return the name of a modality's file."""
    return f"{modality}.npy"


class Recipe(LensAndNoise):
    """Everything a user decides about a recording; equal recipes of equal spaces are the same recording.

    Attributes:
        space: id of the space, ``source/name``.
        engine: a row of the engine table.
        width, height, hfov: the rig; pixels and degrees.
        trajectories: a row of :data:`~sim_envs.trajectories.kinds.KINDS`, ``KIND:PATH``, or the path of a pose file.
        distortion, noise: the rest of the rig; none by default.
        splits: split → (number of trajectories, frames each), in the order train, val, test.
        seed: of the trajectories, and of the noise.

    Raises:
        UserError: a size, field of view, split or number of frames out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    space: str
    engine: str = "raycast"
    width: int = 128
    height: int = 128
    hfov: float = 90.0
    trajectories: str = "auto"
    splits: dict[str, tuple[int, int]]
    seed: int = 0

    @field_validator("splits")
    @classmethod
    def _splits_make_sense(cls, splits: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        for name, (count, frames_each) in splits.items():
            if name not in SPLITS:
                raise unknown("split", name, SPLITS)
            if count < 0 or frames_each < 1:
                raise UserError(f"Split {name}: {count} trajectories of {frames_each} frames make no sense.")
        total = sum(count * frames_each for count, frames_each in splits.values())
        if not 1 <= total <= MAX_FRAMES:
            raise UserError(f"{total} frames are out of range: 1 to {MAX_FRAMES:,} in all splits together.")
        return {name: splits[name] for name in SPLITS if name in splits and splits[name][0]}

    def model_post_init(self, _: Any) -> None:
        """Refuse a rig that is out of range while the user still looks."""
        self.rig()
        if self.noise.redwood_table:
            redwood_table(Path(self.noise.redwood_table).expanduser())

    def rig(self) -> Rig:
        """Return the camera."""
        return Rig(self.width, self.height, self.hfov, self.distortion, self.noise)

    @property
    def trajectory_file(self) -> Path | None:
        """The file that trajectories are read from, or None when they are planned.

        Raises:
            UserError: neither a kind of planning nor a file that exists.
        """
        source = trajectory_source(self.trajectories)
        if source.file is not None and not source.file.is_file():
            raise UserError(f"No file of trajectories at {source.file}.")
        return source.file

    def described(self) -> dict[str, Any]:
        """Return the recipe with its files named by their content: equal wherever they lie."""
        path = self.trajectory_file
        kind = trajectory_source(self.trajectories).kind
        source = self.trajectories
        if path is not None:
            source = f"{'' if kind == POSES else f'{kind}:'}{by_content(path)}"
        named = self.model_copy(update={"noise": described_noise(self.noise)})
        return named.model_dump(mode="json") | {"trajectories": source}


def modalities_of(space: Place) -> tuple[str, ...]:
    """Return what a recording of this space holds: labels only where the space has any."""
    return tuple(name for name, row in MODALITIES.items() if row.sensed or space.has_labels)


def recipe_hash(recipe: Recipe, space_digest: str, engine_version: str, modalities: tuple[str, ...]) -> str:
    """Return 16 hex digits that change whenever any byte of the recording could."""
    described = recipe.described()
    if recipe.trajectory_file is not None:
        kind, digest = trajectory_source(recipe.trajectories).kind, described["trajectories"].rpartition(" ")[2]
        described["trajectories"] = digest if kind == POSES else f"{kind}:{digest}"
    if recipe.noise.redwood_table:
        described["noise"]["redwood_table"] = described["noise"]["redwood_table"].partition(" ")[2]
    everything = {
        "recipe": described,
        "space": space_digest,
        "engine": engine_version,
        "planner": PLANNER_VERSION,
        "format": FORMAT_VERSION,
        "modalities": list(modalities),
    }
    return digest_json(everything)[:16]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SpaceInfo(_Model):
    """The space a recording was made in; ``provenance`` has long entries replaced by their digest."""

    id: str
    digest: str
    provenance: dict[str, Any]

    @classmethod
    def of(cls, space: Place) -> SpaceInfo:
        """Shorten what a space says of its origin."""
        provenance = dict(space.provenance)
        for key, value in provenance.items():
            if len(canonical_json(value)) > _LONGEST_PROVENANCE:
                provenance[key] = {"sha256": digest_json(value)}
        return cls(id=space.id, digest=space.digest, provenance=provenance)


class EngineInfo(_Model):
    """What rendered it."""

    name: str
    version: str


class RigInfo(_Model, LensAndNoise):
    """The camera; ``intrinsics`` is the 3×3 matrix in the OpenCV sense, row by row."""

    width: int
    height: int
    hfov: float
    intrinsics: list[list[float]]

    @classmethod
    def of(cls, rig: Rig) -> RigInfo:
        """Write a rig down."""
        return cls(
            width=rig.width,
            height=rig.height,
            hfov=rig.hfov,
            intrinsics=rig.intrinsics.tolist(),
            distortion=rig.distortion,
            noise=described_noise(rig.noise),
        )

    def rig(self) -> Rig:
        """Return the rig that was written down."""
        return Rig(self.width, self.height, self.hfov, self.distortion, self.noise)


class StoredArray(_Model):
    """The header a modality's ``.npy`` must have."""

    dtype: str
    shape: tuple[int, ...]


class SplitAudit(BaseModel):
    """How far the views of a split are from those of ``train``: quantiles in percent → metres, degrees."""

    model_config = ConfigDict(frozen=True, extra="allow")

    views: int
    near_duplicates: int
    translation_m: dict[str, float]
    angle_deg: dict[str, float]


class Audit(BaseModel):
    """What :func:`sim_envs.trajectories.audit.audit_splits` found."""

    model_config = ConfigDict(frozen=True, extra="allow")

    passed: bool
    val: SplitAudit
    test: SplitAudit

    def complaint(self) -> str:
        """Say in one sentence what did not pass."""
        parts = [
            f"{audit.near_duplicates} of {audit.views} {split} views are near-duplicates of train views "
            f"(nearest train view: median {audit.translation_m.get('50', 0):.2f} m, lowest 5 % within "
            f"{audit.translation_m.get('5', 0):.2f} m)"
            for split, audit in (("val", self.val), ("test", self.test))
            if audit.near_duplicates
        ]
        return "; ".join(parts)


class TrajectoryInfo(_Model):
    """One trajectory as written: how many frames, and modality → SHA-256 of their bytes."""

    split: str
    frames: int
    digests: dict[str, str]


class Meta(_Model):
    """``meta.json``: equal bytes for equal recipes, so no clock and no path is in it (see ``log.json``).

    Attributes:
        trajectories: by id (as text), in the order of the frames.
        digest: SHA-256 of all the other fields.
        files: file name → SHA-256.
        valid_fraction: split → share of frames that are valid.
    """

    format_version: int
    recipe: dict[str, Any]
    recipe_hash: str
    space: SpaceInfo
    engine: EngineInfo
    rig: RigInfo
    conventions: dict[str, str]
    categories: tuple[str, ...]
    seeds: dict[str, int]
    libraries: dict[str, str]
    frames: int
    modalities: dict[str, StoredArray]
    valid_fraction: dict[str, float]
    audit: Audit
    files: dict[str, str]
    trajectories: dict[str, TrajectoryInfo]
    digest: str = ""

    def sealed(self) -> Meta:
        """Return a copy that carries the digest of its fields."""
        fields = self.model_dump(mode="json", exclude={"digest"})
        return self.model_copy(update={"digest": digest_json(fields)})
