"""CloudWatch's metrics through boto3, in each of its protocols; those that tarn writes of itself."""

import datetime as dt
import io
import json
import time
import urllib.parse
import urllib.request
import zipfile

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

NOW = dt.datetime.now(dt.timezone.utc).replace(second=0, microsecond=0) - dt.timedelta(minutes=10)


@pytest.fixture
def cloudwatch(tarn):
    return tarn.client("cloudwatch")


def code(error):
    return error.value.response["Error"]["Code"]


def datum(value, minutes=0, **more):
    return {"MetricName": "Rows", "Dimensions": [{"Name": "Table", "Value": "t"}], "Timestamp": NOW + dt.timedelta(minutes=minutes), "Value": value} | more


def query(name_space, id="m1", stat="Sum", period=60, **more):
    metric = {"Namespace": name_space, "MetricName": "Rows", "Dimensions": [{"Name": "Table", "Value": "t"}]}
    return {"Id": id, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}} | more


SPAN = {"StartTime": NOW - dt.timedelta(minutes=5), "EndTime": NOW + dt.timedelta(minutes=30)}


def test_points_come_back_by_period_statistic_and_unit(cloudwatch, name):
    cloudwatch.put_metric_data(Namespace=name, MetricData=[datum(v, m, Unit="Count") for v, m in ((1, 0), (2, 0), (4, 1), (8, 7))])
    many = {"MetricName": "Rows", "Dimensions": [{"Name": "Table", "Value": "t"}], "Timestamp": NOW, "Values": [10.0, 20.0], "Counts": [1.0, 2.0], "Unit": "Seconds"}
    cloudwatch.put_metric_data(Namespace=name, MetricData=[many])
    asked = {"Namespace": name, "MetricName": "Rows", "Dimensions": [{"Name": "Table", "Value": "t"}], **SPAN, "Period": 60}
    points = cloudwatch.get_metric_statistics(**asked, Statistics=["Sum", "Average", "SampleCount", "Minimum", "Maximum"], Unit="Count")["Datapoints"]
    first = next(p for p in points if p["Timestamp"] == NOW)
    assert len(points) == 3 and (first["Sum"], first["Average"], first["SampleCount"], first["Minimum"], first["Maximum"], first["Unit"]) == (3, 1.5, 2, 1, 2, "Count")
    points = cloudwatch.get_metric_statistics(**asked, ExtendedStatistics=["p50"], Unit="Seconds")["Datapoints"]
    assert points[0]["ExtendedStatistics"]["p50"] == pytest.approx(20, rel=0.005)
    hour = cloudwatch.get_metric_statistics(**(asked | {"Period": 3600}), Statistics=["Sum"], Unit="Count")["Datapoints"]
    assert sum(p["Sum"] for p in hour) == 15
    listed = cloudwatch.list_metrics(Namespace=name, RecentlyActive="PT3H")["Metrics"]
    assert listed == [{"Namespace": name, "MetricName": "Rows", "Dimensions": [{"Name": "Table", "Value": "t"}]}]
    assert not cloudwatch.list_metrics(Namespace=name, Dimensions=[{"Name": "Table", "Value": "other"}])["Metrics"]


def test_expressions_order_and_pages(cloudwatch, name):
    cloudwatch.put_metric_data(Namespace=name, MetricData=[datum(v, m) for v, m in ((10, 0), (20, 1), (40, 3))])
    queries = [query(name, "m1"), query(name, "m2", "SampleCount", ReturnData=False), {"Id": "e1", "Expression": "100 * m1 / SUM(m1) + FILL(m2, 0)", "Label": "share"}]
    out = cloudwatch.get_metric_data(MetricDataQueries=queries, **SPAN, ScanBy="TimestampAscending")["MetricDataResults"]
    assert [r["Id"] for r in out] == ["m1", "e1"] and out[0]["Values"] == [10, 20, 40] and out[1]["Label"] == "share"
    assert out[1]["Values"] == pytest.approx([10 / 0.7 + 1, 20 / 0.7 + 1, 40 / 0.7 + 1])
    newest_first = cloudwatch.get_metric_data(MetricDataQueries=queries[:1], **SPAN)["MetricDataResults"][0]
    assert newest_first["Values"] == [40, 20, 10] and newest_first["Timestamps"][0] == NOW + dt.timedelta(minutes=3)
    got, token = [], {}
    while True:
        page = cloudwatch.get_metric_data(MetricDataQueries=queries, **SPAN, MaxDatapoints=2, **token)
        got += [v for r in page["MetricDataResults"] for v in r["Values"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(got) == 6
    with pytest.raises(ClientError) as error:
        cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "e1", "Expression": "SEARCH('x', 'Sum', 300)"}], **SPAN)
    assert code(error) == "NotImplemented"


