# SPDX-License-Identifier: ISC
"""Who is logged in, who is sent away, and how many may be."""
import json
import os
import re
import signal
import time

import pytest

import mail
import servers
import wires

pytestmark = pytest.mark.sanitize

ENDED = "-ERR [SYS/TEMP] the administrator ended this session"


@pytest.fixture
def configured(place, request):
    """Starts a demo server of three session processes with more settings."""
    server = servers.Restanted(place)
    request.node.server = server

    def start(more):
        server.start()
        server.stop()
        text = server.config_file.read_text()
        server.config_file.write_text(text.replace(
            "[server]\n", "[server]\nsession-processes = 3\n", 1) + more)
        return server.start()

    yield start
    server.stop()


def who(server):
    answer = json.loads(server.ctl("who", "--json").stdout)
    return {s["user"]: s for s in answer}


def login(server, user="alice", password="demo"):
    wire = wires.Wire(server.pop3_port)
    assert wire.line().startswith(b"+OK")
    assert wire.ask(f"USER {user}").startswith("+OK")
    reply = wire.ask(f"PASS {password}")
    return wire, reply


def entered(server, user="alice", password="demo"):
    wire, reply = login(server, user, password)
    assert reply.startswith("+OK"), reply
    return wire


def is_ended(wire):
    """It says why, and nothing after that."""
    assert wire.line().decode().rstrip() == ENDED
    assert wire.line() == b""
    wire.close()
    return True


def test_who_is_logged_in(server):
    servers.until(lambda: who(server) == {}, what="nobody")
    octets = mail.plain("hello")
    server.lmtp(octets, "bob")
    before = int(time.time())
    bob = wires.pop3s(server, "bob")
    wire = entered(server)
    servers.until(lambda: len(who(server)) == 2, what="two logins")
    found = who(server)
    assert found["alice"]["tls"] == "" and found["alice"]["messages"] == 0
    assert found["bob"]["tls"].startswith("TLSv1.3/")
    assert found["bob"]["messages"], found["bob"]["octets"] == bob.stat()
    for session in found.values():
        assert session["device"] == "main"
        assert re.fullmatch(r"127\.0\.0\.1:\d+", session["address"])
        assert before <= session["since_seconds"] <= time.time() + 1
        # The log calls it the same.
        assert (f" login id={session['session']} addr={session['address']} "
                f"user=\"{session['user']}\"") in server.program.text()
    table = server.ctl("who").stdout.decode()
    assert re.search(r"^bob +main +127.0.0.1:\d+ .* TLSv1.3/\S+ +1 ", table,
                     re.M), table
    bob.quit()
    wire.close()
    servers.until(lambda: who(server) == {}, what="nobody")


def test_many_are_shown(configured, place):
    """More than fit one message between roles."""
    users = place / "users"
    names = [f"user{n}" for n in range(90)]
    users.write_text("".join(f"{name}:{{PLAIN}}demo\n" for name in names))
    server = configured("[auth]\nbackends = passwd-file\n"
                        f"passwd-file = {users}\n")
    wires_ = [entered(server, name) for name in names]
    servers.until(lambda: who(server).keys() == set(names),
                  what="all of them")
    for wire in wires_:
        wire.close()


def test_kicked_is_not_quit(server):
    server.lmtp(mail.plain("hello"), "alice")
    wire, bob = entered(server), entered(server, "bob")
    assert wire.ask("DELE 1").startswith("+OK")
    said = server.ctl("kick", "Alice").stdout.decode()
    assert said == "Alice: 1 session ended\n"
    assert is_ended(wire)
    assert bob.ask("NOOP").startswith("+OK")
    # The message is there, and the maildrop is free.
    with entered(server) as wire:
        assert wire.ask("STAT").startswith("+OK 1 ")
        session = servers.until(lambda: who(server).get("alice"))["session"]
        server.ctl("kick", session)
        assert wire.line().decode().rstrip() == ENDED
    done = server.ctl("kick", session, ok=(67,))
    assert done.stderr.decode() == (
        f"restantectl: no session of {session} is open\n")
    server.ctl("kick", "nobody-here", ok=(67,))
    assert bob.ask("NOOP").startswith("+OK")
    bob.close()


def test_no_word_in_the_middle_of_a_reply(server):
    server.lmtp(b"Subject: long\r\n\r\n" + b"x" * 70 + b"\r\n" +
                (b"y" * 78 + b"\r\n") * 200_000, "alice")
    wire = entered(server)
    wire.send(b"RETR 1\r\n")
    assert wire.line().startswith(b"+OK")
    server.ctl("kick", "alice")
    rest = b""
    try:
        while piece := wire.socket.recv(1 << 16):
            rest += piece
    except ConnectionResetError:
        pass
    assert b"-ERR" not in rest and not rest.endswith(b"\r\n.\r\n")
    wire.close()
    with entered(server) as wire:
        assert wire.ask("STAT").startswith("+OK 1 ")


def test_what_changes_an_account_ends_its_sessions(server):
    phone = server.ctl("device", "add", "alice", "phone", "--password-stdin",
                       input=b"phone\n")
    assert phone.returncode == 0
    # With another password: it stays.
    wire = entered(server, "alice", "phone")
    server.ctl("user", "passwd", "alice", "--password-stdin", input=b"new\n")
    assert wire.ask("NOOP").startswith("+OK")
    done = server.ctl("device", "remove", "alice", "phone").stdout.decode()
    assert "alice: 1 open session ended" in done, done
    assert is_ended(wire)
    # With the one that is changed: it does not.
    wire = entered(server, "alice", "new")
    server.ctl("user", "passwd", "alice", "--password-stdin", input=b"demo\n")
    assert is_ended(wire)
    for how in ("disable", "remove"):
        wire = entered(server, "bob")
        server.ctl("user", how, "bob")
        assert is_ended(wire)
        if how == "disable":
            server.ctl("user", "enable", "bob")
    assert login(server, "bob")[1].startswith("-ERR [AUTH]")


def test_another_auth_is_told(server):
    wire = entered(server)
    os.kill(server.roles()["auth 0"], signal.SIGKILL)
    servers.until(lambda: server.ctl("who", ok=(0, 69)).returncode == 0
                  and who(server).get("alice"), what="alice to be known")
    server.ctl("kick", "alice")
    assert is_ended(wire)


def test_a_user_has_so_many(configured):
    few = configured("[policy alice]\nconnections = 1\n")
    first = entered(few)
    second, reply = login(few)
    assert reply.startswith("-ERR [IN-USE] "), reply
    assert 'why="connections of [policy] is reached"' in few.program.text()
    # Nobody else is concerned, and a wrong password is one.
    entered(few, "bob").close()
    assert login(few, password="wrong")[1].startswith("-ERR [AUTH]")
    assert first.ask("QUIT").startswith("+OK")
    second.ask("USER alice")
    assert second.ask("PASS demo").startswith("+OK")
    second.ask("QUIT")
    # At once again, whichever process it is: who has read the reply is out.
    # One too many was looked at again after 50 ms.
    assert min(seconds_of_logins(few, 30) for _ in range(3)) < 30 * 0.025


def seconds_of_logins(server, count):
    """One after the other."""
    began = time.monotonic()
    for _ in range(count):
        wire = entered(server)
        assert wire.ask("QUIT").startswith("+OK")
        wire.close()
    return time.monotonic() - began
