# SPDX-License-Identifier: ISC
"""What a service manager does, done by the test: notify, watchdog, sockets."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

import servers
import wires
from manager import Manager


def listening(address):
    """Not inherited unless it is passed: as after accept of systemd."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(address)
    sock.listen(64)
    return sock


def start(place, base, manager=None, sockets=(), watchdog_us=None,
          program=None):
    """Through a shell that knows its own pid, as LISTEN_PID asks."""
    environment = dict(os.environ)
    if manager:
        environment["NOTIFY_SOCKET"] = str(manager.path)
    if watchdog_us:
        environment["WATCHDOG_USEC"] = str(watchdog_us)
    numbers = [sock.fileno() for sock in sockets]
    moves = " ".join(f"{3 + i}<&{n}" for i, n in enumerate(numbers))
    script = f'LISTEN_PID=$$ LISTEN_FDS={len(numbers)} exec "$@" {moves}'
    return subprocess.Popen(
        ["bash", "-c", f"export LISTEN_PID LISTEN_FDS; {script}", "bash",
         str(program or servers.BUILD / "restanted"), "--demo", str(place / "demo"),
         "--port-base", str(base)],
        env=environment, pass_fds=numbers, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=open(place / "log", "ab"),
        start_new_session=True)


def stop(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait(servers.STOP_SECONDS) == 0


def test_notify(place):
    manager, base = Manager(place), servers.free_base()
    process = start(place, base, manager, watchdog_us=400_000)
    manager.wait_for("READY=1")
    # Ready means that a client is served now.
    assert servers.greets(base + 110, b"+OK")
    servers.until(lambda: manager.hear().count("WATCHDOG=1") >= 3,
                  what="the watchdog to be fed")
    process.send_signal(signal.SIGHUP)
    manager.wait_for("RELOADING=1")
    servers.until(lambda: manager.hear().count("READY=1") == 2,
                  what="the reload to end")
    stop(process)
    assert "STOPPING=1" in manager.hear()


def test_sockets_outlive_the_server(place):
    """Nobody is refused while the server is started anew."""
    base = servers.free_base()
    held = listening(("127.0.0.1", base + 110))
    process = start(place, base, sockets=[held])
    servers.until(lambda: servers.greets(base + 110, b"+OK"))
    stop(process)
    # The port is still open: this client only waits.
    waiting = socket.create_connection(("127.0.0.1", base + 110), 30)
    process = start(place, base, sockets=[held])
    assert waiting.recv(512).startswith(b"+OK")
    waiting.close()
    stop(process)
    held.close()


def session_of(process):
    """The pid of a session process, or None."""
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for pid in children.read_text().split():
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        if "session" in words:
            return int(pid)
    return None


def test_an_upgrade_refuses_nobody(place):
    """The program is replaced while it runs, and then started anew three
    times; meanwhile clients never stop to come."""
    base = servers.free_base()
    held = listening(("127.0.0.1", base + 110))
    program = place / "restanted"
    shutil.copy(servers.BUILD / "restanted", program)
    process = start(place, base, sockets=[held], program=program)
    servers.until(lambda: servers.greets(base + 110, b"+OK"))
    # As a package manager does it; the old image is still what roles are.
    shutil.copy(program, place / "new")
    os.replace(place / "new", program)
    old = session_of(process)
    os.kill(old, signal.SIGKILL)
    servers.until(lambda: session_of(process) not in (None, old))
    said, is_over = [], threading.Event()

    def call():
        while not is_over.is_set():
            try:
                with socket.create_connection(
                        ("127.0.0.1", base + 110), 30) as wire:
                    said.append(wire.recv(512)[:15])
                    wire.sendall(b"QUIT\r\n")
                    wire.recv(512)
            except OSError as error:
                said.append(error)
    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for _ in range(3):
        stop(process)
        process = start(place, base, sockets=[held], program=program)
        served = len(said)
        servers.until(lambda: len(said) > served + 20, what="clients")
    is_over.set()
    for caller in callers:
        caller.join()
    print(f"{len(said)} clients during 3 restarts")
    assert set(said) <= {b"+OK Restante at", b"-ERR [SYS/TEMP]"}, set(said)
    stop(process)
    held.close()


def test_a_parent_that_hangs_does_not_say_that_it_lives(place):
    manager = Manager(place)
    process = start(place, servers.free_base(), manager, watchdog_us=200_000)
    manager.wait_for("WATCHDOG=1")
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    before = manager.hear().count("WATCHDOG=1")
    time.sleep(1)
    assert manager.hear().count("WATCHDOG=1") == before
    process.send_signal(signal.SIGCONT)
    servers.until(lambda: manager.hear().count("WATCHDOG=1") > before)
    stop(process)


def test_a_socket_nobody_asked_for(place):
    base = servers.free_base()
    other = listening(("127.0.0.1", servers.free_port()))
    process = start(place, base, sockets=[other])
    servers.until(lambda: servers.greets(base + 110, b"+OK"))
    stop(process)
    assert b"sockets-unused" in (place / "log").read_bytes()
    other.close()


def test_units_of_a_user_are_right(place):
    """As systemd reads them; the program is where the test has it."""
    if not servers.installed("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    made = servers.BUILD / "packaging" / "systemd" / "user"
    given = servers.ROOT / "packaging" / "systemd" / "user"
    for unit in (made / "restante.service", made / "restante-fetch.service",
                 given / "restante-fetch.timer"):
        text = re.sub(r"=\S+/restante (?=fetch)",
                      f"={servers.BUILD / 'restante'} ", unit.read_text())
        (place / unit.name).write_text(text)
    # It wants somewhere to be a user's manager, not one that runs.
    done = servers.run(
        "systemd-analyze", "verify", "--user", "--man=no",
        place / "restante.service", place / "restante-fetch.timer",
        env={**os.environ, "XDG_RUNTIME_DIR": str(place)})
    assert str(place) not in done.stderr.decode(), done.stderr.decode()


def test_roles_hear_nothing_of_it(server):
    for pid in server.roles().values():
        with open(f"/proc/{pid}/environ", "rb") as file:
            assert b"NOTIFY_SOCKET" not in file.read()


def recorded_exposure():
    """{unit: figure}, as the page on the service manager has it."""
    page = servers.ROOT / "docs" / "decisions" / "service-manager.md"
    return {unit: float(figure) for unit, figure in re.findall(
        r"(?m)^\| (\S+\.service) \| ([\d.]+) \|$", page.read_text())}


def test_no_unit_is_more_exposed_than_recorded():
    if not servers.installed("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    units = servers.BUILD / "packaging" / "systemd"
    recorded = recorded_exposure()
    found = {str(path.relative_to(units)) for path in units.rglob("*.service")}
    assert found == recorded.keys()
    for unit, figure in recorded.items():
        done = servers.run("systemd-analyze", "security", "--offline=true",
                           "--no-pager", units / unit)
        score = re.search(rb"exposure level for \S+: ([\d.]+)", done.stdout)
        print(unit, score[1].decode())
        assert float(score[1]) <= figure, done.stdout.decode()
