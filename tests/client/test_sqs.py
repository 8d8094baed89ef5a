"""SQS through boto3, which checks every MD5, and through the query protocol."""

import concurrent.futures
import json
import threading
import time
import urllib.parse
import urllib.request
import uuid

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def sqs(tarn):
    return tarn.client("sqs")


@pytest.fixture
def queue(sqs, name):
    url = sqs.create_queue(QueueName=name[:70])["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def fifo(sqs, name):
    url = sqs.create_queue(QueueName=name[:70] + ".fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


def code(error):
    return error.value.response["Error"]["Code"]


def bodies(sqs, url, **more):
    return [m["Body"] for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **more).get("Messages", [])]


def test_definitions(sqs, tarn, name):
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "12"}, tags={"team": "lake"})["QueueUrl"]
    assert url == f"{tarn.endpoint}/000000000000/{name}"
    assert sqs.create_queue(QueueName=name)["QueueUrl"] == sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    with pytest.raises(ClientError) as e:
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "13"})
    assert code(e) == "QueueAlreadyExists"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "3", "VisibilityTimeout": "40"})
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["QueueArn"] == f"arn:aws:sqs:us-east-1:000000000000:{name}"
    assert (attributes["DelaySeconds"], attributes["VisibilityTimeout"], attributes["MessageRetentionPeriod"]) == ("3", "40", "345600")
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"] == {"DelaySeconds": "3"}
    sqs.tag_queue(QueueUrl=url, Tags={"a": "b"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "b"}
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as e:
        sqs.send_message(QueueUrl=url, MessageBody="x")
    assert code(e) == "AWS.SimpleQueueService.NonExistentQueue"


@pytest.mark.parametrize("attributes, expected", [
    ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue"), ({"DelaySeconds": "-1"}, "InvalidAttributeValue"),
    ({"MaximumMessageSize": "10"}, "InvalidAttributeValue"), ({"Nonsense": "1"}, "InvalidAttributeName"),
    ({"FifoQueue": "false"}, "InvalidAttributeName"), ({"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
    ({"RedrivePolicy": "no"}, "InvalidAttributeValue"), ({"Policy": "{}"}, "InvalidAttributeValue"), ({"KmsDataKeyReusePeriodSeconds": "10"}, "InvalidAttributeValue"),
    ({"RedrivePolicy": json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:absent", "maxReceiveCount": 3})}, "InvalidParameterValue")])
def test_wrong_attributes(sqs, attributes, expected):
    with pytest.raises(ClientError) as e:
        sqs.create_queue(QueueName="wrong", Attributes=attributes)
    assert code(e) == expected


def test_lists_pages_of_names(sqs, name):
    urls = [sqs.create_queue(QueueName=f"{name[:60]}-{i}")["QueueUrl"] for i in range(5)]
    assert sqs.list_queues(QueueNamePrefix=name[:60] + "-")["QueueUrls"] == urls
    pages = list(sqs.get_paginator("list_queues").paginate(QueueNamePrefix=name[:60] + "-", PaginationConfig={"PageSize": 2}))
    assert [u for p in pages for u in p["QueueUrls"]] == urls and len(pages) == 3
    for url in urls:
        sqs.delete_queue(QueueUrl=url)


def test_message_with_attributes_there_and_back(sqs, queue):
    attributes = {"text": {"DataType": "String.label", "StringValue": "añ\U0001f600"}, "number": {"DataType": "Number", "StringValue": "-1.5e3"},
                  "bytes": {"DataType": "Binary", "BinaryValue": b"\0\xff"}}
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    sent = sqs.send_message(QueueUrl=queue, MessageBody="cuerpo ñ <&>", MessageAttributes=attributes, MessageSystemAttributes=trace)
    m, = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"], AttributeNames=["All"])["Messages"]
    assert m["MessageId"] == sent["MessageId"] and m["Body"] == "cuerpo ñ <&>" and m["MessageAttributes"] == attributes
    assert m["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert m["Attributes"]["ApproximateReceiveCount"] == "1" and m["Attributes"]["AWSTraceHeader"].startswith("Root=")
    assert abs(int(m["Attributes"]["SentTimestamp"]) - time.time() * 1000) < 60_000
    assert sqs.receive_message(QueueUrl=queue).get("Messages") is None
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=0)
    m, = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["te.*"], MessageSystemAttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert list(m["MessageAttributes"]) == ["text"] and m["Attributes"] == {"ApproximateReceiveCount": "2"}
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=m["ReceiptHandle"])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=m["ReceiptHandle"])


@pytest.mark.parametrize("message, expected", [
    ({"MessageBody": ""}, "MissingParameter"), ({"MessageBody": "\x01"}, "InvalidMessageContents"), ({"MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue"),
    ({"MessageBody": "x" * 1048577}, "InvalidParameterValue"), ({"MessageBody": "x", "MessageDeduplicationId": "d"}, "InvalidParameterValue"),
    ({"MessageBody": "x", "MessageAttributes": {"AWS.x": {"DataType": "String", "StringValue": "a"}}}, "InvalidParameterValue"),
    ({"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Number", "StringValue": "no"}}}, "InvalidParameterValue"),
    ({"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Text", "StringValue": "a"}}}, "InvalidParameterValue")])
def test_wrong_messages(sqs, queue, message, expected):
    with pytest.raises(ClientError) as e:
        sqs.send_message(QueueUrl=queue, **message)
    assert code(e) == expected


def test_batches(sqs, queue):
    entries = [{"Id": str(i), "MessageBody": f"m{i}"} for i in range(9)] + [{"Id": "bad", "MessageBody": "\x02"}]
    done = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert len(done["Successful"]) == 9 and [(f["Id"], f["Code"], f["SenderFault"]) for f in done["Failed"]] == [("bad", "InvalidMessageContents", True)]
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert {m["Body"] for m in messages} == {f"m{i}" for i in range(9)}
    handles = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
    done = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=[{**h, "VisibilityTimeout": 100} for h in handles[:1]])
    assert len(done["Successful"]) == 1
    done = sqs.delete_message_batch(QueueUrl=queue, Entries=handles + [{"Id": "x", "ReceiptHandle": "AAAA"}])
    assert len(done["Successful"]) == 9 and done["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    for wrong, expected in (([], "EmptyBatchRequest"), ([{"Id": "a", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"), ([{"Id": "ñ", "MessageBody": "x"}], "InvalidBatchEntryId"),
                            ([{"Id": str(i), "MessageBody": "x"} for i in range(11)], "TooManyEntriesInBatchRequest"),
                            ([{"Id": str(i), "MessageBody": "x" * 600_000} for i in range(2)], "BatchRequestTooLong")):
        with pytest.raises(ClientError) as e:
            sqs.send_message_batch(QueueUrl=queue, Entries=wrong)
        assert code(e) == "AWS.SimpleQueueService." + expected


