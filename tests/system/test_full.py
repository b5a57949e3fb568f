# SPDX-License-Identifier: ISC
"""Full and read-only disks, real ones of a few MiB: what is there can be read
and deleted, a delivery is put off and leaves nothing half-written."""
import os
import shutil
import subprocess

import pytest

import mail
import servers
import wires

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
pytestmark = needs_root
MIB = 1 << 20
# XFS has a least size; the journal takes up to 8 MiB of each.
KINDS = {"ext4": 40 * MIB, "xfs": 320 * MIB, "tmpfs": 40 * MIB}
MAKE = {"ext4": ("mkfs.ext4", "-q", "-m", "0", "-N", "600"),
        "xfs": ("mkfs.xfs", "-q")}


class Disk:
    """A file system of its own, mounted on a directory."""

    def __init__(self, place, kind, where):
        self.where = where
        where.mkdir(parents=True, exist_ok=True)
        if kind == "tmpfs":
            self._mount("-t", "tmpfs", "-o",
                        f"size={KINDS[kind]},nr_inodes=600", "tmpfs")
            return
        if not shutil.which(MAKE[kind][0]):
            pytest.skip(f"{MAKE[kind][0]} is not installed")
        image = place / "image"
        with open(image, "wb") as file:
            file.truncate(KINDS[kind])
        subprocess.run([*MAKE[kind], image], check=True)
        self._mount("-o", "loop", image)

    def _mount(self, *words):
        done = subprocess.run(["mount", *words, self.where],
                              capture_output=True)
        if done.returncode != 0:
            pytest.skip(f"cannot mount: {done.stderr.decode()}")

    def read_only(self):
        subprocess.run(["mount", "-o", "remount,ro", self.where], check=True)

    def fill_blocks(self):
        """To the last octet."""
        with open(self.where / "filler", "ab", buffering=0) as file:
            size = MIB
            while size:
                try:
                    file.write(b"x" * size)
                except OSError:
                    size //= 2
            os.fsync(file.fileno())

    def fill_inodes(self):
        folder = self.where / "fillers"
        folder.mkdir(exist_ok=True)
        number = len(list(folder.iterdir()))
        while True:
            try:
                (folder / str(number)).touch()
            except OSError:
                return
            number += 1

    def make_room(self):
        (self.where / "filler").unlink(missing_ok=True)
        shutil.rmtree(self.where / "fillers", ignore_errors=True)

    def free(self):
        subprocess.run(["umount", self.where], check=True)


@pytest.fixture
def disk(place, request):
    disk = Disk(place, request.param, place / "demo")
    try:
        yield disk
    finally:
        disk.free()


@pytest.fixture
def server(place, disk):
    server = servers.Restanted(place)
    try:
        server.start()
        server.empty()
        yield server
    finally:
        server.stop()


def files(server):
    return sorted(str(path) for folder in ("new", "cur", "tmp") for path in
                  (server.directory / "mail" / "alice" / folder).iterdir())


def put_off(server, octets):
    before = files(server)
    done = server.lmtp(octets)[1]
    assert [code for code, _ in done] == [452], done
    assert done[0][1].startswith("4.3.1")
    assert files(server) == before


def subjects(server):
    client = wires.pop3s(server)
    found = [mail.subject(o) for o in wires.all_octets(client)]
    client.quit()
    return found


def delete(server, numbers):
    client = wires.pop3s(server)
    for n in numbers:
        client.dele(n)
    assert client.quit().startswith(b"+OK")


# XFS makes inodes as long as there are blocks.
@pytest.mark.parametrize(
    "disk,what", [(kind, what) for kind in KINDS for what in
                  ("blocks", "inodes") if (kind, what) != ("xfs", "inodes")],
    indirect=["disk"])
def test_full(server, disk, what):
    fill = disk.fill_blocks if what == "blocks" else disk.fill_inodes
    names = [f"message {n}" for n in range(12)]
    for name in names:
        server.lmtp(mail.plain(name))
    # What another program put there has yet to be indexed.
    foreign = server.directory / "mail" / "alice" / "new" / "1.foreign"
    foreign.write_bytes(b"Subject: foreign\n\nx\n")
    fill()
    put_off(server, mail.plain("small"))
    put_off(server, mail.plain("large", b"x" * 70 + b"\r\n" * 2000))
    found = subjects(server)
    assert sorted(found) == sorted(names + ["foreign"])
    # Deleting makes room, which something else takes at once.
    delete(server, range(1, 6))
    fill()
    assert subjects(server) == found[5:]
    server.restart()
    assert subjects(server) == found[5:]
    delete(server, range(1, 9))
    fill()
    assert subjects(server) == []
    assert files(server) == []
    disk.make_room()
    assert server.lmtp(mail.plain("again"))[1][0][0] == 250
    assert subjects(server) == ["again"]


@pytest.fixture
def mail_disk(place):
    disk = Disk(place, "tmpfs", place / "demo" / "mail")
    try:
        yield disk
    finally:
        disk.free()


def test_read_only(place, mail_disk):
    server = servers.Restanted(place).start()
    try:
        server.empty()
        server.lmtp(mail.plain("before"))
        mail_disk.read_only()
        done = server.lmtp(mail.plain("refused"))[1]
        assert done[0][0] == 451 and done[0][1].startswith("4.3.5"), done
        assert subjects(server) == ["before"]
        client = wires.pop3s(server)
        client.dele(1)
        with pytest.raises(Exception, match=r"-ERR \[SYS/"):
            client.quit()
        assert subjects(server) == ["before"]
        text = server.program.text()
        assert "alice/tmp" in text
        assert "mount the file system for writing" in text
    finally:
        server.stop()


