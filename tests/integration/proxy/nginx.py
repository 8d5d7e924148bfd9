"""nginx as a program, with the configuration that docs/reverse-proxy.md shows."""

from __future__ import annotations

import datetime
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PROGRAM = Path("/usr/sbin/nginx")
DOCUMENTATION = Path(__file__).resolve().parents[3] / "docs" / "reverse-proxy.md"
START_LIMIT = 60.0
_MAIN = """
daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
    ssl_certificate {home}/certificate.pem; ssl_certificate_key {home}/key.pem;
    {server}
}}
"""


class CannotStart(Exception):
    """nginx is not here."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def certificate(home: Path) -> Path:
    """A certificate for localhost, and its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    target = home / "certificate.pem"
    target.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (home / "key.pem").write_bytes(private)
    return target


def documented() -> str:
    """The `server` block of the documentation."""
    found = re.search(r"```nginx\n(.*?)```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


class Nginx:
    """A running nginx on localhost, as a context manager.

    Args:
        home: an empty folder.
        target: port of the server behind it.
    """

    def __init__(self, home: Path, target: int = 0) -> None:
        self.home = home
        self.port = free_port()
        self.target = target
        self.url = f"https://localhost:{self.port}/geo"
        self.certificate = certificate(home)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, text: str = "") -> None:
        """Start it with a `server` block; "" for the documented one. Raises CannotStart."""
        if not PROGRAM.exists():
            raise CannotStart(f"not installed: {PROGRAM}")
        server = (text or documented()).replace("listen 443", f"listen 127.0.0.1:{self.port}")
        server = server.replace("127.0.0.1:5000", f"127.0.0.1:{self.target}").replace("example.org", "localhost")
        file = self.home / "nginx.conf"
        file.write_text(_MAIN.format(home=self.home, server=server), encoding="utf-8")
        self._process = subprocess.Popen(
            [str(PROGRAM), "-c", str(file), "-p", str(self.home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as plain:
                    ssl.create_default_context(cafile=str(self.certificate)).wrap_socket(
                        plain, server_hostname="localhost"
                    ).close()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise CannotStart((self.home / "error.log").read_text(encoding="utf-8")[-500:])

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def __enter__(self) -> Nginx:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
