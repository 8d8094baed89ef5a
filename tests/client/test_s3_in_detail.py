"""S3 as boto3 sees it, detail by detail: once unsigned-for-sure (a developer's key, which tarn cannot check) and once with a key that tarn issued,
where every signature counts."""

import base64
import datetime
import hashlib
import urllib.request

import pytest
from botocore.exceptions import ClientError

import boto3
from botocore.config import Config

MB = 1024 * 1024
KEYS = ["a", "a b", "a+b", "a%20b", "ä/ö", "a/../b", "x//y", "/lead", "q?x=1&y", "h#h", "~tilde", "star*", "(p)", "quote'", 'dq"', "new\nline", "emoji😀",
        "@$,;:=&"]


@pytest.fixture(scope="module", params=["developer", "issued"])
def connect(request, tarn):
    """connect(region, **config): a client."""
    key = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    if request.param == "issued":
        given = tarn.client("sts").assume_role(RoleArn="arn:aws:iam::000000000000:role/detail", RoleSessionName="detail")["Credentials"]
        key = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"], "aws_session_token": given["SessionToken"]}

    def make(region="us-east-1", **config):
        return boto3.client("s3", endpoint_url=tarn.endpoint, region_name=region, **key,
                            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, **config))

    return make


@pytest.fixture(scope="module")
def s3(connect):
    return connect(signature_version="s3v4")


@pytest.fixture
def bucket(s3, request):
    name = "detail-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:20]
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=name):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        if page.get("Contents"):
            s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": o["Key"]} for o in page["Contents"]]})
    s3.delete_bucket(Bucket=name)


def code(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def test_every_key_comes_back_by_every_way(s3, connect, bucket):
    version_2 = connect()  # boto3 presigns with version 2 unless it is told otherwise
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
        for client in (s3, version_2):
            url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key, "ResponseContentType": "text/x"}, ExpiresIn=60)
            with urllib.request.urlopen(url) as response:
                assert (response.read(), response.headers["content-type"]) == (key.encode(), "text/x"), key
    for method, list_name in (("list_objects", "Contents"), ("list_objects_v2", "Contents"), ("list_object_versions", "Versions")):
        pages = s3.get_paginator(method).paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
        assert [o["Key"] for page in pages for o in page.get(list_name, [])] == sorted(KEYS, key=str.encode), method
    assert [p["Prefix"] for p in s3.list_objects_v2(Bucket=bucket, Delimiter="/")["CommonPrefixes"]] == ["/", "a/", "x/", "ä/"]


def test_buckets_and_regions(s3, connect, bucket):
    s3.create_bucket(Bucket=bucket)  # again, as us-east-1 allows
    europe = connect("eu-west-1")
    name = bucket + "-eu"
    there = {"LocationConstraint": "eu-west-1"}
    assert code(europe.create_bucket, Bucket=name) == "IllegalLocationConstraintException"
    assert code(europe.create_bucket, Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}) == "IllegalLocationConstraintException"
    assert code(s3.create_bucket, Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-east-1"}) == "InvalidLocationConstraint"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration=there)
    assert code(europe.create_bucket, Bucket=name, CreateBucketConfiguration=there) == "BucketAlreadyOwnedByYou"
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert s3.head_bucket(Bucket=name)["BucketRegion"] == "eu-west-1"
    s3.delete_bucket(Bucket=name)
    assert code(s3.head_bucket, Bucket=name) == "404"
    assert code(s3.list_objects_v2, Bucket=name) == "NoSuchBucket"


def test_reads_in_parts_and_on_conditions(s3, bucket):
    body = bytes(range(256)) * 1000
    s3.put_object(Bucket=bucket, Key="r", Body=body, ContentType="text/plain", CacheControl="no-cache", Expires=datetime.datetime(2030, 1, 1),
                  Tagging="a=1&b=%20x", Metadata={"Key": "V"})
    for asked, sent in (("bytes=100-199", body[100:200]), ("bytes=-10", body[-10:]), ("bytes=255990-", body[-10:]), ("bytes=0-999999", body)):
        got = s3.get_object(Bucket=bucket, Key="r", Range=asked)
        assert (got["Body"].read(), got["ResponseMetadata"]["HTTPStatusCode"]) == (sent, 206)
    assert s3.get_object(Bucket=bucket, Key="r", Range="bytes=5-4")["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert code(s3.get_object, Bucket=bucket, Key="r", Range="bytes=256000-") == "InvalidRange"
    head = s3.head_object(Bucket=bucket, Key="r")
    assert (head["ContentLength"], head["CacheControl"], head["TagCount"], head["Metadata"]) == (256000, "no-cache", 2, {"key": "V"})
    assert head["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert code(s3.get_object, Bucket=bucket, Key="r", IfNoneMatch=head["ETag"]) == "304"
    assert code(s3.head_object, Bucket=bucket, Key="r", IfModifiedSince=head["LastModified"]) == "304"
    assert code(s3.get_object, Bucket=bucket, Key="r", IfMatch='"x"') == "PreconditionFailed"
    assert code(s3.head_object, Bucket=bucket, Key="r", IfMatch='"x"') == "412"
    s3.get_object(Bucket=bucket, Key="r", IfMatch=head["ETag"], IfUnmodifiedSince=head["LastModified"] - datetime.timedelta(days=1))


def test_writes_on_conditions(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"", IfNoneMatch="*") == "PreconditionFailed"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"", IfMatch='"x"') == "PreconditionFailed"
    assert code(s3.put_object, Bucket=bucket, Key="absent", Body=b"", IfMatch='"x"') == "NoSuchKey"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"


def test_false_checksums_store_nothing(s3, bucket):
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ChecksumCRC32="AAAAAA==") == "BadDigest"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ChecksumCRC32="AA") == "InvalidRequest"
    other = base64.b64encode(hashlib.md5(b"y").digest()).decode()
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ContentMD5=other) == "BadDigest"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ContentMD5="abc") == "InvalidDigest"
    assert code(s3.head_object, Bucket=bucket, Key="k") == "404"


