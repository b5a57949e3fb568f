# SPDX-License-Identifier: ISC
"""OAUTHBEARER and XOAUTH2: tokens that are signed, and tokens that are asked
about, from a client that builds them itself."""
import base64
import json
import os
import signal
import ssl
import subprocess
import time

import pytest

import servers
import tokens
import wires

pytestmark = pytest.mark.sanitize

CONFIG = """
[server]
hostname = localhost
state = {place}/demo/state
mail = {place}/demo/mail/%u
log = stderr
log-level = debug
session-processes = 1
{users}
[auth]
plaintext-without-tls = yes
[oauth]
{oauth}
[listener pop3]
address = 127.0.0.1:{pop3}
[listener pop3s]
address = 127.0.0.1:{pop3s}
[listener lmtp]
address = 127.0.0.1:{lmtp}
"""
USERS = """user = 61711
auth-user = 61712
session-user = 61713
web-user = 61714
key-user = 61715
lookup-user = 61716
"""
SIGNED = """jwks = {place}/keys/jwks.json
issuer = https://issuer.example
audience = pop3
"""


class OAuth:
    def __init__(self, place, oauth):
        self.place = place
        base = servers.free_base((110, 995, 24))
        config = place / "restante.conf"
        (place / "demo").mkdir(exist_ok=True)
        config.write_text(CONFIG.format(
            place=place, oauth=oauth.format(place=place),
            users=USERS if os.geteuid() == 0 else "",
            pop3=base + 110, pop3s=base + 995, lmtp=base + 24))
        self.server = servers.Restanted(
            place, base, config, dict(pop3=110, pop3s=995, lmtp=24))

    def start(self):
        self.server.start()
        for user in ("anna@example.org", "otto@example.org"):
            self.server.ctl("user", "add", user, "--password-stdin",
                            input=b"demo\n")
        return self

    def wire(self):
        wire = wires.Wire(self.server.pop3s_port,
                          wires.trust(self.server.ca_file))
        wire.line()
        return wire

    def bearer(self, token, user="", mechanism="OAUTHBEARER"):
        if mechanism == "XOAUTH2":
            text = f"user={user}\1auth=Bearer {token}\1\1"
        else:
            text = f"n,{'a=' + user if user else ''},\1" \
                   f"host=localhost\1port=995\1auth=Bearer {token}\1\1"
        return base64.b64encode(text.encode()).decode()

    def login(self, token, user="", mechanism="OAUTHBEARER"):
        """("+OK...", None), or ("-ERR...", the reason that came before)."""
        with self.wire() as wire:
            response = self.bearer(token, user, mechanism)
            if len(response) > 900:
                assert wire.ask(f"AUTH {mechanism}").strip() == "+"
                reply = wire.ask(response)
            else:
                reply = wire.ask(f"AUTH {mechanism} {response}")
            reason = None
            if reply.startswith("+ "):
                reason = json.loads(base64.b64decode(reply[2:]))
                reply = wire.ask("AQ==")
            if reply.startswith("+OK"):
                assert wire.ask("STAT").startswith("+OK 0 0")
                wire.ask("QUIT")
            return reply, reason

    def enters(self, *how, **more):
        reply, reason = self.login(*how, **more)
        assert reason is None or reply.startswith("-ERR [AUTH]"), reply
        return reply.startswith("+OK")

    def denied(self, *how, **more):
        """Refused with a reason, and forgiven, so that the next need not wait."""
        reply, reason = self.login(*how, **more)
        self.server.ctl("forgive", "127.0.0.1")
        return reply.startswith("-ERR [AUTH]") and (
            reason["status"] in ("invalid_token", "400"))

    def log(self):
        return self.server.program.text()

    def lookup(self):
        return self.server.roles().get("lookup 0")


@pytest.fixture(scope="module")
def keys():
    return {"r": tokens.Key("RS256", "r"), "e": tokens.Key("ES256", "e"),
            "new": tokens.Key("ES256", "new"), "x": tokens.Key("ES256", "x")}


