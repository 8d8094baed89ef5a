"""Loads the export into the lake's bronze layer: bronze/<table>/fecha=<day>/<table>.csv.

    python load.py EXPORT_DIR BUCKET
"""

import sys
from pathlib import Path

import boto3


def load(s3, export_dir, bucket):
    """Uploads every file below `export_dir`; returns how many."""
    files = sorted(p for p in Path(export_dir).rglob("*.csv"))
    for path in files:
        s3.upload_file(str(path), bucket, f"bronze/{path.relative_to(export_dir).as_posix()}")
    return len(files)


if __name__ == "__main__":
    print(load(boto3.client("s3"), sys.argv[1], sys.argv[2]), "files loaded")
