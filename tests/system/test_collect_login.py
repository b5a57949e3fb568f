# SPDX-License-Identifier: ISC
"""How restante logs in: by the strongest way that a server offers, or by the
one that the account names, and never for a server that does not prove itself."""
import hashlib
import ssl

import pytest

import clients
import delay
import hostile
import mail
import servers
from hostile import PASSWORD, Account, Server
from scram_server import Scram, encode

pytestmark = pytest.mark.sanitize

MANY = 1000
LOCKSTEP = tuple(c for c in hostile.CAPABILITIES if c != "PIPELINING")


def three():
    return [(f"u{n}", mail.plain(f"number {n}")) for n in range(3)]


def offering(*mechanisms, capabilities=hostile.CAPABILITIES):
    return capabilities + ("SASL " + " ".join(mechanisms),)


def assert_nothing_was_asked(server):
    for verb in ("RETR", "DELE", "PASS"):
        assert server.asked_ever(verb) == []


# ---- SCRAM ----

@pytest.mark.parametrize("capabilities", [hostile.CAPABILITIES, LOCKSTEP])
@pytest.mark.parametrize("name,digest", [
    ("SCRAM-SHA-256", "sha256"), ("SCRAM-SHA-1", "sha1")])
def test_scram(place, name, digest, capabilities):
    """In place of the password a proof; to a server without PIPELINING each
    line waits for the one before."""
    with Server(three(), offering("PLAIN", "LOGIN", name,
                                  capabilities=capabilities),
                AUTH=Scram(PASSWORD, digest)) as server:
        account = Account(place, server)
        assert account.fetch()["stored_messages"] == 3
        assert [a.partition(" ")[0] for a in server.asked("AUTH")] == [name]
        assert server.asked("PASS") == server.asked("USER") == []


def test_the_strongest_is_taken(place):
    with Server(three(), offering("SCRAM-SHA-1", "PLAIN", "SCRAM-SHA-256"),
                AUTH=Scram(PASSWORD)) as server:
        Account(place, server).fetch()
        assert server.asked("AUTH")[0].startswith("SCRAM-SHA-256 ")


def test_scram_costs_no_round_trip(place):
    """As many as PLAIN: what is asked of any mailbox goes along."""
    with Server(((f"a{n}", mail.plain(f"a{n}")) for n in range(MANY)),
                offering("SCRAM-SHA-256"), AUTH=Scram(PASSWORD)) as server, \
            delay.Line(server.port, 0.05) as line:
        account = Account(place, server, keep="no", port=line.port)
        assert account.fetch()["deleted_messages"] == MANY
        assert line.round_trips <= 7
        server.mail = [(b"b%d" % n, mail.plain(f"b{n}")) for n in range(MANY)]
        line.round_trips = 0
        assert account.fetch()["deleted_messages"] == MANY
        assert line.round_trips <= 5
        assert len(account.filed()) == 2 * MANY and server.mail == []


def test_scram_and_nothing_new(place):
    """STAT and the last UIDL stand for the list here too."""
    with Server([(f"u{n}", mail.plain(f"{n}")) for n in range(20)],
                offering("SCRAM-SHA-256"), AUTH=Scram(PASSWORD)) as server:
        account = Account(place, server)
        account.fetch()
        account.fetch()
        assert server.asked("UIDL") == ["20"] and not server.asked("LIST")


@pytest.mark.parametrize("capabilities", [hostile.CAPABILITIES, LOCKSTEP])
def test_a_wrong_password_is_tried_once(place, capabilities):
    with Server(three(), offering("SCRAM-SHA-256", "PLAIN",
                                  capabilities=capabilities),
                AUTH=Scram("another")) as server:
        account = Account(place, server)
        text = account.fetch(ok=77)["text"]
        assert "the login was refused" in text and "login = plain" in text
        account.fetch(ok=77)
        assert len(server.asked_ever("AUTH")) == 1
        assert_nothing_was_asked(server)


FORGED = encode(b"v=" + encode(b"\0" * 32).encode())


@pytest.mark.parametrize("capabilities", [hostile.CAPABILITIES, LOCKSTEP])
@pytest.mark.parametrize("final", [
    lambda _: FORGED, lambda _: None, lambda _: "", lambda _: "v=not",
    lambda _: encode(b"x=1")])
def test_a_server_that_proves_nothing(place, capabilities, final):
    """Whoever does not know the password gives us no mail, and gets none."""
    with Server(three(), offering("SCRAM-SHA-256",
                                  capabilities=capabilities),
                AUTH=Scram(PASSWORD, final=final)) as server:
        account = Account(place, server)
        account.fetch(ok=(76, 77))
        assert account.filed() == []
        assert_nothing_was_asked(server)


