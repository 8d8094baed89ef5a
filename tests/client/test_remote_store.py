"""`tarn up --store s3://bucket/prefix`: large bodies on another S3, the index here. The other S3 is a second tarn (always), versitygw and MinIO
(where tools/setup-peers has made them)."""

import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from running_tarn import PROGRAM

KEY, SECRET = "storestore", "storestorestore"
LARGE = os.urandom(1 << 20) + b"end"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def peer(program):
    cache = Path(os.environ.get("TARN_CACHE") or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tarn")
    found = sorted(cache.glob(f"peers-*/{program}"))
    if not found:
        pytest.skip(f"no {program} here: tools/setup-peers makes it")
    return str(found[-1])


class Remote:
    """An S3 server with one bucket, that can be ended and started again on its port."""

    def __init__(self, kind, folder):
        self.kind, self.folder, self.port, self.process = kind, folder, free_port(), None
        folder.mkdir()
        self.program = PROGRAM if kind == "tarn" else peer(kind)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.start()
        self.s3().create_bucket(Bucket="bodies")

    def start(self):
        command = {"tarn": [self.program, "up", "--data", str(self.folder / "data"), "--port", str(self.port), "--redshift-port", "0", "--quiet"],
                   "versitygw": [self.program, "--access", KEY, "--secret", SECRET, "--region", "us-east-1", "--port", f"127.0.0.1:{self.port}", "--quiet",
                                 "posix", str(self.folder)],
                   "minio": [self.program, "server", "--address", f"127.0.0.1:{self.port}", str(self.folder)]}[self.kind]
        env = {**os.environ, "MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"}
        log = open(self.folder.with_suffix(".log"), "a")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env=env, cwd=self.folder.parent)
        for _ in range(400):
            try:
                self.s3().list_buckets()
                return
            except (BotoCoreError, ClientError):
                assert self.process.poll() is None, self.folder.with_suffix(".log").read_text()[-1000:]
                time.sleep(0.05)
        raise AssertionError(f"{self.kind} does not answer")

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def s3(self):
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id=KEY, aws_secret_access_key=SECRET,
                            config=Config(retries={"max_attempts": 0}, connect_timeout=2, s3={"addressing_style": "path"}))

    def blobs(self):
        return [o["Key"] for o in self.s3().list_objects_v2(Bucket="bodies", Prefix="lake/blobs/").get("Contents", [])]

    def uploads(self):
        return self.s3().list_multipart_uploads(Bucket="bodies").get("Uploads", [])


@pytest.fixture(params=["tarn", "versitygw", pytest.param("minio", marks=pytest.mark.slow)])
def remote(request, tmp_path):
    remote = Remote(request.param, tmp_path / "remote")
    yield remote
    remote.stop()


