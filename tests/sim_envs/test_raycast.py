"""The raycast engine against closed-form geometry, finer rendering, and a real scan."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_envs.engines import ENGINES
from sim_envs.engines.geometry import RayCaster
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.modalities import MODALITIES, RENDERED
from sim_envs.rig import Rig
from sim_envs.space import NO_TEXTURE, Space

REDKITCHEN = Path(__file__).parents[2].parent / "shared" / "real" / "redkitchen"
SQUARE = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
SQUARE_FACES = np.array([[0, 1, 2], [0, 2, 3]])
ROOM = np.array([[-2.0, 0.0, -3.0], [2.5, 2.6, 1.5]])


def make_space(
    vertices: np.ndarray,
    faces: np.ndarray,
    rgb: object = (200, 150, 100),
    instance: object = 1,
    uv: np.ndarray | None = None,
    texture: np.ndarray | None = None,
) -> Space:
    """Return a space where instance i is of category i."""
    face_instance = np.broadcast_to(instance, len(faces)).astype(np.uint16)
    count = int(face_instance.max())
    return Space(
        id="test/space",
        vertices=np.asarray(vertices, np.float32),
        faces=np.asarray(faces, np.int32),
        vertex_rgb=np.broadcast_to(rgb, (len(vertices), 3)).astype(np.uint8),
        face_instance=face_instance,
        instance_category=np.arange(count + 1, dtype=np.uint16),
        categories=tuple(f"thing {i + 1}" for i in range(count)),
        uv=np.zeros((len(vertices), 2), np.float32) if uv is None else np.asarray(uv, np.float32),
        face_texture=np.full(len(faces), NO_TEXTURE if texture is None else 0, np.int32),
        textures=() if texture is None else (texture,),
    )


def room() -> Space:
    """Return an empty box room whose walls are instances 1 to 6: −x, +x, −y, +y, −z, +z."""
    box = trimesh.creation.box(bounds=ROOM).subdivide().subdivide()
    axis = np.abs(box.face_normals).argmax(axis=1)
    positive = box.face_normals[np.arange(len(axis)), axis] > 0
    return make_space(box.vertices, box.faces, instance=1 + 2 * axis + positive)


def pose(x: float = 0, y: float = 0, z: float = 0, yaw: float = 0, pitch: float = 0, roll: float = 0) -> np.ndarray:
    """Return a camera-to-world matrix; angles in degrees, yaw about world Y, 0 looks along −z."""
    out = trimesh.transformations.euler_matrix(*np.radians([yaw, pitch, roll]), axes="ryxz")
    out[:3, 3] = x, y, z
    return out


def world_rays(rig: Rig, camera_to_world: np.ndarray) -> np.ndarray:
    """Return (H, W, 3) float64 directions of planar depth 1, from the intrinsics and not from the rig's rays."""
    columns, rows = np.meshgrid(np.arange(rig.width) + 0.5, np.arange(rig.height) + 0.5)
    pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    return pixels @ np.linalg.inv(rig.intrinsics).T * (1, -1, -1) @ camera_to_world[:3, :3].T


def decode(normals: np.ndarray) -> np.ndarray:
    """Return float64 unit normals."""
    return trimesh.unitize((normals / 127.5 - 1).reshape(-1, 3)).reshape(normals.shape)


def digest(frame: dict[str, np.ndarray]) -> str:
    return hashlib.sha256(b"".join(frame[name].tobytes() for name in sorted(frame))).hexdigest()


poses = st.builds(
    pose,
    x=st.floats(-1.8, 2.3),
    y=st.floats(0.2, 2.4),
    z=st.floats(-2.8, 1.3),
    yaw=st.floats(-180, 180),
    pitch=st.floats(-80, 80),
    roll=st.floats(-30, 30),
)


# --- geometry -------------------------------------------------------------------------------------------


def test_frames_have_the_stored_types_of_the_table() -> None:
    frame = ENGINES["raycast"](room(), Rig(40, 32, 80)).render(pose(y=1.2))
    assert set(frame) == set(RENDERED)
    for name, values in frame.items():
        assert values.dtype == MODALITIES[name].dtype
        assert values.shape == MODALITIES[name].frame_shape(32, 40)
        assert values.flags.c_contiguous


