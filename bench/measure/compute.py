"""Part compute: queues, topics, functions and state machines, beside moto's server, and for functions beside the bare Python process."""

import base64
import io
import json
import statistics
import subprocess
import sys
import threading
import time
import zipfile

from .aws import Aws, CallError
from .servers import Moto, Tarn

ACCOUNT = {"tarn": "000000000000", "moto": "123456789012"}
HANDLER = "def handler(event, context):\n    return event\n"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
                                                            "Action": "sts:AssumeRole"}]})
ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def sqs(aws, action, **payload):
    return aws.json("sqs", f"AmazonSQS.{action}", payload, version="1.0")


def states(aws, action, **payload):
    return aws.json("states", f"AWSStepFunctions.{action}", payload, version="1.0")


def sns(aws, action, **parameters):
    return aws.form("sns", action, "2010-03-31", **parameters)


def rate(server, clients, seconds, work):
    """Calls a second of `work(aws, n)` by `clients` threads, each with a connection of its own."""
    counts = [0] * clients
    end = time.perf_counter() + seconds
    failures = []

    def client(number):
        aws = Aws(server.port, server.access_key, server.secret_key)
        try:
            while time.perf_counter() < end:
                work(aws, counts[number] * clients + number)
                counts[number] += 1
        except Exception as failure:
            failures.append(failure)

    start = time.perf_counter()
    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(counts) / (time.perf_counter() - start)


def queue_of(server, name):
    return sqs(server.aws(), "CreateQueue", QueueName=name)["QueueUrl"]


