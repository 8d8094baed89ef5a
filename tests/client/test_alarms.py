"""CloudWatch's alarms and dashboards through boto3: metrics that cross thresholds, and who is told."""

import datetime as dt
import json
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def cloudwatch(tarn):
    return tarn.client("cloudwatch")


def until(what, wanted, seconds=20):
    end = time.monotonic() + seconds
    while (got := what()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    assert got == wanted
    return got


def code(call, *args, **more):
    with pytest.raises(ClientError) as error:
        call(*args, **more)
    return error.value.response["Error"]["Code"]


def advance(tarn, minutes):
    body = json.dumps({"advance_ms": minutes * 60_000}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{tarn.endpoint}/_tarn/clock", body)).read()


METRIC = {"Namespace": "Lake", "MetricName": "Rejected", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 5,
          "ComparisonOperator": "GreaterThanThreshold", "Dimensions": [{"Name": "Table", "Value": "t"}]}


def reject(cloudwatch, name, rows, minutes_ago):
    at = dt.datetime.now(dt.timezone.utc) - dt.timedelta(minutes=minutes_ago)
    cloudwatch.put_metric_data(Namespace="Lake" + name, MetricData=[{"MetricName": "Rejected", "Value": rows, "Timestamp": at,
                                                                     "Dimensions": [{"Name": "Table", "Value": "t"}]}])


def test_an_alarm_goes_off_and_tells_its_topic(tarn, cloudwatch, name):
    sns, sqs = tarn.client("sns"), tarn.client("sqs")
    topic = sns.create_topic(Name=name)["TopicArn"]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])
    reject(cloudwatch, name, 4, 1)
    reject(cloudwatch, name, 3, 1)
    cloudwatch.put_metric_alarm(AlarmName=name, AlarmActions=[topic], AlarmDescription="too many", Tags=[{"Key": "team", "Value": "lake"}],
                                **METRIC | {"Namespace": "Lake" + name})
    alarm = lambda: cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    until(lambda: alarm()["StateValue"], "ALARM")
    assert alarm()["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [7.0 (")
    assert "TreatMissingData" not in alarm() and alarm()["ActionsEnabled"] and alarm()["OKActions"] == []
    message = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"][0]
    told = json.loads(message["Body"])
    assert told["Subject"] == f'ALARM: "{name}" in US East (N. Virginia)'
    told = json.loads(told["Message"])
    assert (told["AlarmName"], told["NewStateValue"], told["OldStateValue"], told["Trigger"]["Statistic"]) == (name, "ALARM", "INSUFFICIENT_DATA", "SUM")
    assert told["Trigger"]["Dimensions"] == [{"value": "t", "name": "Table"}]
    items = lambda: [i["HistoryItemType"] for i in cloudwatch.describe_alarm_history(AlarmName=name, ScanBy="TimestampAscending")["AlarmHistoryItems"]]
    until(items, ["ConfigurationUpdate", "StateUpdate", "Action"])
    arn = alarm()["AlarmArn"]
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "lake"}]
    assert cloudwatch.describe_alarms_for_metric(MetricName="Rejected", Namespace="Lake" + name, Dimensions=METRIC["Dimensions"])["MetricAlarms"][0]["AlarmArn"] == arn
    cloudwatch.delete_alarms(AlarmNames=[name])
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == [] and code(cloudwatch.delete_alarms, AlarmNames=[name]) == "ResourceNotFound"


def test_a_composite_alarm_follows_its_parts_and_the_bus_hears(tarn, cloudwatch, name):
    sqs, events = tarn.client("sqs"), tarn.client("events")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.cloudwatch"], "detail": {"alarmName": [name + "-both"]}}))
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    for part in "ab":
        cloudwatch.put_metric_alarm(AlarmName=f"{name}-{part}", **METRIC | {"Namespace": "None" + name})
    rule = f'ALARM("{name}-a") AND NOT OK({name}-b)'
    cloudwatch.put_composite_alarm(AlarmName=name + "-both", AlarmRule=rule)
    state = lambda: cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"], AlarmNamePrefix=name)["CompositeAlarms"][0]["StateValue"]
    assert state() == "OK"
    cloudwatch.set_alarm_state(AlarmName=name + "-a", StateValue="ALARM", StateReason="tried")
    assert state() == "ALARM"
    until(lambda: [json.loads(m["Body"])["detail"]["state"]["value"] for m in
                   sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])][-1:], ["ALARM"])
    assert code(cloudwatch.delete_alarms, AlarmNames=[name + "-a"]) == "ValidationError", "the composite one needs it"
    children = cloudwatch.describe_alarms(ChildrenOfAlarmName=name + "-both")["MetricAlarms"]
    assert [a["AlarmName"] for a in children] == [name + "-a", name + "-b"]
    cloudwatch.delete_alarms(AlarmNames=[name + "-both", name + "-a", name + "-b"])


def test_bad_alarms_are_refused(cloudwatch, name):
    bad = lambda **more: code(cloudwatch.put_metric_alarm, AlarmName=name, **METRIC | more)
    assert bad(Period=45) == bad(DatapointsToAlarm=2) == bad(TreatMissingData="often") == bad(EvaluationPeriods=20000) == "ValidationError"
    assert bad(AlarmActions=["arn:aws:automate:us-east-1:ec2:stop"]) == "NotImplemented"
    assert code(cloudwatch.put_composite_alarm, AlarmName=name, AlarmRule="ALARM(nobody)") == "ValidationError"
    assert code(cloudwatch.set_alarm_state, AlarmName="nobody", StateValue="OK", StateReason="") == "ResourceNotFound"
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []


def test_dashboards_are_kept(cloudwatch, name):
    board = name.replace(".", "-")
    body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "lake"}}]})
    assert cloudwatch.put_dashboard(DashboardName=board, DashboardBody=body)["DashboardValidationMessages"] == []
    assert cloudwatch.get_dashboard(DashboardName=board)["DashboardBody"] == body
    assert [d["DashboardName"] for d in cloudwatch.list_dashboards(DashboardNamePrefix=board)["DashboardEntries"]] == [board]
    assert code(cloudwatch.put_dashboard, DashboardName=board, DashboardBody="{") == "InvalidParameterInput"
    cloudwatch.delete_dashboards(DashboardNames=[board])
    assert code(cloudwatch.get_dashboard, DashboardName=board) == "ResourceNotFound"


def test_a_moved_clock_ends_an_alarm_whose_metric_fell_silent(own_tarn, name):
    tarn = own_tarn("--clock", "manual")
    cloudwatch = tarn.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="Lake", MetricData=[{"MetricName": "Rejected", "Value": 9, "Dimensions": METRIC["Dimensions"]}])
    cloudwatch.put_metric_alarm(AlarmName=name, **METRIC)
    state = lambda: cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]
    until(state, "INSUFFICIENT_DATA")
    advance(tarn, 1)
    until(state, "ALARM")
    tarn.kill()
    tarn.start()
    cloudwatch = tarn.client("cloudwatch")
    assert state() == "ALARM"
    advance(tarn, 5)
    until(state, "INSUFFICIENT_DATA")
