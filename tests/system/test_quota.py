# SPDX-License-Identifier: ISC
"""What a mailbox may hold, whose mail an address with a detail is, chunks."""
import json

import pytest

import mail
import servers
import wires

QUOTA = """
[quota]
messages = 4
octets = 100KB
soft = 75
"""


@pytest.fixture
def limited(place):
    server = servers.Restanted(place).start()
    try:
        server.stop()
        with open(server.config_file, "a") as config:
            config.write(QUOTA)
        server.start()
        server.empty()
        yield server
    finally:
        server.stop()


def test_quota(limited):
    def deliver(name, body=b"x\r\n"):
        return limited.lmtp(mail.plain(name, body))

    for n in range(3):
        assert deliver(f"number {n}")[1][0][0] == 250
    with wires.Lmtp(limited.lmtp_port) as wire:
        wire.command("MAIL FROM:<>")
        wire.command("RCPT TO:<alice>")
        code, text = wire.command("DATA")
        assert code == 452 and text.startswith("4.2.2")
    (limited.directory / "mail/alice/new/1.a").write_bytes(b"a\n")
    limited.ctl("deliver", "alice", input=b"over\n", ok=(73,))
    limited.ctl("deliver", "bob", input=b"not over\n")
    client = wires.pop3s(limited)
    assert client.stat()[0] == 4
    client.dele(1)
    client.dele(2)
    client.quit()
    # The octets are known at the end of the body.
    done = deliver("large", b"x" * 78 + b"\r\n" * 50000)[1]
    assert done[0][0] == 552 and done[0][1].startswith("5.2.2"), done
    limited.ctl("deliver", "alice", input=b"y" * 80000 + b"\n", ok=(75,))
    assert deliver("small")[1][0][0] == 250
    assert wires.pop3s(limited).stat()[0] == 3


def test_quota_of_one_recipient(limited):
    for n in range(3):
        limited.lmtp(mail.plain(f"number {n}"))
    _, done = limited.lmtp(mail.plain("both"), "alice", "bob")
    assert [code for code, _ in done] == [452, 250]


def test_detail(server):
    for address in ("alice+lists@example.org", "ALICE+a+b", "alice+@x"):
        replies, _ = server.lmtp(mail.plain(address), address)
        assert replies[0][0] == 250, address
    for address in ("+alice", "carol+alice", "alice-lists"):
        replies, _ = server.lmtp(mail.plain(address), address)
        assert replies[0][0] == 550, address
    client = wires.pop3s(server)
    assert client.stat()[0] == 3
    assert b"Delivered-To: alice+lists@example.org" in client.retr(1)[1]
    server.ctl("user", "add", "alice+own", "--password-stdin",
               input=b"demo\n")
    server.lmtp(mail.plain("own"), "alice+own")
    assert [mail.subject(o) for o in
            wires.all_octets(wires.pop3s(server, "alice+own"))] == ["own"]


def test_chunks(server):
    octets = mail.with_attachment(300_000) + b".\r\n..\r\n"
    with wires.Lmtp(server.lmtp_port) as wire:
        wire.send(b"MAIL FROM:<>\r\nRCPT TO:<alice>\r\n")
        assert [wire.reply()[0] for _ in range(2)] == [250, 250]
        at, sizes = 0, (1, 100, 40_000, 0, 70_001)
        for size in sizes:
            wire.send(b"BDAT %d\r\n" % size + octets[at:at + size])
            at += size
        wire.send(b"BDAT %d LAST\r\n" % (len(octets) - at) + octets[at:])
        assert [wire.reply()[0] for _ in range(6)] == [250] * 6
    mail.same(wires.octets(wires.pop3s(server), 1), octets)


def test_mailbox_check(server):
    folder = server.directory / "mail/alice/new"
    for n in range(3):
        server.lmtp(mail.plain(f"number {n}"))
    wires.pop3s(server).quit()
    told = server.ctl("mailbox", "check", "alice").stdout.decode()
    assert told == "alice: 3 messages in the index, 0 wrong, 0 new files\n"
    files = sorted(folder.iterdir())
    files[0].write_bytes(files[0].read_bytes() + b"more\r\n")
    files[1].unlink()
    octets = files[2].read_bytes()
    files[2].write_bytes(octets.replace(b"One line.\r\n", b".One line\r\n"))
    (folder / "1.a").write_bytes(b"a\n")
    found = json.loads(server.ctl("mailbox", "check", "alice", "--json",
                                  ok=(65,)).stdout)
    assert found[0]["count"] == 3 and found[0]["new_files"] == 1
    assert not found[0]["has_changed"]
    assert {one["file"]: one["what"].split()[0]
            for one in found[0]["wrong"]} == {
        files[0].name: "has", files[1].name: "is", files[2].name: "was"}
    index = server.directory / "state/store/index/alice/index"
    with open(index, "r+b") as file:
        file.seek(64 + 20)
        file.write(b"damage")
    told = server.ctl("mailbox", "check", "alice", ok=(65,)).stdout.decode()
    assert "the index is damaged" in told
    server.ctl("mailbox", "check", "nobody", ok=(67,))
    # The next login mends it.
    server.restart()
    assert wires.pop3s(server).stat()[0] == 3
    server.ctl("mailbox", "check")
