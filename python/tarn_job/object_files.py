"""`pandas.read_csv("s3://…")` and everything else that opens addresses through fsspec, over this runtime's own S3 client.

AWS's Python shell has s3fs for this, whose client is tied to another version of boto3 than the one here.
"""
import io
import os
import tempfile
from typing import Any

from tarn_job import storage


def install() -> None:
    """Registers the file system for s3, s3a and s3n. Does nothing where fsspec is not installed."""
    try:
        import fsspec
    except ImportError:
        return
    fsspec.register_implementation("s3", _file_system(), clobber=True)
    fsspec.register_implementation("s3a", _file_system(), clobber=True)
    fsspec.register_implementation("s3n", _file_system(), clobber=True)


def _file_system() -> type:
    from fsspec.spec import AbstractFileSystem

    class ObjectFiles(AbstractFileSystem):
        """Objects as files: read by ranges, written as a whole when closed. Credentials and endpoint are the job's; options
        that name others are refused."""
        protocol = ("s3", "s3a", "s3n")
        root_marker = ""

        def __init__(self, anon: bool = False, key: Any = None, secret: Any = None, token: Any = None, client_kwargs: Any = None, **options):
            super().__init__(**options)
            if anon or key or secret or token or (client_kwargs or {}).get("endpoint_url", os.environ.get("AWS_ENDPOINT_URL")) != \
                    os.environ.get("AWS_ENDPOINT_URL"):
                from tarn_job import Unsupported
                raise Unsupported("storage_options with other keys or another endpoint are not supported; use boto3")

        @classmethod
        def _strip_protocol(cls, path):
            if isinstance(path, list):
                return [cls._strip_protocol(one) for one in path]
            return "/".join(storage.split_s3(path)) if storage.is_s3(path) else path.strip("/")

        def info(self, path, **_):
            path = self._strip_protocol(path).rstrip("/")
            found = storage._exact(f"s3://{path}")
            if found:
                return {"name": path, "size": found[0].size_bytes, "type": "file", "ETag": found[0].etag, "LastModified": found[0].modified_ms}
            if storage.any_below(f"s3://{path}"):
                return {"name": path, "size": 0, "type": "directory"}
            raise FileNotFoundError(f"s3://{path} does not exist")

        def ls(self, path, detail=True, **_):
            path = self._strip_protocol(path).rstrip("/")
            bucket, _slash, key = path.partition("/")
            prefix = key + "/" if key else ""
            found = []
            for page in storage.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"):
                found += [{"name": f"{bucket}/{one['Prefix'].rstrip('/')}", "size": 0, "type": "directory"} for one in page.get("CommonPrefixes", [])]
                found += [{"name": f"{bucket}/{one['Key']}", "size": one["Size"], "type": "file"} for one in page.get("Contents", [])
                          if one["Key"] != prefix]
            if not found:
                found = [one for one in [self.info(path)] if one["type"] == "file"]
            return found if detail else [one["name"] for one in found]

        def _open(self, path, mode="rb", **_):
            address = f"s3://{self._strip_protocol(path)}"
            if mode == "rb":
                from tarn_job.sail.columnar import SeekableObject
                found = storage._exact(address)
                if not found:
                    raise FileNotFoundError(f"{address} does not exist")
                return io.BufferedReader(_Raw(SeekableObject(found[0])), 1 << 20)
            if mode == "wb":
                return _Upload(address)
            raise ValueError(f"objects are opened to be read or written whole, not with the mode {mode!r}")

        def _rm(self, path):
            bucket, key = storage.split_s3(f"s3://{self._strip_protocol(path)}")
            storage.client().delete_object(Bucket=bucket, Key=key)

        def makedirs(self, path, exist_ok=False):
            pass  # folders are only prefixes

        mkdir = makedirs

    return ObjectFiles


class _Raw(io.RawIOBase):
    """A seekable object behind io.BufferedReader."""

    def __init__(self, source):
        self._source = source

    def readinto(self, buffer) -> int:
        data = self._source.read(len(buffer))
        buffer[:len(data)] = data
        return len(data)

    def seek(self, offset, whence=0):
        return self._source.seek(offset, whence)

    def tell(self):
        return self._source.tell()

    def readable(self):
        return True

    def seekable(self):
        return True


class _Upload(io.BufferedWriter):
    """A local file that becomes the object when it is closed; what raises before that leaves no object."""

    def __init__(self, address: str):
        self._address = address
        handle, self._path = tempfile.mkstemp(dir=storage.workspace())
        super().__init__(io.FileIO(handle, "wb"))
        self._failed = False

    def __exit__(self, kind, *rest):
        self._failed = kind is not None
        return super().__exit__(kind, *rest)

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        if not self._failed:
            storage.publish([(self._path, self._address)])
