"""What buckets do by themselves, seen by boto3: lifecycle rules by a clock that the test moves, replication, events."""

import json
import time
import urllib.request

import pytest


def wait_for(condition, seconds=20):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, "it did not happen"
        time.sleep(0.05)


def advance(tarn, hours):
    body = json.dumps({"advance_ms": hours * 3600_000}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{tarn.endpoint}/_tarn/clock", method="POST", data=body)).read()


@pytest.fixture
def still(own_tarn):
    return own_tarn("--clock", "manual")


def keys(s3, bucket):
    return [o["Key"] for o in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_lifecycle_by_a_moved_clock(still):
    s3 = still.client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_bucket_lifecycle_configuration(Bucket="lake", LifecycleConfiguration={"Rules": [
        {"ID": "logs go", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 2}},
        {"ID": "cold", "Status": "Enabled", "Filter": {"And": {"Prefix": "data/", "ObjectSizeGreaterThan": 1}}, "Transitions": [{"Days": 30, "StorageClass": "GLACIER_IR"}]},
        {"ID": "uploads", "Status": "Enabled", "Filter": {}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}]})
    put = s3.put_object(Bucket="lake", Key="logs/a", Body=b"x")
    assert 'rule-id="logs%20go"' in put["Expiration"] and "00:00:00 GMT" in put["Expiration"]
    assert s3.head_object(Bucket="lake", Key="logs/a")["Expiration"] == put["Expiration"]
    s3.put_object(Bucket="lake", Key="data/a", Body=b"xyz")
    s3.create_multipart_upload(Bucket="lake", Key="left")
    assert "Expiration" not in s3.get_object(Bucket="lake", Key="data/a")
    advance(still, 24 * 3)
    wait_for(lambda: keys(s3, "lake") == ["data/a"])
    wait_for(lambda: "Uploads" not in s3.list_multipart_uploads(Bucket="lake"))
    advance(still, 24 * 31)
    wait_for(lambda: s3.head_object(Bucket="lake", Key="data/a").get("StorageClass") == "GLACIER_IR")


def test_replication(tarn, name):
    s3 = tarn.client("s3")
    source, target = name, name + "-copy"
    for bucket in (source, target):
        s3.create_bucket(Bucket=bucket)
    rule = {"ID": "a", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": "in/"}, "DeleteMarkerReplication": {"Status": "Enabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{target}"}}
    configuration = {"Role": "arn:aws:iam::000000000000:role/replication", "Rules": [rule]}
    with pytest.raises(s3.exceptions.ClientError, match="InvalidRequest"):
        s3.put_bucket_replication(Bucket=source, ReplicationConfiguration=configuration)
    for bucket in (source, target):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_replication(Bucket=source, ReplicationConfiguration=configuration)
    assert s3.get_bucket_replication(Bucket=source)["ReplicationConfiguration"] == configuration
    s3.put_object(Bucket=source, Key="in/a", Body=b"bytes", Metadata={"owner": "me"})
    s3.put_object(Bucket=source, Key="out/a", Body=b"bytes")
    wait_for(lambda: s3.head_object(Bucket=source, Key="in/a")["ReplicationStatus"] == "COMPLETED")
    replica = s3.get_object(Bucket=target, Key="in/a")
    assert (replica["Body"].read(), replica["Metadata"], replica["ReplicationStatus"]) == (b"bytes", {"owner": "me"}, "REPLICA")
    s3.delete_object(Bucket=source, Key="in/a")
    wait_for(lambda: keys(s3, target) == [])
    s3.delete_bucket_replication(Bucket=source)
