"""Step Functions through boto3: what a machine does, what its history tells, and what survives kill -9."""

import io
import json
import threading
import time
import urllib.request
import zipfile

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/machine"


@pytest.fixture
def sfn(tarn):
    return tarn.client("stepfunctions", inject_host_prefix=False)  # StartSyncExecution goes to sync-HOST otherwise


def make(sfn, name, states, start=None, **more):
    definition = {"StartAt": start or next(iter(states)), "States": states}
    return sfn.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE, **more)["stateMachineArn"]


def finished(sfn, execution, seconds=20):
    for _ in range(seconds * 50):
        told = sfn.describe_execution(executionArn=execution)
        if told["status"] != "RUNNING":
            return told
        time.sleep(0.02)
    raise AssertionError("it still runs: " + json.dumps([e["type"] for e in events(sfn, execution)]))


def run(sfn, machine, data=None):
    return finished(sfn, sfn.start_execution(stateMachineArn=machine, input=json.dumps(data or {}))["executionArn"])


def output(told):
    assert told["status"] == "SUCCEEDED", (told.get("error"), told.get("cause"))
    return json.loads(told["output"])


def events(sfn, execution, **more):
    return [e for page in sfn.get_paginator("get_execution_history").paginate(executionArn=execution, **more) for e in page["events"]]


def advance(tarn, seconds):
    urllib.request.urlopen(urllib.request.Request(tarn.endpoint + "/_tarn/clock", json.dumps({"advance_ms": seconds * 1000}).encode(), method="POST")).read()


def code(error):
    return error.value.response["Error"]["Code"]


def test_data_flows_through_the_states(sfn, name):
    machine = make(sfn, name, {
        "Shape": {"Type": "Pass", "InputPath": "$.in", "Parameters": {"n.$": "$.n", "text.$": "States.Format('{}-{}', $.s, $$.State.Name)", "fixed": 1},
                  "ResultPath": "$.made", "Next": "Choose"},
        "Choose": {"Type": "Choice", "Choices": [
            {"And": [{"Variable": "$.made.n", "NumericGreaterThan": 10}, {"Variable": "$.in.s", "StringMatches": "a*"}], "Next": "Big"}], "Default": "Small"},
        "Big": {"Type": "Pass", "Result": "big", "ResultPath": "$.size", "OutputPath": "$['made','size']", "End": True},
        "Small": {"Type": "Fail", "Error": "TooSmall", "CausePath": "States.Format('{} is small', $.made.n)"},
    })
    told = run(sfn, machine, {"in": {"n": 11, "s": "ab"}})
    assert output(told) == {"made": {"n": 11, "text": "ab-Shape", "fixed": 1}, "size": "big"}
    told = run(sfn, machine, {"in": {"n": 9, "s": "ab"}})
    assert (told["status"], told["error"], told["cause"]) == ("FAILED", "TooSmall", "9 is small")
    told = run(sfn, machine, {"in": {}})
    assert told["error"] == "States.Runtime" and "The JSONPath '$.n' specified for the field 'n.$' could not be found in the input" in told["cause"]
    assert [(e["type"], e["id"], e["previousEventId"]) for e in events(sfn, told["executionArn"])] == [
        ("ExecutionStarted", 1, 0), ("PassStateEntered", 2, 0), ("ExecutionFailed", 3, 2)]


def test_map_and_parallel(sfn, name):
    machine = make(sfn, name, {"Both": {"Type": "Parallel", "End": True, "Branches": [
        {"StartAt": "Each", "States": {"Each": {
            "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "ItemSelector": {"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "all.$": "$.tag"},
            "ItemProcessor": {"StartAt": "Add", "States": {"Add": {"Type": "Pass", "Parameters": {"sum.$": "States.MathAdd($.v, $.i)", "tag.$": "$.all"}, "End": True}}},
            "End": True}}},
        {"StartAt": "Two", "States": {"Two": {"Type": "Pass", "Result": 2, "End": True}}}]}})
    told = run(sfn, machine, {"items": [10, 20, 30], "tag": "t"})
    assert output(told) == [[{"sum": 10, "tag": "t"}, {"sum": 21, "tag": "t"}, {"sum": 32, "tag": "t"}], 2]
    types = [e["type"] for e in events(sfn, told["executionArn"])]
    assert types.count("MapIterationStarted") == types.count("MapIterationSucceeded") == 3
    assert types[:3] == ["ExecutionStarted", "ParallelStateEntered", "ParallelStateStarted"]
    assert types[-3:] == ["ParallelStateSucceeded", "ParallelStateExited", "ExecutionSucceeded"]


