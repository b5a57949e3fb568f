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
