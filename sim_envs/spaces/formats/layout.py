"""Where the files of a data set's scenes lie, and which of them are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sim_envs.errors import UserError


@dataclass(frozen=True)
class SceneFile:
    """One file of a scene.

    Attributes:
        role: what it is, e.g. ``mesh``.
        names: its path below the scene's folder, the usual one first; the first that exists is taken.
            ``{scene}`` is the name of the folder, ``{stem}`` what follows its last ``-``.
        hint: where to get it, for people.
    """

    role: str
    names: tuple[str, ...]
    hint: str = ""

    def paths(self, folder: Path) -> list[Path]:
        """Return where the file may be in the folder of a scene."""
        stem = folder.name.rpartition("-")[2]
        return [folder / name.format(scene=folder.name, stem=stem) for name in self.names]

    def find(self, folder: Path) -> Path | None:
        """Return where it is, or None."""
        return next((path for path in self.paths(folder) if path.is_file()), None)


@dataclass(frozen=True)
class Layout:
    """The folders and files of a data set.

    Attributes:
        folders: globs below the download's root at which the folders of scenes lie.
        needed: without these there is no scene.
        labels: either all of these are there, or the scene is taken without labels.
    """

    folders: tuple[str, ...]
    needed: tuple[SceneFile, ...]
    labels: tuple[SceneFile, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """One line a file, for people: its usual name and what it is for."""
        named = [(file, _role(file)) for file in self.needed]
        named += [(file, f"{_role(file)}; scenes without are taken without labels") for file in self.labels]
        return tuple(f"{self.folders[0]}/{file.names[0]} ({role})" for file, role in named)

    def scenes(self, root: Path) -> dict[str, Path]:
        """Return id → folder of every scene of which at least one file is there."""
        files = (*self.needed, *self.labels)
        candidates = [root.resolve(), *(path for pattern in self.folders for path in sorted(root.glob(pattern)))]
        found: dict[str, Path] = {}
        for folder in candidates:
            if folder.is_dir() and any(file.find(folder) for file in files):
                found.setdefault(folder.name, folder)
        return dict(sorted(found.items()))

    def find(self, root: Path, scene: str) -> Mapping[str, Path]:
        """Return role → path of the files of a scene; labels are either all in it or none.

        Raises:
            UserError: files are missing; all of them are named.
        """
        folder = self.scenes(root)[scene]
        found = {file.role: path for file in (*self.needed, *self.labels) if (path := file.find(folder))}
        missing = [file for file in self.needed if file.role not in found]
        without = [file for file in self.labels if file.role not in found]
        if without and (missing or len(without) < len(self.labels)):
            missing += without
        if missing:
            names = "; ".join(f"{_below(folder, file)} ({_role(file)})" for file in missing)
            count = f"{len(missing)} file{'s' if len(missing) > 1 else ''}"
            raise UserError(f"{count} of scene {scene} missing in {folder}: {names}.")
        return found

    @property
    def unlabelled_note(self) -> str:
        """The note for a scene whose labels are not there."""
        names = ", ".join(file.names[0] for file in self.labels)
        return f"no labels (there is no {names}): the space serves tasks that need none: depth and normals"


class LaidOut:
    """What formats share whose scenes are folders: the listing. Fills all of a scan format but ``read``."""

    title: str
    layout: Layout

    @property
    def files(self) -> tuple[str, ...]:
        """The files of a scene, one line each, for people."""
        return self.layout.lines

    def scenes(self, root: Path) -> list[str]:
        """Return the ids of the scenes below a download's root, complete or not, sorted."""
        return list(self.layout.scenes(root))


def _below(folder: Path, file: SceneFile) -> str:
    return file.paths(folder)[0].relative_to(folder).as_posix()


def _role(file: SceneFile) -> str:
    return f"{file.role}, {file.hint}" if file.hint else file.role
