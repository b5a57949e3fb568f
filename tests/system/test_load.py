# SPDX-License-Identifier: ISC
"""The load generator against servers that break the protocol: each must end the
run, since a figure of work that was not done means nothing."""
import json
import socket
import threading

import pytest

import servers

LOAD = servers.BUILD / "bench" / "load"
EX_PROTOCOL = 76
USER, PASS = (b"USER x0000", b"+OK\r\n"), (b"PASS demo", b"+OK\r\n")
QUIT = (b"QUIT", b"+OK\r\n")
BODY = b"Subject: x\r\n\r\n..dot\r\n"


def stat(messages, octets):
    return b"STAT", b"+OK %d %d\r\n" % (messages, octets)


def fake(dialog, greeting=b"+OK hi\r\n"):
    """One connection: for each command that must come, what is said."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(greeting)
            for command, reply in dialog:
                if lines.readline().rstrip(b"\r\n") != command:
                    return
                connection.sendall(reply)
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def load(port, mode, *options, ok=(0,)):
    return servers.run(LOAD, mode, "--to", f"127.0.0.1:{port}", "--user", "x",
                       *options, ok=ok, timeout=30)


GOOD = {
    "login": [USER, PASS, stat(0, 0), QUIT],
    "retr": [USER, PASS, stat(1, 20), (
        b"RETR 1", b"+OK 20 octets\r\n" + BODY + b".\r\n"), QUIT],
    "listing": [USER, PASS, stat(2, 30),
                (b"UIDL", b"+OK\r\n1 a\r\n2 b\r\n.\r\n"),
                (b"LIST", b"+OK\r\n1 10\r\n2 20\r\n.\r\n"), QUIT],
    "lmtp": [(b"LHLO bench.example.org", b"250-x\r\n250 PIPELINING\r\n"),
             (b"MAIL FROM:<ruth@example.org>", b"250 ok\r\n"),
             (b"RCPT TO:<x0000>", b"250 ok\r\n"), (b"DATA", b"550 no\r\n")],
}


@pytest.mark.parametrize("mode", ["login", "retr", "listing"])
def test_one_that_obeys(mode):
    done = json.loads(load(fake(GOOD[mode]), mode).stdout)
    assert done["sessions"] == 1
    assert done["octets"] == (20 if mode == "retr" else 0)


def replaced(mode, command, reply):
    return [(c, reply if c == command else r) for c, r in GOOD[mode]]


FAULTS = {
    "refused": ("login", replaced("login", b"PASS demo", b"-ERR no\r\n")),
    "wrong word": ("login", replaced("login", b"STAT", b"+OKAY 0 0\r\n")),
    "bare line feed": ("login", replaced("login", b"STAT", b"+OK 0 0\n")),
    "not a number": ("login", replaced("login", b"STAT", b"+OK 0 -1\r\n")),
    "two replies": ("login", replaced("login", b"QUIT", b"+OK\r\n+OK\r\n")),
    "closed early": ("login", GOOD["login"][:3]),
    "long reply": ("login", replaced(
        "login", b"STAT", b"+OK 0 " + 600 * b"0" + b"\r\n")),
    "wrong size": ("retr", replaced(
        "retr", b"RETR 1", b"+OK 21 octets\r\n" + BODY + b".\r\n")),
    "wrong sum": ("retr", replaced("retr", b"STAT", b"+OK 1 21\r\n")),
    "bare dot": ("retr", replaced(
        "retr", b"RETR 1", b"+OK\r\nSubject: x\r\n\r\n.dot...\r\n.\r\n")),
    "body with line feeds": ("retr", replaced(
        "retr", b"RETR 1", b"+OK\r\nSubject: x\n\n1234567\n.\r\n")),
    "one missing": ("listing", replaced(
        "listing", b"UIDL", b"+OK\r\n1 a\r\n.\r\n")),
    "one twice": ("listing", replaced(
        "listing", b"UIDL", b"+OK\r\n1 a\r\n1 b\r\n.\r\n")),
    "one too many": ("listing", replaced(
        "listing", b"UIDL", b"+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n")),
    "same UIDL": ("listing", replaced(
        "listing", b"UIDL", b"+OK\r\n1 a\r\n2 a\r\n.\r\n")),
    "blank in UIDL": ("listing", replaced(
        "listing", b"UIDL", b"+OK\r\n1 a b\r\n2 b\r\n.\r\n")),
    "sizes do not add up": ("listing", replaced(
        "listing", b"LIST", b"+OK\r\n1 10\r\n2 21\r\n.\r\n")),
    "mail refused": ("lmtp", GOOD["lmtp"]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_one_that_does_not(name):
    mode, dialog = FAULTS[name]
    greeting = b"220 hi\r\n" if mode == "lmtp" else b"+OK hi\r\n"
    done = load(fake(dialog, greeting), mode, ok=(EX_PROTOCOL,))
    assert done.stdout == b"" and done.stderr.startswith(b"load: ")


