"""EventBridge Scheduler and scheduled rules through boto3, by a clock that the tests move."""

import json
import time
import urllib.request
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError
from test_eventbridge import ACCOUNT, REGION, code, new_queue, receive

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
OFF = {"Mode": "OFF"}


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """A tarn whose clock stands still."""
    from running_tarn import Tarn

    running = Tarn(tmp_path_factory.mktemp("scheduler") / "data", "--clock", "manual")
    yield running
    running.stop()


@pytest.fixture
def scheduler(moved):
    return moved.client("scheduler")


def clock(tarn, **by):
    data = json.dumps({"advance_ms": int(timedelta(**by).total_seconds() * 1000)}).encode() if by else None
    with urllib.request.urlopen(tarn.endpoint + "/_tarn/clock", data=data) as answer:
        return datetime.fromisoformat(json.load(answer)["now"].replace("Z", "+00:00"))


def to_next_hour(tarn):
    now = clock(tarn)
    return clock(tarn, seconds=(now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1) - now).total_seconds())


def times(messages):
    return sorted(m["Body"] for m in messages)


def at(t):
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_every_instant_that_the_clock_passes_counts(moved, scheduler, name):
    url, arn = new_queue(moved, name)
    now = to_next_hour(moved)
    scheduler.create_schedule(Name=name, ScheduleExpression="cron(30 */6 * * ? *)", FlexibleTimeWindow=OFF,
                              Target={"Arn": arn, "RoleArn": ROLE, "Input": "<aws.scheduler.scheduled-time>"})
    clock(moved, hours=36)
    due = [now + timedelta(minutes=m) for m in range(36 * 60) if (now + timedelta(minutes=m)).hour % 6 == 0 and (now + timedelta(minutes=m)).minute == 30]
    assert times(receive(moved, url, 6)) == [at(t) for t in due]
    scheduler.delete_schedule(Name=name)


def test_a_scheduled_rule(moved, name):
    events = moved.client("events")
    url, arn = new_queue(moved, name)
    now = clock(moved)
    rule = events.put_rule(Name=name, ScheduleExpression="rate(2 hours)")["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    clock(moved, hours=5)
    got = [json.loads(m["Body"]) for m in receive(moved, url, 2)]
    assert sorted(e["time"] for e in got) == [at(now + timedelta(hours=2)), at(now + timedelta(hours=4))]
    assert {(e["source"], e["detail-type"], e["resources"][0]) for e in got} == {("aws.events", "Scheduled Event", rule)}
    events.disable_rule(Name=name)
    clock(moved, hours=5)
    assert receive(moved, url, 1, 1) == []


def test_time_zones(moved, scheduler, name):
    url, arn = new_queue(moved, name)
    year = clock(moved).year + 1
    first = datetime(year, 3, 1)
    second_sunday = first + timedelta(days=(6 - first.weekday()) % 7 + 7)
    begin = datetime(second_sunday.year, 3, second_sunday.day, tzinfo=timezone.utc) - timedelta(days=1, hours=-12)
    scheduler.create_schedule(Name=name, ScheduleExpression="cron(30 2 * * ? *)", ScheduleExpressionTimezone="America/New_York", FlexibleTimeWindow=OFF,
                              StartDate=begin, EndDate=begin + timedelta(days=3), Target={"Arn": arn, "RoleArn": ROLE, "Input": "<aws.scheduler.scheduled-time>"})
    clock(moved, days=(begin - clock(moved)).days + 5)
    # The night in which 02:30 is not shown is left out.
    assert times(receive(moved, url, 2)) == [at(begin.replace(hour=6, minute=30) + timedelta(days=d)) for d in (2, 3)]


def test_one_time_and_gone(moved, scheduler, name):
    url, arn = new_queue(moved, name)
    due = clock(moved) + timedelta(hours=1)
    scheduler.create_schedule(Name=name, ScheduleExpression=f"at({at(due)[:-1]})", FlexibleTimeWindow=OFF, ActionAfterCompletion="DELETE",
                              Target={"Arn": arn, "RoleArn": ROLE})
    clock(moved, hours=2)
    event = json.loads(receive(moved, url)[0]["Body"])
    assert event["source"] == "aws.scheduler" and event["detail"] == "{}" and event["resources"] == [f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"]
    for _ in range(50):
        try:
            scheduler.get_schedule(Name=name)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ResourceNotFoundException"
            return
        time.sleep(0.05)
    raise AssertionError("the schedule is still there")


def test_universal_targets_and_buses(moved, scheduler, name):
    events = moved.client("events")
    url, arn = new_queue(moved, name)
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn, "InputPath": "$.detail"}])
    to_next_hour(moved)
    scheduler.create_schedule(Name=f"{name}-bus", ScheduleExpression="cron(1 * * * ? *)", FlexibleTimeWindow=OFF,
                              Target={"Arn": bus, "RoleArn": ROLE, "Input": '{"by": "bus"}', "EventBridgeParameters": {"DetailType": "T", "Source": name}})
    scheduler.create_schedule(Name=name, ScheduleExpression="cron(1 * * * ? *)", FlexibleTimeWindow=OFF, Target={
        "Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "RoleArn": ROLE,
        "Input": json.dumps({"QueueUrl": url, "MessageBody": "<aws.scheduler.attempt-number> <aws.scheduler.schedule-arn>"})})
    clock(moved, minutes=2)
    assert times(receive(moved, url, 2)) == [f"1 arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}", '{"by":"bus"}']
    for s in (name, f"{name}-bus"):
        scheduler.delete_schedule(Name=s)


