"""Secrets Manager as boto3 sees it; rotation by a clock that the tests move."""

import io
import json
import re
import string
import time
import urllib.request
import uuid
import zipfile
from datetime import datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from running_tarn import Tarn

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


def code(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """A tarn whose clock stands still."""
    running = Tarn(tmp_path_factory.mktemp("secrets") / "data", "--clock", "manual")
    yield running
    running.stop()


def clock(tarn, **by):
    data = json.dumps({"advance_ms": int(timedelta(**by).total_seconds() * 1000)}).encode() if by else None
    with urllib.request.urlopen(tarn.endpoint + "/_tarn/clock", data=data) as answer:
        return datetime.fromisoformat(json.load(answer)["now"].replace("Z", "+00:00"))


@pytest.fixture
def secrets(tarn):
    return tarn.client("secretsmanager")


def stages(secrets, name):
    return secrets.describe_secret(SecretId=name).get("VersionIdsToStages", {})


def test_names_arns_and_values(secrets, name):
    made = secrets.create_secret(Name=f"{name}/db", SecretString='{"a":1}', Description="d", Tags=[{"Key": "team", "Value": "lake"}])
    assert re.fullmatch(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}/db-[A-Za-z0-9]{{6}}", made["ARN"])
    for id in (f"{name}/db", made["ARN"], made["ARN"][:-7]):
        got = secrets.get_secret_value(SecretId=id)
        assert (got["SecretString"], got["VersionStages"], got["VersionId"], got["ARN"]) == ('{"a":1}', ["AWSCURRENT"], made["VersionId"], made["ARN"])
    described = secrets.describe_secret(SecretId=made["ARN"])
    assert (described["Description"], described["Tags"], described["VersionIdsToStages"]) == ("d", [{"Key": "team", "Value": "lake"}], {made["VersionId"]: ["AWSCURRENT"]})
    assert "KmsKeyId" not in described and "RotationEnabled" not in described and described["LastAccessedDate"].hour == 0
    assert code(secrets.create_secret, Name=f"{name}/db", SecretString="x") == "ResourceExistsException"
    assert code(secrets.create_secret, Name=f"{name} db") == "ValidationException"
    assert code(secrets.create_secret, Name=f"{name}2", SecretString="x", SecretBinary=b"y") == "InvalidParameterException"
    assert code(secrets.create_secret, Name=f"{name}2", SecretString="x", AddReplicaRegions=[{"Region": "eu-west-1"}]) == "NotImplemented"
    assert code(secrets.replicate_secret_to_regions, SecretId=f"{name}/db", AddReplicaRegions=[{"Region": "eu-west-1"}]) == "NotImplemented"
    assert code(secrets.get_secret_value, SecretId=f"{name}/nothing") == "ResourceNotFoundException"
    assert code(secrets.get_secret_value, SecretId=made["ARN"][:-1] + "?") == "ResourceNotFoundException"
    assert code(secrets.get_secret_value, SecretId=f"{name}/db", VersionStage="AWSPENDING") == "ResourceNotFoundException"
    assert code(secrets.get_secret_value, SecretId=f"{name}/db", VersionId=made["VersionId"], VersionStage="X") == "InvalidRequestException"
    empty = secrets.create_secret(Name=f"{name}/empty")
    assert "VersionId" not in empty and code(secrets.get_secret_value, SecretId=empty["ARN"]) == "ResourceNotFoundException"
    secrets.put_secret_value(SecretId=empty["ARN"], SecretBinary=b"\0\1", VersionStages=["mine"])
    got = secrets.get_secret_value(SecretId=empty["ARN"], VersionStage="mine")
    assert got["SecretBinary"] == b"\0\1" and "SecretString" not in got and set(got["VersionStages"]) == {"mine", "AWSCURRENT"}


def test_tokens_make_it_idempotent(secrets, name):
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    made = secrets.create_secret(Name=name, SecretString="1", ClientRequestToken=one)
    assert secrets.create_secret(Name=name, SecretString="1", ClientRequestToken=one)["ARN"] == made["ARN"]
    assert code(secrets.create_secret, Name=name, SecretString="2", ClientRequestToken=one) == "ResourceExistsException"
    for _ in range(2):
        assert secrets.put_secret_value(SecretId=name, SecretString="2", ClientRequestToken=two)["VersionId"] == two
    assert stages(secrets, name) == {one: ["AWSPREVIOUS"], two: ["AWSCURRENT"]}
    assert code(secrets.put_secret_value, SecretId=name, SecretString="3", ClientRequestToken=two) == "ResourceExistsException"
    assert secrets.update_secret(SecretId=name, SecretString="2", ClientRequestToken=two)["VersionId"] == two
    assert code(secrets.put_secret_value, SecretId=name) == "InvalidRequestException"


def test_stages_move_as_on_aws(secrets, name):
    first = secrets.create_secret(Name=name, SecretString="1")["VersionId"]
    second = secrets.put_secret_value(SecretId=name, SecretString="2", VersionStages=["AWSPENDING"])["VersionId"]
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "1"
    move = dict(SecretId=name, VersionStage="AWSCURRENT")
    assert code(secrets.update_secret_version_stage, **move, MoveToVersionId=second) == "InvalidParameterException"
    assert code(secrets.update_secret_version_stage, **move, MoveToVersionId=second, RemoveFromVersionId=second) == "InvalidParameterException"
    assert code(secrets.update_secret_version_stage, **move, RemoveFromVersionId=first) == "InvalidParameterException"
    assert code(secrets.update_secret_version_stage, **move, MoveToVersionId=str(uuid.uuid4()), RemoveFromVersionId=first) == "ResourceNotFoundException"
    secrets.update_secret_version_stage(**move, MoveToVersionId=second, RemoveFromVersionId=first)
    assert stages(secrets, name) == {first: ["AWSPREVIOUS"], second: ["AWSPENDING", "AWSCURRENT"]}
    secrets.update_secret_version_stage(SecretId=name, VersionStage="AWSPENDING", RemoveFromVersionId=second)
    secrets.update_secret_version_stage(SecretId=name, VersionStage="AWSPREVIOUS", RemoveFromVersionId=first)
    assert stages(secrets, name) == {second: ["AWSCURRENT"]}
    ids = lambda **more: [v["VersionId"] for v in secrets.list_secret_version_ids(SecretId=name, **more)["Versions"]]
    assert ids() == [second] and ids(IncludeDeprecated=True) == [first, second]
    assert secrets.get_secret_value(SecretId=name, VersionId=first)["SecretString"] == "1"
    page = secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True, MaxResults=1)
    assert [v["VersionId"] for v in secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True, NextToken=page["NextToken"])["Versions"]] == [second]


