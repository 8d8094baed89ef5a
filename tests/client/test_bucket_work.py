"""What buckets do by themselves, seen by boto3: lifecycle rules by a clock that the test moves, replication, events."""

import json
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError


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
    with pytest.raises(s3.exceptions.ClientError, match="InvalidBucketState"):
        s3.put_bucket_versioning(Bucket=source, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=source, Key="in/a", Body=b"bytes", Metadata={"owner": "me"})
    s3.put_object(Bucket=source, Key="out/a", Body=b"bytes")
    wait_for(lambda: s3.head_object(Bucket=source, Key="in/a")["ReplicationStatus"] == "COMPLETED")
    replica = s3.get_object(Bucket=target, Key="in/a")
    assert (replica["Body"].read(), replica["Metadata"], replica["ReplicationStatus"]) == (b"bytes", {"owner": "me"}, "REPLICA")
    s3.delete_object(Bucket=source, Key="in/a")
    wait_for(lambda: keys(s3, target) == [])
    s3.delete_bucket_replication(Bucket=source)
    s3.put_bucket_versioning(Bucket=source, VersioningConfiguration={"Status": "Suspended"})


def policy(arn, action, bucket, service="s3.amazonaws.com"):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": arn,
                                                               "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:*:*:{bucket}"}}}]})


def messages(sqs, url, count):
    out = []
    wait_for(lambda: len(out.extend(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])) or out) >= count)
    return [json.loads(m["Body"]) for m in out]


def error(call, **members):
    with pytest.raises(ClientError) as e:
        call(**members)
    return e.value.response["Error"]


@pytest.fixture
def queue(tarn, name):
    sqs = tarn.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes={"ReceiveMessageWaitTimeSeconds": "2"})["QueueUrl"]
    yield sqs, url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.delete_queue(QueueUrl=url)


def test_events_go_to_queues(tarn, name, queue):
    s3, (sqs, url, arn) = tarn.client("s3"), queue
    s3.create_bucket(Bucket=name)
    rule = {"Id": "in", "QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectAcl:Put"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".json"}]}}}

    def put(**changes):
        return {"Bucket": name, "NotificationConfiguration": {"QueueConfigurations": [{**rule, **changes}]}}

    refused = error(s3.put_bucket_notification_configuration, **put(QueueArn=arn + "-absent"))
    assert (refused["Code"], refused["ArgumentValue"]) == ("InvalidArgument", "The destination queue does not exist")
    assert "do not allow S3" in error(s3.put_bucket_notification_configuration, **put())["ArgumentValue"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn, "sqs:SendMessage", "another")})
    assert "do not allow S3" in error(s3.put_bucket_notification_configuration, **put())["ArgumentValue"]
    assert "region" in error(s3.put_bucket_notification_configuration, **put(QueueArn=arn.replace("us-east-1", "eu-west-1")))["ArgumentValue"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn, "SQS:SendMessage", name)})
    s3.put_bucket_notification_configuration(**put())
    assert s3.get_bucket_notification_configuration(Bucket=name)["QueueConfigurations"][0]["Id"] == "in"
    test = messages(sqs, url, 1)[0]
    assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", name)
    for key in ("in/a b.json", "out/a.json", "in/a.csv"):
        s3.put_object(Bucket=name, Key=key, Body=b"bytes")
    s3.delete_object(Bucket=name, Key="in/a b.json")
    made, gone = (m["Records"][0] for m in messages(sqs, url, 2))
    assert (made["eventName"], made["eventSource"], made["awsRegion"]) == ("ObjectCreated:Put", "aws:s3", "us-east-1")
    assert made["s3"]["configurationId"] == "in" and made["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{name}"
    assert (made["s3"]["object"]["key"], made["s3"]["object"]["size"]) == ("in/a+b.json", 5)
    assert gone["eventName"] == "ObjectRemoved:Delete" and gone["s3"]["object"]["sequencer"] > made["s3"]["object"]["sequencer"]
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={})
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=name)


def test_events_go_through_topics(tarn, name, queue):
    s3, sns, (sqs, url, arn) = tarn.client("s3"), tarn.client("sns"), queue
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    s3.create_bucket(Bucket=name)
    configuration = {"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:Put"]}]}
    refused = error(s3.put_bucket_notification_configuration, Bucket=name, NotificationConfiguration=configuration)
    assert refused["ArgumentValue"] == "Permissions on the destination topic do not allow S3 to publish notifications from this bucket"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(topic, "sns:Publish", name))
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=configuration)
    s3.put_object(Bucket=name, Key="k", Body=b"bytes")
    envelopes = messages(sqs, url, 2)
    assert {e["Subject"] for e in envelopes} == {"Amazon S3 Notification"}
    told = [json.loads(e["Message"]) for e in envelopes]
    assert sorted(t.get("Event") or t["Records"][0]["eventName"] for t in told) == ["ObjectCreated:Put", "s3:TestEvent"]
    sns.delete_topic(TopicArn=topic)
