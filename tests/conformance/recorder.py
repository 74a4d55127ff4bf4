"""A proxy in front of the emulator's that writes down every exchange as it passed.

The emulator's own log leaves secrets out, and what it leaves out cannot be compared.
"""

import contextlib
import datetime
import http.client
import os
import re
import ssl
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding"}
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy")
# Where the machine's metadata service is, which is spoken to without TLS and without a proxy.
METADATA_VARIABLE = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
TRUST_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass
class Exchange:
    """A request as it was sent, and the answer to it."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes
    status: int = 0
    answer: bytes = b""

    @property
    def host(self) -> str:
        return urllib.parse.urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        return urllib.parse.urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address."""
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.url).query))

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form; a field that is there twice is an error of the sender."""
        pairs = urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True)
        if len(dict(pairs)) != len(pairs):
            raise ValueError(f"a field is there twice: {[name for name, _ in pairs]}")
        return dict(pairs)

    def header(self, name: str) -> str | None:
        """A header's value, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class Recording:
    """The exchanges of one block, in the order of the answers."""

    exchanges: list[Exchange] = field(default_factory=list)

    def to(self, ending: str, method: str = "POST") -> list[Exchange]:
        """The exchanges whose path ends so."""
        return [
            exchange
            for exchange in self.exchanges
            if exchange.path.endswith(ending) and exchange.method == method
        ]

    def one(self, ending: str, method: str = "POST") -> Exchange:
        """The only exchange whose path ends so."""
        found = self.to(ending, method)
        if len(found) != 1:
            paths = [f"{exchange.method} {exchange.url}" for exchange in self.exchanges]
            raise ValueError(f"{len(found)} requests to {ending} among {paths}")
        return found[0]


class Recorder:
    """Listens on loopback; what it is sent goes on to the proxy that the environment names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._upstream = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
        self._metadata = os.environ.get(METADATA_VARIABLE)
        self._trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._recording: Recording | None = None
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._authority = self._certificate("conformance recorder", None)
        self._ca = folder / "recorder-ca.pem"
        self._ca.write_bytes(self._authority.public_bytes(serialization.Encoding.PEM))
        self._key_file = folder / "recorder-key.pem"
        self._key_file.write_bytes(
            self._key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        handler = type("Handler", (_Handler,), {"recorder": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @contextlib.contextmanager
    def recording(self) -> Iterator[Recording]:
        """Within the block new clients come through here, and what they send is written down."""
        address = f"http://127.0.0.1:{self._server.server_address[1]}"
        changed = {name: address for name in PROXY_VARIABLES}
        changed |= {name: str(self._ca) for name in TRUST_VARIABLES}
        changed[METADATA_VARIABLE] = address
        before = {name: os.environ.get(name) for name in changed}
        os.environ.update(changed)
        recording = self._recording = Recording()
        try:
            yield recording
        finally:
            self._recording = None
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def forward(self, exchange: Exchange) -> list[tuple[str, str]]:
        """Asks the emulator, completes the exchange, and returns the answer's headers."""
        connection = self._connection(exchange)
        try:
            target = exchange.url.split(exchange.host, 1)[1]
            connection.putrequest(
                exchange.method, target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in exchange.headers:
                if name.lower() not in HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.endheaders(exchange.body or None)
            response = connection.getresponse()
            exchange.answer = response.read()
            exchange.status = response.status
            if self._recording is not None:
                self._recording.exchanges.append(exchange)
            return response.getheaders()
        finally:
            connection.close()

    def _connection(self, exchange: Exchange) -> http.client.HTTPConnection:
        if exchange.url.startswith("http://"):
            metadata = urllib.parse.urlsplit(self._metadata or "")
            return http.client.HTTPConnection(metadata.netloc, timeout=30)
        connection = http.client.HTTPSConnection(
            self._upstream.hostname or "", self._upstream.port, context=self._trust, timeout=30
        )
        connection.set_tunnel(exchange.host, 443)
        return connection

    def context(self, host: str) -> ssl.SSLContext:
        """What the recorder proves with that it is `host`."""
        with self._lock:
            if host not in self._contexts:
                path = self._folder / f"recorder-{re.sub('[^a-z0-9.-]', '-', host.lower())}.pem"
                leaf = self._certificate(host, self._authority)
                path.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(path, self._key_file)
                self._contexts[host] = context
            return self._contexts[host]

    def _certificate(self, name: str, issuer: x509.Certificate | None) -> x509.Certificate:
        now = datetime.datetime.now(datetime.timezone.utc)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        public = self._key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False
            )
        )
        if issuer:
            names = x509.SubjectAlternativeName([x509.DNSName(name)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())


# The metadata service's own address.
METADATA = "http://169.254.169.254"


class _Handler(BaseHTTPRequestHandler):
    """One connection: a tunnel to a host, ended here."""

    recorder: Recorder
    protocol_version = "HTTP/1.1"
    tunnel: str | None = None

    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        if port != "443":
            self.send_error(502)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        context = self.recorder.context(host)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.tunnel = host
        self.close_connection = False

    def _pass_on(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        exchange = Exchange(
            method=self.command,
            url=f"https://{self.tunnel}{self.path}" if self.tunnel else METADATA + self.path,
            headers=list(self.headers.items()),
            body=self.rfile.read(length),
        )
        headers = self.recorder.forward(exchange)
        self.send_response_only(exchange.status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(exchange.answer)))
        self.end_headers()
        self.wfile.write(exchange.answer)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

    def log_message(self, *_arguments: object) -> None:
        """Says nothing: the checks say what there is to say."""