def test_a_failed_iteration_is_caught_or_tolerated(sfn, name):
    processor = {"StartAt": "Even", "States": {
        "Even": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 2, "Next": "Bad"}], "Default": "Good"},
        "Good": {"Type": "Pass", "End": True}, "Bad": {"Type": "Fail", "Error": "Two", "Cause": "it is two"}}}
    each = {"Type": "Map", "ItemProcessor": processor, "End": True}
    caught = make(sfn, name, {"Each": {**each, "Catch": [{"ErrorEquals": ["Two"], "ResultPath": "$.e", "Next": "Told"}], "ItemsPath": "$.l"}, "Told": {"Type": "Succeed"}})
    assert output(run(sfn, caught, {"l": [1, 2, 3]})) == {"l": [1, 2, 3], "e": {"Error": "Two", "Cause": "it is two"}}
    tolerated = make(sfn, name + "t", {"Each": {**each, "ToleratedFailureCount": 1}})
    assert output(run(sfn, tolerated, [1, 2, 3])) == [1, 3]
    told = run(sfn, tolerated, [2, 2, 3])
    assert told["error"] == "States.ExceedToleratedFailureThreshold"


def test_a_call_is_retried_and_its_error_caught(sfn, name):
    machine = make(sfn, name, {
        "Get": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject", "Parameters": {"Bucket.$": "$.bucket", "Key": "k"},
                "Retry": [{"ErrorEquals": ["S3.NoSuchBucketException", "S3.S3Exception"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1.0}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Caught"}], "End": True},
        "Caught": {"Type": "Pass", "End": True}})
    told = run(sfn, machine, {"bucket": name})
    assert output(told)["error"]["Error"] in ("S3.NoSuchBucketException", "S3.S3Exception")
    assert "(Service: S3, Status Code: 404, Request ID: " in output(told)["error"]["Cause"]
    types = [e["type"] for e in events(sfn, told["executionArn"])]
    assert types == ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskFailed", "TaskScheduled", "TaskStarted", "TaskFailed",
                     "TaskStateExited", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]


def test_objects_go_through_the_sdk_integrations(tarn, sfn, name):
    tarn.client("s3").create_bucket(Bucket=name)
    machine = make(sfn, name, {
        "Put": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:putObject", "Parameters": {"Bucket": name, "Key": "a/b.json", "Body": {"v.$": "$.v"}},
                "ResultPath": "$.put", "Next": "Get"},
        "Get": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject", "Parameters": {"Bucket": name, "Key": "a/b.json"},
                "ResultSelector": {"body.$": "States.StringToJson($.Body)"}, "End": True}})
    assert output(run(sfn, machine, {"v": [1, "é"]})) == {"body": {"v": [1, "é"]}}


def test_a_query_is_waited_for(tarn, sfn, name):
    tarn.client("s3").create_bucket(Bucket=name)
    machine = make(sfn, name, {
        "Ask": {"Type": "Task", "Resource": "arn:aws:states:::athena:startQueryExecution.sync",
                "Parameters": {"QueryString.$": "$.sql", "ResultConfiguration": {"OutputLocation": f"s3://{name}/out/"}},
                "ResultPath": "$.query", "Next": "Read"},
        "Read": {"Type": "Task", "Resource": "arn:aws:states:::athena:getQueryResults", "Parameters": {"QueryExecutionId.$": "$.query.QueryExecution.QueryExecutionId"},
                 "OutputPath": "$.ResultSet.Rows[1].Data[0].VarCharValue", "End": True}})
    told = run(sfn, machine, {"sql": "SELECT 6 * 7 AS n"})
    assert output(told) == "42"
    assert "TaskSubmitted" in [e["type"] for e in events(sfn, told["executionArn"])]
    told = run(sfn, machine, {"sql": "SELECT nothing FROM nowhere"})
    assert told["error"] == "States.TaskFailed" and json.loads(told["cause"])["QueryExecution"]["Status"]["State"] == "FAILED"


