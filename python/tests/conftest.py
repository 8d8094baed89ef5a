"""Job scripts, run as tarn runs them, against a real S3 and Glue endpoint.

The endpoint is TARN_TEST_ENDPOINT, or a tarn that is started for the tests (TARN_PROGRAM, or build/release/tarn), or
moto's server where that is installed. The jobs' own Python is TARN_JOB_PYTHON, or the environment of tools/setup-jobs.
"""
import dataclasses
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import boto3
import pytest

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="session")
def job_python():
    if os.environ.get("TARN_JOB_PYTHON"):
        return os.environ["TARN_JOB_PYTHON"]
    made = subprocess.run([ROOT / "tools/setup-jobs"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip().splitlines()[-1] + "/bin/python"


@pytest.fixture(scope="session")
def endpoint():
    if os.environ.get("TARN_TEST_ENDPOINT"):
        yield os.environ["TARN_TEST_ENDPOINT"]
        return
    program = Path(os.environ.get("TARN_PROGRAM") or ROOT / "build/release/tarn")
    if program.exists():
        sys.path.insert(0, str(ROOT / "tests"))
        from running_tarn import Tarn
        with tempfile.TemporaryDirectory(prefix="tarn-jobs-") as folder:
            running = Tarn(Path(folder) / "data")
            yield running.endpoint
            running.stop()
        return
    yield from _moto()


def _moto():
    server = Path(sys.executable).parent / "moto_server"
    if not server.exists():
        pytest.skip("no endpoint: TARN_TEST_ENDPOINT is not set, tarn is not built, and moto is not installed")
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen([server, "-H", "127.0.0.1", "-p", "0"], stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                log.seek(0)
                found = re.search(r"Running on (http://127\.0\.0\.1:\d+)", log.read())
                if found:
                    yield found.group(1)
                    return
                time.sleep(0.1)
            pytest.fail("moto's server did not start")
        finally:
            process.terminate()
            process.wait()


class Lake:
    """A bucket and a database of a test's own, with what tests do to them."""

    def __init__(self, endpoint: str):
        named = {"endpoint_url": endpoint, "region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.endpoint, self.s3, self.glue = endpoint, boto3.client("s3", **named), boto3.client("glue", **named)
        self.bucket = f"lake-{uuid.uuid4().hex[:10]}"
        self.s3.create_bucket(Bucket=self.bucket)

    @functools.cached_property
    def database(self) -> str:
        name = f"db_{uuid.uuid4().hex[:8]}"
        self.glue.create_database(DatabaseInput={"Name": name})
        return name

    def put(self, key: str, body) -> str:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body if isinstance(body, bytes) else body.encode("utf-8"))
        return f"s3://{self.bucket}/{key}"

    def keys(self, prefix: str = "") -> list[str]:
        return [one["Key"] for one in self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])]

    def body(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def table(self, name: str, folder: str, columns: list, keys: list = (), classification: str = "csv", header: bool = True,
              serde: str = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", serde_parameters=None, parameters=None) -> None:
        described = self._descriptor(folder, columns, serde, serde_parameters)
        more = {"skip.header.line.count": "1"} if header and classification == "csv" else {}
        self.glue.create_table(DatabaseName=self.database, TableInput={
            "Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": described,
            "PartitionKeys": [{"Name": key, "Type": kind} for key, kind in keys],
            "Parameters": {"classification": classification, **more, **(parameters or {})}})

    def partition(self, table: str, values: list[str], folder: str) -> None:
        record = self.glue.get_table(DatabaseName=self.database, Name=table)["Table"]
        described = {**record["StorageDescriptor"], "Location": f"s3://{self.bucket}/{folder}"}
        self.glue.create_partition(DatabaseName=self.database, TableName=table,
                                   PartitionInput={"Values": values, "StorageDescriptor": described})

    def _descriptor(self, folder, columns, serde, serde_parameters):
        return {"Columns": [{"Name": name, "Type": kind} for name, kind in columns], "Location": f"s3://{self.bucket}/{folder}",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {"SerializationLibrary": serde, "Parameters": serde_parameters or {"field.delim": ","}}}


@pytest.fixture
def lake(endpoint):
    return Lake(endpoint)


@dataclasses.dataclass
class Run:
    code: int
    out: str
    err: str
    result: dict

    def values(self) -> list:
        """What the script printed by `show(...)`: one JSON value a line that begins with `=> `."""
        return [json.loads(line[3:]) for line in self.out.splitlines() if line.startswith("=> ")]


PRELUDE = """
import json as _json
def show(value): print('=> ' + _json.dumps(value, default=str, ensure_ascii=False))
"""


@pytest.fixture
def run(job_python, endpoint, tmp_path):
    """Runs a script as a job: run(script, "--name", "value", kind=…, engine=…, options=[…], env={…})."""

    def start(script: str, *arguments: str, kind="glueetl", engine="sail", options=(), env=None, fails=False) -> Run:
        path = tmp_path / f"script{uuid.uuid4().hex[:6]}.py"
        path.write_text(PRELUDE + script, encoding="utf-8")
        result = tmp_path / "result.json"
        result.unlink(missing_ok=True)
        process = subprocess.run(
            [job_python, "-m", "tarn_job", "--kind", kind, "--engine", engine, "--script", str(path), *options, "--", *arguments],
            capture_output=True, text=True, timeout=600, check=False,
            env={**{key: value for key, value in os.environ.items() if not key.startswith("AWS_")}, **KEYS, "AWS_ENDPOINT_URL": endpoint,
                 "PYTHONPATH": str(ROOT / "python"), "TARN_JOB_RESULT": str(result), **(env or {})})
        record = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
        outcome = Run(process.returncode, process.stdout, process.stderr, record)
        assert fails or process.returncode == 0, outcome.out + outcome.err
        return outcome

    return start
