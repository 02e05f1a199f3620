# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that decodes one HEIC file, in a process of its own: damaged files make the decoder crash (see ``heic``).

Arguments: the file, and the most pixels to read. The environment variable SCAN_CUTOUT_SYS_PATH holds the module search
path as JSON. It writes to stdout one line of JSON (mode, size, stride, chroma, and the lengths in bytes of exif, xmp
and icc), then those three and the pixels. What is wrong with the file goes to stderr as one line, with exit code 1.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

MISSING = 3
"""Exit code where pi-heif cannot be loaded."""
NO_MEMORY = 4
"""Exit code where there is not enough memory."""


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


def _read(path: Path, most_pixels: int) -> None:
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
        width, height = primary.size
        if width * height > most_pixels:
            _leave(
                1, f"claims {width} × {height} pixels, and more than {most_pixels // 1_000_000} megapixels are not read"
            )
        primary.load()
    except MemoryError:
        _leave(NO_MEMORY, "")
    except Exception as error:  # noqa: BLE001 - ValueError, EOFError, SyntaxError, RuntimeError, OSError and more
        _leave(1, f"cannot be decoded ({error}); copy it from the camera again")
    blocks = {name: bytes(primary.info.get(key) or b"") for name, key in _BLOCKS.items()}
    about = {"mode": primary.mode, "size": primary.size, "stride": primary.stride, "chroma": primary.info.get("chroma")}
    lengths = {name: len(block) for name, block in blocks.items()}
    output = sys.stdout.buffer
    output.write(json.dumps({**about, **lengths}).encode() + b"\n" + b"".join(blocks.values()))
    output.write(primary.data)
    output.flush()


_BLOCKS = {"exif": "exif", "xmp": "xmp", "icc": "icc_profile"}


def _leave(code: int, words: str) -> None:
    sys.stderr.buffer.write(" ".join(words.split()).encode() + b"\n")
    sys.exit(code)


if __name__ == "__main__":
    sys.path[:] = json.loads(os.environ["SCAN_CUTOUT_SYS_PATH"])
    _read(Path(sys.argv[1]), int(sys.argv[2]))
