# SPDX-License-Identifier: GPL-3.0-or-later
"""Without a server the masks are the server's: compared with a real one, and with rembg's own code for every family."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import requests
from onnx_file import stand_in
from PIL import Image

import environments
from rembg_server import RembgServer
from scan.common.errors import BadUseError, PhotoError
from scan.photos.photo import Photo
from scan.photos.pixels import Proxy, make_proxy
from scan.segmentation import weights
from scan.segmentation.onnx_model import EmbeddedModel, as_sent

# Real photographs of things, from scikit-image, which the environment rembg has.
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
SESSIONS = Path(__file__).parents[2] / "rembg_sessions.py"


@pytest.fixture(autouse=True)
def no_folders(monkeypatch, tmp_path):
    """No models but those that a test puts somewhere."""
    for name in ("U2NET_HOME", "REMBG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def photographs() -> list[Path]:
    folders = sorted(environments.python_of("rembg").parents[1].glob("[lL]ib/**/skimage/data"))
    if not folders:
        pytest.skip("the environment rembg is not set up")
    return [folders[0] / name for name in PHOTOGRAPHS]


@pytest.fixture(scope="module")
def u2netp() -> EmbeddedModel:
    return EmbeddedModel("u2netp")


def within_one(ours: Image.Image, theirs: Image.Image) -> float:
    """The share of pixels in which two soft masks differ by at most 1 of 255."""
    assert (ours.mode, ours.size) == (theirs.mode, theirs.size) == ("L", ours.size)
    return float(np.mean(np.abs(np.asarray(ours, np.int16) - np.asarray(theirs, np.int16)) <= 1))


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def message(model: str) -> str:
    """What is said of a model that is refused."""
    with pytest.raises(BadUseError) as refused:
        EmbeddedModel(model)
    return str(refused.value)


# The same as a real server


@pytest.mark.parametrize("long_edge", [1024, 256, 0])
def test_masks_are_the_servers(rembg, photographs, u2netp, long_edge):
    for path in photographs:
        proxy = make_proxy(Photo(PurePosixPath(path.name), path), long_edge)
        theirs = server_mask(rembg, proxy)
        assert 0.02 < np.mean(np.asarray(theirs) > 127) < 0.98, f"{path.name} shows no difference"
        assert within_one(u2netp.soft_mask(as_sent(proxy)), theirs) >= 0.999, path.name


def test_a_turned_photo_at_full_resolution_is_seen_upright(rembg, photographs, u2netp, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    Image.open(photographs[2]).save(path, exif=exif)
    proxy = make_proxy(Photo(PurePosixPath(path.name), path), 0)
    assert within_one(u2netp.soft_mask(as_sent(proxy)), server_mask(rembg, proxy)) >= 0.999


def server_mask(rembg: RembgServer, proxy: Proxy) -> Image.Image:
    answer = requests.post(
        rembg.endpoint,
        files={"file": ("photo", *proxy.encode())},
        data={"model": "u2netp", "om": "true"},
        timeout=900,
    )
    return Image.open(io.BytesIO(answer.content))


# The same as rembg's own code, for every family. Weights of all but u2netp are too large for tests: stand-ins that look
# like them from the outside are run by both.

FLAT = "birefnet-cod"  # its stand-in answers the same everywhere


def stand_in_for(name: str) -> bytes:
    seed = weights.NAMES.index(name)
    if name.startswith("birefnet"):
        # Wide enough for exp to overflow, as real logits may be.
        return stand_in(1024, seed=seed, logits=True, scale=0 if name == FLAT else 500)
    if name.startswith(("isnet", "bria")):
        return stand_in(1024, seed=seed, outputs=1)
    return stand_in(320, seed=seed, outputs=7)


@pytest.fixture(scope="module")
def pictures(photographs) -> dict[str, Image.Image]:
    """Give pictures of many shapes: photographs, a dark one, a black one, a tiny one, a long one."""
    photographed = Image.open(photographs[0]).convert("RGB")
    made = {
        "photograph": photographed,
        "dark": photographed.point([value // 9 for value in range(256)] * 3),
        "black": Image.new("RGB", (40, 30)),
        "tiny": photographed.resize((5, 3)),
        "long": Image.open(photographs[2]).convert("RGB").resize((1200, 90)),
    }
    return {name: picture.copy() for name, picture in made.items()}


@pytest.fixture(scope="module")
def sessions(pictures, tmp_path_factory) -> tuple[Path, Path]:
    """Give a folder of stand-ins as rembg keeps weights, and one of the masks that rembg makes of them."""
    folder = tmp_path_factory.mktemp("sessions")
    for name, picture in pictures.items():
        put(folder / "pictures", f"{name}.png", encoded(picture))
    for name in weights.NAMES:
        put(folder / "home", f"{name}.onnx", stand_in_for(name))
    command = [str(environments.python_of("rembg")), str(SESSIONS), str(folder / "pictures"), str(folder / "masks")]
    quiet = {"U2NET_HOME": str(folder / "home"), "ORT_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [*command, *weights.NAMES], env={**os.environ, **quiet}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "home", folder / "masks"


def encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("name", weights.NAMES)
def test_every_family_is_rembgs(sessions, pictures, name):
    home, masks = sessions
    model = EmbeddedModel(str(home / f"{name}.onnx"))
    for kind, picture in pictures.items():
        ours, theirs = model.soft_mask(picture), Image.open(masks / name / f"{kind}.png")
        assert within_one(ours, theirs) >= 0.999, kind
        if name == FLAT:
            assert ours.getextrema() == (0, 0), "nothing stands out, so nothing is kept"
        elif kind == "photograph":
            low, high = ours.getextrema()
            assert high - low > 200, "there is something to compare"


# Where models are found


def test_u2netp_comes_with_the_extension(tmp_path):
    put(tmp_path / "home", ".u2net/u2netp.onnx", b"another")
    chosen = weights.find("u2netp")
    assert chosen.path.samefile(environments.MODELS / "u2netp.onnx")
    assert (chosen.name, chosen.key) == ("u2netp", "u2netp")
    assert list(weights.found()) == ["u2netp"]


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({}, "home/.rembg/models/silueta/silueta.onnx"),
        ({}, "home/.u2net/silueta.onnx"),
        ({"REMBG_HOME": "r"}, "r/models/silueta/silueta.onnx"),
        ({"REMBG_HOME": "r"}, "home/.u2net/silueta.onnx"),
        ({"XDG_DATA_HOME": "x"}, "x/rembg/models/silueta/silueta.onnx"),
        ({"XDG_DATA_HOME": "x"}, "x/.u2net/silueta.onnx"),
        ({"U2NET_HOME": "u", "REMBG_HOME": "r", "XDG_DATA_HOME": "x"}, "u/models/silueta/silueta.onnx"),
        ({"U2NET_HOME": "u", "REMBG_HOME": "r", "XDG_DATA_HOME": "x"}, "u/silueta.onnx"),
    ],
)
def test_rembgs_folders_are_looked_through(monkeypatch, tmp_path, variables, place):
    for name, folder in variables.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    path = put(tmp_path, place, stand_in(320, outputs=7))
    assert weights.find("silueta").path == path
    assert list(weights.found()) == ["u2netp", "silueta"]
    assert EmbeddedModel("silueta").soft_mask(Image.new("RGB", (64, 48))).size == (64, 48)


def test_a_file_of_ones_own_is_told_by_the_beginning_of_its_name(tmp_path):
    path = put(tmp_path, "BiRefNet-general-epoch_244.onnx", stand_in(1024, logits=True))
    before = weights.find(str(path))
    assert before.family == weights.Family(1024, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), logits=True)
    put(tmp_path, path.name, stand_in(1024, logits=True, outputs=2))
    assert weights.find(str(path)).key != before.key, "another file makes other masks"


def test_a_file_with_rembgs_name_for_ones_own_model_is_taken(tmp_path):
    path = put(tmp_path, "u2net_custom.onnx", stand_in(320))
    assert EmbeddedModel(str(path)).soft_mask(Image.new("RGB", (64, 48))).size == (64, 48)


# What is no such model is refused in a sentence


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("u2net.onnx", b"", "is not an ONNX model"),
        ("u2net.onnx", b"<html>Not found</html>", "is not an ONNX model"),
        ("u2net.onnx", stand_in(320)[:900], "is not an ONNX model"),
        ("u2net.onnx", stand_in(1024), "wants tensor(float) [1, 3, 1024, 1024], not one picture of 320 × 320 pixels"),
        ("isnet-mine.onnx", stand_in(1024, channels=4), "answers with [1, 4, 1024, 1024], not with one mask"),
        ("u2net_cloth_seg.onnx", stand_in(320, channels=4), "three masks stacked"),
        ("thing.onnx", stand_in(320), "What kind of model thing.onnx is cannot be told from its name"),
    ],
)
def test_a_file_that_is_no_such_model_is_refused(tmp_path, name, content, words):
    said = message(str(put(tmp_path, name, content)))
    assert words in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("", "No model is set"),
        ("u2net", "The weights of u2net are not on this computer"),
        ("withoutbg", "The model withoutbg cannot be run without a server"),
        ("sam", "needs points or boxes"),
        ("nowhere/u2net.onnx", "cannot be read (No such file or directory)"),
        ("~nobody-of-this-name/u2net.onnx", "cannot be read (No such file or directory)"),
    ],
)
def test_a_model_that_is_not_there_is_refused(model, words):
    assert words in message(model)


def test_a_folder_is_no_model(tmp_path):
    (tmp_path / "u2net.onnx").mkdir()
    assert "is a folder" in message(str(tmp_path / "u2net.onnx"))


def test_sizes_may_be_left_open(tmp_path):
    path = put(tmp_path, "u2net.onnx", stand_in(320, shape=(1, 3, "height", "width"), answer=(1, 1, "height", "width")))
    assert EmbeddedModel(str(path)).soft_mask(Image.new("RGB", (9, 9))).size == (9, 9)


def test_an_answer_that_is_no_mask_fails_the_photo(tmp_path):
    open_shapes = {"shape": (1, 3, "height", "width"), "answer": (1, 1, "less", "less too")}
    path = put(tmp_path, "u2net.onnx", stand_in(320, pad=0, **open_shapes))
    with pytest.raises(PhotoError, match=r"answers with \(1, 1, 312, 312\) values"):
        EmbeddedModel(str(path)).soft_mask(Image.new("RGB", (9, 9)))


def test_where_onnxruntime_is_missing_that_is_said(monkeypatch):
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda _name: None)
    assert "onnxruntime, which runs it, is missing for" in weights.unavailable()
    assert "use a rembg endpoint" in message("u2netp")


def test_where_onnxruntime_does_not_load_that_is_said(tmp_path):
    put(tmp_path, "onnxruntime/__init__.py", b"raise ImportError('GLIBC_2.99 not found\\nand more')")
    code = "from scan.segmentation.onnx_model import EmbeddedModel; EmbeddedModel('u2netp')"
    search = os.pathsep.join([str(tmp_path), str(environments.ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "does not load here (GLIBC_2.99 not found); use a rembg endpoint" in done.stderr


# As a guest in a worker


def test_many_threads_get_the_masks_that_one_gets(u2netp, photographs):
    pictures = [Image.open(path).convert("RGB") for path in photographs] * 3
    alone = [u2netp.soft_mask(picture).tobytes() for picture in pictures]
    with ThreadPoolExecutor(6) as pool:
        assert [mask.tobytes() for mask in pool.map(u2netp.soft_mask, pictures)] == alone


def test_nothing_is_told_to_microsoft(u2netp):
    assert u2netp.version.startswith("onnxruntime 1.")
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    capi = Path(sys.modules["onnxruntime"].__file__).parent / "capi"
    libraries = [
        path for path in capi.iterdir() if path.suffix in (".so", ".pyd", ".dll", ".dylib") or ".so." in path.name
    ]
    assert libraries
    for path in libraries:
        assert b"events.data.microsoft.com" not in path.read_bytes(), f"{path.name} can send usage data"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="tells the priority of threads from /proc")
def test_blender_goes_first():
    code = """
import os
from scan.job.priority import lower_priority
lower_priority()
lower_priority()
from scan.segmentation.onnx_model import EmbeddedModel
model = EmbeddedModel("u2netp", threads=3)
print([os.getpriority(os.PRIO_PROCESS, int(thread)) for thread in os.listdir("/proc/self/task")])
"""
    environment = {**os.environ, "PYTHONPATH": str(environments.ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    priorities = json.loads(done.stdout)
    assert len(priorities) >= 3, "the model's own threads, too"
    assert set(priorities) == {max(10, os.nice(0))}
