"""EventBridge through boto3: buses, rules and their targets, what they get, archives, and what survives kill -9."""

import json
import time

import pytest
from botocore.exceptions import ClientError

ACCOUNT, REGION = "000000000000", "us-east-1"


@pytest.fixture
def events(tarn):
    return tarn.client("events")


def new_queue(tarn, name, **attributes):
    sqs = tarn.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def receive(tarn, url, count=1, seconds=8):
    """What the queue has by the time that there are so many different messages. It does not wait at the queue: the clock may stand still."""
    sqs, out, bodies, end = tarn.client("sqs"), [], set(), time.monotonic() + seconds
    while len(bodies) < count and time.monotonic() < end:
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]).get("Messages", [])
        for m in got:
            bodies.add(m["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        out += got
        if not got:
            time.sleep(0.05)
    return out


def rule_to(events, name, pattern, arn, bus=None, **target):
    where = {"EventBusName": bus} if bus else {}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern), **where)
    done = events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn, **target}], **where)
    assert done["FailedEntryCount"] == 0


def send(events, source, detail, bus=None, **more):
    entry = {"Source": source, "DetailType": "Test", "Detail": json.dumps(detail), **more}
    if bus:
        entry["EventBusName"] = bus
    done = events.put_events(Entries=[entry])
    assert done["FailedEntryCount"] == 0
    return done["Entries"][0]["EventId"]


def code(error):
    return error.value.response["Error"]["Code"]


def test_a_matching_event_reaches_a_queue_whole(tarn, events, name):
    url, arn = new_queue(tarn, name)
    rule_to(events, name, {"source": [name], "detail": {"n": [{"numeric": [">", 1]}]}}, arn)
    send(events, name, {"n": 1})
    event_id = send(events, name, {"n": 2}, Resources=["arn:x"], Time=1764331200, TraceHeader="Root=1-5759e988-bd862e3fe1be46a994272793")
    (message,) = receive(tarn, url)
    assert json.loads(message["Body"]) == {
        "version": "0", "id": event_id, "detail-type": "Test", "source": name, "account": ACCOUNT, "time": "2025-11-28T12:00:00Z", "region": REGION,
        "resources": ["arn:x"], "detail": {"n": 2}}
    assert message["Attributes"]["AWSTraceHeader"].startswith("Root=1-5759e988")


def test_an_object_put_reaches_a_queue(tarn, events, name):
    s3 = tarn.client("s3")
    url, arn = new_queue(tarn, name)
    s3.create_bucket(Bucket=name)
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})
    rule_to(events, name, {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [name]}, "object": {"key": [{"suffix": ".csv"}]}}}, arn)
    s3.put_object(Bucket=name, Key="in/a.txt", Body=b"x")
    s3.put_object(Bucket=name, Key="in/a b.csv", Body=b"xyz")
    (message,) = receive(tarn, url)
    event = json.loads(message["Body"])
    assert event["detail"]["object"]["key"] == "in/a b.csv" and event["detail"]["object"]["size"] == 3
    assert event["detail"]["reason"] == "PutObject" and event["resources"] == [f"arn:aws:s3:::{name}"]
    s3.delete_object(Bucket=name, Key="in/a b.csv")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.s3"], "detail-type": ["Object Deleted"], "detail": {"bucket": {"name": [name]}}}))
    s3.delete_object(Bucket=name, Key="in/a.txt")
    assert json.loads(receive(tarn, url)[-1]["Body"])["detail-type"] == "Object Deleted"


