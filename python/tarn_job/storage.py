"""Objects on S3 and files on this machine, by one kind of address.

An address is `s3://bucket/key` (also written `s3a://` or `s3n://`), `file:///path`, or a plain path. The S3 client
takes its endpoint, region and keys from the environment, as boto3 always does.
"""
import atexit
import dataclasses
import fnmatch
import functools
import os
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, Iterator, Optional

PARALLEL_REQUESTS = 8
DELETE_BATCH_KEYS = 1000  # the most that one DeleteObjects takes
_S3 = re.compile(r"^s3[an]?://([^/]+)/?(.*)$", re.S)
_WILD = re.compile(r"[*?\[{]")


@dataclasses.dataclass(frozen=True)
class File:
    """One object or file: its address, its size, and what tells a changed one from the one seen before."""
    address: str
    size_bytes: int
    modified_ms: int
    etag: str = ""


def is_s3(address: str) -> bool:
    return _S3.match(address) is not None


def split_s3(address: str) -> tuple[str, str]:
    """The bucket and the key of an S3 address. Raises ValueError for any other."""
    found = _S3.match(address)
    if not found:
        raise ValueError(f"{address} is not an s3:// address")
    return found.group(1), found.group(2)


def canonical(address: str) -> str:
    """The one way this package writes an address: `s3://bucket/key`, or an absolute path."""
    if is_s3(address):
        return "s3://" + "/".join(split_s3(address))
    scheme = re.match(r"^([a-zA-Z][a-zA-Z0-9+.-]*):", address)
    if scheme and scheme.group(1) != "file":
        from tarn_job import Unsupported
        raise Unsupported(f"the file system {scheme.group(1)}:// is not supported; use s3:// or a local path")
    return os.path.abspath(re.sub(r"^file:(//)?", "", address)) + ("/" if address.endswith("/") else "")


@functools.lru_cache(maxsize=1)
def client():
    """The process's one S3 client. It may be used by several threads."""
    import boto3
    from botocore.config import Config
    return boto3.client("s3", config=Config(max_pool_connections=4 * PARALLEL_REQUESTS, retries={"mode": "standard"}))


