# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of this session in Blender's Image Editors: shown, found again after an undo, never saved in a .blend."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, cast

import bpy

from ..properties.typed import existing

_freed: dict[str, int] = {}
"""By their names, images that nothing needs any more: the next of that name takes one instead of adding to them."""

_FILLED = 0.95  # of the room that an image can have, when it is fitted


class Picture:
    """An image that shows a file.

    It is never removed again, only freed: Blender crashes when strokes are undone that were painted on an image which
    is gone. Without users and as runtime data it is in no saved file, and gone with the next one that is loaded.
    """

    def __init__(self, name: str, mode: Literal["VIEW", "PAINT"]) -> None:
        """``name`` is what the editor's header calls it; ``mode`` is the editor's, VIEW or PAINT."""
        self._name, self._mode = name, mode
        self._id = 0
        self._path = ""
        self._spaces: set[int] = set()

    @property
    def image(self) -> bpy.types.Image | None:
        """The image; None where there is none yet, or where undo went back to before it."""
        return _image(self._id)

    @property
    def is_shown(self) -> bool:
        """Whether an editor shows it, be it in a workspace that is not in sight."""
        image = self.image
        return image is not None and any(space_of(area).image == image for _screen, area in editors())

    @property
    def is_in_sight(self) -> bool:
        """Whether an editor in an open window shows it just now."""
        return any(_in_sight(self))

    def load(self, path: str) -> None:
        """Show a file, or what it has become since."""
        self._path = path
        image = self.image or self._make()
        image.filepath = path
        image.reload()
        for _screen, area in editors():
            if space_of(area).image == image:
                area.tag_redraw()

    def clear(self) -> None:
        """Show nothing, and keep nothing in memory."""
        if image := self.image:
            self._path = image.filepath = ""
            image.reload()

    def show(self, area: bpy.types.Area) -> None:
        """Show it in an Image Editor."""
        space = space_of(area)
        space.image = self.image or self._make()
        space.ui_mode = self._mode
        self._spaces.add(space.as_pointer())

    def replace(self, other: "Picture") -> None:
        """Show this one wherever the other one is shown."""
        shown = other.image
        for _screen, area in editors():
            if shown is not None and space_of(area).image == shown:
                self.show(area)

    def keep(self) -> None:
        """Bring it back into the editors that lost it to an undo, which undoes data and leaves the screen as it is."""
        if image := self.image:
            # Undo may give it back without the mark.
            image.is_runtime_data = True
            return
        self.take_over(self)
        if self._path and self.image:
            self.load(self._path)

    def take_over(self, other: "Picture") -> None:
        """Show this one where the other one was shown before an undo took it away."""
        for _screen, area in editors():
            space = space_of(area)
            if space.image is None and space.as_pointer() in other._spaces:  # noqa: SLF001 - of the same class
                self.show(area)

    def free(self) -> None:
        """Take it out of every editor and of memory."""
        image = self.image
        if image is None:
            return
        for _screen, area in editors():
            if space_of(area).image == image:
                space_of(area).image = None
        if self._mode == "VIEW":  # else strokes may come back into it, and they are of this file
            image.filepath = ""
            _freed[self._name] = self._id
        image.buffers_free()

    def _make(self) -> bpy.types.Image:
        image = _image(_freed.pop(self._name, 0)) or bpy.data.images.new(self._name, 1, 1)
        image.source = "FILE"
        image.is_runtime_data = True
        self._id = image.session_uid
        return image


def _image(session_uid: int) -> bpy.types.Image | None:
    return next((image for image in bpy.data.images if image.session_uid == session_uid), None)


def size_of(image: bpy.types.Image) -> tuple[int, int]:
    """Width and height; 0 before there is anything to see."""
    width, height = cast("Iterable[int]", image.size)  # to the stubs, no array of Blender's can be gone through
    return width, height


def space_of(area: bpy.types.Area) -> bpy.types.SpaceImageEditor:
    """What an Image Editor shows, and how."""
    return cast("bpy.types.SpaceImageEditor", area.spaces.active)


def editors() -> Iterator[tuple[bpy.types.Screen, bpy.types.Area]]:
    """Every Image Editor of every workspace."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.ui_type == "IMAGE_EDITOR":
                yield screen, area


def _in_sight(picture: Picture) -> Iterator[tuple[bpy.types.Window, bpy.types.Area]]:
    """The Image Editors of open windows that show a picture."""
    image = picture.image
    for window in existing(bpy.context.window_manager).windows:
        for area in window.screen.areas:
            if image is not None and area.ui_type == "IMAGE_EDITOR" and space_of(area).image == image:
                yield window, area


def free_editor(window: bpy.types.Window) -> bpy.types.Area | None:
    """An Image Editor in which nothing is open, or else a new one beside the 3D View; None where there is no room."""
    areas = window.screen.areas
    for area in areas:
        if area.ui_type == "IMAGE_EDITOR" and space_of(area).image is None:
            return area
    # The 3D View has the settings in its sidebar; it should stay in sight.
    parted = max(areas, key=lambda area: (area.type == "VIEW_3D", area.width * area.height))
    before = {area.as_pointer() for area in areas}
    with bpy.context.temp_override(window=window, area=parted):
        if cast("Any", bpy.ops.screen.area_split).poll():  # a class to the stubs, where it is an operator
            # The new one is to the right, beside that sidebar, where the factor is more than a half.
            bpy.ops.screen.area_split(direction="VERTICAL", factor=0.501)
    for area in window.screen.areas:
        if area.as_pointer() not in before:
            area.ui_type = "IMAGE_EDITOR"
            return area
    return None


def fit(picture: Picture) -> bool:
    """Zoom to the whole image wherever it is in sight; False where an editor has not been drawn yet."""
    return all(_fit(window, area) for window, area in _in_sight(picture))


def _fit(window: bpy.types.Window, area: bpy.types.Area) -> bool:
    regions = {region.type: region for region in area.regions}
    region, sidebar, space = regions["WINDOW"], regions["UI"], space_of(area)
    if region.width <= 1 or (space.show_region_ui and sidebar.width <= 1):
        return False
    # The sidebar lies over the image where it is see-through.
    covered = max(region.x + region.width - sidebar.x, 0) if space.show_region_ui else 0
    if covered > region.width / 3:
        covered = 0  # too little is left beside it
    width, height = size_of(existing(space.image))
    zoom = min((region.width - covered) / max(width, 1), region.height / max(height, 1)) * _FILLED
    if width and zoom > 0:
        with bpy.context.temp_override(window=window, area=area, region=region):
            bpy.ops.image.view_all()
            space.zoom_percentage = 100 * zoom
            bpy.ops.image.view_pan(offset=(covered / 2 / zoom, 0))
    return True


def open_tab(picture: Picture, name: str) -> bool:
    """Open a tab of the sidebar beside it; False where the tabs have not been drawn yet."""
    for _window, area in _in_sight(picture):
        for region in area.regions:
            try:
                if region.type == "UI":
                    cast("Any", region).active_panel_category = name  # the stubs know the tabs of no add-on
            except AttributeError:  # read-only until it has tabs
                return False
    return True
