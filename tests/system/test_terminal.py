# SPDX-License-Identifier: ISC
"""At a terminal: a password is not shown, and what ends or stops the asking
leaves the terminal as it was; what is typed as a path holds in every directory."""
import os
import pty
import select
import signal
import termios
import time

import clients
import mail
import servers
from hostile import PASSWORD, Server


class Terminal:
    """`restante account add` behind a terminal, where it asks for a password."""

    def __init__(self, place, server):
        self.config = place / "restante.conf"
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Ignored by what a script starts in the background, or nohup.
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            program = str(servers.BUILD / "restante")
            os.execve(program, [
                program, "-c", str(self.config), "account", "add", "alice",
                "--host", "127.0.0.1", "--port", str(server.port), "--tls",
                "none"], clients.home_environment(place))
        self.said = b""

    def is_shown(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def wait(self, text, count=1):
        while self.said.count(text) < count:
            assert select.select([self.fd], [], [], 10)[0], self.said
            self.said += os.read(self.fd, 4096)

    def wait_shown(self, wanted):
        end = time.monotonic() + 10
        while self.is_shown() != wanted:
            assert time.monotonic() < end
            time.sleep(0.01)

    def ask(self, count=1):
        self.wait(b"Password of alice: ", count)
        self.wait_shown(False)

    def status(self):
        return os.waitpid(self.pid, 0)[1]


def test_a_password_is_not_shown(place):
    with Server([("u1", mail.plain("one"))]) as server:
        terminal = Terminal(place, server)
        terminal.ask()
        os.write(terminal.fd, PASSWORD.encode() + b"\n")
        terminal.wait(b"the login works")
        assert terminal.is_shown()
        assert PASSWORD.encode() not in terminal.said
        assert os.waitstatus_to_exitcode(terminal.status()) == 0


def test_interrupted_the_terminal_shows_again(place):
    with Server([]) as server:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            terminal = Terminal(place, server)
            terminal.ask()
            os.kill(terminal.pid, number)
            terminal.wait_shown(True)
            assert os.waitstatus_to_exitcode(terminal.status()) == -number
            assert not terminal.config.exists()


def test_stopped_it_asks_again(place):
    with Server([("u1", mail.plain("one"))]) as server:
        terminal = Terminal(place, server)
        terminal.ask()
        # Nobody could continue it here, so that it goes on at once.
        os.kill(terminal.pid, signal.SIGTSTP)
        terminal.ask(2)
        os.write(terminal.fd, PASSWORD.encode() + b"\n")
        terminal.wait(b"the login works")
        assert os.waitstatus_to_exitcode(terminal.status()) == 0


def test_paths_are_saved_whole(place):
    """The daemon, cron and the next terminal run in other directories."""
    config = place / "restante.conf"
    servers.make_certificate(place / "ca.pem", place / "key.pem", days=9)
    (place / "below").mkdir()
    with Server([("u1", mail.plain("one"))]) as server:
        clients.restante(
            place, "-c", config, "account", "add", "alice", "--host",
            "127.0.0.1", "--port", server.port, "--tls", "none",
            "--password-stdin", "--ca-file", "../ca.pem", "--maildir", "box",
            input=PASSWORD.encode() + b"\n", cwd=place / "below")
        clients.restante(place, "-c", config, "fetch", cwd=place)
        clients.restante(
            place, "-c", config, "account", "add", "bob", "--host",
            "127.0.0.1", "--port", server.port, "--tls", "none", "--no-test",
            "--password-stdin", "--maildir", "", input=b"x\n", cwd=place)
    saved = config.read_text()
    # An empty variable of a script's is the default.
    assert saved.count("maildir = ") == 1
    assert f"ca-file = {place}/below/../ca.pem\n" in saved
    assert f"maildir = {place}/below/box\n" in saved
    assert len(list((place / "below/box/new").iterdir())) == 1
