"""Certificates for the tests and the demo, made by openssl."""

import pathlib
import ssl
import subprocess

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Authority:
    """A certificate authority in a directory of its own."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        self._openssl("req", "-x509", *NEW_KEY, "-days", "90", "-subj", "/CN=authority", "-keyout", "ca.key",
                      "-out", "ca.pem")

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.directory, check=True, capture_output=True)

    def certify(self, name, *addresses, days=90):
        """The path of a file with a certificate and its key, which also stand alone beside it (.crt, .key)."""
        names = ",".join([f"DNS:{name}", *(f"IP:{address}" for address in addresses)])
        self._openssl("req", *NEW_KEY, "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-copy_extensions", "copy", "-days", str(days), "-out", f"{name}.crt")
        both = self.directory / f"{name}.pem"
        both.touch(0o600)
        both.write_text((self.directory / f"{name}.key").read_text() + (self.directory / f"{name}.crt").read_text())
        return both

    @property
    def certificate(self):
        return self.directory / "ca.pem"

    def options(self, name):
        """REDIS_TLS for a daemon that presents the certificate of this name."""
        return {"REDIS_TLS": "on", "REDIS_TLS_CA_CERT_FILE": self.certificate,
                "REDIS_TLS_CERT_FILE": self.directory / f"{name}.crt",
                "REDIS_TLS_KEY_FILE": self.directory / f"{name}.key"}

    def http_options(self, name):
        """TLS on the port of a watcher that presents the certificate of this name."""
        return {"HTTP_TLS_CERT_FILE": self.directory / f"{name}.crt", "HTTP_TLS_KEY_FILE": self.directory / f"{name}.key"}


def client_options(env):
    """How redis-py reaches the servers of a daemon with this environment."""
    if env.get("REDIS_TLS") != "on":
        return {}
    certificate = {"ssl_certfile": str(env["REDIS_TLS_CERT_FILE"]), "ssl_keyfile": str(env["REDIS_TLS_KEY_FILE"])}
    return {"ssl": True, "ssl_ca_certs": str(env["REDIS_TLS_CA_CERT_FILE"]),
            **(certificate if env.get("REDIS_TLS_CERT_FILE") else {})}


def http_context(env):
    """How HTTP clients reach a watcher with this environment: they know its certificate. None: without TLS."""
    if not env.get("HTTP_TLS_CERT_FILE"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(env["HTTP_TLS_CERT_FILE"])
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