def test_a_hundred_versions(moved, name):
    secrets = moved.client("secretsmanager")
    secrets.create_secret(Name=name, SecretString="0")
    for n in range(1, 100):
        secrets.put_secret_value(SecretId=name, SecretString=str(n))
    assert code(secrets.put_secret_value, SecretId=name, SecretString="100") == "LimitExceededException"
    clock(moved, hours=25)
    newest = secrets.put_secret_value(SecretId=name, SecretString="100")["VersionId"]
    versions = secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]
    assert len(versions) == 100 and versions[-1]["VersionId"] == newest


def test_lists_and_filters(secrets, name):
    for n in ("a", "b", "c"):
        secrets.create_secret(Name=f"{name}/{n}", SecretString=n, Description=f"The {n}lpha of {name}", Tags=[{"Key": f"{name}-{n}", "Value": f"v{n}"}])
    found = lambda *filters, **more: [s["Name"][-1] for s in secrets.list_secrets(Filters=[{"Key": "name", "Values": [name]}, *filters], SortBy="name", SortOrder="asc", **more)["SecretList"]]
    by = lambda key, *values: {"Key": key, "Values": list(values)}
    assert found() == ["a", "b", "c"]
    assert found(by("name", f"{name}/a", f"{name}/c")) == ["a", "c"] and found(by("name", f"!{name}/a")) == ["b", "c"]
    assert found(by("tag-key", f"{name}-b")) == ["b"] and found(by("tag-value", "vc")) == ["c"]
    assert found(by("description", "the BLPHA")) == ["b"] and found(by("all", "clpha")) == ["c"] and found(by("owning-service", "rds")) == []
    pages = secrets.get_paginator("list_secrets").paginate(Filters=[by("name", name)], PaginationConfig={"PageSize": 2})
    assert [len(p["SecretList"]) for p in pages] == [2, 1]
    batch = secrets.batch_get_secret_value(SecretIdList=[f"{name}/a", f"{name}/nothing"])
    assert [v["SecretString"] for v in batch["SecretValues"]] == ["a"] and batch["Errors"][0]["ErrorCode"] == "ResourceNotFoundException"
    batch = secrets.batch_get_secret_value(Filters=[by("name", name)], MaxResults=2)
    assert [v["SecretString"] for v in batch["SecretValues"]] == ["a", "b"]
    assert [v["SecretString"] for v in secrets.batch_get_secret_value(Filters=[by("name", name)], NextToken=batch["NextToken"])["SecretValues"]] == ["c"]
    assert code(secrets.list_secrets, NextToken="!!") == "InvalidNextTokenException"


