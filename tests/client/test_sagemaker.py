"""SageMaker processing jobs through boto3: an image of tarn's own registry with inputs and outputs on S3."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from test_lambda import wait_for
from test_lambda_images import packed, push, python_layer, sandbox, text  # noqa: F401 (fixtures)

ROLE = "arn:aws:iam::000000000000:role/sagemaker"

PROCESS = """
import json, os, pathlib, signal, sys, time
root = pathlib.Path("/opt/ml/processing")
print("arguments", sys.argv[1:])
if "sleep" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(0))
    print("ready", flush=True)
    time.sleep(60)
if "fail" in sys.argv:
    os.makedirs("/opt/ml/output", exist_ok=True)
    open("/opt/ml/output/message", "w").write("it went wrong")
    (root / "out/never").write_text("x")
    sys.exit(3)
config = json.load(open("/opt/ml/config/processingjobconfig.json"))
lines = sum(len(p.read_text().splitlines()) for p in (root / "in").rglob("*.csv"))
os.makedirs(root / "out/deep", exist_ok=True)
(root / "out/deep/count.txt").write_text(f"{lines} {os.environ['WHAT']} {config['ProcessingJobName']} {os.environ['AWS_REGION']} {os.getuid()}")
os.symlink("/etc/passwd", root / "out/link")
open("/written-anywhere", "w").write("gone afterwards")
"""


@pytest.fixture(scope="module")
def sagemaker(tarn):
    return tarn.client("sagemaker")


@pytest.fixture(scope="module")
def image(push):  # noqa: F811
    return push("processing", packed(lambda tar: text(tar, "process.py", PROCESS)), Entrypoint=["/usr/bin/python3.11"], Cmd=["/process.py"])[0]


@pytest.fixture
def bucket(tarn, name):
    s3 = tarn.client("s3")
    bucket = f"b-{name}"[:60].strip("-")
    s3.create_bucket(Bucket=bucket)
    return bucket


@pytest.fixture
def create(sagemaker, image, bucket, python_layer):  # noqa: F811
    def create(name, *arguments, **settings):
        local = {"Inputs": "/opt/ml/processing/in", "Outputs": "/opt/ml/processing/out"}
        request = dict(
            ProcessingJobName=name, RoleArn=ROLE, Environment={"WHAT": "lines"},
            AppSpecification={"ImageUri": image, "ContainerEntrypoint": [python_layer[0], "/process.py"], **({"ContainerArguments": list(arguments)} if arguments else {})},
            ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 10}},
            ProcessingInputs=[{"InputName": "in", "S3Input": {"S3Uri": f"s3://{bucket}/raw/", "LocalPath": local["Inputs"], "S3DataType": "S3Prefix",
                                                              "S3InputMode": "File"}}],
            ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": {"S3Uri": f"s3://{bucket}/done", "LocalPath": local["Outputs"],
                                                                                   "S3UploadMode": "EndOfJob"}}]})
        return sagemaker.create_processing_job(**{**request, **settings})["ProcessingJobArn"]

    return create


def ended(sagemaker, name):
    return wait_for(lambda: (job := sagemaker.describe_processing_job(ProcessingJobName=name))["ProcessingJobStatus"] not in ("InProgress", "Stopping") and job)


def code(call, *args, **kwargs):
    with pytest.raises(ClientError) as error:
        call(*args, **kwargs)
    return error.value.response["Error"]["Code"]


def events_of(tarn, name):
    """A queue that gets the job's events."""
    sqs, events = tarn.client("sqs"), tarn.client("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.sagemaker"], "detail": {"ProcessingJobName": [name]}}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    return url


def test_a_job_reads_and_writes_s3(tarn, sagemaker, create, bucket, name):
    name, s3 = name[-60:].strip("-"), tarn.client("s3")
    for key, lines in (("raw/a.csv", 3), ("raw/2024/b.csv", 4), ("raw/c.txt", 5), ("rawer/d.csv", 6)):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x\n" * lines)
    queue = events_of(tarn, name)
    arn = create(name, Tags=[{"Key": "a", "Value": "1"}])
    assert arn == f"arn:aws:sagemaker:us-east-1:000000000000:processing-job/{name}"
    assert code(create, name) == "ResourceInUse"
    job = ended(sagemaker, name)
    assert job["ProcessingJobStatus"] == "Completed", job
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"] and job["Environment"] == {"WHAT": "lines"}
    found = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix="done")["Contents"]]
    assert found == ["done/deep/count.txt"]  # links are not followed
    assert s3.get_object(Bucket=bucket, Key=found[0])["Body"].read().decode() == f"7 lines {name} us-east-1 0"
    logs = tarn.client("logs")
    stream = logs.describe_log_streams(logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=name + "/algo-1-")["logStreams"][0]["logStreamName"]
    assert logs.get_log_events(logGroupName="/aws/sagemaker/ProcessingJobs", logStreamName=stream)["events"][0]["message"] == "arguments []"
    sqs, seen = tarn.client("sqs"), []
    while len(seen) < 2:
        got = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, MaxNumberOfMessages=10)["Messages"]
        seen += [json.loads(m["Body"]) for m in got]
    assert sorted(e["detail"]["ProcessingJobStatus"] for e in seen) == ["Completed", "InProgress"]
    assert {(e["detail-type"], e["resources"][0]) for e in seen} == {("SageMaker Processing Job State Change", arn)}
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert [p.name for p in (tarn.data_dir / "processing").iterdir()] == []


