# SPDX-License-Identifier: GPL-3.0-or-later
"""COLMAP's models are read as COLMAP meant them, and whatever is wrong with a file is told in a sentence."""

import json
import os
import random
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from colmap_scenes import SHAPES, as_json, camera_of, reference, scene_of

from scan.common.errors import BadUseError, ModelError
from scan.reconstruction.camera_models import MODELS
from scan.reconstruction.copies import find_places
from scan.reconstruction.importing import plan_import
from scan.reconstruction.readers import registry
from scan.reconstruction.settings import ImportSettings
from scan.reconstruction.types import rotation_matrix

CAMERAS = [
    camera_of(model, shape, number)
    for number, (model, shape) in enumerate(((model, shape) for model in MODELS for shape in SHAPES), 1)
]
SCENE = scene_of(CAMERAS)
FORMATS = ("bin", "txt")
ON_WINDOWS = pytest.mark.skipif(os.name != "nt", reason="elsewhere that is a name like any other")


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("colmap") / "models"
    reference("write", str(folder), asked=SCENE)
    return folder


@pytest.fixture(params=FORMATS)
def model(request, written, tmp_path) -> Path:
    """A model that a test may break."""
    return Path(shutil.copytree(written / request.param, tmp_path / "model"))


def test_a_model_is_read_as_it_was_written(model):
    found = registry.read(model)
    assert {number: as_json(camera) for number, camera in found.cameras.items()} == {
        camera["identifier"]: camera for camera in map(as_json, CAMERAS)
    }
    assert [photo.name for photo in found.photos] == sorted(photo["name"] for photo in SCENE["photos"])
    written = {photo["name"]: photo for photo in SCENE["photos"]}
    for photo in found.photos:
        expected = written[photo.name]
        assert photo.camera == expected["camera"]
        np.testing.assert_allclose(photo.rotation, rotation_matrix(np.array(expected["quaternion"])), atol=1e-12)
        np.testing.assert_allclose(photo.rotation @ photo.rotation.T, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(photo.translation, expected["translation"], atol=1e-12)
    ours = sorted(zip(found.points.positions.tolist(), found.points.colors.tolist(), strict=True))
    theirs = sorted((point["position"], point["color"]) for point in SCENE["points"])
    np.testing.assert_allclose([each[0] for each in ours], [each[0] for each in theirs], atol=1e-12)
    assert [each[1] for each in ours] == [each[1] for each in theirs]


def test_binary_goes_before_text_unless_it_is_not_whole(written, tmp_path):
    shutil.copytree(written / "bin", tmp_path, dirs_exist_ok=True)
    shutil.copytree(written / "txt", tmp_path, dirs_exist_ok=True)
    (tmp_path / "cameras.txt").write_text("nonsense")
    registry.read(tmp_path)
    (tmp_path / "points3D.bin").unlink()
    with pytest.raises(ModelError, match=r"cameras\.txt"):
        registry.read(tmp_path)


@pytest.mark.parametrize("name", ["cameras", "images", "points3D"])
def test_a_missing_file_is_named(model, name):
    (file,) = model.glob(f"{name}.*")
    file.unlink()
    with pytest.raises(ModelError, match="no COLMAP model" if name == "cameras" else name):
        registry.read(registry.find(model))


@pytest.mark.parametrize("name", ["cameras", "images", "points3D"])
def test_a_file_cut_off_anywhere_is_named(written, tmp_path, name):
    folder = shutil.copytree(written / "bin", tmp_path / "model")
    file = folder / f"{name}.bin"
    whole = file.read_bytes()
    for size in sorted({*range(40), *range(40, len(whole), max(1, len(whole) // 150)), len(whole) - 1}):
        file.write_bytes(whole[:size])
        with pytest.raises(ModelError, match=rf"{name}\.bin is damaged"):
            registry.read(folder)
    file.write_bytes(whole + b"\0")
    with pytest.raises(ModelError, match="left over"):
        registry.read(folder)


def refusal(model: Path) -> str:
    """Why a model is refused; empty where it is not. Any other exception than the expected one comes through."""
    try:
        registry.read(model)
    except ModelError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["cameras", "images", "points3D"])
def test_any_damage_ends_in_words(model, name):
    """Whatever the bytes are: a model or a sentence, never another exception."""
    (file,) = model.glob(f"{name}.*")
    whole = file.read_bytes()
    chance = random.Random(7)  # noqa: S311 - the same damage each time
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 1, 3, 20))):
            damaged[chance.randrange(len(damaged))] = chance.choice((0, 255, 32, 10, 45, chance.randrange(256)))
        file.write_bytes(damaged)
        words = refusal(model)
        refused += bool(words)
        assert not words or str(file) in words
    assert refused > 0
    for nonsense in (b"", b"\0", b"\n\n", b"# only\n", b"\xff" * 400, b"1 2 3\n", b"PK\x03\x04" * 50, whole[::-1]):
        file.write_bytes(nonsense)
        words = refusal(model)
        assert not words or str(file) in words


def _images(*names: str, camera: int = 1, pose: tuple[float, ...] = (1, 0, 0, 0, 0, 0, 4)) -> bytes:
    entries = [
        struct.pack("<I7dI", number, *pose, camera) + os.fsencode(name) + b"\0" + struct.pack("<Q", 0)
        for number, name in enumerate(names, 1)
    ]
    return struct.pack("<Q", len(entries)) + b"".join(entries)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("images.bin", _images(), "holds no photo"),
        ("images.bin", _images("a.jpg", camera=99), "camera 99"),
        ("images.bin", _images("a.jpg", "a.jpg"), "twice"),
        ("images.bin", _images("a.jpg", "./a.jpg"), "a.jpg is in it twice"),
        ("images.bin", _images("a.jpg", pose=(0, 0, 0, 0, 0, 0, 0)), "pose of a.jpg"),
        ("images.bin", _images("a.jpg", pose=(1, 0, 0, 0, float("nan"), 0, 0)), "pose of a.jpg"),
        ("images.bin", _images("../../a.jpg"), "inside a photo folder"),
        ("images.bin", _images("/etc/passwd"), "inside a photo folder"),
        pytest.param("images.bin", _images("C:\\a.jpg"), "inside a photo folder", marks=ON_WINDOWS),
        pytest.param("images.bin", _images("A: top/a.jpg"), "inside a photo folder", marks=ON_WINDOWS),
        ("images.bin", _images(""), "inside a photo folder"),
        ("cameras.bin", struct.pack("<QIiQQ3d", 1, 1, 0, 80, 60, -5, 1, 1), "focal length"),
        ("cameras.bin", struct.pack("<QIiQQ3d", 1, 1, 0, 0, 60, 5, 1, 1), "0 × 60"),
        ("cameras.bin", struct.pack("<QIiQQ3d", 1, 1, 0, 80, 1 << 40, 5, 1, 1), "pixels"),
        ("cameras.bin", struct.pack("<QIiQQ3d", 1, 1, 77, 80, 60, 5, 1, 1), "model number 77"),
        ("cameras.bin", struct.pack("<QIiQQ3d", 1, 1, 0, 80, 60, 5, float("inf"), 1), "not a number"),
        ("points3D.bin", struct.pack("<QQ3d3BdQ", 1, 1, 0, float("nan"), 0, 1, 2, 3, 0.5, 0), "position of a point"),
        ("points3D.bin", struct.pack("<QQ3d3BdQ", 1, 1, 0, 0, 0, 1, 2, 3, 0.5, 1 << 62), "middle of an entry"),
    ],
)
def test_what_is_whole_but_wrong_is_told(written, tmp_path, file, content, words):
    folder = shutil.copytree(written / "bin", tmp_path / "model")
    (folder / file).write_bytes(content)
    with pytest.raises(ModelError, match=words) as raised:
        registry.read(folder)
    assert file in str(raised.value)


