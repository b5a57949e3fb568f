# SPDX-License-Identifier: ISC
"""restantectl mailbox import-uidls: who moves here from Dovecot or Courier, Maildir
and all, sees the UIDLs that he saw there."""
import hashlib
import os
import shutil

import pytest

import mail
import servers
import wires

MESSAGES = 5


def seen(client):
    """UIDL to digest of what a client gets, in the order of the server."""
    found = {}
    for line in client.uidl()[1]:
        number, uidl = line.decode().split()
        octets = wires.octets(client, int(number))
        found[uidl] = hashlib.sha256(octets).hexdigest()
    client.quit()
    return found


def move(server, maildir):
    """Its files become those of alice; the server has to be stopped."""
    target = server.directory / "mail/alice"
    owner = target.stat()
    shutil.rmtree(target)
    shutil.copytree(maildir, target)
    for folder, folders, files in os.walk(target):
        for name in ["", *folders, *files]:
            os.chown(os.path.join(folder, name), owner.st_uid, owner.st_gid)
    return target


def import_(server, path, *options, ok=(0,)):
    done = server.ctl("mailbox", "import-uidls", "alice", path, *options, ok=ok)
    return (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("format_", [None, "%v-%u", "%f"])
def test_from_dovecot(dovecot, server, format_):
    if format_:
        dovecot.stop()
        with open(dovecot.place / "dovecot.conf", "a", encoding="ascii") as config:
            config.write(f"pop3_uidl_format = {format_}\n")
        dovecot.program = servers.Program(
            dovecot.place, "dovecot", "/usr/sbin/dovecot", "-F", "-c",
            dovecot.place / "dovecot.conf")
        servers.until(dovecot._answers, what="dovecot to answer")
    for n in range(MESSAGES):
        dovecot.put(mail.plain(f"{n}"), n)
    before = seen(wires.pop3(dovecot))
    assert len(before) == MESSAGES
    # As others see it now: flags and all.
    assert list((dovecot.mail / "cur").iterdir())
    server.stop()
    target = move(server, dovecot.mail)
    options = ["--format", format_] if format_ else []
    told = import_(server, target / "dovecot-uidlist", *options)
    assert told == "alice: 5 of 5 messages have the UIDL that the list says\n"
    server.start()
    assert seen(wires.pop3s(server)) == before
    # What comes now is named as ever, and nothing changes by looking again.
    assert server.lmtp(mail.plain("new"))[1][0][0] == 250
    assert len(server.restart() and seen(wires.pop3s(server))) == MESSAGES + 1
    assert before.items() <= seen(wires.pop3s(server)).items()


# As courierpop3d 1.0.16 wrote it; what it said to UIDL.
COURIER = b"""/3 5 1795994389
170000001.M1P1.host:2, 18 1:1795994389:0
170000002.M1P2.host:2, 18 2:1795994389:0
170000004.M1P4.host,S=15:2,S 18 4:1795994389:0
"""
COURIER_UIDLS = ["UID1-1795994389", "UID2-1795994389", "UID4-1795994389"]


def courier_maildir(place):
    maildir = place / "courier"
    for name in ("new", "cur", "tmp"):
        (maildir / name).mkdir(parents=True)
    for name in ("new/170000001.M1P1.host", "cur/170000002.M1P2.host:2,S",
                 "cur/170000004.M1P4.host,S=15:2,RS"):
        (maildir / name).write_bytes(mail.plain(name))
    (maildir / "courierpop3dsizelist").write_bytes(COURIER)
    return maildir


def test_from_courier(place, server):
    server.stop()
    target = move(server, courier_maildir(place))
    listed = target / "courierpop3dsizelist"
    assert "3 of 3 messages" in import_(server, listed)
    told = import_(server, listed)
    assert "0 of 3 messages" in told and "3 keep one" in told
    server.start()
    assert list(seen(wires.pop3s(server))) == COURIER_UIDLS


def test_after_the_first_login(place, server):
    """UIDLs of the list, also when the index has others already."""
    server.stop()
    target = move(server, courier_maildir(place))
    server.start()
    assert not set(seen(wires.pop3s(server))) & set(COURIER_UIDLS)
    server.stop()
    (target / "new" / "170000005.M1P5.host").write_bytes(mail.plain("5"))
    (target / "cur" / "170000002.M1P2.host:2,S").unlink()
    told = import_(server, target / "courierpop3dsizelist")
    assert "2 of 3 messages" in told and "1 in the list are not there" in told
    server.start()
    found = list(seen(wires.pop3s(server)))
    assert found[:2] == [COURIER_UIDLS[0], COURIER_UIDLS[2]]
    assert len(found) == 3


def test_what_is_refused(place, server):
    listed = place / "list"
    listed.write_bytes(COURIER)
    assert "does the server run?" in import_(server, listed, ok=(75,))
    server.stop()
    target = move(server, courier_maildir(place))
    listed.write_bytes(COURIER.replace(b"2:1795994389", b"1:1795994389"))
    assert "two messages have the UIDL UID1-" in import_(
        server, listed, ok=(65,))
    listed.write_bytes(b"nonsense\n")
    assert "line 1: it begins neither" in import_(server, listed, ok=(65,))
    listed.unlink()
    assert "No such file" in import_(server, listed, ok=(66,))
    # A UIDL that another message was given.
    assert "3 of 3" in import_(server, target / "courierpop3dsizelist")
    (target / "new" / "9.M9.host").write_bytes(mail.plain("9"))
    listed.write_bytes(b"/3 5 1795994389\n9.M9.host 5 4:1795994389:0\n")
    assert "another message has one" in import_(server, listed, ok=(65,))
    server.start()
    assert list(seen(wires.pop3s(server)))[-3:] == COURIER_UIDLS
