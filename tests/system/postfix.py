# SPDX-License-Identifier: ISC
"""A private Postfix: its own configuration, queue and data, one loopback port,
delivering to an LMTP server ("unix:/path"). Needs root, as Postfix does."""
import grp
import os
import pathlib
import pwd
import smtplib

import servers

# What a Postfix needs to take a message by SMTP and hand it on by LMTP.
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
local     unix - n n - - local
lmtp      unix - - n - - lmtp
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

MAIN = """
compatibility_level = 3.6
queue_directory = {place}/queue
data_directory = {place}/data
maillog_file = {place}/log/mail.log
maillog_file_prefixes = {place}/log
myhostname = relay.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_banner = relay.example.org ESMTP
alias_maps =
alias_database =
virtual_mailbox_domains = example.net
virtual_transport = lmtp:{lmtp}
default_transport = error:only example.net here
notify_classes =
message_size_limit = 60000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
lmtp_connect_timeout = 5s
minimal_backoff_time = 300s
"""


class Postfix:
    def __init__(self, place, lmtp):
        self.place = place / "postfix"
        self.config = self.place / "config"
        self.port = servers.free_port()
        self.lmtp = lmtp
        self.log_file = self.place / "log" / "mail.log"

    def start(self):
        for name in ("config", "queue", "data", "log"):
            (self.place / name).mkdir(parents=True)
        owner = pwd.getpwnam("postfix")
        os.chown(self.place / "data", owner.pw_uid, owner.pw_gid)
        values = dict(place=self.place, port=self.port, lmtp=self.lmtp)
        (self.config / "main.cf").write_text(MAIN.format(**values))
        (self.config / "master.cf").write_text(MASTER.format(**values))
        servers.run("postfix", "-c", self.config, "start")
        servers.until(lambda: servers.greets(self.port, b"220"),
                      what="postfix to answer")
        return self

    def send(self, octets, *recipients, sender="ruth@example.com"):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
            client.sendmail(sender, recipients, octets)

    def flush(self):
        servers.run("postqueue", "-c", self.config, "-f")

    def log(self):
        return self.log_file.read_text() if self.log_file.exists() else ""

    def stop(self):
        servers.run("postfix", "-c", self.config, "stop")
        pid_file = self.place / "queue" / "pid" / "master.pid"
        pid = int(pid_file.read_text()) if pid_file.exists() else 0
        servers.until(lambda: not pid or not pathlib.Path(
            f"/proc/{pid}/cmdline").exists() or b"master" not in pathlib.Path(
            f"/proc/{pid}/cmdline").read_bytes(), what="postfix to stop")


def why_not():
    """Why this machine cannot run one; empty when it can."""
    if not servers.installed("postfix"):
        return "postfix is not installed"
    if os.geteuid() != 0:
        return "postfix needs root"
    try:
        pwd.getpwnam("postfix"), grp.getgrnam("postdrop")
    except KeyError:
        return "postfix has no user here"
    return ""