def test_dead_letters(moved, scheduler, name):
    url, arn = new_queue(moved, name)
    missing = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-missing"
    due = clock(moved) + timedelta(minutes=1)
    scheduler.create_schedule(Name=name, ScheduleExpression=f"at({at(due)[:-1]})", FlexibleTimeWindow=OFF,
                              Target={"Arn": missing, "RoleArn": ROLE, "Input": "in", "DeadLetterConfig": {"Arn": arn}, "RetryPolicy": {"MaximumRetryAttempts": 0}})
    clock(moved, minutes=1)
    (message,) = receive(moved, url)
    attributes = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
    assert message["Body"] == "in" and attributes["SCHEDULE_ARN"].endswith(f"/{name}") and attributes["TARGET_ARN"] == missing
    assert attributes["IS_PAYLOAD_TRUNCATED"] == "false" and attributes["ERROR_CODE"] and attributes["SCHEDULED_TIME"] == at(due)


def test_schedules_as_terraform_reads_them(moved, scheduler, name):
    _, arn = new_queue(moved, name)
    target = {"Arn": arn, "RoleArn": ROLE}
    given = {"Name": name, "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}, "Target": target, "State": "DISABLED"}
    made = scheduler.create_schedule(**given, ClientToken="t1")["ScheduleArn"]
    assert scheduler.create_schedule(**given, ClientToken="t1")["ScheduleArn"] == made
    with pytest.raises(ClientError) as error:
        scheduler.create_schedule(**given)
    assert code(error) == "ConflictException"
    told = scheduler.get_schedule(Name=name)
    assert (told["GroupName"], told["State"], told["ScheduleExpressionTimezone"], told["ActionAfterCompletion"]) == ("default", "DISABLED", "UTC", "NONE")
    assert told["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    scheduler.update_schedule(Name=name, ScheduleExpression="rate(2 hour)", FlexibleTimeWindow=OFF, Target=target, State="DISABLED", Description="d")
    again = scheduler.get_schedule(Name=name)
    assert again["Description"] == "d" and again["CreationDate"] == told["CreationDate"] and again["FlexibleTimeWindow"] == OFF
    group = scheduler.create_schedule_group(Name=name, Tags=[{"Key": "k", "Value": "v"}])["ScheduleGroupArn"]
    for n in range(5):
        scheduler.create_schedule(**{**given, "Name": f"s{n}"}, GroupName=name)
    page = scheduler.list_schedules(GroupName=name, MaxResults=3)
    rest = scheduler.list_schedules(GroupName=name, MaxResults=3, NextToken=page["NextToken"])
    assert [s["Name"] for s in page["Schedules"] + rest["Schedules"]] == [f"s{n}" for n in range(5)] and "NextToken" not in rest
    assert [s["Name"] for s in scheduler.list_schedules(NamePrefix=name)["Schedules"]] == [name]
    assert scheduler.list_tags_for_resource(ResourceArn=group)["Tags"] == [{"Key": "k", "Value": "v"}]
    scheduler.tag_resource(ResourceArn=group, Tags=[{"Key": "l", "Value": "w"}])
    scheduler.untag_resource(ResourceArn=group, TagKeys=["k"])
    assert scheduler.list_tags_for_resource(ResourceArn=group)["Tags"] == [{"Key": "l", "Value": "w"}]
    assert {"default", name} <= {g["Name"] for g in scheduler.list_schedule_groups()["ScheduleGroups"]}
    scheduler.delete_schedule_group(Name=name)
    with pytest.raises(ClientError) as error:
        scheduler.get_schedule(Name="s1", GroupName=name)
    assert code(error) == "ResourceNotFoundException"
    scheduler.delete_schedule(Name=name)


@pytest.mark.parametrize("change,wanted", [
    ({"ScheduleExpression": "rate(1 hours)"}, "ValidationException"),
    ({"ScheduleExpressionTimezone": "Nowhere/Land"}, "ValidationException"),
    ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "ValidationException"),
    ({"StartDate": 1000000000}, "ValidationException"),
    ({"GroupName": "nowhere"}, "ResourceNotFoundException"),
    ({"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:receiveMessage", "RoleArn": ROLE, "Input": "{}"}}, "ValidationException"),
    ({"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:dynamodb:putItem", "RoleArn": ROLE, "Input": "{}"}}, "NotImplemented"),
    ({"Target": {"Arn": "arn:aws:sqs:us-east-1:000000000000:q.fifo", "RoleArn": ROLE}}, "ValidationException"),
    ({"KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/x"}, "NotImplemented"),
])
def test_what_is_no_schedule(scheduler, change, wanted):
    given = {"Name": "bad", "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": OFF, "Target": {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", "RoleArn": ROLE}}
    with pytest.raises(ClientError) as error:
        scheduler.create_schedule(**{**given, **change})
    assert code(error) == wanted


def test_what_was_due_while_tarn_was_down_falls_due_once(own_tarn):
    tarn = own_tarn()
    url, arn = new_queue(tarn, "q")
    scheduler = tarn.client("scheduler")
    due = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=2)
    scheduler.create_schedule(Name="s", ScheduleExpression=f"at({at(due)[:-1]})", FlexibleTimeWindow=OFF, Target={"Arn": arn, "RoleArn": ROLE, "Input": "once"})
    tarn.kill()
    time.sleep(max(0.0, (due - datetime.now(timezone.utc)).total_seconds()) + 0.2)
    tarn.start()
    assert times(receive(tarn, url)) == ["once"]
    tarn.kill()
    tarn.start()
    assert receive(tarn, url, 1, 1) == []
