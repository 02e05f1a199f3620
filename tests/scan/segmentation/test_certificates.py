# SPDX-License-Identifier: GPL-3.0-or-later
"""https with a certificate that a server gave itself, on this computer as on any other."""

import ssl
from pathlib import Path

import pytest
from reverse_proxy import ReverseProxy, Rules
from self_signed import self_signed

ADDRESSES = ("IP:127.0.0.1", "DNS:localhost")


@pytest.fixture(autouse=True)
def _usual(monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def encrypted(rembg, tmp_path):
    """Give the real server behind a proxy that speaks TLS, and the certificate that it gave itself."""
    certificate, both = self_signed(tmp_path, *ADDRESSES)
    with ReverseProxy(rembg.endpoint, Rules(), certificate=both) as proxy:
        yield proxy, str(certificate)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_of_ones_own_is_trusted(encrypted, add_photos, workers, host):
    names = add_photos(2)
    proxy, certificate = encrypted
    endpoint = f"https://{host}:{proxy.port}"
    assert workers.check_endpoint(endpoint, certificate=certificate).exit_code == 0
    story = workers.strip(endpoint, certificate=certificate)
    assert (story.made, story.exit_code) == (names, 0)


@pytest.mark.process
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_so_is_one_that_the_environment_names_also_on_this_computer(encrypted, workers, variable, monkeypatch):
    proxy, certificate = encrypted
    monkeypatch.setenv(variable, certificate)
    assert workers.check_endpoint(proxy.url).exit_code == 0


def test_ones_own_counts_beside_the_usual_ones(encrypted, workers, tmp_path, monkeypatch):
    proxy, certificate = encrypted
    other, _ = self_signed(tmp_path, *ADDRESSES, name="other")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    assert workers.check_endpoint(proxy.url, certificate=str(other)).exit_code == 0
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    assert workers.check_endpoint(proxy.url, certificate=certificate).exit_code == 0
    story = workers.check_endpoint(proxy.url, certificate=str(other))
    assert story.exit_code == 3
    assert "shows a certificate that this computer does not trust (self-signed certificate). Where the" in story.message


def test_a_certificate_for_another_name_is_told_of(rembg, workers, tmp_path):
    certificate, both = self_signed(tmp_path, "DNS:gpu.example")
    with ReverseProxy(rembg.endpoint, Rules(), certificate=both) as proxy:
        for host in ("127.0.0.1", "localhost"):
            story = workers.check_endpoint(f"https://{host}:{proxy.port}", certificate=str(certificate))
            assert story.exit_code == 3
            assert "ismatch" in story.message
            assert f"or have one made that names {host} as its subjectAltName" in story.message


def test_a_certificate_that_cannot_be_used_is_refused_before_anything_is_sent(encrypted, add_photos, workers, tmp_path):
    add_photos(1)
    proxy, certificate = encrypted
    binary, empty = tmp_path / "binary.cer", tmp_path / "empty.pem"
    binary.write_bytes(ssl.PEM_cert_to_DER_cert(Path(certificate).read_text()))
    empty.write_bytes(b"")
    for path, words in (
        (tmp_path / "nowhere.pem", f"The certificate {tmp_path / 'nowhere.pem'} is not there; choose another file"),
        (tmp_path, f"The certificate {tmp_path} is not there"),
        (binary, f"{binary} holds no certificate that can be read; choose the text form (PEM)"),
        (empty, f"{empty} holds no certificate that can be read"),
        (tmp_path / "server_key.pem", "holds no certificate that can be read"),
    ):
        for story in (
            workers.check_endpoint(proxy.url, certificate=str(path)),
            workers.strip(proxy.url, certificate=str(path)),
        ):
            assert story.exit_code == 2
            assert words in story.message
    assert proxy.logins == []


def test_a_variable_that_names_no_file_is_refused_where_it_counts(encrypted, rembg, workers, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
    story = workers.check_endpoint(encrypted[0].url)
    assert story.exit_code == 2
    assert "REQUESTS_CA_BUNDLE names /nowhere/bundle.pem, which is not there" in story.message
    assert workers.check_endpoint(rembg.endpoint).exit_code == 0