def test_long_poll_wakes_at_once_and_ends_in_time(sqs, queue, tarn):
    began = time.monotonic()
    assert bodies(sqs, queue, WaitTimeSeconds=1) == []
    assert 0.9 < time.monotonic() - began < 3
    threading.Timer(0.3, lambda: tarn.client("sqs").send_message(QueueUrl=queue, MessageBody="now")).start()
    began = time.monotonic()
    assert bodies(sqs, queue, WaitTimeSeconds=20) == ["now"]
    assert time.monotonic() - began < 5


def test_a_thousand_pollers_hold_no_threads(own_tarn):
    tarn = own_tarn()
    sqs = tarn.client("sqs", max_pool_connections=600)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    with concurrent.futures.ThreadPoolExecutor(600) as pool:
        polls = [pool.submit(bodies, sqs, url, WaitTimeSeconds=20) for _ in range(600)]
        time.sleep(3)
        with open(f"/proc/{tarn.process.pid}/status") as status:
            threads = next(int(line.split()[1]) for line in status if line.startswith("Threads:"))
        assert threads < 100  # one poll a thread would need 600
        other = tarn.client("sqs")
        assert other.list_queues()["QueueUrls"] == [url]
        other.send_message(QueueUrl=url, MessageBody="one")
        got = next(concurrent.futures.as_completed(polls, timeout=10)).result()
        assert got == ["one"]
        began = time.monotonic()
        tarn.stop()  # with 599 waiting
        assert time.monotonic() - began < 4
        assert sum(len(p.result()) for p in polls) == 1


