# SPDX-License-Identifier: ISC
"""The servers that are measured, each with a folder, ports and mail of its own,
all on loopback and all with the same certificate.

A contestant has: name, pop3_port, pop3s_port, lmtp_port (None: it has none),
pid of its first process, boxes (the folder whose sub-folders are the Maildirs),
uid and gid of their owner.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import sqlite3
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "system"))

import corpus  # noqa: E402
import servers  # noqa: E402  what starts and stops servers for the tests

BUILD = pathlib.Path(os.environ.get("RESTANTE_BUILD",
                                    ROOT / "build-release"))
PASSWORD = "demo"
# Of this password, by DES: next to no work for whoever checks it.
CHEAP_HASH = "re5iTkeaMZG/k"
CREDENTIAL = "hash, created_seconds, scram_sha_1, scram_sha_256"
IS_ROOT = os.geteuid() == 0
# Numbers nobody has: the mail's owner, then Restante's other roles.
MAIL_ID, AUTH_ID, SESSION_ID, WEB_ID, KEY_ID = range(61701, 61706)


class Contestant:
    """The docstring of each says how it is set up: the report quotes it."""
    lmtp_port = None
    is_limit = False
    # How it stores lines, and how long one run of it may take, in seconds.
    line_end, patience = corpus.CRLF, 900
    # Sizes announced that are not what comes are a fault we measure around.
    has_loose_sizes = False
    # An mbox is not what was put in, octet by octet.
    has_other_octets = False
    # Row -> why there is no figure.
    lacks = {}
    # It cannot be started any more.
    is_out = False

    def __init__(self, place, certificate, key):
        self.place = place / self.name
        self.boxes = self.place / "mail"
        self.boxes.mkdir(parents=True)
        self.place.chmod(0o755)
        self.certificate, self.key = certificate, key
        self.uid = MAIL_ID if IS_ROOT else os.geteuid()
        self.gid = MAIL_ID if IS_ROOT else os.getegid()
        if IS_ROOT:
            os.chown(self.boxes, self.uid, self.gid)
        self.pop3_port, self.pop3s_port = (servers.free_port()
                                           for _ in range(2))
        self.program = None

    @property
    def pid(self):
        return self.program.pid

    def box(self, user):
        return self.boxes / user

    def put_box(self, box, user):
        """Rows that read the same mail share a box."""
        if self.box(user).exists():
            return
        corpus.clone_box(box, self.box(user))
        if IS_ROOT:
            for path in (self.box(user), *self.box(user).iterdir()):
                os.chown(path, self.uid, self.gid)

    def count_messages(self, users):
        return sum(len(os.listdir(self.box(user) / folder))
                   for user in users for folder in ("new", "cur")
                   if self.box(user).exists())

    def setting(self):
        return " ".join(self.__doc__.split())

    def start(self):
        self.program = servers.Program(self.place, self.name, *self.command())
        servers.until(self.answers, what=f"{self.name} to answer")

    def answers(self):
        assert not self.program.has_ended(), self.program.text()
        return servers.greets(self.pop3_port, b"+OK")

    def stop(self):
        if not self.program:
            return
        program, self.program = self.program, None
        try:
            program.stop()
        finally:
            # Children at work would keep the port.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)

    def add_users(self, names):
        """Most know no list: any name has the password."""


class Restante(Contestant):
    name = "Restante"

    hash_is_cheap = False
    session_processes = 0

    def __init__(self, place, certificate, key):
        super().__init__(place, certificate, key)
        self.lmtp_port = servers.free_port()
        self.state = self.place / "state"
        self.config = self.place / "restante.conf"
        self.config.write_text(self.settings())

    def settings(self):
        users = (f"user = {MAIL_ID}\nauth-user = {AUTH_ID}\n"
                 f"session-user = {SESSION_ID}\nweb-user = {WEB_ID}\n"
                 f"key-user = {KEY_ID}\n"
                 if IS_ROOT else "")
        return (f"[server]\nhostname = localhost\nstate = {self.state}\n"
                f"mail = {self.boxes}/%u\nlog = stderr\n"
                f"log-level = warning\n{users}"
                f"session-processes = {self.session_processes}\n"
                f"[listener pop3]\naddress = 127.0.0.1:{self.pop3_port}\n"
                f"[listener pop3s]\naddress = 127.0.0.1:{self.pop3s_port}\n"
                f"[listener lmtp]\naddress = 127.0.0.1:{self.lmtp_port}\n"
                f"[tls]\ncertificate = {self.certificate}\n"
                f"key = {self.key}\n[auth]\nplaintext-without-tls = yes\n")

    def command(self):
        return BUILD / "restanted", "-c", self.config

    def add_users(self, names):
        """The first by restantectl; the others get its hash, since making
        thousands would take minutes and measure nothing."""
        servers.run(BUILD / "restantectl", "-c", self.config, "user", "add",
                    names[0], "--password-stdin",
                    input=f"{PASSWORD}\n".encode())
        with sqlite3.connect(self.state / "accounts" / "accounts.db") as db:
            if self.hash_is_cheap:
                db.execute("UPDATE credential SET hash = ?", (CHEAP_HASH,))
            # Keys of SCRAM too: else the first login makes them.
            credential = db.execute(
                f"SELECT {CREDENTIAL} FROM credential").fetchone()
            for name in names[1:]:
                row = db.execute(
                    "INSERT INTO account (name, created_seconds) "
                    "VALUES (?, 0)", (name,)).lastrowid
                db.execute(f"INSERT INTO credential (account, {CREDENTIAL}) "
                           "VALUES (?, ?, ?, ?, ?)", (row, *credential))
        db.close()

    def set_processes(self, count):
        self.session_processes = count
        self.config.write_text(self.settings())
        self.stop()
        self.start()

    def forget_index(self, user):
        self.stop()
        shutil.rmtree(self.state / "store" / "index" / user)
        self.start()


class Dovecot(Contestant):
    """High-performance login mode (one process serves all logins), processes
    reused for 1,000 sessions, no flag updates, sizes from file names, mail
    stored with CRLF (a quarter cheaper for it than its own LF); no password
    hashing at all."""
    name = "Dovecot"

    def __init__(self, place, certificate, key):
        super().__init__(place, certificate, key)
        self.has_lmtp = pathlib.Path("/usr/lib/dovecot/lmtp").exists()
        if self.has_lmtp:
            self.lmtp_port = servers.free_port()
        self.config = self.place / "dovecot.conf"
        self.config.write_text(self.settings())

    def identity(self):
        if IS_ROOT:
            return "", ""
        me = servers.pwd.getpwuid(self.uid).pw_name
        return (f"default_internal_user = {me}\ndefault_login_user = {me}\n"
                f"default_internal_group = {me}\n", "chroot =")

    def settings(self):
        identity, chroot = self.identity()
        lmtp = DOVECOT_LMTP.format(port=self.lmtp_port) if self.has_lmtp else ""
        return DOVECOT.format(
            place=self.place, identity=identity, chroot=chroot,
            protocols="pop3 lmtp" if self.has_lmtp else "pop3",
            boxes=self.boxes, password=PASSWORD, uid=self.uid, gid=self.gid,
            certificate=self.certificate, key=self.key,
            pop3=self.pop3_port, pop3s=self.pop3s_port, lmtp=lmtp)

    def command(self):
        return "/usr/sbin/dovecot", "-F", "-c", self.config

    def version(self):
        return servers.run("/usr/sbin/dovecot", "--version").stdout.decode(
            ).strip()

    def forget_index(self, user):
        self.stop()
        for path in self.box(user).glob("dovecot*"):
            path.unlink()
        self.start()


class Limit(Contestant):
    """A responder that knows no accounts and keeps nothing: replies and lists
    lie ready in memory, messages go out by sendfile(2), already dot-stuffed, or
    by one write into TLS; LMTP into one file, one fdatasync(2) for all that
    wait, and each message into a file of its own, renamed and not synced."""
    name, is_limit = "limit", True

    def __init__(self, place, certificate, key):
        super().__init__(place, certificate, key)
        self.lmtp_port = servers.free_port()

    def command(self):
        ports = self.pop3_port, self.pop3s_port, self.lmtp_port
        return (BUILD / "bench" / "responder",
                *(f"127.0.0.1:{port}" for port in ports), self.certificate,
                self.key, self.boxes, self.place / "spool",
                self.place / "delivered")

    def put_box(self, box, user):
        """It reads the corpus itself."""
        if not self.box(user).exists():
            self.box(user).symlink_to(box)

    def version(self):
        return "bench/limits"


# ---- settings ----

DOVECOT_LMTP = """
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
  process_limit = 64
}}
"""
DOVECOT = """
base_dir = {place}/run
state_dir = {place}/state
log_path = {place}/log
listen = 127.0.0.1
protocols = {protocols}
{identity}
first_valid_uid = 1
first_valid_gid = 1
disable_plaintext_auth = no
auth_mechanisms = plain
default_process_limit = 8000
default_client_limit = 30000
default_vsz_limit = 2G
mail_location = maildir:{boxes}/%u
mailbox_list_index = no
maildir_very_dirty_syncs = no
mail_fsync = optimized
mail_max_userip_connections = 10000
pop3_fast_size_lookups = yes
pop3_no_flag_updates = yes
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={place}/home/%u allow_all_users=yes
}}
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
service pop3-login {{
  {chroot}
  service_count = 0
  process_min_avail = 2
  process_limit = 4
  client_limit = 10000
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service pop3 {{
  process_limit = 8000
  service_count = 1000
  process_min_avail = 16
}}
service auth {{
  client_limit = 40000
}}
service anvil {{
  {chroot}
  client_limit = 40000
}}
service stats {{
  {chroot}
  client_limit = 40000
}}
{lmtp}
"""

KINDS = (Restante, Dovecot, Limit)