@pytest.fixture
def keys(monkeypatch):
    monkeypatch.setenv("TARN_STORE_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("TARN_STORE_SECRET_ACCESS_KEY", SECRET)


@pytest.fixture
def lake(remote, keys, own_tarn):
    tarn = own_tarn("--store", "s3://bodies/lake", "--store-endpoint", remote.endpoint)
    tarn.client("s3").create_bucket(Bucket="bbb")
    return tarn


def until(condition, seconds=20):
    end = time.time() + seconds
    while not condition() and time.time() < end:
        time.sleep(0.05)
    assert condition()


def verify(tarn, *words, code=0):
    done = subprocess.run([PROGRAM, "store", "verify", "--data", str(tarn.data_dir), "--json", *words], env=tarn.environment(), capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def read(s3, key, **more):
    return s3.get_object(Bucket="bbb", Key=key, **more)["Body"].read()


def test_all_of_an_objects_life(lake, remote):
    s3 = lake.client("s3")
    s3.put_object(Bucket="bbb", Key="small", Body=b"small")
    s3.put_object(Bucket="bbb", Key="large", Body=LARGE)
    assert len(remote.blobs()) == 1
    there = remote.s3().get_object(Bucket="bodies", Key=remote.blobs()[0])["Body"].read()
    assert LARGE[:64] not in there and len(there) > len(LARGE)  # sealed before it left
    assert read(s3, "small") == b"small" and read(s3, "large") == LARGE
    assert read(s3, "large", Range="bytes=70000-200000") == LARGE[70000:200001] and read(s3, "large", Range="bytes=-3") == b"end"

    s3.copy_object(Bucket="bbb", Key="copy", CopySource="bbb/large")
    assert len(remote.blobs()) == 1 and read(s3, "copy") == LARGE
    upload = s3.create_multipart_upload(Bucket="bbb", Key="parts")["UploadId"]
    bodies = [b"1" * (5 << 20), b"2" * (9 << 20), b"last"]
    parts = [s3.upload_part(Bucket="bbb", Key="parts", UploadId=upload, PartNumber=n, Body=body)["ETag"] for n, body in enumerate(bodies, 1)]
    s3.complete_multipart_upload(Bucket="bbb", Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": n, "ETag": e} for n, e in enumerate(parts, 1)]})
    assert read(s3, "parts") == b"".join(bodies) and remote.uploads() == []
    assert read(s3, "parts", Range=f"bytes={(5 << 20) - 2}-{(5 << 20) + 1}") == b"1122"
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="bbb", Key="large", Body=LARGE, IfNoneMatch="*")

    s3.put_bucket_versioning(Bucket="bbb", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="bbb", Key="large", Body=LARGE[::-1])
    versions = s3.list_object_versions(Bucket="bbb", Prefix="large")["Versions"]
    assert [v["IsLatest"] for v in versions] == [True, False]
    assert read(s3, "large") == LARGE[::-1] and read(s3, "large", VersionId="null") == LARGE
    lake.stop()
    found = verify(lake)
    assert (found["problems"], found["objects"], found["files"]) == ([], 4, 4)
    located = subprocess.run([PROGRAM, "store", "locate", "s3://bbb/large", "--data", str(lake.data_dir)], env=lake.environment(), capture_output=True, text=True)
    assert "s3://bodies/lake/blobs/" in located.stdout and "missing" not in located.stdout

    lake.options = ()  # the folder knows where its bodies are
    lake.start()
    s3 = lake.client("s3")
    assert read(s3, "large") == LARGE[::-1] and read(s3, "parts") == b"".join(bodies)
    for version in s3.list_object_versions(Bucket="bbb")["Versions"]:
        s3.delete_object(Bucket="bbb", Key=version["Key"], VersionId=version["VersionId"])
    until(lambda: remote.blobs() == [])


def test_a_kill_during_an_upload_leaves_nothing_behind(lake, remote):
    s3 = lake.client("s3")
    s3.put_object(Bucket="bbb", Key="kept", Body=LARGE)

    def upload():
        connection = socket.create_connection(("127.0.0.1", int(lake.port)))
        url = s3.generate_presigned_url("put_object", Params={"Bucket": "bbb", "Key": "lost"})
        path = url[len(lake.endpoint):]
        connection.sendall(f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{lake.port}\r\nContent-Length: {64 << 20}\r\n\r\n".encode())
        try:
            for _ in range(64):
                connection.sendall(b"x" * (1 << 20))
                time.sleep(0.005)
        except OSError:
            pass

    sender = threading.Thread(target=upload)
    sender.start()
    until(lambda: remote.uploads() != [])
    lake.kill()
    sender.join()
    assert len(list((lake.data_dir / "objects/incoming").iterdir())) == 1
    lake.start()
    until(lambda: remote.uploads() == [] and len(remote.blobs()) == 1)
    s3 = lake.client("s3")
    assert read(s3, "kept") == LARGE and [o["Key"] for o in s3.list_objects_v2(Bucket="bbb")["Contents"]] == ["kept"]
    lake.stop()
    assert verify(lake)["problems"] == []


def test_while_the_other_s3_is_away(lake, remote):
    s3 = lake.client("s3")
    s3.put_object(Bucket="bbb", Key="large", Body=LARGE)
    s3.put_object(Bucket="bbb", Key="small", Body=b"small")
    s3.put_object(Bucket="bbb", Key="gone", Body=LARGE)
    remote.stop()
    for work in (lambda: s3.put_object(Bucket="bbb", Key="new", Body=LARGE), lambda: s3.get_object(Bucket="bbb", Key="large")):
        with pytest.raises(ClientError) as refused:
            work()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert refused.value.response["Error"]["Code"] == "ServiceUnavailable" and "s3://bodies/lake/" in refused.value.response["Error"]["Message"]
    assert read(s3, "small") == b"small" and s3.head_object(Bucket="bbb", Key="large")["ContentLength"] == len(LARGE)
    s3.delete_object(Bucket="bbb", Key="gone")
    s3.put_object(Bucket="bbb", Key="small too", Body=b"small")
    lake.kill()
    lake.start()  # also while it is away
    s3 = lake.client("s3")
    assert read(s3, "small too") == b"small"
    remote.start()
    assert read(s3, "large") == LARGE
    s3.put_object(Bucket="bbb", Key="new", Body=LARGE)
    assert sorted(o["Key"] for o in s3.list_objects_v2(Bucket="bbb")["Contents"]) == ["large", "new", "small", "small too"]
    lake.stop()
    lake.start()
    until(lambda: len(remote.blobs()) == 2)  # what was deleted meanwhile is removed there, too
    lake.stop()
    assert verify(lake)["problems"] == []
    removed = remote.blobs()[0]
    remote.s3().delete_object(Bucket="bodies", Key=removed)
    assert "missing" in verify(lake, code=1)["problems"][0]


def test_what_is_refused_at_the_start(lake, remote, tmp_path, own_tarn, monkeypatch):
    def refused(data_dir, *options):
        done = subprocess.run([PROGRAM, "up", "--data", str(data_dir), "--port", "0", "--redshift-port", "0", *options], capture_output=True, text=True, timeout=30)
        assert done.returncode == 1
        return done.stderr

    there = ("--store", "s3://bodies/lake", "--store-endpoint", remote.endpoint)
    assert "of another store" in refused(tmp_path / "second", *there)
    assert "not of the form" in refused(tmp_path / "third", "--store", "bodies/lake")
    assert "NoSuchBucket" in refused(tmp_path / "fourth", "--store", "s3://none-such/lake", "--store-endpoint", remote.endpoint)
    lake.stop()
    assert "not in s3://bodies/other" in refused(lake.data_dir, "--store", "s3://bodies/other", "--store-endpoint", remote.endpoint)
    local = own_tarn()
    local.client("s3").create_bucket(Bucket="bbb")
    local.client("s3").put_object(Bucket="bbb", Key="k", Body=LARGE)
    local.stop()
    assert "on its own disk" in refused(local.data_dir, "--store", "s3://bodies/more", "--store-endpoint", remote.endpoint)
    for name in list(os.environ):
        if name.startswith(("TARN_STORE_", "AWS_")):
            monkeypatch.delenv(name)
    assert "TARN_STORE_ACCESS_KEY_ID" in refused(lake.data_dir)
