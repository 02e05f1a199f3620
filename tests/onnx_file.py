# SPDX-License-Identifier: GPL-3.0-or-later
"""Small ONNX models, written by hand: stand-ins for the models whose weights are too large to keep for tests.

From the outside each is what the real one is (names, sizes and number of inputs and outputs); inside it is one
convolution. Written from onnx.proto3 (ONNX IR version 8, operator set 13), so that no package is needed for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_FLOAT = 1
_INTS = 7
_KERNEL = 9  # pixels

Shape = Sequence[int | str]


def stand_in(
    size: int,
    *,
    seed: int = 0,
    scale: float = 1.0,
    logits: bool = False,
    outputs: int = 1,
    channels: int = 1,
    pad: int = _KERNEL // 2,
    shape: Shape | None = None,
    answer: Shape | None = None,
) -> bytes:
    """A model of (1, 3, size, size) → ``outputs`` times (1, channels, size, size), from 0 to 1 or as ``logits``.

    Without ``pad`` the answer is smaller; ``scale`` widens it, and 0 makes it the same everywhere. ``shape`` and
    ``answer`` are what the model says of its input and outputs, where that is not simply so.
    """
    random = np.random.default_rng(seed)
    nodes, weights, answers = [], [], []
    for number in range(outputs):
        kernel = random.normal(0, scale / _KERNEL, (channels, 3, _KERNEL, _KERNEL)).astype("<f4")
        weights.append(_tensor(f"weight{number}", kernel))
        linear, output = f"linear{number}", f"output{number}"
        pads = _message(_text(1, "pads"), _number(20, _INTS), *(_number(8, pad) for _ in range(4)))
        nodes.append(_node("Conv", ["picture", f"weight{number}"], output if logits else linear, pads))
        if not logits:
            nodes.append(_node("Sigmoid", [linear], output))
        answers.append(_value(output, answer or (1, channels, size, size)))
    graph = _message(
        *(_field(1, node) for node in nodes),
        _text(2, "stand-in"),
        *(_field(5, weight) for weight in weights),
        _field(11, _value("picture", shape or (1, 3, size, size))),
        *(_field(12, each) for each in answers),
    )
    return _message(_number(1, 8), _field(7, graph), _field(8, _message(_text(1, ""), _number(2, 13))))


def _node(operator: str, inputs: Sequence[str], output: str, *attributes: bytes) -> bytes:
    names = [_text(1, name) for name in inputs]
    return _message(*names, _text(2, output), _text(4, operator), *(_field(5, each) for each in attributes))


def _tensor(name: str, values: np.ndarray) -> bytes:
    dimensions = [_number(1, each) for each in values.shape]
    return _message(*dimensions, _number(2, _FLOAT), _text(8, name), _field(9, values.tobytes()))


def _value(name: str, shape: Shape) -> bytes:
    """What a model says of an input or output: its name, element type and shape; text is a size left open."""
    dimensions = [_field(1, _text(2, each) if isinstance(each, str) else _number(1, each)) for each in shape]
    tensor = _message(_number(1, _FLOAT), _field(2, _message(*dimensions)))
    return _message(_text(1, name), _field(2, _field(1, tensor)))


# Protocol buffers: a field is its number and wire type, then its content.


def _message(*fields: bytes) -> bytes:
    return b"".join(fields)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _field(field, value.encode())


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
