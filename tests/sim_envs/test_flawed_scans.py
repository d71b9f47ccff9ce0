"""Flawed scans, in every file format, through the command: mended, or refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sim_envs.spaces import load_space
from tests.command_line import Done, run_command
from tests.sim_envs.dataset_files import glb, put
from tests.sim_envs.scan_files import room, write_ply

FORMATS = ("ply", "obj", "glb")


@pytest.fixture
def imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Run ``tst-bench spaces import`` in this process; its data home is the folder ``home``."""
    monkeypatch.setenv("TST_BENCH_HOME", str(tmp_path / "home"))

    def run(*arguments: object) -> Done:
        done = run_command(capsys, "spaces", "import", *arguments)
        assert "Traceback" not in done.err
        return done

    return run


def write(path: Path, vertices: np.ndarray, faces: np.ndarray) -> Path:
    """Write a mesh without colours in the format of its name."""
    if path.suffix == ".ply":
        return write_ply(path, vertices, faces.tolist())
    if path.suffix == ".glb":
        return put(path, glb(vertices, faces))
    lines = ["v {} {} {}".format(*vertex) for vertex in vertices.tolist()]
    return put(path, "\n".join([*lines, *("f {} {} {}".format(*face) for face in (faces + 1).tolist())]) + "\n")


def write_without_its_texture(path: Path) -> Path:
    """Write a mesh whose texture is not there; return the name of the texture."""
    vertices, faces = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]]), np.array([[0, 1, 2]])
    texture = path.with_name("photo.png")
    if path.suffix == ".ply":
        write_ply(path, vertices, faces.tolist(), comments=["TextureFile photo.png"], corner_uv={0: [0, 0, 1, 0, 0, 1]})
    elif path.suffix == ".obj":
        put(path.with_name("m.mtl"), "newmtl a\nmap_Kd photo.png\n")
        put(path, "mtllib m.mtl\nusemtl a\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n")
    else:
        data = glb(vertices, faces, uv=np.zeros((3, 2)), image=np.zeros((1, 1, 3), np.uint8))
        inside = b'"images": [{"bufferView": 3, "mimeType": "image/png"}]'
        outside = b'"images": [{"uri": "photo.png"}]'
        put(path, data.replace(inside, outside + b" " * (len(inside) - len(outside))))
    return texture


@pytest.mark.parametrize("suffix", FORMATS)
def test_vertices_that_are_not_finite_go_with_their_faces_and_are_counted(
    imported: Callable[..., Done], tmp_path: Path, suffix: str
) -> None:
    vertices, faces = room()
    vertices = vertices.astype(float)
    vertices[3] = [np.nan, 0, 0]
    vertices[10] = [0, np.inf, 0]
    hit = int(np.isin(faces, (3, 10)).any(axis=1).sum())
    done = imported(write(tmp_path / f"flat.{suffix}", vertices, faces), "--up", "y")
    assert done.code == 0, done.err
    assert f"{hit} faces dropped: a corner has no finite position" in done.err
    space = load_space("scan/flat", tmp_path / "home")
    assert len(space.faces) == len(faces) - hit
    assert np.isfinite(space.vertices).all()


@pytest.mark.parametrize("suffix", FORMATS)
def test_faces_without_area_are_dropped_and_counted(imported: Callable[..., Done], tmp_path: Path, suffix: str) -> None:
    vertices, faces = room()
    line = len(vertices) + np.arange(3)
    vertices = np.concatenate([vertices, [[0, 0, 0], [1, 1, 1], [2, 2, 2]]])
    flat = np.concatenate([faces, [[0, 0, 1], [2, 2, 2], line]])
    done = imported(write(tmp_path / f"flat.{suffix}", vertices, flat), "--up", "y")
    assert done.code == 0, done.err
    assert "3 faces dropped: they have no area" in done.err
    assert len(load_space("scan/flat", tmp_path / "home").faces) == len(faces)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_missing_texture_is_named(imported: Callable[..., Done], tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"flat.{suffix}"
    texture = write_without_its_texture(path)
    done = imported(path)
    assert done.code == 2
    assert f"{texture.name} is missing; put it beside the mesh" in done.err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_axis_that_the_shape_tells_is_turned_up_and_said(
    imported: Callable[..., Done], tmp_path: Path, suffix: str
) -> None:
    vertices, faces = room()
    done = imported(write(tmp_path / f"flat.{suffix}", vertices[:, [0, 2, 1]] * [1, -1, 1], faces))
    assert done.code == 0, done.err
    assert "z is up, as the shape says; if that is wrong, import again with --up y" in done.err
    assert np.ptp(load_space("scan/flat", tmp_path / "home").bounds, axis=0)[1] == pytest.approx(2.5)


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_axis_that_was_given_against_the_shape_is_hinted_at(
    imported: Callable[..., Done], tmp_path: Path, suffix: str
) -> None:
    vertices, faces = room()
    done = imported(write(tmp_path / f"flat.{suffix}", vertices[:, [0, 2, 1]] * [1, -1, 1], faces), "--up", "y")
    assert done.code == 0, done.err
    assert "y was taken as up, but the shape says z; if that is right, import again with --up z" in done.err


@pytest.mark.parametrize("suffix", FORMATS)
def test_millimetres_are_refused_with_the_unit_to_give_and_taken_with_it(
    imported: Callable[..., Done], tmp_path: Path, suffix: str
) -> None:
    vertices, faces = room()
    path = write(tmp_path / f"flat.{suffix}", vertices * 1000, faces)
    done = imported(path)
    assert done.code == 2
    assert "try --unit mm" in done.err
    assert not (tmp_path / "home").exists()
    assert imported(path, "--unit", "mm").code == 0
    bounds = load_space("scan/flat", tmp_path / "home").bounds
    np.testing.assert_allclose(np.ptp(bounds, axis=0), np.ptp(vertices, axis=0), atol=1e-4)
