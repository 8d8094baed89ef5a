"""Versions, object lock, archived objects and checksums, as boto3 sees them."""

import base64
import datetime
import hashlib

import pytest
from botocore.exceptions import ClientError

MB = 1024 * 1024


@pytest.fixture(scope="module")
def s3(tarn):
    return tarn.client("s3")


@pytest.fixture
def bucket(s3, request):
    name = "versions-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:20]
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


@pytest.fixture
def locked(s3, request):
    name = "locked-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:20]
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response


def code(call, **arguments):
    return refused(call, **arguments)["Error"]["Code"]


def body(s3, bucket, key, **more):
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def in_future(**span):
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(**span)


def test_versioning_is_read_as_it_was_set(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    put = s3.put_bucket_versioning
    assert code(put, Bucket=bucket, VersioningConfiguration={}) == "IllegalVersioningConfigurationException"
    assert code(put, Bucket=bucket, VersioningConfiguration={"Status": "On"}) == "MalformedXML"
    assert code(put, Bucket=bucket, VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"}) == "NotImplemented"
    for status in ["Enabled", "Suspended", "Enabled"]:
        put(Bucket=bucket, VersioningConfiguration={"Status": status})
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status


def test_versions_markers_and_what_reads_say_of_them(s3, versioned):
    one = s3.put_object(Bucket=versioned, Key="k", Body=b"one")["VersionId"]
    two = s3.put_object(Bucket=versioned, Key="k", Body=b"two")["VersionId"]
    assert body(s3, versioned, "k") == b"two" and body(s3, versioned, "k", VersionId=one) == b"one"
    assert s3.head_object(Bucket=versioned, Key="k")["VersionId"] == two
    gone = s3.delete_object(Bucket=versioned, Key="k")
    assert gone["DeleteMarker"] is True
    marker = gone["VersionId"]

    missing = refused(s3.get_object, Bucket=versioned, Key="k")
    headers = missing["ResponseMetadata"]["HTTPHeaders"]
    assert missing["Error"]["Code"] == "NoSuchKey" and headers["x-amz-delete-marker"] == "true" and headers["x-amz-version-id"] == marker
    for call in [s3.get_object, s3.head_object]:
        answer = refused(call, Bucket=versioned, Key="k", VersionId=marker)
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 405 and headers["x-amz-delete-marker"] == "true"
        assert headers["allow"] == "DELETE" and "last-modified" in headers
    assert code(s3.get_object, Bucket=versioned, Key="k", VersionId="0" * 32) == "NoSuchVersion"
    assert code(s3.get_object, Bucket=versioned, Key="k", VersionId="short") == "InvalidArgument"
    assert code(s3.get_object_tagging, Bucket=versioned, Key="k", VersionId=marker) == "MethodNotAllowed"

    listed = s3.list_object_versions(Bucket=versioned)
    assert [(v["VersionId"], v["IsLatest"]) for v in listed["Versions"]] == [(two, False), (one, False)]
    assert [(m["VersionId"], m["IsLatest"]) for m in listed["DeleteMarkers"]] == [(marker, True)]
    assert s3.list_objects_v2(Bucket=versioned)["KeyCount"] == 0
    assert code(s3.delete_bucket, Bucket=versioned) == "BucketNotEmpty"

    undone = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    assert undone["DeleteMarker"] is True and undone["VersionId"] == marker
    assert body(s3, versioned, "k") == b"two"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=two)
    assert body(s3, versioned, "k") == b"one"


def test_null_versions(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    assert "VersionId" not in s3.head_object(Bucket=bucket, Key="k")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.head_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    s3.put_object(Bucket=bucket, Key="k", Body=b"after")
    assert body(s3, bucket, "k", VersionId="null") == b"before"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=b"null again")
    assert body(s3, bucket, "k", VersionId="null") == b"null again"
    gone = s3.delete_object(Bucket=bucket, Key="k")
    assert gone["VersionId"] == "null" and gone["DeleteMarker"]
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 1


def test_version_listings_page_in_order(s3, versioned):
    keys = ["a", "b/1", "b/2", "c d", "e\x01f"]
    for key in keys:
        for n in range(3):
            s3.put_object(Bucket=versioned, Key=key, Body=str(n).encode())
    s3.delete_object(Bucket=versioned, Key="b/1")
    whole = s3.list_object_versions(Bucket=versioned)
    assert [v["Key"] for v in whole["Versions"]] == [key for key in keys for _ in range(3)]
    for size in [1, 2, 5]:
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=versioned, PaginationConfig={"PageSize": size})
        versions, markers = [], []
        for page in pages:
            versions += page.get("Versions", [])
            markers += page.get("DeleteMarkers", [])
        assert versions == whole["Versions"] and markers == whole["DeleteMarkers"]
    grouped = s3.list_object_versions(Bucket=versioned, Delimiter="/", Prefix="b")
    assert grouped["CommonPrefixes"] == [{"Prefix": "b/"}] and "Versions" not in grouped
    assert code(s3.list_object_versions, Bucket=versioned, VersionIdMarker="0" * 32) == "InvalidArgument"


