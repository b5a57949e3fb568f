# SPDX-License-Identifier: ISC
"""Settings of a server that runs: all that changed or nothing, and who logs in
meanwhile notices nothing."""
import os
import pathlib
import re
import shutil
import signal
import tempfile
import threading
import time
import urllib.parse

import pytest

import pairs
import scram
import servers
import wires
from test_policies import put
from test_sasl import Authority, external
from test_setup import ADDRESS, FILE, Site

MESSAGE = b"Subject: one\r\n\r\nOne line.\r\n"
ODD = "Subject: Grüße\r\n\r\nUmlaut.\r\n".encode()
NUL = b"Subject: nul\r\n\r\nbefore\0after\r\n"
LONG = b"Subject: long\r\n\r\n" + b"x" * 70 + b"\r\n"


class Settings:
    """The settings file of a server, as sections that a test changes."""

    def __init__(self, server):
        self.server, self.file = server, server.config_file
        self.first = self.file.read_text()

    def write(self, changes):
        """{(section, key): value} in place of what stood there first."""
        text = self.first
        for (section, key), value in changes.items():
            head = f"[{section}]\n"
            if head not in text:
                text += f"\n{head}"
            body = text[text.index(head) + len(head):].split("\n[")[0]
            kept = re.sub(rf"(?m)^{key} = .*\n", "", body)
            text = text.replace(head + body, f"{head}{key} = {value}\n{kept}")
        self.file.write_text(text)

    def reload(self, changes, ok=(0,)):
        self.write(changes)
        return self.server.ctl("reload", ok=ok)


