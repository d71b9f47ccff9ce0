"""3D-FRONT and 3D-FUTURE (Fu et al., ICCV 2021; IJCV 2021), put together by the package ``scenezoo``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sim_envs.errors import UserError
from sim_envs.spaces.formats.instances import labelled_scan
from sim_envs.spaces.formats.scenezoo_package import of_open3d, said, scenezoo
from sim_envs.spaces.scans.assemble import RawScan

_NO_INSTANCE = -1


class ThreeDFront:
    """3D-FRONT: houses put together of walls, floors and the furniture of 3D-FUTURE, with their textures."""

    title = "3D-FRONT"

    @property
    def files(self) -> tuple[str, ...]:
        """The files of a scene, for people."""
        return (
            "3D-FRONT/{scene}.json (the house)",
            "3D-FUTURE-model/model_info.json (categories)",
            "3D-FUTURE-model/<model>/raw_model.obj, texture.png of each piece of furniture in it",
            "3D-FRONT-texture/<texture>/texture.png (without it walls and floors are of one colour)",
        )

    def scenes(self, root: Path) -> list[str]:
        """Return the ids of the houses."""
        return sorted(path.stem for path in (root / "3D-FRONT").glob("*.json"))

    def read(self, root: Path, scene: str) -> RawScan:
        """Read one house; walls, floors and other parts of the building are one instance a kind.

        Raises:
            UserError: files are missing, scenezoo is not installed, or it cannot read them.
        """
        reader = scenezoo().get_dataset("3dfront", root, offline=True)
        report = reader.check(sample_ids=[scene])
        if not report.ok:
            raise UserError(f"Scene {scene} of 3D-FRONT is not whole: {' '.join(i.message for i in report.errors)}")
        try:
            mesh = of_open3d(reader.get_mesh(scene))
            pieces = reader.get_segmentation(scene, segmentation_type="instance")
            kinds = reader.get_segmentation(scene, segmentation_type="semantic")
        except Exception as error:  # scenezoo raises what its parsers raise
            raise UserError(f"scenezoo cannot read scene {scene} of {self.title} ({said(error)}).") from error
        piece, kind = np.asarray(pieces.labels, np.int64), np.asarray(kinds.labels, np.int64)
        after = int(piece.max(initial=_NO_INSTANCE)) + 1
        ids = np.where(piece == pieces.invalid_id, after + kind, piece)
        names = {int(i): str(name) for i, name in pieces.id_to_name.items()}
        names |= {after + int(i): str(name) for i, name in kinds.id_to_name.items()}
        return labelled_scan(
            mesh,
            ids,
            names,
            none=_NO_INSTANCE,
            files={"mesh": root / "3D-FRONT" / f"{scene}.json"},
            source=f"{self.title}, scene {scene}, read with scenezoo {scenezoo().__version__}",
            up="z",
        )
