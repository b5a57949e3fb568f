# SPDX-License-Identifier: ISC
"""restante killed, twice at once, and with servers that hang."""
import contextlib
import os
import re
import threading

import pytest

import clients
import hostile
import killing
import mail
import servers
import tracing
from hostile import Account, Server
from tracing import begins, ends

POINTS = 40


def three():
    return [(f"u{n}", mail.plain(f"number {n}")) for n in range(3)]


@pytest.mark.parametrize("keep", ["yes", "no"])
def test_killed_at_any_point(keep):
    """Nothing lost, nothing twice; script/kill-test does more of it."""
    killed, lost, duplicated = killing.kill_test(POINTS, keep)
    print(f"lost {lost}, duplicated {duplicated}")
    assert (lost, duplicated) == (0, 0)
    # Otherwise it was no test.
    assert killed >= POINTS * 3 / 4


@pytest.mark.parametrize("call", ["linkat", "fsync", "unlinkat", "fdatasync",
                                  "pwrite64", "sendto"])
def test_killed_at_every_call(call):
    """Before each link, each sync, each page of the ledger, each command."""
    if not servers.installed("strace"):
        pytest.skip("strace is not installed")
    sent, number, killed = killing.messages(3), 0, True
    while killed:
        number += 1
        killed, lost, duplicated = killing.at_call(
            sent, "no", call, number, with_reader=number % 2 == 0)
        assert (lost, duplicated) == (0, 0), number
    assert number > 3


# ---- power cuts ----

CALLS = "fsync,fdatasync,write,pwrite64,linkat,unlinkat,sendto"


def traced(account):
    """The system calls of one run."""
    file = account.place / "trace"
    servers.run("strace", "-f", "-y", "-s", "200", "-e", f"trace={CALLS}",
                "-o", file, *account.command(), env=account.environment())
    return tracing.parse(file)


@pytest.mark.parametrize("keep", ["yes", "no"])
def test_all_is_on_disk_before_dele_and_quit(place, keep):
    """Every file, then the folder's entries, then the ledger, and only then
    the server is told that it need not keep it."""
    if os.geteuid() != 0:
        pytest.skip("only root sees what a descriptor is of")
    if not servers.installed("strace"):
        pytest.skip("strace is not installed")
    with Server(three()) as server:
        account = Account(place, server, keep=keep)
        calls = traced(account)
    folder = re.escape(str(account.mail))
    written = ends(calls, rf"pwrite64\(\d+<{folder}/tmp/R")
    synced = ends(calls, rf"fsync\(\d+<{folder}/tmp/R", max(written))
    linked = ends(calls, rf"linkat\(\d+<{folder}/tmp>, .*<{folder}/new>")
    entered = ends(calls, rf"fsync\(\d+<{folder}/new>", max(linked))
    known = ends(calls, r"f(data)?sync\(\d+<[^>]*/ledger\.db-wal>",
                 min(entered))
    told = begins(calls, r'sendto\(\d+<[^>]*>, "(DELE|QUIT)')
    assert len(synced) == len(linked) == 3
    for sync, link in zip(synced, linked):
        assert sync < link
    assert max(linked) < min(entered) < min(known) < min(told)


# ---- several programs ----

@pytest.mark.sanitize
def test_two_at_once(place):
    """The second one goes, says why, and disturbs nothing."""
    is_in, may_go = threading.Event(), threading.Event()

    def retr(session, number):
        is_in.set()
        hostile.wait_for(may_go)
        return session.on_retr(number)

    with Server(three(), RETR=retr) as server:
        account = Account(place, server, keep="no")
        first = clients.restante_process(
            place, "-c", account.config, "fetch")
        hostile.wait_for(is_in)
        ended = account.fetch(ok=75)
        assert ended["outcome"] == "busy"
        assert "another restante is collecting" in ended["text"]
        assert len(server.sessions) == 1
        # The lines in the ledger are the first one's, which has not ended.
        assert clients.restante(
            place, "-c", account.config, "status").stdout.count(b"never") == 1
        may_go.set()
        assert first.wait(hostile.RUN_SECONDS) == 0
        assert len(account.filed()) == 3 and server.mail == []
        assert clients.restante(
            place, "-c", account.config, "status").stdout.count(b"good") == 1


@pytest.mark.sanitize
def test_two_accounts_in_one_maildir(place):
    """The same UIDLs, the same mail: both have theirs."""
    with Server(three()) as one, Server(three()) as two:
        account = Account(place, one, name="one", maildir=place / "Mail/all")
        Account(place, two, name="two", maildir=place / "Mail/all")
        account.fetch()
        account.fetch()
        account.mail = place / "Mail/all"
        assert len(account.filed()) == 6


@pytest.mark.sanitize
def test_twenty_at_once(place):
    """18 are collected while 2 hang, one before its greeting."""
    def hang(session, _):
        hostile.sleep_until_closed(session)

    with contextlib.ExitStack() as stack:
        accounts = []
        for n in range(20):
            instead = {5: {"greeting": hang}, 12: {"RETR": hang}}.get(n, {})
            server = stack.enter_context(Server(three(), **instead))
            accounts.append(Account(place, server, name=f"account{n}",
                                    timeout="3s", keep="no"))
        ended, seconds = hostile.elapsed(accounts[0].fetch, 75)
        order = [e for e in accounts[0].events if e["event"] == "ended"]
        assert [e["outcome"] for e in order] == ["ok"] * 18 + ["gone"] * 2
        assert {e["account"] for e in order[18:]} == {"account5", "account12"}
        assert seconds < 30
        for n, account in enumerate(accounts):
            assert len(account.filed()) == (0 if n in (5, 12) else 3)