@pytest.mark.skipif(os.name == "nt", reason="Windows takes no such names")
@pytest.mark.parametrize("form", FORMATS)
def test_photos_bear_the_names_that_their_files_have(written, tmp_path, form):
    folder = shutil.copytree(written / form, tmp_path / "model")
    names = [
        "A: top/a.jpg",
        "C:\\a.jpg",
        "\\\\host\\share\\a.jpg",
        "a\\..\\..\\b.jpg",
        "caf\udce9.jpg",
        "n" * 300 + ".jpg",
    ]
    if form == "bin":
        (folder / "images.bin").write_bytes(_images(*names))
    else:
        lines = (f"{number} 1 0 0 0 0 0 4 1 {name}\n\n" for number, name in enumerate(names, 1))
        (folder / "images.txt").write_bytes(os.fsencode("".join(lines)))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / names[1]).touch()
    plan = plan_import(ImportSettings(directory=str(folder), photos=str(tmp_path / "photos")))
    assert sorted(photo.name for photo in plan.reconstruction.photos) == sorted(names)
    assert plan.picture(names[1], 1) == tmp_path / "photos" / names[1]
    assert plan.picture(names[-1], 1) is None


def test_text_from_other_hands_is_read(written, tmp_path):
    folder = shutil.copytree(written / "txt", tmp_path / "model")
    windows = "1 SIMPLE_PINHOLE 80 60 50 40 30\r\n\r\n"
    (folder / "cameras.txt").write_bytes(b"\xef\xbb\xbf# made by hand\r\n" + windows.encode())
    (folder / "images.txt").write_text("# c\n\n1 1 0 0 0 0 0 4 1 A photo, with spaces.jpg\n\n2 1 0 0 0 0 0 4 1 b.jpg")
    (folder / "points3D.txt").write_text("# none\n")
    found = registry.read(folder)
    assert [photo.name for photo in found.photos] == ["A photo, with spaces.jpg", "b.jpg"]
    assert found.points.positions.shape == (0, 3)