def test_times_follow_the_clock(own_tarn):
    tarn = own_tarn("--clock", "manual")
    sqs = tarn.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "30", "MessageRetentionPeriod": "3600"})["QueueUrl"]

    def advance(seconds):
        urllib.request.urlopen(urllib.request.Request(tarn.endpoint + "/_tarn/clock", json.dumps({"advance_ms": seconds * 1000}).encode(), method="POST")).read()

    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=60)
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"] == dict(zip(counts, "010"))
    advance(59)
    assert bodies(sqs, url) == []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        poll = pool.submit(bodies, tarn.client("sqs"), url, WaitTimeSeconds=20)
        time.sleep(0.3)
        advance(1)
        assert poll.result(10) == ["late"]  # woken by the delay's end
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"] == dict(zip(counts, "001"))
    advance(29)
    assert bodies(sqs, url) == []
    advance(1)
    assert bodies(sqs, url) == ["late"]
    advance(3600)
    assert bodies(sqs, url) == []
    sqs.purge_queue(QueueUrl=url)
    with pytest.raises(ClientError) as e:
        sqs.purge_queue(QueueUrl=url)
    assert code(e) == "AWS.SimpleQueueService.PurgeQueueInProgress"
    advance(60)
    sqs.purge_queue(QueueUrl=url)


def test_dead_letters_and_back(sqs, name):
    dead = sqs.create_queue(QueueName=name[:60] + "-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = sqs.create_queue(QueueName=name[:60], Attributes={"VisibilityTimeout": "0", "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})})["QueueUrl"]
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    assert bodies(sqs, url) == bodies(sqs, url) == ["poison"] and bodies(sqs, url) == []
    m, = sqs.receive_message(QueueUrl=dead, VisibilityTimeout=0, AttributeNames=["All"])["Messages"]
    assert m["Body"] == "poison" and m["Attributes"]["DeadLetterQueueSourceArn"] == arn[:-5]
    task = sqs.start_message_move_task(SourceArn=arn)["TaskHandle"]
    assert task
    for _ in range(50):
        result, = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
        if result["Status"] == "COMPLETED":
            break
        time.sleep(0.1)
    assert (result["Status"], result["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    assert bodies(sqs, url) == ["poison"]
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": '{"redrivePermission":"denyAll"}'})
    with pytest.raises(ClientError):
        sqs.create_queue(QueueName="denied", Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})})
    for u in (url, dead):
        sqs.delete_queue(QueueUrl=u)


def test_fifo_groups_in_order(sqs, fifo):
    for i in range(6):
        sqs.send_message(QueueUrl=fifo, MessageBody=f"{'ab'[i % 2]}{i}", MessageGroupId="ab"[i % 2])
    first, = sqs.receive_message(QueueUrl=fifo, AttributeNames=["All"])["Messages"]
    assert first["Body"] == "a0" and first["Attributes"]["MessageGroupId"] == "a" and len(first["Attributes"]["SequenceNumber"]) == 20
    assert bodies(sqs, fifo) == ["b1", "b3", "b5"]  # group a is blocked
    assert bodies(sqs, fifo) == []
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"])
    second = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10)["Messages"]
    assert [m["Body"] for m in second] == ["a2", "a4"]
    for m in second:
        sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(sqs, fifo) == ["a2", "a4"]
    with pytest.raises(ClientError) as e:  # received again since
        sqs.delete_message(QueueUrl=fifo, ReceiptHandle=second[0]["ReceiptHandle"])
    assert code(e) == "InvalidParameterValue"
    with pytest.raises(ClientError) as e:
        sqs.send_message(QueueUrl=fifo, MessageBody="x")
    assert code(e) == "MissingParameter"