def test_delete_objects_by_version_and_quietly(s3, versioned):
    ids = [s3.put_object(Bucket=versioned, Key="k", Body=b"x")["VersionId"] for _ in range(3)]
    told = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "k"}, {"Key": "k", "VersionId": ids[0]}, {"Key": "k", "VersionId": "bad"}]})
    by_version = {d.get("VersionId"): d for d in told["Deleted"]}
    assert by_version[None]["DeleteMarker"] and by_version[None]["DeleteMarkerVersionId"]
    assert "DeleteMarker" not in by_version[ids[0]]
    assert told["Errors"][0]["VersionId"] == "bad"
    listed = s3.list_object_versions(Bucket=versioned)
    everything = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in listed["Versions"] + listed["DeleteMarkers"]]
    quiet = s3.delete_objects(Bucket=versioned, Delete={"Objects": everything, "Quiet": True})
    assert "Deleted" not in quiet and "Errors" not in quiet
    s3.delete_bucket(Bucket=versioned)


def test_copies_and_tags_by_version(s3, versioned):
    old = s3.put_object(Bucket=versioned, Key="k", Body=b"old")["VersionId"]
    s3.put_object(Bucket=versioned, Key="k", Body=b"new")
    source = {"Bucket": versioned, "Key": "k", "VersionId": old}
    copied = s3.copy_object(Bucket=versioned, Key="k", CopySource=source)
    assert copied["CopySourceVersionId"] == old and copied["VersionId"] != old and body(s3, versioned, "k") == b"old"
    upload = s3.create_multipart_upload(Bucket=versioned, Key="m")["UploadId"]
    part = s3.upload_part_copy(Bucket=versioned, Key="m", UploadId=upload, PartNumber=1, CopySource=source, CopySourceRange="bytes=1-2")
    assert part["CopySourceVersionId"] == old
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]}
    done = s3.complete_multipart_upload(Bucket=versioned, Key="m", UploadId=upload, MultipartUpload=parts)
    assert done["VersionId"] and body(s3, versioned, "m") == b"ld"
    tagged = s3.put_object_tagging(Bucket=versioned, Key="k", VersionId=old, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert tagged["VersionId"] == old
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=old)["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == []
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    assert code(s3.copy_object, Bucket=versioned, Key="c", CopySource={**source, "VersionId": marker}) == "InvalidRequest"
    assert code(s3.copy_object, Bucket=versioned, Key="c", CopySource=f"{versioned}/k") == "NoSuchKey"


def test_object_lock_of_buckets(s3, bucket, locked):
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    assert code(s3.get_object_lock_configuration, Bucket=bucket) == "ObjectLockConfigurationNotFoundError"
    assert code(s3.put_object_lock_configuration, Bucket=bucket, ObjectLockConfiguration=lock) == "InvalidBucketState"
    assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}
    assert s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"
    assert code(s3.put_bucket_versioning, Bucket=locked, VersioningConfiguration={"Status": "Suspended"}) == "InvalidBucketState"
    both = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}}}
    assert code(s3.put_object_lock_configuration, Bucket=locked, ObjectLockConfiguration=both) == "MalformedXML"
    s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=lock)
    assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"]["Rule"] == rule
    version = s3.put_object(Bucket=locked, Key="k", Body=b"x")["VersionId"]
    assert s3.head_object(Bucket=locked, Key="k")["ObjectLockMode"] == "GOVERNANCE"
    answer = refused(s3.delete_object, Bucket=locked, Key="k", VersionId=version)
    assert answer["Error"] == {**answer["Error"], "Code": "AccessDenied", "Message": "Access Denied because object protected by object lock."}
    assert s3.delete_object(Bucket=locked, Key="k")["DeleteMarker"]
    told = s3.delete_objects(Bucket=locked, Delete={"Objects": [{"Key": "k", "VersionId": version}]})
    assert told["Errors"][0]["Code"] == "AccessDenied"
    s3.delete_object(Bucket=locked, Key="k", VersionId=version, BypassGovernanceRetention=True)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)