def test_a_machine_waits_for_a_token_that_a_queue_carries(tarn, sfn, name):
    sqs = tarn.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    machine = make(sfn, name, {"Ask": {
        "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "HeartbeatSeconds": 60,
        "Parameters": {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token", "q.$": "$.q"}}, "End": True}})
    executions = [sfn.start_execution(stateMachineArn=machine, input='{"q": %d}' % n)["executionArn"] for n in range(2)]
    tokens = {}
    while len(tokens) < 2:
        for m in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10).get("Messages", []):
            body = json.loads(m["Body"])
            tokens[body["q"]] = body["token"]
    sfn.send_task_heartbeat(taskToken=tokens[0])
    sfn.send_task_success(taskToken=tokens[0], output='{"a": 1}')
    sfn.send_task_failure(taskToken=tokens[1], error="Refused", cause="no")
    assert output(finished(sfn, executions[0])) == {"a": 1}
    told = finished(sfn, executions[1])
    assert (told["error"], told["cause"]) == ("Refused", "no")
    with pytest.raises(ClientError) as e:
        sfn.send_task_success(taskToken=tokens[0], output="{}")
    assert code(e) == "TaskTimedOut"
    with pytest.raises(ClientError) as e:
        sfn.send_task_success(taskToken="none", output="{}")
    assert code(e) == "InvalidToken"


def test_activities(sfn, name):
    activity = sfn.create_activity(name=name)["activityArn"]
    machine = make(sfn, name, {"Do": {"Type": "Task", "Resource": activity, "TimeoutSeconds": 60, "End": True}})
    got = []
    worker = threading.Thread(target=lambda: got.append(sfn.get_activity_task(activityArn=activity, workerName="w")))
    worker.start()
    time.sleep(0.2)
    execution = sfn.start_execution(stateMachineArn=machine, input='{"n": 1}')["executionArn"]
    worker.join(20)
    assert json.loads(got[0]["input"]) == {"n": 1}
    sfn.send_task_success(taskToken=got[0]["taskToken"], output='"done"')
    assert output(finished(sfn, execution)) == "done"
    assert [e["type"] for e in events(sfn, execution)] == [
        "ExecutionStarted", "TaskStateEntered", "ActivityScheduled", "ActivityStarted", "ActivitySucceeded", "TaskStateExited", "ExecutionSucceeded"]
    sfn.delete_activity(activityArn=activity)
    with pytest.raises(ClientError) as e:
        sfn.describe_activity(activityArn=activity)
    assert code(e) == "ActivityDoesNotExist"


def test_a_machine_starts_another(sfn, name):
    inner = make(sfn, name + "i", {"P": {"Type": "Pass", "Parameters": {"got.$": "$.x"}, "End": True}})
    outer = make(sfn, name, {"Call": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
                                      "Parameters": {"StateMachineArn": inner, "Input": {"x.$": "$.x"}}, "OutputPath": "$.Output", "End": True}})
    assert output(run(sfn, outer, {"x": 5})) == {"got": 5}


def test_express_machines(sfn, name):
    machine = make(sfn, name, {"P": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "End": True}}, type="EXPRESS")
    told = sfn.start_sync_execution(stateMachineArn=machine, input='{"n": 1}')
    assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", {"n": 2})
    told = sfn.start_sync_execution(stateMachineArn=machine, input="{}")
    assert (told["status"], told["error"]) == ("FAILED", "States.Runtime")
    assert ":express:" in sfn.start_execution(stateMachineArn=machine, input='{"n": 1}')["executionArn"]
    with pytest.raises(ClientError) as e:
        sfn.list_executions(stateMachineArn=machine)
    assert code(e) == "StateMachineTypeNotSupported"


def test_executions_write_logs(tarn, sfn, name):
    logs = tarn.client("logs")
    logs.create_log_group(logGroupName=name)
    arn = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["arn"]

    def settings(level):
        return {"level": level, "includeExecutionData": True, "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}]}

    def lines(count):
        for _ in range(300):
            found = [json.loads(e["message"]) for e in logs.filter_log_events(logGroupName=name)["events"]]
            if len(found) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError(found)

    machine = make(sfn, name, {"P": {"Type": "Pass", "End": True}}, type="EXPRESS", loggingConfiguration=settings("ALL"))
    told = sfn.start_sync_execution(stateMachineArn=machine, input='{"n": 1}')
    found = sorted(lines(4), key=lambda e: int(e["id"]))
    assert [e["type"] for e in found] == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert found[1]["details"]["input"] == '{"n":1}' and found[1]["execution_arn"] == told["executionArn"]
    machine = make(sfn, name + "f", {"F": {"Type": "Fail", "Error": "E"}}, loggingConfiguration=settings("FATAL"))
    run(sfn, machine)
    assert lines(5)[-1]["type"] == "ExecutionFailed" and lines(5)[-1]["details"]["error"] == "E"


def test_machines_are_told_changed_and_deleted(sfn, name):
    states = {"P": {"Type": "Pass", "End": True}}
    machine = make(sfn, name, states, tags=[{"key": "a", "value": "b"}])
    assert machine == f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}" == make(sfn, name, states)
    with pytest.raises(ClientError) as e:
        make(sfn, name, {"Q": {"Type": "Succeed"}})
    assert code(e) == "StateMachineAlreadyExists"
    told = sfn.describe_state_machine(stateMachineArn=machine)
    assert (told["status"], told["type"], told["loggingConfiguration"]["level"], told["roleArn"]) == ("ACTIVE", "STANDARD", "OFF", ROLE)
    assert sfn.list_tags_for_resource(resourceArn=machine)["tags"] == [{"key": "a", "value": "b"}]
    sfn.tag_resource(resourceArn=machine, tags=[{"key": "c", "value": "d"}])
    sfn.untag_resource(resourceArn=machine, tagKeys=["a"])
    assert sfn.list_tags_for_resource(resourceArn=machine)["tags"] == [{"key": "c", "value": "d"}]
    assert machine in [m["stateMachineArn"] for page in sfn.get_paginator("list_state_machines").paginate(maxResults=2) for m in page["stateMachines"]]
    first = sfn.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    sfn.update_state_machine(stateMachineArn=machine, definition=json.dumps({"StartAt": "Q", "States": {"Q": {"Type": "Pass", "Result": 2, "End": True}}}))
    second = sfn.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    assert (first, second) == (machine + ":1", machine + ":2")
    assert output(run(sfn, first, {"x": 1})) == {"x": 1} and output(run(sfn, machine)) == 2
    alias = sfn.create_state_machine_alias(name="live", routingConfiguration=[{"stateMachineVersionArn": second, "weight": 100}])["stateMachineAliasArn"]
    assert output(run(sfn, alias)) == 2
    assert len(sfn.list_executions(stateMachineArn=machine)["executions"]) == 3
    assert len(sfn.list_executions(stateMachineArn=alias)["executions"]) == 1
    with pytest.raises(ClientError) as e:
        sfn.delete_state_machine_version(stateMachineVersionArn=second)
    assert code(e) == "ConflictException"
    running = sfn.start_execution(stateMachineArn=make(sfn, name + "w", {"W": {"Type": "Wait", "Seconds": 600, "End": True}}), name="one")["executionArn"]
    sfn.delete_state_machine(stateMachineArn=machine + "w")
    with pytest.raises(ClientError) as e:
        sfn.describe_execution(executionArn=running)
    assert code(e) == "ExecutionDoesNotExist"
    sfn.delete_state_machine(stateMachineArn=machine)
    with pytest.raises(ClientError) as e:
        sfn.describe_state_machine(stateMachineArn=machine)
    assert code(e) == "StateMachineDoesNotExist"


def test_what_is_wrong_is_refused(sfn, name):
    with pytest.raises(ClientError) as e:
        make(sfn, name, {"A": {"Type": "Pass", "Next": "B"}, "C": {"Type": "Succeed"}})
    assert code(e) == "InvalidDefinition" and "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next" in str(e.value)
    with pytest.raises(ClientError) as e:
        make(sfn, "a b", {"A": {"Type": "Succeed"}})
    assert code(e) == "InvalidName"
    told = sfn.validate_state_machine_definition(definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "QueryLanguage": "JSONata", "End": True}}}))
    assert told["result"] == "FAIL" and told["diagnostics"][0]["code"] == "SCHEMA_VALIDATION_FAILED"
    machine = make(sfn, name, {"W": {"Type": "Wait", "Seconds": 60, "End": True}})
    with pytest.raises(ClientError) as e:
        sfn.start_execution(stateMachineArn=machine, input="{")
    assert code(e) == "InvalidExecutionInput"
    one = sfn.start_execution(stateMachineArn=machine, name="one", input="{}")
    assert sfn.start_execution(stateMachineArn=machine, name="one", input="{}")["startDate"] == one["startDate"]
    with pytest.raises(ClientError) as e:
        sfn.start_execution(stateMachineArn=machine, name="one", input='{"other": 1}')
    assert code(e) == "ExecutionAlreadyExists"
    while len(events(sfn, one["executionArn"])) < 2:
        time.sleep(0.02)
    sfn.stop_execution(executionArn=one["executionArn"], error="Enough", cause="because")
    told = finished(sfn, one["executionArn"])
    assert (told["status"], told["error"], told["cause"]) == ("ABORTED", "Enough", "because")
    assert [e["type"] for e in events(sfn, one["executionArn"], reverseOrder=True)] == ["ExecutionAborted", "WaitStateAborted", "WaitStateEntered", "ExecutionStarted"]
    assert sfn.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"] == []
    with pytest.raises(ClientError) as e:
        sfn.describe_execution(executionArn=one["executionArn"] + "x")
    assert code(e) == "ExecutionDoesNotExist"


