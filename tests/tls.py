"""TLS for the two sites of a test: an authority of its own that the browsers trust, and nobody else."""

from __future__ import annotations

import base64
import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate


@dataclass(frozen=True)
class Authority:
    """The authority's certificate as a file, what the sites serve with, and the digest of their public key."""

    ca_file: Path
    server: ssl.SSLContext
    key_digest: str


def make_authority(folder: Path) -> Authority:
    """An authority, and its certificate for every site of a test."""
    authority = trustme.CA(organization_name="ltitools tests")
    certificate = authority.issue_cert("tool.localhost", "lms.localhost", "127.0.0.1")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(server)
    ca_file = folder / "authority.pem"
    authority.cert_pem.write_to_path(ca_file)
    public_key = load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes()).public_key()
    digest = hashlib.sha256(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return Authority(ca_file, server, base64.b64encode(digest).decode())
