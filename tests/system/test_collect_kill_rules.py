# SPDX-License-Identifier: ISC
"""`restante` killed while rules part the mail among several places, and while
it learns new UIDLs: each message once, where it belongs."""
import hashlib
import random
import time

import pytest

import clients
import hostile
import mail
from hostile import Account, Server
from test_collect_kill_sinks import POINTS, STEP, run_and_kill, traced
from test_collect_rules import with_rules

MESSAGES = 24
KINDS = ("folder", "place", "mbox", "usual", "spam", "large")
BOTH = pytest.mark.parametrize("keep", ["yes", "no"])


def post(count):
    """In turn: each kind has a rule but one."""
    return [(f"u{n}", mail.plain(
        f"{KINDS[n % len(KINDS)]} {n} ends", b"x" * (5000 if
        KINDS[n % len(KINDS)] == "large" else 10) + b"\r\n"))
        for n in range(count)]


def account_of(place, server, keep):
    account = Account(place, server, keep=keep)
    with_rules(
        account,
        ("large", {"larger_than": "4KiB", "action": "skip"}),
        ("spam", {"header": "Subject: spam *", "action": "delete"}),
        ("folder", {"header": "Subject: folder *", "folder": "a/b"}),
        ("place", {"header": "Subject: place *",
                   "maildir": place / "other"}),
        ("mbox", {"header": "Subject: mbox *", "mbox": place / "mbox"}))
    return account


def files(path):
    return sorted(p.read_bytes() for p in clients.maildir_files(path))


def check(place, account, server, keep, sent):
    """To the end, and once more."""
    account.fetch()
    assert account.fetch()["stored_messages"] == 0

    def of(kind):
        return sorted(o for _, o in sent if f"Subject: {kind} ".encode() in o)

    assert files(account.mail) == of("usual")
    assert files(account.mail / ".a.b") == of("folder")
    assert files(place / "other") == of("place")
    text = (place / "mbox").read_bytes()
    for octets in of("mbox"):
        subject = octets.split(b"\r\n")[2]
        assert text.count(subject) == 1, subject
    left = sorted(o for _, o in server.mail)
    assert left == (of("large") if keep == "no" else sorted(
        o for _, o in sent if b"Subject: spam" not in o))


@BOTH
def test_kill_at_random(place, keep):
    sent, generator = post(MESSAGES), random.Random(keep)
    with Server(sent) as server:
        began = time.monotonic()
        check(place, account_of(place, server, keep), server, keep, sent)
        longest = time.monotonic() - began
    killed = 0
    for point in range(POINTS):
        here = place / str(point)
        here.mkdir()
        with Server(sent) as server:
            account = account_of(here, server, keep)
            while run_and_kill(account, generator.uniform(0, longest)):
                killed += 1
            check(here, account, server, keep, sent)
    assert killed > 0
    print(f"rules, keep = {keep}: {killed} kills at {POINTS} points, "
          "lost 0, duplicated 0")


@BOTH
def test_kill_after_system_calls(place, keep):
    if hostile.is_sanitized():
        pytest.skip("the sanitizers' own calls are not those of restante")
    sent = post(len(KINDS))
    points, number = 0, 1 + random.Random(keep).randrange(STEP)
    while True:
        here = place / str(number)
        here.mkdir()
        with Server(sent) as server:
            account = account_of(here, server, keep)
            if not traced(account, number):
                break
            check(here, account, server, keep, sent)
        points, number = points + 1, number + STEP
    assert points > 40 / STEP
    print(f"rules, keep = {keep}: {points} calls, lost 0, duplicated 0")


def with_headers_alone(place, server, keep):
    account = Account(place, server, keep=keep)
    with_rules(account, ("all", {"larger_than": "1", "action": "headers"}))
    account.fetch()
    assert all(b"Header-Only" in o for o in account.filed())
    return account


@BOTH
def test_kill_while_the_rest_comes(place, keep):
    """Each message whole once and no header beside it, whatever a reader and
    other runs do in between."""
    if hostile.is_sanitized():
        pytest.skip("the sanitizers' own calls are not those of restante")
    sent = post(3)
    points, number = 0, 1 + random.Random(keep).randrange(STEP)
    while True:
        here = place / str(number)
        here.mkdir()
        with Server(sent) as server:
            account = with_headers_alone(here, server, keep)
            if number % 2:
                account.read_all()
            if not traced(account, number, "--bodies"):
                break
            account.read_all()
            account.fetch()
            account.fetch(0, "--bodies")
            assert account.fetch(0, "--bodies")["stored_messages"] == 0
            assert sorted(account.filed()) == sorted(o for _, o in sent)
            assert len(server.mail) == (3 if keep == "yes" else 0)
        points, number = points + 1, number + STEP
    assert points > 40 / STEP
    print(f"headers, keep = {keep}: {points} calls, lost 0, duplicated 0")


def test_kill_while_uidls_change(place):
    """All or nothing of them is learned; nothing comes twice."""
    sent = [(f"u{n}", mail.plain(f"number {n}")) for n in range(MESSAGES)]
    generator, killed = random.Random(7), 0
    with Server(sent) as server:
        account = Account(place, server)
        _, longest = hostile.elapsed(account.fetch)
        for turn in range(POINTS):
            server.mail = [
                (hashlib.md5(octets + b"%d" % turn).hexdigest().encode(),
                 octets) for _, octets in sent]
            while run_and_kill(account, generator.uniform(0, longest)):
                killed += 1
            assert account.fetch()["stored_messages"] == 0
            assert len(account.filed()) == MESSAGES
    print(f"new UIDLs: {killed} kills, lost 0, duplicated 0")
