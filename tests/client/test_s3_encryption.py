"""Encryption of S3's objects, as boto3 and the aws command see it."""

import base64
import hashlib
import json
import os
import subprocess

import pytest
from botocore.exceptions import ClientError

KEY, OTHER = b"k" * 32, b"o" * 32
BODY = b"in the clear " * 20_000  # a file of its own; small ones stand in the index


@pytest.fixture(scope="module")
def s3(tarn):
    return tarn.client("s3")


@pytest.fixture(scope="module")
def kms(tarn):
    return tarn.client("kms")


@pytest.fixture
def bucket(s3, name):
    s3.create_bucket(Bucket=name)
    return name


def code(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def customer(key, prefix=""):
    return {f"{prefix}SSECustomerAlgorithm": "AES256", f"{prefix}SSECustomerKey": key}


def is_md5(etag, body):
    return etag.strip('"') == hashlib.md5(body).hexdigest()


def test_objects_are_encrypted_by_default(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=BODY)
    assert put["ServerSideEncryption"] == "AES256" and is_md5(put["ETag"], BODY)
    assert s3.head_object(Bucket=bucket, Key="k")["ServerSideEncryption"] == "AES256"
    got = s3.get_object(Bucket=bucket, Key="k", Range="bytes=65530-65545")
    assert got["ServerSideEncryption"] == "AES256" and got["Body"].read() == BODY[65530:65546]
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules == [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
    assert code(s3.put_object, Bucket=bucket, Key="k", ServerSideEncryption="rot13") == "InvalidEncryptionAlgorithmError"
    assert code(s3.put_object, Bucket=bucket, Key="k", ServerSideEncryption="aws:kms:dsse") == "NotImplemented"
    assert code(s3.put_object, Bucket=bucket, Key="k", SSEKMSKeyId="alias/x") == "InvalidArgument"


def test_kms(s3, kms, bucket):
    key = kms.create_key()["KeyMetadata"]
    context = base64.b64encode(json.dumps({"team": "lake"}).encode()).decode()
    put = s3.put_object(Bucket=bucket, Key="k", Body=BODY, ServerSideEncryption="aws:kms", SSEKMSKeyId=key["KeyId"], SSEKMSEncryptionContext=context)
    assert put["ServerSideEncryption"] == "aws:kms" and put["SSEKMSKeyId"] == key["Arn"] and not is_md5(put["ETag"], BODY)
    assert json.loads(base64.b64decode(put["SSEKMSEncryptionContext"])) == {"team": "lake", "aws:s3:arn": f"arn:aws:s3:::{bucket}/k"}
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == BODY and got["SSEKMSKeyId"] == key["Arn"] and got["ETag"] == put["ETag"]
    assert s3.head_object(Bucket=bucket, Key="k")["SSEKMSKeyId"] == key["Arn"]
    managed = s3.put_object(Bucket=bucket, Key="m", Body=b"x", ServerSideEncryption="aws:kms", BucketKeyEnabled=True)
    assert managed["BucketKeyEnabled"] and managed["SSEKMSKeyId"] == kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"]
    kms.rotate_key_on_demand(KeyId=key["KeyId"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY
    kms.disable_key(KeyId=key["KeyId"])
    assert code(s3.get_object, Bucket=bucket, Key="k") == "KMS.DisabledException"
    assert code(s3.put_object, Bucket=bucket, Key="k", ServerSideEncryption="aws:kms", SSEKMSKeyId=key["Arn"]) == "KMS.DisabledException"
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == len(BODY)
    kms.enable_key(KeyId=key["KeyId"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    assert code(s3.get_object, Bucket=bucket, Key="k") == "KMS.KMSInvalidStateException"
    assert code(s3.put_object, Bucket=bucket, Key="k", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/nothing") == "KMS.NotFoundException"
    signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    assert code(s3.put_object, Bucket=bucket, Key="k", ServerSideEncryption="aws:kms", SSEKMSKeyId=signing) == "KMS.InvalidKeyUsageException"


def test_default_encryption_of_a_bucket(s3, kms, bucket):
    key = kms.create_key()["KeyMetadata"]["Arn"]

    def rule(**members):
        return {"Bucket": bucket, "ServerSideEncryptionConfiguration": {"Rules": [members]}}

    by_kms = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(**rule(ApplyServerSideEncryptionByDefault=by_kms, BucketKeyEnabled=True))
    read = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert read == [{"ApplyServerSideEncryptionByDefault": by_kms, "BucketKeyEnabled": True}]
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert put["SSEKMSKeyId"] == key and put["BucketKeyEnabled"]
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="p")
    assert upload["SSEKMSKeyId"] == key
    assert code(s3.put_bucket_encryption, **rule(ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "AES256", "KMSMasterKeyID": key})) == "InvalidArgument"
    assert code(s3.put_bucket_encryption, **rule()) == "MalformedXML"
    s3.put_bucket_encryption(**rule(BlockedEncryptionTypes={"EncryptionType": ["SSE-C"]}))
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", **customer(KEY)) == "AccessDenied"
    s3.delete_bucket_encryption(Bucket=bucket)
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"x", **customer(KEY))["SSECustomerAlgorithm"] == "AES256"
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ServerSideEncryption"] == "AES256"


def test_customer_keys(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=BODY, **customer(KEY))
    digest = base64.b64encode(hashlib.md5(KEY).digest()).decode()
    assert put["SSECustomerKeyMD5"] == digest and "ServerSideEncryption" not in put and not is_md5(put["ETag"], BODY)
    got = s3.get_object(Bucket=bucket, Key="k", **customer(KEY))
    assert got["Body"].read() == BODY and got["SSECustomerKeyMD5"] == digest
    assert s3.head_object(Bucket=bucket, Key="k", **customer(KEY))["ContentLength"] == len(BODY)
    assert code(s3.get_object, Bucket=bucket, Key="k") == "InvalidRequest"
    assert code(s3.head_object, Bucket=bucket, Key="k") == "400"
    assert code(s3.get_object, Bucket=bucket, Key="k", **customer(OTHER)) == "AccessDenied"
    assert code(s3.head_object, Bucket=bucket, Key="k", **customer(OTHER)) == "403"
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    assert code(s3.get_object, Bucket=bucket, Key="plain", **customer(KEY)) == "InvalidRequest"
    wrong = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": base64.b64encode(KEY).decode(), "SSECustomerKeyMD5": base64.b64encode(b"0" * 16).decode()}
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", **wrong) == "InvalidArgument"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey=b"short") == "InvalidArgument"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", **{**customer(KEY), "SSECustomerAlgorithm": "ROT13"}) == "InvalidEncryptionAlgorithmError"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="AES256", **customer(KEY)) == "InvalidArgument"


def test_copies(s3, kms, bucket):
    source = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**source, Body=BODY)
    made = s3.copy_object(Bucket=bucket, Key="kms", CopySource=source, ServerSideEncryption="aws:kms")
    assert made["ServerSideEncryption"] == "aws:kms" and not is_md5(made["CopyObjectResult"]["ETag"], BODY)
    assert s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "kms"}, **customer(KEY))["SSECustomerAlgorithm"] == "AES256"
    assert s3.get_object(Bucket=bucket, Key="c", **customer(KEY))["Body"].read() == BODY
    assert code(s3.copy_object, Bucket=bucket, Key="d", CopySource={"Bucket": bucket, "Key": "c"}) == "InvalidRequest"
    back = s3.copy_object(Bucket=bucket, Key="d", CopySource={"Bucket": bucket, "Key": "c"}, **customer(KEY, "CopySource"))
    assert back["ServerSideEncryption"] == "AES256" and is_md5(back["CopyObjectResult"]["ETag"], BODY)
    assert s3.get_object(Bucket=bucket, Key="d")["Body"].read() == BODY
    s3.copy_object(**source, CopySource=source, ServerSideEncryption="aws:kms")  # to itself, under another key
    assert s3.get_object(**source)["ServerSideEncryption"] == "aws:kms"


