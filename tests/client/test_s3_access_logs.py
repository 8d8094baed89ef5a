"""Server access logs, by a clock that the test moves."""

import json
import re
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError

LINE = re.compile(r'(?P<owner>[0-9a-f]{64}) (?P<bucket>\S+) \[(?P<time>[^]]+)\] (?P<ip>\S+) (?P<requester>\S+) (?P<id>\S+) (?P<operation>\S+) (?P<key>\S+) "(?P<uri>[^"]*)" '
                  r'(?P<status>\d+) (?P<error>\S+) (?P<sent>\S+) (?P<size>\S+) (?P<total>\d+) (?P<turn>\S+) "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)" (?P<version>\S+) '
                  r'(?P<host_id>\S+) (?P<signature>\S+) - (?P<kind>\S+) (?P<host>\S+) - - - us-east-1')


def lines(tarn, s3, bucket, prefix):
    urllib.request.urlopen(urllib.request.Request(f"{tarn.endpoint}/_tarn/clock", method="POST", data=json.dumps({"advance_ms": 61_000}).encode())).read()
    for _ in range(100):
        found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        if found:
            break
        time.sleep(0.05)
    assert found, "no log came"
    text = "".join(s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read().decode() for o in found)
    out = [LINE.fullmatch(line) for line in text.splitlines()]
    assert all(out), text
    return [o["Key"] for o in found], [m.groupdict() for m in out]


def test_requests_are_logged(own_tarn):
    tarn = own_tarn("--clock", "manual")
    s3 = tarn.client("s3")
    for bucket in ("lake", "logs", "shut"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_policy(Bucket="logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::logs/*",
         "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::lake"}, "StringEquals": {"aws:SourceAccount": "000000000000"}}}]}))
    s3.put_bucket_logging(Bucket="lake", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "plain/"}})
    s3.put_object(Bucket="lake", Key="a b", Body=b"x" * 70_000)
    assert s3.get_object(Bucket="lake", Key="a b")["Body"].read() == b"x" * 70_000
    assert len(s3.get_object(Bucket="lake", Key="a b", Range="bytes=0-9")["Body"].read()) == 10
    s3.list_objects_v2(Bucket="lake")
    with pytest.raises(ClientError):
        s3.get_object(Bucket="lake", Key="absent")
    keys, told = lines(tarn, s3, "logs", "plain/")
    assert all(re.fullmatch(r"plain/\d{4}(-\d\d){5}-[0-9A-F]{16}", key) for key in keys)
    assert [(t["operation"], t["key"], t["status"], t["error"]) for t in told] == [
        ("REST.PUT.LOGGING_STATUS", "-", "200", "-"), ("REST.PUT.OBJECT", "a%20b", "200", "-"), ("REST.GET.OBJECT", "a%20b", "200", "-"),
        ("REST.GET.OBJECT", "a%20b", "206", "-"), ("REST.GET.BUCKET", "-", "200", "-"), ("REST.GET.OBJECT", "absent", "404", "NoSuchKey")]
    assert [(t["sent"], t["size"]) for t in told[1:4]] == [("-", "70000"), ("70000", "70000"), ("10", "70000")]
    assert told[2]["uri"].startswith("GET /lake/a%20b") and told[2]["signature"] == "SigV4" and told[2]["kind"] == "AuthHeader"
    assert told[2]["requester"] == told[2]["owner"] and told[2]["ip"] == "127.0.0.1" and "Boto3" in told[2]["agent"]
    s3.put_bucket_logging(Bucket="lake", BucketLoggingStatus={"LoggingEnabled": {
        "TargetBucket": "logs", "TargetPrefix": "dated/", "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}}})
    s3.head_object(Bucket="lake", Key="a b")
    keys, told = lines(tarn, s3, "logs", "dated/")
    assert re.fullmatch(r"dated/000000000000/us-east-1/lake/(\d{4})/(\d\d)/(\d\d)/\1-\2-\3-00-00-00-[0-9A-F]{16}", keys[0])
    assert told[-1]["operation"] == "REST.HEAD.OBJECT"
    # A target that lets nobody in gets nothing; what is left is delivered at the end.
    s3.put_bucket_logging(Bucket="lake", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "shut", "TargetPrefix": ""}})
    s3.head_object(Bucket="lake", Key="a b")
    tarn.stop()
    tarn.start()
    s3 = tarn.client("s3")
    assert "Contents" not in s3.list_objects_v2(Bucket="shut")
    s3.put_bucket_logging(Bucket="lake", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "last/"}})
    tarn.stop()
    tarn.start()
    assert len(tarn.client("s3").list_objects_v2(Bucket="logs", Prefix="last/")["Contents"]) == 1
