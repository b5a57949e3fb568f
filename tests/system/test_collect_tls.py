# SPDX-License-Identifier: ISC
"""On the way to the server: keys that are pinned, and a proxy."""
import base64
import hashlib
import subprocess

import pytest

import hostile
import mail
import servers
import socks
from hostile import Account, Server

HOST = "mail.example.invalid"  # nobody but the proxy can find it
OTHER_PIN = "sha256//" + base64.b64encode(bytes(32)).decode()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    place = tmp_path_factory.mktemp("certificate")
    files = place / "certificate.pem", place / "key.pem"
    servers.make_certificate(*files, names=("localhost", HOST))
    return files


def pin_of(certificate):
    """As RFC 7469 has it, by openssl."""
    key = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-pubkey"],
        capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"],
                         input=key, capture_output=True, check=True).stdout
    return "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def an_account(place, server, certificate, **settings):
    account = Account(place, server, **settings)
    account.change("ca-file", certificate[0])
    return account


def one():
    return [("u1", mail.plain("one"))]


# ---- pins ----

@pytest.mark.parametrize("starttls", [False, True])
def test_a_pinned_key_is_the_only_one(place, certificate, starttls):
    with Server(one(), hostile.CAPABILITIES + ("STLS",),
                certificate=certificate, starttls=starttls) as server:
        account = an_account(
            place, server, certificate, host="localhost",
            tls="starttls" if starttls else "implicit",
            tls_pin=f"{OTHER_PIN}, {pin_of(certificate[0])}")
        assert account.fetch()["stored_messages"] == 1

        # Another one: no password goes out, and what to do is said.
        account.change("tls-pin", OTHER_PIN)
        ended = account.fetch(ok=77)
        assert OTHER_PIN in ended["text"]
        assert pin_of(certificate[0]) in ended["text"]
        assert "if your provider says that it changed its key" in ended["text"]
        assert not server.asked("PASS") and not server.asked("AUTH")


# ---- a proxy ----

@pytest.mark.parametrize("login", [None, ("anna", "s3:cr@t")])
@pytest.mark.parametrize("starttls", [False, True])
def test_by_a_proxy(place, certificate, login, starttls):
    """It finds the server; what the server says at once is not lost."""
    with Server(one(), hostile.CAPABILITIES + ("STLS",),
                certificate=certificate, starttls=starttls) as server, \
            socks.Proxy({(HOST, 4711): server.port}, login,
                        dribble=True) as proxy:
        who = "anna:s3%3Acr%40t@" if login else ""
        account = an_account(
            place, server, certificate, host=HOST, port=4711,
            tls="starttls" if starttls else "implicit",
            proxy=f"socks5://{who}127.0.0.1:{proxy.port}")
        assert account.fetch()["stored_messages"] == 1
        assert proxy.asked == [(HOST, 4711)]
        assert proxy.logins == ([login] if login else [])


def test_the_proxy_alone_is_connected_to(place, certificate):
    """No name is looked up here, and no other address spoken to."""
    if not servers.installed("strace"):
        pytest.skip("strace is not installed")
    with Server(one(), certificate=certificate) as server, \
            socks.Proxy({(HOST, 995): server.port}) as proxy:
        account = an_account(
            place, server, certificate, host=HOST, port=995, tls="implicit",
            proxy=f"socks5://127.0.0.1:{proxy.port}")
        trace = place / "trace"
        servers.run("strace", "-f", "-qq", "-e", "trace=connect,sendto",
                    "-o", trace, *account.command(),
                    # Leaks cannot be looked for in who is traced.
                    env={**account.environment(),
                         "ASAN_OPTIONS": "detect_leaks=0"})
        calls = [line for line in trace.read_text().splitlines()
                 if "connect(" in line and "AF_INET" in line]
        assert calls
        assert all(f"sin_port=htons({proxy.port})" in call
                   for call in calls), calls
        assert HOST.encode() not in b"".join(
            line.encode() for line in trace.read_text().splitlines()
            if "htons(53)" in line)


@pytest.mark.parametrize("places, login, why", [
    ({}, None, "cannot find or reach the server"),
    ({}, ("anna", "other"), "wants a login"),
])
def test_a_proxy_that_does_not(place, certificate, places, login, why):
    """The server is never asked without it."""
    with Server(one(), certificate=certificate) as server, \
            socks.Proxy(places, login) as proxy:
        account = an_account(
            place, server, certificate, host="localhost", port=server.port,
            tls="implicit", proxy=f"socks5://127.0.0.1:{proxy.port}")
        ended = account.fetch(ok=75)
        assert why in ended["text"]
        assert f"the proxy 127.0.0.1 port {proxy.port}" in ended["text"]
        assert not server.sessions


def test_a_proxy_that_is_away(place, certificate):
    with Server(one(), certificate=certificate) as server:
        gone = servers.free_port()
        account = an_account(
            place, server, certificate, host="localhost", port=server.port,
            tls="implicit", proxy=f"socks5://127.0.0.1:{gone}")
        ended = account.fetch(ok=75)
        assert (f"cannot connect to the proxy 127.0.0.1 port {gone}"
                in ended["text"])
        assert not server.sessions
