# SPDX-License-Identifier: ISC
"""The processes: who they are, what they hold, what becomes of them."""
import concurrent.futures
import os
import pathlib
import poplib
import re
import signal
import time

import pytest

import mail
import servers
import wires

KILLS_SECONDS = 4
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="roles have their own users only under root")
# Without root the roles have the tests' user, but are not dumpable: /proc shows
# what they hold to root alone.
looks_inside = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may look into the roles")


def open_below(pid, directory):
    """{descriptor: path} of what a process has open below a folder."""
    found = {}
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            path = os.readlink(link)
        except FileNotFoundError:
            continue
        if path.startswith(f"{directory}/"):
            found[link.name] = path
    return found


def is_read_only(pid, descriptor):
    text = pathlib.Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text()
    flags = int(text.split("flags:")[1].split()[0], 8)
    return flags & os.O_ACCMODE == os.O_RDONLY


def owner_of(sock, server):
    """The session process that logged a connection in, by the server's log."""
    port = sock.getsockname()[1]
    line = servers.until(
        lambda: re.findall(rf"session-(\d+)\[(\d+)\] info login .*"
                           rf"addr=127\.0\.0\.1:{port} ",
                           server.program.text()), what="the login's line")
    number, pid = line[-1]
    name = f"session {number}"
    assert server.roles()[name] == int(pid)
    return name, int(pid)


def enters(server, user="alice"):
    """A client that is logged in, or None while that cannot be."""
    try:
        return wires.pop3s(server, user)
    except (OSError, EOFError, poplib.error_proto):
        return None


def session_pids(server):
    return {p for name, p in server.roles().items() if "session" in name}


def test_each_role_is_a_process(server):
    names = {name.split()[0] for name in server.roles()}
    assert names == {"session", "auth", "store", "web", "key"}
    ps = servers.run("ps", "-o", "args=", "--ppid", server.pid).stdout.decode()
    for name in names:
        assert f"--role {name}" in ps


@needs_root
def test_each_role_has_its_own_user(server):
    users = {}
    for name, pid in server.roles().items():
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        uids = status.split("Uid:")[1].split("\n")[0].split()
        assert len(set(uids)) == 1 and uids[0] != "0", name
        assert "NoNewPrivs:\t1" in status
        users.setdefault(name.split()[0], set()).add(uids[0])
    assert all(len(uids) == 1 for uids in users.values())
    assert len({min(uids) for uids in users.values()}) == 5


@needs_root
def test_secrets_are_not_swapped(server):
    """Of those that hold passwords and keys all memory is locked, also what
    came after the start."""
    assert wires.reply_to_login(server, "alice", "demo").startswith("+OK")
    for name, pid in server.roles().items():
        locked, anonymous = servers.locked_memory(pid)
        assert (locked >= anonymous) == (name.split()[0] in ("auth", "key"))


@needs_root
def test_session_cannot_reach_the_file_system(server):
    for pid in session_pids(server):
        root = os.readlink(f"/proc/{pid}/root")
        assert root != "/" and os.listdir(f"/proc/{pid}/root") == []


@looks_inside
def test_session_has_only_what_it_was_handed(server):
    server.lmtp(mail.plain("mine"), "alice")
    server.lmtp(mail.plain("not mine"), "bob")
    for pid in session_pids(server):
        assert open_below(pid, server.directory) == {}
    client = wires.pop3s(server)
    wires.octets(client, 1)
    _, pid = owner_of(client.sock, server)
    held = open_below(pid, server.directory)
    for descriptor, path in held.items():
        assert is_read_only(pid, descriptor), path
        assert "bob" not in path
        assert "accounts" not in path and "tls" not in path
    for other in session_pids(server) - {pid}:
        assert open_below(other, server.directory) == {}
    client.quit()
    servers.until(lambda: open_below(pid, server.directory) == {},
                  what="descriptors to be closed at the end of the session")


def test_kill_of_a_session_process(server):
    sent = mail.every_octet()
    server.lmtp(sent)
    before = server.roles()
    wire = wires.Wire(server.pop3_port)
    wire.line()
    wire.ask("USER alice")
    wire.ask("PASS demo")
    wire.send(b"RETR 1\r\n")
    assert wire.line().startswith(b"+OK")
    name, pid = owner_of(wire.socket, server)
    os.kill(pid, signal.SIGKILL)
    try:
        rest = wire.file.read()
    except ConnectionResetError:
        rest = b""
    assert not rest.endswith(b"\r\n.\r\n")
    # Well before the 30 s after which a lock counts as forgotten.
    client = servers.until(lambda: enters(server), 15, "a login after the kill")
    mail.same(wires.octets(client, 1), sent)
    client.quit()
    after = servers.until(
        lambda: r if (r := server.roles()).keys() == before.keys() else None,
        what="the role to be started again")
    assert after.pop(name) != before.pop(name)
    assert after == before


