"""The energy lake runs daily by itself (examples/energy/daily), by a clock that the test moves."""

import csv
import datetime
import io
import json
import sys
import time
import urllib.request

import pytest

from running_tarn import ROOT

sys.path.insert(0, str(ROOT / "examples/energy/daily"))


def clock(tarn, **move):
    request = urllib.request.Request(f"{tarn.endpoint}/_tarn/clock", json.dumps(move).encode() if move else None)
    return json.load(urllib.request.urlopen(request))


def now(tarn):
    return datetime.datetime.fromisoformat(clock(tarn)["now"].replace("Z", "+00:00"))


def run_day(tarn, states, machine):
    """Moves the clock to just after the next 05:00, and on until what the schedule started is over. Returns the day and the execution."""
    import daily

    before = len(daily.executions(states, machine))
    at = now(tarn)
    due = at.replace(hour=5, minute=0, second=0, microsecond=0)
    due += datetime.timedelta(days=1) if due <= at else datetime.timedelta()
    clock(tarn, advance_ms=int((due - at).total_seconds() * 1000) + 1000)
    end = time.time() + 120
    while time.time() < end:
        found = daily.executions(states, machine)
        assert len(found) <= before + 1, "one run a day"
        if len(found) > before and found[0]["status"] != "RUNNING":
            return due.date(), states.describe_execution(executionArn=found[0]["executionArn"])
        time.sleep(0.1)
        clock(tarn, advance_ms=500)
    raise AssertionError("the daily run does not end")


def test_each_day_is_exported_crawled_transformed_and_asked(own_tarn, monkeypatch):
    tarn = own_tarn("--clock", "manual")
    for name, value in tarn.environment().items():
        monkeypatch.setenv(name, value)
    import daily

    machine, topic = daily.create("energy-lake")
    daily.create("energy-lake")  # twice is as good as once
    s3, glue, states, sns, sqs = (tarn.client(s) for s in ("s3", "glue", "stepfunctions", "sns", "sqs"))
    alarms = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=alarms, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=alarms, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    expected, days = {}, []
    for n in (1, 2):
        day, execution = run_day(tarn, states, machine)
        days.append(day.isoformat())
        assert execution["status"] == "SUCCEEDED", execution
        output = json.loads(execution["output"])
        assert output["export"]["day"] == day.isoformat() and len(output["export"]["files"]) == 3
        for table in ("proveedores", "clientes", "transacciones"):
            partitions = glue.get_partitions(DatabaseName="energy-bronze", TableName=table)["Partitions"]
            assert sorted(p["Values"][0] for p in partitions) == days
        text = s3.get_object(Bucket="energy-lake", Key=f"bronze/transacciones/fecha={day}/transacciones.csv")["Body"].read().decode()
        for row in csv.DictReader(io.StringIO(text)):
            count, total = expected.get(row["tipo_transaccion"], (0, 0.0))
            expected[row["tipo_transaccion"]] = count + 1, total + float(row["precio_total"])
        bucket, key = output["answer"]["location"].removeprefix("s3://").split("/", 1)
        answer = {row["tipo_transaccion"]: row for row in csv.DictReader(io.StringIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()))}
        assert {kind: int(row["transacciones"]) for kind, row in answer.items()} == {kind: count for kind, (count, _) in expected.items()}
        assert {kind: float(row["total"]) for kind, row in answer.items()} == pytest.approx({kind: total for kind, (_, total) in expected.items()})
    assert not sqs.receive_message(QueueUrl=alarms).get("Messages")

    glue.delete_job(JobName="energy-bronze-to-silver")
    _, execution = run_day(tarn, states, machine)
    assert execution["status"] == "FAILED" and execution["error"] == "DailyRunFailed"
    told = json.loads(sqs.receive_message(QueueUrl=alarms, WaitTimeSeconds=5)["Messages"][0]["Body"])
    assert told["Subject"] == "The energy lake's daily run failed" and told["Message"].startswith("Glue.EntityNotFoundException")
