# SPDX-License-Identifier: GPL-3.0-or-later
"""The same answer without a server: an ONNX model in the worker.

Every number as rembg 2.0.86 has it (``rembg/sessions/base.py: normalize`` and each session's ``predict``): for the same
picture the soft mask is the server's. Imported by workers only.
"""

import importlib
import io
import os
import threading
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..common.errors import BadUseError, PhotoError
from ..photos.pixels import Proxy
from .weights import Family, find, unavailable

Pixels = npt.NDArray[np.float32]

_CHANNELS = 3


class EmbeddedModel:
    """One model, loaded once. Safe to use from several threads; one picture at a time goes through the model.

    One run with all cores is nearly as fast as several with a core each (two cores, u2netp: 0.39–0.43 against 0.38 s of
    processor time a picture), and takes the memory of one: 365 against 690 MB.
    """

    def __init__(self, model: str, threads: int = 0) -> None:
        """``model`` is one of rembg's names or the path of an ``.onnx`` file; ``threads`` 0 uses every core.

        Raises BadUseError where onnxruntime does not load, or the file is not such a model.
        """
        self.weights = find(model)
        self._runtime = _runtime()
        self._session = self._load(threads)
        self._input = self._check()
        self._one = threading.Lock()

    @property
    def version(self) -> str:
        """What runs the model, for the report: ``onnxruntime 1.28.0``."""
        return f"onnxruntime {self._runtime.__version__}"

    def soft_mask(self, picture: Image.Image) -> Image.Image:
        """The soft mask (mode L, 255 = keep) of an upright RGB picture, of the same size. Raises PhotoError."""
        values = to_input(picture, self.weights.family)
        try:
            with self._one:
                answer = self._run(values)
        except Exception as error:  # onnxruntime's errors have no base class of their own
            raise PhotoError(f"the model {self.weights.name} failed on it ({_first_line(error)})") from error
        if answer.shape != (1, 1, *values.shape[2:]):
            raise PhotoError(f"the model {self.weights.name} answers with {answer.shape} values, not with one mask")
        return to_mask(answer, picture.size, self.weights.family)

    def _run(self, values: Pixels) -> Pixels:
        """The first output for one input of (1, 3, height, width)."""
        answer: Pixels = self._session.run([self._session.get_outputs()[0].name], {self._input: values})[0]
        return answer

    def _load(self, threads: int) -> Any:
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = threads or cores()
        options.log_severity_level = 3
        # Threads that spin while they wait for the next piece of work take the cores from Blender, and a fifth more
        # processor time.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Planning the second run's memory as one piece comes on top of what the first one took: 568 MB instead of 365
        # for u2netp, and not a millisecond faster. The arena itself stays: without it, a quarter more processor time.
        options.enable_mem_pattern = False
        try:
            # The processor alone: other providers' numbers differ.
            return self._runtime.InferenceSession(
                str(self.weights.path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise BadUseError(
                f"{self.weights.path} is not an ONNX model that can be run ({_first_line(error)}); fetch it again, or "
                "choose another model"
            ) from error

    def _check(self) -> str:
        """The name of the model's input. Raises BadUseError where it is not one picture in and one mask out."""
        size = self.weights.family.size
        inputs, output = self._session.get_inputs(), self._session.get_outputs()[0]
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or not _fits(inputs[0].shape, (_CHANNELS, size)):
            wants = ", ".join(f"{each.type} {each.shape}" for each in inputs)
            raise BadUseError(
                f"{self.weights.path} wants {wants}, not one picture of {size} × {size} pixels as "
                f"{self.weights.name} does; choose another model, or name the file after what it is"
            )
        if not _fits(output.shape, (1, size)):
            raise BadUseError(
                f"{self.weights.path} answers with {output.shape}, not with one mask of {size} × {size} pixels as "
                f"{self.weights.name} does; choose another model, or name the file after what it is"
            )
        return str(inputs[0].name)


def as_sent(proxy: Proxy) -> Image.Image:
    """The picture that a server would see of a proxy.

    JPEG takes more from a picture than one might think: without the detour over it, up to a quarter of a soft mask's
    pixels differ by more than 1 of 255 from the server's, and where the model is in doubt 2 % change sides.
    """
    if proxy.original is not None:
        return proxy.picture  # at full resolution a server gets the file itself
    return Image.open(io.BytesIO(proxy.encode()[0])).convert("RGB")


def cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def to_input(picture: Image.Image, family: Family) -> Pixels:
    """What a model is given for an RGB picture: (1, 3, size, size), normalised."""
    small = np.asarray(_resized(picture, (family.size, family.size)))
    # There are only 256 values: normalised once, in float64 as rembg does, instead of for every pixel.
    levels = np.arange(256, dtype=np.float64) / max(float(small.max()), 1e-6)
    values = np.empty((1, _CHANNELS, family.size, family.size), np.float32)
    for channel in range(_CHANNELS):
        table = ((levels - family.mean[channel]) / family.std[channel]).astype(np.float32)
        values[0, channel] = table[small[:, :, channel]]
    return values


def to_mask(answer: Pixels, size: tuple[int, int], family: Family) -> Image.Image:
    """The soft mask of ``size`` (width, height) from a model's answer of (1, 1, height, width)."""
    values = answer[0, 0].astype(np.float32, copy=False)
    if family.logits:
        with np.errstate(over="ignore"):  # exp overflows to infinity, and 1 / infinity is the 0 that is meant
            values = 1 / (1 + np.exp(-values))
    low, high = values.min(), values.max()
    # The same everywhere: nothing stands out, so nothing is kept. (rembg divides 0 by 0 and comes to 0 as well.)
    values = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return _resized(Image.fromarray((values * 255).astype(np.uint8)), size)


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """An image scaled to (width, height) as rembg servers do it: first the width, then the height.

    Pillow 13 begins with the cheaper of the two, and rounds in between; servers have Pillow 12 (gradio, which they come
    with, wants no later one). Of a portrait picture's soft mask, that alone would change 0.3 % by more than 1 of 255.
    """
    wide = image.resize((size[0], image.height), Image.Resampling.LANCZOS)
    return wide.resize(size, Image.Resampling.LANCZOS)


def _runtime() -> Any:
    """Load onnxruntime. Raises BadUseError where it is missing or does not load."""
    if words := unavailable():
        raise BadUseError(words)
    # From 1.29 on it sends usage data to Microsoft unless told not to before it is loaded; the one the zips carry
    # cannot, but which one is loaded is not in our hands where Blender comes from a Linux distribution.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        runtime = importlib.import_module("onnxruntime")
    except Exception as error:  # a library of the system that is missing or too old
        raise BadUseError(
            f"onnxruntime, which runs the embedded model, does not load here ({_first_line(error)}); use a rembg "
            "endpoint"
        ) from error
    runtime.set_default_logger_severity(3)  # errors only: it warns of every graphics card it does not find
    runtime.disable_telemetry_events()  # on Windows: what it would give to the system's own event tracing
    return runtime


def _fits(shape: list[Any], wanted: tuple[int, int]) -> bool:
    """Whether a shape, in which names and None stand for any number, can be (1, channels, size, size) as wanted."""
    channels, size = wanted
    numbers = (1, channels, size, size)
    return len(shape) == len(numbers) and all(
        each == number or not isinstance(each, int) for each, number in zip(shape, numbers, strict=True)
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
