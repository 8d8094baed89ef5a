"""Lambda through boto3: real handlers in real processes, synchronous, asynchronous, from queues, topics and buckets."""

import base64
import io
import json
import os
import re
import threading
import time
import urllib.request
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/lambda"


def zipped(**files):
    """A zip file of these modules; handlers stand in index.py."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", text)
    return out.getvalue()


@pytest.fixture
def functions(tarn):
    return tarn.client("lambda", read_timeout=60)


@pytest.fixture
def make(functions, name):
    """Makes a function of this code, whose handler is `handler`; returns its name."""
    made = []

    def make(code, **settings):
        function = re.sub("[^a-z0-9-]", "", name)[-50:] + f"-{len(made)}"
        settings = {"Runtime": "python3.11", "Handler": "index.handler", "Role": ROLE, **settings}
        functions.create_function(FunctionName=function, Code={"ZipFile": zipped(index=code)}, **settings)
        made.append(function)
        return function

    yield make
    for function in made:
        functions.delete_function(FunctionName=function)


class Marks(ThreadingHTTPServer):
    """What handlers told from within their sandbox, where they see no file of ours: mark("name") in their code."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), type("Handler", (BaseHTTPRequestHandler,), {"do_GET": self.note, "log_message": lambda *a: None}))
        self.names = []
        self.code = f"import urllib.request\ndef mark(name): urllib.request.urlopen('http://127.0.0.1:{self.server_port}/' + name).read()\n"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @staticmethod
    def note(handler):
        handler.server.names.append(handler.path[1:])
        handler.send_response(204)
        handler.end_headers()


@pytest.fixture
def marks():
    server = Marks()
    yield server
    server.shutdown()
    server.server_close()


def invoke(functions, function, payload=None, **more):
    out = functions.invoke(FunctionName=function, Payload=json.dumps(payload), **more)
    text = out["Payload"].read()
    return out, json.loads(text) if text else None


def code(error):
    return error.value.response["Error"]["Code"]


def wait_for(what, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come")


def new_queue(tarn, name, **attributes):
    sqs = tarn.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(tarn, url, count=1, seconds=20):
    sqs, out, until = tarn.client("sqs"), [], time.monotonic() + seconds
    while len(out) < count and time.monotonic() < until:
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2, MessageAttributeNames=["All"]).get("Messages", [])
        for m in got:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        out += got
    return out


def log_lines(tarn, function):
    logs = tarn.client("logs")
    return [e["message"] for e in logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]]


# ---- running ----


