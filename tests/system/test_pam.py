# SPDX-License-Identifier: ISC
"""Accounts of PAM, with the real libpam and modules of Debian: pam_pwdfile has
the passwords, pam_unix those of a user that is made for the test."""
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

import mail
import servers
import wires

CONFIG = """
[server]
hostname = localhost
state = {place}/demo/state
mail = {place}/demo/mail/%u
log = stderr
log-level = debug
session-processes = 1
{users}
[auth]
backends = {backends}
plaintext-without-tls = yes
[pam]
folder = {place}/pam.d
may-read = {place}
{pam}
[listener pop3]
address = 127.0.0.1:{pop3}
[listener lmtp]
address = 127.0.0.1:{lmtp}
"""
# Numbers that no user of this machine has.
USERS = """user = 61701
auth-user = 61702
session-user = 61703
web-user = 61704
key-user = 61705
lookup-user = 61706
"""
# A FIFO in place of the file is a module that hangs.
PWDFILE = "auth required pam_pwdfile.so pwdfile={place}/passwords\n" \
          "account required pam_permit.so\n"


class Pam:
    def __init__(self, place, backends="sqlite, pam", pam="", stack=PWDFILE):
        self.place = place
        (place / "demo").mkdir()
        (place / "pam.d").mkdir()
        self.passwords(anna="geheim")
        self.stack(stack)
        base = servers.free_base((110, 24))
        config = place / "restante.conf"
        config.write_text(CONFIG.format(
            place=place, backends=backends, pam=pam,
            users=USERS if os.geteuid() == 0 else "",
            pop3=base + 110, lmtp=base + 24))
        self.server = servers.Restanted(place, base, config,
                                        dict(pop3=110, lmtp=24))

    def passwords(self, **users):
        lines = [user + ":" + servers.run("openssl", "passwd", "-6", word)
                 .stdout.decode() for user, word in users.items()]
        (self.place / "passwords").write_text("".join(lines))

    def stack(self, text):
        (self.place / "pam.d" / "restante").write_text(
            text.format(place=self.place))

    def start(self):
        self.server.start()
        self.server.ctl("user", "add", "alice", "--password-stdin",
                        input=b"demo\n")
        return self

    def login(self, user, password):
        """The reply to PASS, and how long it took."""
        with wires.Wire(self.server.pop3_port) as wire:
            wire.line()
            wire.ask(f"USER {user}")
            start = time.monotonic()
            reply = wire.ask(f"PASS {password}")
            took = time.monotonic() - start
            if reply.startswith("+OK"):
                wire.ask("QUIT")
            return reply, took

    def denied(self, user, password):
        """Refused, and forgiven: the next need not wait."""
        reply, took = self.login(user, password)
        self.server.ctl("forgive", "127.0.0.1")
        # At a multiple of the step, whoever was asked.
        return reply.startswith("-ERR [AUTH]") and took >= 0.24

    def enters(self, user, password):
        return self.login(user, password)[0].startswith("+OK")

    def log(self):
        return self.server.program.text()

    def pid(self):
        return self.server.roles().get("lookup 0")

    def recipient(self, name):
        with wires.Lmtp(self.server.lmtp_port) as lmtp:
            lmtp.command("MAIL FROM:<ruth@example.org>")
            return lmtp.command(f"RCPT TO:<{name}>")[0]


@pytest.fixture
def pam(place, request):
    made = []

    def make(**how):
        made.append(Pam(place, **how))
        request.node.server = made[0].server
        return made[0].start()
    yield make
    for each in made:
        each.server.stop()


@pytest.fixture
def user():
    """A user of the system with a password, for as long as the test runs."""
    if os.geteuid() != 0:
        pytest.skip("needs_root: to make a user")
    name = f"rst{os.getpid()}"
    servers.run("useradd", "--no-create-home", "--shell", "/usr/sbin/nologin",
                name)
    try:
        servers.run("chpasswd", input=f"{name}:geheim\n".encode())
        yield name
    finally:
        servers.run("userdel", name)


