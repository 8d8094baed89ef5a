"""The CDK's command line, as a team uses it: an assembly of version 1 that needs no bootstrap, deployed and destroyed; its changes, and a domain's lake in
Python from bootstrap to destroy (slow: each call takes seconds, the construct library half a minute). Made by tools/setup-clients; skipped where the machine has no Node."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from running_tarn import PROGRAM, ROOT
from test_lambda_images import sandbox  # noqa: F401 (fixture)

HERE = Path(__file__).resolve().parent / "cdk"
ACCOUNT, REGION = "000000000000", "us-east-1"


def setup(kind):
    done = subprocess.run([ROOT / "tools/setup-clients", kind], capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.splitlines()[-1])


def runner(tarn, folder, python=None):
    """Makes a function that runs cdk in a folder."""
    cdk = setup("cdk") / "node_modules/aws-cdk/bin/cdk"
    path = f"{python / 'bin'}:{os.environ['PATH']}" if python else os.environ["PATH"]

    def run(*words, code=0, stays=False):
        command = ["node", cdk, *words, "--no-notices", "--no-color"]
        env = tarn.environment(PATH=path, CI="true", CDK_CLI_DISABLE_TELEMETRY="true", CDK_DISABLE_VERSION_CHECK="1", PYTHONWARNINGS="ignore",
                               JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION="1", JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION="1")
        if stays:
            return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, env=env)
        assert done.returncode == code, f"cdk {' '.join(words)}: {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-6000:]}"
        return done.stdout + done.stderr

    return run


def stacks(tarn):
    return {s["StackName"]: s["StackStatus"] for s in tarn.client("cloudformation").describe_stacks()["Stacks"]}


APP = ("--app", "app")


@pytest.fixture
def old_style(own_tarn, tmp_path):
    tarn = own_tarn()
    shutil.copytree(HERE / "version1", tmp_path / "app")
    return tarn, runner(tarn, tmp_path)


def test_an_assembly_of_version_1(old_style, tmp_path):
    tarn, cdk = old_style
    cdk("deploy", *APP, "--require-approval", "never", "--outputs-file", "outputs.json", "--parameters", "Answer=one")
    arn = json.loads((tmp_path / "outputs.json").read_text())["old-style"]["TopicArn"]
    sns = tarn.client("sns")
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "one"
    stack = tarn.client("cloudformation").describe_stacks(StackName="old-style")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE" and stack["Tags"] == [{"Key": "team", "Value": "lake"}] and stack["Outputs"][0]["ExportName"] == "old-topic"
    cdk("destroy", *APP, "--force")
    assert stacks(tarn) == {} and sns.list_topics()["Topics"] == [] and "QueueUrls" not in tarn.client("sqs").list_queues()
    assert tarn.client("iam").list_roles()["Roles"] == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_changes_of_an_assembly(old_style, tmp_path):
    tarn, cdk = old_style
    assert "AWS::SNS::Topic" in cdk("diff", *APP) and stacks(tarn) == {}
    cdk("deploy", *APP, "--require-approval", "never")
    assert "no changes" in cdk("deploy", *APP, "--require-approval", "never")
    template = tmp_path / "app/old-style.template.json"
    template.write_text(template.read_text().replace('"DeletionPolicy": "Delete"', '"DeletionPolicy": "Delete", "Properties": {"VisibilityTimeout": 77}'))
    assert "VisibilityTimeout" in cdk("diff", *APP)
    cdk("deploy", *APP, "--require-approval", "never")
    url = tarn.client("sqs").list_queues()["QueueUrls"][0]
    assert tarn.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]["VisibilityTimeout"] == "77"


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def empty(tarn, bucket):
    s3 = tarn.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_lake_from_bootstrap_to_destroy(own_tarn, tmp_path):
    tarn = own_tarn()
    shutil.copytree(HERE, tmp_path / "app", ignore=shutil.ignore_patterns("version1", "package*.json"))
    cdk = runner(tarn, tmp_path / "app", setup("cdk-python"))
    deploy = ("deploy", "--require-approval", "never")
    s3, functions = tarn.client("s3"), tarn.client("lambda")

    bootstrap = runner(tarn, tmp_path)  # where there is no app
    bootstrap("bootstrap", f"aws://{ACCOUNT}/{REGION}")
    assert stacks(tarn) == {"CDKToolkit": "CREATE_COMPLETE"}
    assert int(tarn.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")["Parameter"]["Value"]) >= 21
    assert "no changes" in bootstrap("bootstrap", f"aws://{ACCOUNT}/{REGION}")

    cdk("synth", "-q", "-o", "one")
    cdk(*deploy, "--app", "one", "--all", "--outputs-file", "outputs.json")
    outputs = json.loads((tmp_path / "app/outputs.json").read_text())["sales-dev-orders"]
    assert outputs["FromParameter"] == "sales-dev-raw" and outputs["ErrorsArn"].endswith(":sales-dev-errors")
    [notified] = s3.get_bucket_notification_configuration(Bucket="sales-dev-raw")["LambdaFunctionConfigurations"]
    assert {(r["Name"].lower(), r["Value"]) for r in notified["Filter"]["Key"]["FilterRules"]} == {("prefix", "orders/"), ("suffix", ".json")}
    password = json.loads(tarn.client("secretsmanager").get_secret_value(SecretId="sales/dev/db")["SecretString"])
    assert password["username"] == "sales" and len(password["password"]) == 32 and password["password"].isalnum()

    s3.put_object(Bucket="sales-dev-raw", Key="orders/a.txt", Body=b"{}")
    s3.put_object(Bucket="sales-dev-raw", Key="orders/a.json", Body=b"{}")
    states = tarn.client("stepfunctions")
    executions = lambda: states.list_executions(stateMachineArn=outputs["MachineArn"])["executions"]
    until(lambda: executions() and executions()[0]["status"] != "RUNNING")
    assert [e["status"] for e in executions()] == ["SUCCEEDED"]
    assert s3.get_object(Bucket="sales-dev-trusted", Key="orders/done.txt")["Body"].read() == b"done"

    assert "no changes" in cdk(*deploy, "--app", "one", "--all")
    cdk("synth", "-q", "-o", "two", "-c", "bucket=1", "-c", "answer=two")
    assert "AWS::S3::Bucket" in cdk("diff", "--app", "two", "sales-dev-shared")
    cdk(*deploy, "--app", "two", "sales-dev-shared")
    assert stacks(tarn)["sales-dev-shared"] == "UPDATE_COMPLETE" and len(s3.list_buckets()["Buckets"]) == 4
    cdk(*deploy, "--app", "one", "sales-dev-shared")
    assert len(s3.list_buckets()["Buckets"]) == 3
    cdk(*deploy, "--app", "two", "sales-dev-orders", "--hotswap", "--exclusively")
    assert json.loads(functions.invoke(FunctionName="sales-dev-check", Payload=b'{"way": "x"}')["Payload"].read()) == {"way": "x", "answer": "two"}

    watching = cdk("watch", "sales-dev-orders", "--exclusively", stays=True)
    try:
        (tmp_path / "app/start/start.py").write_text("def handler(event, context):\n    return 'watched'\n")
        until(lambda: functions.invoke(FunctionName="sales-dev-start", Payload=b"{}")["Payload"].read() == b'"watched"', 180)
    finally:
        watching.terminate()
        watching.wait(30)

    tarn.client("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": "lake"}]}])
    cdk(*deploy, "sales-dev-looks", "-c", "look=1")
    looked = {p["Name"]: p["Value"] for p in tarn.client("ssm").get_parameters(Names=[f"/sales/dev/{n}" for n in ("copy", "zones", "vpc")])["Parameters"]}
    assert looked["/sales/dev/copy"] == "sales-dev-raw" and looked["/sales/dev/zones"].startswith(REGION) and looked["/sales/dev/vpc"].startswith("vpc-")
    cdk("destroy", "sales-dev-looks", "-c", "look=1", "--force")

    empty(tarn, "sales-dev-raw")
    empty(tarn, "sales-dev-trusted")
    cdk("destroy", "--app", "one", "--all", "--force")
    assert stacks(tarn) == {"CDKToolkit": "CREATE_COMPLETE"}
    assert functions.list_functions()["Functions"] == [] and states.list_state_machines()["stateMachines"] == []
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == [f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"]
    assert all(r["RoleName"].startswith("cdk-") for r in tarn.client("iam").list_roles()["Roles"])
    assert tarn.client("secretsmanager").list_secrets()["SecretList"] == [] and len(tarn.client("ssm").describe_parameters()["Parameters"]) == 1
    assert tarn.client("sns").list_topics()["Topics"] == [] and tarn.client("events").list_rules()["Rules"] == []


IMAGE_APP = """
import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

