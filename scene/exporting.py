# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a scan as a file, written by Blender's own exporters.

What is shown is in metres, with the texture in the file; what is printed is in millimetres, with z up as slicers have
it, and each vertex is written once, so that a closed mesh is closed in the file, too.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import bpy

from ..properties.typed import existing
from ..scan.common.errors import BadUseError, OutputError
from ..scan.common.files import save, temporary_folder
from ..scan.export.settings import ExportSettings
from ..scan.export.targets import refuse_taken, texture_name
from .model_alone import chosen_model, in_scene, scene_of
from .model_texture import picture_nodes

_ADD_ON = "the add-on “glTF 2.0 format” is switched off; switch it on in the preferences, below Add-ons"
_BUILD = "this one was built without them; take one from blender.org, or export to another kind of file"
_SUFFIXES = {"JPEG": ".jpg"}
# Before 4.5 it is always a copy that is saved elsewhere, and saying so is an error.
_SAVE = cast("Any", bpy.types.Image.bl_rna).functions["save"]  # which the stubs do not know
_AS_COPY: dict[str, Any] = {"save_copy": True} if "save_copy" in _SAVE.parameters else {}


@dataclass(frozen=True)
class _Exporter:
    """One kind of file."""

    operator: str
    """Blender's, as in ``bpy.ops``."""
    lack: str
    """Why Blender may not have it, and what to do then."""
    scale: float
    """Units of the file in a metre."""
    options: Callable[[list[bpy.types.Image]], dict[str, Any]]
    """What it is called with, by the pictures that the model's materials show."""
    has_pictures_beside: bool = False


_EXPORTERS = {
    ".glb": _Exporter(
        "export_scene.gltf",
        _ADD_ON,
        1,
        lambda _pictures: {
            "export_format": "GLB",
            "use_active_scene": True,
            "export_all_vertex_colors": False,  # those that a material shows, and no others
        },
    ),
    ".obj": _Exporter(
        "wm.obj_export",
        _BUILD,
        1000,
        lambda pictures: {
            "up_axis": "Z",
            "forward_axis": "Y",
            "export_triangulated_mesh": True,
            "export_colors": not pictures,
            "path_mode": "STRIP",
        },
        has_pictures_beside=True,
    ),
    ".ply": _Exporter(
        # A vertex is written once for each place it has in the texture: without these, once.
        "wm.ply_export",
        _BUILD,
        1000,
        lambda _pictures: {"export_uv": False, "export_triangulated_mesh": True},
    ),
    ".usdz": _Exporter(
        "wm.usd_export",
        _BUILD,
        1,
        # A material without a picture would hide the vertices' colours, which it cannot show.
        lambda pictures: {"export_materials": bool(pictures)},
    ),
}


def check_export(settings: ExportSettings) -> None:
    """Refuse what cannot be exported before anything is done. Raises BadUseError."""
    settings.check()
    suffix = Path(settings.export).suffix.lower()
    exporter = _EXPORTERS[suffix]
    try:
        _operator(exporter).get_rna_type()
    except KeyError as error:
        raise BadUseError(f"Blender cannot write {suffix} files: {exporter.lack}") from error


def export(context: bpy.types.Context, settings: ExportSettings) -> list[Path]:
    """Export the model that is meant, and return its file, and then those that came with it.

    Its folder is made as needed. Scene, selection and the model itself stay as they are. Raises BadUseError and
    OutputError; a file that was there is whole then.
    """
    check_export(settings)
    model = chosen_model(context)
    file = Path(settings.export).absolute()
    exporter = _EXPORTERS[file.suffix.lower()]
    scale = existing(context.scene).unit_settings.scale_length * exporter.scale
    try:
        # In a folder of its own under its own name, since files name those that come with them.
        with temporary_folder() as place, ExitStack() as stack:
            scene, copy = stack.enter_context(scene_of(context, model, file.stem, scale))
            data = cast("bpy.types.Mesh", copy.data)
            pictures = _pictures(data)
            if exporter.has_pictures_beside:
                stack.enter_context(_pictures_beside(data, pictures, Path(place, file.name)))
            stack.enter_context(cast("Any", in_scene(context, scene)))
            _operator(exporter)(filepath=str(Path(place, file.name)), **exporter.options(pictures))
            return _brought(Path(place), file, overwrite=settings.overwrite)
    except (OSError, RuntimeError) as error:  # the second is Blender's word for whatever an operator reports
        raise OutputError(f"{file} cannot be written ({str(error).strip()}); nothing was changed") from error


def _operator(exporter: _Exporter) -> Any:
    module, name = exporter.operator.split(".")
    return getattr(getattr(bpy.ops, module), name)


def _brought(place: Path, file: Path, *, overwrite: bool) -> list[Path]:
    """Put what was written into its place. Raises BadUseError, OutputError."""
    made = sorted(place.iterdir())
    if place / file.name not in made:
        raise OutputError(f"{file} was not written; Blender’s console says why")
    if not overwrite:  # asked again: only now it is known what comes with it
        refuse_taken(file.with_name(each.name) for each in made)
    for each in made:
        save(file.with_name(each.name), each.read_bytes())
    return [file, *(file.with_name(each.name) for each in made if each.name != file.name)]


def _pictures(mesh: bpy.types.Mesh) -> list[bpy.types.Image]:
    """What its materials show, each once."""
    found = (node.image for material in mesh.materials if material for node in picture_nodes(material))
    return list(dict.fromkeys(image for image in found if image is not None))


@contextmanager
def _pictures_beside(mesh: bpy.types.Mesh, pictures: list[bpy.types.Image], file: Path) -> Iterator[None]:
    """Write pictures beside a file, and have the mesh for a while materials that name them.

    The exporter names files on disk alone, and those by where they are.
    """
    made: list[bpy.types.ID] = []
    written: dict[bpy.types.Image, bpy.types.Image] = {}
    try:
        for number, picture in enumerate(pictures):
            suffix = _SUFFIXES.get(picture.file_format, f".{picture.file_format.lower()}")
            path = file.with_name(texture_name(file, number, suffix))
            _write(picture, path)
            written[picture] = bpy.data.images.load(str(path))
            made.append(written[picture])
        for index, material in enumerate(mesh.materials):
            if material:
                own = existing(material.copy())
                mesh.materials[index] = own
                made.append(own)
                for node in picture_nodes(own):
                    node.image = written[node.image] if node.image else None
        yield
    finally:
        bpy.data.batch_remove(made)


def _write(picture: bpy.types.Image, path: Path) -> None:
    """Write a picture to a file: the same bytes, unless it was painted on or never had any."""
    source = Path(bpy.path.abspath(picture.filepath, library=picture.library))
    if not picture.is_dirty and picture.packed_file:
        path.write_bytes(picture.packed_file.data)
    elif not picture.is_dirty and picture.filepath and source.is_file():
        path.write_bytes(source.read_bytes())
    else:
        picture.save(filepath=str(path), **_AS_COPY)
