# SPDX-License-Identifier: ISC
"""Every program that people collect with, over every transport, keeping and
deleting: 200 awkward messages, each compared by its digest."""
import re
import shutil

import pytest

import awkward
import collectors
import mail
import servers
import wires

TRANSPORTS = ("plain", "stls", "tls")
PROGRAMS = {"Net::POP3": "perl", "getmail6": "getmail"}


def crlf(octets):
    """As it was sent, also when the program files lines with LF."""
    first = octets.split(b"\n", 1)[0]
    return octets if first.endswith(b"\r") else octets.replace(b"\n", b"\r\n")


def number(octets):
    return int(re.search(rb"^X-Number: (\d+)\r?$", octets, re.M)[1])


def compare(collector, got):
    """How many came unchanged, but for what the program is known to do."""
    by_number = {}
    for octets in map(crlf, got):
        assert by_number.setdefault(number(octets), octets) is octets, octets
    assert sorted(by_number) == list(range(awkward.COUNT))
    unchanged = 0
    for sent in map(mail.without_utf8, awkward.messages()):
        octets = mail.without_stamps(by_number[number(sent)])
        unchanged += octets == sent
        assert mail.digest(collector.stored(octets)) == \
            mail.digest(collector.sent(sent)), (octets, sent)
    return unchanged


def fill(server, users):
    for user in users:
        servers.run(servers.BUILD / "restantectl", "-c", server.config_file,
                    "user", "add", user, "--password-stdin", input=b"demo\n")
    with wires.Lmtp(server.lmtp_port) as wire:
        for octets in awkward.messages():
            done = wire.deliver(octets, *users)[1]
            assert [code for code, _ in done] == [250] * len(users)


@pytest.mark.parametrize("name", collectors.COLLECTORS)
def test_client(server, place, name, record_property):
    collector = collectors.COLLECTORS[name]
    if name != "poplib" and not servers.installed(
            PROGRAMS.get(name, name)):
        pytest.skip(f"{name} is not installed")
    modes = [(transport, mode) for transport in TRANSPORTS
             if transport not in collector.lacks for mode in ("keep", "delete")]
    users = {(transport, mode): f"{transport}-{mode}"
             for transport, mode in modes}
    fill(server, users.values())
    cells = []
    for transport, mode in modes:
        folder = place / "client"
        folder.mkdir(mode=0o755)
        user = users[transport, mode]
        got = collector.collect(server, folder, user, transport,
                                mode == "keep")
        unchanged = compare(collector, got)
        left = wires.pop3s(server, user).stat()[0]
        assert left == (awkward.COUNT if mode == "keep" else 0)
        assert unchanged == awkward.COUNT or collector.says
        cells.append(f"{transport} {mode} {len(got)}")
        shutil.rmtree(folder)
    says = f"; changes {awkward.COUNT - unchanged}: {collector.says}" \
        if collector.says else ", all as sent"
    record_property("figure", f"{name:10}{', '.join(cells)}{says}")
