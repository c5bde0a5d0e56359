"""The file system behind the URI of a store, and the paths in it."""

import errno
import os
from urllib.parse import parse_qs, unquote, urlsplit

from pyarrow import fs

from actors.errors import PathError, UserError

# an S3 that does not answer is an error after about a minute, not a wait without end
CONNECT_SECONDS = 5
SILENT_SECONDS = 10
ATTEMPTS = 4
# of a file system of this machine: those of a network behind it
PASSING = (
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETUNREACH,
)
# what a remote store says that waiting does not mend
LASTING = (
    "ACCESS_DENIED",
    "ACCOUNT_PROBLEM",
    "INVALID_",
    "MISSING_",
    "NO_SUCH_",
    "SIGNATURE_DOES_NOT_MATCH",
    "UNRECOGNIZED_CLIENT",
    "VALIDATION",
)
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def open_filesystem(uri: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a path or `pyarrow.fs` URI, and the folder in it.

    S3 takes credentials, region and endpoint from the URI or else from where AWS's own tools do,
    such as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL.

    Raises:
        UserError: pyarrow knows no such URI.
    """
    if "://" not in uri:
        return fs.LocalFileSystem(), os.path.abspath(uri)
    try:
        filesystem, folder = fs.FileSystem.from_uri(uri)
    except ValueError as error:
        raise UserError(
            f"store: found {without_secrets(uri)!r} ({str(error).splitlines()[0]}); allowed is a "
            "folder or a URI that pyarrow.fs opens, such as s3://bucket/folder"
        ) from None
    if isinstance(filesystem, fs.S3FileSystem):
        filesystem = _patient(uri, filesystem.region)
    return filesystem, folder


def below(root: str, path: object, *, on_disk: bool = False) -> str:
    """Return the path of something below a folder; it may come from a file of anyone's store.

    Args:
        root: the folder, which may be reached by a link itself; empty for the root of the disk.
        path: relative, names divided by slashes.
        on_disk: whether links are followed, and must not lead out of the folder either.

    Raises:
        PathError: the path may lead elsewhere: it is absolute, or has "..", or is no text.
    """
    names = path.split("/") if isinstance(path, str) else [""]
    if any(name in ("", ".", "..") or "\\" in name or "\0" in name for name in names):
        raise PathError(
            f"{path!r}: is no path in the store; allowed are names divided by '/', without '..'"
        )
    whole = f"{root}/{path}"
    if on_disk:
        real = os.path.realpath(root or "/")
        if os.path.commonpath([real, os.path.realpath(whole)]) != real:
            raise PathError(f"{path!r}: a link leads out of the store")
    return whole


def without_secrets(uri: str) -> str:
    """Return a URI without the user and password that it may hold, for messages."""
    pieces = urlsplit(uri)
    return pieces._replace(netloc=pieces.netloc.rpartition("@")[2]).geturl()


def is_passing(error: OSError) -> bool:
    """Whether an error may be an outage, after which the same is possible."""
    if error.errno:
        return error.errno in PASSING
    return not any(word in str(error) for word in LASTING)


def place_of(uri: str) -> str:
    """Return what two URIs of one store have in common: no user, no spelling of the path."""
    if "://" not in uri or uri.startswith("file://"):
        return os.path.realpath(unquote(urlsplit(uri).path) if "://" in uri else uri)
    pieces = urlsplit(without_secrets(uri))
    given = {name: values[-1] for name, values in parse_qs(pieces.query).items()}
    endpoint = given.get("endpoint_override")
    query = f"endpoint_override={endpoint}" if endpoint else ""
    return pieces._replace(path=pieces.path.rstrip("/"), query=query).geturl()


def _patient(uri: str, region: str) -> fs.S3FileSystem:
    """Return the S3 of a URI with limits on waiting, which a URI cannot say."""
    pieces = urlsplit(uri)
    given = {name: values[-1] for name, values in parse_qs(pieces.query).items()}
    for variable in ENDPOINTS:
        if endpoint := os.environ.get(variable):
            given.setdefault("endpoint_override", endpoint)
    texts = ("scheme", "endpoint_override", "tls_ca_file_path")
    flags = ("allow_bucket_creation", "allow_bucket_deletion")
    secrets = {"access_key": pieces.username, "secret_key": pieces.password}
    return fs.S3FileSystem(
        region=region,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=SILENT_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        **{name: given[name] for name in texts if name in given},
        **{name: given[name].lower() in ("true", "1") for name in flags if name in given},
        **{name: unquote(value) for name, value in secrets.items() if value},
    )
