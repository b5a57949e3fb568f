# SPDX-License-Identifier: ISC
"""A POP3 server that does as it is told, also what none should do, and
`restante` with one account on it."""
import base64
import contextlib
import itertools
import json
import re
import select
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time

import clients
import servers

CAPABILITIES = ("UIDL", "TOP", "USER", "PIPELINING", "RESP-CODES")
PASSWORD = "correct horse"
RUN_SECONDS = 60
# Of `restante` while a server sends without end; far below what it sends.
MEMORY_OCTETS = 64 << 20
GREETING = b"+OK ready\r\n"


def stuffed(octets):
    """The multi-line body of RFC 1939 section 3."""
    body = re.sub(rb"(^|\r\n)\.", rb"\1..", octets)
    return body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n")


class Closed(Exception):
    """The connection ends here."""


class Session(threading.Thread):
    """One connection."""

    def __init__(self, server, connection):
        super().__init__(daemon=True)
        self.server, self.connection = server, connection
        self.input = b""
        self.early = []  # commands that did not wait for a reply's end
        self.user, self.deleted = "", set()
        self.commands = []  # as they came, without CRLF
        with server.lock:
            self.mail = list(server.mail)
            server.sessions.append(self)

    # ---- what goes out ----

    def send(self, octets):
        """All at once, or octet by octet."""
        if not self.server.dribble:
            self.connection.sendall(octets)
            return
        for octet in octets:
            self.connection.sendall(bytes([octet]))

    def reply(self, octets):
        """In steps of a line, so that a test may act between them."""
        if not self.server.is_pipelined:
            self.send(octets[:-1])
            self.look_for_early_commands()
            octets = octets[-1:]
        if not self.server.on_step:
            self.send(octets)
            return
        for line in octets.splitlines(keepends=True):
            self.send(line)
            self.server.step()

    def close(self):
        raise Closed

    # ---- what comes in ----

    def look_for_early_commands(self):
        # Of TLS what came need not be a command.
        if isinstance(self.connection, ssl.SSLSocket):
            has_more = self.connection.pending()
        else:
            has_more = select.select([self.connection], [], [], 0)[0]
        if self.input or has_more:
            self.early.append(self.commands[-1:])

    def line(self):
        """The next one, without its end."""
        while b"\n" not in self.input:
            octets = self.connection.recv(65536)
            if not octets:
                raise Closed
            self.input += octets
        line, _, self.input = self.input.partition(b"\n")
        return line.removesuffix(b"\r").decode("utf-8", "replace")

    def secure(self):
        """TLS from here on."""
        self.connection = self.server.tls.wrap_socket(
            self.connection, server_side=True)

    def run(self):
        try:
            self.connection.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.server.is_tls_first:
                self.secure()
            self.answer("greeting", "")
            while True:
                line = self.line()
                self.server.step()
                self.commands.append(line)
                verb, _, argument = line.partition(" ")
                self.answer(verb.upper(), argument)
        except (Closed, OSError, ValueError):
            pass
        finally:
            self.connection.close()

    def answer(self, verb, argument):
        """By what the test put in its place, or as a server should."""
        reply = self.server.instead.get(verb)
        if reply is None:
            reply = getattr(self, "on_" + verb.lower(), self.on_unknown)
        if callable(reply):
            reply = (reply(argument) if getattr(reply, "__self__", None)
                     is self else reply(self, argument))
        if reply is not None:
            self.reply(reply)

    # ---- a server as it should be ----

    def on_unknown(self, _):
        return b"-ERR what?\r\n"

    def on_greeting(self, _):
        return GREETING

    def on_capa(self, _):
        return ("+OK\r\n" + "".join(
            f"{c}\r\n" for c in self.server.capabilities)
            + ".\r\n").encode()

    def on_user(self, argument):
        self.user = argument
        return b"+OK\r\n"

    def on_pass(self, argument):
        return b"+OK\r\n" if argument == PASSWORD else b"-ERR [AUTH] no\r\n"

    def on_auth(self, argument):
        secret = base64.b64decode(argument.partition(" ")[2]).split(b"\0")
        return self.on_pass(secret[2].decode())

    def on_stat(self, _):
        total = sum(len(octets) for _, octets in self.mail)
        return b"+OK %d %d\r\n" % (len(self.mail), total)

    def on_uidl(self, argument):
        if argument and int(argument) > len(self.mail):
            return b"-ERR no such message\r\n"
        if argument:
            return b"+OK %s %s\r\n" % (
                argument.encode(), self.mail[int(argument) - 1][0])
        return b"+OK\r\n" + b"".join(
            b"%d %s\r\n" % (n, uidl)
            for n, (uidl, _) in enumerate(self.mail, 1)) + b".\r\n"

    def on_list(self, argument):
        if argument:
            return b"+OK %s %d\r\n" % (
                argument.encode(), len(self.mail[int(argument) - 1][1]))
        return b"+OK\r\n" + b"".join(
            b"%d %d\r\n" % (n, len(octets))
            for n, (_, octets) in enumerate(self.mail, 1)) + b".\r\n"

    def on_retr(self, argument):
        return b"+OK\r\n" + stuffed(self.mail[int(argument) - 1][1])

    def on_top(self, argument):
        number, _, lines = argument.partition(" ")
        header, end, body = \
            self.mail[int(number) - 1][1].partition(b"\r\n\r\n")
        body = body.split(b"\r\n")[:int(lines)]
        return b"+OK\r\n" + stuffed(
            header + end + b"".join(one + b"\r\n" for one in body))

    def on_dele(self, argument):
        self.deleted.add(int(argument) - 1)
        return b"+OK\r\n"

    def on_stls(self, _):
        self.connection.sendall(b"+OK\r\n")
        self.secure()

    def on_noop(self, _):
        return b"+OK\r\n"

    def commit(self):
        gone = [self.mail[n] for n in self.deleted]
        with self.server.lock:
            self.server.mail = [m for m in self.server.mail if m not in gone]

    def on_quit(self, _):
        self.commit()
        self.reply(b"+OK\r\n")
        self.close()