def test_a_failed_execution_is_redriven(tarn, sfn, name):
    machine = make(sfn, name, {
        "First": {"Type": "Pass", "Result": {"n": 1}, "ResultPath": "$.first", "Next": "Put"},
        "Put": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:putObject", "Parameters": {"Bucket": name, "Key": "k", "Body": "x"}, "ResultPath": None, "End": True}})
    told = run(sfn, machine)
    assert told["status"] == "FAILED" and told["redriveStatus"] == "REDRIVABLE"
    tarn.client("s3").create_bucket(Bucket=name)
    sfn.redrive_execution(executionArn=told["executionArn"])
    told = finished(sfn, told["executionArn"])
    assert output(told) == {"first": {"n": 1}} and told["redriveCount"] == 1
    types = [e["type"] for e in events(sfn, told["executionArn"])]
    assert types.count("PassStateEntered") == 1 and types.count("ExecutionRedriven") == 1


def test_executions_go_on_after_kill_9(own_tarn):
    tarn = own_tarn("--clock", "manual")
    sfn, sqs = tarn.client("stepfunctions"), tarn.client("sqs")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    send = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": url, "MessageBody.$": "States.JsonToString($.n)"}, "ResultPath": None}
    machine = make(sfn, "waits", {
        "Before": {**send, "Next": "Wait"}, "Wait": {"Type": "Wait", "Seconds": 3600, "Next": "Each"},
        "Each": {"Type": "Map", "ItemsPath": "$.l", "ResultPath": "$.out", "End": True, "ItemProcessor": {"StartAt": "W", "States": {
            "W": {"Type": "Wait", "Seconds": 60, "Next": "P"}, "P": {"Type": "Pass", "End": True}}}}})
    executions = [sfn.start_execution(stateMachineArn=machine, name=f"e{n}", input=json.dumps({"n": n, "l": [1, 2, 3]}))["executionArn"] for n in range(10)]

    def reached(what, count):
        for _ in range(500):
            if all([e["type"] for e in events(sfn, x)].count(what) == count for x in executions):
                return
            time.sleep(0.02)
        raise AssertionError(what)

    reached("WaitStateEntered", 1)
    tarn.kill()
    tarn.start()
    sfn = tarn.client("stepfunctions")
    time.sleep(0.3)
    assert all(sfn.describe_execution(executionArn=x)["status"] == "RUNNING" for x in executions)
    advance(tarn, 3600)
    reached("WaitStateEntered", 4)
    tarn.kill()
    tarn.start()
    sfn = tarn.client("stepfunctions")
    advance(tarn, 3700)  # the clock began anew at the system's time
    for n, x in enumerate(executions):
        assert output(finished(sfn, x)) == {"n": n, "l": [1, 2, 3], "out": [1, 2, 3]}
    sent = []
    while got := tarn.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        sent += [int(m["Body"]) for m in got]
    assert sorted(sent) == list(range(10))  # what was recorded did not run again


def test_a_distributed_map_reads_files_and_writes_results(tarn, sfn, name):
    s3 = tarn.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="in/people.csv", Body='id,name\n1,"Ann, B"\n2,José\n3,Bad\n'.encode())
    s3.put_object(Bucket=name, Key="in/people.jsonl", Body=b'{"n": 1}\n{"n": 2}\n')

    def distributed(label, states, kind="STANDARD", **more):
        return {"Type": "Map", "Label": label, "End": True, "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, "StartAt": next(iter(states)), "States": states}, **more}

    def reader(key, **config):
        return {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": config, "Parameters": {"Bucket": name, "Key.$": key}}

    check = {"Check": {"Type": "Choice", "Choices": [{"Variable": "$.who", "StringEquals": "Bad", "Next": "Refuse"}], "Default": "Take"},
             "Take": {"Type": "Pass", "End": True}, "Refuse": {"Type": "Fail", "Error": "Bad", "Cause": "refused"}}
    machine = make(sfn, name, {"Each": distributed(
        "people", check, ItemReader=reader("$.key", InputType="CSV", CSVHeaderLocation="FIRST_ROW"), ToleratedFailurePercentage=40,
        ItemSelector={"who.$": "$$.Map.Item.Value.name", "i.$": "$$.Map.Item.Index"},
        ResultWriter={"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": name, "Prefix": "out"}})})
    told = run(sfn, machine, {"key": "in/people.csv"})
    details = output(told)["ResultWriterDetails"]
    manifest = json.loads(s3.get_object(Bucket=name, Key=details["Key"])["Body"].read())
    succeeded = json.loads(s3.get_object(Bucket=name, Key=manifest["ResultFiles"]["SUCCEEDED"][0]["Key"])["Body"].read())
    assert [json.loads(r["Output"]) for r in succeeded] == [{"who": "Ann, B", "i": 0}, {"who": "José", "i": 1}]
    assert len(manifest["ResultFiles"]["FAILED"]) == 1
    run_arn = sfn.list_map_runs(executionArn=told["executionArn"])["mapRuns"][0]["mapRunArn"]
    assert run_arn.startswith(f"arn:aws:states:us-east-1:000000000000:mapRun:{name}/people:")
    described = sfn.describe_map_run(mapRunArn=run_arn)
    assert described["status"] == "SUCCEEDED" and described["toleratedFailurePercentage"] == 40
    assert (described["executionCounts"]["succeeded"], described["executionCounts"]["failed"], described["itemCounts"]["total"]) == (2, 1, 3)
    children = sfn.list_executions(mapRunArn=run_arn)["executions"]
    assert sorted(c["status"] for c in children) == ["FAILED", "SUCCEEDED", "SUCCEEDED"] and all(c["itemCount"] == 1 for c in children)
    assert [e["type"] for e in events(sfn, told["executionArn"])] == [
        "ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapRunStarted", "MapRunSucceeded", "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded"]
    with pytest.raises(ClientError) as e:
        sfn.update_map_run(mapRunArn=run_arn, maxConcurrency=2)
    assert code(e) == "ValidationException"

    total = {"Count": {"Type": "Pass", "Parameters": {"n.$": "States.ArrayLength($.Items)", "tag.$": "$.BatchInput.tag"}, "End": True}}
    machine = make(sfn, name + "b", {"Each": distributed("b", total, "EXPRESS", ItemsPath="$.l", ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"tag.$": "$.tag"}})})
    assert output(run(sfn, machine, {"l": [1, 2, 3], "tag": "t"})) == [{"n": 2, "tag": "t"}, {"n": 1, "tag": "t"}]
    machine = make(sfn, name + "l", {"Each": distributed("l", {"P": {"Type": "Pass", "OutputPath": "$.n", "End": True}}, ItemReader=reader("$.key", InputType="JSONL"))})
    assert output(run(sfn, machine, {"key": "in/people.jsonl"})) == [1, 2]
    assert run(sfn, machine, {"key": "none"})["error"] == "States.ItemReaderFailed"
    listing = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": name, "Prefix": "in/"}}
    machine = make(sfn, name + "o", {"Each": distributed("o", {"P": {"Type": "Pass", "OutputPath": "$.Key", "End": True}}, ItemReader=listing)})
    assert output(run(sfn, machine)) == ["in/people.csv", "in/people.jsonl"]


