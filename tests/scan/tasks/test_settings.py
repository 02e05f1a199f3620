# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings travel to the worker as plain values, and what cannot work is refused before anything is asked."""

import json
from dataclasses import asdict

import pytest

from scan.common.declared import from_json
from scan.common.errors import BadUseError
from scan.segmentation.settings import EndpointSettings
from scan.tasks.settings import StripSettings


@pytest.fixture
def strip_settings(photos, output):
    """Give a function for settings that work, but for what is given."""

    def make(**given):
        return StripSettings(**{"photos": str(photos), "output": str(output), **given})

    return make


def test_settings_come_back_from_json_as_they_were(strip_settings):
    settings = strip_settings(
        files=("A/1.JPG", "ü #%.png"),
        model="isnet-general-use",
        proxy_size=0,
        threshold=1,
        endpoint=EndpointSettings(endpoint="http://[::1]:7001", online=True, in_flight=7, timeout=1.5, retry_for=0.0),
    )
    assert from_json(StripSettings, json.loads(json.dumps(asdict(settings)))) == settings


def test_what_is_not_given_is_the_default(photos, output):
    settings = from_json(StripSettings, {"photos": str(photos), "output": str(output)})
    assert settings == StripSettings(photos=str(photos), output=str(output))
    assert (settings.endpoint.endpoint, settings.endpoint.in_flight) == ("http://localhost:7000/api/remove", 4)


@pytest.mark.parametrize("values", [{"treshold": 5}, {"endpoint": {"tokn": "x"}}])
def test_an_unknown_setting_is_refused_by_name(values):
    name = "treshold" if "treshold" in values else "tokn"
    with pytest.raises(BadUseError, match=f"Unknown settings: {name}"):
        from_json(StripSettings, {"photos": "p", "output": "o", **values})


def test_a_token_is_no_setting():
    with pytest.raises(BadUseError, match="Unknown settings: token"):
        from_json(EndpointSettings, {"token": "s3cret"})


def test_good_settings_are_taken(strip_settings):
    settings = strip_settings()
    settings.check()
    assert settings.endpoint.check().is_loopback


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"photos": ""}, "no photo folder"),
        ({"photos": "/is/not/there"}, "no photo folder '/is/not/there'"),
        ({"output": ""}, "No output folder"),
        ({"proxy_size": 255}, r"Proxy Size must be 0 \(Full Resolution\) or from 256 to 8192 pixels"),
        ({"proxy_size": 8193}, r"Proxy Size must be 0 \(Full Resolution\) or from 256 to 8192 pixels"),
        ({"threshold": 0}, "Threshold must be from 1 to 255, not 0"),
        ({"threshold": 256}, "Threshold must be from 1 to 255, not 256"),
        ({"model": "sam"}, "The model sam needs points"),
        ({"model": "sam", "extras": '{"model_path": "/m.onnx"}'}, "The model sam needs points"),
        ({"model": "u2net_custom"}, "needs a model file on the server, named in the extras as model_path"),
        ({"model": "dis_custom", "extras": '{"path": "/m.onnx"}'}, "needs a model file on the server"),
        ({"model": "u2net_cloth_seg", "extras": '{"model_path": "/m.onnx"}'}, "three masks stacked"),
        ({"fill_holes": -0.1}, "Fill Holes must be from 0 to 100 percent, not -0.1"),
        ({"drop_islands": 101}, "Drop Islands must be from 0 to 100 percent, not 101"),
        ({"drop_islands": float("nan")}, "Drop Islands must be from 0 to 100 percent, not nan"),
        ({"grow": 201}, "Grow must be from -200 to 200 pixels, not 201"),
        ({"matting_foreground": 256}, "Matting Foreground must be from 0 to 255"),
        ({"matting_background": -1}, "Matting Background must be from 0 to 255"),
        ({"matting_erode": 1001}, "Matting Erode must be from 0 to 1000"),
        ({"backend": "embedded"}, "Backend must be one of ENDPOINT, EMBEDDED, not 'embedded'"),
        ({"cutouts": "GIF"}, "Cutouts must be one of NONE, PNG, JPEG, not 'GIF'"),
        ({"cutout_color": "red"}, "written like #ff8000, not 'red'"),
        ({"cutout_color": "#ff8000\n"}, "written like #ff8000"),
        ({"extras": "{"}, "The extras are not JSON"),
        ({"extras": "[1]"}, "must be a JSON object"),
        ({"extras": '"model_path"'}, "must be a JSON object"),
        ({"extras": '{"api_key": "s3cret"}'}, "must not hold a secret such as 'api_key'; give it to the server"),
        ({"extras": '{"a": [{"Access-TOKEN": 1}]}'}, "must not hold a secret such as 'Access-TOKEN'"),
        ({"extras": '{"remote": {"password": ""}}'}, "must not hold a secret such as 'password'"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(strip_settings, given, words):
    with pytest.raises(BadUseError, match=words):
        strip_settings(**given).check()


def test_a_custom_model_is_taken_with_its_file(strip_settings):
    for model in ("u2net_custom", "dis_custom", "ben_custom"):
        settings = strip_settings(model=model, extras='{"model_path": "/m.onnx"}')
        settings.check()
        assert settings.form_fields() == {"model": model, "om": "true", "extras": '{"model_path": "/m.onnx"}'}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"in_flight": 0}, "from 1 to 32, not 0"),
        ({"in_flight": 33}, "from 1 to 32, not 33"),
        ({"timeout": 0}, "Timeout per Photo must be from 0.01 to 86400 seconds, not 0"),
        ({"first_timeout": -1}, "Timeout of First Photo must be from 0.01"),
        ({"retry_for": -1}, "Wait for Lost Server must be from 0 to 86400 seconds, not -1"),
        ({"endpoint": "nonsense"}, "not an address"),
        ({"endpoint": "http://gpu.example:7000"}, "gpu.example is not this computer.*Allow Online Access"),
    ],
)
def test_an_endpoint_setting_that_cannot_work_is_refused(given, words):
    with pytest.raises(BadUseError, match=words):
        EndpointSettings(**given).check()


