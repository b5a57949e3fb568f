# SPDX-License-Identifier: ISC
"""What CAPA promises of EXPIRE and LOGIN-DELAY holds: RFC 2449 sections 6.5
and 6.7."""
import os
import poplib
import time

import pytest

import mail
import servers
import wires
from test_policy import CONFIG, USERS

pytestmark = pytest.mark.sanitize

DAY = 86400
POLICIES = """
[policy]
retention = 30d
[policy example.org]
retention = 0
login-delay = 1h
login-burst = 2
[policy carol@example.com]
retention = 7d
retention-from = retrieval
"""
PEOPLE = ("alice", "bob@example.org", "carol@example.com")


@pytest.fixture
def server(place, request):
    base = servers.free_base((110, 995, 24))
    (place / "demo").mkdir()
    config = place / "restante.conf"
    config.write_text(CONFIG.format(
        place=place, users=USERS if os.geteuid() == 0 else "",
        pop3=base + 110, pop3s=base + 995, lmtp=base + 24) + POLICIES)
    server = servers.Restanted(place, base, config,
                               dict(pop3=110, pop3s=995, lmtp=24))
    request.node.server = server
    server.start()
    for name in PEOPLE:
        server.ctl("user", "add", name, "--password-stdin", input=b"demo\n")
    yield server
    server.stop()


def promises(client):
    offered = client.capa()
    return offered.get("EXPIRE"), offered.get("LOGIN-DELAY")


def put(server, user, name, octets):
    """As another program would put it there, once the Maildir is made."""
    new = server.place / "demo" / "mail" / user / "new"
    owner = new.stat()
    path = new / name
    path.write_bytes(octets)
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)
    # Long ago enough for the store to see at once that it changed.
    os.utime(new, (time.time() - 60, time.time() - 60))


def test_what_is_announced(server):
    client = poplib.POP3_SSL("localhost", server.pop3s_port, timeout=60,
                             context=wires.trust(server.ca_file))
    assert promises(client) == (["7", "USER"], ["3600", "USER"])
    client.quit()
    found = {}
    for user in PEOPLE:
        client = wires.pop3s(server, user)
        found[user] = promises(client)
        client.quit()
    assert found == {"alice": (["30"], None),
                     "bob@example.org": (["NEVER"], ["3600"]),
                     "carol@example.com": (["7"], None)}


def test_login_delay_after_the_right_password(server):
    """Two logins at once are allowed, the third has to wait; with the wrong
    password nobody learns of it."""
    for _ in range(2):
        wires.pop3s(server, "bob@example.org").quit()
    with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"):
        wires.pop3s(server, "bob@example.org", "wrong")
    with pytest.raises(poplib.error_proto, match=r"\[LOGIN-DELAY\]"):
        wires.pop3s(server, "bob@example.org")
    for _ in range(4):
        wires.pop3s(server, "alice").quit()


def test_expired_from_arrival(server):
    wires.pop3s(server, "alice").quit()
    now = int(time.time())
    put(server, "alice", f"{now - 31 * DAY}.old.test", mail.plain("old"))
    put(server, "alice", f"{now - 29 * DAY}.young.test", mail.plain("young"))
    # The mailbox was looked at at the login above, within the hour.
    server.restart()
    client = wires.pop3s(server, "alice")
    assert [mail.subject(m) for m in wires.all_octets(client)] == ["young"]
    client.quit()
    servers.until(lambda: "expired" in server.program.text(), what="the log")


def test_expired_without_a_login(server):
    """Who never comes back has a right to it too."""
    wires.pop3s(server, "alice").quit()
    now = int(time.time())
    put(server, "alice", f"{now - 31 * DAY}.old.test", mail.plain("old"))
    server.restart()
    new = server.place / "demo" / "mail" / "alice" / "new"
    servers.until(lambda: not list(new.iterdir()), what="the sweep")


def test_expired_from_retrieval(server):
    user = "carol@example.com"
    for subject in ("one", "two", "three"):
        server.lmtp(mail.plain(subject), user)
    client = wires.pop3s(server, user)
    client.retr(1)
    client.top(2, 0)
    client.dele(3)
    client.quit()
    client = wires.pop3s(server, user)
    client.retr(1)
    client.close()
    notes = (server.place / "demo" / "state" / "store" / "mailbox" / user
             / "retrieved")
    # One entry: the first RETR counts, and neither TOP nor DELE is one.
    servers.until(lambda: notes.exists() and notes.stat().st_size == 32,
                  what="the note")
    assert wires.pop3s(server, user).stat()[0] == 2
