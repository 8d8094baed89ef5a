"""Part deploy: CloudFormation's stacks, from the request until the stack says that it is done."""

import json
import re
import time

from .servers import Tarn

VERSION = "2010-05-15"


def resources(count):
    """Queues, topics and log groups; every fifth queue's dead letters go to the queue before it, so that the graph has some depth."""
    out = {}
    for n in range(count):
        kind = n % 5
        if kind == 3:
            out[f"Topic{n}"] = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": f"t{n}"}}
        elif kind == 4:
            out[f"Group{n}"] = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}}
        else:
            properties = {"DelaySeconds": n % 9}
            if kind == 1:
                properties["RedrivePolicy"] = {"maxReceiveCount": 3, "deadLetterTargetArn": {"Fn::GetAtt": [f"Queue{n - 1}", "Arn"]}}
            out[f"Queue{n}"] = {"Type": "AWS::SQS::Queue", "Properties": properties}
    return out


def template(count, delay=None):
    made = resources(count)
    if delay is not None:
        for resource in made.values():
            if "DelaySeconds" in resource["Properties"]:
                resource["Properties"]["DelaySeconds"] = delay
    return json.dumps({"Resources": made})


def settle(aws, name):
    while True:
        answer = aws.form("cloudformation", "DescribeStacks", VERSION, StackName=name)
        status = re.search("<StackStatus>([^<]+)<", answer).group(1)
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(0.01)


def timed(aws, name, action, wanted, **parameters):
    start = time.perf_counter()
    answer = aws.form("cloudformation", action, VERSION, StackName=name, **parameters)
    found = re.search("<StackId>([^<]+)<", answer)
    status = settle(aws, found.group(1) if found else name)
    assert status == wanted, f"{name}: {status}"
    return time.perf_counter() - start


def deploy(room):
    tarn = Tarn(room.folder / "deploy", room.tarn).start().wait_until_ready()
    section = room.section("deploy", "CloudFormation", "Stacks of queues, topics and log groups by one client, which looks every 10 ms. Bodies above 51,200 bytes "
                                                       "come from a bucket. tarn flushes every step before it takes the next.")
    try:
        aws = tarn.aws()
        aws.make_bucket("bench-templates")
        rows = []
        for count, wanted in ((50, 5), (500, 10)):
            name, times = f"bench-{count}", []
            for action, delay, status in (("CreateStack", None, "CREATE_COMPLETE"), ("UpdateStack", 11, "UPDATE_COMPLETE")):
                body = template(count, delay).encode()
                aws.request("s3", "PUT", f"/bench-templates/{name}", body=body)
                times.append(timed(aws, name, action, status, TemplateURL=f"http://127.0.0.1:{tarn.port}/bench-templates/{name}"))
            stack = re.search("<StackId>([^<]+)<", aws.form("cloudformation", "DescribeStacks", VERSION, StackName=name)).group(1)
            times.append(timed(aws, stack, "DeleteStack", "DELETE_COMPLETE"))
            rows.append([count, *(f"{t:.2f} s" for t in times)])
            section.figure(f"a stack of {count} resources, created", times[0], "under", wanted, unit="s")
            room.say(f"deploy: {count} resources")
        section.table(["resources", "created", "updated", "deleted"], rows)
    finally:
        tarn.stop()
