# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera models COLMAP 4.2 knows, as formulas over whole arrays.

Each takes a ray (u, v, 1) of the camera's frame, bends u and v by its lens, then scales and shifts them to pixels.
Names, numbers and the order of parameters are those of COLMAP's ``src/colmap/sensor/models/``; each lens names what
its formula was published in. Tests compare every one with pycolmap's own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .types import Camera, Floats

_Lens = Callable[[tuple[float, ...], Floats, Floats], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Model:
    """One camera model: its number in binary files, its parameters in their order, and its lens."""

    number: int
    names: tuple[str, ...]
    lens: _Lens

    @property
    def focals(self) -> int:
        """How many focal lengths it has: one, or one for each axis; none where the size tells all."""
        return sum(name in {"f", "fx", "fy"} for name in self.names)


def project(camera: Camera, u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Where the rays (u, v, 1) of the camera's frame meet its picture, in pixels.

    Only what lies in front of the camera can be asked for. NaN where the model has no answer.
    """
    focal_x, focal_y, center_x, center_y, extra = _split(camera)
    with np.errstate(all="ignore"):  # what overflows or has no root far outside of the picture is NaN or infinite
        u, v = MODELS[camera.model].lens(extra, u, v)
    return focal_x * u + center_x, focal_y * v + center_y


def _split(camera: Camera) -> tuple[float, float, float, float, tuple[float, ...]]:
    """Focal lengths, principal point and the lens's own parameters."""
    given = camera.parameters
    if camera.model == "EQUIRECTANGULAR":  # width and height stand for a full turn and for half a turn
        return given[0] / (2 * np.pi), given[1] / np.pi, given[0] / 2, given[1] / 2, ()
    count = MODELS[camera.model].focals
    return given[0], given[count - 1], given[count], given[count + 1], given[count + 2 :]


def _straight(_: tuple[float, ...], u: Floats, v: Floats) -> tuple[Floats, Floats]:
    return u, v


def _radial(extra: tuple[float, ...], u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Brown–Conrady's even polynomial of the radius (D. C. Brown 1966): 1 + k1 r² + k2 r⁴ and so on."""
    factor = _polynomial(extra, u * u + v * v)
    return u * factor, v * factor


def _tangential(p1: float, p2: float, u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Brown–Conrady's decentring (D. C. Brown 1966), in OpenCV's order of p1 and p2."""
    square = u * u + v * v
    return 2 * p1 * u * v + p2 * (square + 2 * u * u), 2 * p2 * u * v + p1 * (square + 2 * v * v)


def _opencv(extra: tuple[float, ...], u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """OpenCV's calib3d, with or without the rational part: k1, k2, p1, p2 [, k3, k4, k5, k6]."""
    k1, k2, p1, p2, *more = extra
    square = u * u + v * v
    factor = _polynomial((k1, k2, *more[:1]), square) / _polynomial(tuple(more[1:]), square)
    du, dv = _tangential(p1, p2, u, v)
    return u * factor + du, v * factor + dv


def _equidistant(_: tuple[float, ...], u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """The distance from the axis in the picture is the angle to it."""
    factor = _over_itself(np.arctan, np.hypot(u, v))
    return u * factor, v * factor


def _fisheye(extra: tuple[float, ...], u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """OpenCV's fisheye (Kannala and Brandt 2006): θ (1 + k1 θ² + k2 θ⁴ + …)."""
    return _radial(extra, *_equidistant((), u, v))


def _thin_prism(extra: tuple[float, ...], u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Weng, Cohen and Herniou 1992, over the equidistant fisheye: k1, k2, p1, p2, k3, k4, sx1, sy1."""
    k1, k2, p1, p2, k3, k4, sx1, sy1 = extra
    u, v = _equidistant((), u, v)
    square = u * u + v * v
    factor = _polynomial((k1, k2, k3, k4), square)
    du, dv = _tangential(p1, p2, u, v)
    return u * factor + du + sx1 * square, v * factor + dv + sy1 * square


def _fisheye624(extra: tuple[float, ...], u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Project Aria's FisheyeRadTanThinPrism: k0 … k5, p0, p1, s0 … s3; its p0 and p1 are OpenCV's p2 and p1."""
    u, v = _radial(extra[:6], *_equidistant((), u, v))
    p0, p1, s0, s1, s2, s3 = extra[6:]
    square = u * u + v * v
    du, dv = _tangential(p1, p0, u, v)
    return u + du + (s0 + s1 * square) * square, v + dv + (s2 + s3 * square) * square


def _fov(extra: tuple[float, ...], u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Devernay and Faugeras 2001: arctan(2 r tan(ω/2)) / ω."""
    (omega,) = extra
    slope = 2 * np.tan(omega / 2)
    factor = _over_itself(np.arctan, slope * np.hypot(u, v)) * (slope / omega if abs(omega) > 1e-9 else 1.0)
    return u * factor, v * factor


def _division(extra: tuple[float, ...], u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Fitzgibbon 2001: the ray of a distorted (x, y) is (x, y, 1 + k (x² + y²)); here solved for x and y."""
    (k,) = extra
    factor = 2 / (1 + np.sqrt(1 - 4 * k * (u * u + v * v)))
    return u * factor, v * factor


def _unified(extra: tuple[float, ...], u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """The enhanced unified model (Khomutenko, Garcia and Martinet 2016): alpha, beta."""
    alpha, beta = extra
    divisor = alpha * np.sqrt(beta * (u * u + v * v) + 1) + 1 - alpha
    divisor = np.where(divisor > 0, divisor, np.nan)
    return u / divisor, v / divisor


def _panorama(_: tuple[float, ...], u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Longitude and latitude of the ray, in radians."""
    return np.arctan(u), np.arctan2(v, np.hypot(u, 1.0))


def _polynomial(coefficients: tuple[float, ...], square: Floats) -> Floats:
    """1 + c1 x + c2 x² and so on."""
    value = np.zeros_like(square)
    for coefficient in reversed(coefficients):
        value = (value + coefficient) * square
    return value + 1


def _over_itself(function: Callable[[Floats], Floats], x: Floats) -> Floats:
    """f(x) / x, which is 1 at 0 for the functions used here."""
    tiny = np.abs(x) < 1e-9
    safe = np.where(tiny, 1.0, x)
    return np.where(tiny, 1.0, function(safe) / safe)


def _model(number: int, names: str, lens: _Lens) -> Model:
    return Model(number, tuple(names.split()), lens)


MODELS = {
    "SIMPLE_PINHOLE": _model(0, "f cx cy", _straight),
    "PINHOLE": _model(1, "fx fy cx cy", _straight),
    "SIMPLE_RADIAL": _model(2, "f cx cy k", _radial),
    "RADIAL": _model(3, "f cx cy k1 k2", _radial),
    "OPENCV": _model(4, "fx fy cx cy k1 k2 p1 p2", _opencv),
    "OPENCV_FISHEYE": _model(5, "fx fy cx cy k1 k2 k3 k4", _fisheye),
    "FULL_OPENCV": _model(6, "fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6", _opencv),
    "FOV": _model(7, "fx fy cx cy omega", _fov),
    "SIMPLE_RADIAL_FISHEYE": _model(8, "f cx cy k", _fisheye),
    "RADIAL_FISHEYE": _model(9, "f cx cy k1 k2", _fisheye),
    "THIN_PRISM_FISHEYE": _model(10, "fx fy cx cy k1 k2 p1 p2 k3 k4 sx1 sy1", _thin_prism),
    "RAD_TAN_THIN_PRISM_FISHEYE": _model(11, "fx fy cx cy k0 k1 k2 k3 k4 k5 p0 p1 s0 s1 s2 s3", _fisheye624),
    "SIMPLE_DIVISION": _model(12, "f cx cy k", _division),
    "DIVISION": _model(13, "fx fy cx cy k", _division),
    "SIMPLE_FISHEYE": _model(14, "f cx cy", _equidistant),
    "FISHEYE": _model(15, "fx fy cx cy", _equidistant),
    "EUCM": _model(16, "fx fy cx cy alpha beta", _unified),
    "EQUIRECTANGULAR": _model(17, "w h", _panorama),
}
