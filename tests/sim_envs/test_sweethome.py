"""Sweet Home 3D libraries: the properties parser, OBJ models, broken ones, pools and provenance."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sim_envs.errors import UserError
from sim_envs.spaces.furniture.categories import CATEGORIES
from sim_envs.spaces.furniture.sweethome import catalog as sweethome
from sim_envs.spaces.furniture.sweethome.catalog import sweethome_catalog
from sim_envs.spaces.furniture.sweethome.obj import ObjMaterial, read_mtl, read_obj, triangulate
from sim_envs.spaces.furniture.sweethome.piece import FACE_BUDGET
from sim_envs.spaces.furniture.sweethome.sh3f import parse_properties
from tests.sim_envs.furniture_kit import check_contract, digest

# A box 1 × 2 × 4 around the origin; its +z side is textured, the others are plain.
BOX_OBJ = """mtllib box.mtl
v -0.5 -1 -2
v 0.5 -1 -2
v 0.5 1 -2
v -0.5 1 -2
v -0.5 -1 2
v 0.5 -1 2
v 0.5 1 2
v -0.5 1 2
vt 0 0
vt 1 0
vt 1 1
vt 0 1
g front
usemtl picture
f -4/1 -3/2 -2/3 -1/4
g rest
usemtl plain
f 4 3 2 1
f 1 2 6 5
f 3 4 8 7
f 2 3 7 6
f 1 5 8 4
"""
BOX_MTL = "newmtl plain\nKd 1 0.5 0\n\nnewmtl picture\nKd 0.8 0.8 0.8\nmap_Kd -s 1 1 1 pic ture.png\n"


def picture_bytes() -> bytes:
    """Return a PNG of 4 × 2 pixels: red on top of blue."""
    image = np.zeros((2, 4, 3), dtype=np.uint8)
    image[0], image[1] = (255, 0, 0), (0, 0, 255)
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def library(path: Path, models: list[dict[str, str]], files: dict[str, str | bytes] | None = None) -> Path:
    """Write a small furniture library with the box under ``box/``."""
    lines = ["id=Test", "name=Testbibliothek \\u00e9", "version=1.0", "license=CC0"]
    for number, model in enumerate(models, start=1):
        row = {"id": f"m{number}", "name": "Bed", "category": "Bedroom", "creator": "Ann Artist", "width": "100"}
        row |= {"depth": "200", "height": "80", "model": "/box/box.obj", "doorOrWindow": "false"} | model
        lines += [f"{key}#{number}={value}" for key, value in row.items()]
    contents: dict[str, str | bytes] = {
        "box/box.obj": BOX_OBJ,
        "box/box.mtl": BOX_MTL,
        "box/pic ture.png": picture_bytes(),
        "LICENSE.TXT": "Do what you like.",
        "PluginFurnitureCatalog.properties": "\n".join(lines),
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (contents | (files or {})).items():
            archive.writestr(name, content)
    return path


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.dictionaries(st.text(min_size=1, max_size=12), st.text(max_size=20), max_size=6))
def test_properties_written_as_java_writes_them_are_read_back(pairs: dict[str, str]) -> None:
    def escaped(text: str) -> str:
        units = text.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))

    read = parse_properties("".join(f"{escaped(key)}={escaped(value)}\n" for key, value in pairs.items()))

    def joined(text: str) -> str:
        return text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")

    assert {joined(key): joined(value) for key, value in read.items()} == {
        joined(k): joined(v) for k, v in pairs.items()
    }


def test_properties_know_comments_separators_continuations_and_escapes() -> None:
    text = "# note\n! note\n\na = 1\nb: two words \nc three\\\n   more\nd\\=e\\:f=g\\tz\\\\\nempty\nname#2=caf\\u00e9"
    assert parse_properties(text) == {
        "a": "1",
        "b": "two words ",
        "c": "threemore",
        "d=e:f": "g\tz\\",
        "empty": "",
        "name#2": "café",
    }


@given(st.text(alphabet="ab=:#! \\\n\r\tu0", max_size=60))
def test_any_text_parses(text: str) -> None:
    assert isinstance(parse_properties(text), dict)


def test_materials_are_read_with_their_transparency_and_texture() -> None:
    read = read_mtl("newmtl a\nKd .1 .2 .3\nTr 0.25\nnewmtl b c\nd 0.5\nKd oops\nmap_Kd -blendu on dir\\x y.jpg")
    assert read["a"] == ObjMaterial((0.1, 0.2, 0.3), 0.75, None)
    assert read["b c"] == ObjMaterial((0.8, 0.8, 0.8), 0.5, "dir/x y.jpg")


def test_concave_polygons_keep_their_area() -> None:
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    radius = np.where(np.arange(10) % 2, 0.4, 1.0)
    star = np.stack([radius * np.cos(angle), np.zeros(10), radius * np.sin(angle)], axis=1)
    for outline in (star, star[::-1]):
        _, corners = triangulate(outline[None])
        a, b, c = (outline[corners[:, k]] for k in range(3))
        assert len(corners) == 8
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
        assert area == pytest.approx(10 * 0.5 * 1.0 * 0.4 * np.sin(np.pi / 5))


def test_a_box_reads_as_trimesh_reads_it() -> None:
    mesh = read_obj(BOX_OBJ, lambda name: read_mtl(BOX_MTL))
    ours = trimesh.Trimesh(mesh.vertices, mesh.faces)
    ours.merge_vertices(merge_tex=True, merge_norm=True)
    reference = trimesh.load(io.StringIO(BOX_OBJ), file_type="obj", force="mesh", process=False)
    assert ours.is_watertight
    assert ours.volume == pytest.approx(8.0)
    np.testing.assert_allclose(ours.bounds, reference.bounds)


def test_a_model_comes_back_at_its_catalogued_size_with_its_colours(tmp_path: Path) -> None:
    model = sweethome_catalog(0, [library(tmp_path / "a.sh3f", [{}])]).pick("bed", rng())
    assert model is not None
    check_contract(model, "bed")
    assert model.size == pytest.approx((1.0, 0.8, 2.0), abs=1e-6)
    front = model.face_texture >= 0
    assert front.sum() == 2
    assert (model.vertices[model.faces[front]][:, :, 2] > 0.99).all()
    plain = np.unique(model.vertex_rgb[model.faces[~front]].reshape(-1, 3), axis=0)
    np.testing.assert_array_equal(plain, [[255, 128, 0]])
    assert (model.vertex_rgb[model.faces[front]] == 255).all()
    np.testing.assert_array_equal(model.textures[0][:, 0], [[255, 0, 0], [0, 0, 255]])
    top = model.vertices[:, 1] > 0.7
    used = np.isin(np.arange(len(model.vertices)), model.faces[front])
    np.testing.assert_allclose(model.uv[used & top][:, 1], 1.0)


def test_a_catalogued_rotation_turns_the_model_before_it_is_scaled(tmp_path: Path) -> None:
    quarter = {"modelRotation": "0 0 1 0 1 0 -1 0 0"}
    model = sweethome_catalog(0, [library(tmp_path / "a.sh3f", [quarter])]).pick("bed", rng())
    assert model is not None
    assert model.size == pytest.approx((1.0, 0.8, 2.0), abs=1e-6)
    textured = model.vertices[model.faces[model.face_texture >= 0]]
    np.testing.assert_allclose(textured[:, :, 0], 0.5, atol=1e-6)


def test_glass_turns_pale_and_the_invisible_is_left_out(tmp_path: Path) -> None:
    materials = "newmtl plain\nKd 0 0 0\nd 0.3\nnewmtl picture\nKd 1 0 0\nd 0\n"
    model = sweethome_catalog(0, [library(tmp_path / "a.sh3f", [{}], {"box/box.mtl": materials})]).pick("bed", rng())
    assert model is not None
    assert len(model.faces) == 10
    assert model.vertex_rgb.min() > 90


@pytest.mark.parametrize(
    ("row", "files"),
    [
        ({"model": "/box/missing.obj"}, {}),
        ({}, {"box/box.obj": "v 0 0 0\n"}),
        ({}, {"box/box.obj": "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n"}),
        ({}, {"box/box.obj": "v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n"}),
        ({}, {"box/box.obj": "v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"}),
        ({}, {"box/pic ture.png": b"no image"}),
    ],
)
def test_a_broken_model_is_skipped_with_a_warning_and_another_is_taken(
    tmp_path: Path, row: dict[str, str], files: dict[str, str | bytes]
) -> None:
    good = {"model": "/good/box.obj"}
    whole: dict[str, str | bytes] = {
        "good/box.obj": BOX_OBJ,
        "good/box.mtl": BOX_MTL,
        "good/pic ture.png": picture_bytes(),
    }
    catalog = sweethome_catalog(0, [library(tmp_path / "broken.sh3f", [row, good], whole | files)])
    with pytest.warns(UserWarning, match=r"broken\.sh3f: model m1 skipped"):
        names = {model.name for seed in range(8) if (model := catalog.pick("bed", rng(seed)))}
    assert names == {"broken.sh3f/m2"}
    assert list(catalog.provenance["skipped"]) == ["broken.sh3f/m1"]


def test_a_model_without_a_size_is_skipped_with_a_warning(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="model 1 .*skipped"):
        catalog = sweethome_catalog(0, [library(tmp_path / "a.sh3f", [{"width": "wide"}, {}])])
    assert catalog.counts["bed"] == 1


def test_heavy_models_are_lightened(tmp_path: Path) -> None:
    heavy = trimesh.creation.icosphere(subdivisions=5).export(file_type="obj")
    catalog = sweethome_catalog(0, [library(tmp_path / "a.sh3f", [{}], {"box/box.obj": str(heavy)})])
    model = catalog.pick("bed", rng())
    assert model is not None
    assert len(model.faces) <= FACE_BUDGET[1]
    assert model.size == pytest.approx((1.0, 0.8, 2.0), rel=0.01)


def test_what_does_not_fit_is_not_picked(tmp_path: Path) -> None:
    catalog = sweethome_catalog(0, [library(tmp_path / "a.sh3f", [{}, {"width": "90"}])])
    for seed in range(5):
        model = catalog.pick("bed", rng(seed), (0.95, 1.0, 2.0))
        assert model is not None
        assert model.size[0] == pytest.approx(0.9)
    assert catalog.pick("bed", rng(), (0.5, 1.0, 2.0)) is None


def test_four_models_are_dealt_out_to_four_pools_and_three_are_shared(tmp_path: Path) -> None:
    many = [{} for _ in range(9)]
    few = [{"name": "Wardrobe"} for _ in range(3)]
    path = library(tmp_path / "a.sh3f", many + few)
    shares = [{entry.id for entry in sweethome_catalog(pool, [path]).shares["bed"]} for pool in range(4)]
    assert sum(len(share) for share in shares) == len(set().union(*shares)) == 9
    assert min(len(share) for share in shares) >= 2
    assert {sweethome_catalog(pool, [path]).counts["wardrobe"] for pool in range(4)} == {3}


def test_doors_people_and_hanging_washbasins_are_left_out(tmp_path: Path) -> None:
    rows = [
        {"doorOrWindow": "true"},
        {"category": "Characters"},
        {"category": "Exterior"},
        {"name": "Washbasin", "category": "Bathroom", "elevation": "45"},
    ]
    counts = sweethome_catalog(0, [library(tmp_path / "a.sh3f", rows)]).counts
    assert sum(counts.values()) == 0


def test_an_empty_category_falls_back_to_parametric_pieces_and_says_so(tmp_path: Path) -> None:
    catalog = sweethome_catalog(2, [library(tmp_path / "a.sh3f", [{}])])
    model = catalog.pick("mirror", rng())
    assert model is not None
    check_contract(model, "mirror")
    assert catalog.provenance["parametric"] == {"mirror": 1}


def test_provenance_names_files_digests_authors_licences_and_models(tmp_path: Path) -> None:
    path = library(tmp_path / "a.sh3f", [{}])
    catalog = sweethome_catalog(0, [path])
    catalog.pick("bed", rng())
    (entry,) = catalog.provenance["libraries"]
    assert entry["file"] == "a.sh3f"
    assert entry["name"] == "Testbibliothek é"
    assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert entry["licence"] == "CC0"
    assert entry["licence_texts"] == ["Do what you like."]
    assert entry["authors"] == ["Ann Artist"]
    assert entry["models"] == [{"id": "m1", "name": "Bed", "author": "Ann Artist"}]


def test_without_a_library_the_message_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sweethome, "DEBIAN_FOLDER", tmp_path / "none")
    monkeypatch.delenv("TST_BENCH_SH3F", raising=False)
    with pytest.raises(UserError, match="apt-get install sweethome3d-furniture"):
        sweethome_catalog(0)


def test_libraries_are_found_through_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sweethome, "DEBIAN_FOLDER", tmp_path / "none")
    path = library(tmp_path / "a.sh3f", [{}])
    monkeypatch.setenv("TST_BENCH_SH3F", str(tmp_path))
    assert sweethome.find_libraries() == [path]
    monkeypatch.setenv("TST_BENCH_SH3F", str(tmp_path / "lost.sh3f"))
    with pytest.raises(UserError, match=r"No furniture library at .*lost\.sh3f"):
        sweethome.find_libraries()


def test_a_file_that_is_no_library_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.sh3f"
    path.write_bytes(b"not a zip")
    with pytest.raises(UserError, match=r"bad\.sh3f is not a Sweet Home 3D furniture library"):
        sweethome_catalog(0, [path])


@pytest.fixture(scope="module")
def debian() -> list[Path]:
    """Return Debian's libraries, or skip."""
    paths = sorted(sweethome.DEBIAN_FOLDER.glob("*.sh3f"))
    if not paths:
        pytest.skip("apt-get install sweethome3d-furniture")
    return paths


def test_debians_libraries_give_most_categories_several_models(debian: list[Path]) -> None:
    catalogs = [sweethome_catalog(pool, debian) for pool in range(4)]
    models = {category: {e.id for c in catalogs for e in c.shares[category]} for category in CATEGORIES}
    assert sum(len(ids) >= 2 for ids in models.values()) >= 40
    for category in CATEGORIES:
        if len(models[category]) >= 4:
            assert sum(c.counts[category] for c in catalogs) == len(models[category])


@pytest.mark.parametrize(
    "category", ["bed", "toilet", "dining table", "wall cabinet", "rug", "ceiling lamp", "picture"]
)
def test_debians_models_keep_the_contract(debian: list[Path], category: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = (sweethome_catalog(1, debian).pick(category, rng(3)) for _ in range(2))
    assert first is not None
    assert second is not None
    check_contract(first, category)
    assert len(first.faces) <= FACE_BUDGET[1]
    assert digest(first) == digest(second)
