# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan whose photos get other names."""

import json
import re

from PIL import Image, ImageDraw

_CLOSED = "http://127.0.0.1:9/api/remove"


class Scan:
    """Photos and what was made of them."""

    def __init__(self, workers, server):
        self.photos, self.output = workers.photos, workers.output
        self._workers, self._server = workers, server

    def strip(self, **given):
        """Strip with a server that is there, and give the story."""
        self._server.visits.clear()
        return self._workers.strip(self._server.endpoint, **given)

    def strip_alone(self, **given):
        """Strip with a server that is not, which is no trouble if nothing is asked."""
        return self._workers.strip(_CLOSED, retry_for=0.0, **given)

    def paint(self, name, left=0):
        """Paint on a photo's mask, and return the file's bytes."""
        path = self.output / "masks" / f"{name}.png"
        mask = Image.open(path).copy()
        ImageDraw.Draw(mask).rectangle((left, 0, left + 20, 20), 255)
        mask.save(path)
        return path.read_bytes()

    def move(self, names):
        """Rename photos, all of them at once."""
        waiting = {
            self.photos / new: (self.photos / old).rename(self.photos / f"{number}.waiting")
            for number, (old, new) in enumerate(names.items())
        }
        for new, path in waiting.items():
            new.parent.mkdir(parents=True, exist_ok=True)
            path.rename(new)

    def files(self, folder="masks"):
        """Relative path of the photo → content, of what is in a folder of the job."""
        root = self.output / folder
        return {
            path.relative_to(root).as_posix().removesuffix(".png"): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }

    def shown(self):
        """Give what each photo has: photo → contents of mask, soft mask and cutout."""
        folders = [self.files(folder) for folder in ("masks", "soft", "cutouts")]
        return {name: tuple(each.get(name) for each in folders) for name in {*folders[0], *folders[1], *folders[2]}}

    def forget_contents(self):
        """Leave a journal as 0.1.0 wrote it: without content stamps."""
        journal = self.output / "journal.jsonl"
        journal.write_text(re.sub(r'"content": "[^"]*", ', "", journal.read_text("ascii")), "ascii")

    def report(self):
        """Give what the last run has reported."""
        return json.loads((self.output / "report.json").read_bytes())


def painted_on(scan, add_photos):
    """Give a scan of three photos their masks and cutouts, and paint on the second mask: ``painted`` is its file."""
    names = add_photos(3)
    scan.strip(cutouts="PNG")
    scan.painted = scan.paint(names[1])
    scan.strip(cutouts="PNG")
    return scan
