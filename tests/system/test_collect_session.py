# SPDX-License-Identifier: ISC
"""restante's side of a session: no secret where it does not belong, no wait
without end, DELE only for what is safe here, QUIT that may fail."""
import base64
import shutil

import pytest

import hostile
import mail
import servers
from hostile import DELETED, PASSWORD, STORED, Account, Server

pytestmark = pytest.mark.sanitize

LOCKSTEP = tuple(c for c in hostile.CAPABILITIES if c != "PIPELINING")
SASL = hostile.CAPABILITIES + ("SASL PLAIN",)
WITH_STLS = hostile.CAPABILITIES + ("STLS",)
SECRETS = (PASSWORD, base64.b64encode(PASSWORD.encode()).decode()[:12])


def three():
    return [(f"u{n}", mail.plain(f"number {n}")) for n in range(3)]


def assert_no_secret(server):
    """Neither the name nor the password was sent, in any form."""
    for session in server.sessions:
        for command in session.commands:
            assert command.split(" ")[0] in ("CAPA", "STLS", "QUIT"), command


# ---- who may log in ----

CODES = [("[IN-USE] locked", 75, "busy"), ("[LOGIN-DELAY] wait", 75, "try-later"),
         ("[SYS/TEMP] disk", 75, "try-later"), ("[SYS/TEMP/disk] x", 75, "try-later"),
         ("[sys/temp] x", 75, "try-later"), ("[SYS/PERM] broken", 74, "broken"),
         ("[AUTH] wrong", 77, "denied"), ("no", 77, "denied"),
         ("[X-OTHER] no", 77, "denied"), ("", 77, "denied")]


@pytest.mark.parametrize("text,code,outcome", CODES)
@pytest.mark.parametrize("how", ["pass", "user", "plain", "lockstep"])
def test_login_refused(place, how, text, code, outcome):
    """A code for what helps: another time, or another password. Asked once."""
    verb = {"user": "USER", "plain": "AUTH"}.get(how, "PASS")
    capabilities = {"plain": SASL, "lockstep": LOCKSTEP}.get(
        how, hostile.CAPABILITIES)
    reply = f"-ERR {text}\r\n".encode()
    with Server(three(), capabilities, **{verb: reply}) as server:
        account = Account(place, server)
        ended = account.fetch(ok=code)
        assert ended["outcome"] == outcome
        assert "the login was refused" in ended["text"]
        assert text in ended["text"]
        assert len(server.sessions) == 1
        assert len(server.asked_ever(verb)) == 1


@pytest.mark.parametrize("text,code,outcome", CODES[:6])
def test_greeting_refused(place, text, code, outcome):
    with Server(greeting=f"-ERR {text}\r\n".encode()) as server:
        account = Account(place, server)
        assert text in account.fetch(ok=code)["text"]
        assert_no_secret(server)


def test_what_a_server_says_is_quoted(place):
    """Nothing of it does anything to a terminal or a log."""
    with Server(PASS=b"-ERR \x1b[2J\x07\xff\xfe" + b"x" * 3000 + b"\r\n") \
            as server:
        account = Account(place, server)
        text = account.fetch(ok=77)["text"]
        assert text.isprintable() and text.isascii() and len(text) < 320


def test_no_password_in_what_is_said(place):
    with Server(AUTH=b"-ERR [AUTH] no\r\n", capabilities=SASL) as server:
        account = Account(place, server)
        done = servers.run(*account.command(), ok=(77,),
                           env=account.environment())
        for secret in SECRETS:
            assert secret.encode() not in done.stdout + done.stderr


@pytest.mark.parametrize("capabilities", [hostile.CAPABILITIES, LOCKSTEP, SASL])
def test_logs_in(place, capabilities):
    with Server(three(), capabilities) as server:
        account = Account(place, server, user="a b@example.org")
        account.fetch()
        if capabilities is SASL:
            [argument] = server.asked("AUTH")
            assert base64.b64decode(argument.split()[1]) == \
                b"\0a b@example.org\0" + PASSWORD.encode()
        else:
            assert server.asked("USER") == ["a b@example.org"]
            assert server.asked("PASS") == [PASSWORD]


@pytest.mark.parametrize("user", ["a\rQUIT", "a\rPASS x\rb", "\ra", "u" * 300])
@pytest.mark.parametrize("capabilities", [hostile.CAPABILITIES, LOCKSTEP])
def test_user_that_would_be_two_commands(place, user, capabilities):
    """It is refused before anything is sent."""
    with Server(three(), capabilities) as server:
        account = Account(place, server, user=user)
        assert "cannot send" in account.fetch(ok=76)["text"]
        assert_no_secret(server)