@pytest.fixture
def oauth(place, request, keys):
    made = []

    def make(settings):
        (place / "keys").mkdir(exist_ok=True)
        tokens.write_jwks(place / "keys" / "jwks.json", keys["r"], keys["e"])
        made.append(OAuth(place, settings))
        request.node.server = made[0].server
        return made[0].start()
    yield make
    for each in made:
        each.server.stop()


@pytest.fixture
def asked():
    server = tokens.Introspection()
    yield server
    server.close()


def introspected(place, asked, more=""):
    (place / "client").write_text("\n".join(asked.client) + "\n")
    return (f"introspection = http://127.0.0.1:{asked.port}/introspect\n"
            f"client = {place}/client\nuser-claim = username\n{more}")


def of(user):
    return {"active": True, "username": user, "token_type": "Bearer",
            "exp": int(time.time()) + 600}


def test_signed_tokens(oauth, keys):
    oauth = oauth(SIGNED)
    for key in ("r", "e"):
        token = keys[key].token("anna@example.org")
        assert oauth.enters(token)
        assert oauth.enters(token, "anna@example.org")
        assert oauth.enters(token, "Anna@Example.org", "XOAUTH2")
    good = keys["r"].token("anna@example.org")
    # Whose it is not, whom nobody knows, by whom it is not, for whom it is not.
    assert oauth.denied(good, "otto@example.org")
    assert oauth.denied(good, "otto@example.org", "XOAUTH2")
    assert oauth.denied(good, "a/../b", "XOAUTH2")
    assert oauth.denied(keys["r"].token("nobody@example.org"))
    assert oauth.denied(keys["r"].token("anna@example.org", aud="imap"))
    assert oauth.denied(keys["r"].token("anna@example.org", exp=1))
    assert oauth.denied(keys["x"].token("anna@example.org"))
    assert oauth.denied(keys["x"].token("anna@example.org",
                                        header={"kid": "e"}))
    assert oauth.denied(good[:-8] + "AAAAAAAA")
    assert oauth.denied("opaque")
    assert "auth-failed" in oauth.log() and good not in oauth.log()
    for part in good.split("."):
        assert part not in oauth.log()


def test_what_is_offered_and_where(oauth, keys):
    oauth = oauth(SIGNED)
    with oauth.wire() as wire:
        wire.send(b"CAPA\r\n")
        lines = iter(wire.line, b".\r\n")
        sasl = next(line for line in lines if line.startswith(b"SASL"))
        assert b" OAUTHBEARER XOAUTH2" in sasl
    token = keys["r"].token("anna@example.org")
    with wires.Wire(oauth.server.pop3_port) as wire:
        wire.line()
        wire.send(b"CAPA\r\n")
        assert not [line for line in iter(wire.line, b".\r\n")
                    if b"OAUTH" in line]
        # Plain passwords are let be here, tokens are not.
        assert wire.ask(f"AUTH OAUTHBEARER {oauth.bearer(token)}") == (
            "-ERR no such mechanism")


def test_none_is_offered_where_nothing_is_configured(server):
    with wires.Wire(server.pop3s_port, wires.trust(server.ca_file)) as wire:
        wire.line()
        assert wire.ask("AUTH XOAUTH2").startswith("-ERR")