@pytest.mark.parametrize("role", ["auth", "store", "web", "key"])
def test_kill_of_another_role(server, role):
    server.lmtp(mail.plain("kept"))
    before = server.roles()
    pid = next(p for n, p in before.items() if n.startswith(role))
    os.kill(pid, signal.SIGKILL)
    client = servers.until(lambda: enters(server),
                           what=f"a login after the kill of {role}")
    assert client.stat()[0] == 1
    assert server.lmtp(mail.plain("more"))[1][0][0] == 250
    client.quit()
    after = servers.until(
        lambda: r if (r := server.roles()).keys() == before.keys() else None,
        what="the role to be started again")
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {name for name in before if before[name] == pid}


def test_store_dies_while_many_log_in(server):
    """What auth answers to a login that ended with the store is nobody's: no
    role may be taken for malformed."""
    before = {n: p for n, p in server.roles().items() if n.startswith("se")}
    ends = time.monotonic() + KILLS_SECONDS

    def log_in(user):
        entered = 0
        while time.monotonic() < ends:
            if client := enters(server, user):
                entered += 1
                client.close()
        return entered

    with concurrent.futures.ThreadPoolExecutor() as pool:
        logins = [pool.submit(log_in, user) for user in ("alice", "bob") * 3]
        while time.monotonic() < ends:
            for name, pid in server.roles().items():
                if name.startswith("store"):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.3)
        assert sum(done.result() for done in logins)
    assert before == {n: p for n, p in server.roles().items()
                      if n.startswith("se")}


def test_auth_dies_after_it_let_in(server):
    """Store opens for a login whose auth has gone: the session has refused it,
    and neither of them may be taken for malformed."""
    enters(server).close()  # auth knows the password: it takes no time
    before = server.roles()
    store, auth = (next(p for n, p in before.items() if n.startswith(role))
                   for role in ("store", "auth"))
    with wires.Wire(server.pop3_port) as wire:
        wire.line()
        wire.ask("USER alice")
        os.kill(store, signal.SIGSTOP)
        try:
            wire.send(b"PASS demo\r\n")
            time.sleep(0.5)  # the grant waits in front of the store
            os.kill(auth, signal.SIGKILL)
            assert wire.line().startswith(b"-ERR [SYS/TEMP]")
        finally:
            os.kill(store, signal.SIGCONT)
        # What is opened now is nobody's, also when another login comes.
        assert wire.line() == b""
    client = servers.until(lambda: enters(server), what="a login")
    client.quit()
    after = servers.until(
        lambda: r if (r := server.roles()).keys() == before.keys() else None,
        what="auth to be started again")
    assert {n for n in before if before[n] != after[n]} == \
        {n for n in before if before[n] == auth}


def test_login_while_auth_is_away_is_temporary(server):
    """Clients ask for a new password on [AUTH]: it must not be said here."""
    auth = next(p for n, p in server.roles().items() if n.startswith("auth"))
    wire = wires.Wire(server.pop3_port)
    wire.line()
    wire.ask("USER alice")
    os.kill(auth, signal.SIGKILL)
    reply = wire.ask("PASS demo")
    assert reply.startswith(("-ERR [SYS/TEMP]", "+OK")), reply


@pytest.mark.sanitize
def test_sigterm_says_so_and_deletes_nothing(server):
    server.lmtp(mail.plain("kept"))
    client = wires.pop3(server)
    client.dele(1)
    server.program.process.send_signal(signal.SIGTERM)
    assert client.file.readline().startswith(b"-ERR [SYS/TEMP]")
    assert client.file.readline() == b""
    assert server.program.process.wait(servers.STOP_SECONDS) == 0
    server.start()
    assert wires.pop3(server).stat()[0] == 1


def test_sigterm_in_a_long_reply_never_looks_like_its_end(server):
    sent = mail.every_octet()
    server.lmtp(sent)
    wire = wires.Wire(server.pop3_port)
    wire.line()
    wire.ask("USER alice")
    wire.ask("PASS demo")
    wire.send(b"RETR 1\r\n")
    announced = wire.line()
    assert announced.startswith(b"+OK")
    server.program.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    try:
        rest = wire.file.read()
    except ConnectionResetError:
        rest = b""
    body, end, after = rest.partition(b"\r\n.\r\n")
    if end:
        mail.same(body.replace(b"\r\n..", b"\r\n.") + b"\r\n", sent)
        assert after == b"" or after.startswith(b"-ERR [SYS/TEMP]")
    assert server.program.process.wait(servers.STOP_SECONDS) == 0
    server.start()


@pytest.mark.sanitize
def test_sighup_keeps_sessions_and_takes_a_new_certificate(server):
    server.lmtp(mail.plain("kept"))
    client = wires.pop3s(server)
    before = server.roles()
    old = client.sock.getpeercert(binary_form=True)
    servers.make_certificate(server.ca_file, server.ca_file.parent / "key.pem")
    server.program.process.send_signal(signal.SIGHUP)

    def new():
        with wires.Wire(server.pop3s_port,
                        wires.trust(server.ca_file)) as wire:
            return wire.socket.getpeercert(binary_form=True) != old

    def new_everywhere():
        try:
            return all(new() for _ in range(8))
        except OSError:
            return False
    servers.until(new_everywhere, 10, "the new certificate")
    assert client.stat()[0] == 1
    mail.same(wires.octets(client, 1), mail.plain("kept"))
    client.quit()
    assert server.roles() == before