@pytest.mark.parametrize("password", [b"a\0b", b"a\0"])
@pytest.mark.parametrize("capabilities", [hostile.CAPABILITIES, SASL])
def test_password_with_a_nul(place, password, capabilities):
    with Server(three(), capabilities) as server:
        account = Account(place, server)
        (place / "password").write_bytes(password)
        assert "cannot send" in account.fetch(ok=76)["text"]
        assert_no_secret(server)


CHALLENGES = {"text": b"+ \r\n", "not-base64": b"+ ???\r\n",
              "base64": b"+ " + base64.b64encode(b"more?") + b"\r\n",
              "huge": b"+ " + b"QUFB" * 900 + b"\r\n"}


@pytest.mark.parametrize("challenge", CHALLENGES)
def test_challenge_after_everything_was_said(place, challenge):
    """AUTH PLAIN has no more to say: it is cancelled, and that is all."""
    def auth(session, _):
        session.send(CHALLENGES[challenge])
        session.commands.append(session.line())
        return b"-ERR cancelled\r\n"

    with Server(three(), SASL, AUTH=auth) as server:
        account = Account(place, server)
        account.fetch(ok=77)
        assert [c for c in server.sessions[0].commands
                if not c.startswith("AUTH")] == ["CAPA", "*"]


def test_challenge_without_end(place):
    def auth(session, _):
        session.send(b"+ ")
        hostile.forever(session, b"QUFB" * 4096)

    with Server(three(), SASL, AUTH=auth) as server:
        ended, memory = hostile.measured(Account(place, server), ok=76)
        assert "octets" in ended["text"] or "end" in ended["text"]
        assert memory < hostile.MEMORY_OCTETS or hostile.is_sanitized()


def test_challenge_for_ever(place):
    """A server that goes on after "*" is no server."""
    with Server(three(), SASL, AUTH=b"+ \r\n", **{"*": b"+ \r\n"}) as server:
        Account(place, server).fetch(ok=76)
        assert server.sessions[0].commands.count("*") == 1


# ---- TLS that was asked for ----

@pytest.mark.parametrize("capa", [
    None, b"-ERR\r\n", b"+OK\r\n.\r\n", b"+OK\r\nXSTLS\r\nSTLSX\r\n.\r\n"])
def test_stls_taken_out_of_capa(place, capa):
    """Without the TLS that was asked for no secret is sent."""
    instead = {"CAPA": capa} if capa else {}
    with Server(three(), **instead) as server:
        account = Account(place, server, tls="starttls")
        assert "STLS" in account.fetch(ok=77)["text"]
        assert_no_secret(server)


def test_stls_refused(place):
    with Server(three(), WITH_STLS, STLS=b"-ERR not now\r\n") as server:
        account = Account(place, server, tls="starttls")
        assert "refuses TLS" in account.fetch(ok=75)["text"]
        assert_no_secret(server)


@pytest.mark.parametrize("behind", [
    b"+OK logged in\r\n", b"+", b"\r\n", b"+OK\r\n+OK 1 1\r\n" * 10,
    b"+OK\r\nSASL PLAIN\r\n.\r\n"])
@pytest.mark.parametrize("way", ["at-once", "later"])
def test_octets_behind_stls(place, behind, way):
    """Said in clear, believed by nobody."""
    def stls(session, _):
        session.send(b"+OK begin\r\n" + (behind if way == "at-once" else b""))
        if way == "later":
            hostile.pause()
            session.send(behind)
        hostile.sleep_until_closed(session)

    with Server(three(), WITH_STLS, STLS=stls) as server:
        account = Account(place, server, tls="starttls", timeout="2s")
        if way == "at-once":
            assert "in clear" in account.fetch(ok=76)["text"]
        else:
            account.fetch(ok=(75, 77))
        assert_no_secret(server)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_no_handshake(place, tls):
    """STLS is accepted, and then nothing comes: not for longer than said."""
    def silent(session, _):
        session.send(b"+OK begin\r\n" if tls == "starttls" else b"")
        hostile.sleep_until_closed(session)

    verb = "STLS" if tls == "starttls" else "greeting"
    with Server(three(), WITH_STLS, **{verb: silent}) as server:
        account = Account(place, server, tls=tls, timeout="1s")
        ended, seconds = hostile.elapsed(account.fetch, 75)
        assert "TLS" in ended["text"] and "1 s" in ended["text"]
        assert seconds < 8
        assert_no_secret(server)


