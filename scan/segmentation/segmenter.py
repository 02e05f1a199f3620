# SPDX-License-Identifier: GPL-3.0-or-later
"""Where soft masks come from: rembg servers, or a model in this process. Strip does not care which."""

import threading
from typing import Protocol

from ..masks.mask import Answer, as_png
from ..photos.pixels import Proxy
from . import weights
from .onnx_model import EmbeddedModel, as_sent
from .server_pool import Endpoints, Listener
from .settings import SegmentationSettings


class Segmenter(Protocol):
    """Gives the soft mask of a proxy. ``ask`` may be called from several threads."""

    model_key: str
    """Stands for the model where masks are compared."""
    at_once: int
    """How many photos it is worth to work on at the same time."""

    @property
    def is_warm(self) -> bool:
        """Whether there was an answer, so that the next will not take long."""

    def open(self) -> str:
        """Get ready, and return the version of what answers. Raises BadUseError or EndpointError."""

    def ask(self, proxy: Proxy) -> Answer:
        """The soft mask of a proxy. Raises PhotoError or EndpointError; BadUseError where nobody called ``open``."""

    def traffic(self) -> dict[str, int]:
        """Bytes sent and received so far."""


def make_segmenter(
    settings: SegmentationSettings, token: str, listener: Listener, stop: threading.Event, *, at_first: int = 1
) -> Segmenter:
    """What the settings choose. ``stop`` ends the waiting between tries.

    ``at_first`` requests at a time are sent to a server that has yet to show that its model is loaded.
    """
    if settings.backend == "EMBEDDED":
        return _Embedded(settings)
    return Endpoints(settings, token, listener, stop, at_first=at_first)


def model_key(settings: SegmentationSettings) -> str:
    """Stands for the model where masks are compared. Raises BadUseError where an embedded one is not there."""
    return weights.find(settings.model).key if settings.backend == "EMBEDDED" else settings.model


class _Embedded:
    is_warm = True  # nothing is downloaded
    at_once = 1

    def __init__(self, settings: SegmentationSettings) -> None:
        self._name = settings.model
        self.model_key = model_key(settings)
        self._model: EmbeddedModel | None = None
        self._loading = threading.Lock()

    def open(self) -> str:
        return self._loaded().version

    def ask(self, proxy: Proxy) -> Answer:
        mask = self._loaded().soft_mask(as_sent(proxy))
        return Answer(mask, as_png(mask))

    def _loaded(self) -> EmbeddedModel:
        """The model, loaded when it is first needed: a kept answer may prove damaged where no photo was to be asked."""
        with self._loading:
            if self._model is None:
                self._model = EmbeddedModel(self._name)
            return self._model

    def traffic(self) -> dict[str, int]:
        return {"sent": 0, "received": 0}
