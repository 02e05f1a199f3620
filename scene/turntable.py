# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a scan rendered by Cycles: a picture from its front, or a clip in which it turns once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import tau
from pathlib import Path
from typing import Any, cast

import bpy

from ..properties.typed import existing
from ..scan.common.errors import BadUseError, OutputError
from ..scan.common.files import save, temporary_folder
from ..scan.export.settings import TurntableSettings
from ..scan.export.targets import is_clip
from . import studio
from .model_alone import chosen_model, scene_of

Tell = Callable[[int, int], None]
"""Gets how many pictures are rendered, and how many it will be."""

_FORMATS: dict[str, Any] = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".mp4": "FFMPEG"}
_BOUNCES = 2
_QUALITY = 92


def check_turntable(settings: TurntableSettings) -> None:
    """Refuse what cannot be rendered before anything is done. Raises BadUseError."""
    settings.check()
    has_video = cast("Any", bpy.app).build_options.codec_ffmpeg or not is_clip(settings.turntable)
    for is_there, words in (
        (hasattr(bpy.types.Scene, "cycles"), "without Cycles; switch on its add-on in the preferences, below Add-ons"),
        (has_video, "as a clip, since this Blender was built without FFmpeg; name a .png file for a picture"),
    ):
        if not is_there:
            raise BadUseError(f"The turntable cannot be rendered {words}")


def render(context: bpy.types.Context, settings: TurntableSettings, tell: Tell) -> Path:
    """Render the model that is meant, in this process, and return the file.

    Blender does nothing else meanwhile. The user's scenes and their render settings stay as they are. Raises
    BadUseError and OutputError; a file that was there is whole then.
    """
    check_turntable(settings)
    model = chosen_model(context)
    file = Path(settings.turntable).absolute()
    try:
        with (
            temporary_folder() as place,
            scene_of(context, model, "Turntable", 1.0) as (scene, copy),
            _dressed(scene, copy, settings),
            _told(settings.frames, tell),
        ):
            made = Path(place, file.name)
            scene.render.filepath = str(made)
            is_animation = is_clip(settings.turntable)
            bpy.ops.render.render(animation=is_animation, write_still=not is_animation, scene=scene.name)
            if not made.is_file():
                raise OutputError(f"{file} was not rendered; Blender’s console says why")
            save(file, made.read_bytes())
    except (OSError, RuntimeError) as error:  # the second is Blender's word for whatever an operator reports
        raise OutputError(f"{file} cannot be rendered ({str(error).strip()}); nothing was changed") from error
    return file


@contextmanager
def _dressed(scene: bpy.types.Scene, copy: bpy.types.Object, settings: TurntableSettings) -> Iterator[None]:
    """Have the model in a studio, and turning."""
    _set_up(scene, settings)
    made = studio.build(scene, *studio.stand(cast("bpy.types.Mesh", copy.data)))
    # As a driver and not as keys, which are other data in 5.0 than before.
    turn = cast("bpy.types.FCurve", copy.driver_add("rotation_euler", 2)).driver
    if turn is not None:
        turn.expression = f"(frame - 1) * {tau / settings.frames:.9f}"
    try:
        yield
    finally:
        bpy.data.batch_remove(made)


def _set_up(scene: bpy.types.Scene, settings: TurntableSettings) -> None:
    """What is rendered, how, and as what."""
    render = scene.render
    render.engine = cast("Any", "CYCLES")
    cycles = cast("Any", scene).cycles
    cycles.device = "CPU"
    cycles.samples = settings.turntable_samples
    cycles.max_bounces = _BOUNCES
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.use_denoising = True
    cycles.denoising_prefilter = "FAST"
    scene.frame_start, scene.frame_end = 1, settings.frames
    render.fps = settings.turntable_rate
    render.resolution_x, render.resolution_y = settings.turntable_width, settings.turntable_height
    render.use_persistent_data = True  # from one picture of a clip to the next
    # The texture's own colours, and white is white.
    existing(scene.view_settings).view_transform = cast("Any", "Standard")
    written = cast("Any", render.image_settings)
    if hasattr(written, "media_type"):  # from 5.0 on, where clips are no pictures
        written.media_type = "VIDEO" if is_clip(settings.turntable) else "IMAGE"
    written.file_format = _FORMATS[Path(settings.turntable).suffix.lower()]
    written.color_mode = "RGB"
    if is_clip(settings.turntable):
        clip = existing(render.ffmpeg)
        clip.format, clip.codec, clip.constant_rate_factor = "MPEG4", "H264", "HIGH"
    else:
        written.quality = _QUALITY


@contextmanager
def _told(total: int, tell: Tell) -> Iterator[None]:
    done = 0

    def count(*_scene: object) -> None:
        nonlocal done
        done += 1
        tell(done, total)

    bpy.app.handlers.render_write.append(count)
    try:
        yield
    finally:
        bpy.app.handlers.render_write.remove(count)