def test_a_handler_gets_its_event_context_and_environment(functions, make):
    function = make(
        """
import os
def handler(event, context):
    names = ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_REGION", "_HANDLER", "TZ", "GREETING"]
    return {"event": event, "id": context.aws_request_id, "arn": context.invoked_function_arn, "name": context.function_name,
            "version": context.function_version, "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis(),
            "group": context.log_group_name, "stream": context.log_stream_name, "client": context.client_context and context.client_context.custom,
            "env": {n: os.environ.get(n) for n in names}, "files": sorted(os.listdir(os.environ["LAMBDA_TASK_ROOT"])), "trace": os.environ["_X_AMZN_TRACE_ID"]}
""",
        Environment={"Variables": {"GREETING": "grüß Gott"}},
        MemorySize=256,
        Timeout=7,
    )
    context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    out, said = invoke(functions, function, {"n": [1, 2.5, "ä", None]}, ClientContext=context)
    assert out["StatusCode"] == 200 and out["ExecutedVersion"] == "$LATEST" and "FunctionError" not in out
    assert said["event"] == {"n": [1, 2.5, "ä", None]}
    assert said["arn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    assert (said["name"], said["version"], said["memory"]) == (function, "$LATEST", "256")
    assert 5000 < said["left"] <= 7000
    assert said["group"] == f"/aws/lambda/{function}" and "/[$LATEST]" in said["stream"]
    assert said["client"] == {"k": "v"}
    assert said["env"] == {"AWS_LAMBDA_FUNCTION_NAME": function, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
                           "AWS_REGION": "us-east-1", "_HANDLER": "index.handler", "TZ": ":UTC", "GREETING": "grüß Gott"}  # fmt: skip
    assert "index.py" in said["files"] and said["trace"].startswith("Root=1-")
    assert said["id"] == out["ResponseMetadata"]["RequestId"]


def test_logs_have_the_lines_that_lambda_writes_and_their_tail(tarn, functions, make):
    function = make("import logging\ndef handler(e, c):\n    print('one\\ntwo'); logging.getLogger().warning('careful'); print('no newline', end='')")
    out, said = invoke(functions, function, {}, LogType="Tail")
    assert said is None
    tail = base64.b64decode(out["LogResult"]).decode()
    request = out["ResponseMetadata"]["RequestId"]
    lines = [line for line in tail.splitlines() if line]
    assert lines[0] == f"START RequestId: {request} Version: $LATEST"
    assert lines[1:3] == ["one", "two"] and lines[3].startswith("[WARNING]") and lines[3].endswith(f"{request}\tcareful") and lines[4] == "no newline"
    assert lines[5] == f"END RequestId: {request}"
    assert lines[6].startswith(f"REPORT RequestId: {request}\tDuration: ") and "Memory Size: 128 MB" in lines[6] and "Init Duration: " in lines[6]
    stored = log_lines(tarn, function)
    assert stored[0].startswith("INIT_START") and [m.strip() for m in stored[1:]] == [line.strip() for line in lines]
    invoke(functions, function, {})
    assert "Init Duration" not in log_lines(tarn, function)[-1]


def test_a_handler_that_raises(tarn, functions, make):
    function = make("class Odd(Exception): pass\ndef handler(e, c):\n    raise Odd('so it is: ä')")
    out, said = invoke(functions, function, {}, LogType="Tail")
    assert out["StatusCode"] == 200 and out["FunctionError"] == "Unhandled"
    assert said["errorType"] == "Odd" and said["errorMessage"] == "so it is: ä" and "raise Odd" in said["stackTrace"][0]
    assert "[ERROR] Odd: so it is: ä\nTraceback (most recent call last):" in base64.b64decode(out["LogResult"]).decode()


@pytest.mark.parametrize(
    "body, error, message",
    [
        ("def handler(e, c): return {1, 2}", "Runtime.MarshalError", "Unable to marshal response"),
        ("import nowhere\ndef handler(e, c): pass", "Runtime.ImportModuleError", "Unable to import module 'index': No module named 'nowhere'"),
        ("def handle(e, c): pass", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
        ("def handler(e, c)", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index'"),
        ("import os\ndef handler(e, c): os._exit(3)", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("import os\ndef handler(e, c): os.kill(os.getpid(), 9)", "Runtime.ExitError", "Runtime exited with error: signal: killed"),
        ("import sys\ndef handler(e, c): sys.exit(0)", "Runtime.ExitError", "Runtime exited without providing a reason"),
        ("def handler(e, c): return 'x' * (6 * 1024 * 1024 + 200)", "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed"),
    ],
)
def test_ways_to_fail(functions, make, body, error, message):
    function = make(body)
    out, said = invoke(functions, function, {})
    assert out["StatusCode"] == 200 and out["FunctionError"] == "Unhandled"
    assert said["errorType"] == error and message in said["errorMessage"]
    assert invoke(functions, function, {})[1]["errorType"] == error  # another environment, the same end


def test_timeouts_end_whatever_the_handler_started(functions, make, marks):
    function = make(
        marks.code + """
import os, signal, time
def handler(event, context):
    if not event.get("hang"): return "well"
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(2)
            mark("outlived")
        os._exit(0)
    time.sleep(30)
""",
        Timeout=1,
    )
    assert invoke(functions, function, {})[1] == "well"
    began = time.monotonic()
    out, said = invoke(functions, function, {"hang": True}, LogType="Tail")
    assert 0.9 < time.monotonic() - began < 3
    request = out["ResponseMetadata"]["RequestId"]
    assert out["FunctionError"] == "Unhandled"
    assert said == {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {request} Error: Task timed out after 1.00 seconds"}
    assert f"{request} Task timed out after 1.00 seconds" in base64.b64decode(out["LogResult"]).decode()
    assert invoke(functions, function, {})[1] == "well"
    time.sleep(2)
    assert marks.names == []


def test_the_memory_limit(functions, make):
    function = make("def handler(e, c):\n    held = bytearray(b'x') * (600 * 1024 * 1024)\n    import time; time.sleep(3)\n    return len(held)", Timeout=10)
    out, said = invoke(functions, function, {})
    assert out["FunctionError"] == "Unhandled" and said["errorType"] == "Runtime.OutOfMemory"
    functions.update_function_configuration(FunctionName=function, MemorySize=1024)
    assert invoke(functions, function, {})[1] == 600 * 1024 * 1024


def test_much_output_needs_no_memory_and_loses_nothing(tarn, functions, make):
    function = make("def handler(e, c):\n    for i in range(20000): print('line', i, 'x' * 100)\n    return 'done'", Timeout=60)
    assert invoke(functions, function, {})[1] == "done"
    group = f"/aws/lambda/{function}"
    logs = tarn.client("logs")
    stream = logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
    last = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=3)["events"]
    assert [e["message"].split()[0] for e in last] == ["line", "END", "REPORT"] and last[0]["message"].startswith("line 19999 ")


def test_a_handler_calls_back_as_its_role(tarn, functions, make, name):
    tarn.client("s3").create_bucket(Bucket=name)
    function = make(
        """
import boto3, os
def handler(event, context):
    boto3.client("s3").put_object(Bucket=event["bucket"], Key="from/handler", Body=b"hello")
    return boto3.client("sts").get_caller_identity()["Arn"]
""",
        Timeout=30,
        MemorySize=256,
    )
    out, said = invoke(functions, function, {"bucket": name})
    assert said == f"arn:aws:sts::000000000000:assumed-role/lambda/{function}"
    assert tarn.client("s3").get_object(Bucket=name, Key="from/handler")["Body"].read() == b"hello"


def test_warm_environments_are_used_again_and_each_request_at_once_has_its_own(functions, make):
    function = make("import os, time\ncount = 0\ndef handler(e, c):\n    global count\n    count += 1\n    time.sleep(e.get('sleep', 0))\n    return [os.environ['AWS_LAMBDA_LOG_STREAM_NAME'], count]")
    pid, _ = invoke(functions, function, {})[1]
    assert invoke(functions, function, {})[1] == [pid, 2]
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(invoke(functions, function, {"sleep": 1})[1])) for _ in range(3)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len({pid for pid, _ in answers}) == 3
    functions.update_function_configuration(FunctionName=function, Environment={"Variables": {"AB": "c"}})
    assert invoke(functions, function, {})[1][1] == 1


def test_a_provided_runtime_runs_its_bootstrap(functions, name):
    script = """#!/usr/bin/python3
import os, urllib.request
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{api}/next") as answer:
        id, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], answer.read().decode()
    print("got", event, flush=True)
    urllib.request.urlopen(f"{api}/{id}/response", data=('{"you sent": ' + event + '}').encode()).read()
"""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("bootstrap")
        info.external_attr = 0o100755 << 16
        archive.writestr(info, script)
    functions.create_function(FunctionName=name, Runtime="provided.al2023", Handler="whatever", Role=ROLE, Code={"ZipFile": out.getvalue()})
    try:
        assert invoke(functions, name, {"a": 1})[1] == {"you sent": {"a": 1}}
        assert invoke(functions, name, {"a": 2})[1] == {"you sent": {"a": 2}}
    finally:
        functions.delete_function(FunctionName=name)


def test_kinds_of_invocation_and_limits(functions, make):
    function = make("def handler(e, c): return e")
    assert functions.invoke(FunctionName=function, InvocationType="DryRun")["StatusCode"] == 204
    assert functions.invoke(FunctionName=function, InvocationType="Event")["StatusCode"] == 202
    assert functions.invoke(FunctionName=function)["Payload"].read() == b"{}"
    big = "x" * (5 * 1024 * 1024)
    assert invoke(functions, function, big)[1] == big
    for kind, size in [("RequestResponse", 6 * 1024 * 1024 + 1), ("Event", 1024 * 1024 + 1)]:
        with pytest.raises(ClientError) as e:
            functions.invoke(FunctionName=function, InvocationType=kind, Payload=json.dumps("x" * size))
        assert code(e) == "RequestTooLargeException" and e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    with pytest.raises(ClientError) as e:
        functions.invoke(FunctionName=function, Payload=b"{no json")
    assert code(e) == "InvalidRequestContentException"
    with pytest.raises(ClientError) as e:
        functions.invoke(FunctionName="nobody")
    assert code(e) == "ResourceNotFoundException" and e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_reserved_concurrency(functions, make, marks):
    function = make(marks.code + "import time\ndef handler(e, c):\n    mark('runs')\n    time.sleep(2)", Timeout=20)
    functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=1)
    assert functions.get_function_concurrency(FunctionName=function)["ReservedConcurrentExecutions"] == 1
    busy = threading.Thread(target=lambda: invoke(functions, function, {}))
    busy.start()
    wait_for(lambda: marks.names)
    with pytest.raises(ClientError) as e:
        invoke(functions, function, {})
    assert code(e) == "TooManyRequestsException" and e.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    busy.join()
    invoke(functions, function, {})
    with pytest.raises(ClientError) as e:
        functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=901)
    assert code(e) == "InvalidParameterValueException"
    assert functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 999
    functions.delete_function_concurrency(FunctionName=function)
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName=function)