def test_what_aws_refuses_is_refused(cloudwatch, name):
    def refused(call, **given):
        with pytest.raises(ClientError) as error:
            call(**given)
        return code(error)

    put = cloudwatch.put_metric_data
    assert refused(put, Namespace="AWS/Own", MetricData=[datum(1)]) == "InvalidParameterValue"
    assert refused(put, Namespace=name, MetricData=[datum(float("nan"))]) == "InvalidParameterValue"
    assert refused(put, Namespace=name, MetricData=[datum(1, 60 * 24 * -20)]) == "InvalidParameterValue"
    assert refused(put, Namespace=name, MetricData=[datum(1, Values=[1.0])]) == "InvalidParameterCombination"
    assert refused(put, Namespace=name, MetricData=[{"MetricName": "m"}]) == "MissingParameter"
    assert refused(put, Namespace=name, MetricData=[datum(1, StorageResolution=30)]) == "InvalidParameterValue"
    asked = {"Namespace": name, "MetricName": "Rows", "Statistics": ["Sum"]}
    assert refused(cloudwatch.get_metric_statistics, **asked, **SPAN, Period=61) == "InvalidParameterValue"
    assert refused(cloudwatch.get_metric_statistics, **asked, StartTime=NOW, EndTime=NOW, Period=60) == "InvalidParameterValue"
    assert refused(cloudwatch.get_metric_data, MetricDataQueries=[query(name), query(name)], **SPAN) == "ValidationError"
    assert refused(cloudwatch.get_metric_data, MetricDataQueries=[query(name)], **SPAN, NextToken="?") == "InvalidNextToken"
    assert refused(cloudwatch.describe_anomaly_detectors) == "NotImplemented"


def test_the_query_and_json_protocols_work_too(tarn, cloudwatch, name):
    def send(body, **headers):
        request = AWSRequest("POST", tarn.endpoint + "/", headers, body)
        SigV4Auth(Credentials("test", "test"), "monitoring", "us-east-1").add_auth(request)
        with urllib.request.urlopen(urllib.request.Request(request.url, body.encode(), dict(request.headers))) as answer:
            return answer.read().decode()

    form = {"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": name, "MetricData.member.1.MetricName": "Old", "MetricData.member.1.Value": "3",
            "MetricData.member.1.Dimensions.member.1.Name": "a", "MetricData.member.1.Dimensions.member.1.Value": "b"}
    send(urllib.parse.urlencode(form), **{"Content-Type": "application/x-www-form-urlencoded"})
    listing = send(urllib.parse.urlencode({"Action": "ListMetrics", "Version": "2010-08-01", "Namespace": name}), **{"Content-Type": "application/x-www-form-urlencoded"})
    assert "<ListMetricsResult>" in listing and "<MetricName>Old</MetricName>" in listing
    target = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801.ListMetrics"}
    assert json.loads(send(json.dumps({"Namespace": name}), **target))["Metrics"][0]["Dimensions"] == [{"Name": "a", "Value": "b"}]
    assert cloudwatch.list_metrics(Namespace=name)["Metrics"][0]["MetricName"] == "Old"


