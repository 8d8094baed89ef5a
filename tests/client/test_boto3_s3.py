"""boto3 and its transfer manager against the object store."""

import hashlib
import io
import os

import boto3.s3.transfer
import pytest
from botocore.exceptions import ClientError

MB = 1024 * 1024


@pytest.fixture
def s3(tarn, name):
    client = tarn.client("s3")
    client.create_bucket(Bucket=name)
    client.bucket = name
    return client


def test_transfer_manager_moves_a_large_file_in_parts(s3, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(os.urandom(MB) * 40)
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=8 * MB, multipart_chunksize=8 * MB, max_concurrency=4)
    s3.upload_file(str(path), s3.bucket, "large", Config=config)
    head = s3.head_object(Bucket=s3.bucket, Key="large")
    assert head["ContentLength"] == 40 * MB
    assert head["ETag"].endswith('-5"')
    s3.download_file(s3.bucket, "large", str(tmp_path / "back"), Config=config)
    assert hashlib.sha256((tmp_path / "back").read_bytes()).digest() == hashlib.sha256(path.read_bytes()).digest()


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_kept_and_told(s3, algorithm):
    try:
        put = s3.put_object(Bucket=s3.bucket, Key="k", Body=b"123456789", ChecksumAlgorithm=algorithm)
    except Exception as missing:  # botocore computes CRC32C and CRC64NVME only with an optional library
        if "crt" in str(missing):
            pytest.skip(str(missing))
        raise
    told = s3.head_object(Bucket=s3.bucket, Key="k", ChecksumMode="ENABLED")
    assert told[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]


def test_a_false_checksum_stores_nothing(s3):
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=s3.bucket, Key="k", Body=b"abc", ChecksumSHA256="47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    assert refused.value.response["Error"]["Code"] == "BadDigest"
    with pytest.raises(ClientError) as absent:
        s3.head_object(Bucket=s3.bucket, Key="k")
    assert absent.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_conditional_writes(s3):
    etag = s3.put_object(Bucket=s3.bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=s3.bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"
    s3.put_object(Bucket=s3.bucket, Key="k", Body=b"3", IfMatch=etag)
    with pytest.raises(ClientError):
        s3.put_object(Bucket=s3.bucket, Key="k", Body=b"4", IfMatch=etag)
    assert s3.get_object(Bucket=s3.bucket, Key="k")["Body"].read() == b"3"
    with pytest.raises(ClientError) as same:
        s3.get_object(Bucket=s3.bucket, Key="k", IfNoneMatch=s3.head_object(Bucket=s3.bucket, Key="k")["ETag"])
    assert same.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304


def test_listing_pages_through_every_key(s3):
    keys = sorted(f"{letter}/{n:03}" for letter in "abc" for n in range(50))
    for key in keys:
        s3.put_object(Bucket=s3.bucket, Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=s3.bucket, PaginationConfig={"PageSize": 7})
    assert [o["Key"] for page in pages for o in page["Contents"]] == keys
    folders = s3.get_paginator("list_objects_v2").paginate(Bucket=s3.bucket, Delimiter="/", PaginationConfig={"PageSize": 1})
    assert [p["Prefix"] for page in folders for p in page.get("CommonPrefixes", [])] == ["a/", "b/", "c/"]


def test_presigned_urls_work_and_expire(s3, tarn):
    import urllib.error
    import urllib.request

    s3.put_object(Bucket=s3.bucket, Key="a b/ñ?", Body=b"signed")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": s3.bucket, "Key": "a b/ñ?"}, ExpiresIn=60)
    assert urllib.request.urlopen(url).read() == b"signed"
    put = s3.generate_presigned_url("put_object", Params={"Bucket": s3.bucket, "Key": "up"}, ExpiresIn=60)
    urllib.request.urlopen(urllib.request.Request(put, data=b"new", method="PUT"))
    assert s3.get_object(Bucket=s3.bucket, Key="up")["Body"].read() == b"new"


def test_a_key_of_tarns_own_is_always_enforced(s3, tarn, name):
    iam = tarn.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    own = tarn.client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert own.get_caller_identity()["Arn"] == f"arn:aws:iam::000000000000:user/{name}"
    forged = tarn.client("s3", key=key["AccessKeyId"], secret="wrong")
    with pytest.raises(ClientError) as refused:
        forged.put_object(Bucket=s3.bucket, Key="k", Body=io.BytesIO(b"x"))
    assert refused.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError):
        own.get_caller_identity()


def test_a_twelve_digit_key_is_its_own_account(tarn, name):
    other = tarn.client("sts", key="123456789012")
    assert other.get_caller_identity()["Account"] == "123456789012"


def test_streaming_upload_of_a_generator(s3):
    class Endless(io.RawIOBase):
        def __init__(self, size):
            self.left = size

        def readable(self):
            return True

        def readinto(self, buffer):
            n = min(len(buffer), self.left)
            buffer[:n] = b"z" * n
            self.left -= n
            return n

    s3.upload_fileobj(io.BufferedReader(Endless(20 * MB)), s3.bucket, "stream")
    assert s3.head_object(Bucket=s3.bucket, Key="stream")["ContentLength"] == 20 * MB