# ---- definitions ----


def test_create_get_update_delete(functions, tarn, name):
    zip_1, zip_2 = zipped(index="def handler(e, c): return 1"), zipped(index="def handler(e, c): return 2")
    made = functions.create_function(FunctionName=name, Runtime="python3.12", Handler="index.handler", Role=ROLE, Code={"ZipFile": zip_1}, Tags={"a": "b"})
    assert (made["State"], made["LastUpdateStatus"], made["Version"], made["CodeSize"]) == ("Active", "Successful", "$LATEST", len(zip_1))
    assert (made["Timeout"], made["MemorySize"], made["PackageType"], made["Architectures"]) == (3, 128, "Zip", ["x86_64"])
    with pytest.raises(ClientError) as e:
        functions.create_function(FunctionName=name, Runtime="python3.12", Handler="index.handler", Role=ROLE, Code={"ZipFile": zip_1})
    assert code(e) == "ResourceConflictException" and e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    got = functions.get_function(FunctionName=name)
    assert got["Tags"] == {"a": "b"} and got["Configuration"]["CodeSha256"] == made["CodeSha256"]
    assert urllib.request.urlopen(got["Code"]["Location"]).read() == zip_1
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    arn = made["FunctionArn"]
    for known in [name, arn, arn + ":$LATEST", f"000000000000:function:{name}", f"function:{name}"]:
        assert functions.get_function_configuration(FunctionName=known)["FunctionName"] == name
        assert invoke(functions, known, {})[1] == 1
    tarn.client("s3").create_bucket(Bucket=name)
    tarn.client("s3").put_object(Bucket=name, Key="code.zip", Body=zip_2)
    with pytest.raises(ClientError) as e:
        functions.update_function_code(FunctionName=name, S3Bucket=name, S3Key="code.zip", RevisionId="another")
    assert code(e) == "PreconditionFailedException"
    updated = functions.update_function_code(FunctionName=name, S3Bucket=name, S3Key="code.zip", RevisionId=made["RevisionId"])
    assert updated["CodeSha256"] != made["CodeSha256"] and updated["RevisionId"] != made["RevisionId"]
    assert invoke(functions, name, {})[1] == 2
    functions.tag_resource(Resource=arn, Tags={"c": "d"})
    functions.untag_resource(Resource=arn, TagKeys=["a"])
    assert functions.list_tags(Resource=arn)["Tags"] == {"c": "d"}
    assert name in [f["FunctionName"] for p in functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1}) for f in p["Functions"]]
    functions.delete_function(FunctionName=name)
    with pytest.raises(ClientError) as e:
        functions.get_function(FunctionName=name)
    assert code(e) == "ResourceNotFoundException" and f"Function not found: {arn}" in str(e.value)


