# SPDX-License-Identifier: GPL-3.0-or-later
"""From render to photo: grain, JPEG, EXIF, and the true mask. Needs Pillow and numpy, not bpy.

Started by render_turntable.py; by hand it gives the same renders another grain or quality.
"""

from __future__ import annotations

import argparse
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational
from turntable_frames import FOCAL_MM

FIRST_PHOTO = datetime(2026, 3, 14, 10, 2, 0, tzinfo=UTC)  # EXIF keeps the clock's time alone
SECONDS_APART, SECONDS_TO_FLIP = 7, 95
EXIF_IFD = 0x8769


def exif_block(number: int, step: int, side: int, width: int, height: int, focal_35mm: int) -> Image.Exif:
    """What a camera writes: maker, lens, time. `number` counts from 1, `side` and `step` from 0."""
    taken = FIRST_PHOTO + timedelta(seconds=(number - 1) * SECONDS_APART + side * SECONDS_TO_FLIP + step % 3)
    stamp = taken.strftime("%Y:%m:%d %H:%M:%S")
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Scan Cutout", "Turntable Camera"  # Make, Model: made up, and says so
    exif[0x0112] = 1  # Orientation
    exif[0x011A] = exif[0x011B] = IFDRational(72)  # X, Y resolution
    exif[0x0128] = 2  # inches
    exif[0x0131] = "Blender, tests/data/render_turntable.py"  # Software
    exif[0x0132] = stamp
    exif[EXIF_IFD] = {
        0x829A: IFDRational(1, 15),
        0x829D: IFDRational(8),
        0x8827: 100,  # ExposureTime, FNumber, ISO
        0x9000: b"0232",
        0x9003: stamp,
        0x9004: stamp,  # version, DateTimeOriginal, DateTimeDigitized
        0x920A: IFDRational(round(FOCAL_MM * 1000), 1000),  # FocalLength, mm
        0xA001: 1,
        0xA002: width,
        0xA003: height,  # sRGB, size
        0xA405: focal_35mm,  # FocalLengthIn35mmFilm
        0xA433: "Scan Cutout",
        0xA434: "Pinhole 13.9 mm",  # LensMake, LensModel
    }
    return exif


def grain_field(rows: int, columns: int, seed: int) -> np.ndarray:
    """Noise of deviation 1 a channel: mostly in brightness, and a little soft, as demosaicking leaves it."""
    dice = np.random.default_rng(seed)
    light = dice.standard_normal((rows, columns, 1), np.float32)
    soft = 0.25 * (np.roll(light, 1, 0) + np.roll(light, -1, 0) + np.roll(light, 1, 1) + np.roll(light, -1, 1))
    colour = dice.standard_normal((rows, columns, 3), np.float32)
    return 0.87 * (0.9 * light + 0.62 * soft) / 0.95 + 0.5 * colour


def encode(pixels: np.ndarray, grain: np.ndarray, sigma: float, quality: int, exif: Image.Exif) -> bytes:
    noisy = pixels + sigma * grain
    image = Image.fromarray((np.clip(noisy, 0, 255) + 0.5).astype(np.uint8))
    store = io.BytesIO()
    image.save(store, "JPEG", quality=quality, subsampling="4:2:0", exif=exif, optimize=True)
    return store.getvalue()


def encode_to_weight(pixels, grain, weight: float, quality: int, exif) -> bytes:
    """Find the grain with which the file weighs `weight` bytes, within two in a hundred."""
    low, high = 0.0, 24.0
    for _ in range(10):
        sigma = (low + high) / 2
        data = encode(pixels, grain, sigma, quality, exif)
        if abs(len(data) - weight) < 0.02 * weight:
            break
        low, high = (sigma, high) if len(data) < weight else (low, sigma)
    return data


def in_bytes(text: str) -> float:
    """'3.8M', '300k' or plain bytes."""
    unit = {"k": 1e3, "m": 1e6}.get(text[-1].lower())
    return float(text[:-1]) * unit if unit else float(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renders", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--photos", nargs="+", required=True, help="names below --renders, without extension")
    parser.add_argument("--focal-35mm", type=int, required=True)
    parser.add_argument("--quality", type=int, default=89)
    parser.add_argument("--grain", type=float, default=1.2)
    parser.add_argument("--target-bytes", type=in_bytes)
    options = parser.parse_args()
    for name in options.photos:
        side_name, stem = name.split("/")
        number = int(stem.rsplit("_", 1)[1])
        photo = options.output / "photos" / f"{name}.JPG"
        mask = options.output / "true_masks" / f"{name}.JPG.png"
        for path in (photo, mask):
            path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(options.renders / f"{name}.png") as image:
            pixels = np.asarray(image.convert("RGB"), np.float32)
        rows, columns, _ = pixels.shape
        exif = exif_block(number, number - 1, int(side_name == "flipped"), columns, rows, options.focal_35mm)
        grain = grain_field(rows, columns, number)
        if options.target_bytes:
            data = encode_to_weight(pixels, grain, options.target_bytes, options.quality, exif)
        else:
            data = encode(pixels, grain, options.grain, options.quality, exif)
        photo.write_bytes(data)
        with Image.open(options.renders / f"{name}.alpha.png") as image:
            covered = np.asarray(image.getchannel("A")) >= 128
        Image.fromarray(np.where(covered, np.uint8(255), np.uint8(0))).save(mask, optimize=True)
        print(f"{name}: {len(data) / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