def test_jobs_that_fail_or_are_stopped(tarn, sagemaker, create, bucket, name):
    name = name[-40:].strip("-")
    tarn.client("s3").put_object(Bucket=bucket, Key="raw/a.csv", Body=b"x\n")
    create(name + "-f", "fail")
    job = ended(sagemaker, name + "-f")
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Failed", "it went wrong") and "exit code: 3" in job["FailureReason"]
    assert "Contents" not in tarn.client("s3").list_objects_v2(Bucket=bucket, Prefix="done")
    create(name + "-i", ProcessingInputs=[{"InputName": "in", "S3Input": {"S3Uri": f"s3://{bucket}/nothing/", "LocalPath": "/opt/ml/processing/in",
                                                                           "S3DataType": "S3Prefix"}}])
    assert "No S3 objects found" in ended(sagemaker, name + "-i")["FailureReason"]
    create(name + "-s", "sleep")
    logs = tarn.client("logs")
    wait_for(lambda: any(e["message"] == "ready" for e in logs.filter_log_events(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=name + "-s")["events"]))
    began = time.monotonic()
    sagemaker.stop_processing_job(ProcessingJobName=name + "-s")
    assert ended(sagemaker, name + "-s")["ProcessingJobStatus"] == "Stopped" and time.monotonic() - began < 10
    assert code(sagemaker.stop_processing_job, ProcessingJobName=name + "-s") == "ValidationException"
    create(name + "-t", "sleep", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert ended(sagemaker, name + "-t")["ExitMessage"] == "MaxRuntimeExceeded"
    listed = sagemaker.list_processing_jobs(NameContains=name, SortBy="Name", SortOrder="Ascending", MaxResults=3)
    assert [j["ProcessingJobName"][-2:] for j in listed["ProcessingJobSummaries"]] == ["-f", "-i", "-s"] and listed["NextToken"]
    failed = sagemaker.list_processing_jobs(NameContains=name, StatusEquals="Failed")["ProcessingJobSummaries"]
    assert len(failed) == 2


def test_a_state_machine_waits_for_a_job(tarn, create, image, bucket, python_layer, name):  # noqa: F811
    name, states = name[-40:].strip("-"), tarn.client("stepfunctions")
    parameters = {"ProcessingJobName.$": "$.name", "RoleArn": ROLE, "AppSpecification": {
        "ImageUri": image, "ContainerEntrypoint": [python_layer[0], "-c"], "ContainerArguments.$": "States.Array($.code)"},
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 1}}}
    machine = states.create_state_machine(name=name, roleArn=ROLE, definition=json.dumps({"StartAt": "Run", "States": {"Run": {
        "Type": "Task", "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync", "Parameters": parameters, "End": True}}}))["stateMachineArn"]

    def run(suffix, code):
        execution = states.start_execution(stateMachineArn=machine, input=json.dumps({"name": name + suffix, "code": code}))["executionArn"]
        return wait_for(lambda: (e := states.describe_execution(executionArn=execution))["status"] != "RUNNING" and e, 40)

    good = run("-g", "print(1)")
    assert good["status"] == "SUCCEEDED" and json.loads(good["output"])["ProcessingJobStatus"] == "Completed", good
    bad = run("-b", "raise SystemExit(5)")
    assert (bad["status"], bad["error"]) == ("FAILED", "States.TaskFailed") and "exit code: 5" in bad["cause"]


def test_what_is_refused(sagemaker, create, bucket):
    one = lambda **more: [{"InputName": "in", "S3Input": {"S3Uri": f"s3://{bucket}/raw/", "LocalPath": "/opt/ml/processing/in", "S3DataType": "S3Prefix", **more}}]
    for settings, error in (
        (dict(ProcessingInputs=one(LocalPath="/etc")), "ValidationException"),
        (dict(ProcessingInputs=one(LocalPath="/opt/ml/processing/../x")), "ValidationException"),
        (dict(ProcessingInputs=one(S3InputMode="Pipe")), "NotImplemented"),
        (dict(ProcessingInputs=one(S3DataType="ManifestFile")), "NotImplemented"),
        (dict(NetworkConfig={"EnableNetworkIsolation": True}), "NotImplemented"),
        (dict(ProcessingResources={"ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 10}}), "NotImplemented"),
    ):
        assert code(create, "refused", **settings) == error, settings
    assert code(sagemaker.describe_processing_job, ProcessingJobName="refused") == "ValidationException"


def test_a_job_that_tarn_left(own_tarn, push, python_layer):  # noqa: F811
    tarn = own_tarn()
    tarn.client("ecr").create_repository(repositoryName="none")
    sagemaker = tarn.client("sagemaker")
    sagemaker.create_processing_job(ProcessingJobName="gone", RoleArn=ROLE, AppSpecification={"ImageUri": "localhost:1/none:v1"}, ProcessingResources={
        "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 1}})
    assert "does not exist" in ended(sagemaker, "gone")["FailureReason"]
