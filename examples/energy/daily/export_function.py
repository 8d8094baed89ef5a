"""The Lambda function that stands for the trader's own system: writes one day's export into bronze.

Its event names the day: {"day": "2026-01-02T05:00:00Z"} or {"day": "2026-01-02"}.
"""

import datetime
import os
import tempfile
from pathlib import Path

import boto3

import generate

s3 = boto3.client("s3")


def handler(event, context):
    day = datetime.date.fromisoformat(event["day"][:10])
    with tempfile.TemporaryDirectory() as folder:
        files = generate.generate(folder, days=1, first_day=day.isoformat())
        keys = [f"bronze/{Path(path).relative_to(folder).as_posix()}" for path in files]
        for path, key in zip(files, keys):
            s3.upload_file(str(path), os.environ["BUCKET"], key)
    print(f"{len(keys)} files for {day}")
    return {"day": day.isoformat(), "files": keys}
