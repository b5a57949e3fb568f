# SPDX-License-Identifier: ISC
"""Courier, mailutils and popa3d from Debian's packages, which conflict with each
other: each is unpacked into a root of its own below build-peers/ and runs in a
mount namespace where that root's parts stand in their places. Needs root."""
import base64
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess

import contestants
import corpus
import processes
import servers

FOLDER = contestants.ROOT / "build-peers"
HASH = contestants.CHEAP_HASH
STOP_SECONDS = 5


def unpack(name, packages):
    """Downloads what is missing and unpacks it; the root."""
    root, debs = FOLDER / name / "root", FOLDER / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    for package in packages:
        mark = root / f".has-{package}"
        if mark.exists():
            continue
        if not list(debs.glob(f"{package}_*.deb")):
            servers.run("apt-get", "-qq", "download", package, cwd=debs)
        [deb] = debs.glob(f"{package}_*.deb")
        root.mkdir(parents=True, exist_ok=True)
        servers.run("dpkg", "-x", deb, root)
        mark.touch()
    return root


class Peer(contestants.Contestant):
    """Below: packages; inner(), the shell commands that end in the server."""
    line_end = corpus.LF
    patience = 60
    lacks = {"list-million-cold": "there is no index to delete"}

    def __init__(self, place, certificate, key):
        super().__init__(place, certificate, key)
        self.root = unpack(self.name, self.packages)
        self.etc = self.place / "etc"
        self.etc.mkdir()
        self.users = []

    def add_users(self, names):
        self.users = names

    def command(self):
        script = self.place / "inner.sh"
        script.write_text("set -e\n" + self.inner())
        return "unshare", "-m", "sh", script

    def stop(self):
        """These leave processes behind when only the first is told to end, and
        one in the middle of something may not hear that it is; and keeps the
        port until it is gone."""
        if not self.program:
            return
        program, self.program = self.program, None
        self.kill(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.process.wait(STOP_SECONDS)
        program.process.kill()
        program.process.wait(servers.STOP_SECONDS)
        program.log.close()
        servers.until(lambda: not self.kill(signal.SIGKILL),
                      what=f"the end of {self.name}'s processes")

    def kill(self, number):
        """All that are left; which these were."""
        left = [pid for pid in processes.all_pids() if self.is_mine(pid)]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return left

    def is_mine(self, pid):
        """Its namespace is ours alone; a pid may be somebody else's by now."""
        try:
            mounts = pathlib.Path(f"/proc/{pid}/mountinfo").read_text()
        except OSError:
            return False
        return str(self.etc) in mounts

    def libraries(self):
        return ":".join(str(self.root / part / where) for part in ("usr", "")
                        for where in ("lib", "lib/x86_64-linux-gnu"))

    def account_files(self, line):
        """passwd and group with all users in front, shadow with the cheapest
        hash the system takes."""
        uid = f"{self.uid}:{self.gid}"
        (self.etc / "passwd").write_text("".join(
            line(user, uid) for user in self.users)
            + pathlib.Path("/etc/passwd").read_text())
        shutil.copy("/etc/group", self.etc / "group")
        (self.etc / "shadow").write_text("".join(
            f"{user}:{HASH}:19000:0:99999:7:::\n" for user in self.users)
            + "root:*:19000:0:99999:7:::\n")
        (self.etc / "shadow").chmod(0o600)

    def version(self):
        [deb] = (FOLDER / "debs").glob(f"{self.packages[0]}_*.deb")
        return deb.name.split("_")[1].replace("%3a", ":")


class Courier(Peer):
    """authuserdb with a SHA-1 of the password, five authdaemons, no look-ups of
    names, one process forked and executed for each connection (it has no other
    mode); TLS by couriertls in a process beside it."""
    name = "Courier"
    packages = ("courier-pop", "courier-base", "courier-authlib",
                "courier-authdaemon", "courier-authlib-userdb",
                "libcourier-unicode4", "libidn12", "libgdbm6", "libltdl7")

    def write_settings(self):
        shutil.copytree(self.root / "etc" / "courier", self.etc / "courier")
        daemon = self.etc / "courier" / "authdaemonrc"
        text = re.sub(r"(?m)^authmodulelist=.*", 'authmodulelist="authuserdb"',
                      daemon.read_text())
        daemon.write_text(re.sub(r"(?m)^daemons=.*", "daemons=5", text))
        digest = servers.run(
            "openssl", "dgst", "-sha1", "-binary",
            input=contestants.PASSWORD.encode()).stdout
        hash_ = "{SHA}" + base64.b64encode(digest).decode()
        userdb = self.etc / "courier" / "userdb"
        userdb.write_text("".join(
            f"{user}\tuid={self.uid}|gid={self.gid}|home={self.place}"
            f"|mail={self.box(user)}|systempw={hash_}\n"
            for user in self.users))
        userdb.chmod(0o600)
        (self.etc / "both.pem").write_bytes(
            self.key.read_bytes() + self.certificate.read_bytes())
        (self.place / "run" / "authdaemon").mkdir(parents=True, exist_ok=True)

    def inner(self):
        if not (self.etc / "courier").exists():
            self.write_settings()
        return COURIER.format(root=self.root, libraries=self.libraries(), etc=self.etc,
                              run=self.place / "run", pop3=self.pop3_port,
                              pop3s=self.pop3s_port)


COURIER = """
mkdir -p /etc/courier /usr/lib/courier /usr/lib/courier-authlib /run/courier
mount --bind {etc}/courier /etc/courier
mount --bind {root}/usr/lib/courier /usr/lib/courier
mount --bind {root}/usr/lib/courier-authlib /usr/lib/courier-authlib
mount --bind {run} /run/courier
export LD_LIBRARY_PATH={libraries}
export PATH={root}/usr/sbin:{root}/usr/bin:$PATH
for l in {root}/usr/lib/libcourierauth*.so.0.0.0; do
	ln -sf "${{l##*/}}" "${{l%.0.0}}"
done
for l in {root}/usr/lib/courier-authlib/*.so.0.0.0; do
	ln -sf "${{l##*/}}" "${{l%.0.0}}"
	ln -sf "${{l##*/}}" "${{l%.0.0.0}}"
done
makeuserdb
authlib=/usr/lib/courier/courier-authlib
$authlib/authdaemond &
set -a; . /etc/courier/pop3d; . /etc/courier/pop3d-ssl; set +a
unset TLS_PRIVATE_KEYFILE TLS_DHPARAMS TLS_CACHEFILE
export MAXPERIP=10000 MAXDAEMONS=10000 TLS_CERTFILE={etc}/both.pem
export TLS_VERIFYPEER=NONE POP3_TLS_REQUIRED=0 POP3_STARTTLS=NO
limits="-nodnslookup -noidentlookup -maxprocs=9000 -maxperip=9000"
lib=/usr/lib/courier/courier
couriertcpd -address=127.0.0.1 $limits {pop3s} \\
	{root}/usr/bin/couriertls -server -tcpd \\
	$lib/courierpop3login $lib/courierpop3d Maildir &
exec couriertcpd -address=127.0.0.1 $limits {pop3} \\
	$lib/courierpop3login $lib/courierpop3d Maildir
"""


class Mailutils(Peer):
    """GNU mailutils pop3d as a daemon over Maildir, system users with a DES
    hash, one process forked for each connection. What LIST says does not add up
    to what STAT says; that is let through."""
    name = "mailutils"
    # LIST and STAT disagree.
    has_loose_sizes = True
    packages = ("mailutils-pop3d", "libmailutils9", "libmu-dbm9", "libgsasl18",
                "libwrap0", "mailutils-common", "libkyotocabinet16v5",
                "libdb5.3", "libgdbm6", "libnsl2", "libntlm0",
                "liblzo2-2", "libldap-2.5-0")

    def inner(self):
        self.account_files(
            lambda user, ids: f"{user}:x:{ids}::{self.place}:/bin/false\n")
        # Of who was killed: the mailbox would be in use for ever.
        shutil.rmtree(self.place / "locks", ignore_errors=True)
        (self.place / "locks").mkdir()
        (self.place / "locks").chmod(0o1777)
        config = self.place / "pop3d.conf"
        config.write_text(MAILUTILS.format(
            place=self.place, boxes=self.boxes, pop3=self.pop3_port,
            pop3s=self.pop3s_port, certificate=self.certificate,
            key=self.key))
        return (f"mount --bind {self.etc}/passwd /etc/passwd\n"
                f"mount --bind {self.etc}/shadow /etc/shadow\n"
                f"export LD_LIBRARY_PATH={self.libraries()}\n"
                f"exec {self.root}/usr/sbin/pop3d --config-file={config}\n")


MAILUTILS = """
mode daemon;
foreground yes;
max-children 6000;
timeout 600;
pidfile {place}/pop3d.pid;
logging {{ syslog no; severity warning; }};
mailbox {{ mailbox-pattern "maildir:{boxes}/${{user}}"; }};
auth {{ authentication generic:system; authorization system; }};
tls {{ ssl-certificate-file {certificate}; ssl-key-file {key}; }};
tls-file-checks {{ key-file none; cert-file none; }};
tcp-wrappers {{ enable no; }};
mandatory-locking {{ enable yes; lock-directory {place}/locks; }};
server 127.0.0.1:{pop3} {{ backlog 1024; }};
server 127.0.0.1:{pop3s} {{ backlog 1024; tls-mode connection; }};
"""


class Popa3d(Peer):
    """Behind an inetd of our own, mbox (it knows nothing else), PAM that checks
    nothing; it has no TLS."""
    name = "popa3d"
    packages = ("popa3d",)
    has_loose_sizes = has_other_octets = True
    lacks = {**Peer.lacks, **dict.fromkeys(
        ("login-tls", "retr-tls", "idle-tls"), "it has no TLS")}

    def put_box(self, box, user):
        """An mbox, one message behind the other; they have LF alone, and none
        begins with "From "."""
        if self.box(user).exists():
            return
        with open(self.box(user), "wb", 1 << 20) as mbox:
            for name in sorted(os.listdir(box / "cur")):
                with open(f"{box}/cur/{name}", "rb", 0) as file:
                    text = file.read().replace(b"\nFrom ", b"\n>From ")
                mbox.write(b"From ruth@example.org Mon Nov  2 10:00:00 2026\n"
                           + text + b"\n")
        os.chown(self.box(user), self.uid, self.gid)
        self.box(user).chmod(0o600)

    def count_messages(self, names):
        """Of those that were to be emptied."""
        return sum(self.box(n).stat().st_size > 0 for n in names)

    def inner(self):
        self.account_files(
            lambda user, ids: f"{user}:x:{ids}::/nonexistent:/bin/false\n")
        with open(self.etc / "passwd", "a") as passwd:
            passwd.write("popa3d:x:61705:61705::/var/lib/popa3d:/bin/false\n")
        with open(self.etc / "group", "a") as group:
            group.write("popa3d:x:61705:\n")
        if not (self.etc / "pam.d").exists():
            shutil.copytree("/etc/pam.d", self.etc / "pam.d")
        (self.etc / "pam.d" / "popa3d").write_text("".join(
            f"{what} required pam_permit.so\n"
            for what in ("auth", "account", "session")))
        mounts = "".join(f"mount --bind {self.etc}/{name} /etc/{name}\n"
                         for name in ("passwd", "group", "shadow", "pam.d"))
        return (f"mkdir -p /var/lib/popa3d\n{mounts}"
                f"mount --bind {self.boxes} /var/mail\n"
                f"exec {contestants.BUILD}/bench/inetd "
                f"127.0.0.1:{self.pop3_port} {self.root}/usr/sbin/popa3d\n")


KINDS = (Courier, Mailutils, Popa3d)
