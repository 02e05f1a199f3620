# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that decodes one HEIC or RAW file, in a process of its own: damaged ones make decoders crash.

Arguments: HEIC or RAW, the file, and the most pixels to read. The environment variable SCAN_CUTOUT_SYS_PATH holds the
module search path as JSON. It writes to stdout one line of JSON (mode, size, stride, chroma, and the lengths in bytes
of exif, xmp and icc), then those three and the pixels, upright. What is wrong with the file goes to stderr as its last
line, with exit code 5; what the decoders themselves say comes before it.
"""

import importlib.util
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

REFUSED = 5
"""Exit code where the file is at fault; Python's own for a defect is 1."""
MISSING = 3
"""Exit code where the package that decodes cannot be loaded."""
NO_MEMORY = 4
"""Exit code where there is not enough memory."""

_COPY_AGAIN = "copy it from the camera again"
_EXPORT = "export it as JPEG or TIFF beside it in the camera maker's program or another"
# sRGB's own curve (IEC 61966-2-1), as dcraw has it: the power, and the slope at black.
_SRGB_CURVE = (2.4, 12.92)
_BLOCKS = {"exif": "exif", "xmp": "xmp", "icc": "icc_profile"}
"""Of a file's metadata, as they are called here and by pi-heif."""


def library_folders(packages: Path) -> list[Path]:
    """Where a wheel's libraries for Windows lie if they are not beside its modules in ``packages``.

    The wheel holds them in ``….data/platlib``, which an installer has to empty into ``packages``; Blender 4.2's
    does not (its wheel_manager.py unpacks wheels as they are; seen in 4.2.23, done right in 4.5.15).
    """
    return sorted(packages.glob("pi_heif-*.data/platlib"))


def _let_windows_find_libraries() -> None:
    spec = importlib.util.find_spec("_pi_heif")
    if sys.platform == "win32" and spec is not None and spec.origin is not None:
        for folder in library_folders(Path(spec.origin).parent):
            os.add_dll_directory(str(folder))


def _read_heic(path: Path, most_pixels: int) -> None:
    try:
        _let_windows_find_libraries()
        import pi_heif  # noqa: PLC0415 - after the search path is set and its libraries can be found

        pi_heif.libheif_info()  # what failed to load raises only when it is used
    except ImportError as error:
        _leave(MISSING, str(error))
    # Nothing but the photo is of use here, and what is not looked at cannot be damaged.
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    try:
        file = pi_heif.HeifFile(path.read_bytes())
        primary = file[file.primary_index]
        _refuse_bombs(primary.size, most_pixels)
        primary.load()
    except MemoryError:
        _leave(NO_MEMORY, "")
    except Exception as error:  # noqa: BLE001 - ValueError, EOFError, SyntaxError, RuntimeError, OSError and more
        _leave(REFUSED, f"cannot be decoded ({error}); {_COPY_AGAIN}")
    blocks = {name: bytes(primary.info.get(key) or b"") for name, key in _BLOCKS.items()}
    about = {"mode": primary.mode, "size": primary.size, "stride": primary.stride, "chroma": primary.info.get("chroma")}
    _write(about, blocks, primary.data)


def _read_raw(path: Path, most_pixels: int) -> None:
    try:
        import rawpy  # noqa: PLC0415 - after the search path is set
    except ImportError as error:
        _leave(MISSING, str(error))
    try:
        with rawpy.imread(io.BytesIO(path.read_bytes())) as raw:
            _refuse_bombs((raw.sizes.raw_width, raw.sizes.raw_height), most_pixels)
            # All photos of a scan alike: what the sensor can hold is white in each of them, and no brightness depends
            # on what a photo shows. By default LibRaw brightens each until 1% of it is white, and takes a photo's own
            # brightest pixel for the sensor's most where it comes near. Clipped is what the sensor clipped.
            pixels = raw.postprocess(
                use_camera_wb=True,
                no_auto_bright=True,
                adjust_maximum_thr=0.0,
                output_color=rawpy.ColorSpace.sRGB,
                gamma=_SRGB_CURVE,
                output_bps=8,
            )
    except (MemoryError, rawpy.LibRawUnsufficientMemoryError):
        _leave(NO_MEMORY, "")
    except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawNotImplementedError):
        version = ".".join(map(str, rawpy.libraw_version))
        _leave(REFUSED, f"is a RAW file of a kind that LibRaw {version} does not read, or damaged; {_EXPORT}")
    except rawpy.LibRawIOError:  # of what lies in memory
        _leave(REFUSED, f"is damaged (it ends too early); {_COPY_AGAIN}")
    except Exception as error:  # noqa: BLE001 - damaged files make LibRaw raise any of its dozen errors, and numpy too
        words = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else error
        _leave(REFUSED, f"cannot be decoded ({words}); {_COPY_AGAIN}")
    height, width, channels = pixels.shape
    about = {"mode": "RGB" if channels == 3 else "L", "size": (width, height), "stride": width * channels}
    _write({**about, "chroma": 444}, dict.fromkeys(_BLOCKS, b""), pixels.data)


def _refuse_bombs(size: tuple[int, int], most_pixels: int) -> None:
    if size[0] * size[1] > most_pixels:
        most = f"more than {most_pixels // 1_000_000} megapixels are not read"
        _leave(REFUSED, f"claims {size[0]} × {size[1]} pixels, and {most}")


def _write(about: dict[str, Any], blocks: dict[str, bytes], pixels: Any) -> None:
    lengths = {name: len(block) for name, block in blocks.items()}
    output = sys.stdout.buffer
    output.write(json.dumps({**about, **lengths}).encode() + b"\n" + b"".join(blocks.values()))
    output.write(pixels)
    output.flush()


def _leave(code: int, words: str) -> None:
    sys.stderr.buffer.write(" ".join(words.split()).encode() + b"\n")
    sys.exit(code)


if __name__ == "__main__":
    sys.path[:] = json.loads(os.environ["SCAN_CUTOUT_SYS_PATH"])
    {"HEIC": _read_heic, "RAW": _read_raw}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