@functools.lru_cache(maxsize=1)
def workspace() -> str:
    """A temporary folder of this process, removed when it ends."""
    folder = tempfile.mkdtemp(prefix="tarn-job-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def find(address: str) -> list[tuple[str, list[File]]]:
    """The files at an address, as Spark looks for them: pairs of a root and the files that belong to it.

    The address is a file, a folder (everything below it), or a pattern with `*`, `?`, `[...]` or `{a,b}`; a pattern
    that matches folders takes everything below them. Names that begin with `_` or `.` are hidden, except when the
    address itself names them. A root is the folder below which `column=value` folders count as partitions: the folder
    asked for, or each folder that the pattern matched. An address where nothing stands gives no pairs: whether that is
    an error is the caller's to say.
    """
    address = canonical(address)
    if _WILD.search(address):
        return _find_pattern(address)
    base = address.rstrip("/")
    files = [] if address.endswith("/") else _exact(base)
    if files:
        return [(base.rsplit("/", 1)[0], files)]
    files = [one for one in _below(base + "/") if not _hidden(one.address[len(base) + 1:])]
    return [(base, files)] if files else []


def _find_pattern(address: str) -> list[tuple[str, list[File]]]:
    fixed = address[:_WILD.search(address).start()].rsplit("/", 1)[0]
    segments = address.rstrip("/").split("/")
    patterns = [_pattern(one) for one in segments]
    found: dict[str, list[File]] = {}
    for one in _below(fixed + "/"):
        names = one.address.split("/")
        if len(names) < len(segments) or not all(p.match(n) for p, n in zip(patterns, names)):
            continue
        if not _hidden("/".join(names[len(segments):])):
            depth = min(len(segments), len(names) - 1)
            found.setdefault("/".join(names[:depth]), []).append(one)
    return list(found.items())


def _pattern(segment: str) -> "re.Pattern[str]":
    alternatives = [segment]
    while any("{" in one for one in alternatives):
        opened = []
        for one in alternatives:
            group = re.search(r"\{([^{}]*)\}", one)
            if not group:
                opened.append(one.replace("{", "[{]"))
                continue
            opened += [one[:group.start()] + choice + one[group.end():] for choice in group.group(1).split(",")]
        alternatives = opened
    return re.compile("|".join(f"(?:{fnmatch.translate(one)})" for one in alternatives))


def _hidden(relative: str) -> bool:
    return any(name.startswith((".", "_")) and "=" not in name for name in relative.split("/"))


def _exact(address: str) -> list[File]:
    if not is_s3(address):
        return [_local(address)] if os.path.isfile(address) else []
    bucket, key = split_s3(address)
    if not key:
        return []
    from botocore.exceptions import ClientError
    try:
        head = client().head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return []
        raise
    return [File(address, head["ContentLength"], int(head["LastModified"].timestamp() * 1000), head["ETag"].strip('"'))]


def _below(prefix: str) -> Iterator[File]:
    """Every file below a prefix that ends in `/`, in the order of names. Folder markers are left out."""
    if not is_s3(prefix):
        for folder, folders, names in os.walk(prefix):
            folders.sort()
            yield from (_local(os.path.join(folder, name)) for name in sorted(names))
        return
    bucket, key = split_s3(prefix)
    for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
        for item in page.get("Contents", []):
            if not item["Key"].endswith("/") and not item["Key"].endswith("_$folder$"):
                yield File(f"s3://{bucket}/{item['Key']}", item["Size"], int(item["LastModified"].timestamp() * 1000),
                           item["ETag"].strip('"'))


def _local(path: str) -> File:
    status = os.stat(path)
    return File(path, status.st_size, int(status.st_mtime * 1000), f"{status.st_ino}-{status.st_mtime_ns}")


def open_read(address: str) -> BinaryIO:
    """A stream over an object's bytes; the caller closes it. Raises FileNotFoundError when there is none."""
    if not is_s3(address):
        return open(address, "rb")
    bucket, key = split_s3(address)
    try:
        return client().get_object(Bucket=bucket, Key=key)["Body"]
    except client().exceptions.NoSuchKey as error:
        raise FileNotFoundError(f"{address} does not exist") from error


def download(address: str, path: str) -> None:
    """Copies an object to a local path, in parts at once when it is large. Raises FileNotFoundError when absent."""
    from botocore.exceptions import ClientError
    bucket, key = split_s3(address)
    try:
        client().download_file(bucket, key, path)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            raise FileNotFoundError(f"{address} does not exist") from error
        raise


def publish(pairs: list[tuple[str, str]]) -> None:
    """Moves local files to their addresses, several at once. Returns when all are stored; raises on the first failure."""
    def move(pair: tuple[str, str]) -> None:
        path, address = pair
        if is_s3(address):
            bucket, key = split_s3(address)
            client().upload_file(path, bucket, key)
            os.unlink(path)
        else:
            os.makedirs(os.path.dirname(address), exist_ok=True)
            shutil.move(path, address)
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        for _ in pool.map(move, pairs):
            pass


def delete_below(address: str, keep: Optional[set[str]] = None) -> int:
    """Deletes every file below a folder, hidden ones too, except those in `keep`; returns how many went."""
    doomed = [one.address for one in _below(canonical(address).rstrip("/") + "/") if one.address not in (keep or ())]
    if not is_s3(address):
        for path in doomed:
            os.unlink(path)
        return len(doomed)
    bucket, _ = split_s3(address)
    for start in range(0, len(doomed), DELETE_BATCH_KEYS):
        keys = [{"Key": split_s3(one)[1]} for one in doomed[start:start + DELETE_BATCH_KEYS]]
        answer = client().delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        for error in answer.get("Errors", []):
            raise OSError(f"could not delete s3://{bucket}/{error['Key']}: {error['Code']} {error.get('Message', '')}")
    return len(doomed)


def any_below(address: str) -> bool:
    """Whether a file stands at the address or below it."""
    address = canonical(address).rstrip("/")
    if not is_s3(address):
        return os.path.isfile(address) or next(_below(address + "/"), None) is not None
    bucket, key = split_s3(address)
    answer = client().list_objects_v2(Bucket=bucket, Prefix=key + "/" if key else "", MaxKeys=1)
    return bool(answer.get("KeyCount")) or bool(key and _exact(address))
