"""An object store behind a URL: its file system, and what its errors mean.

Credentials come from where the tools of the store look for them (the environment, a profile, the role of the machine),
never from the URL. S3-compatible stores are named by ``AWS_ENDPOINT_URL`` or by ``?endpoint=…`` in the URL.
"""

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from features.errors import DataGateError, UsageError, suggest_name

SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss")
"""What the URLs of object stores begin with."""

OTHER_STORES = {"s3a": "s3", "s3n": "s3", "az": "abfss", "azure": "abfss", "wasbs": "abfss", "r2": "s3"}
"""What other tools begin them with."""

S3_OPTIONS = ("endpoint", "region", "anonymous")
_CONNECT_SECONDS, _REQUEST_SECONDS, _ATTEMPTS = 10, 60, 4

_MEANINGS = (
    (("expiredtoken", "expired_token", "token has expired"), "the credentials have expired: renew them"),
    (("nosuchbucket", "no_such_bucket"), "there is no bucket {bucket}"),
    (("invalidaccesskeyid", "invalid_access_key", "signaturedoesnotmatch", "signature_does_not_match", "invalidtoken"),
     "the credentials are not valid"),
    (("accessdenied", "access_denied", "forbidden", "http response code: 403"),
     "these credentials may not read it (or there are none)"),
    (("slowdown", "slow_down", "throttl"), "the store refuses more requests for now: try again later"),
    (("couldn't connect", "couldn't resolve", "network_connection", "connection refused", "connecterror", "timeout",
      "dns error"), "it cannot be reached"),
)  # fmt: skip
"""Words of the stores' messages, and what they mean to the person who runs the night."""


@dataclass(frozen=True)
class StoreUrl:
    """A place in a store; ``options`` are those of the URL's query."""

    scheme: str
    bucket: str
    path: str
    options: dict[str, str]

    @property
    def text(self) -> str:
        """The URL without its options."""
        return f"{self.scheme}://{self.bucket}/{self.path}".rstrip("/")

    @property
    def endpoint(self) -> str | None:
        """The address of an S3-compatible store; ``None`` for Amazon's own."""
        return self.options.get("endpoint") or _environment("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")

    @property
    def region(self) -> str | None:
        """The region, where the URL or the environment names one."""
        return self.options.get("region") or _environment("AWS_REGION", "AWS_DEFAULT_REGION")


def _environment(*names: str) -> str | None:
    return next((value for name in names for value in [os.environ.get(name)] if value), None)


def is_store(text: str) -> bool:
    """Whether a source is a place in an object store, or looks as if it should be one."""
    return text.partition("://")[0].lower() in {*SCHEMES, *OTHER_STORES} and "://" in text


def read_store_url(text: str) -> StoreUrl:
    """The parts of a URL.

    Raises:
        UsageError: it is of another form, holds a password, or has an option that there is not.
    """
    parts = urlsplit(text)
    scheme = parts.scheme.lower()
    if scheme in OTHER_STORES:
        raise UsageError(f"A place in this store begins with {OTHER_STORES[scheme]}://, not with {scheme}://.")
    azure = scheme.startswith("abfs")
    if parts.password is not None or (parts.username is not None and not azure):
        raise UsageError("Credentials of a store are not written in its URL: set them in the environment.")
    if not parts.netloc:
        raise UsageError(f"{text} names no bucket: write {scheme}://BUCKET/FOLDER.")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    known = S3_OPTIONS if scheme == "s3" else ()
    for name in options:
        if name not in known:
            hint = suggest_name(name, known) if known else "it takes none."
            raise UsageError(f"The URL of a store has no option {name!r}; {hint}")
    return StoreUrl("gs" if scheme == "gcs" else scheme, parts.netloc, parts.path.strip("/"), options)


def open_object_store(url: StoreUrl) -> tuple[Any, str]:
    """The file system, and the place in it.

    Raises:
        DataGateError: the store cannot be reached.
        UsageError: this store cannot be read by the libraries that are installed.
    """
    try:
        if url.scheme != "s3":
            filesystem, path = pafs.FileSystem.from_uri(url.text)
            return filesystem, path
        endpoint = url.endpoint
        region = url.region or (None if endpoint else pafs.resolve_s3_region(url.bucket))
        options: dict[str, Any] = {"endpoint_override": endpoint} if endpoint else {}
        return pafs.S3FileSystem(
            anonymous=url.options.get("anonymous") == "true",
            region=region or "us-east-1",
            connect_timeout=_CONNECT_SECONDS,
            request_timeout=_REQUEST_SECONDS,
            retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
            **options,
        ), f"{url.bucket}/{url.path}".rstrip("/")
    except (pa.ArrowNotImplementedError, ImportError) as error:
        raise UsageError(f"{url.text}: this store cannot be read here: {error}.") from None
    except (OSError, pa.ArrowException) as error:
        raise DataGateError(store_message(url, str(error))) from None


def store_message(url: StoreUrl, error: str) -> str:
    """A sentence about an error of a store."""
    low = error.lower()
    for words, meaning in _MEANINGS:
        if any(word in low for word in words):
            return f"{url.text} cannot be read: {meaning.format(bucket=url.bucket)}."
    return f"{url.text} cannot be read: {error.strip().splitlines()[0].rstrip('.')}."


def lake_options(url: StoreUrl) -> dict[str, str]:
    """The options by which the reader of Delta tables finds the store."""
    if url.scheme != "s3":
        return {}
    values = {"AWS_ENDPOINT_URL": url.endpoint, "AWS_REGION": url.region or "us-east-1"}
    options = {name: value for name, value in values.items() if value}
    return options | ({"AWS_ALLOW_HTTP": "true"} if (url.endpoint or "").startswith("http://") else {})


def iceberg_options(url: StoreUrl) -> dict[str, str]:
    """The options by which the reader of Iceberg tables finds the store."""
    values = {"s3.endpoint": url.endpoint, "s3.region": url.region or "us-east-1"} if url.scheme == "s3" else {}
    return {name: value for name, value in values.items() if value}
