"""SNS through boto3: who gets a publication, in which form, how often it is tried."""

import base64
import contextlib
import http.server
import json
import queue
import socketserver
import subprocess
import threading
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError
from running_tarn import PROGRAM


@pytest.fixture
def sns(tarn):
    return tarn.client("sns")


@pytest.fixture
def topic(sns, name):
    arn = sns.create_topic(Name=name)["TopicArn"]
    yield arn
    sns.delete_topic(TopicArn=arn)


def new_queue(tarn, name, **attributes):
    sqs = tarn.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(tarn, url, wait=5):
    sqs, out = tarn.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0 if out else wait, MessageAttributeNames=["All"]).get("Messages", []):
        out += messages
    return out


def code(error):
    return error.value.response["Error"]["Code"]


@contextlib.contextmanager
def subscriber(statuses=()):
    """An HTTP server that answers with these statuses, then 200; yields its URL and the requests that came."""
    came, left = queue.Queue(), list(statuses)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status = left.pop(0) if left and self.headers["x-amz-sns-message-type"] == "Notification" else 200
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            came.put((self.headers, body))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", came
    server.shutdown()


def verify(message, tarn, folder):
    """By the openssl program, as a subscriber without AWS's SDK would."""
    assert message["SigningCertURL"].startswith(tarn.endpoint)
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    (folder / "text").write_text("".join(f"{n}\n{message[n]}\n" for n in names if n in message))
    (folder / "signature").write_bytes(base64.b64decode(message["Signature"]))
    certificate = urllib.request.urlopen(message["SigningCertURL"]).read()
    key = subprocess.run(["openssl", "x509", "-pubkey", "-noout"], input=certificate, capture_output=True, check=True).stdout
    (folder / "key").write_bytes(key)
    digest = "-sha256" if message["SignatureVersion"] == "2" else "-sha1"
    subprocess.run(["openssl", "dgst", digest, "-verify", folder / "key", "-signature", folder / "signature", folder / "text"], capture_output=True, check=True)


def test_topics(sns, name):
    arn = sns.create_topic(Name=name, Attributes={"DisplayName": "d"}, Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
    assert arn == f"arn:aws:sns:us-east-1:000000000000:{name}" == sns.create_topic(Name=name)["TopicArn"]
    with pytest.raises(ClientError) as e:
        sns.create_topic(Name=name, Attributes={"DisplayName": "other"})
    assert code(e) == "InvalidParameter"
    sns.set_topic_attributes(TopicArn=arn, AttributeName="SignatureVersion", AttributeValue="2")
    sns.set_topic_attributes(TopicArn=arn, AttributeName="ApplicationSuccessFeedbackSampleRate", AttributeValue="0")  # as Terraform does
    for name_, value, wrong in (("SQSSuccessFeedbackSampleRate", "5", "NotImplemented"), ("SQSSuccessFeedbackSampleRate", "101", "InvalidParameter"),
                                ("OtherSuccessFeedbackSampleRate", "0", "InvalidParameter"), ("LambdaFailureFeedbackRoleArn", "arn:aws:iam::000000000000:role/r", "NotImplemented")):
        with pytest.raises(ClientError) as e:
            sns.set_topic_attributes(TopicArn=arn, AttributeName=name_, AttributeValue=value)
        assert code(e) == wrong
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (attributes["DisplayName"], attributes["SignatureVersion"], attributes["Owner"]) == ("d", "2", "000000000000")
    assert json.loads(attributes["Policy"])["Id"] == "__default_policy_ID"
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    sns.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "c", "Value": "d"}]
    sns.add_permission(TopicArn=arn, Label="l", AWSAccountId=["111122223333"], ActionName=["Publish"])
    assert any(s["Sid"] == "l" for s in json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])["Statement"])
    sns.remove_permission(TopicArn=arn, Label="l")
    assert {"TopicArn": arn} in sns.list_topics()["Topics"]
    for wrong, expected in (({"ArchivePolicy": "{}"}, "NotImplemented"), ({"Nonsense": "1"}, "InvalidParameter"), ({"FifoTopic": "true"}, "InvalidParameter")):
        with pytest.raises(ClientError) as e:
            sns.create_topic(Name="wrong", Attributes=wrong)
        assert code(e) == expected
    sns.delete_topic(TopicArn=arn)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.publish(TopicArn=arn, Message="x")


