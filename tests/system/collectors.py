# SPDX-License-Identifier: ISC
"""The programs that people collect their mail with, each told to fetch the
whole mailbox of `user`: over "plain", "stls" or "tls", keeping the mail on the
server or not.

Each returns the messages as it stored them. What it changes of itself is said
in its row of COLLECTORS and taken back before the messages are compared.
"""
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import time

import clients
import servers
import wires

SECONDS = 120
GETMAIL_SECONDS, GETMAIL_RUNS = 4, 12
NET_POP3 = pathlib.Path(__file__).with_name("net_pop3.pl")


def environment(place, server, **more):
    """Of a program with a home of its own that trusts the server's
    certificate."""
    home = place / "home"
    home.mkdir(exist_ok=True)
    return dict(os.environ, HOME=str(home), SSL_CERT_FILE=str(server.ca_file),
                LC_ALL="C.UTF-8", **more)


def port_of(server, transport):
    return server.pop3s_port if transport == "tls" else server.pop3_port


def maildir(place):
    target = place / "maildir"
    for sub in ("new", "cur", "tmp"):
        (target / sub).mkdir(parents=True, exist_ok=True)
    return target


def messages_of(target):
    return [p.read_bytes() for p in clients.maildir_files(target)]


def poplib(server, place, user, transport, is_kept):
    client = (wires.pop3s(server, user) if transport == "tls" else
              wires.pop3(server, user, stls=transport == "stls"))
    got = wires.all_octets(client)
    if not is_kept:
        for number in range(len(got)):
            client.dele(number + 1)
    client.quit()
    return got


def net_pop3(server, place, user, transport, is_kept):
    target = place / "got"
    target.mkdir()
    servers.run("perl", NET_POP3, transport, port_of(server, transport), user,
                server.ca_file, target, "keep" if is_kept else "delete",
                timeout=SECONDS)
    return [p.read_bytes() for p in target.iterdir()]


def curl(server, place, user, transport, is_kept):
    target = place / "got"
    target.mkdir()
    count = wires.pop3s(server, user).stat()[0]
    scheme = "pop3s" if transport == "tls" else "pop3"
    url = f"{scheme}://localhost:{port_of(server, transport)}/[1-{count}]"
    common = ["curl", "--silent", "--show-error", "--fail-early", "--cacert",
              server.ca_file, "--user", f"{user}:demo"]
    if transport == "stls":
        common.append("--ssl-reqd")
    servers.run(*common, "--output", target / "#1", url)
    if not is_kept:
        servers.run(*common, "--request", "DELE", "--head", url)
    return [p.read_bytes() for p in target.iterdir()]


def mpop(server, place, user, transport, is_kept):
    target = maildir(place)
    config = clients.write_private(place / "mpoprc", f"""
defaults
tls {"off" if transport == "plain" else "on"}
tls_starttls {"on" if transport == "stls" else "off"}
tls_trust_file {server.ca_file}
auth user
received_header off
uidls_file {place}/mpop.uidls
keep {"on" if is_kept else "off"}
account default
host localhost
port {port_of(server, transport)}
user {user}
password demo
delivery maildir {target}
""")
    servers.run("mpop", "--file", config, "--quiet")
    return messages_of(target)


def fetchmail(server, place, user, transport, is_kept):
    target = place / "got"
    target.mkdir()
    # "" is no TLS at all, "tls1+" is STLS.
    tls = {"plain": 'sslproto ""', "stls": "sslproto tls1+",
           "tls": "ssl"}[transport]
    config = clients.write_private(place / "fetchmailrc", f"""
set no bouncemail
poll localhost protocol pop3 service {port_of(server, transport)} uidl
  username {user} password demo {tls} sslcertck sslcertfile {server.ca_file}
  {"keep" if is_kept else "no keep"} no rewrite
  mda "cat > $(mktemp -p {target})"
""")
    servers.run("fetchmail", "--fetchmailrc", config, "--invisible",
                "--idfile", place / "fetchids", "--pidfile",
                place / "fetchmail.pid",
                env=environment(place, server, FETCHMAILHOME=str(place)))
    return [p.read_bytes() for p in target.iterdir()]


def getmail(server, place, user, transport, is_kept):
    target = maildir(place)
    kind = "SimplePOP3SSL" if transport == "tls" else "SimplePOP3"
    trust = f"ca_certs = {server.ca_file}" if transport == "tls" else ""
    # It never files mail as root.
    owner = ""
    if os.geteuid() == 0:
        owner = "user = nobody"
        for folder in (target, *target.iterdir()):
            shutil.chown(folder, "nobody")
    config = clients.write_private(place / "getmailrc", f"""
[retriever]
type = {kind}Retriever
server = localhost
port = {port_of(server, transport)}
username = {user}
password = demo
timeout = {GETMAIL_SECONDS}
{trust}
[destination]
type = Maildir
path = {target}/
{owner}
[options]
delete = {not is_kept}
delivered_to = false
received = false
""")
    # It forks for each message, and misses the end of a child that is faster
    # than itself: then it gives up after the time above, without QUIT.
    for _ in range(GETMAIL_RUNS):
        done = servers.run(
            "getmail", "--getmaildir", place, "--rcfile", config, "--quiet",
            env=environment(place, server), timeout=SECONDS, ok=range(256))
        if b"timed out" not in done.stdout + done.stderr:
            break
        for file in clients.maildir_files(target):
            file.unlink()
        for file in place.glob("oldmail-*"):
            file.unlink()
    assert done.returncode == 0, done
    return messages_of(target)