def test_fifo_duplicates(sqs, fifo):
    a = sqs.send_message(QueueUrl=fifo, MessageBody="same", MessageGroupId="g")
    b = sqs.send_message(QueueUrl=fifo, MessageBody="same", MessageGroupId="h")
    c = sqs.send_message(QueueUrl=fifo, MessageBody="same", MessageGroupId="g", MessageDeduplicationId="other")
    assert a["MessageId"] == b["MessageId"] and a["SequenceNumber"] == b["SequenceNumber"] < c["SequenceNumber"]
    attempt = str(uuid.uuid4())
    one = sqs.receive_message(QueueUrl=fifo, ReceiveRequestAttemptId=attempt, MaxNumberOfMessages=10)["Messages"]
    again = sqs.receive_message(QueueUrl=fifo, ReceiveRequestAttemptId=attempt, MaxNumberOfMessages=10)["Messages"]
    assert len(one) == 2 and [m["ReceiptHandle"] for m in one] == [m["ReceiptHandle"] for m in again]


def test_permissions_become_a_policy(sqs, queue):
    sqs.add_permission(QueueUrl=queue, Label="let", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"} and policy["Statement"][0]["Action"] == "SQS:SendMessage"
    sqs.remove_permission(QueueUrl=queue, Label="let")
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])


def form(tarn, path="/", **parameters):
    request = urllib.request.Request(tarn.endpoint + path, urllib.parse.urlencode({"Version": "2012-11-05", **parameters}).encode(), method="POST")
    request.add_header("Authorization", f"AWS4-HMAC-SHA256 Credential=test/{time.strftime('%Y%m%d', time.gmtime())}/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=" + "0" * 64)
    request.add_header("X-Amz-Date", time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    try:
        return urllib.request.urlopen(request).read().decode()
    except urllib.error.HTTPError as e:
        return e.read().decode()


def test_query_protocol(tarn, sqs, queue):
    path = urllib.parse.urlparse(queue).path
    answer = form(tarn, path, Action="SendMessage", MessageBody="a&b", **{"MessageAttribute.1.Name": "n", "MessageAttribute.1.Value.DataType": "String", "MessageAttribute.1.Value.StringValue": "v"})
    assert "<SendMessageResult>" in answer and "<MD5OfMessageAttributes>" in answer and 'xmlns="http://queue.amazonaws.com/doc/2012-11-05/"' in answer
    answer = form(tarn, Action="ReceiveMessage", QueueUrl=queue, **{"AttributeName.1": "All", "MessageAttributeName.1": "All"})
    assert "<Message>" in answer and "<Body>a&amp;b</Body>" in answer and "<Attribute><Name>SenderId</Name><Value>" in answer
    assert "<MessageAttribute><Name>n</Name><Value>" in answer
    answer = form(tarn, Action="GetQueueAttributes", QueueUrl=queue, **{"AttributeName.1": "QueueArn"})
    assert "<Attribute><Name>QueueArn</Name><Value>arn:aws:sqs:" in answer
    assert "<QueueUrl>" in form(tarn, Action="ListQueues")
    answer = form(tarn, Action="SendMessageBatch", QueueUrl=queue, **{"SendMessageBatchRequestEntry.1.Id": "x", "SendMessageBatchRequestEntry.1.MessageBody": "y"})
    assert "<SendMessageBatchResultEntry><Id>x</Id>" in answer
    assert "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in form(tarn, "/000000000000/absent", Action="PurgeQueue")


def test_acknowledged_messages_survive_kill_9_in_order(own_tarn):
    tarn = own_tarn()
    sqs = tarn.client("sqs")
    plain = sqs.create_queue(QueueName="plain")["QueueUrl"]
    fifo = sqs.create_queue(QueueName="ordered.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    acknowledged, lock = {"plain": set(), "g0": [], "g1": []}, threading.Lock()

    def send_until_killed(kind):
        client, n = tarn.client("sqs"), 0
        try:
            while True:
                body = f"{kind}-{n}"
                if kind.startswith("g"):
                    client.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId=kind, MessageDeduplicationId=body)
                    acknowledged[kind].append(body)
                else:
                    client.send_message(QueueUrl=plain, MessageBody=body)
                    with lock:
                        acknowledged["plain"].add(body)
                n += 1
        except Exception:  # the kill
            return

    threads = [threading.Thread(target=send_until_killed, args=(k,)) for k in ("g0", "g1", "p0", "p1", "p2")]
    for t in threads:
        t.start()
    time.sleep(1.5)
    tarn.kill()
    for t in threads:
        t.join()
    tarn.start()
    sqs = tarn.client("sqs")
    assert min(len(v) for v in acknowledged.values()) > 10

    def drain(path):
        out = []
        while True:
            messages = sqs.receive_message(QueueUrl=tarn.endpoint + path, MaxNumberOfMessages=10, AttributeNames=["MessageGroupId"]).get("Messages", [])
            if not messages:
                return out
            out += [m["Body"] for m in messages]
            sqs.delete_message_batch(QueueUrl=tarn.endpoint + path, Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)])

    assert acknowledged["plain"] <= set(drain("/000000000000/plain"))
    ordered = drain("/000000000000/ordered.fifo")
    for group in ("g0", "g1"):
        got = [b for b in ordered if b.startswith(group)]
        assert got[:len(acknowledged[group])] == acknowledged[group] and len(got) <= len(acknowledged[group]) + 1