@pytest.mark.parametrize("kind", ["own", "kms", "customer"])
def test_multipart(s3, bucket, kind):
    first, second = os.urandom(5 * 1024 * 1024 + 17), os.urandom(100_000)
    key = customer(KEY) if kind == "customer" else {}
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", **(key or ({"ServerSideEncryption": "aws:kms"} if kind == "kms" else {})))
    name = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    if kind == "customer":
        assert code(s3.upload_part, **name, PartNumber=1, Body=b"x") == "InvalidRequest"
        assert code(s3.upload_part, **name, PartNumber=1, Body=b"x", **customer(OTHER)) == "InvalidRequest"
    s3.put_object(Bucket=bucket, Key="source", Body=first)
    parts = [{"PartNumber": 1, "ETag": s3.upload_part_copy(**name, PartNumber=1, CopySource={"Bucket": bucket, "Key": "source"}, **key)["CopyPartResult"]["ETag"]},
             {"PartNumber": 2, "ETag": s3.upload_part(**name, PartNumber=2, Body=second, **key)["ETag"]}]
    done = s3.complete_multipart_upload(**name, MultipartUpload={"Parts": parts}, **key)
    assert done.get("ServerSideEncryption") == {"own": "AES256", "kms": "aws:kms", "customer": None}[kind]
    assert s3.get_object(Bucket=bucket, Key="k", **key)["Body"].read() == first + second
    assert s3.get_object(Bucket=bucket, Key="k", PartNumber=2, **key)["Body"].read() == second