def fdm(server, place, user, transport, is_kept):
    target = maildir(place)
    config = clients.write_private(place / "fdm.conf", f"""
set no-received
set maximum-size 64M
set lock-file "{place}/fdm.lock"
set verify-certificates
account "a" {"pop3s" if transport == "tls" else "pop3"} server "localhost"
  port {port_of(server, transport)} user "{user}" pass "demo"
  no-apop {"starttls" if transport == "stls" else ""}
  {"keep" if is_kept else ""}
action "store" maildir "{target}"
match all action "store"
""")
    config.write_text(re.sub(r"\n  ", " ", config.read_text()))
    servers.run("fdm", "-f", config, "fetch", env=environment(place, server),
                timeout=SECONDS)
    return messages_of(target)


def in_terminal(command, env, is_done):
    """Runs it in a terminal of its own until `is_done`, then asks it to end."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(command[0], [str(c) for c in command],
                   dict(env, TERM="xterm"))
    os.set_blocking(terminal, False)
    shown, end = b"", time.monotonic() + SECONDS
    try:
        while not is_done():
            assert time.monotonic() < end, shown[-2000:]
            time.sleep(0.05)
            try:
                shown += os.read(terminal, 1 << 16)
            except BlockingIOError:
                pass
            except OSError:  # it has ended
                break
    finally:
        os.kill(pid, signal.SIGHUP)
        os.waitpid(pid, 0)
        os.close(terminal)
    assert is_done(), shown[-2000:]


def mutt(server, place, user, transport, is_kept):
    inbox, done = maildir(place), place / "done"
    scheme = "pops" if transport == "tls" else "pop"
    config = clients.write_private(place / "muttrc", f"""
set pop_host="{scheme}://{user}@localhost:{port_of(server, transport)}"
set pop_pass=demo pop_last=no pop_checkinterval=0 pop_reconnect=no
set pop_delete={"no" if is_kept else "yes"} pop_authenticators="plain:user"
set ssl_starttls={"yes" if transport == "stls" else "no"} ssl_force_tls=no
set ssl_ca_certificates_file={server.ca_file}
set mbox_type=Maildir spoolfile={inbox} folder={place} header_cache=
set mail_check=0 timeout=1 sleep_time=0 confirmappend=no wait_key=no
push "<fetch-mail><shell-escape>touch {done}<enter>"
""")
    in_terminal(["mutt", "-n", "-F", config, "-f", inbox],
                environment(place, server), done.exists)
    return messages_of(inbox)


def movemail(server, place, user, transport, is_kept):
    inbox = maildir(place)
    scheme = "pops" if transport == "tls" else "pop"
    tls = ["--set", ".pop.tls=yes"] if transport == "stls" else []
    servers.run("movemail", "--no-config", *tls,
                *(["--preserve"] if is_kept else []),
                f"{scheme}://{user}:demo@localhost:"
                f"{port_of(server, transport)}",
                f"maildir:{inbox}", env=environment(place, server),
                timeout=SECONDS)
    return messages_of(inbox)


# ---- what some of them change of the mail that they were sent ----

def with_empty_line(octets):
    return octets if b"\r\n\r\n" in octets else octets + b"\r\n"


def in_body(octets, change):
    head, empty, body = octets.partition(b"\r\n\r\n")
    return head + empty + change(body)


def as_fetchmail(octets):
    """No CR but at the end of a line."""
    return with_empty_line(re.sub(rb"\r(?!\n)", b"", octets))


def from_fetchmail(octets):
    """A line of more than 8 KiB is cut, with octets of fetchmail's."""
    return re.sub(rb"\0[^y]*\r\n(?=y)", b"", octets)


def as_getmail(octets):
    """Any CR ends a line; the one at a line's end is part of it."""
    return with_empty_line(in_body(octets, lambda body: re.sub(
        rb"\r(?!\n)", b"\r\n", body.replace(b"\r\r\n", b"\r\n"))))


def without_header_blanks(octets):
    """An empty field gets a blank, a long one begins on the next line."""
    head, empty, body = octets.partition(b"\r\n\r\n")
    head = re.sub(rb"(?m)^([\w-]+):(?: \r\n)? ", rb"\1: ", head + b"\r\n")
    return re.sub(rb"(?m)^([\w-]+): \r$", rb"\1:\r", head)[:-2] + empty + body


def cut_at_nul(octets):
    return re.sub(rb"\0[^\r]*", b"", octets)


def as_movemail(octets):
    """Fields of its own kind are left out; of CR CR LF one CR stays."""
    head, empty, body = with_empty_line(octets).partition(b"\r\n\r\n")
    head = re.sub(rb"(?m)^(Status|X-UID): .*\n", b"", head + b"\r\n")[:-2]
    return head + empty + body.replace(b"\r\r\n", b"\r\n")


def nothing(octets):
    return octets


class Collector:
    def __init__(self, collect, says="", sent=nothing, stored=nothing,
                 lacks=()):
        self.collect, self.says, self.lacks = collect, says, lacks
        # What is compared: sent(what was sent), stored(what is stored).
        self.sent, self.stored = sent, stored


COLLECTORS = {
    "poplib": Collector(poplib),
    "Net::POP3": Collector(net_pop3),
    "curl": Collector(curl),
    "mpop": Collector(mpop),
    "fetchmail": Collector(
        fetchmail, "drops bare CR, cuts lines over 8 KiB, adds the empty line",
        as_fetchmail, from_fetchmail),
    "getmail6": Collector(
        getmail, "bare CR becomes a line end, folds the header anew, adds the "
        "empty line; knows no STLS", as_getmail, without_header_blanks,
        lacks=("stls",)),
    "fdm": Collector(fdm, "cuts a line at NUL", cut_at_nul),
    "mutt": Collector(mutt, "cuts a line at NUL", cut_at_nul),
    "movemail": Collector(
        movemail, "drops Status and X-UID, one CR of CR CR LF, adds the empty "
        "line", as_movemail, without_header_blanks),
}
