# SPDX-License-Identifier: ISC
"""Users in Dovecot's passwd-file, their passwords hashed by Dovecot."""
import os
import time

import pytest

import servers
import wires

PASSWORD = "Pass word1"
SCHEMES = ["PLAIN", "CLEAR", "CLEARTEXT", "CRYPT", "DES-CRYPT", "MD5",
           "MD5-CRYPT", "SHA256-CRYPT", "SHA512-CRYPT", "BLF-CRYPT",
           "PLAIN-MD5", "LDAP-MD5", "SHA", "SHA1", "SHA256", "SHA512", "SMD5",
           "SSHA", "SSHA256", "SSHA512", "PBKDF2", "ARGON2I", "ARGON2ID",
           "SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN.b64", "SHA256.hex",
           "SSHA.hex", "SSHA512.b64", "SMD5.hex"]


def hash_of(scheme, password=PASSWORD):
    made = servers.run("doveadm", "pw", "-s", scheme, "-p", password)
    return made.stdout.decode().strip()


class Users:
    """A server, and a file of users outside of its folders."""

    def __init__(self, place):
        self.folder = place / "elsewhere"
        self.folder.mkdir()
        self.path = self.folder / "users"
        self.server = servers.Restanted(place)

    def start(self, settings=""):
        self.server.start()
        self.server.stop()
        with open(self.server.config_file, "a") as config:
            config.write("[auth]\nbackends = sqlite, passwd-file\n"
                         f"passwd-file = {self.path}\n" + settings)
        self.server.start()

    def write(self, *lines):
        """As an editor does: the file is another one then."""
        new = self.folder / "users.new"
        new.write_text("".join(line + "\n" for line in lines))
        os.replace(new, self.path)

    def login(self, name, password=PASSWORD):
        return wires.reply_to_login(self.server, name, password)

    def enters(self, name, password=PASSWORD):
        return self.login(name, password).startswith("+OK")

    def is_denied(self, name, password=PASSWORD):
        """While the file is younger than a second, who is not in it is put
        off."""
        return servers.until(
            lambda: (reply := self.login(name, password)) and
            not reply.startswith("-ERR [SYS/TEMP]") and reply,
            what="the file to be settled").startswith("-ERR [AUTH]")


@pytest.fixture
def users(place, request):
    users = Users(place)
    request.node.server = users.server
    try:
        yield users
    finally:
        users.server.stop()


def test_every_scheme(users):
    users.write(*(f"u{i}:{hash_of(scheme)}"
                  for i, scheme in enumerate(SCHEMES)))
    users.start()
    for i, scheme in enumerate(SCHEMES):
        assert users.enters(f"u{i}"), scheme
        assert users.login(f"u{i}", "pass word1").startswith(
            "-ERR [AUTH]"), scheme
    assert "passwd-file" not in users.server.program.text()


def test_both_backends(users):
    """The first that knows a name decides; mail is taken for both."""
    users.write("carol@example.org:{PLAIN}" + PASSWORD,
                "alice:{PLAIN}" + PASSWORD)
    users.start()
    assert users.enters("alice", "demo")
    assert users.is_denied("alice")
    assert users.enters("Carol@Example.org")
    assert users.is_denied("dave")
    users.server.ctl("deliver", "carol@example.org", input=b"x\n")
    users.server.ctl("deliver", "dave", input=b"x\n", ok=(67,))


def test_a_change_needs_no_restart(users):
    users.write("carol:{PLAIN}one", "eve:{PLAIN}here")
    users.start()
    assert users.enters("carol", "one")
    users.write("carol:{PLAIN}two", "dave:{PLAIN}new")
    assert users.enters("carol", "two")
    assert users.enters("dave", "new")
    assert users.is_denied("carol", "one")
    assert users.is_denied("eve", "here")


def test_a_missing_file_is_a_backend_that_is_away(users):
    """No client may ask its user for another password then."""
    users.write("carol:{PLAIN}one")
    users.start()
    assert users.enters("carol", "one")
    users.path.unlink()
    assert users.login("carol", "one").startswith("-ERR [SYS/TEMP]")
    assert users.login("nobody", "one").startswith("-ERR [SYS/TEMP]")
    assert users.enters("alice", "demo")
    text = users.server.program.text()
    assert text.count("cannot be read: No such file") == 1
    # Another reason is told, too: who mends the first would be left alone.
    users.path.mkdir()
    assert users.login("carol", "one").startswith("-ERR [SYS/TEMP]")
    assert "cannot be read: Is a directory" in users.server.program.text()
    users.path.rmdir()
    users.write("carol:{PLAIN}one")
    assert users.enters("carol", "one")


def test_mistakes(users):
    users.write("carol:{PLAIN}one",
                "dave:{OTP}sha1 1024 6a4bacc6fcc03160 24c2e0da13d2af34",
                "../eve:{PLAIN}one",
                "frank:{PLAIN}one::::::nologin",
                "gina:{PLAIN}one::::::allow_nets=192.0.2.0/24",
                "hans:{PLAIN}one::::::allow_nets=127.0.0.0/8",
                "ida:{PLAIN}one::::::userdb_quota_rule=*:messages=1")
    users.start()
    assert users.login("dave", "one").startswith("-ERR [SYS/PERM]")
    assert users.enters("carol", "one")
    assert users.is_denied("frank", "one")
    assert users.is_denied("gina", "one")
    assert users.enters("hans", "one")
    text = users.server.program.text()
    assert "users:2: unknown password scheme OTP" in text
    assert "users:3: what stands before the first : cannot be" in text
    users.server.ctl("deliver", "dave", input=b"x\n")
    users.server.ctl("deliver", "ida", input=b"x\n")
    users.server.ctl("deliver", "ida", input=b"x\n", ok=(73,))


def test_standard_scheme_and_domain(users):
    users.write("carol:one", "dave@example.com:two")
    users.start("passwd-file-scheme = PLAIN\n"
                "default-domain = Example.com\n")
    assert users.enters("carol", "one")
    assert users.enters("carol@example.com", "one")
    assert users.enters("DAVE", "two")
    assert users.is_denied("dave@example.org", "two")
    users.server.ctl("deliver", "dave@example.com", input=b"x\n")
    users.server.ctl("deliver", "dave@example.org", input=b"x\n", ok=(67,))