@pytest.mark.sanitize
def test_a_password_of_pam(pam):
    pam = pam()
    assert pam.enters("anna", "geheim")
    assert pam.denied("anna", "falsch")
    assert pam.denied("otto", "geheim")
    assert pam.denied("alice", "falsch")
    assert re.search(r"auth-failed id=\S+ addr=\S+ user=\"otto\"", pam.log())
    assert "geheim" not in pam.log() and "falsch" not in pam.log()
    # The other source is asked first, and has its own password.
    assert pam.enters("alice", "demo")
    assert "lookup" in pam.server.ctl("status").stdout.decode()


def test_the_first_that_knows_a_name_decides(pam):
    pam = pam()
    pam.passwords(alice="other", anna="geheim")
    assert pam.denied("alice", "other")
    assert pam.enters("alice", "demo")


def test_denied_by_the_account_stack(pam):
    pam = pam(stack="auth required pam_permit.so\n"
                    "account required pam_deny.so\n")
    assert pam.denied("anna", "geheim")
    pam.stack("auth required pam_permit.so\naccount required pam_permit.so\n")
    assert pam.enters("anna", "geheim")


def test_what_was_right_is_known_for_a_while(pam):
    pam = pam(pam="cache = 1h")
    assert pam.enters("anna", "geheim")
    pam.passwords(anna="new")
    assert pam.enters("anna", "geheim")
    assert pam.enters("anna", "new")


def test_without_a_cache_pam_is_asked_each_time(pam):
    pam = pam(pam="cache = 0")
    assert pam.enters("anna", "geheim")
    pam.passwords(anna="new")
    assert pam.denied("anna", "geheim")
    # What was wrong a moment ago is asked for again.
    pam.passwords(anna="geheim")
    assert pam.enters("anna", "geheim")


def test_a_broken_module_is_temporary(pam):
    pam = pam()
    pam.stack("auth required pam_no_such_module.so\n")
    assert pam.login("anna", "geheim")[0].startswith("-ERR [SYS/TEMP]")
    assert "lookup user=\"anna\"" in pam.log()
    assert pam.enters("alice", "demo")


def test_a_module_that_hangs(pam):
    """[SYS/TEMP] to all that wait; when no thread is left the role is started
    anew, and those whom others know never notice."""
    pam = pam(pam="timeout = 1s\nthreads = 2\ncache = 0")
    assert pam.enters("anna", "geheim")
    first = pam.pid()
    (pam.place / "passwords").unlink()
    os.mkfifo(pam.place / "passwords")
    assert pam.login("anna", "geheim")[0].startswith("-ERR [SYS/TEMP]")
    assert pam.pid() == first
    assert pam.enters("alice", "demo")
    assert pam.login("anna", "geheim")[0].startswith("-ERR [SYS/TEMP]")
    assert pam.enters("alice", "demo")
    second = servers.until(
        lambda: p if (p := pam.pid()) not in (None, first) else None,
        what="another role")
    assert "lookup-stuck what=password" in pam.log()
    (pam.place / "passwords").unlink()
    pam.passwords(anna="geheim")
    servers.until(lambda: pam.enters("anna", "geheim"), what="a login")
    assert pam.pid() == second


def test_the_role_dies(pam):
    pam = pam(pam="cache = 0\ntimeout = 60s")
    (pam.place / "passwords").unlink()
    os.mkfifo(pam.place / "passwords")
    with wires.Wire(pam.server.pop3_port) as wire:
        wire.line()
        wire.ask("USER anna")
        wire.send(b"PASS geheim\r\n")
        # Asked, and without an answer.
        servers.until(lambda: is_reading(pam.pid(), pam.place / "passwords"),
                      what="the module to read")
        os.kill(pam.pid(), signal.SIGKILL)
        assert wire.line().startswith(b"-ERR [SYS/TEMP]")
    (pam.place / "passwords").unlink()
    pam.passwords(anna="geheim")
    servers.until(lambda: pam.enters("anna", "geheim"), what="a login")


