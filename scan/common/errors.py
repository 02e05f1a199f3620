# SPDX-License-Identifier: GPL-3.0-or-later
"""The failures that are expected, each in words a person can act on."""


class ScanError(Exception):
    """An expected failure: its text says what happened, to what, and what to do now.

    Caught once at the edge (the worker's ``main`` or an operator). Anything else is a defect.
    """

    exit_code = 1


class BadUseError(ScanError):
    """The settings cannot work: refused before any request or file is made."""

    exit_code = 2


class EndpointError(ScanError):
    """The endpoint is away, refuses everybody, or is not a rembg server. The run stops; what is done is kept."""

    exit_code = 3


class PhotoError(ScanError):
    """One photo failed. It is named in the report; the others go on."""

    exit_code = 4


class OutputError(ScanError):
    """The output folder stopped taking files in mid-run, such as a full disk. What is done is kept."""


class ModelError(BadUseError):
    """A reconstruction cannot be read: a file of it is missing, damaged, or of another program."""


class EngineError(ScanError):
    """A photogrammetry program is not there, failed, or found nothing. What was done before it is kept."""

    exit_code = 5


class NoModelError(ScanError):
    """No mesh can be made of a scan: its masks, its photos or the computer do not allow it. Its cameras can be used."""

    exit_code = 4


class Cancelled(Exception):  # noqa: N818 - it is a wish, not an error
    """The job was cancelled; what ran has ended."""


def printable(text: str) -> str:
    """A text fit for a line on the screen: decoders quote what they found in a damaged file."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