@settings(max_examples=30, deadline=None)
@given(camera=poses, hfov=st.floats(40, 120))
def test_a_room_has_the_depth_normals_and_ids_of_its_walls(camera: np.ndarray, hfov: float) -> None:
    """The ray leaves the box through the nearest of three planes: slabs, in float64."""
    rig = Rig(48, 36, hfov)
    frame = RaycastEngine(room(), rig).render(camera)
    rays = world_rays(rig, camera)
    with np.errstate(divide="ignore"):
        exits = np.where(rays > 0, ROOM[1] - camera[:3, 3], ROOM[0] - camera[:3, 3]) / rays
    exits[rays == 0] = np.inf
    ordered = np.sort(exits, axis=-1)
    axis = exits.argmin(axis=-1)
    forward = np.take_along_axis(rays, axis[..., None], axis=-1)[..., 0] > 0
    inward = np.eye(3)[axis] * np.where(forward, -1, 1)[..., None]
    clear = ordered[..., 1] - ordered[..., 0] > 1e-4  # a ray into a corner may end on either wall

    assert np.abs(frame["depth"] - ordered[..., 0] * 1000).max() <= 0.6
    assert np.array_equal(frame["instance"][clear], (1 + 2 * axis + forward)[clear])
    assert np.array_equal(frame["semantic"], frame["instance"])
    expected = np.rint((inward @ camera[:3, :3] + 1) * 127.5)
    assert np.abs(frame["normals"].astype(int) - expected)[clear].max() <= 1


@settings(max_examples=15, deadline=None)
@given(camera=poses)
def test_hit_points_project_back_onto_their_pixels(camera: np.ndarray) -> None:
    """Depth and intrinsics put every pixel on a wall."""
    rig = Rig(40, 40, 75)
    depth = RaycastEngine(room(), rig).render(camera)["depth"] / 1000
    points = camera[:3, 3] + world_rays(rig, camera) * depth[..., None]
    to_wall = np.minimum(np.abs(points - ROOM[0]), np.abs(points - ROOM[1])).min(axis=-1)
    assert to_wall.max() < 2e-3
    assert (points > ROOM[0] - 2e-3).all()
    assert (points < ROOM[1] + 2e-3).all()


def test_a_sphere_has_the_depth_and_normals_of_its_equation() -> None:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=0.8)
    ball.apply_translation([0.1, -0.2, -3])
    rig = Rig(96, 96, 50)
    frame = RaycastEngine(make_space(ball.vertices, ball.faces), rig).render(np.eye(4))
    rays, centre = world_rays(rig, np.eye(4)), np.array([0.1, -0.2, -3])
    a, b, c = (rays**2).sum(-1), rays @ centre, centre @ centre - 0.8**2
    under = b**2 - a * c
    inside = under > 0.02 * b**2 / 9  # away from the outline, where facets and sphere part
    t = (b - np.sqrt(np.maximum(under, 0))) / a
    normal = (rays * t[..., None] - centre) / 0.8
    assert inside.mean() > 0.2
    assert np.abs(frame["depth"] - t * 1000)[inside].max() < 4
    assert (decode(frame["normals"]) * normal).sum(-1)[inside].min() > np.cos(np.radians(3))
    missed = under < -0.01
    for name, nothing in (("depth", 0), ("rgb", 0), ("semantic", 0), ("instance", 0), ("normals", 128)):
        assert (frame[name][missed] == nothing).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_triangles_agree_with_ray_plane_equations_in_float64(seed: int) -> None:
    rng = np.random.default_rng(seed)
    triangles = rng.normal(0, 1.5, (40, 1, 3)) + rng.normal(0, 0.8, (40, 3, 3))
    origins = rng.normal(0, 3, (100, 3))
    directions = trimesh.unitize(rng.normal(0, 1, (100, 3)) - origins)
    distance, face = RayCaster(triangles.reshape(-1, 3), np.arange(120).reshape(-1, 3)).cast(origins, directions)

    expected, expected_face = np.full(100, np.inf), np.full(100, -1)
    for index, triangle in enumerate(triangles):
        normal = np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])
        far = (triangle[0] - origins) @ normal / (directions @ normal)
        weights = trimesh.triangles.points_to_barycentric(
            np.repeat(triangle[None], 100, axis=0), origins + directions * far[:, None], method="cross"
        )
        nearer = (weights > 0).all(axis=1) & (far > 0) & (far < expected)
        expected[nearer], expected_face[nearer] = far[nearer], index
    same = face == expected_face
    assert same.mean() >= 0.98  # a ray may graze an edge within rounding
    assert np.allclose(distance[same], expected[same], rtol=1e-4)


