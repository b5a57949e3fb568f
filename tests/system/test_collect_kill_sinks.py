# SPDX-License-Identifier: ISC
"""restante, killed at any point and run again: nothing lost, nothing twice in a
Maildir or an mbox; elsewhere nothing lost, and only what was in flight again.

RESTANTE_KILL_POINTS: so many random points for each way (a few by default).
RESTANTE_KILL_CALLS=all: after each system call that writes, instead of a part.
"""
import os
import random
import signal
import subprocess
import time

import pytest

import hostile
import killing
import mail
from hostile import Account, Server
from targets import mbox_of

MESSAGES = 30
POINTS = int(os.environ.get("RESTANTE_KILL_POINTS", "4"))
STEP = 1 if os.environ.get("RESTANTE_KILL_CALLS") == "all" else 9
CALLS = ("write,pwrite64,fsync,fdatasync,link,linkat,unlink,unlinkat,rename,"
         "renameat,openat,close,ftruncate,sendto,mkdir,fcntl")

BOTH = pytest.mark.parametrize("keep", ["yes", "no"])
FILES = pytest.mark.parametrize("kind", ["maildir", "mbox"])


def numbered(count):
    return [(f"u{n}", mail.plain(f"number {n}", b"text\r\n" * n))
            for n in range(count)]


def account_of(place, server, kind, keep):
    return Account(place, server, keep=keep, deliver=kind,
                   mbox=place / "mbox")


def held(place, account, kind):
    if kind == "maildir":
        return sorted(account.filed())
    path = place / "mbox"
    text = path.read_bytes() if path.exists() else b""
    parts = text.split(mbox_of(b"").partition(b"\n")[0] + b"\n")[1:]
    return sorted(parts)


def wanted(kind, sent):
    if kind == "maildir":
        return sorted(octets for _, octets in sent)
    return sorted(mbox_of(octets).partition(b"\n")[2] for _, octets in sent)


def check(place, account, server, kind, keep, sent):
    """After runs that end well: exactly once, and gone when that was asked."""
    while account.fetch()["stored_messages"]:
        pass
    assert held(place, account, kind) == wanted(kind, sent)
    assert len(server.mail) == (len(sent) if keep == "yes" else 0)


def run_and_kill(account, seconds):
    """False: it ended before."""
    process = subprocess.Popen(
        list(map(str, account.command())), env=account.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True


@BOTH
def test_kill_at_random(place, keep):
    """Into a Maildir: test_collect_kill.py."""
    kind, sent = "mbox", numbered(MESSAGES)
    generator = random.Random(f"{kind} {keep}")
    with Server(sent) as server:
        began = time.monotonic()
        account = account_of(place, server, kind, keep)
        check(place, account, server, kind, keep, sent)
        longest = time.monotonic() - began
    killed = 0
    for point in range(10 * POINTS):
        if point >= POINTS:
            if killed:
                break
            longest /= 2  # what was measured first was a slow moment
        here = place / str(point)
        here.mkdir()
        with Server(sent) as server:
            account = account_of(here, server, kind, keep)
            # Again and again, until a run comes through.
            while run_and_kill(account, generator.uniform(0, longest)):
                killed += 1
            check(here, account, server, kind, keep, sent)
    assert killed > 0
    print(f"{kind}, keep = {keep}: {killed} kills at {POINTS} points, "
          f"lost 0, duplicated 0")


def traced(account, number, *more):
    """Killed at the system call of this number of any of its threads; False:
    none got as far."""
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={CALLS}",
         "-e", f"inject={CALLS}:signal=KILL:when={number}",
         *map(str, account.command(*more))],
        env=account.environment(), stdin=subprocess.DEVNULL,
        capture_output=True, timeout=hostile.RUN_SECONDS)
    return done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)


@FILES
@BOTH
def test_kill_after_each_system_call(place, kind, keep):
    if hostile.is_sanitized():
        pytest.skip("the sanitizers' own calls are not those of restante")
    sent = numbered(2)
    points, number = 0, 1 + random.Random(kind + keep).randrange(STEP)
    while True:
        here = place / str(number)
        here.mkdir()
        with Server(sent) as server:
            account = account_of(here, server, kind, keep)
            if not traced(account, number):
                break
            check(here, account, server, kind, keep, sent)
        points, number = points + 1, number + STEP
    assert points > 40 / STEP
    print(f"{kind}, keep = {keep}: {points} calls, lost 0, duplicated 0")


@BOTH
@pytest.mark.parametrize("sink", ["lmtp", "smtp", "pipe", "imap"])
def test_kill_while_handing_on(sink, keep):
    """Nothing lost; of each kill at most one message comes again, and none into
    an IMAP mailbox, which is searched."""
    killed, lost, again = killing.kill_test(POINTS, keep, number=12, sink=sink)
    assert lost == 0 and killed > 0
    assert again == 0 or killing.SINKS[sink].may_repeat
    print(f"{sink}, keep = {keep}: {killed} kills, lost 0, {again} again")
