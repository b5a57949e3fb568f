# SPDX-License-Identifier: ISC
"""script/server: what somebody runs first."""
import os
import re
import signal
import socket
import subprocess

import pytest

import mail
import servers

SCRIPT = servers.ROOT / "script" / "server"


@pytest.fixture(autouse=True)
def needs_curl():
    if not servers.installed("curl"):
        pytest.skip("curl is not installed")


def collected(output):
    """(messages, octets) that the script says it collected."""
    said = re.search(r"^Collected with curl: (\d+) messages, (\d+) octets\.$",
                     output, re.M)
    assert said, output
    return int(said[1]), int(said[2])


def test_check_twice_on_one_folder(place):
    base = servers.free_base()
    directory = place / "office"
    command = [SCRIPT, "--check", "--port-base", base, directory]
    output = servers.run(*command).stdout.decode()
    count, octets = collected(output)
    assert count == 7 and octets > mail.TEN_MIB
    assert "5 messages delivered to alice now" in output
    for words in ("curl --cacert", "openssl s_client", "mpop --host",
                  "restante account add", "restante fetch"):
        assert words in output
    assert servers.is_free(base + 995)
    output = servers.run(*command).stdout.decode()
    assert "0 messages delivered to alice now" in output
    assert collected(output) == (count, octets)


def test_ctrl_c_stops_the_server(place):
    base = servers.free_base()
    log = place / "script.log"
    with open(log, "wb") as out:
        script = subprocess.Popen(
            [SCRIPT, "--port-base", str(base), place / "office"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        servers.until(
            lambda: script.poll() is not None or
            "Stop with Ctrl-C" in log.read_text(), 60, "script/server")
        assert script.poll() is None, log.read_text()
        assert servers.greets(base + 110, b"+OK")
        os.killpg(script.pid, signal.SIGINT)
        assert script.wait(servers.STOP_SECONDS) == 0, log.read_text()
    finally:
        if script.poll() is None:
            script.terminate()
            script.wait(servers.STOP_SECONDS)
    assert servers.is_free(base + 110) and servers.is_free(base + 995)


def test_ports_of_somebody_else(place):
    base = servers.free_base()
    directory = place / "office"
    with socket.create_server(("127.0.0.1", base + 995)):
        done = servers.run(SCRIPT, "--check", "--port-base", base, directory,
                           ok=range(1, 128))
    said = done.stderr.decode()
    assert f"127.0.0.1:{base + 995}" in said and "--port-base" in said
    # Its ports must not stick to the folder.
    base = servers.free_base()
    output = servers.run(SCRIPT, "--check", "--port-base", base,
                         directory).stdout.decode()
    assert collected(output)[0] == 7 and f"127.0.0.1:{base + 995}" in output


def test_wrong_usage(place):
    for wrong in (["--frob"], ["one", "two"], ["--port-base"]):
        done = servers.run(SCRIPT, *wrong, ok=(64,), cwd=place)
        assert done.stderr.startswith(b"usage: script/server")
    assert list(place.iterdir()) == []