@pytest.fixture
def server_of_one(place):
    server = servers.Restanted(place)
    try:
        server.start()
        server.empty()
        yield server
    finally:
        server.stop()


def test_mail_root_that_is_a_file(server_of_one):
    server = server_of_one
    server.stop()
    root = server.directory / "mail"
    root.rename(server.directory / "aside")
    root.write_bytes(b"not a directory")
    text = server.config_file.read_text()
    config = server.place / "stderr.conf"
    config.write_text(text.replace("[server]\n", "[server]\nlog = stderr\n", 1))
    told = servers.run(servers.BUILD / "restanted", "-c", config,
                       ok=(72,)).stderr.decode()
    assert f"path={root} " in told and 'do="make the directory' in told, told
    root.unlink()
    (server.directory / "aside").rename(root)
    server.start()


def refused(server, code, advice):
    """PASS and DATA are; the log says where and what to do."""
    with wires.Wire(server.pop3_port) as wire:
        wire.line()
        wire.ask("USER alice")
        assert wire.ask("PASS demo").startswith(f"-ERR [{code}]")
    with wires.Lmtp(server.lmtp_port) as wire:
        wire.command("MAIL FROM:<>")
        assert wire.command("RCPT TO:<alice>")[0] == 250
        told = wire.command("DATA")
        if told[0] == 354:  # what it begins with was done before
            told = wire.command("Subject: x\r\n.")
        assert told[0] == 451, told
    text = server.program.text()
    lines = [line for line in text.splitlines() if advice in line]
    assert lines and all("alice" in line for line in lines), text[-3000:]


def make_unreadable(mailbox):
    mailbox.chmod(0)


def make_a_file(mailbox):
    mailbox.rename(mailbox.with_name("aside"))
    mailbox.write_bytes(b"not a directory")


@pytest.mark.parametrize("spoil,code,advice", [
    (make_unreadable, "SYS/PERM", "must belong to the user of [server] user"),
    (make_a_file, "SYS/PERM", "put a directory there")])
def test_mailbox_that_cannot_be_used(server_of_one, spoil, code, advice):
    server = server_of_one
    server.lmtp(mail.plain("before"))
    server.restart()  # what it has open it would go on using
    mailbox = server.directory / "mail" / "alice"
    owner = mailbox.stat()
    spoil(mailbox)
    refused(server, code, advice)
    if mailbox.is_file():
        mailbox.unlink()
        mailbox.with_name("aside").rename(mailbox)
    mailbox.chmod(owner.st_mode & 0o777)
    assert subjects(server) == ["before"]


def test_mailbox_that_vanishes(server_of_one):
    """Not mounted, say: nobody is told that the mail was deleted, and none is
    filed elsewhere, until an administrator says that it is to be so."""
    server = server_of_one
    server.lmtp(mail.plain("before"))
    client = wires.pop3(server)
    mailbox = server.directory / "mail" / "alice"
    owner = mailbox.stat()
    shutil.rmtree(mailbox)
    with pytest.raises(Exception, match=r"-ERR"):
        client.retr(1)
    client.close()
    refused(server, "SYS/TEMP", "alice is gone, with 1 messages")
    told = server.ctl("mailbox", "check", "alice", ok=(65,)).stdout.decode()
    assert "alice is gone" in told and "damaged" not in told
    server.ctl("mailbox", "rebuild", "alice", ok=(75,))
    mailbox.mkdir(0o700)
    os.chown(mailbox, owner.st_uid, owner.st_gid)
    assert subjects(server) == []
    assert server.lmtp(mail.plain("after"))[1][0][0] == 250
    assert subjects(server) == ["after"]


def test_what_an_open_session_cannot_reach(server_of_one):
    server = server_of_one
    server.lmtp(mail.plain("before"))
    folder = server.directory / "mail" / "alice" / "new"
    with wires.Wire(server.pop3_port) as wire:
        wire.line()
        wire.ask("USER alice")
        assert wire.ask("PASS demo").startswith("+OK")
        folder.chmod(0)
        assert wire.ask("RETR 1").startswith("-ERR [SYS/PERM]")
        wire.ask("DELE 1")
        assert wire.ask("QUIT").startswith("-ERR [SYS/PERM]")
    lines = [line for line in server.program.text().splitlines()
             if "alice/new/" in line and "must belong to" in line]
    assert len(lines) == 2, server.program.text()[-3000:]
    told = server.ctl("mailbox", "check", "alice", ok=(65,)).stdout.decode()
    assert "alice/new: Permission denied" in told and "damaged" not in told
    folder.chmod(0o700)
    assert subjects(server) == ["before"]


@pytest.mark.parametrize("disk", ["ext4", "tmpfs"], indirect=True)
def test_no_room_for_a_socket(server, disk):
    """What is there can be read although restantectl finds nobody."""
    server.lmtp(mail.plain("before"))
    server.stop()
    for name in ("lmtp.sock", "control.sock"):
        (server.directory / "state" / "control" / name).unlink()
    disk.fill_inodes()
    server.start()
    assert subjects(server) == ["before"]
    assert server.program.text().count("control-away") == 2
    delete(server, [1])
    assert subjects(server) == []