def test_copies(s3, bucket):
    s3.put_object(Bucket=bucket, Key="r", Body=b"bytes", Metadata={"m": "1"}, Tagging="t=1")
    s3.copy_object(Bucket=bucket, Key="copy ä", CopySource={"Bucket": bucket, "Key": "r"})
    head = s3.head_object(Bucket=bucket, Key="copy ä")
    assert (head["Metadata"], head["TagCount"]) == ({"m": "1"}, 1)
    s3.copy_object(Bucket=bucket, Key="c2", CopySource={"Bucket": bucket, "Key": "copy ä"}, MetadataDirective="REPLACE", Metadata={"n": "2"})
    assert s3.head_object(Bucket=bucket, Key="c2")["Metadata"] == {"n": "2"}
    assert code(s3.copy_object, Bucket=bucket, Key="r", CopySource={"Bucket": bucket, "Key": "r"}) == "InvalidRequest"
    assert code(s3.copy_object, Bucket=bucket, Key="x", CopySource={"Bucket": bucket, "Key": "absent"}) == "NoSuchKey"
    summed = s3.copy_object(Bucket=bucket, Key="sum", CopySource={"Bucket": bucket, "Key": "r"}, ChecksumAlgorithm="SHA256")
    assert summed["CopyObjectResult"]["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"bytes").digest()).decode()


@pytest.mark.parametrize("algorithm, kind", [(None, None), ("CRC32", "COMPOSITE"), ("CRC32", "FULL_OBJECT"), ("SHA256", "COMPOSITE")])
def test_multipart_uploads(s3, bucket, algorithm, kind):
    given = {"ChecksumAlgorithm": algorithm, "ChecksumType": kind} if algorithm else {}
    upload = {"Bucket": bucket, "Key": "m"}
    upload["UploadId"] = s3.create_multipart_upload(**upload, Metadata={"m": "1"}, **given)["UploadId"]
    bodies, parts = [b"a" * (5 * MB), b"b" * (5 * MB), b"c" * 10], []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(**upload, PartNumber=number, Body=body, **({"ChecksumAlgorithm": algorithm} if algorithm else {}))
        parts.append({"PartNumber": number, "ETag": part["ETag"], **({f"Checksum{algorithm}": part[f"Checksum{algorithm}"]} if algorithm else {})})
    assert [p["Size"] for p in s3.list_parts(**upload)["Parts"]] == [5 * MB, 5 * MB, 10]
    assert code(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts[::-1]}) == "InvalidPartOrder"
    wrong = [dict(parts[0], ETag='"00000000000000000000000000000000"')]
    assert code(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": wrong}) == "InvalidPart"
    made = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert made["ETag"] == '"%s-3"' % hashlib.md5(b"".join(hashlib.md5(b).digest() for b in bodies)).hexdigest()
    got = s3.get_object(Bucket=bucket, Key="m", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"".join(bodies)
    assert got["ChecksumType"] == (kind or "FULL_OBJECT") and f"Checksum{algorithm or 'CRC64NVME'}" in got
    part = s3.get_object(Bucket=bucket, Key="m", PartNumber=3)
    assert (part["Body"].read(), part["PartsCount"], part["ContentRange"]) == (bodies[2], 3, "bytes 10485760-10485769/10485770")


def test_what_terraform_reads_of_a_new_bucket(s3, bucket):
    for wanted, getter in (("NoSuchBucketPolicy", s3.get_bucket_policy), ("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration),
                           ("NoSuchCORSConfiguration", s3.get_bucket_cors), ("NoSuchWebsiteConfiguration", s3.get_bucket_website),
                           ("ReplicationConfigurationNotFoundError", s3.get_bucket_replication), ("NoSuchTagSet", s3.get_bucket_tagging),
                           ("ObjectLockConfigurationNotFoundError", s3.get_object_lock_configuration)):
        assert code(getter, Bucket=bucket) == wanted
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())


def test_what_is_missing_is_refused_by_name(s3, bucket):
    assert code(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"MFADelete": "Enabled"}) == "NotImplemented"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms:dsse") == "NotImplemented"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="private")  # what rclone sends: it leaves the owner alone
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ACL="public-read") == "AccessControlListNotSupported"
    assert code(s3.put_object, Bucket=bucket, Key="k" * 1025, Body=b"x") == "KeyTooLongError"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "v" * 2100}) == "MetadataTooLarge"
    assert code(s3.get_object, Bucket=bucket, Key="k", VersionId="abc") == "InvalidArgument"