@pytest.mark.parametrize(
    "settings, error",
    [
        ({"Timeout": 901}, "InvalidParameterValueException"),
        ({"MemorySize": 10241}, "InvalidParameterValueException"),
        ({"Runtime": "python2.7"}, "InvalidParameterValueException"),
        ({"Runtime": "cobol"}, "InvalidParameterValueException"),
        ({"Runtime": "java21"}, "NotImplemented"),
        ({"Handler": None}, "InvalidParameterValueException"),
        ({"Role": "admin"}, "ValidationException"),
        ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException"),
        ({"Code": {"S3Bucket": "there-is-no-such-bucket", "S3Key": "k"}}, "InvalidParameterValueException"),
        ({"Code": {"ImageUri": "a/b:c"}, "PackageType": "Image"}, "InvalidParameterValueException"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException"),
        ({"Environment": {"Variables": {"BIG": "x" * 4096}}}, "InvalidParameterValueException"),
        ({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:none:1"]}, "InvalidParameterValueException"),
        ({"DeadLetterConfig": {"TargetArn": "arn:aws:s3:::bucket"}}, "InvalidParameterValueException"),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "NotImplemented"),
        ({"FunctionName": "x" * 65}, "InvalidParameterValueException"),
    ],
)
def test_what_create_refuses(functions, name, settings, error):
    request = {"FunctionName": name[:60], "Runtime": "python3.12", "Handler": "index.handler", "Role": ROLE, "Code": {"ZipFile": zipped(index="")}, **settings}
    with pytest.raises(ClientError) as e:
        functions.create_function(**{k: v for k, v in request.items() if v is not None})
    assert code(e) == error
    with pytest.raises(ClientError) as e:
        functions.get_function(FunctionName=name[:60])
    assert code(e) == "ResourceNotFoundException"


def test_how_a_function_is_traced_is_kept(functions, make):
    function = make("def handler(e, c): return 1")
    traced = lambda: functions.get_function_configuration(FunctionName=function)["TracingConfig"]  # noqa: E731
    assert traced() == {"Mode": "PassThrough"}
    functions.update_function_configuration(FunctionName=function, TracingConfig={"Mode": "Active"})
    assert traced() == {"Mode": "Active"}
    functions.update_function_configuration(FunctionName=function, Timeout=9)
    assert traced() == {"Mode": "Active"} and invoke(functions, function, {})[1] == 1
    other = make("def handler(e, c): return 1", TracingConfig={"Mode": "Active"})
    assert functions.get_function_configuration(FunctionName=other)["TracingConfig"] == {"Mode": "Active"}


def test_versions_and_aliases(functions, make):
    function = make("def handler(e, c): return [1, c.function_version, c.invoked_function_arn]")
    one = functions.publish_version(FunctionName=function, Description="first")
    assert one["Version"] == "1" and one["FunctionArn"].endswith(f":{function}:1") and one["Description"] == "first"
    assert functions.publish_version(FunctionName=function)["Version"] == "1"  # nothing changed
    functions.update_function_code(FunctionName=function, ZipFile=zipped(index="def handler(e, c): return [2, c.function_version, c.invoked_function_arn]"))
    with pytest.raises(ClientError) as e:
        functions.publish_version(FunctionName=function, CodeSha256=one["CodeSha256"])
    assert code(e) == "InvalidParameterValueException"
    assert functions.publish_version(FunctionName=function)["Version"] == "2"
    assert [v["Version"] for v in functions.list_versions_by_function(FunctionName=function)["Versions"]] == ["$LATEST", "1", "2"]
    alias = functions.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    out, said = invoke(functions, function, {}, Qualifier="live")
    assert said[:2] == [1, "1"] and said[2] == alias["AliasArn"] and out["ExecutedVersion"] == "1"
    functions.update_alias(FunctionName=function, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
    assert invoke(functions, f"{function}:live", {})[1][:2] == [2, "2"]
    functions.update_alias(FunctionName=function, Name="live", FunctionVersion="2", RoutingConfig={})
    assert functions.get_alias(FunctionName=function, Name="live")["FunctionVersion"] == "2"
    with pytest.raises(ClientError) as e:
        functions.delete_function(FunctionName=function, Qualifier="2")
    assert code(e) == "ResourceConflictException"
    functions.delete_function(FunctionName=function, Qualifier="1")
    with pytest.raises(ClientError) as e:
        invoke(functions, function, {}, Qualifier="1")
    assert code(e) == "ResourceNotFoundException"
    assert [a["Name"] for a in functions.list_aliases(FunctionName=function)["Aliases"]] == ["live"]
    functions.delete_alias(FunctionName=function, Name="live")
    functions.update_function_configuration(FunctionName=function, Timeout=9)
    assert functions.publish_version(FunctionName=function)["Version"] == "3"
    assert functions.get_function_configuration(FunctionName=function, Qualifier="2")["Timeout"] == 3


def test_layers(functions, make, name):
    layer = functions.publish_layer_version(LayerName=name, Content={"ZipFile": zipped(python__shared="VALUE = 'from layer 1'")},
                                            CompatibleRuntimes=["python3.11"], Description="d")  # fmt: skip
    second = functions.publish_layer_version(LayerName=name, Content={"ZipFile": zipped(python__shared="VALUE = 'from layer 2'")})
    assert (layer["Version"], second["Version"]) == (1, 2)
    assert [v["Version"] for v in functions.list_layer_versions(LayerName=name)["LayerVersions"]] == [2, 1]
    assert [v["Version"] for v in functions.list_layer_versions(LayerName=name, CompatibleRuntime="python3.11")["LayerVersions"]] == [1]
    assert functions.get_layer_version_by_arn(Arn=layer["LayerVersionArn"])["Description"] == "d"
    function = make("import shared\ndef handler(e, c): return shared.VALUE", Layers=[layer["LayerVersionArn"]])
    assert invoke(functions, function, {})[1] == "from layer 1"
    functions.update_function_configuration(FunctionName=function, Layers=[second["LayerVersionArn"]])
    assert invoke(functions, function, {})[1] == "from layer 2"
    functions.delete_layer_version(LayerName=name, VersionNumber=1)
    with pytest.raises(ClientError) as e:
        functions.get_layer_version(LayerName=name, VersionNumber=1)
    assert code(e) == "ResourceNotFoundException"
    assert name in [item["LayerName"] for item in functions.list_layers()["Layers"]]
    functions.delete_layer_version(LayerName=name, VersionNumber=2)


def test_permissions(functions, make):
    function = make("def handler(e, c): pass")
    with pytest.raises(ClientError) as e:
        functions.get_policy(FunctionName=function)
    assert code(e) == "ResourceNotFoundException"
    said = functions.add_permission(FunctionName=function, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
                                    SourceArn="arn:aws:s3:::b", SourceAccount="000000000000")["Statement"]  # fmt: skip
    assert json.loads(said) == {"Sid": "s3", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction",
                                "Resource": f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
                                "Condition": {"StringEquals": {"AWS:SourceAccount": "000000000000"}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}}  # fmt: skip
    with pytest.raises(ClientError) as e:
        functions.add_permission(FunctionName=function, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    assert code(e) == "ResourceConflictException"
    assert json.loads(functions.get_policy(FunctionName=function)["Policy"])["Statement"] == [json.loads(said)]
    functions.remove_permission(FunctionName=function, StatementId="s3")
    with pytest.raises(ClientError) as e:
        functions.remove_permission(FunctionName=function, StatementId="s3")
    assert code(e) == "ResourceNotFoundException"


# ---- asynchronous, and what invokes functions ----


def test_results_go_to_destinations(tarn, functions, make, name):
    good, good_arn = new_queue(tarn, name + "-good")
    bad, bad_arn = new_queue(tarn, name + "-bad")
    dead, dead_arn = new_queue(tarn, name + "-dead")
    function = make("def handler(e, c):\n    if e['fail']: raise ValueError('as asked')\n    return {'n': e['n']}", DeadLetterConfig={"TargetArn": dead_arn})
    functions.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0,
                                               DestinationConfig={"OnSuccess": {"Destination": good_arn}, "OnFailure": {"Destination": bad_arn}})  # fmt: skip
    assert functions.get_function_event_invoke_config(FunctionName=function)["MaximumRetryAttempts"] == 0
    request = functions.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps({"fail": False, "n": 7}))["ResponseMetadata"]["RequestId"]
    functions.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps({"fail": True}))
    told = json.loads(receive(tarn, good)[0]["Body"])
    assert told["requestContext"] == {"requestId": request, "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}:$LATEST",
                                      "condition": "Success", "approximateInvokeCount": 1}  # fmt: skip
    assert told["requestPayload"] == {"fail": False, "n": 7} and told["responsePayload"] == {"n": 7}
    told = json.loads(receive(tarn, bad)[0]["Body"])
    assert told["requestContext"]["condition"] == "RetriesExhausted" and told["responseContext"]["functionError"] == "Unhandled"
    assert told["responsePayload"]["errorMessage"] == "as asked"
    [message] = receive(tarn, dead)
    assert json.loads(message["Body"]) == {"fail": True} and message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "as asked"
    functions.delete_function_event_invoke_config(FunctionName=function)


def test_retries_wait_by_the_clock(own_tarn, marks):
    tarn = own_tarn("--clock", "manual")
    functions = tarn.client("lambda")
    url, arn = new_queue(tarn, "dead")
    body = marks.code + "def handler(e, c):\n    mark('x')\n    raise ValueError('never')"
    functions.create_function(FunctionName="f", Runtime="python3.11", Handler="index.handler", Role=ROLE, Code={"ZipFile": zipped(index=body)}, DeadLetterConfig={"TargetArn": arn})
    functions.invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")

    def times(n):
        wait_for(lambda: len(marks.names) == n)
        time.sleep(0.3)
        assert len(marks.names) == n

    def advance(seconds):
        request = urllib.request.Request(tarn.endpoint + "/_tarn/clock", data=json.dumps({"advance_ms": seconds * 1000}).encode(), method="POST")
        urllib.request.urlopen(request).read()

    times(1)
    advance(61)
    times(2)
    advance(61)
    times(2)
    advance(60)
    times(3)
    assert receive(tarn, url)[0]["MessageAttributes"]["ErrorMessage"]["StringValue"] == "never"


def test_asynchronous_invocations_survive_kill_9(own_tarn, marks):
    tarn = own_tarn()
    functions = tarn.client("lambda")
    body = marks.code + "import time\ndef handler(e, c):\n    time.sleep(e['sleep'])\n    mark(e['name'])"
    functions.create_function(FunctionName="f", Runtime="python3.11", Handler="index.handler", Role=ROLE, Timeout=30, Code={"ZipFile": zipped(index=body)})
    invoke(functions, "f", {"sleep": 0, "name": "warm"})
    for n in range(3):
        functions.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps({"sleep": 1.5, "name": f"n{n}-"}))
    time.sleep(0.7)
    tarn.kill()
    told = list(marks.names)
    time.sleep(1.5)
    assert marks.names == told  # no process outlives tarn
    tarn.start()
    wait_for(lambda: len({m for m in marks.names if m.startswith("n")}) == 3)


