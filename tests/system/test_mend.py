# SPDX-License-Identifier: ISC
"""restantectl mailbox repair and rebuild: what is damaged is mended, what was
right stays, and no message gets another UIDL."""
import contextlib
import hashlib
import json
import os
import pty
import select
import shutil
import socket
import subprocess

import pytest

import mail
import servers
import wires

pytestmark = pytest.mark.sanitize
MESSAGES = 6


def index_of(server):
    return server.directory / "state/store/index/alice"


def uidls_file(server):
    return server.directory / "state/store/mailbox/alice/uidls"


def put(path, octets):
    """For the server to own, as all that lies beside it."""
    path.write_bytes(octets)
    folder = path.parent.stat()
    os.chown(path, folder.st_uid, folder.st_gid)


def maildir(server):
    return server.directory / "mail/alice"


def content(server):
    """UIDL to digest, of every message as it is sent."""
    client = wires.pop3s(server)
    found = {}
    for line in client.uidl()[1]:
        number, uidl = line.decode().split()
        octets = wires.octets(client, int(number))
        found[uidl] = hashlib.sha256(octets).hexdigest()
        assert client.list(int(number)).split()[2] == b"%d" % len(octets)
    client.quit()
    return found


def fill(server):
    for n in range(MESSAGES // 2):
        assert server.lmtp(mail.plain(f"ours {n}"))[1][0][0] == 250
        (maildir(server) / "new" / f"170000000{n}.M{n}P1.host").write_bytes(
            b"Subject: foreign %d\n\n.dot\n" % n)
    return content(server)


def mend(server, what, *options, ok=(0,)):
    return server.ctl("mailbox", what, "alice", *options, ok=ok)


def check(server):
    told = server.ctl("mailbox", "check", "alice", "--json").stdout
    found, = json.loads(told)
    assert found["wrong"] == [] and found["new_files"] == 0, found


def test_nothing_is_wrong(server):
    before = fill(server)
    inode = (index_of(server) / "index").stat().st_ino
    told = mend(server, "repair").stdout.decode()
    assert told == f"alice: {MESSAGES} messages; the index is in order\n"
    assert (index_of(server) / "index").stat().st_ino == inode
    told = mend(server, "rebuild").stdout.decode()
    assert told == f"alice: {MESSAGES} messages; the index is made anew\n"
    assert (index_of(server) / "index").stat().st_ino != inode
    check(server)
    assert content(server) == before


def spots(file, step):
    """Offsets in it, and its end."""
    return [*range(0, file.stat().st_size, step), file.stat().st_size - 1]


@pytest.mark.parametrize("which", ["index", "names.*"])
def test_damage_region_by_region(server, which):
    before = fill(server)
    file, = index_of(server).glob(which)
    good = {path.name: path.read_bytes() for path in index_of(server).iterdir()}
    for at in spots(file, 112):
        damaged = bytearray(good[file.name])
        damaged[at] ^= 0x5A
        for path in index_of(server).iterdir():
            path.unlink()
        for name, octets in {**good, file.name: damaged}.items():
            put(index_of(server) / name, octets)
        found = json.loads(mend(server, "repair", "--json").stdout)
        assert found["outcome"] == "ok" and found["count"] == MESSAGES, found
        check(server)
    assert content(server) == before


def test_no_index_and_a_cut_one(server):
    before = fill(server)
    shutil.rmtree(index_of(server))
    assert "there was no index" in mend(server, "repair").stdout.decode()
    check(server)
    index = index_of(server) / "index"
    octets = index.read_bytes()
    for length in (0, 63, 64, 200, len(octets) - 64, len(octets) - 1):
        index.unlink()
        put(index, octets[:length])
        mend(server, "repair")
        check(server)
        octets = index.read_bytes()
    assert content(server) == before


def test_what_others_did(server):
    before = fill(server)
    files = {path.name: path for path in (maildir(server) / "new").iterdir()}
    changed, gone = files["1700000000.M0P1.host"], files["1700000001.M1P1.host"]
    changed.write_bytes(b"Subject: foreign 0\n\nxxxx\n")
    gone.unlink()
    (maildir(server) / "new/1700000009.M9P1.host").write_bytes(b"\nnine\n")
    old = maildir(server) / "tmp/1600000000.M1P1.host"
    fresh = maildir(server) / "tmp/1700000000.M2P1.host"
    for file in (old, fresh):
        file.write_bytes(b"half")
    os.utime(old, (1, 1))
    found = json.loads(mend(server, "repair", "--json").stdout)
    assert {key: found[key] for key in (
        "wrong", "new", "removed", "leftovers", "was_made_anew")} == {
            "wrong": 1, "new": 1, "removed": 1, "leftovers": 1,
            "was_made_anew": True}
    assert fresh.exists() and not old.exists()
    check(server)
    now = content(server)
    assert len(now) == MESSAGES and len(now.keys() - before.keys()) == 1
    assert sum(before[uidl] != now[uidl]
               for uidl in before.keys() & now.keys()) == 1
    # Its name was noted when it was removed: another message to clients.
    (maildir(server) / "new/1700000001.M1P1.host").write_bytes(b"\nagain\n")
    mend(server, "rebuild")
    again = content(server)
    assert now.keys() < again.keys()
    assert not (again.keys() - now.keys()) & before.keys()


def given(server):
    """A message whose UIDL stands in the journal: its name came again."""
    fill(server)
    file = maildir(server) / "new/1700000001.M1P1.host"
    octets = file.read_bytes()
    file.unlink()
    content(server)
    file.write_bytes(octets)
    return content(server)


def test_damaged_journal_of_uidls(server):
    before = given(server)
    assert len(uidls_file(server).read_bytes()) == 32 + 128
    for at in (-128, -120, -90, -1):
        damaged = bytearray(uidls_file(server).read_bytes())
        damaged[at] ^= 0xFF
        uidls_file(server).write_bytes(damaged + b"tail")
        found = json.loads(mend(server, "repair", "--json").stdout)
        assert found["uidls_restored"] == 1, found
        assert found["uidls_set_aside_octets"] == 128 + 4, found
        aside, = uidls_file(server).parent.glob("uidls.damaged.*")
        assert aside.read_bytes().startswith(damaged + b"tail")
        aside.unlink()
        # Now the index may go: the journal knows the UIDL by itself.
        shutil.rmtree(index_of(server))
        found = json.loads(mend(server, "rebuild", "--json").stdout)
        assert found["uidls_restored"] == 0
        assert found["uidls_set_aside_octets"] == 0
        assert content(server) == before


def test_open_mailbox(server):
    before = fill(server)
    client = wires.pop3s(server)
    for what in ("repair", "rebuild"):
        told = mend(server, what, ok=(75,))
        assert b"[IN-USE]" in told.stderr and told.stdout == b""
        assert json.loads(mend(server, what, "--json", ok=(75,)).stdout)[
            "outcome"] == "busy"
    assert client.stat()[0] == MESSAGES
    client.quit()
    mend(server, "rebuild")
    assert content(server) == before


def test_who_has_none(server):
    server.ctl("mailbox", "repair", "nobody", ok=(67,))
    server.ctl("mailbox", "repair", ok=(64,))
    server.ctl("user", "add", "carol", "--password-stdin", input=b"one\n")
    told = server.ctl("mailbox", "rebuild", "carol").stdout
    assert told == b"carol: there is no mailbox yet\n"
    shutil.rmtree(maildir(server), ignore_errors=True)
    maildir(server).write_bytes(b"a file")
    mend(server, "repair", ok=(65,))
    server.stop()
    assert b"no server answers" in mend(server, "repair", ok=(69,)).stderr


def test_bar_on_a_terminal(server):
    """What is shown while a server takes its time, which this test plays."""
    server.stop()
    control = server.directory / "state/control/control.sock"
    control.unlink(missing_ok=True)
    ours, theirs = pty.openpty()
    with (socket.socket(socket.AF_UNIX) as listener,
          contextlib.chdir(control.parent)):
        listener.bind("control.sock")
        listener.listen()
        with subprocess.Popen(
                [servers.BUILD / "restantectl", "-c", server.config_file,
                 "mailbox", "rebuild", "alice"], stderr=theirs,
                stdout=subprocess.PIPE) as asked:
            os.close(theirs)
            server_side = listener.accept()[0]
            assert server_side.recv(100) == b"rebuild alice\n"
            shown = b""
            while b"250/1000" not in shown:
                server_side.sendall(b'{"done": 250, "total": 1000}\n')
                if select.select([ours], [], [], 0.05)[0]:
                    shown += os.read(ours, 65536)
            server_side.sendall(b'{"outcome": "ok", "count": 1}\n')
            server_side.close()
            told = asked.stdout.read()
    os.close(ours)
    assert asked.returncode == 0
    assert told == b"alice: 1 message; the index is in order\n"
    assert b"alice" in shown and b"/s" in shown and b" left" in shown, shown
