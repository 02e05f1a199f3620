# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether masks can be kept under the names of their photos, found out before any work."""

import contextlib
from collections.abc import Sequence
from pathlib import PurePosixPath

from ..common.errors import PhotoError
from ..common.files import cannot_write
from ..common.names import unfit
from ..job.folder import JobFolder
from ..photos.photo import Photo


def unfit_photos(photos: Sequence[Photo], folder: JobFolder) -> dict[str, str]:
    """Returns photo → why nothing that is made of it can be kept in a job folder, which is there, under its name.

    What is made bears the name of the photo's mask, or one as long. Photos that have no working file are passed over.
    Raises OutputError.
    """
    results = {}
    for photo in photos:
        with contextlib.suppress(PhotoError):  # whoever works on it says why
            results[str(photo.name)] = PurePosixPath(f"{photo.working.name}.png")
    try:
        return unfit(results, folder.root)
    except OSError as error:
        raise cannot_write(folder.root, error) from error
