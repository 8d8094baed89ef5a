"""Makes a domain and its pipelines, or changes what changed: boto3, a folder and its config.yml.

    python deploy.py DOMAIN_FOLDER [--stage dev]
"""

import argparse
import io
import json
import zipfile
from pathlib import Path

import boto3
import yaml

LAYERS = ("raw", "trusted", "service")
RUNTIME = "python3.11"


class Domain:
    """The names and clients that all of a domain's resources share."""

    def __init__(self, folder, stage):
        self.folder, self.stage = Path(folder), stage
        self.config = yaml.safe_load((self.folder / "domain.yml").read_text())
        self.name = self.config["domain"]
        for service in ("s3", "glue", "iam", "sns", "lambda", "stepfunctions", "events", "sts"):
            setattr(self, service.replace("lambda", "functions"), boto3.client(service))
        self.account = self.sts.get_caller_identity()["Account"]
        self.region = self.s3.meta.region_name

    def named(self, *parts):
        return "-".join([self.name, *parts, self.stage])

    def bucket(self, layer):
        return self.named(layer)

    @property
    def database(self):
        return f"{self.name}_{self.stage}"

    def environment(self, **more):
        return {**{f"{layer.upper()}_BUCKET": self.bucket(layer) for layer in LAYERS}, **more}


def role(domain, name, service, actions):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    try:
        domain.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    except domain.iam.exceptions.EntityAlreadyExistsException:
        pass
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    domain.iam.put_role_policy(RoleName=name, PolicyName="what-it-does", PolicyDocument=json.dumps(allowed))
    return domain.iam.get_role(RoleName=name)["Role"]["Arn"]


def create_domain(domain):
    """Buckets, database, crawler and the topic of errors; returns the topic's ARN."""
    present = [b["Name"] for b in domain.s3.list_buckets()["Buckets"]]
    for layer in LAYERS:
        if domain.bucket(layer) not in present:
            domain.s3.create_bucket(Bucket=domain.bucket(layer))
    try:
        domain.glue.create_database(DatabaseInput={"Name": domain.database})
    except domain.glue.exceptions.AlreadyExistsException:
        pass
    crawl = {"Role": role(domain, domain.named("crawler"), "glue.amazonaws.com", ["s3:*", "glue:*"]), "DatabaseName": domain.database,
             "Targets": {"S3Targets": [{"Path": f"s3://{domain.bucket('raw')}/"}]}, "TablePrefix": "raw_"}
    try:
        domain.glue.create_crawler(Name=domain.named("raw"), **crawl)
    except domain.glue.exceptions.AlreadyExistsException:
        domain.glue.update_crawler(Name=domain.named("raw"), **crawl)
    topic = domain.sns.create_topic(Name=domain.named("errors"))["TopicArn"]
    told = [s["Endpoint"] for s in domain.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]]
    if domain.config["alarms"] not in told:
        domain.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=domain.config["alarms"])
    return topic


