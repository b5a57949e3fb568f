# SPDX-License-Identifier: ISC
"""What is acknowledged is on disk: the order of system calls, by strace."""
import os
import re

import pytest

import mail
import servers
import tracing
import wires
from tracing import begins, ends

CALLS = "fsync,fdatasync,write,writev,sendto,sendmsg,pwrite64," \
        "rename,renameat,renameat2,unlink,unlinkat"


class Trace:
    """Follows the store and the sessions of a running server."""

    def __init__(self, server):
        self.file = server.place / "trace"
        pids = [pid for name, pid in server.roles().items()
                if name.startswith(("store", "session"))]
        self.program = servers.Program(
            server.place, "strace", "strace", "-f", "-y", "-s", "200",
            "-e", f"trace={CALLS}", "-o", self.file,
            *[word for pid in pids for word in ("-p", pid)])
        servers.until(lambda: self._follows(len(pids)), what="strace")

    def _follows(self, count):
        assert not self.program.has_ended(), self.program.text()
        return len(re.findall(r"^strace: Process \d+ attached",
                              self.program.text(), re.M)) >= count

    def stop(self):
        """The calls, as tracing.parse gives them."""
        self.program.process.terminate()
        self.program.process.wait(servers.STOP_SECONDS)
        self.program.log.close()
        return tracing.parse(self.file)


@pytest.fixture
def trace(server):
    if os.geteuid() != 0:
        pytest.skip("only root may look into the roles")
    if not servers.installed("strace"):
        pytest.skip("strace is not installed")
    server.lmtp(mail.plain("the first makes the mailbox"))
    return Trace(server)


def test_250_comes_after_the_syncs(server, trace):
    sent = mail.every_octet(200_000)
    with wires.Lmtp(server.lmtp_port) as wire:
        assert wire.deliver(sent, "alice")[1][0][0] == 250
    calls = trace.stop()
    folder = re.escape(str(server.directory / "mail" / "alice"))
    asked = begins(calls, r'(write|send\w+)\(.*"354 ')[0]
    replied = begins(calls, r'(write|send\w+)\(.*"250 ', asked)[0]
    written = ends(calls, rf"p?write\w*\(\d+<{folder}/tmp/", asked)
    synced = ends(calls, rf"f(data)?sync\(\d+<{folder}/tmp/", max(written))
    renamed = ends(calls, r'rename.*"tmp/.*"new/', min(synced))
    entered = ends(calls, rf"f(data)?sync\(\d+<{folder}/new>", min(renamed))
    assert max(written) < min(synced) < min(renamed) < min(entered) < replied


def test_ok_to_quit_comes_after_the_deletions(server, trace):
    wire = wires.Wire(server.pop3_port)
    wire.line()
    for command in ("USER alice", "PASS demo", "DELE 1"):
        assert wire.ask(command).startswith("+OK")
    assert wire.ask("QUIT").startswith("+OK")
    calls = trace.stop()
    promised = ends(calls, r"f(data)?sync\(\d+<[^>]*/deletions>")
    removed = ends(calls, r'unlink.*"new/', promised[0])
    entered = ends(calls, r"f(data)?sync\(\d+<[^>]*/new>", removed[0])
    replied = begins(calls, r'(write|send\w+)\(.*"\+OK ')[-1]
    assert promised[0] < removed[0] < entered[0] < replied
