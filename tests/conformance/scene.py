"""The made-up tenants that the checks sign in to, and the keys and certificates in them."""

import base64
import datetime
import json
import sys
import time
import uuid
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

TENANT = "a1111111-1111-4111-8111-111111111111"
DOMAIN = "harbour.example"
GOVERNMENT = "b2222222-2222-4222-8222-222222222222"
CHINA = "c3333333-3333-4333-8333-333333333333"
UNKNOWN = "d4444444-4444-4444-8444-444444444444"

# An application that may do everything, in each tenant.
HUNTER = "a1111111-aaaa-4aaa-8aaa-000000000001"
SECRET = "harbour +secret&=%/made~up"
GOVERNMENT_HUNTER = "b2222222-aaaa-4aaa-8aaa-000000000001"
GOVERNMENT_SECRET = "government-secret-made-up"
CHINA_HUNTER = "c3333333-aaaa-4aaa-8aaa-000000000001"
CHINA_SECRET = "china-secret-made-up"
# Its first secret has expired.
EXPIRED_SECRET = "harbour-secret-of-last-year"
# An application without any role.
POWERLESS = "a1111111-aaaa-4aaa-8aaa-000000000002"
# An application that nobody has consented to.
UNCONSENTED = "a1111111-aaaa-4aaa-8aaa-000000000003"
# An application without public client flows and without a loopback redirect.
CLOSED = "a1111111-aaaa-4aaa-8aaa-000000000004"
# The identity of the machine, and one that was assigned to it.
MACHINE = "a1111111-aaaa-4aaa-8aaa-000000000005"
ASSIGNED = "a1111111-aaaa-4aaa-8aaa-000000000006"
ASSIGNED_RESOURCE = (
    "/subscriptions/a1111111-aaaa-4aaa-8aaa-0000000000ff/resourcegroups/hunting/providers"
    "/Microsoft.ManagedIdentity/userAssignedIdentities/hunter"
)
# An application that another issuer's tokens stand for.
WORKLOAD = "a1111111-aaaa-4aaa-8aaa-000000000007"
ISSUER = "https://cluster.example/issuer"
SUBJECT = "system:serviceaccount:hunting:hunter"

ANALYST = f"analyst@{DOMAIN}"
NEEDS_SECOND_FACTOR = f"careful@{DOMAIN}"
BLOCKED = f"blocked@{DOMAIN}"
OTHER_PERSON = f"other@{DOMAIN}"

VAULT = "harbour-vault"
COMPARED_VAULT = "harbour-compared"
CLOSED_VAULT = "harbour-closed"
FOREIGN_VAULT = "harbour-foreign"
GOVERNMENT_VAULT = "lighthouse-vault"
VAULT_SECRET = "Hunting-Secret"
VAULT_CERTIFICATE = "Hunting-Certificate"
CHANGED_CERTIFICATE = "Changed-Certificate"
VAULT_VALUE = "kept in the vault, made up"
OLD_VERSION = "0123456789abcdef0123456789abcdef"
OLD_VALUE = "kept before that, made up"
# Named as MSTICPy derives it from where the reference stands.
CLIENT_SECRET_NAME = "DataProviders-MicrosoftDefender-Args-ClientSecret"

GRAPH_SCOPE = "https://graph.microsoft.com/.default"
MDE_SCOPE = "https://api.securitycenter.microsoft.com/.default"
VAULT_SCOPE = "https://vault.azure.net/.default"

KEY_PASSWORD = "key password, made up"


def authority(tenant: str = TENANT) -> str:
    """A tenant of the global cloud."""
    return f"https://login.microsoftonline.com/{tenant}"


class Material:
    """The files of keys and certificates below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate_pem = folder / "certificate.pem"
        self.certificate_der = folder / "certificate.der"
        self.key_pem = folder / "key.pem"
        self.encrypted_key_pem = folder / "key-encrypted.pem"
        self.both_pem = folder / "certificate-and-key.pem"
        self.both_pfx = folder / "certificate-and-key.pfx"
        self.stranger_pem = folder / "stranger.pem"
        self.stranger_key_pem = folder / "stranger-key.pem"
        self.stranger_both_pem = folder / "stranger-both.pem"
        self.issuer_key_pem = folder / "issuer-key.pem"
        self.issuer_public_pem = folder / "issuer-public.pem"
        self.tenants = folder / "tenants.yaml"
        self.faults = folder / "faults.yaml"

    def certificate(self) -> x509.Certificate:
        """The registered certificate."""
        return x509.load_pem_x509_certificate(self.certificate_pem.read_bytes())

    def thumbprint(self) -> str:
        """The registered certificate's thumbprint as the portal shows it."""
        return self.certificate().fingerprint(hashes.SHA1()).hex().upper()

    def federated_token(self, subject: str = SUBJECT) -> Path:
        """A file with a token of the foreign issuer, as a cluster projects it."""
        now = int(time.time())
        token = jwt.encode(
            {
                "iss": ISSUER,
                "sub": subject,
                "aud": "api://AzureADTokenExchange",
                "jti": str(uuid.uuid4()),
                "iat": now,
                "nbf": now,
                "exp": now + 600,
            },
            self.issuer_key_pem.read_text(encoding="utf-8"),
            algorithm="RS256",
            headers={"kid": "issuer"},
        )
        path = self.folder / f"federated-{abs(hash(subject))}.jwt"
        path.write_text(token, encoding="utf-8")
        return path


