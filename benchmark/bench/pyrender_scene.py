"""A space rendered with pyrender, off screen, in software."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from benchmark.bench.contest import PeerMissing, package
from sim_envs.rig import Rig
from sim_envs.sensors.edges import edges_from_rgb
from sim_envs.sensors.normals import encoded_normals_from_depth
from sim_envs.space import NO_TEXTURE, Space

NEAR_M, FAR_M = 0.01, 100.0
SOFTWARE = {"PYOPENGL_PLATFORM": "egl", "LIBGL_ALWAYS_SOFTWARE": "1", "LP_NUM_THREADS": "0"}
"""Environment in which OpenGL is opened to draw without a screen and a GPU, on the thread that asks."""


class PyrenderScene:
    """Renders RGB, depth, normals, edges, semantic and instance in the stored types.

    Colours and depth are one pass, ids a second one, in which every node has a colour: that is how pyrender tells them,
    so the scene has a node for each instance and texture. Its normals cannot be asked for: they are derived from its
    depth, as in our engine ``habitat``. RGB is multisampled and mip-mapped by OpenGL.

    Raises:
        PeerMissing: pyrender is not installed, or OpenGL does not draw here.
    """

    def __init__(self, space: Space, rig: Rig) -> None:
        self.name = package("pyrender")
        self._rig, self._category = rig, space.instance_category
        before = dict(os.environ)
        os.environ.update(SOFTWARE)
        try:
            import pyrender

            self._flags = pyrender.RenderFlags
            self._screen = pyrender.OffscreenRenderer(rig.width, rig.height)
            self._scene = pyrender.Scene(bg_color=np.zeros(4))
            middle = (rig.width / 2, rig.height / 2)
            camera = pyrender.IntrinsicsCamera(rig.focal, rig.focal, *middle, znear=NEAR_M, zfar=FAR_M)
            self._camera = self._scene.add(camera)
            self._colours: dict[Any, np.ndarray] = {}
            kinds, kind = np.unique(np.stack([space.face_instance, space.face_texture]), axis=1, return_inverse=True)
            for number, (instance, texture) in enumerate(kinds.T):
                image = space.textures[texture] if texture != NO_TEXTURE else None
                node = self._scene.add(_mesh(pyrender, space, space.faces[kind.reshape(-1) == number], image))
                self._colours[node] = np.array([instance >> 8, instance & 255, 0], np.uint8)
            self.render(np.eye(4))
        except Exception as error:  # OpenGL fails in as many ways as there are drivers
            raise PeerMissing(
                f"OpenGL does not draw without a screen here ({type(error).__name__}: {error}). `tst-bench doctor` "
                f"looks for EGL."
            ) from error
        finally:
            for variable in SOFTWARE:
                os.environ.pop(variable)
            os.environ.update(before)

    def render(self, camera_to_world: np.ndarray) -> dict[str, np.ndarray]:
        """Return one frame of every modality; see :class:`sim_envs.engines.Engine`, and edges."""
        self._scene.set_pose(self._camera, camera_to_world)
        rgb, depth_m = self._screen.render(self._scene, self._flags.FLAT | self._flags.SKIP_CULL_FACES)
        ids, _ = self._screen.render(self._scene, self._flags.SEG | self._flags.SKIP_CULL_FACES, self._colours)
        instance = ids[..., 0].astype(np.uint16) << 8 | ids[..., 1]
        rgb = np.ascontiguousarray(rgb)
        return {
            "rgb": rgb,
            "depth": np.rint(depth_m * np.float32(1000)).astype(np.uint16),
            "normals": encoded_normals_from_depth(np.ascontiguousarray(depth_m), self._rig),
            "semantic": self._category[instance],
            "instance": instance,
            "edges": edges_from_rgb(rgb),
        }

    def close(self) -> None:
        """Free what OpenGL holds."""
        self._screen.delete()


def _mesh(pyrender: Any, space: Space, faces: np.ndarray, image: np.ndarray | None) -> Any:
    """Return some faces of a space, with their vertex colours and a texture, as pyrender takes them."""
    used, indices = np.unique(faces, return_inverse=True)
    material = pyrender.MetallicRoughnessMaterial(
        baseColorFactor=(1.0, 1.0, 1.0, 1.0),
        baseColorTexture=None if image is None else pyrender.Texture(source=image, source_channels="RGB"),
        doubleSided=True,
    )
    primitive = pyrender.Primitive(
        positions=space.vertices[used],
        color_0=np.column_stack([space.vertex_rgb[used] / np.float32(255), np.ones(len(used), np.float32)]),
        texcoord_0=space.uv[used],
        indices=indices.reshape(faces.shape).astype(np.uint32),
        material=material,
        mode=4,  # triangles
    )
    return pyrender.Mesh([primitive])
