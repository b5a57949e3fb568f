# SPDX-License-Identifier: ISC
"""Starts and stops the servers that a test needs, each in a folder of its own,
on free loopback ports."""
import grp
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time

import wires

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("RESTANTE_BUILD", ROOT / "build"))
START_SECONDS = 30
STOP_SECONDS = 30
FIRST_PORT, WORKERS, WORKER_PORTS = 10000, 4, 5250
# What a sanitizer or a failed assertion leaves in a log.
ALARMS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer",
          "runtime error:",
          "Assertion `", "stack smashing",
          # The sandbox: a call that was not on the list, a role killed by it.
          "syscall-refused", " signal=31",
          # A role that did not say what it should.
          "role-malformed")


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_base(offsets=(110, 995, 24, 80)):
    """A base whose ports are free, below what the kernel gives to clients.
    Tests that run beside this one look elsewhere."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % WORKERS
    first = FIRST_PORT + worker * WORKER_PORTS
    while True:
        base = random.randrange(first, first + WORKER_PORTS - max(offsets))
        if all(is_free(base + o) for o in offsets):
            return base


def free_port():
    return free_base((0,))


def until(condition, seconds=START_SECONDS, what="condition"):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.02)
    return value


def greets(port, with_what):
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as probe:
            return probe.recv(512).startswith(with_what)
    except OSError:
        return False


def run(*command, ok=(0,), **more):
    more.setdefault("timeout", 120)
    done = subprocess.run([str(c) for c in command], capture_output=True,
                          **more)
    assert done.returncode in ok, (
        f"{command}: exit code {done.returncode}\n"
        f"{done.stdout[-2000:]!r}\n{done.stderr[-4000:]!r}")
    return done


class Program:
    """A process of ours in the foreground, stopped by its own pid."""

    def __init__(self, place, name, *command):
        self.log_file = place / f"{name}.log"
        self.log = open(self.log_file, "ab")
        self.process = subprocess.Popen(
            [str(c) for c in command], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, start_new_session=True)

    @property
    def pid(self):
        return self.process.pid

    def text(self):
        return self.log_file.read_text("utf-8", "replace")

    def has_ended(self):
        return self.process.poll() is not None

    def stop(self):
        """SIGTERM; the exit code."""
        if not self.has_ended():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not stop:\n{self.text()[-4000:]}")
        finally:
            self.log.close()


class Restanted:
    """`restanted --demo`, or with a configuration of its own."""

    def __init__(self, place, base=None, config=None, ports=None):
        self.place, self.config = place, config
        self.directory = place / "demo"
        self.base = base or free_base()
        offsets = ports or dict(pop3=110, pop3s=995, lmtp=24, web=80)
        for name in ("pop3", "pop3s", "lmtp", "web"):
            number = offsets.get(name)
            setattr(self, f"{name}_port", number and self.base + number)
        self.program = None
        self.program_file = BUILD / "restanted"

    def start(self):
        command = (["-c", self.config] if self.config else
                   ["--demo", self.directory, "--port-base", self.base])
        self.program = Program(self.place, "restanted", self.program_file,
                               *command)
        until(self._answers, what="restanted to answer")
        return self

    def _answers(self):
        assert not self.program.has_ended(), self.program.text()
        return (greets(self.pop3_port, b"+OK")
                and greets(self.lmtp_port, b"220"))

    def stop(self):
        code = self.program.stop()
        text = self.program.text()
        for alarm in ALARMS:
            assert alarm not in text, text
        assert code == 0, text[-4000:]

    def restart(self):
        self.stop()
        return self.start()

    @property
    def pid(self):
        return self.program.pid

    @property
    def ca_file(self):
        return self.directory / "state" / "tls" / "certificate.pem"

    @property
    def config_file(self):
        return self.config or self.directory / "restante.conf"

    def roles(self):
        """{"session 0": pid, ...} of the parent's children."""
        found = {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = stat.read_text().rpartition(")")[2].split()[1]
                words = (stat.parent / "cmdline").read_text().split("\0")
            except OSError:
                continue
            if int(parent) == self.pid and "--role" in words:
                name = words[words.index("--role") + 1]
                number = words[words.index("--number") + 1]
                found[f"{name} {number}"] = int(stat.parent.name)
        return found

    def ctl(self, *arguments, ok=(0,), **more):
        return run(BUILD / "restantectl", "-c", self.config_file, *arguments,
                   ok=ok, **more)

    def lmtp(self, octets, *recipients):
        return wires.lmtp(self.lmtp_port, octets, *recipients or ("alice",))

    def empty(self, user="alice"):
        client = wires.pop3s(self, user)
        for n in range(client.stat()[0]):
            client.dele(n + 1)
        client.quit()


class Dovecot:
    """A private Dovecot with POP3 and POP3S for alice, password demo."""

    def __init__(self, place):
        self.place = place / "dovecot"
        self.pop3_port, self.pop3s_port = free_port(), free_port()
        self.mail = self.place / "mail"
        self.ca_file = self.place / "certificate.pem"
        self.program = None

    def _config(self):
        if os.geteuid() == 0:
            owner = pwd.getpwnam("nobody")
            names = ""
        else:
            owner = pwd.getpwuid(os.geteuid())
            group = grp.getgrgid(os.getegid()).gr_name
            names = (f"default_internal_user = {owner.pw_name}\n"
                     f"default_login_user = {owner.pw_name}\n"
                     f"default_internal_group = {group}\n")
        chroot = "" if os.geteuid() == 0 else "chroot =\n"
        return f"""
base_dir = {self.place}/run
state_dir = {self.place}/state
log_path = {self.place}/log
listen = 127.0.0.1
protocols = pop3
default_vsz_limit = 2G
{names}
first_valid_uid = 1
first_valid_gid = 1
disable_plaintext_auth = no
mail_location = maildir:{self.mail}
mailbox_list_index = no
ssl = yes
ssl_cert = <{self.ca_file}
ssl_key = <{self.place}/key.pem
passdb {{
  driver = passwd-file
  args = {self.place}/users
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={self.place}/home
}}
service pop3-login {{
  {chroot}
  inet_listener pop3 {{
    port = {self.pop3_port}
  }}
  inet_listener pop3s {{
    port = {self.pop3s_port}
    ssl = yes
  }}
}}
service anvil {{
  {chroot}
}}
service stats {{
  {chroot}
}}
"""

    def start(self):
        for name in ("mail/cur", "mail/new", "mail/tmp", "home"):
            (self.place / name).mkdir(parents=True)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("nobody")
            for path in (self.mail, *self.mail.iterdir(), self.place / "home"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        make_certificate(self.ca_file, self.place / "key.pem")
        (self.place / "users").write_text("alice:{PLAIN}demo\n")
        config = self.place / "dovecot.conf"
        config.write_text(self._config())
        self.program = Program(self.place, "dovecot", "/usr/sbin/dovecot",
                               "-F", "-c", config)
        until(self._answers, what="dovecot to answer")
        return self

    def _answers(self):
        log = self.place / "log"
        assert not self.program.has_ended(), (
            self.program.text() + (log.read_text() if log.exists() else ""))
        return greets(self.pop3_port, b"+OK")

    def put(self, octets, number):
        """One more message in the mailbox, byte for byte."""
        path = self.mail / "new" / f"{1700000000 + number}.M{number}.test"
        path.write_bytes(octets)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("nobody")
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def stop(self):
        self.program.stop()


def make_certificate(certificate, key, names=("localhost",), days=30):
    """For these names and this machine; it is its own authority."""
    alternatives = [f"DNS:{name}" for name in names] + ["IP:127.0.0.1"]
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-days", days, "-subj",
        "/CN=test", "-addext", "subjectAltName=" + ",".join(alternatives),
        "-keyout", key, "-out", certificate)


def installed(program):
    return shutil.which(program, path=os.environ.get("PATH", "") +
                        ":/usr/sbin:/sbin")


def is_role(pid):
    try:
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"--role" in command


def locked_memory(pid):
    """KiB of a process that are locked, and those that are its own."""
    rows = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = {row.split()[0]: int(row.split()[1]) for row in rows
           if row.endswith(" kB")}
    return kib["VmLck:"], kib["RssAnon:"]