def test_points_survive_kill_9(own_tarn):
    tarn = own_tarn()
    tarn.client("cloudwatch").put_metric_data(Namespace="n", MetricData=[datum(5)])
    tarn.kill()
    tarn.start()
    assert tarn.client("cloudwatch").get_metric_data(MetricDataQueries=[query("n")], **SPAN)["MetricDataResults"][0]["Values"] == [5]


def test_tarn_counts_what_aws_counts(tarn, cloudwatch, name):
    sqs = tarn.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="four")
    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2)["Messages"]:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    states = tarn.client("stepfunctions")
    definition = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Fail"}}})
    machine = states.create_state_machine(name=name, definition=definition, roleArn="arn:aws:iam::000000000000:role/r")["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    while states.describe_execution(executionArn=execution)["status"] == "RUNNING":
        time.sleep(0.02)

    def total(metric, space="AWS/SQS", dimension="QueueName", value=name):
        now = dt.datetime.now(dt.timezone.utc)
        points = cloudwatch.get_metric_statistics(Namespace=space, MetricName=metric, Dimensions=[{"Name": dimension, "Value": value}], Statistics=["Sum"],
                                                  StartTime=now - dt.timedelta(minutes=5), EndTime=now + dt.timedelta(minutes=1), Period=60)["Datapoints"]
        return sum(p["Sum"] for p in points)

    assert (total("NumberOfMessagesSent"), total("SentMessageSize")) == (3, 12)
    assert 1 <= total("NumberOfMessagesReceived") == total("NumberOfMessagesDeleted") <= 2
    of_machine = ("AWS/States", "StateMachineArn", machine)
    assert total("ExecutionsStarted", *of_machine) == total("ExecutionsFailed", *of_machine) == 1 and total("ExecutionsSucceeded", *of_machine) == 0


def test_functions_and_rules_are_counted(tarn, cloudwatch, name):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return 1 / event['detail']['by']\n")
    function = name.replace("_", "-")
    functions, events = tarn.client("lambda", read_timeout=60), tarn.client("events")
    arn = functions.create_function(FunctionName=function, Runtime="python3.11", Handler="index.handler", Role="arn:aws:iam::000000000000:role/r",
                                    Code={"ZipFile": code.getvalue()})["FunctionArn"]
    functions.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    functions.add_permission(FunctionName=function, StatementId="rule", Action="lambda:InvokeFunction", Principal="events.amazonaws.com")
    events.put_rule(Name=function, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=function, Targets=[{"Id": "1", "Arn": arn}])
    for by in (1, 0):
        events.put_events(Entries=[{"Source": name, "DetailType": "t", "Detail": json.dumps({"by": by})}])
    events.put_events(Entries=[{"Source": "other" + name, "DetailType": "t", "Detail": "{}"}])

    def total(space, dimension, metric):
        now = dt.datetime.now(dt.timezone.utc)
        points = cloudwatch.get_metric_statistics(Namespace=space, MetricName=metric, Dimensions=[{"Name": dimension, "Value": function}], Statistics=["Sum"],
                                                  StartTime=now - dt.timedelta(minutes=5), EndTime=now + dt.timedelta(minutes=1), Period=60)["Datapoints"]
        return sum(p["Sum"] for p in points)

    end = time.monotonic() + 30
    while total("AWS/Lambda", "FunctionName", "Invocations") < 2 and time.monotonic() < end:
        time.sleep(0.1)
    counted = {metric: total("AWS/Lambda", "FunctionName", metric) for metric in ("Invocations", "Errors", "AsyncEventsReceived", "Throttles")}
    assert counted == {"Invocations": 2, "Errors": 1, "AsyncEventsReceived": 2, "Throttles": 0} and total("AWS/Lambda", "FunctionName", "Duration") > 0
    assert [total("AWS/Events", "RuleName", metric) for metric in ("MatchedEvents", "Invocations", "FailedInvocations")] == [2, 2, 0]
    events.remove_targets(Rule=function, Ids=["1"])
    events.delete_rule(Name=function)
    functions.delete_function(FunctionName=function)