@pytest.mark.parametrize("first", [
    lambda _: "!!!not base64", lambda _: "", lambda _: "A" * 3900,
    lambda _: encode(b"r=short,s=c2FsdA==,i=4096"),
    lambda m: encode(m.replace("i=4096", "i=999999999").encode()),
    lambda m: encode(m.replace("i=4096", "i=1").encode()),
    lambda m: encode(b"m=x," + m.encode())])
def test_a_challenge_that_is_none(place, first):
    """Cancelled by "*"; it was not the password that was wrong."""
    exchange = Scram(PASSWORD, first=first)
    with Server(three(), offering("SCRAM-SHA-256"), AUTH=exchange) as server:
        account = Account(place, server)
        ended = account.fetch(ok=76)
        assert exchange.answers == ["*"]
        assert "the login was refused" in ended["text"]
        assert "is it the right" not in ended["text"]
        assert_nothing_was_asked(server)


def test_a_challenge_without_end(place):
    def forever(session, _):
        hostile.forever(session, b"+ " + b"A" * 4096)

    with Server(three(), offering("SCRAM-SHA-256"), AUTH=forever) as server:
        ended, octets = hostile.measured(Account(place, server), 76)
        assert ended["outcome"] == "peer"
        assert octets < hostile.MEMORY_OCTETS or hostile.is_sanitized()


def test_scram_is_missed(place):
    """Somebody in between who takes it away is not left unsaid."""
    with Server(three(), offering("SCRAM-SHA-256", "PLAIN"),
                AUTH=Scram(PASSWORD)) as server:
        account = Account(place, server)
        account.fetch()
        server.capabilities = offering("PLAIN")
        del server.instead["AUTH"]
        account.forget_capabilities()
        account.fetch()
        assert "SCRAM" in account.warnings()[0]
        account.forget_capabilities()
        account.fetch()
        assert account.warnings() == []


# ---- what the account names ----

@pytest.mark.parametrize("how", ["scram-sha-256", "xoauth2", "plain",
                                 "scram-sha-256-plus"])
def test_no_other_than_the_one_that_is_named(place, how):
    with Server(three(), offering("LOGIN")) as server:
        account = Account(place, server, login=how)
        text = account.fetch(ok=77)["text"]
        assert f"does not offer {how.upper()}" in text and "LOGIN" in text
        assert server.asked_ever("AUTH") == []
        assert_nothing_was_asked(server)


def test_named_and_offered_since(place):
    """Not what was remembered counts, but what the server says now."""
    with Server(three()) as server:
        account = Account(place, server)
        account.fetch()
        account.change("login", "scram-sha-256")
        server.capabilities = offering("SCRAM-SHA-256")
        server.instead["AUTH"] = Scram(PASSWORD)
        account.fetch()
        assert server.asked("CAPA") == [""]


def test_user_and_pass_by_name(place):
    with Server(three(), offering("SCRAM-SHA-256", "PLAIN")) as server:
        account = Account(place, server, login="user")
        assert account.fetch()["stored_messages"] == 3
        assert server.asked("AUTH") == [] and len(server.asked("PASS")) == 1


@pytest.mark.parametrize("greeting,stamp", [
    (b"+OK hi <1.2@test>\r\n", "<1.2@test>"), (b"+OK hi\r\n", None),
    (b"+OK <nobody>\r\n", None), (b"+OK <a \x80@b>\r\n", None)])
def test_apop_is_asked_for(place, greeting, stamp):
    """MD5 is weak: only for who wants it, and for a stamp that is one."""
    digest = stamp and hashlib.md5((stamp + PASSWORD).encode()).hexdigest()

    def apop(session, argument):
        return b"+OK\r\n" if argument == f"alice {digest}" else b"-ERR no\r\n"

    with Server(three(), greeting=greeting, APOP=apop) as server:
        account = Account(place, server)
        account.fetch()
        assert server.asked("APOP") == []
        account.change("login", "apop")
        account.fetch(ok=0 if digest else 77)
        assert len(server.asked_ever("APOP")) == (1 if digest else 0)


# ---- tokens and certificates ----

def challenge_with(text, argument, mechanism):
    """As the large providers refuse a token: JSON, an answer, -ERR."""
    def auth(session, given):
        assert given.startswith(mechanism + " ")
        session.send(b"+ " + encode(text).encode() + b"\r\n")
        argument.append(session.line())
        return b"-ERR [AUTH] no\r\n"

    return auth


