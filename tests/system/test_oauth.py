# SPDX-License-Identifier: ISC
"""OAuth2 from the permission to the mail, against a server on loopback."""
import base64
import contextlib
import json
import re
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

import clients
import hostile
import mail
import servers
from hostile import Account, Server
from oauth_server import OAuthServer

pytestmark = pytest.mark.sanitize

MECHANISMS = ("OAUTHBEARER", "XOAUTH2")
REFUSAL = base64.b64encode(
    b'{"status":"401","schemes":"bearer","scope":"mail"}').decode()


def three():
    return [(f"u{n}", mail.plain(f"number {n}")) for n in range(3)]


def mailbox(oauth, mechanism="XOAUTH2", refuses=lambda token: False):
    """A POP3 server that takes the tokens of `oauth`."""
    def auth(session, argument):
        initial = argument.partition(" ")[2]
        if not initial:
            session.send(b"+ \r\n")
            initial = session.line()
        said = base64.b64decode(initial).decode()
        token = re.search("auth=Bearer ([^\1]*)\1", said)[1]
        session.server.tokens.append(token)
        if token in oauth.access and not refuses(token):
            return b"+OK\r\n"
        session.send(b"+ " + REFUSAL.encode() + b"\r\n")
        session.line()
        return b"-ERR [AUTH] no\r\n"

    server = Server(three(), hostile.CAPABILITIES
                    + (f"SASL {mechanism} PLAIN",), AUTH=auth)
    server.tokens = []
    return server


def authorize(account, *more, ok=0):
    return servers.run(
        servers.BUILD / "restante", "-c", account.config, "account",
        "authorize", account.name, *more, ok=(ok,),
        env=account.environment())


def saved(account):
    return account.place / "home/.local/share/restante/tokens" / account.name


@contextlib.contextmanager
def both(place, mechanism="XOAUTH2", refuses=lambda token: False, **options):
    with OAuthServer(**options) as oauth, \
            mailbox(oauth, mechanism, refuses) as server:
        yield oauth, server, Account(place, server, **oauth.settings())


# ---- permission ----

@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_device(place, mechanism):
    """A code, patience, a token, the mail."""
    with both(place, mechanism, pending=["authorization_pending"]) as (
            oauth, server, account):
        said = authorize(account).stdout.decode()
        assert "WDJB-MJHT" in said and "https://example.test/device" in said
        assert saved(account).stat().st_mode & 0o777 == 0o600
        assert account.fetch()["stored_messages"] == 3
        assert server.tokens == ["access-1"]
        assert server.asked("AUTH")[0].startswith(mechanism)
        # It is good for an hour: nobody is asked again.
        asked = len(oauth.asked)
        account.fetch()
        assert len(oauth.asked) == asked and server.tokens[-1] == "access-1"