def write(folder: Path) -> None:
    """Makes new keys and certificates and the file of tenants that knows them."""
    folder.mkdir(parents=True, exist_ok=True)
    material = Material(folder)
    key, certificate = _pair("hunter")
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    plain = _key(key, serialization.NoEncryption())
    material.certificate_pem.write_bytes(pem)
    material.certificate_der.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
    material.key_pem.write_bytes(plain)
    password = KEY_PASSWORD.encode()
    encryption = serialization.BestAvailableEncryption(password)
    material.encrypted_key_pem.write_bytes(_key(key, encryption))
    material.both_pem.write_bytes(plain + pem)
    material.both_pfx.write_bytes(
        pkcs12.serialize_key_and_certificates(b"hunter", key, certificate, None, encryption)
    )
    stranger_key, stranger = _pair("stranger")
    stranger_pem = stranger.public_bytes(serialization.Encoding.PEM)
    stranger_plain = _key(stranger_key, serialization.NoEncryption())
    material.stranger_pem.write_bytes(stranger_pem)
    material.stranger_key_pem.write_bytes(stranger_plain)
    material.stranger_both_pem.write_bytes(stranger_plain + stranger_pem)
    issuer_key, _ = _pair("issuer")
    material.issuer_key_pem.write_bytes(_key(issuer_key, serialization.NoEncryption()))
    material.issuer_public_pem.write_bytes(
        issuer_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    for path in folder.glob("*key*"):
        path.chmod(0o600)
    # JSON is a part of YAML.
    material.tenants.write_text(json.dumps(_tenants(material), indent=1), encoding="utf-8")
    material.faults.write_text(json.dumps(_FAULTS, indent=1), encoding="utf-8")


def _pair(name: str) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _key(key: rsa.RSAPrivateKey, encryption: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def thumbprint_for_header(certificate: x509.Certificate, algorithm: hashes.HashAlgorithm) -> str:
    """A thumbprint as it stands in an assertion: base64url of the digest, without padding."""
    return base64.urlsafe_b64encode(certificate.fingerprint(algorithm)).rstrip(b"=").decode()


def _tenants(material: Material) -> dict[str, object]:
    nothing: dict[str, list[str]] = {"graph": [], "mde": [], "m365d": []}
    hunter = {
        "client_id": HUNTER,
        "name": "hunter",
        "client_secret": SECRET,
        "secrets": [{"value": EXPIRED_SECRET, "expires": "2020-01-01T00:00:00Z"}],
        "certificates": [str(material.certificate_pem)],
    }
    federated = {"issuer": ISSUER, "subject": SUBJECT, "key": str(material.issuer_public_pem)}
    return {
        "tenants": [
            {
                "id": TENANT,
                "name": "Harbour",
                "domain": DOMAIN,
                "users": [
                    {"name": ANALYST, "display_name": "Analyst"},
                    {"name": OTHER_PERSON},
                    {"name": NEEDS_SECOND_FACTOR, "policy": "second-factor"},
                    {"name": BLOCKED, "policy": "conditional-access"},
                ],
                "applications": [
                    hunter,
                    {"client_id": POWERLESS, "client_secret": SECRET, "roles": nothing},
                    {"client_id": UNCONSENTED, "client_secret": SECRET, "consented": False},
                    {
                        "client_id": CLOSED,
                        "client_secret": SECRET,
                        "public_client_flows": False,
                        "redirect_uris": [],
                    },
                    {"client_id": MACHINE, "managed_identity": "system"},
                    {
                        "client_id": ASSIGNED,
                        "managed_identity": {"resource_id": ASSIGNED_RESOURCE},
                    },
                    {"client_id": WORKLOAD, "federated": [federated]},
                ],
                "vaults": [
                    {
                        "name": VAULT,
                        "writers": [HUNTER],
                        "listers": [HUNTER],
                        "certificates": [
                            {"name": name, "pem": str(material.both_pem)}
                            for name in (VAULT_CERTIFICATE, CHANGED_CERTIFICATE)
                        ],
                        "secrets": [
                            {"name": VAULT_SECRET, "value": OLD_VALUE, "version": OLD_VERSION},
                            {"name": VAULT_SECRET, "value": VAULT_VALUE},
                            {"name": "Disabled", "value": "made up", "enabled": False},
                            {"name": CLIENT_SECRET_NAME, "value": SECRET},
                        ],
                    },
                    {
                        "name": COMPARED_VAULT,
                        "secrets": [{"name": CLIENT_SECRET_NAME, "value": SECRET}],
                    },
                    {"name": CLOSED_VAULT, "closed": True},
                    {"name": FOREIGN_VAULT, "readers": []},
                ],
            },
            {
                "id": GOVERNMENT,
                "name": "Lighthouse",
                "domain": "lighthouse.example",
                "cloud": "usgovernment",
                "applications": [
                    {"client_id": GOVERNMENT_HUNTER, "client_secret": GOVERNMENT_SECRET}
                ],
                "vaults": [
                    {
                        "name": GOVERNMENT_VAULT,
                        "secrets": [{"name": VAULT_SECRET, "value": VAULT_VALUE}],
                    }
                ],
            },
            {
                "id": CHINA,
                "name": "Junk",
                "domain": "junk.example",
                "cloud": "china",
                "applications": [{"client_id": CHINA_HUNTER, "client_secret": CHINA_SECRET}],
            },
        ],
        "sign_in": {
            "browser": "page",
            "device": {"outcome": "page", "pending": 0, "interval_seconds": 1},
        },
        "identity_endpoint": "imds",
    }


# One host of Defender for Endpoint that is always over quota.
_FAULTS = [
    {
        "host": "api-uk.securitycenter.microsoft.com",
        "status": 429,
        "retry_after": 1,
    }
]


if __name__ == "__main__":
    write(Path(sys.argv[1]))