def test_a_reset_ends_what_runs(own_tarn):
    tarn = own_tarn("--allow-reset")
    sfn = tarn.client("stepfunctions")
    for _ in range(2):
        machine = make(sfn, "m", {"W": {"Type": "Wait", "Seconds": 1, "End": True}})
        execution = sfn.start_execution(stateMachineArn=machine, name="one")["executionArn"]
        urllib.request.urlopen(urllib.request.Request(tarn.endpoint + "/_tarn/reset", b"", method="POST")).read()
        assert sfn.list_state_machines()["stateMachines"] == []
        with pytest.raises(ClientError) as e:
            sfn.describe_execution(executionArn=execution)
        assert code(e) == "ExecutionDoesNotExist"


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_a_distributed_map_goes_on_after_kill_9(own_tarn, kind):
    tarn = own_tarn("--clock", "manual")
    sfn = tarn.client("stepfunctions")
    states = {"W": {"Type": "Wait", "SecondsPath": "$", "Next": "P"}, "P": {"Type": "Pass", "End": True}}
    machine = make(sfn, "m", {"Each": {"Type": "Map", "End": True, "MaxConcurrency": 3, "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, "StartAt": "W", "States": states}}})
    execution = sfn.start_execution(stateMachineArn=machine, input="[10, 10, 30, 10, 0]")["executionArn"]

    def reached(**counts):
        for _ in range(500):
            runs = sfn.list_map_runs(executionArn=execution)["mapRuns"]
            now = sfn.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["executionCounts"] if runs else {}
            if all(now.get(name) == value for name, value in counts.items()):
                return
            time.sleep(0.02)
        raise AssertionError((counts, now))

    reached(running=3, pending=2)
    time.sleep(0.1)
    advance(tarn, 10)
    reached(succeeded=3, running=2)
    tarn.kill()
    tarn.start()
    sfn = tarn.client("stepfunctions")
    reached(succeeded=3, running=2)
    for _ in range(3):
        advance(tarn, 60)
        time.sleep(0.1)
    assert output(finished(sfn, execution)) == [10, 10, 30, 10, 0]


def test_status_changes_go_to_the_bus(tarn, sfn, name):
    sqs, bus = tarn.client("sqs"), tarn.client("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    machine = make(sfn, name, {"P": {"Type": "Pass", "Result": 1, "End": True}})
    bus.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}))
    bus.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": f"arn:aws:sqs:us-east-1:000000000000:{name}"}])
    told = run(sfn, machine, {"a": 2})
    got = {}
    while len(got) < 2:
        for m in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(m["Body"])
            got[event["detail"]["status"]] = event
    assert got["RUNNING"]["detail"]["input"] == '{"a": 2}' and got["RUNNING"]["detail"]["output"] is None
    assert got["SUCCEEDED"]["detail-type"] == "Step Functions Execution Status Change" and got["SUCCEEDED"]["detail"]["output"] == "1"
    assert got["SUCCEEDED"]["resources"] == [told["executionArn"]]
    bus.remove_targets(Rule=name, Ids=["q"])
    bus.delete_rule(Name=name)


def test_functions_are_called(tarn, sfn, name):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as z:
        z.writestr("f.py", "class Odd(Exception): pass\ndef h(event, context):\n    if event.get('n') == 13: raise Odd('thirteen')\n    return {'twice': event['n'] * 2}\n")
    function = tarn.client("lambda").create_function(FunctionName=name, Runtime="python3.11", Handler="f.h", Role=ROLE, Code={"ZipFile": packed.getvalue()})["FunctionArn"]
    machine = make(sfn, name, {
        "Bare": {"Type": "Task", "Resource": function, "ResultPath": "$.bare", "Catch": [{"ErrorEquals": ["Odd"], "ResultPath": "$.error", "Next": "Odd"}], "Next": "Invoke"},
        "Invoke": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": name, "Payload": {"n.$": "$.bare.twice"}},
                   "OutputPath": "$.Payload", "End": True},
        "Odd": {"Type": "Pass", "OutputPath": "$.error", "End": True}})
    told = run(sfn, machine, {"n": 3})
    assert output(told) == {"twice": 12}
    assert [e["type"] for e in events(sfn, told["executionArn"])][1:5] == ["TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"]
    error = output(run(sfn, machine, {"n": 13}))
    assert error["Error"] == "Odd" and json.loads(error["Cause"])["errorMessage"] == "thirteen"
    missing = make(sfn, name + "m", {"F": {"Type": "Task", "Resource": function + "x", "End": True}})
    assert run(sfn, missing)["error"] == "Lambda.ResourceNotFoundException"
    tarn.client("lambda").delete_function(FunctionName=name)
