"""A fleet's own certificates: an authority of its own, and one certificate that scheduler, nodes and clients show.

Nobody else signs for this fleet, and no public authority counts. `ca-key.pem` stays where it was made.
"""

from __future__ import annotations

import datetime
import os

from ..errors import Missing, Refused, extra_hint
from ..system import files

_YEARS = 5


def make_keys(folder: str) -> tuple[str, ...]:
    """Returns the paths of the files. Raises Refused (`file-foreign`) when there are keys, Missing."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
    except ImportError:
        hint = extra_hint("fleet")
        raise Missing("dependency-missing", "the package cryptography is not installed", hint=hint) from None
    names = ("ca.pem", "ca-key.pem", "fleet.pem", "fleet-key.pem")
    paths = tuple(os.path.join(folder, name) for name in names)
    there = [path for path in paths if os.path.lexists(path)]
    if there:
        hint = "nodes know the fleet by them; move the folder away for new ones"
        raise Refused("file-foreign", "the fleet has certificates already", where=there[0], hint=hint)
    begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    end = begin + datetime.timedelta(days=365 * _YEARS)

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def certificate(
        subject: str, public: ec.EllipticCurvePublicKey, signer: ec.EllipticCurvePrivateKey, ca: bool
    ) -> bytes:
        built = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("okstra fleet authority"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        return built.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def private(key: ec.EllipticCurvePrivateKey) -> bytes:
        pem, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return key.private_bytes(pem, plain, serialization.NoEncryption())

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    contents = (
        certificate("okstra fleet authority", authority.public_key(), authority, True),
        private(authority),
        certificate("okstra fleet", own.public_key(), authority, False),
        private(own),
    )
    files.make_private_folders(folder)
    for path, content in zip(paths, contents, strict=True):
        files.replace(path, content)
    return paths
