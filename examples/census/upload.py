"""Unpacks the publications into raw/<table>/<year>/, and skips what is there with the same size.

    python upload.py ZIP_DIR BUCKET
"""

import sys
import zipfile
from pathlib import Path

import boto3
from boto3.s3.transfer import TransferConfig

MULTIPART = TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20)


def present(s3, bucket):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="raw/")
    return {o["Key"]: o["Size"] for page in pages for o in page.get("Contents", [])}


def upload(s3, zip_dir, bucket, progress=lambda key, done, size: None):
    """Returns (uploaded, skipped): the keys of both."""
    there, uploaded, skipped = present(s3, bucket), [], []
    for path in sorted(Path(zip_dir).glob("*.zip")):
        table, year = path.stem.rsplit("_", 1)
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.filename.upper().endswith(".CSV"):
                    continue
                key = f"raw/{table}/{year}/{Path(entry.filename).name}"
                if there.get(key) == entry.file_size:
                    skipped.append(key)
                    continue
                done = 0

                def count(size, key=key, total=entry.file_size):
                    nonlocal done
                    done += size
                    progress(key, done, total)

                with archive.open(entry) as body:
                    s3.upload_fileobj(body, bucket, key, Config=MULTIPART, Callback=count)
                uploaded.append(key)
    return uploaded, skipped


if __name__ == "__main__":
    new, old = upload(boto3.client("s3"), sys.argv[1], sys.argv[2], lambda key, done, size: print(f"\r{key}: {done:,} of {size:,} bytes", end=""))
    print(f"\n{len(new)} files uploaded, {len(old)} skipped")