def test_no_tls_but_a_greeting(place):
    with Server(three()) as server:
        account = Account(place, server, tls="implicit")
        assert "TLS" in account.fetch(ok=77)["text"]
        assert PASSWORD not in str(server.sessions[0].commands)


# ---- waiting ----

@pytest.mark.parametrize("verb", ["greeting", "CAPA", "PASS", "STAT", "UIDL",
                                  "RETR", "DELE", "QUIT"])
def test_silence(place, verb):
    with Server(three(), **{verb: lambda session, _:
                            hostile.sleep_until_closed(session)}) as server:
        account = Account(place, server, keep="no", timeout="1s")
        ended, seconds = hostile.elapsed(account.fetch, 75)
        assert "the server said nothing for 1 s" in ended["text"]
        assert 0.9 < seconds < 8


@pytest.mark.parametrize("verb", ["CAPA", "UIDL", "LIST", "RETR"])
@pytest.mark.parametrize("capabilities", [hostile.CAPABILITIES, LOCKSTEP])
def test_silence_in_the_middle(place, verb, capabilities):
    """The first line of a reply is not the reply."""
    def half(session, argument):
        octets = getattr(session, "on_" + verb.lower())(argument)
        session.send(octets[:len(octets) // 2])
        hostile.sleep_until_closed(session)

    with Server(three(), capabilities, **{verb: half}) as server:
        account = Account(place, server, keep="no", timeout="1s")
        ended, seconds = hostile.elapsed(account.fetch, 75)
        assert "the server said" in ended["text"] and seconds < 8


@pytest.mark.parametrize("verb", ["greeting", "CAPA", "UIDL", "RETR"])
def test_an_octet_at_a_time_for_ever(place, verb):
    """Never silent, and never done."""
    def drip(session, _):
        session.send(b"+OK\r\n" if verb != "greeting" else b"+")
        while True:
            session.send(b"x")
            hostile.pause(0.1)

    with Server(three(), **{verb: drip}) as server:
        account = Account(place, server, timeout="1s")
        ended, seconds = hostile.elapsed(account.fetch, 75)
        assert "minimum-rate" in ended["text"]
        assert seconds < 8


def test_slow_is_not_silent(place):
    """A reply now and then, and a body that comes slowly, are well."""
    def slow(session, number):
        octets = session.on_retr(number)
        for start in range(0, len(octets), 1100):
            hostile.pause(0.4)
            session.send(octets[start:start + 1100])

    def later(session, number):
        hostile.pause(0.6)
        return session.on_dele(number)

    sent = [("large", mail.plain("large", b"x" * 78 + b"\r\n" * 4000)),
            *three()]
    with Server(sent, RETR=lambda session, n: slow(session, n) if n == "1"
                else session.on_retr(n), DELE=later) as server:
        account = Account(place, server, keep="no", timeout="1s")
        assert account.fetch()["deleted_messages"] == 4


def test_a_pipelined_reply_that_never_comes(place):
    """PIPELINING is announced, and every other command swallowed."""
    def retr(session, number):
        return session.on_retr(number) if number == "1" else b""

    with Server(three(), RETR=retr) as server:
        account = Account(place, server, timeout="1s")
        ended, seconds = hostile.elapsed(account.fetch, 75)
        assert "said nothing" in ended["text"] and seconds < 8
        assert account.filed() == [three()[0][1]]


# ---- DELE and QUIT ----

def is_safe(account, session, number):
    """Filed, and in the ledger, as anybody else would find it."""
    uidl, octets = session.mail[int(number) - 1]
    return octets in account.filed() and account.states()[uidl] == STORED


@pytest.mark.parametrize("keep", ["yes", "no"])
def test_all_is_safe_before_dele_and_quit(place, keep):
    """Some providers hide what was once collected, DELE or not."""
    unsafe = []

    def dele(session, number):
        if not is_safe(account, session, number):
            unsafe.append(number)
        return session.on_dele(number)

    def quit_(session, argument):
        unsafe.extend(n for n in range(1, len(session.mail), 20)
                      if not is_safe(account, session, n))
        return session.on_quit(argument)

    sent = [(f"u{n}", mail.plain(f"number {n}")) for n in range(300)]
    with Server(sent, DELE=dele, QUIT=quit_) as server:
        account = Account(place, server, keep=keep)
        account.fetch()
        assert not unsafe and len(account.filed()) == 300


def dropped(session, _):
    session.close()


def dropped_after(session, _):
    session.commit()
    session.close()


def half_dropped(session, _):
    session.commit()
    session.send(b"+O")
    session.close()


@pytest.mark.parametrize("last", [
    b"-ERR some messages not deleted\r\n", dropped], ids=["err", "dropped"])
def test_quit_fails(place, last):
    """Nothing was deleted: DELE again, and download nothing again."""
    with Server(three(), QUIT=last) as server:
        account = Account(place, server, keep="no")
        ended = account.fetch(ok=75)
        assert "QUIT" in ended["text"] or "did not finish" in ended["text"]
        assert ended["deleted_messages"] == 0
        assert set(account.states().values()) == {STORED}
        account.read_all()
        del server.instead["QUIT"]
        ended = account.fetch()
        assert server.asked("RETR") == []
        assert sorted(server.asked("DELE")) == ["1", "2", "3"]
        assert ended["deleted_messages"] == 3 and server.mail == []
        assert set(account.states().values()) == {DELETED}
        assert len(account.filed()) == 3


@pytest.mark.parametrize("last", [dropped_after, half_dropped])
def test_quit_works_and_nobody_hears_of_it(place, last):
    with Server(three(), QUIT=last) as server:
        account = Account(place, server, keep="no")
        account.fetch(ok=75)
        del server.instead["QUIT"]
        account.fetch()
        assert server.asked("RETR") == server.asked("DELE") == []
        assert len(account.filed()) == 3


def test_deletions_that_did_not_last(place):
    """+OK to QUIT, and all is there again: deleted anew, filed once."""
    with Server(three()) as server:
        account = Account(place, server, keep="no")
        account.fetch()
        account.read_all()
        server.mail = [(u.encode(), octets) for u, octets in three()]
        account.fetch()
        assert server.mail == [] and len(account.filed()) == 3


def test_connection_lost_among_dele(place):
    with Server(three(), DELE=lambda session, n: session.close() if n == "2"
                else session.on_dele(n)) as server:
        account = Account(place, server, keep="no")
        account.fetch(ok=75)
        assert set(account.states().values()) == {STORED}
        del server.instead["DELE"]
        account.fetch()
        assert server.asked("RETR") == [] and server.mail == []
        assert len(account.filed()) == 3


def test_keep_deletes_nothing(place):
    with Server(three()) as server:
        account = Account(place, server)
        account.fetch()
        account.fetch()
        assert server.asked_ever("DELE") == [] and len(server.mail) == 3


# ---- a sink that fails ----

def test_maildir_that_goes_away(place):
    """What cannot be filed stays on the server."""
    def retr(session, number):
        shutil.rmtree(account.mail / "new")
        (account.mail / "new").write_text("in the way")
        return session.on_retr(number)

    with Server(three()[:1], RETR=retr) as server:
        account = Account(place, server, keep="no")
        ended = account.fetch(ok=(74, 75))
        assert "Maildir" in ended["text"]
        assert server.asked("DELE") == [] and account.states() == {}
        assert not account.left_over()
        (account.mail / "new").unlink()
        del server.instead["RETR"]
        account.fetch()
        assert account.filed() == [three()[0][1]]


def test_maildir_that_is_none(place):
    with Server(three()) as server:
        account = Account(place, server, keep="no")
        account.mail.parent.mkdir()
        account.mail.write_text("a file")
        ended = account.fetch(ok=(74, 75))
        assert "Not a directory" in ended["text"]
        assert server.asked("RETR") == []


# ---- a ledger that cannot be used ----

@pytest.mark.parametrize("how", ["newer", "damaged"])
def test_ledger_that_cannot_be_read(place, how):
    """Without what was collected nothing is: it would come a second time."""
    with Server(three()) as server:
        account = Account(place, server, keep="no")
        account.fetch()
        path = place / "home/.local/share/restante/ledger.db"
        if how == "newer":
            with account.ledger() as ledger, ledger:
                ledger.execute("PRAGMA user_version = 99")
        else:
            path.write_bytes(b"x" * 5000)
        before = path.read_bytes()
        done = servers.run(*account.command(), ok=(73,),
                           env=account.environment())
        assert str(path).encode() in done.stderr
        assert (b"another version" if how == "newer"
                else b"not a database") in done.stderr
        assert path.read_bytes() == before
        assert len(server.sessions) == 1


# ---- after a run that was killed ----

def test_a_reader_and_two_broken_runs(place):
    """Filed, killed before it was entered, moved by a reader, another run that
    ends early: still there once."""
    with Server(three()) as server:
        account = Account(place, server)
        account.fetch()
        account.read_all()
        account.forget_as_if_killed()
        server.instead["RETR"] = dropped
        account.fetch(ok=75)
        del server.instead["RETR"]
        assert account.fetch()["received_messages"] == 3
        assert len(account.filed()) == 3
