# SPDX-License-Identifier: ISC
"""What the log says of a session, from its login to its end."""
import re

import pytest

import mail
import servers
import wires

pytestmark = pytest.mark.sanitize


@pytest.fixture
def configured(place, request):
    """Starts a demo server with more in its [server] section."""
    server = servers.Restanted(place)
    request.node.server = server

    def start(more):
        server.start()
        server.stop()
        text = server.config_file.read_text()
        server.config_file.write_text(
            text.replace("[server]\n", "[server]\n" + more, 1))
        server.start()
        server.empty("alice")
        return server

    yield start
    server.stop()


def login(server, user="alice", password="demo"):
    wire = wires.Wire(server.pop3_port)
    assert wire.line().startswith(b"+OK")
    assert wire.ask(f"USER {user}").startswith("+OK")
    return wire, wire.ask(f"PASS {password}")


def said_id(reply):
    """What the reply to the login calls the session."""
    return re.fullmatch(r"\+OK .*\S, session ([0-9a-z]+-[0-9a-z]+)\r?\n?",
                        reply)[1]


def lines(server, pattern):
    """Those of the log that have it, without what stands before the event."""
    return [line.split(" ", 3)[3] for line in server.program.text().split("\n")
            if re.search(pattern, line)]


def one_line(server, pattern):
    return servers.until(lambda: lines(server, pattern), what=pattern)[0]


def test_a_session_from_login_to_end(server):
    server.lmtp(mail.plain("one"))
    server.lmtp(mail.plain("two"))
    wire, reply = login(server)
    name = said_id(reply)
    assert wire.ask("RETR 1").startswith("+OK")
    while wire.line() != b".\r\n":
        pass
    assert wire.ask("TOP 2 0").startswith("+OK")
    while wire.line() != b".\r\n":
        pass
    assert wire.ask("DELE 1").startswith("+OK")
    assert wire.ask("QUIT").startswith("+OK")
    wire.close()
    end = one_line(server, f"pop3-session id={name} ")
    assert re.fullmatch(
        rf"pop3-session id={name} addr=127\.0\.0\.1:\d+ user=\"alice\" retr=1 "
        r"top=1 dele=1 octets=[1-9]\d* top-octets=[1-9]\d* quit=yes end=quit "
        r"seconds=\d+", end), end
    assert len(lines(server, f"id={name} ")) == 2  # login, and this


def test_how_a_session_ends(server):
    wire, reply = login(server)
    wire.close()
    closed = one_line(server, f"pop3-session id={said_id(reply)} ")
    assert " quit=no end=closed " in closed
    wire, reply = login(server)
    server.ctl("kick", said_id(reply))
    kicked = one_line(server, f"pop3-session id={said_id(reply)} ")
    assert " quit=no end=kicked " in kicked
    wire.close()
    wire, reply = login(server, "bob")
    while wire.ask("NONSENSE").startswith("-ERR unknown"):
        pass
    refused = one_line(server, f"pop3-session id={said_id(reply)} ")
    assert " quit=no end=refused " in refused
    wire.close()


def test_who_never_logged_in(server):
    """One id from the first failure to the end, where there was one."""
    wire, reply = login(server, password="wrong")
    assert reply.startswith("-ERR [AUTH]")
    assert wire.ask("QUIT").startswith("+OK")
    wire.close()
    failed = one_line(server, "auth-failed id=")
    name = re.match(r'auth-failed id=(\S+) addr=\S+ user="alice"$', failed)[1]
    end = one_line(server, f"no-login id={name} ")
    assert re.fullmatch(rf"no-login id={name} addr=127\.0\.0\.1:\d+ refused=1 "
                        r"tls=none end=quit seconds=\d+", end), end


def test_deliveries_have_a_session(server):
    server.lmtp(mail.plain("three"), "alice", "bob")
    delivered = servers.until(
        lambda: len(found := lines(server, " delivered id=")) == 2 and found)
    found = [re.fullmatch(r'delivered id=(\S+) addr=127\.0\.0\.1:\d+ '
                          r'delivery=[0-9a-z]{16} to="(alice|bob)" '
                          r'outcome=ok', line) for line in delivered]
    assert len({match[1] for match in found}) == 1, delivered
    end = one_line(server, f"lmtp-session id={found[0][1]} ")
    assert re.fullmatch(r"lmtp-session id=\S+ addr=\S+ delivered=2 refused=0 "
                        r"end=(quit|closed) seconds=\d+", end), end


def test_no_id_comes_again(server):
    """Over processes, and over a restart of the server."""
    wires_, names = [], []
    for _ in range(2):
        for user in ("alice", "bob"):
            wire, reply = login(server, user)
            wires_.append(wire)
            names.append(said_id(reply))
        for wire in wires_:
            wire.close()
        wires_ = []
        server.restart()
    assert len(set(names)) == 4, names


def session_that_reads_and_deletes(server):
    """Its name, and the UIDL of the message it took and removed."""
    wire, reply = login(server)
    uidl = wire.ask("UIDL 1").split()[2]
    assert wire.ask("RETR 1").startswith("+OK")
    while wire.line() != b".\r\n":
        pass
    assert wire.ask("TOP 2 0").startswith("+OK")
    while wire.line() != b".\r\n":
        pass
    for command in ("DELE 1", "DELE 2", "RSET", "DELE 1"):
        assert wire.ask(command).startswith("+OK")
    return wire, said_id(reply), uidl


def test_an_audit_names_each_message(configured):
    server = configured("audit = yes\n")
    server.lmtp(mail.plain("one"))
    server.lmtp(mail.plain("two"))
    audit = r" (retrieved|deleted) id="
    # What is only marked is not deleted.
    wire, name, uidl = session_that_reads_and_deletes(server)
    wire.close()
    one_line(server, f"pop3-session id={name} ")
    assert len(lines(server, f"retrieved id={name} ")) == 1
    assert lines(server, f"deleted id={name} ") == []
    wire, name, uidl = session_that_reads_and_deletes(server)
    assert wire.ask("QUIT").startswith("+OK")
    wire.close()
    gone = one_line(server, f"deleted id={name} ")
    read = one_line(server, f"retrieved id={name} ")
    assert re.fullmatch(rf'deleted id={name} user="alice" uidl="{uidl}" '
                        r'octets=\d+', gone), gone
    assert re.fullmatch(
        rf'retrieved id={name} addr=127\.0\.0\.1:\d+ user="alice" '
        rf'uidl="{uidl}" octets=\d+', read), read
    assert gone.split()[-1] == read.split()[-1]
    assert len(lines(server, f"{audit}{name} ")) == 2


def test_without_audit_no_message_is_named(server):
    server.lmtp(mail.plain("one"))
    server.lmtp(mail.plain("two"))
    wire, name, _ = session_that_reads_and_deletes(server)
    assert wire.ask("QUIT").startswith("+OK")
    wire.close()
    one_line(server, f"pop3-session id={name} ")
    assert lines(server, r" (retrieved|deleted) id=") == []