def test_an_execution_tells_that_it_runs_and_that_it_has_ended(tarn, events, name):
    url, arn = new_queue(tarn, name)
    states = tarn.client("stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    machine = states.create_state_machine(name=name, definition=definition, roleArn=f"arn:aws:iam::{ACCOUNT}:role/r")["stateMachineArn"]
    rule_to(events, name, {"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}, arn)
    run = states.start_execution(stateMachineArn=machine, input='{"a": 1}')["executionArn"]
    told = {d["status"]: d for d in (json.loads(m["Body"])["detail"] for m in receive(tarn, url, 2))}
    assert set(told) == {"RUNNING", "SUCCEEDED"} and {d["executionArn"] for d in told.values()} == {run}
    assert told["RUNNING"]["stopDate"] is None and json.loads(told["SUCCEEDED"]["output"]) == {"a": 1}


def test_what_a_target_gets(tarn, events, name):
    url, arn = new_queue(tarn, name)
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[
        {"Id": "constant", "Arn": arn, "Input": '{"fixed": 1}'},
        {"Id": "path", "Arn": arn, "InputPath": "$.detail"},
        {"Id": "template", "Arn": arn, "InputTransformer": {"InputPathsMap": {"who": "$.detail.who"}, "InputTemplate": '{"who": <who>, "rule": "<aws.events.rule-name>"}'}},
        {"Id": "text", "Arn": arn, "InputTransformer": {"InputPathsMap": {"who": "$.detail.who"}, "InputTemplate": '"it was <who>"'}}])
    send(events, name, {"who": "Ada"})
    bodies = {m["Body"] for m in receive(tarn, url, 4)}
    assert bodies == {'{"fixed": 1}', '{"who":"Ada"}', f'{{"who": "Ada", "rule": "{name}"}}', '"it was Ada"'}


def test_fifo_queues_topics_buses_and_logs(tarn, events, name):
    url, arn = new_queue(tarn, f"{name}.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    other_url, other_arn = new_queue(tarn, name)
    sns, logs = tarn.client("sns"), tarn.client("logs")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=other_arn, Attributes={"RawMessageDelivery": "true"})
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    logs.create_log_group(logGroupName=f"/aws/events/{name}")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[
        {"Id": "fifo", "Arn": arn, "SqsParameters": {"MessageGroupId": "g"}},
        {"Id": "topic", "Arn": topic},
        {"Id": "bus", "Arn": bus},
        {"Id": "logs", "Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/events/{name}", "InputTransformer": {
            "InputPathsMap": {"at": "$.time", "n": "$.detail"}, "InputTemplate": '{"timestamp": <at>, "message": <n>}'}}])
    rule_to(events, "on-own-bus", {"source": [name]}, other_arn, bus=name, Input='"by the bus"')
    for n in range(5):
        send(events, name, {"n": n})
    fifo = receive(tarn, url, 5)
    assert [json.loads(m["Body"])["detail"]["n"] for m in fifo] == [0, 1, 2, 3, 4]
    rest = [m["Body"] for m in receive(tarn, other_url, 6)]
    while len(rest) < 10:
        rest += [m["Body"] for m in receive(tarn, other_url, 1)]
    assert rest.count('"by the bus"') == 5 and len(rest) == 10
    for _ in range(50):
        found = logs.filter_log_events(logGroupName=f"/aws/events/{name}")["events"]
        if len(found) == 5:
            break
        time.sleep(0.1)
    assert sorted(json.loads(e["message"])["n"] for e in found) == [0, 1, 2, 3, 4]


def test_dead_letters(tarn, events, name):
    url, arn = new_queue(tarn, name)
    missing = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-missing"
    rule_to(events, name, {"source": [name]}, missing, DeadLetterConfig={"Arn": arn}, RetryPolicy={"MaximumRetryAttempts": 2})
    event_id = send(events, name, {})
    (message,) = receive(tarn, url)
    assert json.loads(message["Body"])["id"] == event_id
    attributes = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
    assert attributes.pop("ERROR_MESSAGE")
    assert attributes == {"RULE_ARN": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}", "TARGET_ARN": missing, "ERROR_CODE": "NO_RESOURCE", "RETRY_ATTEMPTS": "0"}


def test_archive_and_replay(tarn, events, name):
    url, arn = new_queue(tarn, name)
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    archive = events.create_archive(ArchiveName=name[:48], EventSourceArn=bus, EventPattern='{"detail": {"keep": [true]}}')["ArchiveArn"]
    for n in range(3):
        send(events, name, {"n": n, "keep": n != 1}, bus=name)
    described = events.describe_archive(ArchiveName=name[:48])
    assert described["EventCount"] == 2 and described["SizeBytes"] > 0 and described["State"] == "ENABLED"
    rule_to(events, "late", {"source": [name]}, arn, bus=name)
    rule_to(events, "not-asked", {"source": [name]}, arn, bus=name)
    now = time.time()
    events.start_replay(ReplayName=name, EventSourceArn=archive, EventStartTime=now - 60, EventEndTime=now + 60,
                        Destination={"Arn": bus, "FilterArns": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}/late"]})
    got = [json.loads(m["Body"]) for m in receive(tarn, url, 2)]
    assert sorted(e["detail"]["n"] for e in got) == [0, 2] and {e["replay-name"] for e in got} == {name}
    for _ in range(50):
        replay = events.describe_replay(ReplayName=name)
        if replay["State"] == "COMPLETED":
            break
        time.sleep(0.1)
    assert replay["State"] == "COMPLETED" and replay["ReplayEndTime"] >= replay["ReplayStartTime"]
    assert events.describe_archive(ArchiveName=name[:48])["EventCount"] == 2
    with pytest.raises(ClientError) as error:
        events.cancel_replay(ReplayName=name)
    assert code(error) == "IllegalStatusException"
    assert [r["ReplayName"] for r in events.list_replays(NamePrefix=name)["Replays"]] == [name]
    events.delete_archive(ArchiveName=name[:48])


def test_each_entry_has_its_own_error(events):
    done = events.put_events(Entries=[
        {"Source": "a", "DetailType": "t", "Detail": "{}"},
        {"DetailType": "t", "Detail": "{}"},
        {"Source": "a", "Detail": "{}"},
        {"Source": "a", "DetailType": "t"},
        {"Source": "a", "DetailType": "t", "Detail": "{"},
        {"Source": "a", "DetailType": "t", "Detail": "[]"},
        {"Source": "aws.a", "DetailType": "t", "Detail": "{}"}])
    assert done["FailedEntryCount"] == 6
    assert [e.get("ErrorCode") for e in done["Entries"]] == [
        None, "InvalidArgument", "InvalidArgument", "InvalidArgument", "MalformedDetail", "MalformedDetail", "NotAuthorizedForSourceException"]
    for entries in ([{"Source": "a", "DetailType": "t", "Detail": "{}"}] * 11, [{"Source": "a", "DetailType": "t", "Detail": json.dumps("x" * 1024 * 1024)}]):
        with pytest.raises(ClientError) as error:
            events.put_events(Entries=entries)
        assert code(error) == "ValidationException"


def test_rules_as_terraform_reads_them(tarn, events, name):
    _, arn = new_queue(tarn, name)
    made = events.put_rule(Name=name, EventPattern='{"source": ["a"]}', Description="d", State="DISABLED", Tags=[{"Key": "k", "Value": "v"}])
    assert made["RuleArn"] == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"
    told = events.describe_rule(Name=name)
    assert (told["State"], told["Description"], told["EventBusName"], told["EventPattern"]) == ("DISABLED", "d", "default", '{"source": ["a"]}')
    assert "ScheduleExpression" not in told and "RoleArn" not in told
    assert events.list_tags_for_resource(ResourceARN=made["RuleArn"])["Tags"] == [{"Key": "k", "Value": "v"}]
    events.tag_resource(ResourceARN=made["RuleArn"], Tags=[{"Key": "l", "Value": "w"}])
    events.untag_resource(ResourceARN=made["RuleArn"], TagKeys=["k"])
    assert events.list_tags_for_resource(ResourceARN=made["RuleArn"])["Tags"] == [{"Key": "l", "Value": "w"}]
    events.enable_rule(Name=name)
    events.put_targets(Rule=name, Targets=[{"Id": f"t{n}", "Arn": arn} for n in range(5)])
    with pytest.raises(ClientError) as error:
        events.put_targets(Rule=name, Targets=[{"Id": "t5", "Arn": arn}])
    assert code(error) == "LimitExceededException"
    page = events.list_targets_by_rule(Rule=name, Limit=3)
    rest = events.list_targets_by_rule(Rule=name, Limit=3, NextToken=page["NextToken"])
    assert [t["Id"] for t in page["Targets"] + rest["Targets"]] == [f"t{n}" for n in range(5)] and "NextToken" not in rest
    assert events.list_rule_names_by_target(TargetArn=arn)["RuleNames"] == [name]
    with pytest.raises(ClientError) as error:
        events.delete_rule(Name=name)
    assert code(error) == "ValidationException"
    gone = events.remove_targets(Rule=name, Ids=[f"t{n}" for n in range(6)])
    assert [e["TargetId"] for e in gone["FailedEntries"]] == ["t5"]
    events.delete_rule(Name=name)
    events.delete_rule(Name=name)
    with pytest.raises(ClientError) as error:
        events.describe_rule(Name=name)
    assert code(error) == "ResourceNotFoundException"


def test_buses_and_permissions(tarn, events, name):
    assert events.describe_event_bus()["Arn"] == f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    arn = events.create_event_bus(Name=name, Description="d", Tags=[{"Key": "k", "Value": "v"}])["EventBusArn"]
    with pytest.raises(ClientError) as error:
        events.create_event_bus(Name=name)
    assert code(error) == "ResourceAlreadyExistsException"
    assert {"default", name} <= {b["Name"] for b in events.list_event_buses()["EventBuses"]}
    assert [b["Name"] for b in events.list_event_buses(NamePrefix="defa")["EventBuses"]] == ["default"]
    assert events.update_event_bus(Name=name, Description="e")["Description"] == "e"
    other = tarn.client("events", key="111122223333")
    entry = {"Source": "a", "DetailType": "t", "Detail": "{}", "EventBusName": arn}
    with pytest.raises(ClientError) as error:
        other.put_events(Entries=[entry])
    assert code(error) == "AccessDeniedException"
    events.put_permission(EventBusName=name, Action="events:PutEvents", Principal="111122223333", StatementId="one")
    assert json.loads(events.describe_event_bus(Name=name)["Policy"])["Statement"][0]["Sid"] == "one"
    assert other.put_events(Entries=[entry])["FailedEntryCount"] == 0
    events.remove_permission(EventBusName=name, StatementId="one")
    assert "Policy" not in events.describe_event_bus(Name=arn)
    events.put_rule(Name="r", EventBusName=name, EventPattern='{"source": ["a"]}')
    with pytest.raises(ClientError) as error:
        events.delete_event_bus(Name=name)
    assert code(error) == "ValidationException"
    events.delete_rule(Name="r", EventBusName=name)
    events.delete_event_bus(Name=name)
    with pytest.raises(ClientError) as error:
        events.delete_event_bus(Name="default")
    assert code(error) == "ValidationException"


@pytest.mark.parametrize("request_,wanted", [
    ({}, "ValidationException"),
    ({"EventPattern": "{"}, "InvalidEventPatternException"),
    ({"EventPattern": '{"source": "a"}'}, "InvalidEventPatternException"),
    ({"ScheduleExpression": "rate(1 minutes)"}, "ValidationException"),
    ({"ScheduleExpression": "cron(0 12 * * *)"}, "ValidationException"),
    ({"ScheduleExpression": "at(2030-01-01T00:00:00)"}, "ValidationException"),
    ({"EventPattern": '{"source": ["a"]}', "EventBusName": "nowhere"}, "ResourceNotFoundException"),
])
def test_what_is_no_rule(events, request_, wanted):
    with pytest.raises(ClientError) as error:
        events.put_rule(Name="bad", **request_)
    assert code(error) == wanted


@pytest.mark.parametrize("target,wanted", [
    ({"Arn": "nonsense"}, "ValidationException"),
    ({"Arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/c"}, "NotImplemented"),
    ({"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q.fifo"}, "ValidationException"),
    ({"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", "Input": "{}", "InputPath": "$"}, "ValidationException"),
    ({"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", "Input": "{"}, "ValidationException"),
    ({"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", "InputTransformer": {"InputTemplate": "<x>"}}, "ValidationException"),
    ({"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", "KinesisParameters": {"PartitionKeyPath": "$.id"}}, "NotImplemented"),
])
def test_what_is_no_target(events, name, target, wanted):
    events.put_rule(Name="no-target", EventPattern='{"source": ["a"]}')
    with pytest.raises(ClientError) as error:
        events.put_targets(Rule="no-target", Targets=[{"Id": "1", **target}])
    assert code(error) == wanted


def test_patterns_are_tested_without_a_rule(events):
    event = json.dumps({"id": "1", "account": "1", "source": "a", "time": "t", "region": "r", "resources": [], "detail-type": "t", "detail": {"x": "AbC"}})
    assert events.test_event_pattern(EventPattern='{"detail": {"x": [{"equals-ignore-case": "abc"}]}}', Event=event)["Result"] is True
    assert events.test_event_pattern(EventPattern='{"detail": {"x": [{"anything-but": {"wildcard": "A*"}}]}}', Event=event)["Result"] is False
    with pytest.raises(ClientError) as error:
        events.test_event_pattern(EventPattern='{"a": [1]}', Event="{}")
    assert code(error) == "ValidationException"


def test_queries_and_executions_tell_how_they_go(tarn, events, name):
    url, arn = new_queue(tarn, name)
    s3, athena, states = tarn.client("s3"), tarn.client("athena"), tarn.client("stepfunctions")
    s3.create_bucket(Bucket=name)
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.athena", "aws.states"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn, "InputPath": "$.detail"}])
    query = athena.start_query_execution(QueryString="SELECT 1", ResultConfiguration={"OutputLocation": f"s3://{name}/"})["QueryExecutionId"]
    got = [d for d in (json.loads(m["Body"]) for m in receive(tarn, url, 3)) if d.get("queryExecutionId") == query]
    assert sorted((d["sequenceNumber"], d.get("previousState"), d["currentState"]) for d in got) == [
        ("1", None, "QUEUED"), ("2", "QUEUED", "RUNNING"), ("3", "RUNNING", "SUCCEEDED")]
    role = f"arn:aws:iam::{ACCOUNT}:role/r"
    machine = states.create_state_machine(name=name, roleArn=role, definition='{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1, "End": true}}}')["stateMachineArn"]
    # A state machine that a rule starts, which the rule's queue then hears of.
    events.put_rule(Name=f"{name}-start", EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=f"{name}-start", Targets=[{"Id": "1", "Arn": machine, "RoleArn": role, "InputPath": "$.detail"}])
    send(events, name, {"n": 7})
    got = [json.loads(m["Body"]) for m in receive(tarn, url, 2)]
    assert sorted(d["status"] for d in got) == ["RUNNING", "SUCCEEDED"] and {d["stateMachineArn"] for d in got} == {machine}
    assert [json.loads(d["output"]) for d in got if d["status"] == "SUCCEEDED"] == [{"n": 7}]
    events.disable_rule(Name=name)


def test_kill_9_between_put_events_and_delivery_loses_nothing(own_tarn):
    tarn = own_tarn()
    events = tarn.client("events")
    url, arn = new_queue(tarn, "q")
    rule_to(events, "r", {"source": ["a"]}, arn)
    for n in range(20):
        events.put_events(Entries=[{"Source": "a", "DetailType": "t", "Detail": json.dumps({"n": n * 10 + i})} for i in range(10)])
    tarn.kill()
    tarn.start()
    got = {json.loads(m["Body"])["detail"]["n"] for m in receive(tarn, url, 200, 15)}
    assert got == set(range(200))