app = cdk.App()
stack = cdk.Stack(app, "images", env=cdk.Environment(account="000000000000", region="us-east-1"))
lambda_.DockerImageFunction(stack, "F", function_name="from-image", code=lambda_.DockerImageCode.from_image_asset("function"), timeout=cdk.Duration.seconds(30))
app.synth()
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_image_asset_built_without_an_engine(own_tarn, tmp_path, monkeypatch, sandbox):  # noqa: F811
    monkeypatch.setenv("TARN_CACHE", os.environ.get("TARN_CACHE") or os.path.expanduser("~/.cache/tarn"))
    monkeypatch.setenv("CDK_DOCKER", str(tmp_path / "tarn-docker"))
    os.symlink(os.path.realpath(PROGRAM), tmp_path / "tarn-docker")
    tarn = own_tarn()
    app = tmp_path / "app"
    (app / "function").mkdir(parents=True)
    (app / "app.py").write_text(IMAGE_APP)
    (app / "cdk.json").write_text('{"app": "python app.py"}')
    (app / "function/Dockerfile").write_text('FROM public.ecr.aws/lambda/python:3.12\nCOPY app.py ${LAMBDA_TASK_ROOT}/\nCMD ["app.handler"]\n')
    (app / "function/app.py").write_text("def handler(event, context):\n    return {'hello': event}\n")
    cdk = runner(tarn, app, setup("cdk-python"))
    runner(tarn, tmp_path)("bootstrap", f"aws://{ACCOUNT}/{REGION}")
    cdk("deploy", "--require-approval", "never")
    functions = tarn.client("lambda", read_timeout=60)
    assert json.loads(functions.invoke(FunctionName="from-image", Payload=b'{"a": 1}')["Payload"].read()) == {"hello": {"a": 1}}
    (app / "function/app.py").write_text("def handler(event, context):\n    return 'changed'\n")
    cdk("deploy", "--require-approval", "never")
    assert functions.invoke(FunctionName="from-image", Payload=b"{}")["Payload"].read() == b'"changed"'
    cdk("destroy", "--force")
    assert functions.list_functions()["Functions"] == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_custom_resources_that_the_cdk_provides(own_tarn, tmp_path):
    """In Node with AWS's SDK, and in Python with AWS's command line from a layer."""
    tarn = own_tarn()
    shutil.copytree(HERE, tmp_path / "app", ignore=shutil.ignore_patterns("version1", "package*.json"))
    cdk = runner(tarn, tmp_path / "app", setup("cdk-python"))
    runner(tarn, tmp_path)("bootstrap", f"aws://{ACCOUNT}/{REGION}")
    cdk("synth", "-q", "-o", "one", "-c", "site=1")
    cdk("deploy", "--app", "one", "sales-dev-site", "--require-approval", "never")
    s3 = tarn.client("s3")
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="sales-dev-site")["Contents"]] == ["files/start.py"]
    assert tarn.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/sales-dev-logged")["logGroups"][0]["retentionInDays"] == 7
    cdk("destroy", "--app", "one", "sales-dev-site", "--force")
    assert stacks(tarn) == {"CDKToolkit": "CREATE_COMPLETE"} and len(s3.list_buckets()["Buckets"]) == 1