def test_back_faces_are_visible_and_normals_face_the_camera() -> None:
    space = make_space(SQUARE, SQUARE_FACES)
    for camera in (pose(z=2), pose(z=-2, yaw=180)):
        frame = RaycastEngine(space, Rig(32, 32, 40)).render(camera)
        assert (frame["depth"] == 2000).all()
        assert (frame["normals"] == (128, 128, 255)).all()
        assert (frame["instance"] == 1).all()
        assert (frame["rgb"] == (200, 150, 100)).all()


def test_nothing_leaks_through_shared_edges_and_corners() -> None:
    space = room()
    inside = np.array([0.313, 1.171, -0.717])
    edges = space.vertices[space.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)].astype(float)
    along = np.linspace(0, 1, 33)[:, None, None]
    targets = (edges[None, :, 0] * (1 - along) + edges[None, :, 1] * along).reshape(-1, 3)
    distance, face = RayCaster(space.vertices, space.faces).cast(inside, targets - inside)
    assert (face >= 0).all()
    assert np.allclose(distance, 1, atol=1e-5)


def test_rays_need_not_be_unit_and_none_is_fine() -> None:
    caster = RayCaster(SQUARE, SQUARE_FACES)
    distance, face = caster.cast(np.array([0.2, 0.1, 3.0]), np.array([[0, 0, -1], [0, 0, -2], [0, 0, 1.0]]))
    assert np.array_equal(distance, np.array([3, 1.5, np.inf], np.float32))
    assert (face >= 0).tolist() == [True, True, False]
    assert len(caster.cast(np.zeros((0, 3)), np.zeros((0, 3)))[0]) == 0


def test_depth_ends_where_its_millimetres_do() -> None:
    space = make_space(SQUARE * 1000, SQUARE_FACES)
    near = RaycastEngine(space, Rig(32, 32, 40)).render(pose(z=65.5))
    assert (near["depth"] == 65500).all()
    far = RaycastEngine(space, Rig(32, 32, 40)).render(pose(z=65.6))
    assert not any(far[name].any() for name in ("depth", "rgb", "semantic", "instance"))
    assert (far["normals"] == 128).all()


# --- colour ---------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(yaw=st.floats(-40, 40), pitch=st.floats(-25, 25))
def test_vertex_colours_are_interpolated_on_the_surface(yaw: float, pitch: float) -> None:
    """Colours linear in the plane stay linear there from any view: perspective and all."""
    vertices = np.array([[-3, -2, -4], [3, -2, -4], [0, 4, -4.0]])
    rgb = np.array([[250, 10, 30], [20, 240, 60], [40, 80, 230]])
    rig = Rig(64, 64, 60)
    camera = pose(yaw=yaw, pitch=pitch)
    frame = RaycastEngine(make_space(vertices, np.array([[0, 1, 2]]), rgb), rig).render(camera)
    rays = world_rays(rig, camera)
    points = rays * (-4 / rays[..., 2])[..., None]
    weights = np.linalg.solve(
        np.vstack([vertices[:, :2].T, np.ones(3)]),
        np.concatenate([points[..., :2], np.ones_like(points[..., :1])], axis=-1).reshape(-1, 3).T,
    ).T.reshape(64, 64, 3)
    seen = (weights > 0).all(axis=-1) & (rays[..., 2] < 0)
    clear = np.abs(weights).min(axis=-1) > 1e-3  # a ray through the outline may go either way
    assert np.array_equal(seen[clear], (frame["depth"] > 0)[clear])
    inner = clear & (cv2.erode(seen.astype(np.uint8), np.ones((3, 3))) > 0)  # the outline is antialiased
    assert np.abs(frame["rgb"] - weights @ rgb)[inner].max(initial=0) <= 0.51