def test_a_refusal_is_a_challenge_first(oauth, keys):
    oauth = oauth(SIGNED + "scope = mail\n")
    token = keys["r"].token("anna@example.org")
    with oauth.wire() as wire:
        reply = wire.ask(f"AUTH OAUTHBEARER {oauth.bearer(token)}")
        assert json.loads(base64.b64decode(reply[2:])) == {
            "status": "invalid_token", "scope": "mail"}
        # Cancelled, or answered with a good one: it does not help.
        assert wire.ask("*").startswith("-ERR")
        good = keys["r"].token("anna@example.org", scope="openid mail")
        oauth.server.ctl("forgive", "127.0.0.1")
        wire.ask(f"AUTH OAUTHBEARER {oauth.bearer(token)}")
        assert wire.ask(oauth.bearer(good)).startswith("-ERR [AUTH]")
        oauth.server.ctl("forgive", "127.0.0.1")
        reply = wire.ask(f"AUTH OAUTHBEARER {oauth.bearer(good)}")
        assert reply.startswith("+OK")
    # None at all asks which one is wanted; that is no failure.
    with oauth.wire() as wire:
        nothing = base64.b64encode(b"n,,\1auth=\1\1").decode()
        reply = wire.ask(f"AUTH OAUTHBEARER {nothing}")
        assert json.loads(base64.b64decode(reply[2:]))["scope"] == "mail"
        assert wire.ask("AQ==").startswith("-ERR [AUTH]")
    assert oauth.server.ctl("status", "--json").stdout
    assert oauth.enters(good)


def test_wrong_tokens_delay_who_sends_them(oauth, keys):
    oauth = oauth(SIGNED)
    for guess in ("a", "b"):
        oauth.login(f"{guess}.b.c")
    start = time.monotonic()
    assert oauth.enters(keys["r"].token("anna@example.org"))
    assert time.monotonic() - start >= 2


def test_long_tokens(oauth, keys):
    oauth = oauth(SIGNED)
    # As long as a response may be: 64 KiB of base64.
    token = keys["e"].token("anna@example.org", x="x" * 35000)
    assert len(token) > 46000
    assert oauth.enters(token)
    assert oauth.denied(token[:-2] + "AA")


def test_keys_are_read_again(oauth, keys, place):
    oauth = oauth(SIGNED)
    token = keys["new"].token("anna@example.org")
    assert oauth.denied(token)
    tokens.write_jwks(place / "keys" / "jwks.json", keys["new"])
    assert oauth.enters(token)
    # Those that are gone are no good any more.
    assert oauth.denied(keys["e"].token("anna@example.org"))
    # A broken file changes nothing, and is told.
    (place / "keys" / "jwks.json").write_text("{")
    assert oauth.enters(token)
    assert "jwks.json why=" in oauth.log()


def test_disabled_and_removed_accounts(oauth, keys):
    oauth = oauth(SIGNED)
    token = keys["r"].token("otto@example.org")
    assert oauth.enters(token)
    oauth.server.ctl("user", "remove", "otto@example.org")
    assert oauth.denied(token)


def test_introspection(oauth, place, asked):
    oauth = oauth(introspected(place, asked))
    asked.known["opaque"] = of("anna@example.org")
    assert oauth.enters("opaque", "anna@example.org", "XOAUTH2")
    assert oauth.enters("opaque")
    # The second time it was remembered.
    assert asked.asked == ["opaque"]
    # What is no JWT of a key here is asked about too, octet by octet.
    odd = "a.b.c~-_+/=="
    asked.known[odd] = of("anna@example.org")
    assert oauth.enters(odd)
    assert oauth.denied("another")
    assert oauth.denied("another")
    assert asked.asked == ["opaque", odd, "another", "another"]
    asked.known["late"] = {**of("anna@example.org"), "exp": 1}
    assert oauth.denied("late")
    assert "opaque" not in oauth.log()


def test_introspection_without_a_cache(oauth, place, asked):
    oauth = oauth(introspected(place, asked, "cache = 0\n"))
    asked.known["opaque"] = of("anna@example.org")
    assert oauth.enters("opaque")
    asked.known["opaque"] = {"active": False}
    assert oauth.denied("opaque")


def test_signed_ones_are_not_asked_about(oauth, keys, place, asked):
    oauth = oauth(SIGNED + introspected(place, asked).replace(
        "user-claim = username", "user-claim = email"))
    assert oauth.enters(keys["r"].token("anna@example.org"))
    assert oauth.denied(keys["r"].token("anna@example.org", exp=1))
    assert asked.asked == []
    # By a key that is not here (yet).
    token = keys["new"].token("anna@example.org")
    asked.known[token] = {"active": True, "email": "anna@example.org",
                          "iss": tokens.ISSUER, "aud": tokens.AUDIENCE}
    assert oauth.enters(token)
    assert asked.asked == [token]