def test_the_largest_of_several_models_is_found(written, tmp_path):
    for number, names in ((0, ["a.jpg"]), (1, ["a.jpg", "b.jpg", "c.jpg"]), (2, ["d.jpg", "e.jpg"])):
        folder = shutil.copytree(written / "bin", tmp_path / "scan" / "sparse" / str(number))
        (folder / "images.bin").write_bytes(_images(*names))
    assert registry.find(tmp_path / "scan").name == "1"
    assert registry.find(tmp_path / "scan" / "sparse").name == "1"
    assert registry.find(tmp_path / "scan" / "sparse" / "2").name == "2"
    for stray in ("images.txt", "points3D.txt", "rigs.bin"):
        (tmp_path / "scan" / stray).write_text("a.jpg")
        (tmp_path / "scan" / "sparse" / stray).write_text("a.jpg")
        for start in (tmp_path / "scan", tmp_path / "scan" / stray):
            assert registry.find(start).name == "1", "a list of photos beside models is none"


@pytest.mark.parametrize("form", FORMATS)
def test_of_two_engines_the_one_that_solved_last_is_found(written, tmp_path, form):
    """Whatever came to lie beside a model since, from an import or from others."""
    engines = tmp_path / "engines"
    for second, name in enumerate(("colmap", "colmap_executable")):
        for file in Path(shutil.copytree(written / form, engines / name / "sparse")).iterdir():
            os.utime(file, (second, second))
    for name in ("colmap_executable", "colmap"):
        assert registry.find(tmp_path) == engines / "colmap_executable" / "sparse"
        copies = plan_import(ImportSettings(directory=str(engines / name))).copies
        copies.photo("a.jpg").parent.mkdir(parents=True)
        sparse = engines / name / "sparse"
        (sparse / "project.ini").touch()
        os.utime(sparse)
    assert registry.find(tmp_path) == engines / "colmap_executable" / "sparse"
    (engines / "colmap" / "sparse" / f"images.{form}").touch()
    assert registry.find(tmp_path) == engines / "colmap" / "sparse"