def textured(
    texture: np.ndarray, uv_scale: float = 1, uv_shift: tuple[float, float] = (0, 0), **kwargs: object
) -> Space:
    uv = (SQUARE[:, :2] + 1) / 2 * uv_scale + uv_shift
    return make_space(SQUARE, SQUARE_FACES, (255, 255, 255), uv=uv, texture=texture, **kwargs)


def picture(seed: int, size: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def look_at_square(space: Space, size: int = 36) -> np.ndarray:
    """Return the picture of a view that the 2 m square fills exactly."""
    return RaycastEngine(space, Rig(size, size, 90)).render(pose(z=1))["rgb"]


def test_a_near_texture_shows_exact_texels_with_row_0_on_top() -> None:
    texture = picture(0, 4)
    view = look_at_square(textured(texture), 36)
    assert np.array_equal(view[4::9, 4::9], texture)


def test_texture_and_vertex_colour_multiply() -> None:
    uv = (SQUARE[:, :2] + 1) / 2
    texture = picture(1, 4)
    space = make_space(SQUARE, SQUARE_FACES, (255, 128, 0), uv=uv, texture=texture)
    expected = texture * (np.array([255, 128, 0]) / 255)
    assert np.abs(look_at_square(space)[4::9, 4::9] - expected).max() <= 0.51


def test_textures_repeat() -> None:
    texture = picture(2, 6)
    once = look_at_square(textured(texture))
    moved = look_at_square(textured(texture, uv_shift=(3, -2)))
    assert np.abs(once.astype(int) - moved).max() <= 1
    rolled = look_at_square(textured(texture, uv_shift=(1 / 6, 1 / 3)))
    assert np.abs(look_at_square(textured(np.roll(texture, (2, -1), axis=(0, 1)))).astype(int) - rolled).max() <= 1
    thrice = look_at_square(textured(texture, uv_scale=3), 54)
    assert np.abs(thrice[:18, :18].astype(int) - thrice[18:36, 36:]).max() <= 1


def test_a_distant_checkerboard_becomes_its_mean_colour() -> None:
    squares = (np.indices((256, 256)).sum(axis=0) % 2)[..., None] * np.array([240, 100, 20])
    space = textured(squares.astype(np.uint8), uv_scale=4)
    view = RaycastEngine(space, Rig(32, 32, 40)).render(pose(z=2.5))["rgb"]
    assert np.abs(view[1:-1, 1:-1] - np.array([120, 50, 10])).max() <= 2


def test_a_fine_texture_does_not_flicker() -> None:
    """Moving by a fraction of a pixel changes a distant noisy texture by little."""
    engine = RaycastEngine(textured(picture(3, 512)), Rig(32, 32, 30))
    for tilt in (0, 50):
        views = [engine.render(pose(x=x, z=3, yaw=0) @ pose(roll=tilt))["rgb"] for x in np.linspace(0, 0.02, 6)]
        inner = np.stack(views)[:, 4:-4, 4:-4].astype(float)
        assert np.abs(np.diff(inner, axis=0)).mean() < 4


def test_a_texture_seen_at_a_slant_is_filtered_along_the_slant() -> None:
    """Lines of 16 mm are there when seen face on, and one grey where a pixel spans 30 mm of floor or more."""
    lines = np.repeat(np.repeat([[[240]], [[0]]], 2, axis=0), 4, axis=1)
    floor = textured(np.tile(lines, (64, 1, 3)).astype(np.uint8))
    below = RaycastEngine(floor, Rig(128, 128, 60)).render(pose(z=0.5))["rgb"]
    assert np.ptp(below, axis=0).min() > 200
    slanted = RaycastEngine(floor, Rig(128, 128, 30)).render(pose(y=-2.0, z=0.3, pitch=80))
    seen = slanted["rgb"][slanted["depth"] > 1500].astype(int)
    assert len(seen) > 1000
    assert np.abs(seen - 120).max() <= 12


def test_edges_are_antialiased_in_colour_only() -> None:
    """Pixels on a slanted outline take a colour near the share of each side, measured with 256 rays."""
    near, far = SQUARE * 0.5, SQUARE * 5 - (0, 0, 3)
    space = make_space(
        np.vstack([near, far]),
        np.vstack([SQUARE_FACES, SQUARE_FACES + 4]),
        np.repeat([[180], [80]], 4, axis=0),
        instance=[1, 1, 2, 2],
    )
    camera = pose(z=1) @ pose(roll=17)
    rig = Rig(48, 48, 90)
    engine = RaycastEngine(space, rig)
    frame = engine.render(camera)
    fine = RaycastEngine(space, Rig(48 * 16, 48 * 16, 90)).render(camera)["instance"] == 1
    share = fine.reshape(48, 16, 48, 16).mean(axis=(1, 3))
    rgb = (frame["rgb"][..., 0] - 80.0) / 100
    outline = (share > 0) & (share < 1)
    point_sampled = frame["instance"] == 1
    assert np.abs(rgb - share)[outline].mean() < 0.4 * np.abs(point_sampled - share)[outline].mean()
    assert np.abs(rgb - share).max() < 0.35
    assert set(np.unique(frame["instance"])) == {1, 2}
    assert len(np.unique(frame["depth"])) == 2


def test_the_rim_of_a_hole_is_not_dark() -> None:
    view = RaycastEngine(make_space(SQUARE, SQUARE_FACES), Rig(64, 64, 90)).render(pose(z=1.5) @ pose(roll=20))
    seen = view["depth"] > 0
    assert 0 < seen.mean() < 1
    assert (view["rgb"][seen] == (200, 150, 100)).all()


# --- repeatable -----------------------------------------------------------------------------------------

RENDER_ELSEWHERE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("scene", sys.argv[1])
scene = importlib.util.module_from_spec(spec)
spec.loader.exec_module(scene)
print(scene.digest(scene.busy_frame()))
"""


def busy_frame() -> dict[str, np.ndarray]:
    """Render a cluttered space, with coincident faces of different labels and colours in it."""
    rng = np.random.default_rng(7)
    parts = [trimesh.creation.icosphere(subdivisions=3, radius=0.3) for _ in range(12)]
    for part in parts:
        part.apply_translation(rng.uniform(-1, 1, 3) - (0, 0, 3))
    parts.append(parts[0].copy())
    mesh = trimesh.util.concatenate(parts)
    owner = np.repeat(np.arange(1, len(parts) + 1), [len(part.faces) for part in parts])
    space = make_space(
        mesh.vertices,
        mesh.faces,
        rng.integers(0, 256, (len(mesh.vertices), 3)),
        owner,
        uv=rng.random((len(mesh.vertices), 2)),
        texture=picture(8, 32),
    )
    return RaycastEngine(space, Rig(64, 64, 60)).render(np.eye(4))


def test_the_same_pose_gives_the_same_bytes_here_and_in_other_processes() -> None:
    here = digest(busy_frame())
    assert here == digest(busy_frame())
    done = subprocess.run(
        [sys.executable, "-c", RENDER_ELSEWHERE, __file__], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == here


def test_a_frame_does_not_depend_on_the_frames_before_it() -> None:
    engine = RaycastEngine(room(), Rig(32, 32, 90))
    first = digest(engine.render(pose(y=1)))
    engine.render(pose(y=2, yaw=70))
    assert digest(engine.render(pose(y=1))) == first
    engine.close()


# --- a real scan ----------------------------------------------------------------------------------------


def test_the_real_scan_has_the_depth_its_camera_measured() -> None:
    if not REDKITCHEN.exists():
        pytest.skip("the RedKitchen scan is not here")
    mesh = trimesh.load(REDKITCHEN / "scan" / "mesh.ply", process=False)
    engine = RaycastEngine(
        make_space(mesh.vertices, mesh.faces, mesh.visual.vertex_colors[:, :3]),
        Rig(640, 480, 2 * float(np.degrees(np.arctan(320 / 585)))),
    )
    recorded = json.loads((REDKITCHEN / "rgbd" / "transforms.json").read_text())
    for frame in recorded["frames"][::50]:
        camera = np.array(recorded["world_to_yup"]) @ np.array(frame["camera_to_world"])
        depth = engine.render(camera @ np.diag([1, -1, -1, 1]))["depth"].astype(float)
        measured = cv2.imread(str(REDKITCHEN / "rgbd" / frame["depth"]), cv2.IMREAD_UNCHANGED).astype(float)
        both = (depth > 0) & (measured > 0) & (measured < 65535)
        assert both.mean() > 0.5
        assert np.median(np.abs(depth - measured)[both]) < 20