def send_and_receive(server, seconds):
    url = queue_of(server, "bench")
    sent = rate(server, 4, seconds, lambda aws, n: sqs(aws, "SendMessage", QueueUrl=url, MessageBody="x" * 200))

    def take(aws, n):
        for message in sqs(aws, "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=1).get("Messages", []):
            sqs(aws, "DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    return sent, rate(server, 4, seconds, take)


def fan_out(server, seconds, queues=10):
    """Publications a second to a topic of ten queues, until each queue has them all."""
    aws = server.aws()
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT[server.name]}:bench"
    sns(aws, "CreateTopic", Name="bench")
    urls = []
    for n in range(queues):
        urls.append(queue_of(server, f"fan{n}"))
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT[server.name]}:fan{n}"
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]}
        sqs(aws, "SetQueueAttributes", QueueUrl=urls[-1], Attributes={"Policy": json.dumps(policy)})
        sns(aws, "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=arn)
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        sns(aws, "Publish", TopicArn=topic, Message="x" * 200)
        count += 1

    def waiting(url):
        return int(sqs(aws, "GetQueueAttributes", QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]["ApproximateNumberOfMessages"])

    while any(waiting(url) < count for url in urls):
        if time.perf_counter() - start > seconds + 60:
            raise CallError("deliveries are missing")
        time.sleep(0.01)
    return count / (time.perf_counter() - start)


def role(aws):
    try:
        aws.iam("CreateRole", RoleName="bench", AssumeRolePolicyDocument=TRUST)
        aws.iam("PutRolePolicy", RoleName="bench", PolicyName="all", PolicyDocument=ALL)
    except CallError:
        pass
    return "arn:aws:iam::000000000000:role/bench"


def create_function(aws, name):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", HANDLER)
    payload = {"FunctionName": name, "Runtime": "python3.11", "Role": role(aws), "Handler": "index.handler", "Code": {"ZipFile": base64.b64encode(code.getvalue()).decode()}}
    aws.request("lambda", "POST", "/2015-03-31/functions", headers={"content-type": "application/json"}, body=json.dumps(payload).encode())
    while json.loads(aws.request("lambda", "GET", f"/2015-03-31/functions/{name}"))["Configuration"]["State"] != "Active":
        time.sleep(0.01)


def invoke(aws, name):
    start = time.perf_counter()
    answer = aws.request("lambda", "POST", f"/2015-03-31/functions/{name}/invocations", body=b'{"n": 1}')
    assert json.loads(answer) == {"n": 1}, answer
    return (time.perf_counter() - start) * 1000


def functions(room, tarn, section):
    aws = tarn.aws()
    create_function(aws, "warm0")
    invoke(aws, "warm0")  # sets Python up, on a fresh machine
    warm = [invoke(aws, "warm0") for _ in range(50 if room.quick else 300)]
    before, cold = tarn.memory_mb(), []
    idle = 5 if room.quick else 20
    for n in range(idle):
        create_function(aws, f"cold{n}")
        cold.append(invoke(aws, f"cold{n}"))
    bare = []
    for _ in range(idle):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", HANDLER + "handler({'n': 1}, None)"], check=True)
        bare.append((time.perf_counter() - start) * 1000)
    section.figure("warm invoke of an empty Python handler", statistics.median(warm), "under", 5, f"p99 {statistics.quantiles(warm, n=100)[98]:.1f} ms", "ms")
    section.note(f"Cold invoke: {statistics.median(cold):.0f} ms; the bare Python process starts and ends in {statistics.median(bare):.0f} ms. "
                 f"{rate(tarn, 4, 1 if room.quick else 3, lambda a, n: invoke(a, 'warm0')):.0f} warm invokes a second by 4 clients. "
                 f"tarn's own memory grew by {tarn.memory_mb() - before:.0f} MB with {idle} idle functions, whose processes stand beside it.")


def machine(aws, name, definition):
    return states(aws, "CreateStateMachine", name=name, definition=json.dumps(definition), roleArn=role(aws))["stateMachineArn"]


def until_done(aws, executions, seconds=300):
    end = time.perf_counter() + seconds
    for arn in executions:
        while (found := states(aws, "DescribeExecution", executionArn=arn))["status"] == "RUNNING":
            if time.perf_counter() > end:
                raise CallError("executions do not end")
            time.sleep(0.01)
        if found["status"] != "SUCCEEDED":
            raise CallError(f"{arn} is {found['status']}: {found.get('cause')}")


def executions(room, tarn, section):
    aws = tarn.aws()
    count, items = (100, 1000) if room.quick else (1000, 10_000)
    steps = {f"s{n}": {"Type": "Pass", "Next": f"s{n + 1}"} for n in range(4)} | {"s4": {"Type": "Pass", "End": True}}
    arn = machine(aws, "steps", {"StartAt": "s0", "States": steps})
    start = time.perf_counter()
    until_done(aws, [states(aws, "StartExecution", stateMachineArn=arn)["executionArn"] for _ in range(count)])
    took = time.perf_counter() - start
    body = {"StartAt": "one", "States": {"one": {"Type": "Pass", "End": True}}}
    mapped = {"StartAt": "all", "States": {"all": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": body, "MaxConcurrency": 40, "ResultPath": None,
                                                   "OutputPath": "$.name", "End": True}}}
    arn = machine(aws, "map", mapped)
    start = time.perf_counter()
    until_done(aws, [states(aws, "StartExecution", stateMachineArn=arn, input=json.dumps({"name": "n", "items": list(range(items))}))["executionArn"]])
    section.note(f"{count} executions of five states, started one by one: {took:.1f} s, {count / took:.0f} a second, every state flushed. "
                 f"A Map of {items} items: {time.perf_counter() - start:.1f} s.")


def compute(room):
    tarn = Tarn(room.folder / "compute", room.tarn).start().wait_until_ready()
    moto = Moto(room.folder / "moto", room.moto).start().wait_until_ready() if room.moto else None
    seconds = 1 if room.quick else 4
    section = room.section("compute", "Queues, topics, functions, state machines",
                           "One thin client in Python for both servers, 4 threads with a connection each; messages of 200 bytes. tarn flushes what it acknowledges, "
                           "moto keeps it in memory. moto runs functions in Docker only and is left out there.")
    try:
        rows = []
        for server in [s for s in (tarn, moto) if s]:
            sent, taken = send_and_receive(server, seconds)
            rows.append([server.name, f"{sent:.0f}", f"{taken:.0f}", f"{fan_out(server, seconds):.0f}"])
        section.table(["server", "sent/s", "received and deleted/s", "published to 10 queues/s"], rows)
        room.say("compute: queues and topics")
        functions(room, tarn, section)
        room.say("compute: functions")
        executions(room, tarn, section)
        room.say("compute: state machines")
    finally:
        tarn.stop()
        if moto:
            moto.stop()