def test_another_computer_is_asked_with_online_access():
    assert EndpointSettings(endpoint="http://gpu.example:7000", online=True).check().host == "gpu.example"


def test_a_remote_model_needs_online_access_even_on_this_computer(strip_settings):
    with pytest.raises(BadUseError, match=r"sends every photo on to the remote service withoutbg.com.*Allow Online"):
        strip_settings(model="withoutbg").check()
    strip_settings(model="withoutbg", endpoint=EndpointSettings(online=True)).check()


def test_keys_change_with_what_they_name_and_with_nothing_else(strip_settings):
    identity = (1000, 5)
    plain = strip_settings()
    key = plain.soft_key(identity)
    elsewhere = strip_settings(endpoint=EndpointSettings(endpoint="http://127.0.0.1:9", in_flight=1))
    assert elsewhere.soft_key(identity) == key
    assert strip_settings(threshold=5).soft_key(identity) == key
    assert strip_settings(matting_erode=12).soft_key(identity) == key, "alpha matting is off"
    assert strip_settings(matting_erode=12, alpha_matting=True).soft_key(identity) != key
    others = {
        plain.soft_key((1000, 6)),
        plain.soft_key((1001, 5)),
        strip_settings(model="u2netp").soft_key(identity),
        strip_settings(proxy_size=512).soft_key(identity),
    }
    assert len(others | {key}) == 5
    assert strip_settings(threshold=5).mask_key(key) != plain.mask_key(key)
    png, green = strip_settings(cutouts="PNG"), strip_settings(cutouts="PNG", cutout_color="#00ff00")
    about = (identity, "mask")
    assert png.cutout_key(*about) == green.cutout_key(*about), "there is no colour in a PNG"
    jpegs = {strip_settings(cutouts="JPEG", cutout_color=each).cutout_key(*about) for each in ("#000000", "#00ff00")}
    others = {png.cutout_key((1000, 6), "mask"), png.cutout_key(identity, "other")}
    assert len(jpegs | others | {png.cutout_key(*about)}) == 5
