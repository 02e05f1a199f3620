# SPDX-License-Identifier: GPL-3.0-or-later
"""A setting is declared once: the checks, JSON, keys and options that come of it."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from typing import Any

import pytest

from scan.common import declared
from scan.common.declared import Home, Setting, Unit, from_json, setting, settings_of
from scan.common.errors import BadUseError
from scan.common.options import add_options, given_of
from scan.cutouts.settings import CutoutSettings
from scan.engines.settings import ReconstructSettings
from scan.masks import settings as mask_settings
from scan.masks.settings import MaskSettings
from scan.meshing.settings import ModelSettings
from scan.reconstruction.settings import ImportSettings
from scan.tasks import settings as task_settings
from scan.tasks.settings import ScanSteps, StripSettings

GROUPS = (StripSettings, ReconstructSettings, ModelSettings, ImportSettings, ScanSteps)
SETTINGS = [pytest.param(each, id=f"{group.__name__}.{each.name}") for group in GROUPS for each in settings_of(group)]


@pytest.mark.parametrize("each", SETTINGS)
def test_what_can_be_set_in_one_place_can_be_set_in_all_or_says_why_not(each: Setting) -> None:
    given = each.declaration
    assert given.label == given.label.strip()
    assert given.label[0].isupper()
    assert given.help
    assert not given.help.endswith(".")
    assert bool(given.no_home) == (given.home is Home.CALL)
    is_named = each.type not in (int, float, str) or given.metavar or each.choices
    assert is_named or given.no_option, "the option's value has a name in its help"
    assert (given.low is None) == (given.high is None)
    assert (each.type in (int, float)) == (given.low is not None), "every number has a range"
    if each.type is bool and each.default:
        assert given.off_help


def parsed(group: type, arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    add_options(parser, group)
    return given_of(vars(parser.parse_args(arguments)))


def another(each: Setting) -> Any:
    """A value that is not the default."""
    if each.choices:
        return each.choices[-1].name
    if each.type is bool:
        return not each.default
    if each.type in (int, float):
        return each.type(each.declaration.high)
    if each.declaration.unit is Unit.FILES:
        return ["a.jpg", "b.jpg"]
    return "#123456" if each.declaration.unit is Unit.COLOR else "something"


@pytest.mark.parametrize("group", GROUPS)
def test_every_option_gives_its_setting(group: type) -> None:
    settings = [each for each in settings_of(group) if not each.declaration.no_option]
    arguments, wanted = [], {}
    for each in settings:
        wanted[each.name] = value = another(each)
        if each.type is bool:
            arguments.append(each.option)
        else:
            arguments += [each.option, *(value if isinstance(value, list) else [str(value)])]
    wanted = {name: tuple(value) if isinstance(value, list) else value for name, value in wanted.items()}
    assert parsed(group, arguments) == wanted
    for each in settings:
        each.check(wanted[each.name])
    assert parsed(group, []) == {}


def test_options_that_are_none_are_refused() -> None:
    for wrong in (["--quality", "BEST"], ["--no-such"], ["--proxy-size", "512", "--full-resolution"], ["--grow", "x"]):
        with pytest.raises(SystemExit):
            parsed(StripSettings, wrong)
    assert parsed(StripSettings, ["--full-resolution"]) == {"proxy_size": 0}
    assert parsed(StripSettings, ["--cutouts", "jpeg"]) == {"cutouts": "JPEG"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("threshold", "128"), ("threshold", True), ("threshold", 1.5), ("refine_edges", 1), ("model", 5)],
)
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    (each,) = [each for each in settings_of(StripSettings) if each.name == name]
    with pytest.raises(BadUseError, match=f"{each.declaration.label} must be of the type {each.type.__name__}"):
        each.check(value)


def test_whole_seconds_are_seconds() -> None:
    (each,) = [each for each in settings_of(StripSettings) if each.name == "timeout"]
    each.check(30)


def test_a_job_of_version_0_1_0_is_read() -> None:
    settings = from_json(StripSettings, {"photos": "p", "output": "o", "cutout_colour": "#ff0000", "endpoint": {}})
    assert settings == StripSettings(photos="p", output="o", cutout_color="#ff0000")
    assert "cutout_colour" not in asdict(settings)
    with pytest.raises(BadUseError, match="Missing settings: photos, output"):
        from_json(StripSettings, {"threshold": 5})


STAMP = (1000, 5)
"""Size and time of a photo."""


def test_keys_are_those_of_version_0_1_0() -> None:
    """Reckoned by the code of 0.1.0 (2b5ce4f): with other keys, everything would be made anew."""
    plain = StripSettings(photos="p", output="o")
    soft = plain.soft_key(STAMP)
    assert (soft, plain.mask_key(soft)) == ("a73c625d140f41d8", "640d3c67b0e8e994")
    other = StripSettings(
        photos="p",
        output="o",
        model="isnet-general-use",
        proxy_size=0,
        alpha_matting=True,
        matting_erode=7,
        extras='{"a": 1}',
        threshold=5,
        fill_holes=0.5,
        grow=-2,
        refine_edges=True,
        cutouts="JPEG",
        cutout_color="#ff8000",
    )
    soft = other.soft_key(STAMP)
    assert (soft, other.mask_key(soft), other.cutout_key(STAMP, "ab")) == (
        "9d4adcfba4913386",
        "f9d1831b00b1bfc2",
        "b6abb5af2cd990b3",
    )


def test_a_later_setting_enters_a_key_only_where_it_differs_from_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, kw_only=True)
    class LaterMask(MaskSettings):
        smooth: int = setting(0, label="Smooth", help="", low=0, high=9, since="0.2.0")

    @dataclass(frozen=True, kw_only=True)
    class LaterStrip(StripSettings):
        cutout_margin: int = setting(0, label="Margin", help="", low=0, high=9, since="0.2.0")
        sharpen: int = setting(0, label="Sharpen", help="", low=0, high=9, since="0.2.0")

    before = MaskSettings().mask_key("soft")
    strip = StripSettings(photos="p", output="o")
    keys = strip.soft_key(STAMP), strip.cutout_key(STAMP, "ab")
    monkeypatch.setattr(mask_settings, "MaskSettings", LaterMask)
    monkeypatch.setattr(task_settings, "CutoutSettings", LaterStrip)
    monkeypatch.setattr("scan.segmentation.settings.SoftMaskSettings", LaterStrip)
    assert LaterMask().mask_key("soft") == before
    assert LaterMask(smooth=1).mask_key("soft") != before
    later = LaterStrip(photos="p", output="o")
    assert (later.soft_key(STAMP), later.cutout_key(STAMP, "ab")) == keys
    changed = LaterStrip(photos="p", output="o", cutout_margin=1)
    assert changed.cutout_key(STAMP, "ab") != keys[1]
    assert changed.soft_key(STAMP) != keys[0]


def test_the_settings_of_the_first_version_are_known_by_their_names() -> None:
    first = {each.name for each in settings_of(MaskSettings) if each.declaration.since == declared.FIRST_VERSION}
    assert first == {"threshold", "fill_holes", "drop_islands", "grow", "refine_edges"}
    assert [each.name for each in settings_of(CutoutSettings)] == ["cutouts", "cutout_color"]