def is_reading(pid, path):
    """Is a thread opening the FIFO? It waits in open(2)."""
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            if "wait_for_partner" in (thread / "wchan").read_text():
                return True
            call = (thread / "syscall").read_text().split()
        except OSError:
            continue
        # openat, or open
        if call[0] in ("257", "2", "56"):
            return True
    return False


def test_mail_for_users_of_the_system(pam, user):
    pam = pam(pam="first-uid = 500\ntimeout = 1s")
    assert pam.recipient(user) == 250
    assert pam.recipient(f"{user}@localhost") == 250
    assert pam.recipient(f"{user}+lists") == 250
    assert pam.recipient("alice") == 250
    assert pam.recipient("anna") == 550
    assert pam.recipient("root") == 550
    pam.server.lmtp(mail.plain("to a user"), user)
    os.kill(pam.pid(), signal.SIGSTOP)
    try:
        assert pam.recipient("alice") == 250
        assert pam.recipient("anna") == 451
    finally:
        os.kill(pam.pid(), signal.SIGCONT)


def test_pam_unix(pam, user):
    pam = pam(stack="auth required pam_unix.so\n"
                    "account required pam_unix.so\n",
              pam="group = shadow\ncache = 0")
    assert pam.enters(user, "geheim")
    assert pam.denied(user, "falsch")
    # Not a user of the system, whatever his password.
    assert pam.denied("root", "geheim")
    status = pathlib.Path(f"/proc/{pam.pid()}/status").read_text()
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M)
    assert re.search(r"^CapEff:\t0+$", status, re.M)
    assert re.search(r"^Seccomp:\t2$", status, re.M)
    assert re.search(r"^Uid:\t61706\t61706\t61706\t61706$", status, re.M)
    servers.run("chage", "-E", "0", user)
    assert pam.denied(user, "geheim")


def test_pam_unix_first_asks_the_system(pam, user):
    """Before the others PAM has who is a user of the system, and nobody else."""
    pam = pam(backends="pam, sqlite", pam="cache = 0\nfirst-uid = 500\n"
              "group = shadow",
              stack="auth required pam_unix.so\naccount required pam_unix.so\n")
    assert pam.enters(user, "geheim")
    assert pam.enters("alice", "demo")
    pam.server.ctl("user", "add", user, "--password-stdin", input=b"demo\n")
    assert pam.denied(user, "demo")
    assert pam.enters(user, "geheim")


def test_pam_unix_without_its_group_is_temporary(pam, user):
    """Its helper cannot be started, and that is not the user's fault."""
    pam = pam(stack="auth required pam_unix.so\naccount required pam_unix.so\n")
    assert pam.login(user, "geheim")[0].startswith("-ERR [SYS/TEMP]")
    assert "a module wants to start a program" in pam.log()
    # What the administrator needs to see is no alarm here; the line comes by
    # another thread, perhaps later.
    servers.until(lambda: "syscall-refused" in pam.log(), what="its line")
    pam.server.program.log_file.write_text("")


def test_what_the_role_holds_is_not_swapped(pam):
    pam = pam()
    assert pam.enters("anna", "geheim")
    locked, anonymous = servers.locked_memory(pam.pid())
    assert locked >= anonymous


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into the "
                    "roles")
def test_what_the_role_cannot_do(pam):
    pam = pam()
    pam.enters("anna", "geheim")
    held = [os.readlink(link) for link in pathlib.Path(
        f"/proc/{pam.pid()}/fd").iterdir()]
    assert not [path for path in held if "/demo/" in path]


def test_no_service_file_stops_the_start(place):
    made = Pam(place)
    (place / "pam.d" / "restante").unlink()
    done = subprocess.run(
        [servers.BUILD / "restanted", "-c", made.server.config_file],
        capture_output=True, timeout=60)
    assert done.returncode == 78
    assert b"pam.d/restante" in done.stderr and b"[pam] service" in done.stderr
    done = servers.run(servers.BUILD / "restanted", "-n", "-c",
                       made.server.config_file, ok=(78,))
    assert b"pam.d/restante" in done.stderr


def test_without_pam_there_is_no_such_role(server):
    assert not [name for name in server.roles() if name.startswith("lookup")]
