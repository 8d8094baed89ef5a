"""`tarn s3 sync` and `tarn store`: folder to bucket and back, bucket to bucket, from one endpoint to another; resumed, filtered, told beforehand."""

import json
import os
import subprocess
import time

import pytest

from running_tarn import PROGRAM


def run(env, *words, code=0):
    done = subprocess.run([PROGRAM, *map(str, words)], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def sync(tarn):
    return lambda *words, code=0: run(tarn.environment(), "s3", "sync", *words, code=code)


@pytest.fixture
def bucket(tarn, name):
    tarn.client("s3").create_bucket(Bucket=name)
    return name


def keys(tarn, bucket):
    return sorted(o["Key"] for o in tarn.client("s3").list_objects_v2(Bucket=bucket).get("Contents", []))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.csv").write_text("alpha")
    (folder / "sub" / "ñ b.csv").write_text("beta")
    (folder / "sub" / "c.tmp").write_text("temporary")
    return folder


def test_only_what_is_new_or_changed_moves(sync, tarn, bucket, folder, tmp_path):
    there = f"s3://{bucket}/data"
    assert "(dry run) upload:" in sync(folder, there, "--dryrun") and keys(tarn, bucket) == []
    assert "3 copied" in sync(folder, there)
    tarn.client("s3").put_object(Bucket=bucket, Key="database", Body=b"no part of data/")
    assert keys(tarn, bucket) == ["data/a.csv", "data/sub/c.tmp", "data/sub/ñ b.csv", "database"]
    assert "0 copied" in sync(folder, there)
    (folder / "a.csv").write_text("ALPHA")  # as long as before
    os.utime(folder / "a.csv", (time.time() + 60, time.time() + 60))
    assert "0 copied" in sync(folder, there, "--size-only")
    assert "1 copied" in sync(folder, there)
    os.utime(folder / "a.csv", (time.time() + 120, time.time() + 120))
    assert "0 copied" in sync(folder, there, "--checksum")
    (folder / "a.csv").write_text("omega")
    os.utime(folder / "a.csv", (1e9, 1e9))  # older, but other bytes
    assert "0 copied" in sync(folder, there) and "1 copied" in sync(folder, there, "--checksum")

    back = tmp_path / "back"
    assert "3 copied" in sync(there, back)
    assert (back / "sub" / "ñ b.csv").read_text() == "beta" and not list(back.rglob("*.part"))
    assert "0 copied" in sync(there, back)
    assert "3 copied" in sync(there, f"s3://{bucket}/copy/") and "0 copied" in sync(there, f"s3://{bucket}/copy/")


def test_delete_spares_what_is_excluded(sync, tarn, bucket, folder):
    sync(folder, f"s3://{bucket}", "--exclude", "*.tmp")
    assert keys(tarn, bucket) == ["a.csv", "sub/ñ b.csv"]
    for key in ("old.csv", "old.tmp"):
        tarn.client("s3").put_object(Bucket=bucket, Key=key, Body=b"")
    sync(folder, f"s3://{bucket}", "--exclude", "*.tmp", "--delete")
    assert keys(tarn, bucket) == ["a.csv", "old.tmp", "sub/ñ b.csv"]
    sync(folder, f"s3://{bucket}", "--exclude", "*", "--include", "sub/*.tmp")
    assert "sub/c.tmp" in keys(tarn, bucket)


def test_failures_are_told_and_nothing_is_removed(sync, tarn, bucket, folder, tmp_path):
    assert "NoSuchBucket" in sync(folder, f"s3://{bucket}-absent", code=1)
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "a.csv").mkdir()  # stands in the way
    (tmp_path / "back" / "extra").write_text("stays")
    sync(folder, f"s3://{bucket}")
    assert "nothing was removed" in sync(f"s3://{bucket}", tmp_path / "back", "--delete", code=1)
    assert (tmp_path / "back" / "extra").read_text() == "stays"
    tarn.client("s3").put_object(Bucket=bucket, Key="../outside", Body=b"")
    assert "outside" in sync(f"s3://{bucket}", tmp_path / "other", code=1) and not (tmp_path / "outside").exists()


def test_what_was_cut_off_goes_on(sync, tarn, bucket, tmp_path):
    s3, part = tarn.client("s3"), 64 << 20
    (tmp_path / "in").mkdir()
    body = os.urandom(1 << 20) * 65 + b"end"
    (tmp_path / "in" / "large").write_bytes(body)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=1, Body=body[:part])
    s3.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=2, Body=b"x" * (len(body) - part))  # of other bytes: sent again
    assert "1 copied" in sync(tmp_path / "in", f"s3://{bucket}")
    assert s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []  # it was this upload that was gone on with
    assert "0 copied" in sync(tmp_path / "in", f"s3://{bucket}", "--checksum")

    etag = s3.head_object(Bucket=bucket, Key="large")["ETag"].strip('"')
    back = tmp_path / "back"
    back.mkdir()
    (back / f"large.{etag}.part").write_bytes(body[:1000000])
    sync(f"s3://{bucket}", back)
    assert (back / "large").read_bytes() == body and len(list(back.iterdir())) == 1


def test_from_one_endpoint_to_another(tarn, own_tarn, bucket):
    other = own_tarn()
    other.client("s3").create_bucket(Bucket="moved")
    tarn.client("s3").put_object(Bucket=bucket, Key="k/a", Body=b"bytes", ContentType="text/x", Metadata={"m": "v"})
    words = ["s3", "sync", f"s3://{bucket}", "s3://moved/in", "--source-endpoint", tarn.endpoint]
    assert "1 copied" in run(other.environment(), *words)
    got = other.client("s3").get_object(Bucket="moved", Key="in/k/a")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"bytes", "text/x", {"m": "v"})
    assert "0 copied" in run(other.environment(), *words)


def test_store_verify_and_locate(own_tarn):
    tarn = own_tarn()
    s3, env = tarn.client("s3"), tarn.environment()
    s3.create_bucket(Bucket="bbb")
    s3.put_object(Bucket="bbb", Key="small", Body=b"small")
    s3.put_object(Bucket="bbb", Key="large", Body=b"0123456789" * 100000)
    data = tarn.data_dir
    assert "another" in run(env, "store", "verify", "--data", data, code=1)
    tarn.stop()
    found = json.loads(run(env, "store", "verify", "--data", data, "--json"))
    assert (found["objects"], found["files"], found["small_bodies"], found["problems"]) == (2, 1, 1, [])
    assert json.loads(run(env, "store", "locate", "s3://bbb/small", "--data", data, "--json"))["pieces"][0]["file"] == "index"
    [piece] = json.loads(run(env, "store", "locate", "s3://bbb/large", "--data", data, "--json"))["pieces"]
    assert piece["there"] and piece["size_bytes"] == 1000000
    assert "NoSuchKey" in run(env, "store", "locate", "s3://bbb/none", "--data", data, "--json", code=1)
    with open(data / "objects" / piece["file"], "r+b") as file:
        file.seek(500000)
        file.write(b"rot")
    assert "bbb/large" in run(env, "store", "verify", "--data", data, code=1)
    (data / "objects" / piece["file"]).unlink()
    assert "(missing)" in run(env, "store", "locate", "s3://bbb/large", "--data", data)
    assert "is missing" in run(env, "store", "verify", "--data", data, code=1)