@pytest.mark.parametrize("answer", [
    (500, {}), (401, {}), (302, {}), (200, b"<html>"), (200, {}),
    (200, {"active": "true", "username": "anna@example.org"}),
    (200, b"[" * 70000)])
def test_an_answer_that_is_none_is_temporary(oauth, place, asked, answer):
    oauth = oauth(introspected(place, asked))
    asked.broken = answer
    reply, reason = oauth.login("opaque")
    assert reply.startswith("-ERR [SYS/TEMP]") and reason is None
    # The next waits for nothing: it was not the client's fault.
    asked.broken = None
    asked.known["opaque"] = of("anna@example.org")
    assert oauth.enters("opaque")


def test_nobody_answers(oauth, place, asked):
    oauth = oauth(introspected(place, asked, "timeout = 1s\n"))
    asked.silent.set()
    reply, reason = oauth.login("opaque")
    assert reply.startswith("-ERR [SYS/TEMP]") and reason is None
    asked.silent.clear()
    asked.close()
    reply, _ = oauth.login("opaque")
    assert reply.startswith("-ERR [SYS/TEMP]")
    # Passwords never notice.
    assert oauth.server.roles()
    with oauth.wire() as wire:
        wire.ask("USER anna@example.org")
        assert wire.ask("PASS demo").startswith("+OK")


def test_the_role_dies_and_comes_back(oauth, place, asked):
    oauth = oauth(introspected(place, asked, "cache = 0\n"))
    asked.known["opaque"] = of("anna@example.org")
    asked.silent.set()
    with oauth.wire() as wire:
        wire.send(f"AUTH OAUTHBEARER {oauth.bearer('opaque')}\r\n".encode())
        servers.until(lambda: asked.asked, what="the question")
        os.kill(oauth.lookup(), signal.SIGKILL)
        assert wire.line().startswith(b"-ERR [SYS/TEMP]")
    asked.silent.clear()
    servers.until(lambda: oauth.login("opaque")[0].startswith("+OK"),
                  what="a login")


def test_a_server_that_cannot_be_trusted(oauth, place, request):
    certificate, key = place / "its.pem", place / "its.key"
    servers.make_certificate(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asked = tokens.Introspection(context=context)
    request.addfinalizer(asked.close)
    asked.known["opaque"] = of("anna@example.org")
    settings = introspected(place, asked).replace(
        "http://127.0.0.1", "https://localhost")
    oauth = oauth(settings)
    reply, _ = oauth.login("opaque")
    assert reply.startswith("-ERR [SYS/TEMP]") and asked.asked == []
    oauth.server.config.write_text(oauth.server.config.read_text().replace(
        "client =", f"ca = {certificate}\nclient ="))
    oauth.server.restart()
    assert oauth.enters("opaque")


@pytest.mark.parametrize("settings, sentence", [
    (SIGNED.replace("jwks.json", "none.json"), b"none.json"),
    ("introspection = http://127.0.0.1:1/\nclient = {place}/none\n",
     b"cannot read"),
    ("introspection = http://issuer.example/\n", b"must be an https URL"),
    ("jwks = {place}/keys/jwks.json\nissuer = x\n", b"needs audience")])
def test_a_start_that_is_wrong(place, settings, sentence):
    (place / "keys").mkdir()
    made = OAuth(place, settings)
    done = subprocess.run(
        [servers.BUILD / "restanted", "-c", made.server.config_file],
        capture_output=True, timeout=60)
    assert done.returncode == 78
    assert sentence in done.stderr, done.stderr
    # And so says who only looks at the settings.
    servers.run(servers.BUILD / "restanted", "-n", "-c",
                made.server.config_file, ok=(78,))