def test_messages_of_a_queue_in_batches_with_filters_and_partial_failures(tarn, functions, make, name):
    url, arn = new_queue(tarn, name, VisibilityTimeout="2")
    results, results_arn = new_queue(tarn, name + "-results")
    function = make(
        """
import boto3, json, os
sqs = boto3.client("sqs")
def handler(event, context):
    bodies = [json.loads(r["body"]) for r in event["Records"]]
    sqs.send_message(QueueUrl=os.environ["RESULTS"], MessageBody=json.dumps({"bodies": bodies, "first": event["Records"][0]}))
    failed = [r["messageId"] for r, b in zip(event["Records"], bodies) if b.get("fail") and r["attributes"]["ApproximateReceiveCount"] == "1"]
    return {"batchItemFailures": [{"itemIdentifier": i} for i in failed]}
""",
        Environment={"Variables": {"RESULTS": results}},
        MemorySize=256,
        Timeout=2,
    )
    sqs = tarn.client("sqs")
    mapping = functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=function, BatchSize=10, MaximumBatchingWindowInSeconds=1,
                                                    FunctionResponseTypes=["ReportBatchItemFailures"], ScalingConfig={"MaximumConcurrency": 2},
                                                    FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": {"kind": ["wanted"]}})}]})  # fmt: skip
    with pytest.raises(ClientError) as e:
        functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=function)
    assert code(e) == "ResourceConflictException"
    uuid = mapping["UUID"]
    assert functions.get_event_source_mapping(UUID=uuid)["State"] == "Enabled"
    for n in range(4):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"kind": "wanted", "n": n, "fail": n == 2}),
                         MessageAttributes={"a": {"DataType": "String", "StringValue": "v"}})  # fmt: skip
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"kind": "other"}))
    seen = []

    def gather():
        seen.extend(json.loads(m["Body"]) for m in receive(tarn, results, seconds=2))
        bodies = [b for r in seen for b in r["bodies"]]
        return sum(b["fail"] for b in bodies) >= 2 and {b["n"] for b in bodies} == {0, 1, 2, 3}

    wait_for(gather)
    assert {b["n"] for r in seen for b in r["bodies"]} == {0, 1, 2, 3}
    assert seen[0]["first"]["eventSourceARN"] == arn and seen[0]["first"]["messageAttributes"]["a"]["stringValue"] == "v"

    def empty():
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return counts["ApproximateNumberOfMessages"] == counts["ApproximateNumberOfMessagesNotVisible"] == "0"

    wait_for(empty)
    assert [m["UUID"] for m in functions.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]] == [uuid]
    assert functions.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabled"
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"kind": "wanted", "n": 9, "fail": False}))
    assert 9 not in [b["n"] for m in receive(tarn, results, seconds=1) for b in json.loads(m["Body"])["bodies"]]
    assert functions.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
    with pytest.raises(ClientError) as e:
        functions.get_event_source_mapping(UUID=uuid)
    assert code(e) == "ResourceNotFoundException"