def test_deletion_and_recovery(moved, name):
    secrets = moved.client("secretsmanager")
    arn = secrets.create_secret(Name=name, SecretString="1")["ARN"]
    assert code(secrets.delete_secret, SecretId=name, RecoveryWindowInDays=6) == "InvalidParameterException"
    assert code(secrets.delete_secret, SecretId=name, RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True) == "InvalidParameterException"
    gone = secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    assert abs((gone["DeletionDate"] - clock(moved)) - timedelta(days=7)) < timedelta(seconds=2)
    assert code(secrets.get_secret_value, SecretId=name) == code(secrets.put_secret_value, SecretId=name, SecretString="x") == "InvalidRequestException"
    assert code(secrets.create_secret, Name=name) == "InvalidRequestException"
    assert secrets.describe_secret(SecretId=arn)["DeletedDate"] == gone["DeletionDate"]
    listed = lambda **more: [s["Name"] for s in secrets.list_secrets(Filters=[{"Key": "name", "Values": [name]}], **more)["SecretList"]]
    assert listed() == [] and listed(IncludePlannedDeletion=True) == [name]
    secrets.restore_secret(SecretId=name)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "1"
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    clock(moved, days=7, seconds=1)
    assert code(secrets.describe_secret, SecretId=arn) == "ResourceNotFoundException"
    again = secrets.create_secret(Name=name, SecretString="2")["ARN"]
    assert again != arn
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    assert code(secrets.describe_secret, SecretId=again) == "ResourceNotFoundException"
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)  # there was none


def test_passwords(secrets):
    def password(**rules):
        return secrets.get_random_password(**rules)["RandomPassword"]

    usual = password()
    assert len(usual) == 32 and all(any(c in kind for c in usual) for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation))
    assert password(PasswordLength=64) != password(PasswordLength=64)
    assert set(password(PasswordLength=400, ExcludePunctuation=True, ExcludeUppercase=True, ExcludeLowercase=True)) <= set(string.digits)
    assert not set(password(PasswordLength=4096, ExcludeCharacters="abcABC123!@")) & set("abcABC123!@")
    assert " " in password(PasswordLength=6, IncludeSpace=True) and len(password(PasswordLength=1, RequireEachIncludedType=False)) == 1
    assert code(secrets.get_random_password, PasswordLength=3) == "InvalidParameterException"
    assert code(secrets.get_random_password, ExcludeCharacters=string.digits) == "InvalidParameterException"
    assert code(secrets.get_random_password, ExcludeNumbers=True, ExcludePunctuation=True, ExcludeUppercase=True, ExcludeLowercase=True) == "InvalidParameterException"


