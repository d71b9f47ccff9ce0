"""Read Wavefront OBJ and MTL: faces in file order, several materials, texture coordinates per corner."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from sim_envs.errors import UserError
from sim_envs.space import NO_TEXTURE
from sim_envs.spaces.scans.mesh_files import MeshFileError, RawMesh, fan, numbers, read_texture, split_corners

_NONE = -1
_MAP_OPTION_VALUES = {"-bm": 1, "-boost": 1, "-blendu": 1, "-blendv": 1, "-cc": 1, "-clamp": 1, "-imfchan": 1}
_MAP_OPTION_VALUES |= {"-mm": 2, "-texres": 1, "-type": 1}


@dataclass(frozen=True)
class Material:
    """What an MTL says of a material's colour: a factor and, maybe, a texture beside the file."""

    rgb: tuple[int, int, int] = (255, 255, 255)
    texture: Path | None = None


@dataclass(frozen=True, eq=False)
class _Lines:
    """The lines of an OBJ that matter, sorted by kind."""

    v: list[bytes]
    vt: list[bytes]
    faces: list[bytes]
    face_material: np.ndarray  # (P,) index into material_names, _NONE before the first usemtl
    v_before: np.ndarray  # (P,) how many v lines precede each face, for relative indices
    vt_before: np.ndarray
    material_names: list[str]
    libraries: list[str]


def read_obj(path: Path) -> RawMesh:
    """Read an OBJ as a triangle mesh.

    Colours: ``map_Kd`` times ``Kd``, or ``Kd``, or colours written behind the coordinates of ``v``. ``Kd`` is
    taken as sRGB; an all-black ``Kd`` beside a texture, which exporters write for "unset", does not count.

    Raises:
        MeshFileError: a line that is not OBJ, a missing material file or texture.
    """
    lines = _sort_lines(path.read_bytes())
    if not lines.faces:
        raise MeshFileError("it is a mesh without faces.")
    vertices, vertex_rgb = _vertices(lines.v)
    vt = _numbers(lines.vt, "vt", least=1)[0]
    vt = np.pad(vt, ((0, 0), (0, max(0, 2 - vt.shape[1]))))[:, :2]
    corner_v, corner_vt, counts = _corners(lines)
    if corner_v.size and (corner_v.min() < 0 or corner_v.max() >= len(vertices) or corner_vt.max() >= len(vt)):
        raise MeshFileError("a face names a vertex that does not exist; the file is damaged.")
    positions, face_origin = fan(np.arange(len(corner_v)), counts)
    library, companions = _read_libraries(path, lines.libraries)
    unknown = sorted(set(lines.material_names) - set(library)) if library else []
    if unknown:
        raise MeshFileError(f"its material '{unknown[0]}' is in none of its material files.")
    materials = [library.get(name, Material()) for name in lines.material_names]
    texture_paths = sorted({material.texture for material in materials if material.texture is not None})
    textures = tuple(read_texture(texture) for texture in texture_paths)

    material_of_face = lines.face_material[face_origin]
    texture_of = [_NONE if m.texture is None else texture_paths.index(m.texture) for m in materials] + [NO_TEXTURE]
    factor_of = np.array([m.rgb for m in materials] + [(255, 255, 255)], np.uint8)  # the last is for _NONE
    material_of_corner = np.repeat(material_of_face[:, None], 3, axis=1)
    v_of_corner, vt_of_corner = corner_v[positions], corner_vt[positions]
    face_texture = np.array(texture_of, np.int32)[material_of_face]
    face_texture[(vt_of_corner < 0).any(axis=1)] = NO_TEXTURE
    coloured = vertex_rgb is not None or bool(library)
    if not len(vt) and len(np.unique(factor_of[material_of_corner].reshape(-1, 3), axis=0)) <= 1:
        origin, faces = np.arange(len(vertices)), v_of_corner
        factor = np.broadcast_to(factor_of[material_of_face[:1]], (len(vertices), 3))
        uv = np.zeros((len(vertices), 2), np.float32)
    else:
        first, faces = split_corners(v_of_corner, vt_of_corner, material_of_corner)
        origin = v_of_corner.reshape(-1)[first]
        factor = factor_of[material_of_corner.reshape(-1)[first]]
        uv_index = vt_of_corner.reshape(-1)[first]
        uv = np.concatenate([vt, np.zeros((1, 2))])[uv_index].astype(np.float32)  # −1 takes the zeros
    base = np.full((len(origin), 3), 255, np.uint8) if vertex_rgb is None else vertex_rgb[origin]
    return RawMesh(
        vertices=vertices[origin],
        faces=faces,
        vertex_rgb=_multiply(base, factor) if coloured else None,
        uv=uv,
        face_texture=face_texture,
        textures=textures,
        vertex_origin=origin,
        face_origin=face_origin,
        file_counts=(len(vertices), len(counts)),
        companions=(*companions, *texture_paths),
    )