def test_photos_and_masks_are_found_in_the_job(tmp_path):
    job, photos = tmp_path / "My scan", tmp_path / "raw"
    model = job / "engines" / "colmap" / "sparse" / "0"
    for folder in (model, job / "masks", photos):
        folder.mkdir(parents=True)
    (job / "job.json").write_text(json.dumps({"task": "strip", "settings": {"photos": str(photos)}}))
    places = find_places(model)
    assert (places.photos, places.masks, places.name) == (photos, job / "masks", "My scan")
    # Not where the next solve puts its own models.
    for solved in (model, model.parent, job / "engines" / "colmap" / "other_models" / "1"):
        assert find_places(solved).copies == job / "engines" / "colmap"
    for broken in ("[]", "{", '{"settings": {}}', '{"settings": {"photos": 3}}'):
        (job / "job.json").write_text(broken)
        assert find_places(model).photos is None


def test_a_scan_is_the_same_with_another_solve_of_its_job_and_any_other_model_only_with_itself(written, tmp_path):
    job = tmp_path / "Vase"
    for name in ("colmap/sparse", "colmap_executable/sparse", "colmap/other_models/1", "colmap/other_models/2"):
        shutil.copytree(written / "txt", job / "engines" / name)
    (job / "job.json").write_text("{}")
    for name in ("0", "1"):
        shutil.copytree(written / "txt", tmp_path / "Project" / "sparse" / name)
    (tmp_path / "link").symlink_to(job, target_is_directory=True)

    def identity(folder: Path) -> str:
        return plan_import(ImportSettings(directory=str(folder))).identity

    of_job = {identity(each) for each in (job, *(job / "engines").glob("*/sparse"), tmp_path / "link")}
    others = [*job.glob("engines/*/other_models/*"), *tmp_path.glob("Project/sparse/*")]
    assert len(of_job) == 1
    assert len(others) == 4
    assert len(of_job | {identity(each) for each in others}) == 5


def test_photos_are_found_where_colmap_has_them(tmp_path):
    model = tmp_path / "Vase" / "sparse" / "0"
    for folder in (model, tmp_path / "Vase" / "images"):
        folder.mkdir(parents=True)
    places = find_places(model)
    assert (places.photos, places.masks, places.name) == (tmp_path / "Vase" / "images", None, "Vase")
    assert places.copies == model
    assert find_places(tmp_path / "Vase" / "undistorted-01ab23cd" / "sparse").name == "Vase"
    # A folder that is only called as ours are.
    elsewhere = tmp_path / "engines" / "steam" / "sparse"
    assert find_places(elsewhere).copies == elsewhere


def test_a_file_of_the_model_stands_for_its_folder(model):
    (file,) = model.glob("images.*")
    assert plan_import(ImportSettings(filepath=str(file))).model == model
    (model / "notes.txt").write_text("mine")
    with pytest.raises(BadUseError, match=r"notes\.txt is not a file of a COLMAP model"):
        plan_import(ImportSettings(filepath=str(model / "notes.txt")))


@pytest.mark.parametrize(
    "settings",
    [
        ImportSettings(),
        ImportSettings(directory="/nowhere/at/all"),
        ImportSettings(filepath="/nowhere/cameras.bin"),
    ],
)
def test_a_folder_that_is_not_there_is_told(settings):
    with pytest.raises(BadUseError, match="choose"):
        plan_import(settings)


def test_folders_that_are_named_must_be_there(model):
    for name in ("photos", "masks"):
        with pytest.raises(BadUseError, match="/nowhere"):
            plan_import(ImportSettings(directory=str(model), **{name: "/nowhere"}))