def test_policies_and_tags(secrets, name):
    arn = secrets.create_secret(Name=name, SecretString="1")["ARN"]
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    policy = lambda **more: json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **more}]})
    assert "ResourcePolicy" not in secrets.get_resource_policy(SecretId=name)
    secrets.put_resource_policy(SecretId=name, ResourcePolicy=policy(), BlockPublicPolicy=True)
    assert secrets.get_resource_policy(SecretId=arn)["ResourcePolicy"] == policy()
    assert code(secrets.put_resource_policy, SecretId=name, ResourcePolicy=policy(Principal="*"), BlockPublicPolicy=True) == "PublicPolicyException"
    assert code(secrets.put_resource_policy, SecretId=name, ResourcePolicy="{}") == "MalformedPolicyDocumentException"
    assert secrets.validate_resource_policy(SecretId=name, ResourcePolicy=policy())["PolicyValidationPassed"]
    assert not secrets.validate_resource_policy(ResourcePolicy=policy(Principal="*"))["PolicyValidationPassed"]
    secrets.delete_resource_policy(SecretId=name)
    assert "ResourcePolicy" not in secrets.get_resource_policy(SecretId=name)
    secrets.tag_resource(SecretId=name, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    secrets.tag_resource(SecretId=name, Tags=[{"Key": "a", "Value": "3"}])
    secrets.untag_resource(SecretId=name, TagKeys=["b"])
    assert secrets.describe_secret(SecretId=name)["Tags"] == [{"Key": "a", "Value": "3"}]
    assert code(secrets.tag_resource, SecretId=name, Tags=[{"Key": "aws:x", "Value": "1"}]) == "InvalidParameterException"


def test_keys_seal_the_values(tmp_path, name):
    tarn = Tarn(tmp_path / "data")
    secrets, kms, ssm = tarn.client("secretsmanager"), tarn.client("kms"), tarn.client("ssm")
    key, other = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    secrets.create_secret(Name=name, SecretString="the-plain-text-of-it", KmsKeyId=key)
    assert secrets.describe_secret(SecretId=name)["KmsKeyId"] == key
    assert secrets.list_secret_version_ids(SecretId=name)["Versions"][0]["KmsKeyIds"] == [key]
    kms.disable_key(KeyId=key)
    assert code(secrets.get_secret_value, SecretId=name) == "DecryptionFailure"
    assert code(secrets.put_secret_value, SecretId=name, SecretString="x") == "EncryptionFailure"
    kms.enable_key(KeyId=key)
    assert code(secrets.update_secret, SecretId=name, KmsKeyId=str(uuid.uuid4())) == "EncryptionFailure"
    secrets.update_secret(SecretId=name, KmsKeyId=other, Description="moved")
    kms.disable_key(KeyId=key)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "the-plain-text-of-it"
    secrets.update_secret(SecretId=name, KmsKeyId="")
    assert "KmsKeyId" not in secrets.describe_secret(SecretId=name)
    ssm.put_parameter(Name=f"/{name}", Value="the-plain-parameter", Type="SecureString")
    tarn.kill()
    on_disk = b"".join(f.read_bytes() for f in (tmp_path / "data").rglob("*") if f.is_file())
    assert b"the-plain" not in on_disk and b"moved" in on_disk
    tarn.start()
    secrets, ssm = tarn.client("secretsmanager"), tarn.client("ssm")
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "the-plain-text-of-it"
    assert ssm.get_parameter(Name=f"/{name}", WithDecryption=True)["Parameter"]["Value"] == "the-plain-parameter"
    tarn.stop()


ROTATE = '''
import json, os, boto3
def handler(event, context):
    s = boto3.client("secretsmanager", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    current = s.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
    if json.loads(current["SecretString"]).get("broken") == step:
        raise RuntimeError("as told")
    if step == "createSecret":
        try:
            s.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        except s.exceptions.ResourceNotFoundException:
            n = json.loads(current["SecretString"])["n"] + 1
            s.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString=json.dumps({"n": n}), VersionStages=["AWSPENDING"])
    elif step == "testSecret":
        s.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
    elif step == "finishSecret":
        s.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current["VersionId"])
'''


@pytest.fixture(scope="module")
def rotator(moved):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("f.py", ROTATE)
    functions = moved.client("lambda")
    arn = functions.create_function(FunctionName="rotator", Runtime="python3.12", Role=ROLE, Handler="f.handler", Timeout=30, Code={"ZipFile": archive.getvalue()})["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName="rotator")
    return arn


def until(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def n_of(secrets, name):
    return json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])["n"]


def test_rotation(moved, rotator, name):
    secrets, functions = moved.client("secretsmanager"), moved.client("lambda")
    first = secrets.create_secret(Name=name, SecretString='{"n": 0}')["VersionId"]
    assert code(secrets.rotate_secret, SecretId=name) == "InvalidRequestException"
    assert code(secrets.cancel_rotate_secret, SecretId=name) == "InvalidRequestException"
    rules = {"AutomaticallyAfterDays": 10}
    assert code(secrets.rotate_secret, SecretId=name, RotationLambdaARN=rotator, RotationRules=rules) == "AccessDeniedException"
    functions.add_permission(FunctionName="rotator", StatementId=name, Action="lambda:InvokeFunction", Principal="secretsmanager.amazonaws.com")
    for bad in ({"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"}, {"ScheduleExpression": "rate(3 hours)"}, {"ScheduleExpression": "cron(5 8 1 * ? *)"},
                {"ScheduleExpression": "cron(0 */2 * * ? *)"}, {"ScheduleExpression": "rate(4 hours)", "Duration": "5h"}, {"ScheduleExpression": "nonsense"}):
        assert code(secrets.rotate_secret, SecretId=name, RotationLambdaARN=rotator, RotationRules=bad) == "InvalidParameterException", bad
    second = secrets.rotate_secret(SecretId=name, RotationLambdaARN=rotator, RotationRules=rules)["VersionId"]
    until(lambda: secrets.describe_secret(SecretId=name).get("LastRotatedDate"))
    described = secrets.describe_secret(SecretId=name)
    assert described["VersionIdsToStages"] == {first: ["AWSPREVIOUS"], second: ["AWSPENDING", "AWSCURRENT"]} and n_of(secrets, name) == 1
    assert described["RotationEnabled"] and described["RotationLambdaARN"] == rotator and described["RotationRules"] == rules
    midnight = clock(moved).replace(hour=0, minute=0, second=0, microsecond=0)
    assert described["NextRotationDate"] == midnight + timedelta(days=11, seconds=-1)
    clock(moved, days=9)
    time.sleep(0.2)
    assert n_of(secrets, name) == 1
    clock(moved, days=2)
    until(lambda: n_of(secrets, name) == 2)
    until(lambda: secrets.describe_secret(SecretId=name)["LastRotatedDate"] > described["LastRotatedDate"])
    secrets.rotate_secret(SecretId=name, RotationRules={"ScheduleExpression": "cron(0 8 1 * ? *)", "Duration": "2h"}, RotateImmediately=False)
    until(lambda: "AWSPENDING" not in sum(stages(secrets, name).values(), []))  # the version that was made for the test has gone
    assert n_of(secrets, name) == 2
    assert secrets.describe_secret(SecretId=name)["NextRotationDate"].strftime("%d %H:%M:%S") == "01 09:59:59"
    clock(moved, days=32)
    until(lambda: n_of(secrets, name) == 3)
    secrets.cancel_rotate_secret(SecretId=name)
    described = secrets.describe_secret(SecretId=name)
    assert not described["RotationEnabled"] and "NextRotationDate" not in described and described["RotationLambdaARN"] == rotator


def test_a_rotation_that_fails_is_tried_again(moved, rotator, name):
    secrets, functions = moved.client("secretsmanager"), moved.client("lambda")
    functions.add_permission(FunctionName="rotator", StatementId=name, Action="lambda:InvokeFunction", Principal="secretsmanager.amazonaws.com")
    first = secrets.create_secret(Name=name, SecretString='{"n": 0, "broken": "setSecret"}')["VersionId"]
    token = secrets.rotate_secret(SecretId=name, RotationLambdaARN=rotator, RotationRules={"AutomaticallyAfterDays": 1})["VersionId"]
    until(lambda: stages(secrets, name) == {first: ["AWSCURRENT"], token: ["AWSPENDING"]})
    until(lambda: secrets.list_secret_version_ids(SecretId=name)["Versions"][-1].get("KmsKeyIds"))  # createSecret gave it a value
    assert secrets.get_secret_value(SecretId=name, VersionId=token)["SecretString"] == '{"n": 1}'
    assert code(secrets.rotate_secret, SecretId=name) == "InvalidRequestException"  # the one before is not complete
    mended = secrets.put_secret_value(SecretId=name, SecretString='{"n": 0}')["VersionId"]
    clock(moved, minutes=40)
    until(lambda: n_of(secrets, name) == 1)
    assert "AWSCURRENT" in stages(secrets, name)[token] and stages(secrets, name)[mended] == ["AWSPREVIOUS"]