class Server:
    """mail: [(uidl, octets), ...]; instead: verb -> octets, or a function of
    the session and the argument that returns octets, or None when it has sent
    what it wanted. "greeting" is a verb too. certificate: files of it and its
    key; then TLS comes first, or with STLS."""

    def __init__(self, mail=(), capabilities=CAPABILITIES, dribble=False,
                 on_step=None, certificate=None, starttls=False, **instead):
        self.mail = [(u.encode() if isinstance(u, str) else u, octets)
                     for u, octets in mail]
        self.capabilities, self.dribble = capabilities, dribble
        self.is_pipelined = "PIPELINING" in capabilities
        self.instead, self.on_step = instead, on_step
        self.is_tls_first = certificate is not None and not starttls
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.sessions, self.lock = [], threading.Lock()
        self.steps = self.count()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @staticmethod
    def count():
        return itertools.count(1)

    def step(self):
        if self.on_step:
            self.on_step(next(self.steps))

    def _accept(self):
        try:
            while True:
                Session(self, self.listener.accept()[0]).start()
        except OSError:
            pass

    def stop(self):
        # A thread in accept(2) is not woken by close(2).
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            for session in self.sessions:
                try:
                    session.connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind is None:
            assert [s.early for s in self.sessions if s.early] == []

    def asked(self, verb):
        """Arguments of all commands of one verb, in the last session."""
        return [c.partition(" ")[2] for c in self.sessions[-1].commands
                if c.partition(" ")[0].upper() == verb]

    def asked_ever(self, verb):
        return [c.partition(" ")[2] for s in self.sessions
                for c in s.commands if c.partition(" ")[0].upper() == verb]


# ---- restante with an account on it ----

