"""C2PA manifests: found in what was sent, kept with it, read and validated (docs/privacy.md)."""

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mediatheque.core.accounts import Accounts
from mediatheque.decoder import Decoders
from mediatheque.model import Role
from tests.conftest import Tenant
from tests.pictures import picture
from tests.pools import pool
from tests.surfaces.files.doors import streamed
from tests.surfaces.files.test_privacy import kept
from tests.videos import video

c2pa = pytest.importorskip("c2pa")

FILES = "/api/v2/user-files"
READ = "mediatheque.skills.provenance_decode:read"
SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
MANIFEST = {
    "claim_generator_info": [{"name": "mediatheque tests", "version": "1"}],
    "title": "a lake",
    "assertions": [
        {"label": "c2pa.actions", "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": SOURCE}]}}
    ],
}


def certificate(
    name: str, issuer: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """One that C2PA takes for signing (C2PA 2.1, 14.5.1), or without an issuer the authority above it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(it, name) for it in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)])
    above, signing = issuer or (subject, key)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only",
         "decipher_only"), False
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(above).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=issuer is not None, key_cert_sign=issuer is None, **usage), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
    )  # fmt: skip
    if issuer is not None:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purpose, critical=False)
    return builder.sign(signing, hashes.SHA256()), key


@pytest.fixture(scope="module")
def signed() -> Any:
    """A function that puts a signed manifest into a file."""
    root, root_key = certificate("Root of the tests", None)
    leaf, key = certificate("Signer of the tests", (root.subject, root_key))
    pem = serialization.Encoding.PEM
    info = c2pa.C2paSignerInfo(
        alg=b"es256", sign_cert=leaf.public_bytes(pem) + root.public_bytes(pem), ta_url=None,
        private_key=key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )  # fmt: skip

    def sign(data: bytes, media_type: str) -> bytes:
        target = io.BytesIO()
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(MANIFEST) as builder:
            builder.sign(signer, media_type, io.BytesIO(data), target)
        return target.getvalue()

    return sign


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with pool(files_per_child=10_000) as decoders:
        yield decoders


def provenance(tenant: Tenant, file_id: str) -> dict[str, Any]:
    answer = tenant.client.get(f"{FILES}/{file_id}/provenance")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_manifest_is_kept_shown_and_validated(tenant: Tenant, signed: Any) -> None:
    data = signed(picture("JPEG", 200, 150), "image/jpeg")
    file_id = str(streamed(tenant.client, data, "lake.jpg")["image_id"])
    assert kept(tenant.client, file_id) == data
    found = provenance(tenant, file_id)
    assert (found["is_present"], found["is_read"], found["state"]) == (True, True, "Valid")
    assert found["sha256"] == hashlib.sha256(data).hexdigest()
    assert found["claim_generator"].startswith("mediatheque")
    assert (found["title"], found["signed_by"]) == ("a lake", "Signer of the tests")
    assert (found["actions"], found["source_types"]) == (["c2pa.created"], [SOURCE])
    assert found["problems"] == ["signingCredential.untrusted"]
    assert found["manifest_store"]["active_manifest"] in found["manifest_store"]["manifests"]


def test_a_file_that_was_changed_since_is_told(tenant: Tenant, signed: Any) -> None:
    data = bytearray(signed(picture("PNG", 200, 150), "image/png"))
    text = data.index(b"IDAT") - 4
    added = struct.pack(">I", 3) + b"tEXtA\0B" + struct.pack(">I", zlib.crc32(b"tEXtA\0B"))
    found = provenance(tenant, str(streamed(tenant.client, bytes(data[:text] + added + data[text:]))["image_id"]))
    assert (found["is_present"], found["is_read"], found["state"]) == (True, True, "Invalid")
    assert "assertion.dataHash.mismatch" in found["problems"]


def test_a_file_without_one_says_so(tenant: Tenant) -> None:
    found = provenance(tenant, str(streamed(tenant.client)["image_id"]))
    assert (found["is_present"], found["is_read"], found["manifest_store"]) == (False, False, None)


def test_a_policy_takes_the_manifest_along(tenant: Tenant, accounts: Accounts, signed: Any) -> None:
    data = signed(picture("JPEG", 200, 150, seed=7), "image/jpeg")
    with tenant.server.client(accounts.create_key(tenant.name, role=Role.ADMIN).key) as admin:
        admin.put("/api/v2/privacy", json={"metadata_policy": "strip-all"})
    found = provenance(tenant, str(streamed(tenant.client, data, "lake.jpg")["image_id"]))
    assert found["is_present"] is False


@pytest.mark.parametrize(
    "media_type", ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "video/mp4"]
)
def test_a_manifest_is_found_in_every_container(
    decoders: Decoders, signed: Any, media_type: str, tmp_path: Any
) -> None:
    form = media_type.partition("/")[2].upper()
    file = tmp_path / "file"
    file.write_bytes(signed(video() if form == "MP4" else picture(form, 64, 48), media_type))
    found = decoders.run(READ, path=str(file), media_type=media_type)
    assert (found["is_present"], found["is_read"], found["state"]) == (True, True, "Valid")
