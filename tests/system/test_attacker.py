# SPDX-License-Identifier: ISC
"""Somebody runs code of his own in one of the roles: how far he gets. Not
under sanitizers: their runtime needs calls that nobody else may make."""
import os
import pathlib
import poplib
import re
import signal
import time

import pytest

import servers
import wires

ATTACKER = servers.BUILD / "tests" / "attacker" / "restanted-attacker"
SIGSYS = 31


@pytest.fixture
def victim(place, request):
    server = servers.Restanted(place)
    server.program_file = ATTACKER
    request.node.server = server
    server.start()
    yield server
    server.program.stop()


def attack(server, call):
    """What the session process answers, "" when it is dead."""
    store = next(p for n, p in server.roles().items() if n.startswith("store"))
    with wires.Wire(server.pop3_port) as wire:
        wire.line()
        try:
            return wire.ask(f"X-ATTACK {call} {store}")
        except ConnectionResetError:
            return ""


@pytest.mark.parametrize("call", [
    "open", "openat", "connect", "execve", "ptrace", "kill", "tgkill",
    "read-memory", "fork", "execute-memory"])
def test_a_call_that_only_an_attacker_makes_kills(victim, call):
    before = victim.roles()
    assert attack(victim, call) == ""
    start = time.monotonic()
    died = servers.until(lambda: re.findall(
        r"role-died role=session number=(\d+) pid=(\d+) signal=(\d+)",
        victim.program.text()), what="the death of the session process")
    number, pid, by = died[0]
    assert len(died) == 1 and int(by) == SIGSYS
    name = f"session {number}"
    assert before[name] == int(pid)
    after = servers.until(
        lambda: r if (r := victim.roles()).keys() == before.keys()
        and r[name] != before[name] else None, what="a new session process")
    client = wires.pop3s(victim)
    print(f"back after {time.monotonic() - start:.3f} s")
    assert client.stat()[0] == 2
    client.quit()
    del before[name], after[name]
    assert after == before


def test_who_says_nonsense_is_ended(victim):
    """A malformed message costs the process that sent it, and no other; the
    link between the roles is there again."""
    before = victim.roles()
    assert attack(victim, "malformed") in ("", "+OK SUCCEEDED ")
    died = servers.until(lambda: re.findall(
        r"role-malformed role=session number=(\d+) told-by=(\w+) "
        r"ended=(\w+)", victim.program.text()), what="the line in the log")
    assert {ended for _, _, ended in died} == {"session"}
    number = died[0][0]
    after = servers.until(
        lambda: r if (r := victim.roles()).keys() == before.keys()
        and r[f"session {number}"] != before[f"session {number}"] else None,
        what="a new session process")
    client = servers.until(lambda: enters(victim), what="a login")
    assert client.stat()[0] == 2
    client.quit()
    del before[f"session {number}"], after[f"session {number}"]
    assert after == before


def enters(server):
    try:
        return wires.pop3s(server)
    except (OSError, EOFError, poplib.error_proto):
        return None


# The n-th at the real-time signal n.
CALLS = re.findall(r'\{"(\S+)", attack_', (
    servers.ROOT / "tests" / "attacker" / "attacker.c").read_text())
# These read files of their own: others Landlock keeps from them.
READERS = {"auth 0", "store 0"}


def works(server):
    """A login with TLS, which all but web have a part in, and web."""
    try:
        client = wires.pop3s(server)
        is_there = client.stat()[0] == 2
        client.quit()
    except (OSError, poplib.error_proto):
        return False
    return is_there and server.ctl("status", ok=(0, 69)).returncode == 0


def is_kept_from_files(server, said):
    servers.until(lambda: "attack open " in server.program.text()[said:],
                  what="the refusal")
    # ENOENT: its root is a folder of its own.
    return re.search(r"^attack open (EACCES|ENOENT)$",
                     server.program.text()[said:], re.M)


@pytest.mark.parametrize("role", ["auth 0", "store 0", "web 0", "key 0"])
def test_every_other_role_is_killed_too(victim, role):
    """By each call that only an attacker makes; and the server is back."""
    parent = victim.pid
    # Until then they may not be confined yet.
    servers.until(lambda: works(victim), what="the server to work")
    for call in ("open", "connect", "execve", "ptrace", "kill"):
        before = victim.roles()
        said = len(victim.program.text())
        os.kill(before[role], signal.SIGRTMIN + CALLS.index(call))
        start = time.monotonic()
        if call == "open" and role in READERS:
            assert is_kept_from_files(victim, said)
            assert victim.roles() == before
            continue
        servers.until(lambda: f"pid={before[role]} signal={SIGSYS}" in
                      victim.program.text()[said:], what=f"death by {call}")
        after = servers.until(
            lambda: r if (r := victim.roles()).keys() == before.keys()
            and r[role] != before[role] else None, what=f"a new {role}")
        servers.until(lambda: works(victim), what="the server to work")
        print(f"{role}: {call}: works after {time.monotonic() - start:.3f} s")
        assert "attack " not in victim.program.text()[said:]
        del before[role], after[role]
        assert after == before and victim.pid == parent


def test_an_unknown_call_is_refused_and_told(victim):
    before = victim.roles()
    assert attack(victim, "socket") == "+OK failed EPERM"
    servers.until(lambda: "syscall-refused name=socket" in
                  victim.program.text(), what="the line in the log")
    # Once is enough.
    assert attack(victim, "socket") == "+OK failed EPERM"
    assert victim.roles() == before


def test_every_role_is_confined(server):
    for name, pid in server.roles().items():
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        assert re.search(r"^Seccomp:\t2$", status, re.M), name
        assert re.search(r"^NoNewPrivs:\t1$", status, re.M), name
        # All threads of it, not the first alone.
        for thread in os.listdir(f"/proc/{pid}/task"):
            status = pathlib.Path(
                f"/proc/{pid}/task/{thread}/status").read_text()
            assert re.search(r"^Seccomp:\t2$", status, re.M), (name, thread)