def test_retention_and_legal_hold_of_objects(s3, bucket, locked):
    until = in_future(days=2)
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until) == "InvalidRequest"
    assert code(s3.put_object, Bucket=locked, Key="k", Body=b"x", ObjectLockMode="GOVERNANCE") == "InvalidArgument"
    past = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": in_future(days=-1)}
    assert code(s3.put_object, Bucket=locked, Key="k", Body=b"x", **past) == "InvalidArgument"
    s3.put_object(Bucket=locked, Key="k", Body=b"x")
    for call in [s3.get_object_retention, s3.get_object_legal_hold]:
        assert code(call, Bucket=locked, Key="k") == "NoSuchObjectLockConfiguration"
        assert code(call, Bucket=bucket, Key="none") == "NoSuchKey"
    s3.put_object_retention(Bucket=locked, Key="k", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until})
    assert s3.get_object_retention(Bucket=locked, Key="k")["Retention"] == {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    sooner = {"Mode": "GOVERNANCE", "RetainUntilDate": in_future(days=1)}
    assert code(s3.put_object_retention, Bucket=locked, Key="k", Retention=sooner) == "AccessDenied"
    s3.put_object_retention(Bucket=locked, Key="k", Retention=sooner, BypassGovernanceRetention=True)
    strict = {"Mode": "COMPLIANCE", "RetainUntilDate": until}
    s3.put_object_retention(Bucket=locked, Key="k", Retention=strict, BypassGovernanceRetention=True)
    assert code(s3.put_object_retention, Bucket=locked, Key="k", Retention=sooner, BypassGovernanceRetention=True) == "AccessDenied"

    hold = s3.put_object(Bucket=locked, Key="h", Body=b"x", ObjectLockLegalHoldStatus="ON")["VersionId"]
    assert s3.get_object_legal_hold(Bucket=locked, Key="h")["LegalHold"] == {"Status": "ON"}
    assert code(s3.delete_object, Bucket=locked, Key="h", VersionId=hold, BypassGovernanceRetention=True) == "AccessDenied"
    s3.put_object_legal_hold(Bucket=locked, Key="h", LegalHold={"Status": "OFF"})
    assert s3.head_object(Bucket=locked, Key="h")["ObjectLockLegalHoldStatus"] == "OFF"
    copied = s3.copy_object(Bucket=locked, Key="c", CopySource=f"{locked}/k", ObjectLockLegalHoldStatus="ON")
    assert copied["VersionId"] and "ObjectLockMode" not in s3.head_object(Bucket=locked, Key="c")
    s3.delete_object(Bucket=locked, Key="h", VersionId=hold)


def test_conditions_of_writes(s3, versioned):
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert code(s3.put_object, Bucket=versioned, Key="k", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    assert code(s3.put_object, Bucket=versioned, Key="none", Body=b"2", IfMatch=first) == "NoSuchKey"
    s3.put_object(Bucket=versioned, Key="k", Body=b"2", IfMatch=first)
    assert code(s3.delete_object, Bucket=versioned, Key="k", IfMatch=first) == "PreconditionFailed"
    told = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "k", "ETag": first}]})
    assert told["Errors"][0]["Code"] == "PreconditionFailed"
    s3.delete_object(Bucket=versioned, Key="k")
    s3.put_object(Bucket=versioned, Key="k", Body=b"3", IfNoneMatch="*")  # a delete marker is no object


