# SPDX-License-Identifier: ISC
"""The mail programs of others, each told to collect from a server."""
import os
import subprocess

import servers


def write_private(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def maildir_files(directory):
    return sorted(p for sub in ("new", "cur")
                  for p in (directory / sub).glob("*"))


def curl(server, path, scheme="pop3s", *options):
    port = server.pop3s_port if scheme == "pop3s" else server.pop3_port
    return servers.run(
        "curl", "--silent", "--show-error", "--cacert", server.ca_file,
        "--user", "alice:demo", *options,
        f"{scheme}://localhost:{port}/{path}").stdout


def mpop(server, place, starttls=False, keep=False):
    """Collects into place/mpop; the messages as mpop stored them."""
    target = place / "mpop"
    for sub in ("new", "cur", "tmp"):
        (target / sub).mkdir(parents=True, exist_ok=True)
    config = write_private(place / "mpoprc", f"""
defaults
tls on
tls_starttls {"on" if starttls else "off"}
tls_trust_file {server.ca_file}
received_header off
uidls_file {place}/mpop.uidls
keep {"on" if keep else "off"}
account default
host localhost
port {server.pop3_port if starttls else server.pop3s_port}
user alice
password demo
delivery maildir {target}
""")
    servers.run("mpop", "--file", config, "--quiet")
    return [p.read_bytes() for p in maildir_files(target)]


def fetchmail(server, place, keep=False):
    """Collects through an MDA that writes one file a message."""
    target = place / "fetchmail"
    target.mkdir(exist_ok=True)
    config = write_private(place / "fetchmailrc", f"""
set no bouncemail
poll localhost protocol pop3 service {server.pop3s_port} uidl
  username alice password demo ssl sslcertck sslcertfile {server.ca_file}
  {"keep" if keep else "no keep"} no rewrite
  mda "cat > $(mktemp -p {target})"
""")
    environment = dict(os.environ, FETCHMAILHOME=str(place))
    # 1 is fetchmail's way to say that there was no mail.
    servers.run("fetchmail", "--fetchmailrc", config, "--invisible",
                "--idfile", place / "fetchids", "--pidfile",
                place / "fetchmail.pid", ok=(0, 1), env=environment)
    return [p.read_bytes() for p in target.iterdir()]


def s_client(server, commands, starttls=False):
    """What openssl prints when `commands` are typed."""
    port = server.pop3_port if starttls else server.pop3s_port
    more = ["-starttls", "pop3"] if starttls else []
    typed = "".join(c + "\n" for c in commands).encode()
    return servers.run(
        "openssl", "s_client", "-quiet", "-crlf", "-verify_return_error",
        "-CAfile", server.ca_file, "-connect", f"localhost:{port}", *more,
        input=typed).stdout


def home_environment(place):
    """Of `restante` with a home of its own below `place`."""
    home = place / "home"
    home.mkdir(exist_ok=True)
    environment = dict(os.environ, HOME=str(home), NO_COLOR="1")
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        environment.pop(name, None)
    return environment


def restante(place, *arguments, ok=(0,), **more):
    return servers.run(servers.BUILD / "restante", *arguments, ok=ok,
                       env=home_environment(place), **more)


def restante_process(place, *arguments):
    return subprocess.Popen(
        [str(servers.BUILD / "restante"), *map(str, arguments)],
        env=home_environment(place), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
