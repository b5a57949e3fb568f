# SPDX-License-Identifier: ISC
"""log-format = dovecot: the lines that Dovecot itself writes of the same
sessions, and what the filter that fail2ban ships makes of them."""
import re
import socket

import pytest

import mail
import servers
import wires

pytestmark = pytest.mark.sanitize

MESSAGE = mail.plain("one\r\n.two")
# What differs from one run to the next.
SAME = [
    (r"^[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d ", "TIME "),
    (r"mpid=\d+", "mpid=N"), (r"<\d+><\S+>:", "<PID><ID>:"),
    (r"session=<\S+>", "session=<ID>"), (r"in \d+ secs", "in N secs"),
    # Dovecot counts the reply's first line and stuffed dots too; our message
    # came by LMTP and has lines in front.
    (r"(top|retr)=(\d+)/[1-9]\d*", r"\1=\2/N"), (r"size=[1-9]\d*", "size=N"),
]
# What Dovecot says of its own start and stop.
OTHERS = re.compile(r" master: | (?:Info|Warning): .*(?:starting up|SSL|killed)")


@pytest.fixture
def like_dovecot(place, request):
    server = servers.Restanted(place)
    request.node.server = server
    server.start()
    server.stop()
    text = server.config_file.read_text()
    server.config_file.write_text(text.replace(
        "[server]\n", "[server]\nlog-format = dovecot\n", 1))
    server.start()
    yield server
    server.stop()


def made_same(line):
    for pattern, text in SAME:
        line = re.sub(pattern, text, line)
    return line


def pop3_lines(text):
    return [made_same(line) for line in text.split("\n")
            if re.search(r" pop3(-login|\(alice\)\S*): Info: ", line)
            and not OTHERS.search(line)
            # A test's look whether the server is up.
            and "no auth attempts" not in line]


def enter(port):
    wire = wires.Wire(port)
    assert wire.line().startswith(b"+OK")
    assert wire.ask("USER alice").startswith("+OK")
    assert wire.ask("PASS demo").startswith("+OK")
    return wire


def one_of_each(port):
    """A session that reads and deletes, one that is cut, a wrong password."""
    wire = enter(port)
    for command in ("RETR 1", "TOP 1 0"):
        assert wire.ask(command).startswith("+OK")
        while wire.line() != b".\r\n":
            pass
    for command in ("DELE 1", "QUIT"):
        assert wire.ask(command).startswith("+OK")
    wire.close()
    wire = enter(port)
    wire.close()
    wire = wires.Wire(port)
    assert wire.line().startswith(b"+OK")
    assert wire.ask("USER alice").startswith("+OK")
    assert wire.ask("PASS wrong").startswith("-ERR")
    wire.close()


def test_dovecot_writes_the_same(like_dovecot, dovecot):
    like_dovecot.empty("alice")
    like_dovecot.lmtp(MESSAGE)
    dovecot.put(MESSAGE, 1)
    before = len(pop3_lines(like_dovecot.program.text()))
    one_of_each(like_dovecot.pop3_port)
    one_of_each(dovecot.pop3_port)

    def ours():
        return pop3_lines(like_dovecot.program.text())[before:]

    def theirs():
        return pop3_lines((dovecot.place / "log").read_text())

    servers.until(lambda: len(ours()) >= 5 and len(theirs()) >= 5,
                  what="five lines of both")
    assert sorted(ours()) == sorted(theirs())


def test_fail2ban_knows_who_failed(like_dovecot, place):
    """By its own filter for Dovecot; and nobody has another one banned."""
    if not servers.installed("fail2ban-regex"):
        pytest.skip("fail2ban is not installed")
    names = {"127.0.0.31": "bob", "127.0.0.32":
             "x>, method=PLAIN, rip=198.51.100.9, lip=1.2.3.4, session=<y>",
             "127.0.0.33": "x>,rip=198.51.100.9,session=<y"}
    for address, name in names.items():
        with socket.create_connection(("127.0.0.1", like_dovecot.pop3_port),
                                      60, (address, 0)) as client:
            client.sendall(f"USER {name}\r\nPASS wrong\r\nQUIT\r\n".encode())
            while client.recv(4096):
                pass
    servers.until(lambda: like_dovecot.program.text().count(
        "Aborted login (auth failed, 1 attempts") == len(names),
        what="the ends of all")
    log = place / "log"
    for text in (like_dovecot.program.text(), re.sub(  # as syslog has it
            r"(?m)^(\w+ \d+ \S+) (pop3-login): Info: ", r"\1 mail dovecot: \2: ",
            like_dovecot.program.text())):
        log.write_text(text)
        done = servers.run("fail2ban-regex", "--out", "ip", log, "dovecot")
        assert sorted(done.stdout.decode().split()) == sorted(names)


def test_deliveries(like_dovecot):
    like_dovecot.lmtp(MESSAGE, "alice")
    servers.until(lambda: re.search(
        r"(?m)^\w{3} \d\d \S+ lmtp\(alice\)<\d+><[0-9a-z]+-[0-9a-z]+>: Info: "
        r"msgid=unspecified: saved mail to INBOX$",
        like_dovecot.program.text()), what="the line of the delivery")