def start_browser(account):
    program = subprocess.Popen(
        [servers.BUILD / "restante", "-c", account.config, "account",
         "authorize", account.name, "--browser"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=account.environment(), text=True)
    for line in program.stdout:
        if line.strip().startswith("http"):
            return program, line.strip()
    raise AssertionError(program.stderr.read())


def go(url, query):
    with urllib.request.urlopen(
            url + "?" + urllib.parse.urlencode(query), timeout=30) as page:
        return page.read().decode()


def test_browser(place):
    """PKCE; a visitor without our state is told nothing and changes nothing."""
    with both(place) as (oauth, server, account):
        program, url = start_browser(account)
        back, query = oauth.consent(url)
        for wrong in ({"code": "x"}, {"code": "x", "state": "guess"},
                      {"error": "access_denied", "state": "guess"}):
            with pytest.raises(urllib.error.HTTPError):
                go(back, wrong)
        assert "may read the mail" in go(back, query)
        assert program.wait(60) == 0
        assert account.fetch()["stored_messages"] == 3


def test_browser_refused(place):
    with both(place) as (oauth, _, account):
        program, url = start_browser(account)
        back, query = oauth.consent(url)
        go(back, {"error": "access_denied", "state": query["state"]})
        _, said = program.communicate(timeout=60)
        assert program.returncode == 77 and "access_denied" in said
        assert not saved(account).exists()


@pytest.mark.parametrize("answer,code", [
    ((400, {"error": "access_denied"}), 77),
    ((400, {"error": "expired_token"}), 77),
    ((400, b"<html>"), 77), ((200, b"{}"), 75), ((200, b"[]"), 75),
    ((200, {"access_token": "a b"}), 75),
    ((200, {"access_token": "a" * 20000}), 75),
    ((401, {"error": "invalid_client"}), 77)])
def test_no_token_comes(place, answer, code):
    """Said in a sentence; nothing is saved. What may be a fault of the moment is
    asked again until the code is over."""
    def device(_):
        return 200, {"device_code": "d", "user_code": "U", "interval": 1,
                     "verification_uri": "https://a.test", "expires_in": 1}

    with both(place, token=answer, device=device) as (_, _, account):
        said = authorize(account, ok=77).stderr.decode()
        assert code == 75 or "refuses" in said
        assert not saved(account).exists()


def test_what_authorize_needs(place):
    with both(place) as (_, _, account):
        account.change("oauth-device-url", "http://example.test/device")
        assert "no https URL" in authorize(account, ok=78).stderr.decode()
        account.change("oauth-device-url", "http://127.0.0.1:1@example.test/")
        assert "no https URL" in authorize(account, ok=78).stderr.decode()
        account.change("oauth-loopback-http", "no")
        account.change("oauth-device-url", "http://127.0.0.1:1/")
        assert "no https URL" in authorize(account, ok=78).stderr.decode()
        account.change("oauth-device-url", "")
        assert "--browser" in authorize(
            account, "--device", ok=78).stderr.decode()
        account.change("oauth-client-id", "")
        assert "oauth-client-id" in authorize(account, ok=78).stderr.decode()


def test_https(place):
    """Verified; a certificate that is not trusted gets no token."""
    pair = place / "o.pem", place / "o.key"
    servers.make_certificate(*pair)
    with OAuthServer(certificate=pair) as oauth, mailbox(oauth) as server:
        account = Account(place, server, **oauth.settings())
        assert "certificate" in authorize(account, ok=75).stderr.decode()
        assert oauth.asked == []
        account.change("oauth-ca-file", pair[0])
        authorize(account)
        assert account.fetch()["stored_messages"] == 3


# ---- tokens ----

def test_replaced_tokens_are_saved_first(place):
    """Each refresh token is good once: with one that was lost all would be over."""
    with both(place, expires_in=30) as (oauth, server, account):
        authorize(account)
        for n in range(2, 5):
            account.fetch()
            assert server.tokens[-1] == f"access-{n}"
            assert oauth.refresh == {f"refresh-{n}"}
            assert json.loads(saved(account).read_text())[
                "refresh_token"] == f"refresh-{n}"


def test_saved_before_it_is_used(place):
    """Killed at the login: what was saved is good."""
    found = []

    def refuses(token):
        found.append(json.loads(saved(account).read_text()))
        return False

    with both(place, refuses=refuses, expires_in=30) as (_, server, account):
        authorize(account)
        account.fetch()
        assert found[0]["access_token"] == server.tokens[0]


def test_permission_taken_back(place):
    with both(place, expires_in=30) as (oauth, server, account):
        authorize(account)
        oauth.refresh.clear()
        ended = account.fetch(ok=77)
        assert "account authorize alice again" in ended["text"]
        assert server.sessions == []


def test_no_token_yet(place):
    with both(place) as (_, server, account):
        assert "account authorize alice" in account.fetch(ok=77)["text"]
        saved(account).parent.mkdir(parents=True, exist_ok=True)
        clients.write_private(saved(account), "{]")
        assert "damaged" in account.fetch(ok=77)["text"]
        clients.write_private(saved(account), '{"refresh_token": "x"}')
        saved(account).chmod(0o644)
        assert "chmod 600" in account.fetch(ok=77)["text"]
        assert server.sessions == []


def test_a_refused_token_is_renewed(place):
    """In words; the next run asks for another at once."""
    with both(place, refuses=lambda token: token == "access-1") as (
            _, server, account):
        authorize(account)
        text = account.fetch(ok=77)["text"]
        assert "401" in text and "{" not in text
        assert account.fetch()["stored_messages"] == 3
        assert server.tokens == ["access-1", "access-2"]


def test_two_lines_for_whom_is_known(place):
    """Microsoft's servers want the token on a line of its own."""
    with both(place) as (_, server, account):
        account.change("oauth", "microsoft")
        authorize(account)
        account.fetch()
        assert server.asked("AUTH") == ["XOAUTH2"]


def test_two_lines_for_a_long_token(place):
    """RFC 2449: a command line has 255 octets."""
    long = "a" * 1500
    with both(place, token=(200, {"access_token": long, "expires_in": 3600})
              ) as (oauth, server, account):
        oauth.access.add(long)
        authorize(account)
        assert account.fetch()["stored_messages"] == 3
        assert server.asked("AUTH") == ["XOAUTH2"]
        assert server.tokens == [long]


def test_no_password_in_place_of_a_token(place):
    """A token is never sent by PLAIN, or PASS."""
    with both(place, mechanism="LOGIN") as (_, server, account):
        authorize(account)
        assert "does not offer" in account.fetch(ok=77)["text"]
        assert server.asked_ever("AUTH") == server.asked_ever("PASS") == []


def test_a_slow_server_holds_up_nobody(place):
    """Another account has its mail before the token server answers."""
    may_go = threading.Event()

    def token(form):
        assert may_go.wait(hostile.RUN_SECONDS)
        return 503, b""

    with both(place, token=token) as (_, server, account), \
            Server(three()) as other:
        saved(account).parent.mkdir(parents=True)
        clients.write_private(saved(account), '{"refresh_token": "x"}')
        bob = Account(place, other, name="bob")
        program = subprocess.Popen(
            bob.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=bob.environment(), text=True)
        until = time.monotonic() + hostile.RUN_SECONDS
        while not bob.filed() or len(bob.filed()) < 3:
            assert time.monotonic() < until and program.poll() is None
            time.sleep(0.05)
        may_go.set()
        _, said = program.communicate(timeout=hostile.RUN_SECONDS)
        assert program.returncode == 75 and "503" in said
        assert server.sessions == []


@pytest.mark.parametrize("settings,says", [
    ({"oauth": "google"}, "oauth-client-id"),
    ({"oauth": "google", "oauth_client_id": "x"}, "tokens by itself"),
    ({"oauth": "gogle"}, "oauth")])
def test_settings(place, settings, says):
    with Server() as server:
        account = Account(place, server, **settings)
        done = servers.run(*account.command(), ok=(78,),
                           env=account.environment())
        assert says in done.stderr.decode()


# ---- doctor ----

def examine(account, ok=0):
    done = clients.restante(account.place, "-c", account.config, "doctor",
                            "alice", "--json", ok=(ok,))
    return {s["step"]: (s["result"], s["text"], s["advice"])
            for s in json.loads(done.stdout)["steps"]}


@pytest.mark.parametrize("error,advice", [
    ("invalid_grant", "ended the permission"),
    ("invalid_client", "compare oauth-client-id"),
    ("unauthorized_client", "not registered for this way"),
    ("invalid_scope", "gives no such scope")])
def test_doctor_when_a_token_is_not_renewed(place, error, advice):
    """Each has its own cause, and so its own advice."""
    with both(place, expires_in=30) as (oauth, server, account):
        authorize(account)
        oauth.instead["token"] = (400, {"error": error})
        result, text, said = examine(account, ok=77)["token"]
        assert result == "bad" and error in text and advice in said
        # A new permission mends what the permission is the cause of.
        assert ("account authorize alice" in said) == (
            error in ("invalid_grant", "invalid_scope"))
        assert server.sessions == [] or not server.asked_ever("AUTH")


def test_doctor_without_a_token(place):
    with both(place) as (oauth, _, account):
        result, _, said = examine(account, ok=77)["token"]
        assert result == "bad" and "nobody has given" in said
        assert "account authorize alice" in said
        authorize(account)
        assert examine(account)["token"][0] == "good"
        saved(account).write_text('{"access_token": "a", "expires_at": 1}')
        assert "cannot be renewed" in examine(account, ok=77)["token"][1]
        saved(account).write_text('{"refresh_token": "a"}')
        for answer, advice in (((503, b""), "ill"), ((429, b""), "too often"),
                               ((404, b""), "oauth-token-url"),
                               ((200, b"{}"), "oauth-token-url")):
            oauth.instead["token"] = answer
            assert advice in examine(
                account, ok=77 if answer[0] == 404 else 75)["token"][2]
        oauth.http.server_close()
        assert "network" in examine(account, ok=75)["token"][2]


def test_doctor_renews_a_token_that_is_refused(place):
    """It says whether the token was at fault, or what it is for."""
    with both(place, refuses=lambda token: token == "access-1") as (
            _, server, account):
        authorize(account)
        found = examine(account)
        assert found["login"][0] == "good"
        assert server.tokens == ["access-1", "access-2"]
    with both(place, refuses=lambda token: True) as (_, server, account):
        account.config.unlink()
        account = Account(place, server, **_.settings())
        authorize(account)
        _, text, said = examine(account, ok=77)["login"]
        assert "a token made just now is refused too" in said
        assert "user is alice" in said and len(server.tokens) == 2


def test_doctor_sees_another_scope(place):
    with both(place, refuses=lambda token: True) as (_, _, account):
        account.change("oauth-scope", "calendar")
        authorize(account)
        _, text, said = examine(account, ok=77)["login"]
        assert "it wants the scope mail" in text
        assert "another scope (calendar): set oauth-scope to mail" in said


@pytest.mark.parametrize("said,advice", [
    (b"-ERR [SYS/PERM] Your account is not enabled for POP access. Please",
     "switch POP3 on"),
    (b"-ERR User is authenticated but not connected.", "main address"),
    (b"-ERR [AUTH] Application-specific password required: https://x",
     "app password"),
    (b"-ERR [AUTH] Web login required: https://x", "in a browser"),
    (b"-ERR 535 5.7.139 Authentication unsuccessful, basic authentication is"
     b" disabled", "takes no passwords any more")])
def test_doctor_knows_what_providers_say(place, said, advice):
    """In words that are known of large providers."""
    with Server(three(), PASS=said + b"\r\n") as server:
        account = Account(place, server)
        code = 74 if b"SYS/PERM" in said else 77
        assert advice in examine(account, ok=code)["login"][2]
