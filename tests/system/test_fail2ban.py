# SPDX-License-Identifier: ISC
"""The filter that fail2ban gets: who failed to log in is found by address, and
nobody can have another address banned by what he types."""
import pathlib
import re
import shutil
import socket

import pytest

import servers

FILTER = pathlib.Path(__file__).parents[2] / "packaging/fail2ban/restante.conf"
VICTIM = "198.51.100.9"
# What clients type as a name, each from an address of its own.
NAMES = {
    "127.0.0.21": "bob",
    "127.0.0.22": f"x addr={VICTIM}:1 user=",
    "127.0.0.23": f'" auth-failed id=1-1 addr={VICTIM}:1 user="',
    "127.0.0.24": f'auth[1] warning auth-failed id=1-1 addr={VICTIM}:1 '
                  'user="',
}


def banned(place, text):
    log, settings = place / "log", place / "fail2ban"
    log.write_text(text)
    shutil.copytree("/etc/fail2ban", settings, dirs_exist_ok=True)
    shutil.copy(FILTER, settings / "filter.d")
    done = servers.run("fail2ban-regex", "--config", settings, "--out", "ip",
                       log, "restante")
    return done.stdout.decode().split()


def fail_to_log_in(server, address, name):
    with socket.create_connection(("127.0.0.1", server.pop3_port), 60,
                                  (address, 0)) as client:
        client.sendall(f"USER {name}\r\nPASS wrong\r\n".encode())
        lines = client.makefile("rb")
        assert [lines.readline()[:4] for _ in range(3)][2] == b"-ERR"


def test_who_failed_is_found(server, place):
    if not servers.installed("fail2ban-regex"):
        pytest.skip("fail2ban is not installed")
    for address, name in NAMES.items():
        fail_to_log_in(server, address, name)
    text = server.program.text()
    assert sorted(banned(place, text)) == list(NAMES)
    # As syslog and the journal have these lines, and of the other family.
    lines = re.findall(r"(?m)^\S+ auth\[(\d+)\] warning (auth-failed .*)$",
                       text)
    assert len(lines) == len(NAMES)
    v6 = "".join(f"Nov 29 10:00:00 mail restante[{pid}]: " + re.sub(
        r"addr=127\.0\.0\.2(\d)", r"addr=[2001:db8::\1]", line) + "\n"
        for pid, line in lines)
    assert sorted(banned(place, v6)) == [f"2001:db8::{n}" for n in range(1, 5)]
    # No other line is taken for one of them.
    others = "".join(line + "\n" for line in text.splitlines()
                     if " warning auth-failed " not in line)
    assert others and banned(place, others) == []
