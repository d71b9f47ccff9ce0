"""Read glTF 2.0 (.glb, .gltf) as one mesh: nodes, primitives, base colours and their textures, in file order.

Our own reader, because labels need the file's own order of vertices and faces, and a texture that fails to
load must be an error; general loaders merge, rename and carry on.
Specification: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from PIL import Image

from sim_envs.space import NO_TEXTURE
from sim_envs.spaces.scans.basis_file import ADVICE, can_decode, decode_basis, is_basis
from sim_envs.spaces.scans.mesh_files import MeshFileError, RawMesh

_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_READABLE = {
    "EXT_texture_webp",
    "GOOGLE_texture_basis",
    "KHR_materials_pbrSpecularGlossiness",
    "KHR_materials_unlit",
    "KHR_mesh_quantization",
    "KHR_texture_basisu",
    "KHR_texture_transform",
}
_IMAGE_EXTENSIONS = ("KHR_texture_basisu", "GOOGLE_texture_basis", "EXT_texture_webp")
_TRIANGLES, _STRIP, _FAN = 4, 5, 6


@dataclass(frozen=True)
class _Material:
    """A base colour: texture number or ``NO_TEXTURE``, sRGB factor, and how to reach the coordinates."""

    texture: int = NO_TEXTURE
    rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    texcoord: int = 0
    offset: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    rotation: float = 0.0


@dataclass(frozen=True, eq=False)
class _Part:
    """One primitive in world coordinates."""

    vertices: np.ndarray
    faces: np.ndarray
    vertex_rgb: np.ndarray
    uv: np.ndarray
    texture: int
    coloured: bool


def read_gltf(path: Path) -> RawMesh:
    """Read a glTF file as a triangle mesh.

    Vertices and faces are counted primitive after primitive, in the order in which a depth-first walk of the
    scene meets them. Base colour factors are linear in glTF and are converted to sRGB; so are vertex colours
    stored as floats or 16-bit numbers. 8-bit vertex colours are taken as sRGB, which is what scanners write.

    Raises:
        MeshFileError: not glTF 2.0, compressed in a way that is not read, a missing buffer or texture.
    """
    try:
        return _Document(path).mesh()
    except (KeyError, IndexError, TypeError, ValueError, struct.error) as error:
        raise MeshFileError(f"it is not valid glTF 2.0 ({type(error).__name__}: {str(error)[:100]}).") from error


def gltf_json(path: Path) -> dict[str, Any]:
    """Return the JSON of a glTF file.

    Raises:
        MeshFileError: it has none.
    """
    data = path.read_bytes()
    try:
        return _split_glb(data)[0] if data[:4] == b"glTF" else _parse_json(data)
    except (KeyError, struct.error) as error:
        raise MeshFileError(f"it is not valid glTF 2.0 ({type(error).__name__}).") from error


class _Document:
    """An opened file: its JSON, its buffers, and the other files they came from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.companions: list[Path] = []
        data = path.read_bytes()
        self.json, binary = _split_glb(data) if data[:4] == b"glTF" else (_parse_json(data), b"")
        unread = sorted(set(self.json.get("extensionsRequired", [])) - _READABLE)
        if unread:
            raise MeshFileError(f"it needs {', '.join(unread)}, which is not read; export it without compression.")
        if not str(self.json["asset"]["version"]).startswith("2"):
            raise MeshFileError(f"it is glTF {self.json['asset']['version']}; version 2 is read.")
        self.buffers = [
            self._uri(buffer["uri"]) if "uri" in buffer else binary for buffer in self.json.get("buffers", [])
        ]

    def mesh(self) -> RawMesh:
        materials = [self._material(raw) for raw in self.json.get("materials", [])]
        parts = [
            self._part(primitive, matrix, materials)
            for mesh, matrix in self._placed_meshes()
            for primitive in self.json["meshes"][mesh]["primitives"]
            if primitive.get("mode", _TRIANGLES) in (_TRIANGLES, _STRIP, _FAN)
        ]
        if not parts:
            raise MeshFileError("it is a mesh without faces.")
        images = {number: self._image(number) for number in sorted({part.texture for part in parts} - {NO_TEXTURE})}
        textures = {number: image for number, image in images.items() if image is not None}
        start = np.cumsum([0] + [len(part.vertices) for part in parts])
        faces = np.concatenate([part.faces + first for part, first in zip(parts, start[:-1], strict=True)])
        texture_of = dict.fromkeys([NO_TEXTURE, *images], NO_TEXTURE)
        texture_of |= {number: i for i, number in enumerate(textures)}
        coloured = any(part.coloured for part in parts)
        return RawMesh(
            vertices=np.concatenate([part.vertices for part in parts]),
            faces=faces,
            vertex_rgb=np.concatenate([part.vertex_rgb for part in parts]) if coloured else None,
            uv=np.concatenate([part.uv for part in parts]),
            face_texture=np.concatenate(
                [np.full(len(part.faces), texture_of[part.texture], np.int32) for part in parts]
            ),
            textures=tuple(textures.values()),
            vertex_origin=np.arange(start[-1]),
            face_origin=np.arange(len(faces)),
            file_counts=(int(start[-1]), len(faces)),
            companions=tuple(self.companions),
            notes=self._unread(sorted(set(images) - set(textures))),
        )

    def _unread(self, textures: list[int]) -> tuple[str, ...]:
        """Return the note on textures that are left out."""
        if not textures:
            return ()
        names = [self.json["textures"][number].get("name") or str(number) for number in textures]
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        return (
            f"{self.path.name}: {len(names)} textures are compressed with Basis Universal ({shown}); their parts have "
            f"the base colour alone. {ADVICE}",
        )

    def _placed_meshes(self) -> list[tuple[int, np.ndarray]]:
        """Walk the scene depth first; return mesh numbers with their (4, 4) local-to-world matrices."""
        nodes = self.json.get("nodes", [])
        placed = []
        stack = [(root, np.eye(4), 0) for root in reversed(scene_roots(self.json))]
        while stack:
            number, above, depth = stack.pop()
            if depth > len(nodes):
                raise MeshFileError("its nodes run in a circle.")
            node = nodes[number]
            matrix = above @ local_matrix(node)
            if "mesh" in node:
                placed.append((int(node["mesh"]), matrix))
            stack += [(child, matrix, depth + 1) for child in reversed(node.get("children", []))]
        return placed

    def _part(self, primitive: dict[str, Any], matrix: np.ndarray, materials: list[_Material]) -> _Part:
        attributes = primitive["attributes"]
        local = self._accessor(attributes["POSITION"]).astype(np.float64)
        count = len(local)
        material = materials[primitive["material"]] if "material" in primitive else None
        indices = self._accessor(primitive["indices"])[:, 0] if "indices" in primitive else np.arange(count)
        rgb = np.ones((count, 3))
        if "COLOR_0" in attributes:
            rgb = self._colours(attributes["COLOR_0"])
        factor = material.rgb if material else (1.0, 1.0, 1.0)
        uv = np.zeros((count, 2), np.float32)
        texture = material.texture if material else NO_TEXTURE
        if material is not None and texture != NO_TEXTURE:
            coordinates = attributes.get(f"TEXCOORD_{material.texcoord}")
            if coordinates is None:
                raise MeshFileError(f"a textured primitive lacks TEXCOORD_{material.texcoord}.")
            uv = _transformed_uv(self._accessor(coordinates).astype(np.float64), material)
        with np.errstate(invalid="ignore"):  # positions that are not finite are for the importer to drop
            placed = local @ matrix[:3, :3].T + matrix[:3, 3]
        return _Part(
            vertices=placed,
            faces=_triangles(indices.astype(np.int64), primitive.get("mode", _TRIANGLES)),
            vertex_rgb=np.round(255 * np.clip(rgb * factor, 0, 1)).astype(np.uint8),
            uv=uv,
            texture=texture,
            coloured=material is not None or "COLOR_0" in attributes,
        )

    def _colours(self, accessor: int) -> np.ndarray:
        """Return (V, 3) float sRGB in 0…1."""
        values = self._accessor(accessor)[:, :3].astype(np.float64)
        is_byte = self.json["accessors"][accessor]["componentType"] == 5121
        return values if is_byte else _linear_to_srgb(values)

    def _accessor(self, number: int) -> np.ndarray:
        """Return (count, width) values; normalised integers become floats in −1…1."""
        accessor = self.json["accessors"][number]
        dtype, width, count = (
            np.dtype(_COMPONENTS[accessor["componentType"]]),
            _WIDTHS[accessor["type"]],
            accessor["count"],
        )
        values = np.zeros((count, width), dtype)
        if "bufferView" in accessor:
            values = self._strided(accessor["bufferView"], accessor.get("byteOffset", 0), dtype, count, width)
        if "sparse" in accessor:
            sparse = accessor["sparse"]
            where, what = sparse["indices"], sparse["values"]
            index_type = np.dtype(_COMPONENTS[where["componentType"]])
            at = self._strided(where["bufferView"], where.get("byteOffset", 0), index_type, sparse["count"], 1)
            values = values.copy()
            values[at[:, 0]] = self._strided(
                what["bufferView"], what.get("byteOffset", 0), dtype, sparse["count"], width
            )
        if accessor.get("normalized") and dtype.kind != "f":
            return np.maximum(values / np.iinfo(dtype).max, -1.0)
        return values

    def _strided(self, view_number: int, offset: int, dtype: np.dtype, count: int, width: int) -> np.ndarray:
        view = self.json["bufferViews"][view_number]
        stride = view.get("byteStride", dtype.itemsize * width)
        start = view.get("byteOffset", 0) + offset
        buffer = self.buffers[view["buffer"]]
        if count and start + stride * (count - 1) + dtype.itemsize * width > len(buffer):
            raise MeshFileError("a buffer is shorter than the file says; it is cut short.")
        return np.ndarray((count, width), dtype, buffer, start, (stride, dtype.itemsize))

    def _material(self, raw: dict[str, Any]) -> _Material:
        base, factor, texture = raw.get("pbrMetallicRoughness", {}), "baseColorFactor", "baseColorTexture"
        older = raw.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness")
        if older is not None:
            base, factor, texture = older, "diffuseFactor", "diffuseTexture"
        r, g, b = _linear_to_srgb(np.array(base.get(factor, [1, 1, 1, 1])[:3], np.float64)).tolist()
        info = base.get(texture)
        if info is None:
            return _Material(rgb=(r, g, b))
        moved = info.get("extensions", {}).get("KHR_texture_transform", {})
        return _Material(
            texture=int(info["index"]),
            rgb=(r, g, b),
            texcoord=int(moved.get("texCoord", info.get("texCoord", 0))),
            offset=tuple(moved.get("offset", (0.0, 0.0))),
            scale=tuple(moved.get("scale", (1.0, 1.0))),
            rotation=float(moved.get("rotation", 0.0)),
        )

    def _image(self, texture_number: int) -> np.ndarray | None:
        """Return a texture, or None where its compression cannot be undone here."""
        texture = self.json["textures"][texture_number]
        extensions = texture.get("extensions", {})
        sources = [extensions[name]["source"] for name in _IMAGE_EXTENSIONS if "source" in extensions.get(name, {})]
        source = sources[0] if sources else texture.get("source")
        if source is None:
            raise MeshFileError("a texture is stored in a format that is not read; export it with PNG or JPEG.")
        image = self.json["images"][source]
        if "uri" in image:
            data = self._uri(image["uri"])
        else:
            view = self.json["bufferViews"][image["bufferView"]]
            start = view.get("byteOffset", 0)
            data = self.buffers[view["buffer"]][start : start + view["byteLength"]]
        if is_basis(data):
            return decode_basis(data) if can_decode() else None
        try:
            with Image.open(io.BytesIO(data)) as opened:
                return np.asarray(opened.convert("RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            raise MeshFileError(f"its texture {texture_number} is not a readable image.") from error

    def _uri(self, uri: str) -> bytes:
        if uri.startswith("data:"):
            try:
                return base64.b64decode(uri.partition(",")[2], validate=True)
            except binascii.Error as error:
                raise MeshFileError("a data URI is not base64; the file is damaged.") from error
        companion = self.path.parent / unquote(uri)
        if not companion.is_file():
            raise MeshFileError(f"its file {uri} is missing; put it beside the mesh.")
        self.companions.append(companion)
        return companion.read_bytes()


def _split_glb(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the JSON and the binary chunk of a .glb."""
    if len(data) < 12:
        raise MeshFileError("it is cut short: not even the header of a GLB file is there.")
    _, version, length = struct.unpack_from("<4sII", data)
    if version != 2:
        raise MeshFileError(f"it is glTF {version}; version 2 is read.")
    if length > len(data):
        raise MeshFileError("it is cut short.")
    chunks: dict[bytes, bytes] = {}
    offset = 12
    while offset + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, offset)
        chunks.setdefault(kind, data[offset + 8 : offset + 8 + size])
        offset += 8 + size
    return _parse_json(chunks[b"JSON"]), chunks.get(b"BIN\0", b"")


def _parse_json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise MeshFileError("it is not glTF: its JSON cannot be read.") from error
    if not isinstance(value, dict):
        raise MeshFileError("it is not glTF: its JSON is no object.")
    return value


def scene_roots(document: dict[str, Any]) -> list[int]:
    """Return the nodes at the top of the scene that a document shows."""
    nodes, scenes = document.get("nodes", []), document.get("scenes")
    if scenes:
        return list(scenes[document.get("scene", 0)].get("nodes", []))
    children = {child for node in nodes for child in node.get("children", [])}
    return [i for i in range(len(nodes)) if i not in children]


def local_matrix(node: dict[str, Any]) -> np.ndarray:
    """Return a node's (4, 4) matrix: given as such, column by column, or as translation, rotation, scale."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.array(node.get("scale", (1.0, 1.0, 1.0)))
    matrix[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return matrix


def _triangles(indices: np.ndarray, mode: int) -> np.ndarray:
    if mode == _TRIANGLES:
        return indices[: len(indices) // 3 * 3].reshape(-1, 3)
    if mode == _FAN:
        return np.stack([np.full(max(len(indices) - 2, 0), indices[0]), indices[1:-1], indices[2:]], axis=1)
    strip = np.stack([indices[:-2], indices[1:-1], indices[2:]], axis=1)
    strip[1::2] = strip[1::2, [1, 0, 2]]
    return strip


def _transformed_uv(uv: np.ndarray, material: _Material) -> np.ndarray:
    """Apply KHR_texture_transform and turn glTF's v down into v up."""
    c, s = np.cos(material.rotation), np.sin(material.rotation)
    uv = uv * material.scale @ np.array([[c, -s], [s, c]]) + material.offset
    return np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1).astype(np.float32)


def _linear_to_srgb(linear: np.ndarray) -> np.ndarray:
    """Apply the sRGB transfer curve (IEC 61966-2-1) to values in 0…1."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
