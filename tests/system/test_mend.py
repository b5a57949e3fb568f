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
import signal
import socket
import subprocess
import time

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


@contextlib.contextmanager
def on_a_terminal(server, *words):
    """The program, and what its standard error is read from."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
            [servers.BUILD / "restantectl", "-c", server.config_file, *words],
            stderr=theirs, stdout=subprocess.PIPE) as program:
        os.close(theirs)
        yield program, ours
    os.close(ours)


def test_bar_of_a_check(server):
    """Slowed down: it runs a little, stands, and runs again."""
    for n in range(10_000):
        (maildir(server) / "new" / f"{1_700_000_000 + n}.M1P1.host").write_bytes(
            b"Subject: foreign\n\n")
    wires.pop3s(server).quit()
    with on_a_terminal(server, "mailbox", "check", "alice") as (program, ours):
        shown = b""
        while program.poll() is None and b"/10000" not in shown:
            program.send_signal(signal.SIGSTOP)
            time.sleep(0.2)
            program.send_signal(signal.SIGCONT)
            if select.select([ours], [], [], 0.003)[0]:
                shown += os.read(ours, 65536)
        assert b"/10000" in shown, shown
        assert b" 0 wrong, 0 new files\n" in program.stdout.read()


def played_control(server):
    """Its socket, on which a test answers instead."""
    server.stop()
    control = server.directory / "state/control/control.sock"
    control.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    with contextlib.chdir(control.parent):
        listener.bind("control.sock")
    listener.listen()
    return listener


def test_bar_of_a_list(server):
    """What is shown while a server takes its time, which this test plays."""
    with (played_control(server) as listener,
          on_a_terminal(server, "mailbox", "list") as (program, ours)):
        asked = listener.accept()[0]
        lines = asked.makefile("rb")
        assert lines.readline() == b"mailbox alice\n"
        time.sleep(0.6)
        asked.sendall(b'{"mailbox": "alice", "count": 1}\n')
        assert lines.readline() == b"mailbox bob\n"
        assert b" 1/2 " in os.read(ours, 65536)
        asked.sendall(b'{"mailbox": "bob", "count": 2}\n')
        told = program.stdout.read().decode().splitlines()
        lines.close()
        asked.close()
    assert [line.split()[:2] for line in told[1:]] == [
        ["alice", "1"], ["bob", "2"]]


def test_bar_on_a_terminal(server):
    """What is shown while a server takes its time, which this test plays."""
    with (played_control(server) as listener,
          on_a_terminal(server, "mailbox", "rebuild", "alice") as (
              program, ours)):
        asked = listener.accept()[0]
        assert asked.recv(100) == b"rebuild alice\n"
        shown = b""
        while b"250/1000" not in shown:
            asked.sendall(b'{"done": 250, "total": 1000}\n')
            if select.select([ours], [], [], 0.05)[0]:
                shown += os.read(ours, 65536)
        asked.sendall(b'{"outcome": "ok", "count": 1}\n')
        asked.close()
        told = program.stdout.read()
    assert program.returncode == 0
    assert told == b"alice: 1 message; the index is in order\n"
    assert b"alice" in shown and b"/s" in shown and b" left" in shown, shown
