# SPDX-License-Identifier: GPL-3.0-or-later
"""A mask being painted on in an Image Editor, white is kept and black is not, with the photo shining through it."""

from pathlib import Path
from typing import Any, cast

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..properties.typed import existing
from ..scan.common.errors import BadUseError, printable
from ..scan.common.files import save
from ..scan.masks.png import encode_mask
from .picture import Picture, size_of

Colours = dict[str, tuple[tuple[float, ...], tuple[float, ...]]]
"""The first and the second colour, by who holds them."""

_OPACITY = 0.65  # of the photo over the mask: both can be told
_KEPT = 127.5 / 255  # and more, as runs read a mask

_FAN: Any = "TRI_FAN"  # one of those that the stubs leave out


class Painting:
    """The mask of one photo, as it is stored: a photo that was taken upright may lie on its side here."""

    def __init__(self, photo: str, mask: Path, original: Path, overlay: Picture) -> None:
        """``original`` is the photo that ``mask`` fits, and is loaded into ``overlay``.

        Raises BadUseError where there is no mask to be read.
        """
        self.photo = photo
        self.mask = mask
        self.picture = Picture(printable(mask.name), "PAINT")
        self.picture.load(str(mask))
        self._size = size_of(existing(self.picture.image))
        if not all(self._size):
            raise BadUseError(f"The mask {mask} cannot be read; remove it and strip the backgrounds again")
        self._original = overlay
        self._original.load(str(original))
        # The pixels as they are: the editor's overlays are drawn in the colours of the screen.
        cast("Any", existing(self._original.image).colorspace_settings).name = "Non-Color"
        self._handler = bpy.types.SpaceImageEditor.draw_handler_add(self._draw, (), "WINDOW", "POST_VIEW")

    @property
    def is_dirty(self) -> bool:
        """Whether there are strokes that are not saved."""
        image = self.picture.image
        return image is not None and image.is_dirty

    def save(self) -> None:
        """Write the mask, of which later runs see that it is not theirs, and keep it.

        Raises BadUseError where it was made another size, OutputError.
        """
        image = self.picture.image
        if image is None or size_of(image) != self._size:
            raise BadUseError(f"A mask has to be as large as its photo, {self._size[0]} × {self._size[1]} pixels")
        width, height = self._size
        values = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(values)
        values = values.reshape(height, width, 4)[::-1]  # the first row is the lowest
        # Green stands for all of grey, and counts most in what somebody painted in colour. What was erased is shown as
        # black, but keeps its colour; only floats have alpha multiplied into it.
        shown = values[..., 1] if image.is_float else values[..., 1] * values[..., 3]
        part = np.where(shown > _KEPT, np.uint8(255), np.uint8(0))
        save(self.mask, encode_mask((width, height), (0, 0), part), "make room, then save again")
        self.discard()

    def discard(self) -> None:
        """Have what is in memory be what is in the file again."""
        if image := self.picture.image:
            image.buffers_free()

    def end(self) -> None:
        """Leave nothing behind, but for strokes that are not saved: of that image, Blender asks when it quits."""
        bpy.types.SpaceImageEditor.draw_handler_remove(self._handler, "WINDOW")
        self._original.free()
        if self.is_dirty:
            existing(self.picture.image).is_runtime_data = False
        else:
            self.picture.free()

    def _draw(self) -> None:
        space = cast("bpy.types.SpaceImageEditor", bpy.context.space_data)
        photo, mask = self._original.image, self.picture.image
        if mask is None or space.image != mask or photo is None or not all(size_of(photo)):
            return
        shader = gpu.shader.from_builtin("IMAGE_COLOR")
        corners = ((0, 0), (1, 0), (1, 1), (0, 1))
        batch = batch_for_shader(shader, _FAN, {"pos": corners, "texCoord": corners})
        shader.bind()
        shader.uniform_sampler("image", gpu.texture.from_image(photo))
        shader.uniform_float("color", (1, 1, 1, _OPACITY))
        gpu.state.blend_set("ALPHA")
        batch.draw(shader)
        gpu.state.blend_set("NONE")


def take_white(context: bpy.types.Context) -> Colours:
    """Have the brush paint white, and black with Ctrl held or after a swap. Return what it painted before."""
    before = {}
    for name, palette in _palettes(context).items():
        before[name] = tuple(palette.color), tuple(palette.secondary_color)
        palette.color, palette.secondary_color = (1, 1, 1), (0, 0, 0)
    return before


def give_back(context: bpy.types.Context, before: Colours) -> None:
    """Have the brush paint what it painted before ``take_white``."""
    for name, palette in _palettes(context).items():
        if name in before:
            palette.color, palette.secondary_color = before[name]


def _palettes(context: bpy.types.Context) -> dict[str, Any]:
    """What holds colours: those of all brushes, and those of the brush in hand under its name."""
    tools = existing(existing(context.scene).tool_settings)
    # Blender 5.0 moved these to each kind of painting.
    image_paint = existing(tools.image_paint)
    unified = getattr(image_paint, "unified_paint_settings", None) or cast("Any", tools).unified_paint_settings
    brush = image_paint.brush
    return {"": unified, **({brush.name: brush} if brush else {})}
