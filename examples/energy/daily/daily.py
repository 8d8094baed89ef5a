"""Makes the energy lake run daily by itself, at 05:00 UTC: a schedule starts a state machine, which exports, crawls, transforms and asks.

    python daily.py BUCKET            (the lake is made first, where it is not there yet)
"""

import io
import json
import sys
import zipfile
from pathlib import Path

import boto3

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import lake  # noqa: E402

MACHINE, FUNCTION, TOPIC, SCHEDULE = "energy-daily", "energy-export", "energy-alarms", "energy-daily"


def role(iam, name, service, actions):
    """A role that `service` takes on, allowed `actions`; returns its ARN."""
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    try:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    except iam.exceptions.EntityAlreadyExistsException:
        pass
    iam.put_role_policy(RoleName=name, PolicyName="what-it-does", PolicyDocument=json.dumps(allowed))
    return iam.get_role(RoleName=name)["Role"]["Arn"]


def package():
    """The function's zip: the handler, and the generator that it uses."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(HERE / "export_function.py", "export_function.py")
        archive.write(HERE.parent / "generate.py", "generate.py")
    return out.getvalue()


def create_function(functions, bucket, role_arn):
    code = package()
    try:
        functions.create_function(FunctionName=FUNCTION, Runtime="python3.10", Role=role_arn, Handler="export_function.handler",
                                  Code={"ZipFile": code}, Timeout=60, MemorySize=256, Environment={"Variables": {"BUCKET": bucket}})
    except functions.exceptions.ResourceConflictException:
        functions.update_function_code(FunctionName=FUNCTION, ZipFile=code)
    functions.get_waiter("function_active_v2").wait(FunctionName=FUNCTION)


def create_machine(states, role_arn):
    definition = (HERE / "state_machine.json").read_text()
    for machine in states.list_state_machines()["stateMachines"]:
        if machine["name"] == MACHINE:
            states.update_state_machine(stateMachineArn=machine["stateMachineArn"], definition=definition, roleArn=role_arn)
            return machine["stateMachineArn"]
    return states.create_state_machine(name=MACHINE, definition=definition, roleArn=role_arn)["stateMachineArn"]


def create_schedule(scheduler, machine_arn, role_arn, bucket, topic_arn):
    given = {"Name": SCHEDULE, "ScheduleExpression": "cron(0 5 * * ? *)", "FlexibleTimeWindow": {"Mode": "OFF"},
             "Target": {"Arn": machine_arn, "RoleArn": role_arn,
                        "Input": json.dumps({"day": "<aws.scheduler.scheduled-time>", "bucket": bucket, "topic": topic_arn})}}
    try:
        scheduler.create_schedule(**given)
    except scheduler.exceptions.ConflictException:
        scheduler.update_schedule(**given)


def create(bucket):
    """Returns the ARNs of the state machine and of the topic that hears of failures."""
    lake.create(bucket)
    iam = boto3.client("iam")
    function_role = role(iam, "energy-export", "lambda.amazonaws.com", ["s3:PutObject", "logs:*"])
    machine_role = role(iam, "energy-daily", "states.amazonaws.com", ["lambda:InvokeFunction", "glue:*", "athena:*", "s3:*", "sns:Publish"])
    schedule_role = role(iam, "energy-schedule", "scheduler.amazonaws.com", ["states:StartExecution"])
    topic = boto3.client("sns").create_topic(Name=TOPIC)["TopicArn"]
    create_function(boto3.client("lambda"), bucket, function_role)
    machine = create_machine(boto3.client("stepfunctions"), machine_role)
    create_schedule(boto3.client("scheduler"), machine, schedule_role, bucket, topic)
    return machine, topic


def executions(states, machine):
    return [e for page in states.get_paginator("list_executions").paginate(stateMachineArn=machine) for e in page["executions"]]


if __name__ == "__main__":
    print("\n".join(create(sys.argv[1])))