def test_queues_get_envelopes_or_raw_messages(tarn, sns, topic, name, tmp_path):
    url, arn = new_queue(tarn, name + "-e")
    raw_url, raw_arn = new_queue(tarn, name + "-r")
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    assert sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"] == subscription
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=raw_arn, Attributes={"RawMessageDelivery": "true"})
    attributes = {"colour": {"DataType": "String", "StringValue": "ñ"}, "bytes": {"DataType": "Binary", "BinaryValue": b"\0"}}
    sent = sns.publish(TopicArn=topic, Message=json.dumps({"default": "text", "sqs": "for queues"}), MessageStructure="json", Subject="s", MessageAttributes=attributes)
    message = json.loads(receive(tarn, url)[0]["Body"])
    assert (message["Type"], message["Message"], message["Subject"], message["TopicArn"]) == ("Notification", "for queues", "s", topic)
    assert message["MessageId"] == sent["MessageId"] and message["MessageAttributes"]["colour"] == {"Type": "String", "Value": "ñ"}
    verify(message, tarn, tmp_path)
    raw, = receive(tarn, raw_url)
    assert raw["Body"] == "for queues" and raw["MessageAttributes"] == attributes
    assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 2
    sns.unsubscribe(SubscriptionArn=subscription)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.get_subscription_attributes(SubscriptionArn=subscription)


def test_filter_policies(tarn, sns, topic, name):
    url, arn = new_queue(tarn, name)
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={
        "RawMessageDelivery": "true", "FilterPolicy": json.dumps({"kind": [{"prefix": "a"}, {"anything-but": ["b", "c"]}], "size": [{"numeric": [">", 0, "<=", 5]}]})})["SubscriptionArn"]
    for body, kind, size in (("yes", "ab", "5"), ("no", "b", "5"), ("no", "a", "6"), ("also", "x", "0.5")):
        sns.publish(TopicArn=topic, Message=body, MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}, "size": {"DataType": "Number", "StringValue": size}})
    sns.publish(TopicArn=topic, Message="without attributes")
    assert sorted(m["Body"] for m in receive(tarn, url)) == ["also", "yes"]
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicyScope", AttributeValue="MessageBody")
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue='{"detail":{"state":["failed"],"code":[{"exists":true}]}}')
    for body in ('{"detail":{"state":"failed","code":1}}', '{"detail":{"state":"failed"}}', "no json"):
        sns.publish(TopicArn=topic, Message=body)
    assert [m["Body"] for m in receive(tarn, url)] == ['{"detail":{"state":"failed","code":1}}']
    for wrong in ('{"a":"b"}', "{", '{"a":[{"nonsense":1}]}', '{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}', json.dumps({k: list(range(6)) for k in "abc"})):
        with pytest.raises(ClientError) as e:
            sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue=wrong)
        assert code(e) == "InvalidParameter"


def test_what_a_delivery_policy_has_not_is_refused(sns, name):
    topic = sns.create_topic(Name=name)["TopicArn"]

    def put(retry=None, **http):
        policy = {"http": {**http, **({"defaultHealthyRetryPolicy": retry} if retry else {})}}
        sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(policy))

    put({"numRetries": 2, "numNoDelayRetries": 0, "backoffFunction": "linear"})
    for retry, code in (({"numNoDelayRetries": 1}, "NotImplemented"), ({"backoffFunction": "geometric"}, "NotImplemented"), ({"backoffFunction": "x"}, "InvalidParameter"),
                        ({"numRetries": 2, "numMaxDelayRetries": 3}, "InvalidParameter")):
        with pytest.raises(ClientError) as error:
            put(retry)
        assert error.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError) as error:
        put(defaultThrottlePolicy={"maxReceivesPerSecond": 1})
    assert error.value.response["Error"]["Code"] == "NotImplemented"