def test_a_queue_under_a_key_of_kms(own_tarn, name):
    tarn = own_tarn("--clock", "manual")
    sqs, kms, sns = (tarn.client(service) for service in ("sqs", "kms", "sns"))
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    dead = sqs.create_queue(QueueName=name + "-dead")["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    queue = sqs.create_queue(QueueName=name, Attributes={"KmsMasterKeyId": key, "VisibilityTimeout": "0",
                                                         "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})})["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert (attributes["KmsMasterKeyId"], attributes["KmsDataKeyReusePeriodSeconds"], attributes["SqsManagedSseEnabled"]) == (key, "300", "false")
    sent = sqs.send_message(QueueUrl=queue, MessageBody="secret", MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}})
    read = lambda url: sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [])
    message = read(queue)[0]
    assert (message["Body"], message["MD5OfBody"], message["MessageAttributes"]["a"]["StringValue"]) == ("secret", sent["MD5OfMessageBody"], "b")
    tarn.kill()
    tarn.start()
    sqs, kms, sns = (tarn.client(service) for service in ("sqs", "kms", "sns"))
    assert read(queue)[0]["Body"] == "secret"
    assert read(queue) == [] and read(dead)[0]["Body"] == "secret", "a dead letter is under its own queue's key"

    topic = sns.create_topic(Name=name, Attributes={"KmsMasterKeyId": key})["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    sns.publish(TopicArn=topic, Message="told")
    assert sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"][0]["Body"] == "told"

    kms.disable_key(KeyId=key)
    urllib.request.urlopen(urllib.request.Request(f"{tarn.endpoint}/_tarn/clock", json.dumps({"advance_ms": 301_000}).encode())).read()
    for call in (lambda: sqs.send_message(QueueUrl=queue, MessageBody="x"), lambda: sqs.receive_message(QueueUrl=queue)):
        with pytest.raises(ClientError) as error:
            call()
        assert error.value.response["Error"]["Code"] in ("KMS.DisabledException", "KmsDisabled")
    with pytest.raises(ClientError) as error:
        sns.publish(TopicArn=topic, Message="not told")
    assert "Disabled" in error.value.response["Error"]["Code"]
    kms.enable_key(KeyId=key)
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "told"
