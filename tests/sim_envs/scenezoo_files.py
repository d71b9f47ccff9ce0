"""Tiny downloads of the data sets that are read with scenezoo; the room is that of ``dataset_files``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.sim_envs.dataset_files import Scene, coloured, ply_bytes, put, scene

LABELS = ("floor", "wall", "table")


def _segments(room: Scene) -> list[int]:
    """Return a segment id for every vertex: two or more segments a part, as an oversegmentation has them."""
    part = np.zeros(len(room.vertices), int)
    part[room.quads.ravel()] = np.repeat(room.part, 4)
    return (10 * part + np.arange(len(part)) % 2).tolist()


def _groups(first_id: int) -> list[dict[str, object]]:
    groups = [
        {"id": first_id + i, "objectId": first_id + i, "segments": [10 * i, 10 * i + 1], "label": label}
        for i, label in enumerate(LABELS)
    ]
    return [*groups, {"id": 90, "objectId": 90, "segments": [], "label": "remove"}]


def write_scannet(root: Path, name: str = "scene0000_00") -> Scene:
    """Write a scan of ScanNet v2: mesh, segments of vertices, named groups of segments; object ids from 0."""
    room = scene()
    folder = root / "scans" / name
    columns = coloured(room, normals=False) | {"alpha": np.full(len(room.vertices), 255, np.uint8)}
    put(folder / f"{name}_vh_clean_2.ply", ply_bytes(columns, room.triangles, {}))
    segments = {"params": {}, "sceneId": name, "segIndices": _segments(room)}
    put(folder / f"{name}_vh_clean_2.0.010000.segs.json", segments)
    groups = {"sceneId": f"scannet.{name}", "appId": "", "segGroups": _groups(0), "segmentsFile": ""}
    put(folder / f"{name}.aggregation.json", groups)
    return room


def write_scannetpp(root: Path, name: str = "0a5c013435") -> Scene:
    """Write a scan of ScanNet++ v2; object ids from 1, and one object that overlaps another and is larger."""
    room = scene()
    folder = root / "data" / name / "scans"
    put(folder / "mesh_aligned_0.05.ply", ply_bytes(coloured(room, normals=False), room.triangles, {}))
    put(folder / "segments.json", {"sceneId": name, "segIndices": _segments(room)})
    all_of_it = {"id": 80, "objectId": 80, "segments": [20, 21, 0, 1, 10, 11], "label": "room", "obb": {}}
    put(folder / "segments_anno.json", {"sceneId": name, "segGroups": [*_groups(1), all_of_it]})
    return room


def write_arkitscenes(root: Path, name: str = "41069021") -> Scene:
    """Write a scan of ARKitScenes 3DOD: boxes around the parts; the one of the table lies within that of the wall."""
    room = scene()
    folder = root / "3dod" / "Training" / name
    put(folder / f"{name}_3dod_mesh.ply", ply_bytes(coloured(room), room.triangles, {}))
    data = []
    for part, label in enumerate(LABELS):
        corners = room.vertices[room.quads[room.part == part].ravel()].astype(float)
        low, high = corners.min(axis=0) - 0.05, corners.max(axis=0) + 0.05
        box = {
            "centroid": ((low + high) / 2).tolist(),
            "axesLengths": (high - low).tolist(),
            "normalizedAxes": np.eye(3).ravel().tolist(),
        }
        data.append({"uid": str(part), "label": label, "segments": {"obb": box, "obbAligned": box}})
    put(folder / f"{name}_3dod_annotation.json", {"data": data, "skipped": False})
    return room


def write_3rscan(root: Path, name: str = "531cff08-0021-28f6-8e08-ba2eeb945e09") -> Scene:
    """Write a scan of 3RScan: a textured OBJ, and a PLY whose vertices bear ids and label colours."""
    room = scene()
    folder = root / name
    lines = ["mtllib mesh.refined.mtl", "usemtl material_0"]
    lines += ["v {:.6f} {:.6f} {:.6f}".format(*vertex) for vertex in room.vertices]
    lines += [f"vt {0.5 * (i % 2) + 0.25} {0.5 * (i // 2 % 2) + 0.25}" for i in range(4)]
    lines += [f"f {a + 1}/1 {b + 1}/1 {c + 1}/1" for a, b, c in room.triangles]  # all of the texel at bottom left
    put(folder / "mesh.refined.v2.obj", "\n".join(lines) + "\n")
    put(folder / "mesh.refined.mtl", "newmtl material_0\nKd 1 1 1\nmap_Kd mesh.refined_0.png\n")
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(2, 2, 3) * 20).save(folder / "mesh.refined_0.png")
    order = np.random.default_rng(3).permutation(len(room.vertices))  # its vertices come in another order
    part = np.zeros(len(room.vertices), int)
    part[room.quads.ravel()] = np.repeat(room.part, 4)
    ids = np.array([1, 2, 3, 0], np.uint16)[part]
    columns = coloured(room, normals=False) | {"objectId": ids, "globalId": ids, "NYU40": ids.astype(np.uint8)}
    columns = {key: column[order] for key, column in columns.items()}
    triangles = np.argsort(order)[room.triangles]
    put(folder / "labels.instances.annotated.v2.ply", ply_bytes(columns, triangles, {}))
    put(folder / "semseg.v2.json", {"scan_id": name, "segGroups": _groups(1)})
    return room


def write_multiscan(root: Path, name: str = "scene_00000_00") -> Scene:
    """Write a scan of MultiScan: object and part ids per face; labels end in a number."""
    room = scene()
    folder = root / name
    ids = np.array([1, 2, 3, 0], np.int32)[np.repeat(room.part, 2)]
    columns = coloured(room)
    put(folder / f"{name}.ply", ply_bytes(columns, room.triangles, {"objectId": ids, "partId": ids}))
    objects = [{"objectId": i, "label": f"{label}.{i}", "partIds": [i]} for i, label in enumerate(LABELS, start=1)]
    put(folder / f"{name}.annotations.json", {"objects": objects, "parts": [], "scanId": name, "version": "1.0"})
    return room


def write_scenenn(root: Path, name: str = "005") -> Scene:
    """Write a scan of SceneNN (Y up): a coloured mesh, and one whose vertex colours are its labels."""
    room = scene()
    folder = root / name
    y_up = Scene(room.y_up, room.quads, room.part, room.rgb)
    put(folder / f"{name}_color.ply", ply_bytes(coloured(y_up), room.triangles, {}))
    paint = np.array([[201, 12, 3], [4, 202, 13], [14, 5, 203], [0, 0, 0]], np.uint8)
    part = np.zeros(len(room.vertices), int)
    part[room.quads.ravel()] = np.repeat(room.part, 4)
    painted = Scene(room.y_up, room.quads, room.part, paint[part])
    put(folder / f"{name}.ply", ply_bytes(coloured(painted), room.triangles, {}))
    labels = "".join(
        f'<label id="{i + 1}" color="{" ".join(map(str, paint[i]))}" text="{label}"/>' for i, label in enumerate(LABELS)
    )
    put(folder / f"{name}.xml", f'<?xml version="1.0"?><annotation>{labels}</annotation>')
    return room


FRONT_HOUSE = "0003d406-5f27-4bbf-94cd-1cff7c310ba1"


def write_3dfront(root: Path, name: str = FRONT_HOUSE) -> None:
    """Write a house of one room, 4 × 3 m (Y up): a floor, a wall of a colour, and a box of furniture, turned by 90°."""
    meshes = {
        "floor": ("Floor", [0, 0, 0, 4, 0, 0, 4, 0, -3, 0, 0, -3], "m0"),
        "wall": ("WallInner", [0, 0, 0, 4, 0, 0, 4, 2.5, 0, 0, 2.5, 0], "m1"),
    }
    uv = [0, 0, 1, 0, 1, 1, 0, 1]
    house = {
        "uid": name,
        "mesh": [
            {"uid": uid, "type": kind, "xyz": xyz, "uv": uv, "faces": [0, 1, 2, 0, 2, 3], "material": material}
            for uid, (kind, xyz, material) in meshes.items()
        ],
        "material": [
            {"uid": "m0", "jid": "floor-texture", "useColor": False},
            {"uid": "m1", "jid": None, "useColor": True, "color": [200, 100, 50, 255]},
        ],
        "furniture": [
            {"uid": "f0", "jid": "model-0", "valid": True},
            {"uid": "f1", "jid": "model-1", "valid": False},
        ],
        "scene": {
            "room": [
                {
                    "instanceid": "Bedroom-1",
                    "type": "Bedroom",
                    "children": [
                        {"ref": "floor"},
                        {"ref": "wall"},
                        {"ref": "f0", "pos": [2, 0, -1], "rot": [0, 0.5**0.5, 0, 0.5**0.5], "scale": [1, 1, 1]},
                        {"ref": "f1", "pos": [0, 0, 0], "rot": [0, 0, 0, 1], "scale": [1, 1, 1]},
                    ],
                }
            ]
        },
    }
    put(root / "3D-FRONT" / f"{name}.json", house)
    info = [{"model_id": "model-0", "category": "Nightstand", "super-category": "Cabinet/Shelf/Desk"}]
    put(root / "3D-FUTURE-model" / "model_info.json", json.dumps(info))
    folder = root / "3D-FUTURE-model" / "model-0"
    # a top of 1 × 0.5 m (x, z) at a height of 0.6 m, all of it of the texel at bottom left
    text = "mtllib model.mtl\nusemtl a\nv 0 0.6 0\nv 1 0.6 0\nv 1 0.6 0.5\nv 0 0.6 0.5\nvt 0.25 0.25\n"
    put(folder / "raw_model.obj", text + "f 1/1 2/1 3/1\nf 1/1 3/1 4/1\n")
    put(folder / "model.mtl", "newmtl a\nKd 1 1 1\nmap_Kd texture.png\n")
    texels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3) * 20
    Image.fromarray(texels).save(folder / "texture.png")
    path = put(root / "3D-FRONT-texture" / "floor-texture" / "texture.png", b"")
    Image.fromarray(np.full((2, 2, 3), 77, np.uint8)).save(path)