def test_http_is_confirmed_signed_and_repeated(own_tarn, tmp_path):
    tarn = own_tarn()
    sns = tarn.client("sns")
    topic = sns.create_topic(Name="t", Attributes={"SignatureVersion": "2", "DeliveryPolicy": '{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":2}}}'})["TopicArn"]
    dead_url, dead_arn = new_queue(tarn, "dead")
    with subscriber([500, 200, 500, 500, 500]) as (url, came):
        assert sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)["SubscriptionArn"] == "pending confirmation"
        headers, body = came.get(timeout=10)
        confirmation = json.loads(body)
        assert headers["x-amz-sns-message-type"] == confirmation["Type"] == "SubscriptionConfirmation"
        verify(confirmation, tarn, tmp_path)
        assert sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"] == "PendingConfirmation"
        assert topic in urllib.request.urlopen(confirmation["SubscribeURL"]).read().decode()
        arn = sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"]
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RedrivePolicy", AttributeValue=json.dumps({"deadLetterTargetArn": dead_arn}))
        typed = '{"requestPolicy": {"headerContentType": "text/csv; charset=UTF-8"}}'
        with pytest.raises(ClientError) as e:  # of raw messages alone
            sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=typed)
        assert code(e) == "InvalidParameter"
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=typed.replace("text/csv", "application/json"))
        effective = json.loads(sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["EffectiveDeliveryPolicy"])
        assert effective["http"]["defaultRequestPolicy"] == {"headerContentType": "application/json; charset=UTF-8"}
        sns.publish(TopicArn=topic, Message="hello", Subject="s")
        first, second = came.get(timeout=10), came.get(timeout=10)
        assert first[1] == second[1] and json.loads(second[1])["Message"] == "hello" and second[0]["x-amz-sns-subscription-arn"] == arn
        assert second[0]["Content-Type"] == "application/json; charset=UTF-8"
        verify(json.loads(second[1]), tarn, tmp_path)
        sns.publish(TopicArn=topic, Message="never")
        assert json.loads(receive(tarn, dead_url, wait=15)[0]["Body"])["Message"] == "never"
        urllib.request.urlopen(json.loads(second[1])["UnsubscribeURL"]).read()
        assert sns.list_subscriptions()["Subscriptions"] == []


def test_mail_and_text_messages_stay_in_the_outbox(own_tarn):
    tarn = own_tarn()
    sns = tarn.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ana@example.com")
    sns.publish(PhoneNumber="+573001234567", Message="short")
    for _ in range(50):
        outbox = json.loads(subprocess.run([PROGRAM, "outbox", "--json"], env=tarn.environment(), capture_output=True, text=True, check=True).stdout)
        if len(outbox) == 2:
            break
        time.sleep(0.1)
    assert {(m["kind"], m["to"]) for m in outbox} == {("email", "ana@example.com"), ("sms", "+573001234567")}
    link = next(word for m in outbox if m["kind"] == "email" for word in m["body"].split() if word.startswith("http"))
    urllib.request.urlopen(link).read()
    sns.publish(TopicArn=topic, Message="the news", Subject="Daily")
    for _ in range(50):
        mail = json.load(urllib.request.urlopen(tarn.endpoint + "/_tarn/outbox"))["messages"][-1]
        if mail["subject"] == "Daily":
            break
        time.sleep(0.1)
    assert mail["subject"] == "Daily" and mail["body"].startswith("the news")