def test_what_event_source_mappings_refuse(tarn, functions, make, name):
    function = make("def handler(e, c): pass", Timeout=60)
    url, arn = new_queue(tarn, name)
    for settings, error in [({"EventSourceArn": arn}, "InvalidParameterValueException"),  # 30 s of visibility, 60 s of timeout
                            ({"EventSourceArn": arn + "-none"}, "InvalidParameterValueException"),
                            ({"EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s"}, "NotImplemented")]:  # fmt: skip
        with pytest.raises(ClientError) as e:
            functions.create_event_source_mapping(FunctionName=function, **settings)
        assert code(e) == error


def test_topics_and_buckets_invoke_functions(tarn, functions, make, name):
    url, arn = new_queue(tarn, name)
    function = make(f"import boto3, json\ndef handler(e, c): boto3.client('sqs').send_message(QueueUrl={url!r}, MessageBody=json.dumps(e['Records'][0]))",
                    MemorySize=256, Timeout=20)  # fmt: skip
    function_arn = functions.get_function_configuration(FunctionName=function)["FunctionArn"]
    sns, s3 = tarn.client("sns"), tarn.client("s3")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function_arn)
    sns.publish(TopicArn=topic, Message="hello", Subject="s")
    record = json.loads(receive(tarn, url)[0]["Body"])
    assert record["EventSource"] == "aws:sns" and record["Sns"]["Message"] == "hello"
    s3.create_bucket(Bucket=name)
    configuration = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": function_arn, "Events": ["s3:ObjectCreated:*"],
                                                       "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".json"}]}}}]}  # fmt: skip
    with pytest.raises(ClientError) as e:
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=configuration)
    assert code(e) == "InvalidArgument"
    functions.add_permission(FunctionName=function, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceArn=f"arn:aws:s3:::{name}")
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=configuration)
    s3.put_object(Bucket=name, Key="not.csv", Body=b"x")
    s3.put_object(Bucket=name, Key="in/some.json", Body=b"{}")
    record = json.loads(receive(tarn, url)[0]["Body"])
    assert record["eventSource"] == "aws:s3" and record["s3"]["object"]["key"] == "in/some.json"
    sns.delete_topic(TopicArn=topic)