@pytest.fixture(scope="module")
def shared():
    """One server for all of the table; each row undoes what it did."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="restante-", dir="/tmp"))
    place.chmod(0o755)
    server = servers.Restanted(place).start()
    server.stop()
    # [limits] connections is of a process, and the kernel chooses among them.
    Settings(server).write({("server", "session-processes"): "1"})
    server.start()
    server.empty()
    try:
        yield Settings(server)
    finally:
        server.stop()
        shutil.rmtree(place, ignore_errors=True)


# ---- what a client, or the log, shows ----

def capa(server):
    with wires.Wire(server.pop3_port) as wire:
        wire.line()
        assert wire.ask("CAPA").startswith("+OK")
        return [line.decode().rstrip() for line in iter(wire.line, b".\r\n")]


def offers(word):
    def look(server):
        return [line for line in capa(server) if line.startswith(word)]
    return look


def logs(what, do=lambda server: wires.pop3(server).quit(), seconds=1.5):
    """Does a line come into the log by this?"""
    def look(server):
        before = len(re.findall(what, server.program.text()))
        do(server)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if len(re.findall(what, server.program.text())) > before:
                return True
            time.sleep(0.05)
        return False
    return look


def read_one(octets):
    def look(server):
        server.empty()
        server.lmtp(octets)
        with wires.Wire(server.pop3_port) as wire:
            wire.line()
            wire.ask("USER alice")
            wire.ask("PASS demo")
            first = wire.ask("RETR 1")
            body = (b"" if first.startswith("-") else
                    b"".join(iter(wire.line, b".\r\n")))
            wire.send(b"DELE 1\r\nQUIT\r\n")
            wire.line(), wire.line()
        return first, body
    return look


def spoken(server):
    with wires.Wire(server.pop3_port) as wire:
        wire.line()
        wire.ask("LANG *")
        return wire.ask("RETR 1")


def announced_size(server):
    with wires.Wire(server.lmtp_port) as wire:
        wire.line()
        wire.send(b"LHLO here\r\n")
        lines = iter(lambda: wire.line().decode(), None)
        return next(line for line in lines if "SIZE" in line).split()[-1]


def deliver(wire, octets, to):
    """The last reply: a recipient or a body may be refused, or more."""
    wire.command("MAIL FROM:<ruth@example.org>")
    code = wire.command(f"RCPT TO:<{to}>")[0]
    if code == 250:
        code = wire.command("DATA")[0]
    if code == 354:
        wire.send(octets + b".\r\n")
        code = wire.reply()[0]
    wire.command("RSET")
    return code


def delivered(octets=MESSAGE, to="alice", count=1):
    def look(server):
        server.empty()
        with wires.Lmtp(server.lmtp_port) as wire:
            for _ in range(count):
                code = deliver(wire, octets, to)
        return code
    return look


def after_login(word):
    def look(server):
        client = wires.pop3(server)
        found = client.capa().get(word)
        client.quit()
        return found
    return look


def second_login(server):
    """Of somebody who was not there before."""
    name = f"u{time.monotonic_ns()}"
    server.ctl("user", "add", name, "--password-stdin", input=b"demo\n")
    for _ in range(2):
        reply = wires.reply_to_login(server, name, "demo")
    return reply[:4]


def two_at_once(server):
    client = wires.pop3(server, "bob")
    with wires.Wire(server.pop3_port) as wire:
        wire.line()
        wire.ask("USER bob")
        reply = wire.ask("PASS demo")
    client.quit()
    return reply


def so_many_stay(count):
    """Of connections that do not log in: which are still there?"""
    def look(server):
        held = [wires.Wire(server.pop3_port) for _ in range(count)]
        greeted = [wire.line().startswith(b"+OK") for wire in held]
        held[0].socket.settimeout(1)
        try:
            greeted[0] = greeted[0] and held[0].ask("CAPA").startswith("+OK")
        except OSError:
            greeted[0] = False
        for wire in held:
            wire.close()
        # Nobody of them is counted any more when the next row begins.
        time.sleep(0.2)
        return all(greeted)
    return look


def is_dropped_when_deaf(server):
    """It asks for far more than sockets hold, and reads none of it."""
    server.empty("bob")
    server.lmtp(b"Subject: big\r\n\r\n" + b"y" * 70 + b"\r\n" * 8_000_000,
                "bob")
    with wires.Wire(server.pop3_port) as wire:
        wire.line()
        wire.ask("USER bob")
        wire.ask("PASS demo")
        wire.send(b"RETR 1\r\n" * 4)
        return logs("takes no output", lambda server: None, 9)(server)


def hashes(server):
    """Does every login take a hash? By the time that auth worked."""
    def ticks():
        pid = server.roles()["auth 0"]
        words = pathlib.Path(f"/proc/{pid}/stat").read_text().split()
        return int(words[13]) + int(words[14])
    wires.pop3(server, "bob").quit()
    before = ticks()
    for _ in range(12):
        wires.pop3(server, "bob").quit()
    return ticks() - before > 8


def iterations(server):
    with scram.Caller(server) as caller:
        login = scram.Scram(caller, user="nobody-at-all")
        login.first()
        return login.iterations


def greets_at_once(server):
    with wires.Wire(server.pop3_port) as wire:
        wire.socket.settimeout(0.5)
        try:
            return wire.line().startswith(b"+OK")
        except TimeoutError:
            return False


def shown(server):
    return pairs.shown(server.pop3s_port)


# ---- the table ----

# (section, key) or several of them: values, what shows it, before, after; what
# else must be so for it to be seen.
ROWS = {
    ("server", "audit"): (
        "yes", logs("(?m) retrieved id=", read_one(MESSAGE)), False, True),
    ("server", "log-format"): (
        "dovecot", logs("pop3-login: Info: Login: user=<alice>"), False, True),
    ("server", "log-level"): ("error", logs(" info login "), True, False),
    ("tls", "ticket-rotation"): (
        "1s", logs("ticket-keys rotated=yes", lambda server: None, 2.5),
        False, True, {("server", "log-level"): "debug"}),
    ("auth", "plaintext-without-tls"): ("no", offers("USER"), ["USER"], []),
    ("auth", "scram-iterations"): ("5000", iterations, 32768, 5000),
    ("auth", "cache"): ("0", hashes, False, True),
    ("pop3", "utf8-headers"): (
        "refuse", lambda server: read_one(ODD)(server)[0][:4], "+OK ",
        "-ERR"),
    ("pop3", "replace-nul"): (
        "yes", lambda server: b"before\x80after" in read_one(NUL)(server)[1],
        False, True),
    ("pop3", "language"): (
        "de", lambda server: "log in first" in spoken(server), True, False),
    ("lmtp", "maximum-message"): ("70000", announced_size, "52428800",
                                  "70000"),
    ("lmtp", "bare-newline"): (
        "reject", delivered(b"Subject: bare\n\r\nOne.\r\n"), 250, 550),
    ("lmtp", "recipient-delimiter"): (
        "-", delivered(to="alice-lists"), 550, 250),
    ("quota", "octets"): ("100", delivered(LONG), 250, 552),
    ("quota", "messages"): ("1", delivered(count=2), 250, 552),
    ("quota", "soft"): ("50", delivered(count=2), 250, 452,
                        {("quota", "messages"): "3"}),
    ("policy", "retention"): ("9d", after_login("EXPIRE"), ["NEVER"], ["9"]),
    ("policy", "login-delay"): ("2h", second_login, "+OK ", "-ERR"),
    ("policy", "login-burst"): ("2", second_login, "-ERR", "+OK ",
                                {("policy", "login-delay"): "2h"}),
    ("policy", "connections"): (
        "1", logs("connections of .policy. is reached", two_at_once),
        False, True),
    ("policy bob", "login-delay"): (
        "7m", offers("LOGIN-DELAY"), [], ["LOGIN-DELAY 420 USER"]),
    ("limits", "connections"): ("4", so_many_stay(6), True, False),
    ("limits", "address-connections"): (
        "3", so_many_stay(6), True, False,
        {("limits", "exempt-networks"): "192.0.2.1"}),
    ("limits", "exempt-networks"): (
        "127.0.0.1", so_many_stay(6), False, True,
        {("limits", "exempt-networks"): "192.0.2.1",
         ("limits", "address-connections"): "3"}),
    ("limits", "stalled"): ("5s", is_dropped_when_deaf, False, True),
    ("listener pop3", "proxy-networks"): (
        "127.0.0.0/8", greets_at_once, True, False),
}
# Shown by tests of their own below; of timeout, which is ten minutes or more, by
# tests/unit; of vanished, for which it takes another machine, by
# test_vanished.py.
ELSEWHERE = {("tls", "certificate"), ("tls", "key"), ("tls", "expiry-warning"),
             ("tls", "client-ca"), ("tls", "client-certificate"),
             ("auth", "external-name"), ("pop3", "timeout"),
             ("policy", "retention-from"), ("setup", "name"),
             ("setup", "submission"), ("setup", "user-name"), ("setup", "url"),
             ("limits", "vanished")}


def test_every_setting_is_in_the_table():
    text = servers.run(servers.BUILD / "restantectl", "config",
                       "sample").stdout.decode()
    section, live, note = "", set(), ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line[1:-1]
        elif match := re.fullmatch(r";([\w-]+) =.*", line):
            if " " not in section and not note.endswith("[restart]"):
                live.add((section, match[1]))
        note = line
    shown_here = {row for row in ROWS if " " not in row[0]}
    assert live == shown_here | ELSEWHERE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ".".join(row))
def test_the_next_connection_has_it(shared, row):
    value, look, before, after, *given = ROWS[row]
    given = (given or [{}])[0]
    shared.reload(given)
    server = shared.server
    old = look(server)
    said = shared.reload({**given, row: value}).stdout.decode()
    name = f"[{row[0]}]" if row[0] == "policy bob" else f"[{row[0]}] {row[1]}"
    assert f"{name} changed\n" in said
    new = look(server)
    assert (old, new) == (before, after)
    shared.reload({})
    server.ctl("forgive", "127.0.0.1")


# ---- TLS ----

def test_certificates_of_other_names_and_files(server, place):
    settings = Settings(server)
    own = shown(server)
    pair = pairs.make_pair(place, "fresh", days=20)
    other = pairs.make_pair(place, "other", ("example.com",), days=90)
    changes = {("tls", "certificate"): pair[0], ("tls", "key"): pair[1],
               ("tls example.com", "certificate"): other[0],
               ("tls example.com", "key"): other[1],
               ("tls", "expiry-warning"): "0"}
    said = settings.reload(changes).stdout.decode()
    assert "[tls] certificate changed\n" in said
    assert "[tls example.com] changed\n" in said
    assert shown(server) == pairs.der(pair[0])
    assert pairs.shown(server.pop3s_port, "example.com") == \
        pairs.der(other[0])
    assert "certificate-expires" not in server.program.text()
    changes[("tls", "expiry-warning")] = "30d"
    settings.reload(changes)
    assert f"certificate-expires file={pair[0]}" in server.program.text()
    # A pair that cannot be used changes nothing at all.
    other[1].write_text("nonsense")
    changes[("policy", "login-delay")] = "1h"
    done = settings.reload(changes, ok=(78,))
    assert str(other[1]).encode() in done.stderr
    assert pairs.shown(server.pop3s_port, "example.com") == \
        pairs.der(other[0])
    assert offers("LOGIN-DELAY")(server) == []
    settings.reload({})
    assert shown(server) == own


def test_the_set_up_page(post):
    site = Site(post)
    settings = Settings(site.server)
    place = urllib.parse.quote(FILE)
    asked = f"{place}?emailaddress={ADDRESS}"
    before = site.ask(asked).text
    new = {("setup", "name"): "The Post Office",
           ("setup", "submission"): "out.example.test:587",
           ("setup", "user-name"): "local-part",
           ("setup", "url"): "https://help.example.test/mail"}
    said = settings.reload(new).stdout.decode()
    page, after = site.ask("/").text, site.ask(asked).text
    for (_, key), value in new.items():
        assert f"[setup] {key} changed\n" in said
        if key != "user-name":
            assert value.split(":587")[0] not in before
            assert value.split(":587")[0] in page + after, key
    assert ">%EMAILLOCALPART%<" in after and \
        ">%EMAILLOCALPART%<" not in before


def test_certificates_of_clients(server, place):
    authority = Authority(place)
    named = authority.issue("named", "Bob", "alice")
    settings = Settings(server)
    changes = {("tls", "client-certificate"): "ask",
               ("tls", "client-ca"): authority.file}

    def who():
        with scram.Caller(server, certificate=named) as caller:
            if "EXTERNAL" not in caller.mechanisms():
                return None
            assert external(caller).startswith("+OK")
            caller.ask("QUIT")
        return re.findall(r'login id=.* user="(\w+)"',
                          server.program.text())[-1]
    assert who() is None
    for setting, user in (("email", "alice"), ("common-name", "bob")):
        changes[("auth", "external-name")] = setting
        settings.reload(changes)
        assert who() == user
    settings.reload({})
    assert who() is None


# ---- what is wrong changes nothing ----

WRONG = {
    "unknown key": ({("limits", "conections"): "3"}, "[limits]", True),
    "out of range": ({("pop3", "timeout"): "5m"}, "timeout = 5m", True),
    "not a word": ({("pop3", "language"): "la"}, "language = la", True),
    "no network": ({("limits", "exempt-networks"): "example.org"},
                   "exempt-networks", True),
    "of two keys": ({("tls", "certificate"): "/nonexistent"}, "key", True),
    "a file": ({("tls", "certificate"): "/nonexistent/c",
                ("tls", "key"): "/nonexistent/k"}, "/nonexistent/c", False),
    "client-ca": ({("tls", "client-certificate"): "ask",
                   ("tls", "client-ca"): "/nonexistent/ca"},
                  "/nonexistent/ca", False),
    "needs a restart": ({("listener pop3", "address"): "127.0.0.1:1",
                         ("auth", "plaintext-without-tls"): "force",
                         ("listener web", "proxy-networks"): "::1"},
                        "proxy-networks", True),
}


def last_failure(server):
    line = server.program.text().rsplit("reload-failed", 1)[1]
    return line.splitlines()[0].replace(r"\x22", '"')


@pytest.mark.sanitize
def test_an_error_keeps_what_was_before(server):
    settings = Settings(server)
    good = {("policy", "login-delay"): "5m"}
    settings.reload(good)
    settings.write({})
    server.program.process.send_signal(signal.SIGHUP)
    servers.until(lambda: offers("LOGIN-DELAY")(server) == [])
    for name, (changes, word, has_line) in WRONG.items():
        before = server.program.text().count("reload-failed")
        settings.write({**good, **changes})
        done = server.ctl("reload", ok=(78,))
        assert word.encode() in done.stderr, name
        server.program.process.send_signal(signal.SIGHUP)
        # The last line of the one before may come after `before`.
        servers.until(lambda: server.program.text().count("reload-failed")
                      > before and word in last_failure(server), what=name)
        line = last_failure(server)
        assert (f"{settings.file}:" in line) == has_line, name
        assert offers("LOGIN-DELAY")(server) == [], name
        wires.pop3(server).quit()
    settings.reload(good)
    assert offers("LOGIN-DELAY")(server) == ["LOGIN-DELAY 300"]


def test_retention_counts_from_something_else(server):
    settings = Settings(server)
    wires.pop3(server).quit()
    put(server, "alice", f"{int(time.time()) - 9 * 86400}.old.test", MESSAGE)

    def messages(period, begin):
        settings.reload({("policy", "retention"): period,
                         ("policy", "retention-from"): begin})
        client = wires.pop3(server)
        count = client.stat()[0]
        client.quit()
        return count
    assert messages("1d", "retrieval") == 1
    # Another period, so that the mailbox is looked at again within the hour.
    assert messages("2d", "retrieval") == 1
    assert messages("3d", "arrival") == 0


# ---- what needs a restart says so ----

def test_what_needs_a_restart(server, place):
    settings = Settings(server)
    port = servers.free_port()
    changes = {("listener pop3", "address"): f"127.0.0.1:{port}",
               ("server", "session-processes"): "3",
               ("auth", "hash-threads"): "2",
               ("policy", "login-delay"): "1h"}
    said = settings.reload(changes).stdout.decode().splitlines()
    assert said == [
        "[policy] login-delay changed",
        "[server] session-processes changed: needs a restart",
        "[auth] hash-threads changed: needs a restart",
        "[listener pop3] address changed: needs a restart"]
    assert 'restart-needed what="[listener pop3] address"' in \
        server.program.text()
    assert offers("LOGIN-DELAY")(server) == ["LOGIN-DELAY 3600"]
    assert not servers.greets(port, b"+OK")
    # Named as long as it is so.
    assert "[auth] hash-threads changed: needs a restart" in \
        server.ctl("reload").stdout.decode()
    shown_ = server.ctl("config", "show").stdout.decode()
    assert "\nhash-threads = 2 ; restart\n" in shown_
    assert "\nlogin-delay = 3600\n" in shown_
    settings.write({})
    assert "restart" not in server.ctl("reload").stdout.decode()


def test_a_fresh_role_has_the_newest(server):
    settings = Settings(server)
    settings.reload({("policy", "login-delay"): "1h"})
    before = server.roles()
    for name, pid in before.items():
        if name.startswith("session"):
            os.kill(pid, signal.SIGKILL)
    servers.until(lambda: not set(before.values()) &
                  {p for n, p in server.roles().items()
                   if n.startswith("session")})
    servers.until(lambda: servers.greets(server.pop3_port, b"+OK"))
    assert offers("LOGIN-DELAY")(server) == ["LOGIN-DELAY 3600"]


def test_a_role_that_does_not_take_them_is_named(server):
    pid = server.roles()["key 0"]
    os.kill(pid, signal.SIGSTOP)
    try:
        done = server.ctl("reload", ok=(78,))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert b"key 0 has not taken the settings" in done.stderr
    server.ctl("reload")


# ---- under load ----

GENERATIONS = (("5", "de"), ("9", "fr"))


def one_session(server):
    """Two settings that must be of one generation, to the end; each seen
    before the login and after it."""
    with wires.Wire(server.pop3_port) as wire:
        assert wire.line().startswith(b"+OK")
        seen = []
        for _ in range(2):
            wire.send(b"CAPA\r\n")
            seen += [line.decode().split()[1] for line in iter(
                wire.line, b".\r\n") if line.startswith(b"EXPIRE")]
            wire.ask("LANG *")
            text = wire.ask("XYZZY")
            seen.append("de" if "unbekannt" in text.lower() else "fr")
            if len(seen) == 2:
                assert wire.ask("USER bob").startswith("+OK")
                reply = wire.ask("PASS demo")
                if "IN-USE" in reply:
                    break
                assert reply.startswith("+OK"), reply
        wire.ask("QUIT")
    return tuple(seen)


@pytest.mark.sanitize
def test_who_logs_in_meanwhile_notices_nothing(server):
    settings = Settings(server)
    versions = [{("policy", "retention"): f"{days}d",
                 ("pop3", "language"): language}
                for days, language in GENERATIONS]
    settings.reload(versions[0])
    seen, errors, is_over = [], [], threading.Event()

    def call():
        while not is_over.is_set():
            try:
                seen.append(one_session(server))
            except (OSError, AssertionError, ValueError) as error:
                errors.append(error)
    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(40):
        settings.reload(versions[(number + 1) % 2])
        if number % 5 == 0:
            settings.write({("pop3", "language"): "la"})
            server.program.process.send_signal(signal.SIGHUP)
    is_over.set()
    for thread in threads:
        thread.join()
    assert not errors, errors[:3]
    print(f"{len(seen)} sessions during 40 reloads")
    assert {s for s in seen if len(s) == 4} == {g * 2 for g in GENERATIONS}
    assert {s for s in seen if len(s) == 2} <= set(GENERATIONS)