def test_archived_objects_are_read_once_restored(s3, bucket):
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", StorageClass="SNOW") == "InvalidStorageClass"
    s3.put_object(Bucket=bucket, Key="k", Body=b"cold", StorageClass="GLACIER")
    s3.put_object(Bucket=bucket, Key="warm", Body=b"warm", StorageClass="STANDARD_IA")
    answer = refused(s3.get_object, Bucket=bucket, Key="k")
    assert answer["Error"]["Code"] == "InvalidObjectState" and answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert s3.head_object(Bucket=bucket, Key="k")["StorageClass"] == "GLACIER"
    assert code(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k") == "InvalidObjectState"
    request = {"Days": 2, "GlacierJobParameters": {"Tier": "Expedited"}}
    assert code(s3.restore_object, Bucket=bucket, Key="warm", RestoreRequest=request) == "InvalidObjectState"
    started = s3.restore_object(Bucket=bucket, Key="k", RestoreRequest=request)
    assert started["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert s3.head_object(Bucket=bucket, Key="k")["Restore"] == 'ongoing-request="true"'
    assert code(s3.restore_object, Bucket=bucket, Key="k", RestoreRequest=request) == "RestoreAlreadyInProgress"
    listed = s3.list_objects_v2(Bucket=bucket, OptionalObjectAttributes=["RestoreStatus"])["Contents"]
    assert listed[0]["RestoreStatus"] == {"IsRestoreInProgress": True} and "RestoreStatus" not in listed[1]
    assert body(s3, bucket, "warm") == b"warm"


def test_refused_as_aws_refuses(s3, bucket):
    select = {"Expression": "select * from s3object", "ExpressionType": "SQL", "InputSerialization": {"CSV": {}}, "OutputSerialization": {"CSV": {}}}
    assert code(s3.select_object_content, Bucket=bucket, Key="k", **select) == "MethodNotAllowed"
    assert code(s3.rename_object, Bucket=bucket, Key="k", RenameSource=f"{bucket}/j") == "NotImplemented"


@pytest.mark.parametrize("algorithm,digest", [("SHA512", "sha512"), ("MD5", "md5")])
def test_checksums_of_every_kind(s3, bucket, algorithm, digest):
    member = "Checksum" + algorithm
    sums = [base64.b64encode(hashlib.new(digest, text).digest()).decode() for text in [b"a" * 5 * MB, b"b"]]
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"b", **{member: sums[1]})
    assert put[member] == sums[1]
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[member] == sums[1]
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"c", **{member: sums[1]}) == "BadDigest"

    upload = s3.create_multipart_upload(Bucket=bucket, Key="m", ChecksumAlgorithm=algorithm)
    assert upload["ChecksumType"] == "COMPOSITE"
    at = {"Bucket": bucket, "Key": "m", "UploadId": upload["UploadId"]}
    parts = []
    for number, text in enumerate([b"a" * 5 * MB, b"b"], 1):
        etag = s3.upload_part(**at, PartNumber=number, Body=text, **{member: sums[number - 1]})["ETag"]
        parts.append({"PartNumber": number, "ETag": etag, member: sums[number - 1]})
    done = s3.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})
    whole = base64.b64encode(hashlib.new(digest, b"".join(base64.b64decode(s) for s in sums)).digest()).decode() + "-2"
    assert done[member] == whole
    told = s3.get_object_attributes(Bucket=bucket, Key="m", ObjectAttributes=["ObjectParts", "Checksum"], MaxParts=1)
    assert told["Checksum"][member] == whole and told["ObjectParts"]["TotalPartsCount"] == 2
    assert told["ObjectParts"]["Parts"] == [{"PartNumber": 1, "Size": 5 * MB, member: sums[0]}] and told["ObjectParts"]["IsTruncated"]
    rest = s3.get_object_attributes(Bucket=bucket, Key="m", ObjectAttributes=["ObjectParts"], PartNumberMarker=1)
    assert rest["ObjectParts"]["Parts"] == [{"PartNumber": 2, "Size": 1, member: sums[1]}]
    assert s3.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})["ETag"] == done["ETag"]
    first = s3.head_object(Bucket=bucket, Key="m", PartNumber=1)
    assert first["PartsCount"] == 2 and first["ContentLength"] == 5 * MB
