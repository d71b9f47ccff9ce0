"""Tiny downloads of public data sets, written byte by byte as their format descriptions say.

One scene each: a room of 4 × 3 × 2.5 m (x, y, z; Z is up), with a floor at z = 0, a wall at y = -0.2 and a table top
at z = 0.7; every surface is cut into unit squares or so, so that which face bears which label is known in closed form.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PARTS = ("floor", "wall", "table", "bare")
"""The last part bears no label."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Quads in Z-up metres.

    Attributes:
        vertices: (V, 3) float32; no vertex is shared by two parts.
        quads: (Q, 4).
        part: (Q,) index into ``PARTS``.
        rgb: (V, 3) uint8.
    """

    vertices: np.ndarray
    quads: np.ndarray
    part: np.ndarray
    rgb: np.ndarray

    @property
    def triangles(self) -> np.ndarray:
        """(2 Q, 3), quad after quad."""
        return self.quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)

    @property
    def y_up(self) -> np.ndarray:
        """(V, 3) the vertices in the world frame."""
        return self.vertices[:, [0, 2, 1]] * np.array([1, 1, -1], np.float32)

    def labels(self, ids: tuple[int, int, int, int]) -> np.ndarray:
        """(Q,) one id a quad, by part."""
        return np.array(ids)[self.part]


def scene() -> Scene:
    """Return the room."""
    grids = [
        (np.arange(5), np.arange(4), lambda u, v: (u, v, 0 * u)),
        (np.arange(5), np.array([0.1, 1.25, 2.4]), lambda u, v: (u, 0 * u - 0.2, v)),
        (np.array([1, 1.75, 2.5]), np.array([1, 1.5]), lambda u, v: (u, v, 0 * u + 0.7)),
        (np.array([0, 4]), np.array([0, 3]), lambda u, v: (u, v, 0 * u + 2.5)),
    ]
    vertices, quads, part = [], [], []
    for number, (us, vs, place) in enumerate(grids):
        u, v = (grid.ravel().astype(float) for grid in np.meshgrid(us, vs, indexing="ij"))
        start = sum(map(len, vertices))
        vertices.append(np.stack(place(u, v), axis=1))
        corner = start + np.arange(len(us) * len(vs)).reshape(len(us), len(vs))
        cut = np.stack([corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], axis=-1).reshape(-1, 4)
        quads.append(cut)
        part += [number] * len(cut)
    count = sum(map(len, vertices))
    rgb = np.random.default_rng(0).integers(0, 256, (count, 3)).astype(np.uint8)
    return Scene(np.concatenate(vertices).astype(np.float32), np.concatenate(quads), np.array(part), rgb)


def ply_bytes(columns: dict[str, np.ndarray], polygons: np.ndarray, face_columns: dict[str, np.ndarray]) -> bytes:
    """Return a binary little-endian PLY; property types are those of the arrays, indices are int."""
    names = {"f4": "float", "f8": "double", "u1": "uchar", "i4": "int", "u2": "ushort"}
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(next(iter(columns.values())))}"]
    header += [f"property {names[a.dtype.str[1:]]} {name}" for name, a in columns.items()]
    header += [f"element face {len(polygons)}", "property list uchar int vertex_indices"]
    header += [f"property {names[a.dtype.str[1:]]} {name}" for name, a in face_columns.items()]
    rows = [*zip(*columns.values(), strict=True)]
    body = b"".join(b"".join(value.tobytes() for value in row) for row in rows)
    for i, polygon in enumerate(polygons):
        body += struct.pack(f"<B{len(polygon)}i", len(polygon), *polygon)
        body += b"".join(a[i].tobytes() for a in face_columns.values())
    return ("\n".join([*header, "end_header"]) + "\n").encode() + body


def coloured(room: Scene, normals: bool = True) -> dict[str, np.ndarray]:
    """Return the vertex columns of a coloured PLY."""
    columns = {axis: room.vertices[:, i] for i, axis in enumerate("xyz")}
    if normals:
        columns |= {name: np.zeros(len(room.vertices), np.float32) for name in ("nx", "ny", "nz")}
    return columns | {name: room.rgb[:, i] for i, name in enumerate(("red", "green", "blue"))}


def put(path: Path, data: bytes | str | dict[str, Any]) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(data, dict):
        data = json.dumps(data)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def write_replica(root: Path, name: str = "room_0") -> Scene:
    """Write a scene of Replica: two quad meshes and the table of objects and classes."""
    room = scene()
    folder = root / name
    put(folder / "mesh.ply", ply_bytes(coloured(room), room.quads, {}))
    ids = room.labels((4, 0, 9, -1)).astype(np.int32)
    put(folder / "habitat" / "mesh_semantic.ply", ply_bytes(coloured(room), room.quads, {"object_id": ids}))
    box = {"abb": {"center": [0, 0, 0], "sizes": [1, 1, 1]}, "orientation": {}}
    classes = {40: "floor", 93: "wall", 80: "table"}
    objects = [(4, 40), (0, 93), (9, 80)]
    info = {
        "classes": [{"id": i, "name": name} for i, name in classes.items()],
        "objects": [{"id": i, "class_id": c, "class_name": classes[c], "oriented_bbox": box} for i, c in objects],
        "id_to_label": [],
    }
    put(folder / "habitat" / "info_semantic.json", info)
    return room


def glb(
    vertices: np.ndarray,
    triangles: np.ndarray,
    rgb_linear: np.ndarray | None = None,
    uv: np.ndarray | None = None,
    image: np.ndarray | None = None,
) -> bytes:
    """Return a GLB of one primitive: float colours, or texture coordinates and a PNG."""
    arrays: list[tuple[bytes, dict[str, Any]]] = []

    def add(array: np.ndarray, component: int, kind: str) -> int:
        arrays.append((array.tobytes(), {"componentType": component, "count": len(array), "type": kind}))
        return len(arrays) - 1

    attributes = {"POSITION": add(vertices.astype("<f4"), 5126, "VEC3")}
    if rgb_linear is not None:
        attributes["COLOR_0"] = add(rgb_linear.astype("<f4"), 5126, "VEC3")
    if uv is not None:
        attributes["TEXCOORD_0"] = add(uv.astype("<f4"), 5126, "VEC2")
    primitive: dict[str, Any] = {
        "attributes": attributes,
        "indices": add(triangles.astype("<u4").reshape(-1, 1), 5125, "SCALAR"),
    }
    head: dict[str, Any] = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}]}
    blobs = [data for data, _ in arrays]
    if image is not None:
        png = BytesIO()
        Image.fromarray(image).save(png, "PNG")
        blobs.append(png.getvalue())
        primitive["material"] = 0
        head |= {
            "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
            "textures": [{"source": 0}],
            "images": [{"bufferView": len(arrays), "mimeType": "image/png"}],
        }
    views, binary = [], b""
    for blob in blobs:
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(blob)})
        binary += blob + b"\0" * (-len(blob) % 4)
    head["meshes"] = [{"primitives": [primitive]}]
    head["bufferViews"], head["buffers"] = views, [{"byteLength": len(binary)}]
    head["accessors"] = [{"bufferView": i, **description} for i, (_, description) in enumerate(arrays)]
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 4)
    size = 12 + 8 + len(text) + 8 + len(binary)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, size) + chunks


def linear(srgb: np.ndarray) -> np.ndarray:
    """Return the linear values of sRGB bytes (IEC 61966-2-1)."""
    values = srgb / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


HM3D_COLOURS = {1: "C9C373", 2: "23694C", 3: "0B0D0F"}


def write_hm3d(root: Path, name: str = "00800-TEEsavR23oF", painted: str = "texture") -> Scene:
    """Write a scene of HM3D with semantics: painted in a texture (version 0.2) or in vertex colours (0.1)."""
    room = scene()
    stem = name.rpartition("-")[2]
    folder = root / "minival" / name
    uv = (room.vertices[:, :2] + 0.5) / 8
    photo = np.random.default_rng(1).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    put(folder / f"{stem}.glb", glb(room.vertices, room.triangles, uv=uv, image=photo))
    colours = np.array([[int(HM3D_COLOURS[i][k : k + 2], 16) for k in (0, 2, 4)] for i in (1, 2, 3)] + [[9, 9, 9]])
    part_of_vertex = np.zeros(len(room.vertices), int)
    part_of_vertex[room.quads.ravel()] = np.repeat(room.part, 4)
    # the semantic mesh is another file of the same surface: its triangles come in another order
    order = np.random.default_rng(2).permutation(len(room.triangles))
    if painted == "vertices":
        data = glb(room.vertices, room.triangles[order], rgb_linear=linear(colours[part_of_vertex]))
    else:
        # four stripes, one a part; every triangle lies within the stripe of its part
        stripes = np.repeat(np.repeat(colours[None].astype(np.uint8), 4, axis=0), 8, axis=1)
        low, high = room.vertices.min(axis=0), room.vertices.max(axis=0)
        inside = (room.vertices[:, 0] - low[0]) / (high[0] - low[0])
        u = (part_of_vertex + 0.1 + 0.8 * inside) / 4
        across = (room.vertices[:, 1] + room.vertices[:, 2]) / 6
        data = glb(room.vertices, room.triangles[order], uv=np.stack([u, across], axis=1), image=stripes)
    put(folder / f"{stem}.semantic.glb", data)
    text = 'HM3D Semantic Annotations\n1,C9C373,"floor",0\n2,23694C,"wall, tiled",0\n3,0B0D0F,"table",0\n'
    put(folder / f"{stem}.semantic.txt", text)
    return room


def write_house(path: Path) -> Path:
    """Write a ``.house`` file with three objects of four segments; object 3 has no category."""
    zeros = " 0 0 0 0 0"
    box = " 0 0 0 4 3 2.5"
    lines = [
        "ASCII 1.1",
        f"H {path.stem} - 0 0 0 0 4 4 3 1 0 1 {zeros}{box}{zeros}",
        f"L 0 1 -  0 0 0 {box}{zeros}",
        f"R 0 0 0 0 k  0 0 0 {box} 2.5 0 0 0 0",
        f"C 0 4 floor 2 floor{zeros}",
        f"C 1 1 tiled#wall 1 wall{zeros}",
        f"C 2 12 dining#table 5 table{zeros}",
        *(f"O {i} 0 {c}  0 0 0  1 0 0  0 1 0  1 1 1 0 0 0 0 0 0 0 0" for i, c in enumerate((0, 1, 2, -1))),
        *(f"E {i} {i} {1000000 + s} 1.0 0 0 0 {box}{zeros}" for i, s in enumerate((5, 6, 7, 8))),
    ]
    return put(path, "\n".join(lines) + "\n")


def write_matterport3d(root: Path, name: str = "17DRP5sb8fy") -> Scene:
    """Write a house of Matterport3D as its bundle house_segmentations unpacks."""
    room = scene()
    folder = root / "v1" / "scans" / name / "house_segmentations"
    part = np.repeat(room.part, 2)
    columns = coloured(room)
    texture = {name: np.zeros(len(room.vertices), np.float32) for name in ("tx", "ty")}
    columns = {**{k: columns[k] for k in ("x", "y", "z", "nx", "ny", "nz")}, **texture, **columns}
    faces = {
        "material_id": np.array([1000005, 1000006, 1000007, -1], np.int32)[part],
        "segment_id": np.array([11, 12, 13, -1], np.int32)[part],
        "category_id": np.array([4, 1, 12, -1], np.int32)[part],
    }
    put(folder / f"{name}.ply", ply_bytes(columns, room.triangles, faces))
    write_house(folder / f"{name}.house")
    return room


def write_s3dis(root: Path, name: str = "area_1") -> Scene:
    """Write an area of 2D-3D-S: a textured OBJ, and one whose materials are the labels of its faces."""
    room = scene()
    folder = root / name / "3d"
    lines = ["v {:.6f} {:.6f} {:.6f}".format(*vertex) for vertex in room.vertices] + ["vt 0.25 0.25"]
    faces = ["f " + " ".join(f"{i + 1}/1" for i in triangle) for triangle in room.triangles]
    put(folder / "rgb.obj", "\n".join(["mtllib rgb.mtl", *lines, "usemtl photo", *faces]) + "\n")
    put(folder / "rgb.mtl", "newmtl photo\nKd 1 1 1\nmap_Kd rgb_textures/0a1b.jpg\n")
    (folder / "rgb_textures").mkdir()
    Image.fromarray(np.full((2, 2, 3), 90, np.uint8)).save(folder / "rgb_textures" / "0a1b.jpg")
    materials = [f"{word}_{i}_office_7_1" for i, word in enumerate(("floor", "wall", "table", "<UNK>"), start=1)]
    body = []
    for part in (2, 0, 3, 1):  # sorted by material, as exporters write them
        body.append(f"usemtl {materials[part]}")
        body += [face.replace("/1", "") for face in np.array(faces)[np.repeat(room.part, 2) == part]]
    put(folder / "semantic.obj", "\n".join(["mtllib semantic.mtl", *lines[:-1], *body]) + "\n")
    put(folder / "semantic.mtl", "".join(f"newmtl {name}\nKd 0.1 0.2 0.3\n" for name in materials))
    return room


def write_mp3d_habitat(root: Path, name: str = "17DRP5sb8fy") -> Scene:
    """Write a house of Matterport3D as habitat's archive has it: the faces name the objects."""
    room = scene()
    folder = root / "mp3d" / name
    ids = np.array([0, 1, 2, -1], np.int32)[np.repeat(room.part, 2)]
    put(folder / f"{name}_semantic.ply", ply_bytes(coloured(room), room.triangles, {"object_id": ids}))
    put(folder / f"{name}.glb", glb(room.vertices, room.triangles))
    write_house(folder / f"{name}.house")
    return room