def test_mail_goes_by_smtp_and_text_messages_to_a_webhook(own_tarn):
    mails = queue.Queue()

    class Smtp(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 here\r\n")
            lines = []
            for line in self.rfile:
                if line.upper().startswith(b"DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    for text in self.rfile:
                        if text == b".\r\n":
                            break
                        lines.append(text.decode())
                    mails.put("".join(lines))
                self.wfile.write(b"250 well\r\n")
                if line.upper().startswith(b"QUIT"):
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as server, subscriber() as (webhook, texts):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tarn = own_tarn("--smtp", f"127.0.0.1:{server.server_address[1]}", "--sms-webhook", webhook)
        sns = tarn.client("sns")
        topic = sns.create_topic(Name="t")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ana@example.com")
        mail = mails.get(timeout=10)
        assert "To: ana@example.com\r\n" in mail and "Subject: AWS Notification - Subscription Confirmation" in mail
        sns.publish(PhoneNumber="+573001234567", Message="short")
        assert json.loads(texts.get(timeout=10)[1]) == {"PhoneNumber": "+573001234567", "Message": "short"}
        server.shutdown()


def test_fifo_topics_keep_order_and_drop_duplicates(tarn, sns, name):
    topic = sns.create_topic(Name=name + ".fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    url, arn = new_queue(tarn, name[:70] + ".fifo", FifoQueue="true")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    for i in range(20):
        sns.publish(TopicArn=topic, Message=str(i), MessageGroupId="g", MessageDeduplicationId=str(i))
    again = sns.publish(TopicArn=topic, Message="0", MessageGroupId="g", MessageDeduplicationId="0")
    assert len(again["SequenceNumber"]) == 20
    got, sqs = [], tarn.client("sqs")
    for _ in range(40):
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        for m in messages:
            got.append(int(m["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        if len(got) >= 20 and not messages:
            break
    assert got == list(range(20))
    with pytest.raises(ClientError) as e:
        sns.publish(TopicArn=topic, Message="x", MessageDeduplicationId="d")
    assert code(e) == "InvalidParameter"


def test_batches_and_wrong_publications(tarn, sns, topic, name):
    url, arn = new_queue(tarn, name)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    done = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "a", "Message": "1"}, {"Id": "b", "Message": "2"}, {"Id": "c", "Message": "3", "Subject": "\n"}])
    assert [e["Id"] for e in done["Successful"]] == ["a", "b"] and [e["Id"] for e in done["Failed"]] == ["c"]
    assert sorted(m["Body"] for m in receive(tarn, url)) == ["1", "2"]
    for wrong in ({"Message": ""}, {"Message": "x" * 262145}, {"Message": "x", "MessageStructure": "json"}, {"Message": "{}", "MessageStructure": "json"}, {"Message": "x", "Subject": "y" * 101}):
        with pytest.raises(ClientError) as e:
            sns.publish(TopicArn=topic, **wrong)
        assert code(e) == "InvalidParameter"
    for protocol, endpoint, expected in (("firehose", "arn:aws:firehose:us-east-1:000000000000:deliverystream/x", "NotImplemented"), ("sms", "123", "InvalidParameter"),
                                         ("http", "https://x", "InvalidParameter"), ("sqs", "x", "InvalidParameter"), ("sqs", arn + ".fifo", "InvalidParameter")):
        with pytest.raises(ClientError) as e:
            sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
        assert code(e) == expected


def test_what_was_published_arrives_after_kill_9(own_tarn):
    tarn = own_tarn()
    sns = tarn.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    _, arn = new_queue(tarn, "q")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    published = []

    def publish_until_killed(who):
        client, n = tarn.client("sns"), 0
        try:
            while True:
                client.publish(TopicArn=topic, Message=f"{who}-{n}")
                published.append(f"{who}-{n}")
                n += 1
        except Exception:  # the kill
            return

    threads = [threading.Thread(target=publish_until_killed, args=(i,)) for i in range(3)]
    for t in threads:
        t.start()
    time.sleep(1)
    tarn.kill()
    for t in threads:
        t.join()
    tarn.start()
    got = set()
    for _ in range(20):
        got |= {m["Body"] for m in receive(tarn, tarn.endpoint + "/000000000000/q", wait=1)}
        if set(published) <= got:
            break
    assert len(published) > 10 and set(published) <= got