@pytest.mark.parametrize("mechanism,answer", [("XOAUTH2", ""),
                                              ("OAUTHBEARER", "AQ==")])
def test_a_token_that_is_refused(place, mechanism, answer):
    answers = []
    auth = challenge_with(b'{"status":"401","schemes":"bearer"}', answers,
                          mechanism)
    with Server(three(), offering(mechanism, "PLAIN"), AUTH=auth) as server:
        account = Account(place, server, login=mechanism.lower())
        clients.write_private(place / "password", "ya29.token\n")
        text = account.fetch(ok=77)["text"]
        assert "401" in text and "token" in text and "{" not in text
        assert answers == [answer]


def make_certificate(place, name):
    certificate, key = place / f"{name}.pem", place / f"{name}.key"
    servers.make_certificate(certificate, key)
    return certificate, key


def external_server(place):
    """Wants a certificate of its client."""
    pair = make_certificate(place, "server")
    ours = make_certificate(place, "ours")

    def auth(session, argument):
        is_shown = session.connection.getpeercert(True) is not None
        return b"+OK\r\n" if is_shown and argument == "EXTERNAL =" \
            else b"-ERR [AUTH] who?\r\n"

    server = Server(three(), offering("EXTERNAL", "PLAIN"), certificate=pair,
                    AUTH=auth)
    server.tls.verify_mode = ssl.CERT_OPTIONAL
    server.tls.load_verify_locations(ours[0])
    return server, pair, ours


def test_external(place):
    """A certificate of one's own, and no password at all."""
    server, pair, (certificate, key) = external_server(place)
    with server:
        account = Account(place, server, host="localhost", tls="implicit",
                          ca_file=pair[0], password_file=None,
                          tls_certificate=certificate, tls_key=key)
        assert account.fetch()["stored_messages"] == 3
        server.capabilities = offering("PLAIN")
        account.forget_capabilities()
        assert "EXTERNAL" in account.fetch(ok=77)["text"]


def test_a_key_that_others_can_read(place):
    server, pair, (certificate, key) = external_server(place)
    with server:
        key.chmod(0o644)
        account = Account(place, server, host="localhost", tls="implicit",
                          ca_file=pair[0], password_file=None,
                          tls_certificate=certificate, tls_key=key)
        assert "chmod 600" in account.fetch(ok=77)["text"]
        assert server.sessions == []


@pytest.mark.parametrize("settings,says", [
    ({"tls_certificate": "/a"}, "tls-key"),
    ({"login": "external"}, "needs tls-certificate"),
    ({"tls_certificate": "/a", "tls_key": "/b"}, "needs TLS"),
    ({"login": "scram"}, "login")])
def test_settings_that_fit_no_login(place, settings, says):
    with Server() as server:
        account = Account(place, server, **settings)
        done = servers.run(*account.command(), ok=(78,),
                           env=account.environment())
        assert says in done.stderr.decode()


# ---- servers of others ----

def test_scram_with_dovecot(dovecot):
    """Whose login process is handed what came along."""
    config = dovecot.place / "dovecot.conf"
    dovecot.stop()
    config.write_text(config.read_text()
                      + "auth_mechanisms = plain scram-sha-256\n")
    dovecot.program = servers.Program(
        dovecot.place.parent, "dovecot", "/usr/sbin/dovecot", "-F", "-c", config)
    servers.until(dovecot._answers, what="dovecot to answer")
    dovecot.put(mail.plain("one"), 1)
    place = dovecot.place.parent

    class Here:
        port = dovecot.pop3s_port

    account = Account(place, Here, host="localhost", tls="implicit",
                      ca_file=dovecot.ca_file, login="scram-sha-256")
    clients.write_private(place / "password", "demo\n")
    assert account.fetch()["stored_messages"] == 1
    clients.write_private(place / "password", "wrong\n")
    assert account.fetch(ok=77)["outcome"] == "denied"


@pytest.mark.parametrize("how", [
    "auto", "scram-sha-1", "scram-sha-256-plus", "plain"])
def test_restanted(server, how):
    """Our own; bound to TLS 1.3."""
    server.lmtp(mail.plain("one"), "alice")

    class Here:
        port = server.pop3s_port

    account = Account(server.place, Here, host="localhost", tls="implicit",
                      ca_file=server.ca_file, login=how)
    clients.write_private(server.place / "password", "demo\n")
    assert account.fetch()["stored_messages"] == 1
    clients.write_private(server.place / "password", "wrong\n")
    assert account.fetch(ok=77)["outcome"] == "denied"