def read_face_materials(path: Path) -> tuple[list[str], np.ndarray]:
    """Return the names of an OBJ's materials, and (file faces,) the index of each face's into them; −1 for none.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        lines = _sort_lines(path.read_bytes())
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from error
    return lines.material_names, lines.face_material


def _multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.round(a.astype(np.float32) * b / 255).astype(np.uint8)


def _sort_lines(text: bytes) -> _Lines:
    v: list[bytes] = []
    vt: list[bytes] = []
    faces: list[bytes] = []
    face_material, v_before, vt_before = array("q"), array("q"), array("q")  # a list of ints has five times their size
    names: dict[str, int] = {}
    libraries: list[str] = []
    current = _NONE
    text = text.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
    if b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    for raw in BytesIO(text):
        line = raw.split(b"#", 1)[0].strip()
        kind, _, rest = line.partition(b" ") if b"\t" not in line else line.replace(b"\t", b" ").partition(b" ")
        if kind == b"v":
            v.append(rest)
        elif kind == b"vt":
            vt.append(rest)
        elif kind == b"f":
            faces.append(rest)
            face_material.append(current)
            v_before.append(len(v))
            vt_before.append(len(vt))
        elif kind == b"usemtl":
            current = names.setdefault(rest.decode("utf-8", "replace").strip(), len(names))
        elif kind == b"mtllib":
            libraries.append(rest.decode("utf-8", "replace").strip())
    return _Lines(
        v=v,
        vt=vt,
        faces=faces,
        face_material=np.array(face_material, np.int64),
        v_before=np.array(v_before, np.int64),
        vt_before=np.array(vt_before, np.int64),
        material_names=list(names),
        libraries=libraries,
    )


def _numbers(lines: list[bytes], kind: str, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, widest) float64, zeros where a line is shorter, and (N,) how many numbers each line has."""
    widths = np.array([len(line.split()) for line in lines], np.int64)
    widest = int(widths.max(initial=0))
    if len(widths) and widths.min() < least:
        raise MeshFileError(f"a '{kind}' line has fewer than {least} numbers.")
    out = np.zeros((len(lines), widest))
    try:
        for width in np.unique(widths):
            rows = np.flatnonzero(widths == width)
            text = b" ".join(lines if len(rows) == len(lines) else [lines[row] for row in rows])
            out[rows, :width] = numbers(text, np.float64).reshape(len(rows), width)
    except ValueError as error:
        raise MeshFileError(f"a '{kind}' line holds something that is not a number.") from error
    return out, widths


