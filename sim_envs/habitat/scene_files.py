"""Hand a space to habitat-sim as the files it reads, with nothing lost.

::

    scene.stage_config.json  names the others, says which axes are up and front, and asks for flat shading
    scene.glb                geometry, textures and vertex colours; Y up
    scene_semantic.ply       the same faces with their instance ids; Z up, as habitat-sim expects of a PLY
    data/default.pbr_config.json  read from the directory that habitat-sim is started in: without it, lighting
                             tables that flat shading does not use are built for 6 to 17 seconds

Both sides of a face are to be seen, as in every engine; habitat-sim culls back faces, so its worker turns that off.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sim_envs.errors import UserError
from sim_envs.space import NO_TEXTURE, Space
from sim_envs.storage import digest_json, disk_error

FORMAT = 2  # raise it when the files of a space become others
STAGE_CONFIG = "scene.stage_config.json"
RENDER_ASSET, SEMANTIC_ASSET = "scene.glb", "scene_semantic.ply"
PBR_CONFIG = "data/default.pbr_config.json"
KEEP_DAYS = 7
_MORTON_BITS = 16
CHUNK_FACES = 8192  # habitat-sim draws a mesh or leaves it out by its box, so a scene comes in pieces

_FLOAT, _UNSIGNED_INT, _UNSIGNED_BYTE = 5126, 5125, 5121  # component types of glTF
_VERTICES, _INDICES = 34962, 34963  # targets of buffer views
_LINEAR, _LINEAR_MIPMAP_NEAREST, _REPEAT = 9729, 9985, 10497  # as textures are sampled by ``raycast``


def scene_files(space: Space) -> Path:
    """Return a folder with the files of a space, written now if they are not there yet.

    It lies in the temporary folder (``TMPDIR`` moves it), named by what the space looks like, and can be deleted
    whenever nothing renders. Those that nothing has asked for in ``KEEP_DAYS`` days are.

    Raises:
        UserError: the disk is full or not writable.
    """
    name = digest_json({"space": space.digest, "format": FORMAT})[:24]
    folder = _own_folder() / name
    if folder.is_dir():
        os.utime(folder)
        return folder
    beside = folder.with_name(f"{name}.{os.getpid()}.part")
    try:
        _forget_old(folder.parent)
        beside.mkdir()
        write_scene_files(space, beside)
        try:
            beside.rename(folder)
        except OSError:  # another process was first
            if not folder.is_dir():
                raise
    except OSError as error:
        raise disk_error(folder, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def write_scene_files(space: Space, folder: Path) -> None:
    """Write the files of a space into an existing folder."""
    stage = {
        "render_asset": RENDER_ASSET,
        "semantic_asset": SEMANTIC_ASSET,
        "up": [0.0, 1.0, 0.0],
        "front": [0.0, 0.0, -1.0],
        "shader_type": "flat",
        "force_flat_shading": True,
        "frustum_culling": True,
    }
    (folder / STAGE_CONFIG).write_text(json.dumps(stage, indent=1), encoding="utf-8")
    _write_glb(space, folder / RENDER_ASSET)
    _write_semantic_ply(space, folder / SEMANTIC_ASSET)
    (folder / PBR_CONFIG).parent.mkdir()
    pbr = {"enable_ibl": False, "ibl_envmap_filename": "none.hdr"}
    (folder / PBR_CONFIG).write_text(json.dumps(pbr), encoding="utf-8")


def _own_folder() -> Path:
    """Return a folder for this user below the temporary one; others may not write into it.

    Raises:
        UserError: somebody else made it.
    """
    folder = Path(tempfile.gettempdir()) / f"tst-bench-habitat-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = folder.stat().st_uid
    except OSError as error:
        raise disk_error(folder, error) from error
    if owner != os.getuid():
        raise UserError(f"{folder} belongs to somebody else. Set TMPDIR to a folder of your own.")
    return folder


def _forget_old(folder: Path) -> None:
    oldest = time.time() - KEEP_DAYS * 86400
    for scene in folder.iterdir():
        if scene.stat().st_mtime < oldest:
            shutil.rmtree(scene, ignore_errors=True)


def _near_one_another(space: Space) -> np.ndarray:
    """Return the numbers of the faces in an order in which neighbours in the list are neighbours in space.

    It follows the Morton curve of their centres. Rendering in software takes a quarter less time on a scan whose
    faces come so, because vertices are still at hand when they are used again.
    """
    centre = space.vertices[space.faces].mean(axis=1)
    low, high = centre.min(axis=0), centre.max(axis=0)
    cell = ((centre - low) / max(float((high - low).max()), 1e-9) * (2**_MORTON_BITS - 1)).astype(np.int64)
    code = np.zeros(len(cell), np.int64)
    for bit in range(_MORTON_BITS):
        for axis in range(3):
            code |= (cell[:, axis] >> bit & 1) << (3 * bit + axis)
    return np.argsort(code, kind="stable")


def _pieces(space: Space) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (texture, (N,) numbers of faces): near one another, of one texture, at most ``CHUNK_FACES``."""
    order = _near_one_another(space)
    centre = space.vertices[space.faces[order]].mean(axis=1)
    for texture in np.unique(space.face_texture):
        todo = [np.flatnonzero(space.face_texture[order] == texture)]  # places in ``order``
        while todo:
            places = todo.pop()
            if len(places) <= CHUNK_FACES:
                yield int(texture), order[np.sort(places)]
                continue
            at = centre[places]
            axis = int(np.ptp(at, axis=0).argmax())
            halves = np.argpartition(at[:, axis], len(places) // 2)
            todo += [places[halves[len(places) // 2 :]], places[halves[: len(places) // 2]]]


def _write_glb(space: Space, path: Path) -> None:
    """Write glTF 2.0, binary: one mesh a piece, unlit materials, textures as PNG inside.

    Colours are bytes all the way: ``COLOR_0`` as normalised uint8, multiplied by the texture as it is stored.
    """
    binary = _Binary()
    gltf: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": []}],
        "nodes": [],
        "meshes": [],
        "materials": [],
    }
    if space.textures:
        gltf["samplers"] = [
            {"magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAP_NEAREST, "wrapS": _REPEAT, "wrapT": _REPEAT}
        ]
        gltf["images"] = [
            {"bufferView": binary.view(_png(texture)), "mimeType": "image/png"} for texture in space.textures
        ]
        gltf["textures"] = [{"sampler": 0, "source": i} for i in range(len(space.textures))]
    materials: dict[int, int] = {}
    for texture, faces in _pieces(space):
        if texture not in materials:
            materials[texture] = len(gltf["materials"])
            gltf["materials"].append(_material(texture))
        used, corners = _in_order_of_use(space.faces[faces])
        rgba = np.full((len(used), 4), 255, np.uint8)
        rgba[:, :3] = space.vertex_rgb[used]
        attributes = {
            "POSITION": binary.accessor(space.vertices[used], "VEC3", bounds=True),
            "COLOR_0": binary.accessor(rgba, "VEC4", normalized=True),
        }
        if texture != NO_TEXTURE:
            uv = space.uv[used].astype(np.float64) * (1, -1) + (0, 1)  # glTF counts v downwards
            attributes["TEXCOORD_0"] = binary.accessor(uv.astype(np.float32), "VEC2")
        primitive = {
            "attributes": attributes,
            "indices": binary.accessor(corners, "SCALAR"),
            "material": materials[texture],
        }
        gltf["scenes"][0]["nodes"].append(len(gltf["nodes"]))
        gltf["nodes"].append({"mesh": len(gltf["meshes"])})
        gltf["meshes"].append({"primitives": [primitive]})
    gltf["accessors"], gltf["bufferViews"] = binary.accessors, binary.views
    gltf["buffers"] = [{"byteLength": binary.size}]
    text = json.dumps(gltf, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    with path.open("wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + binary.size))
        file.write(struct.pack("<I4s", len(text), b"JSON") + text)
        file.write(struct.pack("<I4s", binary.size, b"BIN\0"))
        for block in binary.blocks:
            file.write(block)


def _in_order_of_use(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertices that faces use, in the order in which they do, and (3N,) uint32 indices into them."""
    vertices, first, corners = np.unique(faces, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.uint32)
    place[order] = np.arange(len(order))
    return vertices[order], place[corners.reshape(-1)]


def _material(texture: int) -> dict[str, Any]:
    surface: dict[str, Any] = {"metallicFactor": 0.0}
    if texture != NO_TEXTURE:
        surface["baseColorTexture"] = {"index": texture}
    return {"pbrMetallicRoughness": surface, "doubleSided": True, "extensions": {"KHR_materials_unlit": {}}}


class _Binary:
    """The binary chunk of a GLB in the making, and the tables that describe it."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.size = 0

    def view(self, data: bytes, target: int | None = None) -> int:
        """Append bytes and return the number of their buffer view."""
        self.views.append({"buffer": 0, "byteOffset": self.size, "byteLength": len(data)})
        if target is not None:
            self.views[-1]["target"] = target
        padded = data + b"\0" * (-len(data) % 4)
        self.blocks.append(padded)
        self.size += len(padded)
        return len(self.views) - 1

    def accessor(self, values: np.ndarray, kind: str, normalized: bool = False, bounds: bool = False) -> int:
        """Append an array and return the number of its accessor."""
        component = {"f": _FLOAT, "u": _UNSIGNED_INT}[values.dtype.kind] if values.itemsize == 4 else _UNSIGNED_BYTE
        entry: dict[str, Any] = {
            "bufferView": self.view(values.tobytes(), _INDICES if kind == "SCALAR" else _VERTICES),
            "componentType": component,
            "count": len(values),
            "type": kind,
        }
        if normalized:
            entry["normalized"] = True
        if bounds:
            entry |= {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
        self.accessors.append(entry)
        return len(self.accessors) - 1


def _png(texture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(texture).save(out, format="PNG", compress_level=1)
    return out.getvalue()


def _write_semantic_ply(space: Space, path: Path) -> None:
    """Write a binary PLY whose faces carry ``object_id``; vertices have colours, without which it is refused."""
    vertices = np.zeros(len(space.vertices), [("at", "<f4", 3), ("rgb", "u1", 3)])
    x, y, z = space.vertices.T
    vertices["at"] = np.stack([x, -z, y], axis=1)  # Z up: habitat-sim turns it back
    vertices["rgb"] = space.vertex_rgb
    order = _near_one_another(space)
    faces = np.zeros(len(order), [("count", "u1"), ("corners", "<i4", 3), ("id", "<i4")])
    faces["count"], faces["corners"], faces["id"] = 3, space.faces[order], space.face_instance[order]
    header = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertices)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        "property uchar red\nproperty uchar green\nproperty uchar blue\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nproperty int object_id\nend_header\n"
    )
    with path.open("wb") as file:
        file.write(header.encode())
        file.write(vertices.tobytes())
        file.write(faces.tobytes())