def test_reset_ends_what_runs(own_tarn, marks):
    tarn = own_tarn("--allow-reset")
    functions = tarn.client("lambda", read_timeout=20)
    body = marks.code + "import time\ndef handler(e, c):\n    time.sleep(2)\n    mark('late')"
    functions.create_function(FunctionName="f", Runtime="python3.11", Handler="index.handler", Role=ROLE, Timeout=30, Code={"ZipFile": zipped(index=body)})
    failed = []

    def call():
        try:
            invoke(functions, "f", {})
        except ClientError as e:
            failed.append(e.response["Error"]["Code"])

    thread = threading.Thread(target=call)
    thread.start()
    time.sleep(1)
    urllib.request.urlopen(urllib.request.Request(tarn.endpoint + "/_tarn/reset", method="POST"), timeout=20).read()
    thread.join()
    assert failed == ["ResourceNotFoundException"]  # boto3 tries a ServiceException once more
    assert functions.list_functions()["Functions"] == []
    time.sleep(1.5)
    assert marks.names == []
    assert os.listdir(tarn.data_dir / "environments") == []


POWERTOOLS = """
from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.parser import BaseModel, parse

logger, tracer, processor = Logger(service="orders"), Tracer(), BatchProcessor(event_type=EventType.SQS)

class Order(BaseModel):
    id: int

@tracer.capture_method
def handle(record):
    logger.info({"order": parse(event=record.json_body, model=Order).id})

@logger.inject_lambda_context
@tracer.capture_lambda_handler
def handler(event, context):
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
"""


def test_powertools_by_its_public_layer(tarn, functions, make):
    function = make(POWERTOOLS, Timeout=120, MemorySize=512,
                    Layers=["arn:aws:lambda:us-east-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python311-x86_64:7"])
    record = {"attributes": {}, "messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q"}
    records = [{**record, "messageId": name, "body": body} for name, body in [("good", '{"id": 7}'), ("bad", '{"id": "x"}'), ("worse", "{")]]
    out, answer = invoke(functions, function, {"Records": records}, LogType="Tail")
    assert sorted(one["itemIdentifier"] for one in answer["batchItemFailures"]) == ["bad", "worse"]
    line = next(one for one in base64.b64decode(out["LogResult"]).decode().splitlines() if '"order"' in one)
    assert json.loads(line)["message"] == {"order": 7} and json.loads(line)["service"] == "orders"
    assert functions.get_function(FunctionName=function)["Configuration"]["Layers"][0]["Arn"].endswith("V3-python311-x86_64:7")