def _vertices(lines: list[bytes]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (V, 3) positions and, where every line has six numbers or more, (V, 3) uint8 colours."""
    values, widths = _numbers(lines, "v", least=3)
    if not len(values):
        return np.empty((0, 3)), None
    if widths.min() < 6:
        return values[:, :3], None
    rgb = np.nan_to_num(values[:, 3:6])
    scale = 255 if rgb.max(initial=0) <= 1 else 1
    return values[:, :3], np.clip(np.round(rgb * scale), 0, 255).astype(np.uint8)


def _corners(lines: _Lines) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return flat 0-based vertex and texture-coordinate indices (``_NONE`` = none) and corners per face.

    Lines are grouped by how they are written (``1 2 3``, ``1/2 …``, ``1//3 …``), each read at once.
    """
    groups: dict[tuple[int, int, bool], list[int]] = defaultdict(list)
    for i, line in enumerate(lines.faces):
        groups[len(line.split()), line.count(b"/"), b"//" in line].append(i)
    counts = np.zeros(len(lines.faces), np.int64)
    for (width, _, _), members in groups.items():
        counts[members] = width
    starts = np.cumsum(counts) - counts
    corner_v = np.empty(int(counts.sum()), np.int64)
    corner_vt = np.full(len(corner_v), _NONE, np.int64)
    for (width, slashes, empty_vt), members in groups.items():
        if not width:
            continue
        if slashes % width or slashes // width > 2:
            raise MeshFileError(f"a face is written in a mixed form: 'f {lines.faces[members[0]].decode('latin-1')}'.")
        rows = np.array(members)
        per_corner = slashes // width + 1 - int(empty_vt)
        text = b" ".join(lines.faces[i] for i in members).replace(b"//", b"/").replace(b"/", b" ")
        try:
            values = numbers(text, np.int64).reshape(len(rows), width, per_corner)
        except ValueError as error:
            raise MeshFileError("a face line holds something that is not an index.") from error
        where = starts[rows, None] + np.arange(width)
        corner_v[where] = _absolute(values[..., 0], lines.v_before[rows, None])
        if per_corner > 1 and not empty_vt:
            corner_vt[where] = _absolute(values[..., 1], lines.vt_before[rows, None])
    return corner_v, corner_vt, counts


def _absolute(index: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Turn OBJ's 1-based or, when negative, relative indices into 0-based ones."""
    if (index == 0).any() or (index < -before).any():
        raise MeshFileError("a face names a vertex that does not exist; the file is damaged.")
    return np.where(index > 0, index - 1, before + index)


def _read_libraries(path: Path, names: list[str]) -> tuple[dict[str, Material], tuple[Path, ...]]:
    materials: dict[str, Material] = {}
    companions = []
    for name in names:
        library = path.parent / name.replace("\\", "/")
        if not library.is_file():
            raise MeshFileError(f"its material file {name} is missing; put it beside the mesh.")
        materials |= read_mtl(library)
        companions.append(library)
    return materials, tuple(companions)


def read_mtl(path: Path) -> dict[str, Material]:
    """Read the diffuse colours and textures of an MTL file; texture paths are relative to it.

    Raises:
        MeshFileError: ``Kd`` is not three numbers.
    """
    materials: dict[str, Material] = {}
    name, kd, texture = "", (1.0, 1.0, 1.0), None

    def close() -> None:
        if name:
            factor = (1.0, 1.0, 1.0) if texture is not None and not any(kd) else kd
            r, g, b = (round(255 * min(max(channel, 0.0), 1.0)) for channel in factor)
            materials[name] = Material((r, g, b), texture)

    for raw in path.read_text(encoding="utf-8", errors="replace").splitlines():
        kind, *words = raw.split("#", 1)[0].split() or [""]
        if kind == "newmtl":
            close()
            name, kd, texture = " ".join(words), (1.0, 1.0, 1.0), None
        elif kind == "Kd":
            try:
                kd = (float(words[0]), float(words[1]), float(words[2]))
            except (IndexError, ValueError) as error:
                raise MeshFileError(f"{path.name}: Kd of material '{name}' is not three numbers.") from error
        elif kind == "map_Kd":
            texture = path.parent / _texture_name(words).replace("\\", "/")
    close()
    return materials


def _texture_name(words: list[str]) -> str:
    """Return the file name behind the options of a ``map_`` line; it may hold blanks."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in ("-o", "-s", "-t"):  # one to three numbers
            for _ in range(3):
                if rest and _is_number(rest[0]):
                    rest.pop(0)
        else:
            del rest[: _MAP_OPTION_VALUES.get(option, 0)]
    return " ".join(rest)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