def test_the_aws_command(tarn, s3, bucket, tmp_path):
    aws = subprocess.run(["which", "aws"], capture_output=True, text=True).stdout.strip()
    if not aws:
        pytest.skip("no aws command")
    file = tmp_path / "body"
    file.write_bytes(os.urandom(20 * 1024 * 1024))
    for options in (["--sse", "aws:kms"], ["--sse-c", "AES256", "--sse-c-key", KEY.decode()]):
        run = lambda *words: subprocess.run([aws, "--endpoint-url", tarn.endpoint, "s3", "cp", *words, *options], env=tarn.environment(), check=True, capture_output=True)  # noqa: E731
        run(str(file), f"s3://{bucket}/k")
        if options[0] == "--sse":
            options = []
        run(f"s3://{bucket}/k", str(tmp_path / "back"))
        assert (tmp_path / "back").read_bytes() == file.read_bytes()


def test_nothing_is_left_in_the_clear_on_disk(own_tarn):
    tarn = own_tarn()
    s3 = tarn.client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="small", Body=b"in the clear")
    s3.put_object(Bucket="lake", Key="large", Body=BODY)
    s3.put_object(Bucket="lake", Key="customer", Body=BODY, **customer(KEY))
    tarn.kill()
    from running_tarn import PROGRAM
    verify = [PROGRAM, "store", "verify", "--no-plaintext", "--data", str(tarn.data_dir)]
    assert "No body is in the clear" in subprocess.run(verify, check=True, capture_output=True, text=True).stdout
    files = [f for f in (tarn.data_dir / "objects").rglob("*") if f.is_file()]
    assert files and not [f for f in files if b"in the clear" in f.read_bytes() or KEY in f.read_bytes()]
    tarn.start()
    s3 = tarn.client("s3")
    assert s3.get_object(Bucket="lake", Key="small")["Body"].read() == b"in the clear"
    # The key-encryption key rotates, no object is rewritten.
    before = {f: f.stat().st_mtime_ns for f in (tarn.data_dir / "objects" / "blobs").rglob("*") if f.is_file()}
    tarn.stop()
    assert "version 2" in subprocess.run([PROGRAM, "keys", "rotate", "--data", str(tarn.data_dir)], check=True, capture_output=True, text=True).stdout
    tarn.start()
    tarn.stop()
    ring = tarn.data_dir / "keys" / "key-encryption-keys"
    ring.write_text([line for line in ring.read_text().splitlines() if line.startswith("2 ")][0] + "\n")
    tarn.start()
    assert tarn.client("s3").get_object(Bucket="lake", Key="large")["Body"].read() == BODY
    tarn.stop()
    tarn.options = ("--encryption", "none")
    tarn.start()
    tarn.client("s3").put_object(Bucket="lake", Key="plain", Body=b"in the clear")
    assert tarn.client("s3").get_object(Bucket="lake", Key="large")["Body"].read() == BODY
    tarn.stop()
    assert subprocess.run(verify, capture_output=True).returncode == 1
    assert before == {f: f.stat().st_mtime_ns for f in (tarn.data_dir / "objects" / "blobs").rglob("*") if f.is_file()}


def test_a_lost_key_ring_is_told_and_not_made_anew(own_tarn):
    tarn = own_tarn()
    tarn.client("s3").create_bucket(Bucket="lake")
    tarn.client("s3").put_object(Bucket="lake", Key="k", Body=b"in the clear")
    tarn.stop()
    ring = tarn.data_dir / "keys" / "key-encryption-keys"
    kept = ring.read_text()
    ring.unlink()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="key-encryption-keys is missing"):
            tarn.start()
        assert not ring.exists()
    ring.write_text(kept)
    ring.chmod(0o600)
    tarn.start()
    assert tarn.client("s3").get_object(Bucket="lake", Key="k")["Body"].read() == b"in the clear"
