# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs with either backend: the embedded model in the worker, and what else a rembg server can be asked for."""

import io
import json
import os
import shutil

import numpy as np
import pytest
from conftest import journaled, wait_for
from faulty_server import Answer, always, good_mask, png
from onnx_file import stand_in
from PIL import Image

import environments

NOBODY = "http://127.0.0.1:9/api/remove"
NAMES = ["IMG_0001.JPG", "IMG_0006.JPG", "IMG_0011.JPG"]


@pytest.fixture
def some_of_the_scan(turntable, photos):
    """Give the names of three photos of the repository's scan, in the photo folder."""
    for name in NAMES:
        shutil.copy2(turntable / "photos" / "upright" / name, photos / name)
    return NAMES


def soft_masks(output):
    return {path.name: np.asarray(Image.open(path), np.int16) for path in sorted((output / "soft").iterdir())}


def cutout(picture):
    """An answer to alpha matting: the picture with the mask as its alpha."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.putalpha(Image.open(io.BytesIO(good_mask(picture))))
    return png(image)


# The embedded model


def test_the_embedded_models_masks_are_the_servers(some_of_the_scan, workers, rembg, output, tmp_path):
    here = tmp_path / "embedded"
    story = workers.strip(NOBODY, backend="EMBEDDED", output=here)
    assert (story.made, story.exit_code) == (some_of_the_scan, 0)
    assert workers.strip(rembg.endpoint).made == some_of_the_scan
    ours, theirs = soft_masks(here), soft_masks(output)
    assert list(ours) == list(theirs) == [f"{name}.png" for name in some_of_the_scan]
    for name, mask in ours.items():
        assert 0.05 < (mask > 127).mean() < 0.95
        assert (np.abs(mask - theirs[name]) <= 1).mean() >= 0.999
    report = json.loads((here / "report.json").read_bytes())
    assert report["versions"]["model"].startswith("onnxruntime 1.")
    assert report["bytes"] == {"sent": 0, "received": 0}
    assert json.loads((output / "report.json").read_bytes())["versions"]["model"].startswith("rembg 2.")


@pytest.mark.parametrize("first", ["ENDPOINT", "EMBEDDED"])
def test_where_a_model_runs_is_no_reason_to_ask_again(add_photos, workers, server, first):
    names = add_photos(2)
    other = {"ENDPOINT": "EMBEDDED", "EMBEDDED": "ENDPOINT"}[first]
    assert workers.strip(server.endpoint, backend=first).asked == names
    asked = len(server.visits)
    assert workers.strip(server.endpoint, backend=other).made == []
    again = workers.strip(server.endpoint, backend=other, threshold=60)
    assert (again.made, again.asked) == (names, [])
    assert len(server.visits) == asked


def test_a_model_file_gives_its_models_masks(some_of_the_scan, workers, output, tmp_path):
    chosen = {"backend": "EMBEDDED", "files": (some_of_the_scan[0],)}
    workers.strip(NOBODY, **chosen)
    file = tmp_path / "U2NetP of mine.onnx"
    shutil.copy(environments.MODELS / "u2netp.onnx", file)
    elsewhere = tmp_path / "elsewhere"
    story = workers.strip(NOBODY, **chosen, model=str(file), output=elsewhere)
    assert (story.asked, story.exit_code) == (some_of_the_scan[:1], 0)
    own, bundled = soft_masks(elsewhere), soft_masks(output)
    assert all(np.array_equal(own[name], bundled[name]) for name in bundled)
    # Another file in its place is another model, and is told from the first.
    os.utime(file, ns=(1, 1))
    assert workers.strip(NOBODY, **chosen, model=str(file), output=elsewhere).asked == some_of_the_scan[:1]


@pytest.fixture
def model_file(tmp_path):
    """Give the path of a small model of one's own."""
    file = tmp_path / "u2net_small.onnx"
    file.write_bytes(stand_in(320))
    return file


def test_where_kept_soft_masks_are_damaged_the_embedded_model_is_asked_again(add_photos, workers, output, model_file):
    """Before that, nothing is to be asked, and no model is loaded."""
    names = add_photos(3)
    chosen = {"backend": "EMBEDDED", "model": str(model_file)}
    assert workers.strip(NOBODY, **chosen).asked == names
    whole = {path: path.read_bytes() for path in (output / "soft").iterdir()}
    for path in list(whole)[:2]:
        path.write_bytes(whole[path][:100])
    story = workers.strip(NOBODY, **chosen, threshold=100)
    assert (story.made, len(story.asked), story.failed, story.exit_code) == (names, 2, {}, 0)
    assert {path: path.read_bytes() for path in whole} == whole


