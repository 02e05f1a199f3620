# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that went wrong: each is done or fails with a reason, and the worker neither crashes nor swells."""

import io
import os
import random
import sys
import threading
import time
from pathlib import Path, PurePosixPath

import pytest
from mutations import mutated
from PIL import Image

from scan.cutouts.cutout import CutoutKind, cutout_name
from scan.photos.photo import jpeg_name, needs_jpeg
from speaking_photos import exif, icc, save, scene

SEED = int(os.environ.get("SCAN_CUTOUT_FUZZ_SEED", "1"))
"""The same files every time; another number makes other ones."""
SMALL = (96, 72)
MOST_MB = 600


def jpegs(folder):
    picture = scene(SMALL)
    yield save(folder / "plain.jpg", picture=picture, orientation=6)
    yield save(folder / "progressive.jpg", picture=picture, progressive=True, subsampling=2)
    yield save(folder / "grey.jpg", picture=picture.convert("L"), optimize=True)
    yield save(folder / "cmyk.jpg", picture=picture.convert("CMYK"), exif=None)
    second = scene((64, 48))
    picture.save(folder / "two.mpo", "MPO", save_all=True, append_images=[second], exif=exif(3))
    yield (folder / "two.mpo").rename(folder / "two.jpg")


def pngs(folder):
    picture = scene(SMALL)
    yield save(folder / "plain.png", picture=picture, orientation=8)
    yield save(folder / "palette.png", picture=picture.quantize(30), transparency=3)
    yield save(folder / "grey.png", picture=picture.convert("LA"))
    yield save(folder / "deep.png", picture=picture.convert("L").convert("I;16"))
    yield save(folder / "bits.png", picture=picture.convert("1"))


def webps(folder):
    picture = scene(SMALL).copy()
    yield save(folder / "lossy.webp", picture=picture, orientation=5)
    yield save(folder / "lossless.webp", picture=picture, lossless=True)
    picture.putalpha(picture.convert("L"))
    yield save(folder / "alpha.webp", picture=picture)
    picture.save(folder / "moving.webp", save_all=True, append_images=[scene(SMALL).rotate(9)])
    yield folder / "moving.webp"


def tiffs(folder):
    picture = scene(SMALL)
    yield save(folder / "plain.tif", picture=picture, orientation=6)
    yield save(folder / "mapped.tif", picture=picture.convert("RGBA"), orientation=6)
    for packing in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits"):
        picture.save(folder / f"{packing}.tif", compression=packing, icc_profile=icc())
        yield folder / f"{packing}.tif"
    picture.convert("L").convert("I;16").save(folder / "deep.tif")
    yield folder / "deep.tif"
    picture.save(folder / "pages.tif", save_all=True, append_images=[picture.rotate(9)], big_tiff=True)
    yield folder / "pages.tif"


def heics(folder):
    pillow_heif = pytest.importorskip("pillow_heif", reason="makes the HEIC files")
    for name, picture in {"colour": scene(SMALL), "grey": scene(SMALL).convert("L")}.items():
        file = pillow_heif.from_pillow(picture)
        file.save(folder / f"{name}.heic", quality=80, exif=exif(6))
        yield folder / f"{name}.heic"


def add_mutations(sources, count, photos):
    """Fill the photo folder, the sources as they are among them."""
    chance = random.Random(f"{SEED} {sources[0].suffix}")  # noqa: S311 - damage has to be the same every time
    whole = {path: path.read_bytes() for path in sources}
    for path, content in whole.items():
        (photos / f"whole {path.name}").write_bytes(content)
    for number in range(count - len(whole)):
        path = chance.choice(sources)
        (photos / f"{path.stem} {number}{path.suffix}").write_bytes(mutated(whole[path], chance))


class PeakMemory(threading.Thread):
    """The most that a process has had in memory, in megabytes, as long as the system tells."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self.megabytes = 0.0
        self.start()

    def run(self):
        """Look, until the process is gone."""
        while True:
            try:
                lines = self._status.read_text("ascii").splitlines()
                (peak,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
            except (OSError, ValueError):  # ended, or a system without /proc
                return
            self.megabytes = peak / 1024
            time.sleep(0.02)


KINDS = pytest.mark.parametrize(
    ("kinds", "given"),
    [
        ({jpegs: 300}, {"cutouts": "JPEG"}),
        ({pngs: 200, webps: 150}, {"cutouts": "PNG"}),
        ({tiffs: 200, webps: 50}, {"cutouts": "JPEG", "refine_edges": True}),
        ({heics: 100}, {"cutouts": "PNG"}),
    ],
    ids=["JPEG", "PNG and WebP", "TIFF and WebP", "HEIC"],
)
PART = 5  # one of so many is made where not all are


@KINDS
def test_every_damaged_file_is_done_or_fails_with_a_reason(photos, output, tmp_path, workers, server, kinds, given):
    """A part of the thousand: that all of them are judged so, and none makes the worker swell, takes a full run."""
    names = add_kinds(tmp_path, photos, {make: count // PART for make, count in kinds.items()})
    check(workers.strip(server.endpoint, **given), names, output, given["cutouts"])


@pytest.mark.full
@pytest.mark.process
@pytest.mark.timeout(600)
@KINDS
def test_no_damaged_file_of_a_thousand_makes_a_worker_crash_or_swell(
    photos, output, tmp_path, workers, server, kinds, given
):
    names = add_kinds(tmp_path, photos, kinds)
    worker = workers.start(server.endpoint, **given)
    memory = PeakMemory(worker.pid)
    story = workers.end(worker)
    assert memory.megabytes or sys.platform != "linux", "nothing was looked at"
    assert memory.megabytes < MOST_MB
    check(story, names, output, given["cutouts"])


def add_kinds(folder, photos, kinds):
    """Fill the photo folder, and give the names of all photos, and of those that are whole."""
    whole = set()
    for make, count in kinds.items():
        (folder / make.__name__).mkdir()
        sources = list(make(folder / make.__name__))
        add_mutations(sources, count, photos)
        whole |= {f"whole {path.name}" for path in sources}
    names = sorted(path.name for path in photos.iterdir())
    assert len(names) == sum(kinds.values())
    return names, whole


def check(story, names, output, cutouts):
    """Fail where a photo is neither done nor failed, or what it is said to have is not there."""
    every, whole = names
    log = (output / "worker.log").read_text()
    assert "Traceback" not in log, log[-2000:]
    assert story.exit_code == 4, story.message
    assert sorted([*story.made, *story.failed]) == every
    assert whole <= {*story.made}
    # Whole ones among them, or nothing but the first look at a file was tested; bad ones, or nothing was.
    assert len(every) * 0.1 < len(story.failed) < len(every) * 0.9
    for reason in story.failed.values():
        assert 10 < len(reason) < 400, reason
        assert reason.isprintable(), reason

    for event in story.of("photo_done"):
        name = PurePosixPath(event["photo"])
        handed = jpeg_name(name) if needs_jpeg(name) else name
        with Image.open(output / "masks" / f"{handed}.png") as mask:
            mask.load()
            assert (mask.mode, list(mask.size)) == ("L", event["stored_size"])
        if "no_cutout" not in event:
            with Image.open(output / "cutouts" / cutout_name(handed, CutoutKind[cutouts])) as cutout:
                cutout.load()
                assert list(cutout.size) == event["stored_size"]
    Image.open(io.BytesIO((output / "contact_sheet.jpg").read_bytes())).load()
