# SPDX-License-Identifier: ISC
import pathlib
import shutil
import tempfile

import pytest

import pairs
import servers


@pytest.fixture
def place():
    """A folder that the roles' users may enter; short, for Unix sockets."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="restante-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def server(place, request):
    """A demo server where alice and bob have no mail."""
    server = servers.Restanted(place)
    request.node.server = server  # for the report, also of a failed start
    try:
        server.start()
        server.empty("alice")
        server.empty("bob")
        yield server
    finally:
        server.stop()


@pytest.fixture
def post(place, request):
    """A demo server that is not running, to be started with certificates."""
    post = pairs.Post(place)
    request.node.server = post.server
    yield post
    post.stop()


@pytest.fixture
def dovecot(place):
    if not servers.installed("dovecot"):
        pytest.skip("dovecot is not installed")
    server = servers.Dovecot(place).start()
    yield server
    server.stop()


@pytest.fixture
def client(request):
    """The name of a program the test is marked to need."""
    if not servers.installed(request.param):
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of the servers' logs."""
    outcome = yield
    report = outcome.get_result()
    server = getattr(item, "server", None) if report.failed else None
    if server and server.program and server.program.log_file.exists():
        report.sections.append(("restanted", server.program.text()[-6000:]))