def package(domain, folder):
    """A function's zip: its folder, and the domain's shared modules."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in (folder, domain.folder / "shared"):
            for file in sorted(source.rglob("*.py")):
                archive.write(file, file.relative_to(source).as_posix())
    return out.getvalue()


def create_function(domain, name, folder, variables, timeout=30, memory=128):
    settings = {"Runtime": RUNTIME, "Handler": "index.handler", "Timeout": timeout, "MemorySize": memory,
                "Role": role(domain, f"{name}-function", "lambda.amazonaws.com", ["s3:*", "states:StartExecution", "sns:Publish", "logs:*"]),
                "Environment": {"Variables": domain.environment(**variables)}}
    try:
        domain.functions.create_function(FunctionName=name, Code={"ZipFile": package(domain, folder)}, **settings)
    except domain.functions.exceptions.ResourceConflictException:
        domain.functions.update_function_configuration(FunctionName=name, **settings)
        domain.functions.get_waiter("function_updated_v2").wait(FunctionName=name)
        domain.functions.update_function_code(FunctionName=name, ZipFile=package(domain, folder))
    domain.functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return domain.functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]


def create_job(domain, name, folder, step):
    key = f"scripts/{name}.py"
    domain.s3.upload_file(str(folder / "index.py"), domain.bucket("service"), key)
    settings = {"Role": role(domain, f"{name}-job", "glue.amazonaws.com", ["s3:*", "glue:*"]), "Timeout": step.get("timeout", 30),
                "Command": {"Name": step["command"], "ScriptLocation": f"s3://{domain.bucket('service')}/{key}", "PythonVersion": "3.9"},
                "ExecutionProperty": {"MaxConcurrentRuns": step.get("max_concurrent_runs", 1)}}
    if step["command"] == "pythonshell":
        settings["MaxCapacity"] = 0.0625
    try:
        domain.glue.create_job(Name=name, **settings)
    except (domain.glue.exceptions.AlreadyExistsException, domain.glue.exceptions.IdempotentParameterMismatchException):
        domain.glue.update_job(JobName=name, JobUpdate=settings)


def definition(domain, config, step_arns, catch_arn):
    """The pipeline as a state machine: a state a step, in their order unless one names the next."""
    steps, states = config["steps"], {}
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "catch"}]
    for step in steps:
        name, ends = step["name"], {"End": True}
        if step.get("next_step"):
            ends = {"Next": step["next_step"]}
        if step["type"] == "lambda":
            states[name] = {"Type": "Task", "Resource": step_arns[name], "Catch": catch, **ends}
        elif step["type"] == "glue":
            arguments = {"--input.$": "States.JsonToString($)", "--target": domain.bucket(config["layers"]["target"]), "--database": domain.database}
            states[name] = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync",
                            "Parameters": {"JobName": step_arns[name], "Arguments": arguments}, "ResultPath": None, "Catch": catch, **ends}
        elif step["type"] == "choice":
            choices = []
            for choice in step["choices"]:
                rule = {"Variable": choice["variable"], "Next": choice["next_step"]}
                rule |= {"BooleanEquals": choice["equals"]} if "equals" in choice else {"NumericGreaterThan": choice["greater_than"]}
                choices.append(rule)
            states[name] = {"Type": "Choice", "Choices": choices, "Default": step["default"]}
        elif step["type"] == "succeed":
            states[name] = {"Type": "Succeed"}
        else:
            raise ValueError(f"step {name} is of the unknown type {step['type']}")
    states["catch"] = {"Type": "Task", "Resource": catch_arn, "Next": "failed"}
    states["failed"] = {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"}
    return {"StartAt": steps[0]["name"], "States": states}


def create_machine(domain, name, text):
    arn = f"arn:aws:states:{domain.region}:{domain.account}:stateMachine:{name}"
    given = {"definition": text, "roleArn": role(domain, f"{name}-machine", "states.amazonaws.com", ["lambda:InvokeFunction", "glue:*"])}
    try:
        domain.stepfunctions.describe_state_machine(stateMachineArn=arn)
    except domain.stepfunctions.exceptions.StateMachineDoesNotExist:
        return domain.stepfunctions.create_state_machine(name=name, **given)["stateMachineArn"]
    domain.stepfunctions.update_state_machine(stateMachineArn=arn, **given)
    return arn


def allow(domain, function, statement, service, source):
    try:
        domain.functions.add_permission(FunctionName=function, StatementId=statement, Action="lambda:InvokeFunction", Principal=service, SourceArn=source)
    except domain.functions.exceptions.ResourceConflictException:
        pass


def attach(domain, name, config, trigger_arn):
    """What starts the trigger: objects of the origin, and events."""
    notifications = []
    for n, trigger in enumerate(config["triggers"]):
        if trigger["type"] == "s3":
            bucket = domain.bucket(config["layers"]["origin"])
            allow(domain, f"{name}-trigger", f"s3-{n}", "s3.amazonaws.com", f"arn:aws:s3:::{bucket}")
            rules = [{"Name": part, "Value": trigger[part]} for part in ("prefix", "suffix") if part in trigger]
            notifications.append({"Id": f"{name}-{n}", "LambdaFunctionArn": trigger_arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}})
        else:
            pattern = {"source": [trigger["source"]], "detail-type": [trigger["detail_type"]]}
            rule = domain.events.put_rule(Name=f"{name}-{n}", EventPattern=json.dumps(pattern))["RuleArn"]
            allow(domain, f"{name}-trigger", f"rule-{n}", "events.amazonaws.com", rule)
            domain.events.put_targets(Rule=f"{name}-{n}", Targets=[{"Id": "trigger", "Arn": trigger_arn}])
    return notifications


def create_pipeline(domain, folder, topic):
    """Returns the notifications that the origin's bucket is to have for it."""
    config = yaml.safe_load((folder / "config.yml").read_text())
    name, arns = domain.named(config["name"]), {}
    for step in config["steps"]:
        source, own = folder / "steps" / step["name"] / "src", domain.named(config["name"], step["name"])
        if step["type"] == "lambda":
            arns[step["name"]] = create_function(domain, own, source, {}, step.get("timeout", 30), step.get("memory", 128))
        elif step["type"] == "glue":
            create_job(domain, own, source, step)
            arns[step["name"]] = own
    catch = create_function(domain, f"{name}-catch", folder / "catch", {"TOPIC": topic, "PIPELINE": config["name"]})
    machine = create_machine(domain, name, json.dumps(definition(domain, config, arns, catch)))
    trigger = create_function(domain, f"{name}-trigger", folder / "trigger", {"MACHINE": machine})
    return domain.bucket(config["layers"]["origin"]), attach(domain, name, config, trigger)


def deploy(folder, stage="dev"):
    domain = Domain(folder, stage)
    topic = create_domain(domain)
    of_bucket = {}
    for config in sorted(domain.folder.glob("*/config.yml")):
        bucket, notifications = create_pipeline(domain, config.parent, topic)
        of_bucket.setdefault(bucket, []).extend(notifications)
    for bucket, notifications in of_bucket.items():
        domain.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": notifications})
    return domain


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--stage", default="dev")
    given = parser.parse_args()
    print(f"{deploy(given.folder, given.stage).name} stands as {given.stage}")
