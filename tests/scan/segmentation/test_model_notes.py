# SPDX-License-Identifier: GPL-3.0-or-later
"""What users are told of models before they choose one."""

import pytest

from scan.common.errors import BadUseError
from scan.segmentation import model_notes


@pytest.mark.parametrize("model", ["withoutbg", "atlascloud"])
def test_models_that_send_photos_on_are_remote_and_say_so(model):
    assert model_notes.is_remote(model)
    assert "remote service" in model_notes.note(model)


def test_a_model_with_unfree_weights_says_so_and_is_usable():
    assert "non-commercial" in model_notes.note("bria-rmbg")
    assert not model_notes.is_remote("bria-rmbg")
    model_notes.refuse_unusable("bria-rmbg")


@pytest.mark.parametrize("model", ["u2net_cloth_seg", "sam", "u2net_custom", "dis_custom", "ben_custom"])
def test_models_that_cannot_give_one_mask_for_a_photo_are_refused_by_name(model):
    with pytest.raises(
        BadUseError, match=f"The model {model} .*; choose another one, such as {model_notes.DEFAULT_MODEL}"
    ):
        model_notes.refuse_unusable(model)


@pytest.mark.parametrize("model", ["u2net", "u2netp", "isnet-general-use", "a-model-of-the-future"])
def test_of_all_others_there_is_nothing_to_say(model):
    model_notes.refuse_unusable(model)
    assert model_notes.note(model) == ""
    assert not model_notes.is_remote(model)


def test_every_model_that_is_spoken_of_is_one_that_rembg_has(rembg, workers):
    """A name that rembg does not know would mean that its list has changed."""
    known = workers.check_endpoint(rembg.endpoint).finished["models"]
    spoken_of = [model for model in known if model_notes.note(model)]
    assert sorted(spoken_of) == sorted(
        ["withoutbg", "atlascloud", "bria-rmbg", "u2net_cloth_seg", "sam", "u2net_custom", "dis_custom", "ben_custom"]
    )
    assert model_notes.DEFAULT_MODEL in known
