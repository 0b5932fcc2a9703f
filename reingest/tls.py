"""What a server's certificate is checked against. There is no way to check it against nothing."""

import ssl
from pathlib import Path

import httpx

from reingest.errors import BadSetting


def trusted_certificates(url: str, ca_bundle: Path | None) -> ssl.SSLContext:
    """Return the certificates to trust for an address: those of the setting `ca_bundle`, or the shipped ones.

    Raises:
        BadSetting: the bundle cannot be read.
    """
    if ca_bundle is not None:
        try:
            return ssl.create_default_context(cafile=str(ca_bundle))
        except OSError as error:
            raise BadSetting(f"ca_bundle {ca_bundle} cannot be read as certificates: {error}") from error
    if url.startswith("http://"):
        # Reading the shipped certificates costs 30 ms, and a plain address (a stand-in's) needs none. This
        # context trusts nobody, so that it fails closed.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.create_ssl_context()
