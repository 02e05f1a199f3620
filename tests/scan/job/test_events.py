# SPDX-License-Identifier: GPL-3.0-or-later
"""Every event is read as it was written, also by later versions: with fields more, fields less and fields renamed."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan.job.events import (
    Event,
    Finished,
    MaskAnnounced,
    MaskFound,
    MasksLeft,
    PhotoDone,
    PhotoFailed,
    PhotosCarried,
    PhotoStands,
    SoftAnnounced,
    Started,
    from_json,
)
from scan.job.history import announced_masks, last_failures, last_records, left_masks
from scan.job.job_end import JobEnd
from scan.job.records import PhotoRecord

KINDS = {kind.name: kind for kind in Event.__subclasses__()}
RECORD = PhotoRecord(
    file_stamp=(1341, 1790000000123456789),
    soft_key="516b98714b2aa5e9",
    mask_key="1366962797b8ec4c",
    mask_sha256="d803",
    stored_size=(64, 48),
    proxy_size=(48, 64),
    orientation=6,
    asked=True,
    foreground=0.3096,
    centroid=(37.8, 23.4),
    box=(19, 4, 58, 44),
    cutout_key="77e64123ebbbb661",
    cutout_bytes=2812,
)
# As version 0.1.0 wrote it.
OLD = """{"event": "photo_done", "run": "09d7", "time": 1795855303.51, "photo": "IMG_1.JPG", "soft": "516b98714b2aa5e9",
"mask": "1366962797b8ec4c", "sha256": "d803", "identity": [1341, 1790000000123456789], "stored_size": [64, 48],
"proxy_size": [48, 64], "orientation": 6, "asked": true, "foreground": 0.3096, "centroid": [37.8, 23.4],
"box": [19, 4, 58, 44], "cutout": "77e64123ebbbb661", "cutout_bytes": 2812, "thumbnail": "0.npy", "seconds": 0.016}"""


def line(event):
    return json.loads(json.dumps(event.to_json()))


def test_the_names_in_the_journal_stay():
    assert KINDS.keys() == {
        *("started", "progress", "photo_done", "photo_failed", "photo_stands", "mask_announced", "soft_announced"),
        *("mask_found", "photos_carried", "masks_left", "contact_sheet", "paused", "log", "preview_waiting"),
        *("previewed", "preview_failed", "finished"),
    }


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_event_is_read_as_it_was_written(kind):
    event = kind(run="r1", time=2.5)
    assert from_json(line(event)) == event
    assert line(event)["event"] == kind.name
    assert from_json({"event": kind.name}) == kind()


def test_a_photos_record_lies_flat_in_its_event():
    event = PhotoDone(photo="1.jpg", record=RECORD, thumbnail="0.npy", seconds=0.5)
    assert from_json(line(event)) == event
    assert line(event) == {
        "event": "photo_done",
        "run": "",
        "time": 0.0,
        "photo": "1.jpg",
        "file_stamp": [1341, 1790000000123456789],
        "soft_key": "516b98714b2aa5e9",
        "mask_key": "1366962797b8ec4c",
        "mask_sha256": "d803",
        "stored_size": [64, 48],
        "proxy_size": [48, 64],
        "orientation": 6,
        "asked": True,
        "foreground": 0.3096,
        "centroid": [37.8, 23.4],
        "box": [19, 4, 58, 44],
        "cutout_key": "77e64123ebbbb661",
        "cutout_bytes": 2812,
        "thumbnail": "0.npy",
        "seconds": 0.5,
    }


def test_an_event_of_version_0_1_0_is_read_under_the_present_names():
    expected = PhotoDone(
        run="09d7", time=1795855303.51, photo="IMG_1.JPG", record=RECORD, thumbnail="0.npy", seconds=0.016
    )
    assert from_json(json.loads(OLD)) == expected
    assert from_json({"event": "mask_announced", "sha256": "ab"}) == MaskAnnounced(mask_sha256="ab")
    assert from_json({"event": "photo_done", "photo": "1.jpg", "key": "cd"}) == PhotoDone(photo="1.jpg", copy_key="cd")


def test_the_present_name_goes_before_the_old_one():
    assert from_json({"event": "mask_announced", "sha256": "old", "mask_sha256": "new"}).mask_sha256 == "new"


def test_how_a_job_ended_lies_flat_in_its_event():
    event = Finished(run="r1", time=1.0, end=JobEnd.some_failed("1 of 2", photos={"found": 2}, seconds=0.5))
    assert line(event) == {
        "event": "finished",
        "run": "r1",
        "time": 1.0,
        "status": "some_failed",
        "exit_code": 4,
        "message": "1 of 2",
        "photos": {"found": 2},
        "seconds": 0.5,
    }
    assert from_json(line(event)) == event


@pytest.mark.parametrize("values", [None, [], "text", 5, {}, {"event": "of_a_later_version"}, {"event": ["log"]}])
def test_what_is_no_known_event_is_none(values):
    assert from_json(values) is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
names = sorted({name for kind in KINDS.values() for name in kind.__dataclass_fields__} | json.loads(OLD).keys())


@given(kind=st.sampled_from(sorted(KINDS)), values=st.dictionaries(st.sampled_from([*names, "new"]), anything))
def test_values_of_other_types_are_passed_over(kind, values):
    event = from_json({**values, "event": kind})
    assert type(event) is KINDS[kind]
    assert from_json(line(event)) is not None
    last_records([event, event])
    last_failures([event])
    announced_masks([event])


def test_the_last_record_holds_what_was_announced_since():
    earlier = [
        MaskAnnounced(photo="1.jpg", mask_sha256="before"),
        PhotoDone(photo="1.jpg", record=RECORD),
        PhotoDone(photo="2.jpg", copy_key="of an import"),
    ]
    assert last_records(earlier) == {"1.jpg": RECORD}
    later = [*earlier, MaskAnnounced(photo="1.jpg", mask_sha256="since"), SoftAnnounced(photo="1.jpg")]
    record = last_records(later)["1.jpg"]
    assert (record.announced, record.soft_key, record.mask_sha256) == (("since",), "", "d803")
    found = PhotoRecord(mask_sha256="theirs")
    record = last_records([*later, MaskFound(photo="1.jpg", record=found)])["1.jpg"]
    assert (record, record.is_mask_ours, RECORD.is_mask_ours) == (found, False, True)
    assert announced_masks(later) == {"1.jpg": {"before", "since"}}


def test_records_go_along_with_photos_all_at_once():
    one, two = (PhotoRecord(file_stamp=(number, 5), mask_sha256=f"{number}") for number in (1, 2))
    done = [PhotoDone(photo="1.jpg", record=one), PhotoDone(photo="2.jpg", record=two)]
    swap = PhotosCarried(relocation="09d7", moves=(("1.jpg", "2.jpg", (1, 5)), ("2.jpg", "1.jpg", (2, 7))))
    assert from_json(line(swap)) == swap
    assert last_records([*done, swap]) == {"2.jpg": one, "1.jpg": replace(two, seen_stamp=(2, 7))}
    back = PhotosCarried(moves=(("1.jpg", "2.jpg", (2, 5)), ("gone.jpg", "3.jpg", (1, 1))))
    assert last_records([*done, swap, back]) == {"2.jpg": two}


def test_masks_count_as_left_until_their_photo_is_met_again():
    left = [MasksLeft(photos=("1.jpg", "2.jpg", "3.jpg")), MasksLeft(photos=("4.jpg",))]
    assert left_masks(left) == {"1.jpg", "2.jpg", "3.jpg", "4.jpg"}
    met = [PhotosCarried(moves=(("1.jpg", "5.jpg", (1, 1)),)), PhotoDone(photo="2.jpg"), MaskFound(photo="4.jpg")]
    assert left_masks([*left, *met]) == {"3.jpg"}


def test_failures_are_those_of_strips_that_nothing_has_mended():
    happened = [
        Started(run="a", task="strip"),
        *(PhotoFailed(run="a", photo=name, reason="is empty") for name in ("1.jpg", "2.jpg", "3.jpg")),
        Started(run="b", task="prepare_import"),
        PhotoFailed(run="b", photo="4.jpg", reason="is gone"),
        PhotoDone(run="b", photo="3.jpg", copy_key="c"),
        Started(run="c", task="strip"),
        PhotoStands(run="c", photo="1.jpg"),
        PhotoDone(run="c", photo="2.jpg", record=RECORD),
    ]
    assert last_failures(happened) == {"3.jpg": "is empty"}