class Account:
    """`restante` with a home of its own and one account."""

    def __init__(self, place, server, name="alice", **settings):
        self.place, self.name = place, name
        self.config = place / "restante.conf"
        self.mail = place / "Mail" / name
        password = clients.write_private(place / "password", PASSWORD + "\n")
        self.write({
            "host": "127.0.0.1", "port": server.port, "tls": "none",
            "password-file": password, "maildir": self.mail, "timeout": "10s",
            **{key.replace("_", "-"): v for key, v in settings.items()}})

    def write(self, settings):
        text = self.config.read_text() if self.config.exists() else ""
        text += f"[account {self.name}]\n" + "".join(
            f"{key} = {value}\n" for key, value in settings.items()
            if value is not None)
        self.config.write_text(text)

    def change(self, key, value):
        text = self.config.read_text()
        self.config.write_text(
            re.sub(rf"^{key} = .*\n", "", text, flags=re.M)
            + f"{key} = {value}\n")

    def fetch(self, ok=0, *more):
        """What the run ended with, an event of --json."""
        done = clients.restante(
            self.place, "-c", self.config, "fetch", "--json", *more,
            ok=ok if isinstance(ok, tuple) else (ok,), timeout=RUN_SECONDS)
        for alarm in servers.ALARMS:
            assert alarm.encode() not in done.stderr, done.stderr.decode()
        self.events = [json.loads(line) for line in done.stdout.splitlines()]
        return self.events[-1]

    def command(self, *more):
        return [servers.BUILD / "restante", "-c", self.config, "fetch",
                "--json", *more]

    def environment(self):
        return clients.home_environment(self.place)

    def warnings(self):
        return [e["text"] for e in self.events if e["event"] == "warning"]

    def filed(self):
        """Everything a mail reader would see."""
        return [p.read_bytes() for p in clients.maildir_files(self.mail)]

    def read_all(self):
        """As a mail reader does with what it has shown."""
        for path in (self.mail / "new").glob("*"):
            path.rename(self.mail / "cur" / (path.name + ":2,S"))

    def left_over(self):
        return list((self.mail / "tmp").glob("*"))

    def ledger(self):
        path = self.place / "home/.local/share/restante/ledger.db"
        return contextlib.closing(sqlite3.connect(path, timeout=30))

    def states(self):
        """{uidl: state} of the ledger."""
        with self.ledger() as ledger:
            return dict(ledger.execute(
                "SELECT uidl, state FROM message WHERE account = ?",
                (self.name,)))

    def forget_capabilities(self):
        """As after a week."""
        with self.ledger() as ledger, ledger:
            ledger.execute("UPDATE memory SET asked_at = 0")

    def forget_as_if_killed(self):
        """What is filed was not entered yet."""
        with self.ledger() as ledger, ledger:
            ledger.execute("DELETE FROM message")
            ledger.execute("UPDATE run SET is_running = 1")


STORED, DELETED = 2, 3

# wait4 counts what a process was before it became `restante`, too: a small one
# starts it, not this one.
MEASURE = """
import os, sys
pid = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss * 1024, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""


def measured(account, ok):
    """The last event, and how much memory the run took."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", MEASURE,
         *map(str, account.command())],
        capture_output=True, env=account.environment(), timeout=RUN_SECONDS)
    assert done.returncode == ok, (done.returncode, done.stderr.decode())
    octets = int(done.stderr.splitlines()[-1])
    return json.loads(done.stdout.splitlines()[-1]), octets


def is_sanitized():
    """The sanitizers' memory is not that of `restante`."""
    return "sanitize" in str(servers.BUILD)


def pause(seconds=0.005):
    """Long enough for what was sent to arrive by itself."""
    time.sleep(seconds)


def wait_for(event, seconds=RUN_SECONDS):
    assert event.wait(seconds), "nothing happened"


def sleep_until_closed(session, seconds=RUN_SECONDS):
    """Says nothing more; until the client gives up."""
    session.connection.settimeout(seconds)
    while session.connection.recv(65536):
        pass


def forever(session, octets):
    """Sends without end, until the client has had enough."""
    while True:
        session.connection.sendall(octets)


def elapsed(function, *arguments):
    began = time.monotonic()
    result = function(*arguments)
    return result, time.monotonic() - began