def test_objects_without_a_checksum_get_one(connect, bucket):
    s3 = connect(request_checksum_calculation="when_required")
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"123456789")
    wanted = base64.b64encode(bytes.fromhex("ae8b14860a799888")).decode()
    assert (put["ChecksumCRC64NVME"], put["ChecksumType"]) == (wanted, "FULL_OBJECT")
    assert "ChecksumCRC64NVME" not in s3.head_object(Bucket=bucket, Key="k")
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumCRC64NVME"] == wanted
    assert s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum"])["Checksum"] == {"ChecksumCRC64NVME": wanted, "ChecksumType": "FULL_OBJECT"}
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["ChecksumAlgorithm"] == ["CRC64NVME"]
    assert s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")["CopyObjectResult"]["ChecksumCRC64NVME"] == wanted
    upload = {"Bucket": bucket, "Key": "m", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]}
    parts = [{"PartNumber": n, "ETag": s3.upload_part(**upload, PartNumber=n, Body=b)["ETag"]} for n, b in ((1, b"1" * (5 * MB)), (2, b"2345"))]
    assert "ChecksumCRC64NVME" in s3.list_parts(**upload)["Parts"][0]
    made = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, ChecksumType="FULL_OBJECT")
    whole = s3.put_object(Bucket=bucket, Key="whole", Body=b"1" * (5 * MB) + b"2345")
    assert made["ChecksumCRC64NVME"] == whole["ChecksumCRC64NVME"] and made["ChecksumType"] == "FULL_OBJECT"


def test_deletes_on_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    assert code(s3.delete_object, Bucket=bucket, Key="k", IfMatch='"0"') == "PreconditionFailed"
    assert code(s3.delete_object, Bucket=bucket, Key="k", IfMatchSize=1) == "NotImplemented"
    assert code(s3.delete_object, Bucket=bucket, Key="k", IfMatchLastModifiedTime=1700000000) == "NotImplemented"
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": "0"}, {"Key": "k", "Size": 1}, {"Key": "absent", "ETag": etag}]})
    assert [e["Code"] for e in done["Errors"]] == ["PreconditionFailed", "NotImplemented", "NoSuchKey"]
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    assert code(s3.delete_object, Bucket=bucket, Key="k", IfMatch="*") == "NoSuchKey"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": etag}]})["Deleted"] == [{"Key": "k"}]


def test_copies_and_completions_on_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    s3.put_object(Bucket=bucket, Key="source", Body=b"y")
    copy = {"Bucket": bucket, "CopySource": f"{bucket}/source"}
    assert code(s3.copy_object, **copy, Key="k", IfNoneMatch="*") == "PreconditionFailed"
    assert code(s3.copy_object, **copy, Key="k", IfMatch='"0"') == "PreconditionFailed"
    assert code(s3.copy_object, **copy, Key="absent", IfMatch=etag) == "NoSuchKey"
    s3.copy_object(**copy, Key="new", IfNoneMatch="*")
    s3.copy_object(**copy, Key="k", IfMatch=etag)
    upload = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    parts = {"Parts": [{"PartNumber": 1, "ETag": s3.upload_part(**upload, PartNumber=1, Body=b"z")["ETag"]}]}
    assert code(s3.complete_multipart_upload, **upload, MultipartUpload=parts, IfNoneMatch="*") == "PreconditionFailed"
    assert code(s3.complete_multipart_upload, **upload, MultipartUpload=parts, IfMatch=etag) == "PreconditionFailed"
    now = s3.head_object(Bucket=bucket, Key="k")["ETag"]
    s3.complete_multipart_upload(**upload, MultipartUpload=parts, IfMatch=now)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"z"
