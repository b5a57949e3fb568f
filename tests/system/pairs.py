# SPDX-License-Identifier: ISC
"""Certificates with their keys, and servers that are given them."""
import re
import socket
import ssl

import servers

KINDS = {"ec": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
         "rsa": ("rsa:2048",)}
CA = """
[ca]
default_ca = here
[here]
database = {folder}/{name}.index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
email_in_dn = no
[any]
commonName = supplied
[names]
subjectAltName = {names}
"""


def alternatives(hosts):
    return ",".join([*(f"DNS:{h}" for h in hosts), "IP:127.0.0.1"])


def make_pair(folder, name, hosts=("localhost",), kind="ec", days=90):
    """The files of a self-signed certificate and of its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    servers.run("openssl", "req", "-x509", "-newkey", *KINDS[kind], "-nodes",
                "-days", days, "-subj", f"/CN={name}", "-addext",
                f"subjectAltName={alternatives(hosts)}", "-keyout", key,
                "-out", certificate)
    return certificate, key


def sign(folder, name, issuer, hosts=("localhost",), until=None, is_ca=False):
    """The same, signed by the pair `issuer` (None: by itself); `until` is
    "20200101000000Z"."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    config, request = folder / f"{name}.cnf", folder / f"{name}.csr"
    config.write_text(CA.format(folder=folder, name=name,
                                names=alternatives(hosts))
                      + f"basicConstraints = CA:{'TRUE' if is_ca else 'FALSE'}"
                      "\n")
    (folder / f"{name}.index").write_text("")
    servers.run("openssl", "req", "-newkey", *KINDS["ec"], "-nodes", "-subj",
                f"/CN={name}", "-keyout", key, "-out", request)
    by = (["-cert", issuer[0], "-keyfile", issuer[1]] if issuer else
          ["-selfsign", "-keyfile", key])
    when = (["-startdate", "20190101000000Z", "-enddate", until] if until else
            ["-days", "90"])
    servers.run("openssl", "ca", "-batch", "-notext", "-config", config,
                "-extensions", "names", *by, *when, "-in", request, "-out",
                certificate)
    return certificate, key


def der(certificate):
    return ssl.PEM_cert_to_DER_cert(certificate.read_text())


def unchecked(maximum=None, alpn=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if maximum:
        context.maximum_version = maximum
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def shown(port, name=None, context=None):
    """The certificate that a client is shown who asks for this name."""
    with socket.create_connection(("127.0.0.1", port), 30) as raw, \
            (context or unchecked()).wrap_socket(
                raw, server_hostname=name) as wire:
        return wire.getpeercert(True)


def section(*pairs, name="", more=""):
    """[tls] or [tls NAME] of these pairs."""
    return (f"[tls{name and ' '}{name}]\n"
            f"certificate = {', '.join(str(p[0]) for p in pairs)}\n"
            f"key = {', '.join(str(p[1]) for p in pairs)}\n{more}\n")


class Post:
    """A demo server whose [tls] sections a test writes."""

    def __init__(self, place):
        self.place = place
        self.server = servers.Restanted(place).start()
        self.server.stop()

    def settings(self, tls, hostname="localhost", log_level="info"):
        path = self.server.config_file
        text = re.sub(r"(?m)^\[tls[^\]]*\]\n(?:[^\[\n].*\n)*", "",
                      path.read_text())
        text = re.sub(r"(?m)^hostname = .*$", f"hostname = {hostname}\n"
                      f"log-level = {log_level}",
                      re.sub(r"(?m)^log-level = .*\n", "", text))
        path.write_text(text.rstrip() + "\n\n" + tls)
        return path

    def start(self, tls="", **more):
        self.settings(tls, **more)
        return self.server.start()

    def stop(self):
        if self.server.program and not self.server.program.has_ended():
            self.server.stop()
