"""The access control lists of objects, as boto3 and Terraform's aws_s3_object use them."""

import pytest
from botocore.exceptions import ClientError

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


def code(call, **members):
    with pytest.raises(ClientError) as e:
        call(**members)
    return e.value.response["Error"]["Code"]


@pytest.fixture
def s3(tarn):
    return tarn.client("s3")


@pytest.fixture
def bucket(s3, name):
    s3.create_bucket(Bucket=name, ObjectOwnership="BucketOwnerPreferred")
    return name


def granted(s3, **place):
    got = s3.get_object_acl(**place)
    return sorted((g["Grantee"].get("URI") or ("owner" if g["Grantee"]["ID"] == got["Owner"]["ID"] else g["Grantee"]["ID"]), g["Permission"]) for g in got["Grants"])


OWNER = ("owner", "FULL_CONTROL")


def test_acls_are_given_changed_and_read(s3, bucket):
    place, other = {"Bucket": bucket, "Key": "k"}, "a" * 64
    s3.put_object(**place, Body=b"x")
    assert granted(s3, **place) == [OWNER]
    assert code(s3.put_object_acl, **place, ACL="public-read") == "AccessDenied"  # a new bucket blocks them
    assert code(s3.put_object, **place, Body=b"y", ACL="public-read") == "AccessDenied"
    assert s3.get_object(**place)["Body"].read() == b"x"
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_object_acl(**place, ACL="public-read")
    assert granted(s3, **place) == [(ALL_USERS, "READ"), OWNER]
    s3.put_object_acl(**place, GrantRead=f'id="{other}", uri="{ALL_USERS}"', GrantWriteACP=f"id={other}")
    assert granted(s3, **place) == sorted([(other, "READ"), (ALL_USERS, "READ"), (other, "WRITE_ACP")])
    policy = s3.get_object_acl(**place)
    s3.put_object_acl(**place, AccessControlPolicy={"Owner": policy["Owner"], "Grants": policy["Grants"][:1]})
    assert len(granted(s3, **place)) == 1
    s3.put_object_acl(**place, ACL="private")
    assert granted(s3, **place) == [OWNER]
    assert code(s3.put_object_acl, **place) == "MissingSecurityHeader"
    assert code(s3.put_object_acl, **place, ACL="private", GrantRead=f"id={other}") == "InvalidRequest"
    assert code(s3.put_object_acl, **place, GrantRead="id=short") == "InvalidArgument"
    assert code(s3.put_object_acl, Bucket=bucket, Key="absent", ACL="private") == "NoSuchKey" == code(s3.get_object_acl, Bucket=bucket, Key="absent")


def test_acls_come_with_every_way_of_writing(s3, bucket):
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="put", Body=b"x", ACL="public-read")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/put")
    s3.copy_object(Bucket=bucket, Key="public copy", CopySource=f"{bucket}/copy", ACL="authenticated-read")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts", ACL="public-read")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert granted(s3, Bucket=bucket, Key="put") == [(ALL_USERS, "READ"), OWNER] == granted(s3, Bucket=bucket, Key="parts")
    assert granted(s3, Bucket=bucket, Key="copy") == [OWNER]
    assert "AuthenticatedUsers" in str(granted(s3, Bucket=bucket, Key="public copy"))


def test_versions_have_their_own(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first, second = (s3.put_object(Bucket=bucket, Key="k", Body=b)["VersionId"] for b in (b"1", b"2"))
    s3.put_object_acl(Bucket=bucket, Key="k", VersionId=first, GrantRead="id=" + "b" * 64)
    assert granted(s3, Bucket=bucket, Key="k", VersionId=first) == [("b" * 64, "READ")]
    assert granted(s3, Bucket=bucket, Key="k") == [OWNER] == granted(s3, Bucket=bucket, Key="k", VersionId=second)
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    assert code(s3.put_object_acl, Bucket=bucket, Key="k", VersionId=marker, ACL="private") == "MethodNotAllowed"
    assert code(s3.get_object_acl, Bucket=bucket, Key="k") == "NoSuchKey"


def test_a_bucket_without_acls_takes_only_its_owners_full_control(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead="id=" + "c" * 64)
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    assert granted(s3, Bucket=bucket, Key="k") == [OWNER]
    me = s3.get_object_acl(Bucket=bucket, Key="k")["Owner"]["ID"]
    for good in ({"ACL": "bucket-owner-full-control"}, {"GrantFullControl": f"id={me}"}):
        s3.put_object(Bucket=bucket, Key="k2", Body=b"x", **good)
    for bad in ({"ACL": "public-read"}, {"ACL": "bucket-owner-read"}, {"GrantRead": f"id={me}"}):
        assert code(s3.put_object, Bucket=bucket, Key="k2", Body=b"y", **bad) == "AccessControlListNotSupported"
        assert code(s3.copy_object, Bucket=bucket, Key="k3", CopySource=f"{bucket}/k", **bad) == "AccessControlListNotSupported"
        assert code(s3.create_multipart_upload, Bucket=bucket, Key="k3", **bad) == "AccessControlListNotSupported"
    assert code(s3.put_object_acl, Bucket=bucket, Key="k", ACL="private") == "AccessControlListNotSupported"
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    assert granted(s3, Bucket=bucket, Key="k") == [("c" * 64, "READ")]  # it was only out of force
