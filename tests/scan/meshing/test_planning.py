# SPDX-License-Identifier: GPL-3.0-or-later
"""With less memory or more photos a build looks less closely, until it says that it cannot."""

import itertools

import numpy as np
import pytest

from scan.common.errors import NoModelError
from scan.meshing.efforts import EFFORTS
from scan.meshing.planning import edge_for, needed_memory, needed_on_disk
from scan.meshing.settings import QUALITIES

EVERY = pytest.mark.parametrize("effort", EFFORTS.values(), ids=EFFORTS)


def edges(effort, memories, photos=40, threads=4):
    """How large the object may be, for each of the memories that are enough."""
    found = []
    for memory in memories:
        try:
            found.append(edge_for(effort, photos, threads, memory))
        except NoModelError:
            found.append(0.0)
    return found


@EVERY
def test_with_plenty_of_memory_it_looks_as_closely_as_it_wants(effort):
    assert edge_for(effort, 40, 4, 1e12) == effort.edge


@EVERY
def test_less_memory_is_a_smaller_object_and_at_last_none(effort):
    found = edges(effort, np.geomspace(2e10, 1e7, 300).tolist())
    assert all(later <= earlier for earlier, later in itertools.pairwise(found))
    assert found[0] == effort.edge
    assert found[-1] == 0
    assert any(0 < each < effort.edge for each in found)


@EVERY
def test_what_is_planned_fits(effort):
    for photos, threads, memory in itertools.product((3, 40, 400), (1, 4, 16), (1e9, 2e9, 8e9)):
        (edge,) = edges(effort, [memory], photos, threads)
        assert edge == 0 or needed_memory(effort, photos, threads, edge) <= memory * 1.001


@EVERY
def test_more_photos_or_threads_take_more(effort):
    for edge in (200.0, effort.edge):
        few = needed_memory(effort, 10, 2, edge)
        assert needed_memory(effort, 100, 2, edge) > few
        assert needed_memory(effort, 10, 2, 2 * edge) > few
        assert needed_memory(effort, 10, 64, edge) >= few
        assert needed_on_disk(effort, 100, edge) > needed_on_disk(effort, 10, edge)
    assert needed_memory(effort, 10, 64, effort.edge) > needed_memory(effort, 10, 2, effort.edge)


def test_too_little_is_told_in_numbers():
    effort = EFFORTS["HIGH"]
    with pytest.raises(NoModelError) as raised:
        edge_for(effort, 123, 4, 5e8)
    said = str(raised.value)
    least = next(memory for memory in range(1, 200) if edges(effort, [memory * 1e8], photos=123)[0])
    assert "123 photos" in said
    assert "0.5 GB" in said
    assert any(f"at least {tenths / 10:.1f} GB" in said for tenths in (least - 1, least, least + 1))


def test_every_quality_has_an_effort_and_each_spends_more_than_the_one_before():
    assert [each.name for each in QUALITIES] == list(EFFORTS)
    spent = [(each.edge, each.fine, needed_memory(each, 40, 2, each.edge)) for each in EFFORTS.values()]
    for before, after in itertools.pairwise(spent):
        assert all(one < other for one, other in zip(before, after, strict=True))
