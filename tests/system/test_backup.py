# SPDX-License-Identifier: ISC
"""docs/guides/backup.md, word for word: a copy is made of a server that takes mail
and gives it out, the disk is lost, the copy is put back."""
import re
import shutil
import threading

import pytest

import mail
import servers
import wires

KEPT, DELETED = 12, 4


def typed(server, number):
    """The guide's code, with this server's folders in place of the usual ones."""
    text = (servers.ROOT / "docs/guides/backup.md").read_text()
    code = re.findall(r"```sh\n(.*?)```", text, re.S)[number]
    state = server.directory / "state"
    for old, new in {"/var/mail/vhosts": server.directory / "mail",
                     "/var/lib/restante": state,
                     "/etc/restante ": f"{server.config_file} ",
                     "/backup": server.place / "backup"}.items():
        assert old in code or number == 1, old
        code = code.replace(old, str(new))
    # The demo has users of its own, and no systemd.
    owner = (state / "accounts").stat().st_uid
    code = code.replace("restante-auth:", str(owner))
    code = code.replace("restantectl", f"{servers.BUILD}/restantectl"
                                       f" -c {server.config_file}")
    return [line for line in code.splitlines() if "systemctl" not in line]


def type_(lines):
    for line in lines:
        # A file that went meanwhile: mail that its owner deleted.
        servers.run("sh", "-c", line, ok=(0, 24) if "rsync" in line else (0,))


class Traffic(threading.Thread):
    """bob's mail comes, is read and deleted as long as the backup takes."""

    def __init__(self, server):
        super().__init__()
        self.server, self.is_enough, self.count = server, False, 0

    def run(self):
        while not self.is_enough:
            self.server.lmtp(mail.plain(f"{self.count}"), "bob")
            client = wires.pop3s(self.server, "bob")
            if client.stat()[0] > 3:
                client.dele(1)
            client.quit()
            self.count += 1


def seen(server, user="alice"):
    client = wires.pop3s(server, user)
    found = dict(zip(wires.uidls(client), wires.all_octets(client)))
    client.quit()
    return found


def delete(server, count):
    client = wires.pop3s(server)
    for n in range(count):
        client.dele(n + 1)
    client.quit()


def fill(server):
    """Mail of ours, of another program, and with UIDLs of another server."""
    for n in range(KEPT // 2 + DELETED):
        assert server.lmtp(mail.plain(f"ours {n}"))[1][0][0] == 250
    folder = server.directory / "mail/alice/new"
    lines = "".join(f"{n} :170000{n:04}.M{n}P1.host\n" for n in range(KEPT // 2))
    for n in range(KEPT // 2):
        (folder / f"170000{n:04}.M{n}P1.host").write_bytes(
            mail.plain(f"theirs {n}"))
    listed = server.place / "dovecot-uidlist"
    listed.write_text("3 V1795994389 N99 G0a1b\n" + lines)
    server.stop()
    server.ctl("mailbox", "import-uidls", "alice", listed)
    server.start()


@pytest.mark.parametrize("is_lost", [True, False])
def test_backup(server, is_lost):
    fill(server)
    first = seen(server)
    delete(server, DELETED)
    before = seen(server)
    assert len(before) == KEPT and before.items() <= first.items()
    (server.place / "backup").mkdir()
    traffic = Traffic(server)
    traffic.start()
    try:
        type_(typed(server, 0))
    finally:
        traffic.is_enough = True
        traffic.join()
    # What happens after it: mail that came is gone again, and mail that went
    # is there again.
    assert server.lmtp(mail.plain("later"))[1][0][0] == 250
    delete(server, 3)
    server.stop()
    if is_lost:
        for folder in ("mail", "state/store"):
            for entry in (server.directory / folder).iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    restore = typed(server, 1)
    type_(restore[:-1])
    server.start()
    type_(restore[-1:])
    assert seen(server) == before
    assert traffic.count > 0 and len(seen(server, "bob")) <= 4
    # A UIDL is not used again for what comes from now on.
    assert server.lmtp(mail.plain("new"))[1][0][0] == 250
    assert len(set(seen(server)) | set(first)) == len(first) + 1