def test_a_model_that_is_found_damaged_as_late_as_that_ends_the_run_in_words(add_photos, workers, output, model_file):
    first, *_ = add_photos(3)
    chosen = {"backend": "EMBEDDED", "model": str(model_file)}
    workers.strip(NOBODY, **chosen)
    (output / "soft" / f"{first}.png").write_bytes(b"")
    status = model_file.stat()
    model_file.write_bytes(bytes(status.st_size))
    os.utime(model_file, ns=(status.st_atime_ns, status.st_mtime_ns))  # the same model, by all that is asked of a file
    story = workers.strip(NOBODY, **chosen, threshold=100)
    assert (story.finished["status"], story.failed, story.exit_code) == ("stopped", {}, 2)
    assert story.message.startswith(f"{model_file} is not an ONNX model that can be run")
    assert story.message.endswith("3 of 3 done, run again to go on")
    assert first not in story.made


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"alpha_matting": True}, "are the rembg server's; switch them off"),
        ({"post_process": True}, "are the rembg server's; switch them off"),
        ({"extras": '{"a": 1}'}, "are the rembg server's; switch them off"),
        ({"model": "no-such-model"}, "The model no-such-model cannot be run without a server; choose one of u2netp"),
        ({"model": "withoutbg"}, "The model withoutbg cannot be run without a server"),
        ({"model": "sam"}, "needs points or boxes"),
        ({"model": "/no/u2netp.onnx"}, "The model file /no/u2netp.onnx cannot be read"),
        ({"model": "{folder}/u2netp-page.onnx"}, "is not an ONNX model that can be run"),
        ({"model": "{folder}/mine.onnx"}, "What kind of model mine.onnx is cannot be told from its name"),
        ({"backend": "MAGIC"}, "Backend must be one of ENDPOINT, EMBEDDED, not 'MAGIC'"),
    ],
)
def test_what_the_embedded_model_cannot_do_is_refused(add_photos, workers, output, tmp_path, given, words):
    add_photos(1)
    (tmp_path / "u2netp-page.onnx").write_bytes(b"<html>404</html>")
    shutil.copy(environments.MODELS / "u2netp.onnx", tmp_path / "mine.onnx")
    given = {name: value.format(folder=tmp_path) if name == "model" else value for name, value in given.items()}
    story = workers.strip(NOBODY, **{"backend": "EMBEDDED", **given})
    assert (story.finished["status"], story.exit_code) == ("failed", 2)
    assert words in story.message
    assert "\n" not in story.message
    assert not list(output.rglob("*.png"))


def test_where_no_server_answers_the_embedded_model_is_offered(add_photos, workers):
    add_photos(1)
    story = workers.strip(NOBODY)
    assert story.exit_code == 3
    assert "No server answers at http://127.0.0.1:9/api/remove" in story.message
    assert "or choose the backend Embedded, which needs no server" in story.message
    assert workers.strip(NOBODY, backend="EMBEDDED").exit_code == 0


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="priorities are asked for as POSIX has them")
@pytest.mark.parametrize("backend", ["ENDPOINT", "EMBEDDED"])
def test_blender_goes_first_where_the_worker_computes(add_photos, workers, server, output, backend):
    add_photos(2)
    server.script = lambda request: Answer(hang=request.number > 0)
    worker = workers.start(server.endpoint, backend=backend)
    wait_for(lambda: journaled(output))
    # Nobody has asked the worker how it is: should it have ended already, the system keeps its priority until then.
    priority = os.getpriority(os.PRIO_PROCESS, worker.pid)
    worker.kill()
    workers.end(worker)
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    assert priority == (max(10, usual) if backend == "EMBEDDED" else usual)


# What a server can be asked for beyond a mask


def test_the_fields_that_are_sent(add_photos, workers, server):
    add_photos(1)
    sent = {}
    server.script = always(Answer(body=cutout))
    for name, given in {
        "matting": {"alpha_matting": True, "matting_foreground": 250, "matting_background": 5, "matting_erode": 3},
        "both": {"alpha_matting": True, "post_process": True},
    }.items():
        assert workers.strip(server.endpoint, **given).exit_code == 0
        sent[name] = server.requests[-1].fields
    server.script = always(Answer())
    for name, given in {"plain": {}, "smooth": {"post_process": True}, "more": {"extras": '{"a": [1]}'}}.items():
        assert workers.strip(server.endpoint, **given).exit_code == 0
        sent[name] = server.requests[-1].fields
    model = {"model": b"u2netp"}
    usual = {"a": b"true", "af": b"240", "ab": b"10", "ae": b"10"}
    assert {name: {key: fields[key] for key in fields.keys() - {"file"}} for name, fields in sent.items()} == {
        "matting": {**model, "a": b"true", "af": b"250", "ab": b"5", "ae": b"3"},
        "both": {**model, **usual, "ppm": b"true"},
        "plain": {**model, "om": b"true"},
        "smooth": {**model, "om": b"true", "ppm": b"true"},
        "more": {**model, "om": b"true", "extras": b'{"a": [1]}'},
    }
    assert len(server.requests) == 5, "each of them makes another soft mask"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (good_mask, "the cutout has the channels L, not RGBA"),
        (lambda _: png(Image.new("RGBA", (3, 3))), "the cutout is 3 × 3 pixels, not 320 × 240"),
        (lambda picture: cutout(picture)[:3000], "the cutout cannot be decoded"),
        (lambda _: b"<html>", "the cutout cannot be decoded"),
    ],
)
def test_what_is_no_cutout_is_no_answer_to_alpha_matting(add_photos, workers, server, body, words):
    add_photos(2)
    server.script = lambda request: Answer(body=body if request.number < 4 else cutout)
    story = workers.strip(server.endpoint, alpha_matting=True, in_flight=1)
    (reason,) = story.failed.values()  # of whichever was asked about first
    assert words in reason
    assert len(story.made) == 1


@pytest.mark.parametrize("given", [{"alpha_matting": True}, {"post_process": True}, {"alpha_matting": True, "grow": 2}])
def test_a_real_server_refines_the_masks(some_of_the_scan, workers, rembg, output, tmp_path, overlap, given):
    plain = tmp_path / "plain"
    workers.strip(rembg.endpoint, files=(NAMES[0],), output=plain)
    story = workers.strip(rembg.endpoint, files=(NAMES[0],), **given)
    assert (story.asked, story.exit_code) == (some_of_the_scan[:1], 0)
    soft = [Image.open(folder / "soft" / f"{NAMES[0]}.png") for folder in (plain, output)]
    assert [each.mode for each in soft] == ["L", "L"]
    assert soft[0].size == soft[1].size
    assert soft[0].tobytes() != soft[1].tobytes()
    masks = [Image.open(folder / "masks" / f"{NAMES[0]}.png") for folder in (plain, output)]
    assert overlap(*masks) > 0.9
