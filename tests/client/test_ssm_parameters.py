"""Parameter Store, and the Tagging API over all services, as boto3 sees them."""

import base64
import json
import time

import pytest
from botocore.exceptions import ClientError
from running_tarn import Tarn

ACCOUNT, REGION = "000000000000", "us-east-1"


def code(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


@pytest.fixture
def ssm(tarn):
    return tarn.client("ssm")


def put(ssm, name, value="v", **more):
    return ssm.put_parameter(Name=name, Value=value, **{"Type": "String", **more})


def get(ssm, name, **more):
    return ssm.get_parameter(Name=name, **more)["Parameter"]


def test_put_and_get(ssm, name):
    assert put(ssm, f"/{name}/a", "1", Description="d")["Version"] == 1
    got = get(ssm, f"/{name}/a")
    assert {k: got[k] for k in ("Name", "Type", "Value", "Version", "ARN", "DataType")} == {
        "Name": f"/{name}/a", "Type": "String", "Value": "1", "Version": 1, "ARN": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{name}/a", "DataType": "text"}
    assert code(ssm.put_parameter, Name=f"/{name}/a", Value="2") == "ParameterAlreadyExists"
    assert ssm.put_parameter(Name=f"/{name}/a", Value="2", Overwrite=True)["Version"] == 2
    assert get(ssm, got["ARN"])["Value"] == "2"
    assert get(ssm, f"/{name}/a:1")["Value"] == "1" and get(ssm, f"/{name}/a:1")["Selector"] == ":1"
    assert code(ssm.get_parameter, Name=f"/{name}/a:3") == "ParameterVersionNotFound"
    assert code(ssm.get_parameter, Name=f"/{name}/b") == "ParameterNotFound"
    many = ssm.get_parameters(Names=[f"/{name}/a:1", f"/{name}/b"])
    assert [p["Value"] for p in many["Parameters"]] == ["1"] and many["InvalidParameters"] == [f"/{name}/b"]
    put(ssm, f"{name}-bare", "x")
    assert get(ssm, f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{name}-bare")["Name"] == f"{name}-bare"
    ssm.delete_parameter(Name=f"/{name}/a")
    assert code(ssm.delete_parameter, Name=f"/{name}/a") == "ParameterNotFound"
    gone = ssm.delete_parameters(Names=[f"{name}-bare", "nothing"])
    assert gone["DeletedParameters"] == [f"{name}-bare"] and gone["InvalidParameters"] == ["nothing"]
    assert put(ssm, f"/{name}/a", "3")["Version"] == 1


@pytest.mark.parametrize("arguments, error", [
    ({"Name": "a b"}, "ValidationException"),
    ({"Name": "a/b"}, "ValidationException"),
    ({"Name": "ssm-x"}, "ValidationException"),
    ({"Name": "/aws/x/y"}, "AccessDeniedException"),
    ({"Name": "/" + "/".join("abcdefghijklmnop")}, "HierarchyLevelLimitExceededException"),
    ({"Type": None}, "ValidationException"),
    ({"Value": "x" * 4097}, "ValidationException"),
    ({"Value": "x" * 8193, "Tier": "Advanced"}, "ValidationException"),
    ({"Value": "{{ssm:x}}"}, "ValidationException"),
    ({"AllowedPattern": r"\d+"}, "ParameterPatternMismatchException"),
    ({"AllowedPattern": "("}, "InvalidAllowedPatternException"),
    ({"Type": "StringList", "Value": "1,x", "AllowedPattern": r"\d"}, "ParameterPatternMismatchException"),
    ({"DataType": "aws:ec2:image"}, "NotImplemented"),
    ({"DataType": "nothing"}, "ValidationException"),
    ({"Policies": "[]"}, "NotImplemented"),
    ({"KeyId": "alias/aws/ssm"}, "ValidationException"),
    ({"Type": "SecureString", "KeyId": "alias/nothing"}, "InvalidKeyId"),
    ({"Tags": [{"Key": "a", "Value": "b"}], "Overwrite": True}, "ValidationException"),
])
def test_what_is_refused(ssm, arguments, error):
    all = {"Name": "/refused/x", "Value": "v", "Type": "String", **arguments}
    assert code(ssm.put_parameter, **{k: v for k, v in all.items() if v is not None}) == error


def test_secure_strings(tarn, ssm, name):
    put(ssm, f"/{name}", "hush", Type="SecureString")
    sealed = get(ssm, f"/{name}")
    assert "hush" not in sealed["Value"] and get(ssm, f"/{name}", WithDecryption=True)["Value"] == "hush"
    opened = tarn.client("kms").decrypt(CiphertextBlob=base64.b64decode(sealed["Value"]), EncryptionContext={"PARAMETER_ARN": sealed["ARN"]})
    assert opened["Plaintext"] == b"hush"
    assert code(ssm.put_parameter, Name=f"/{name}", Value="x", Type="String", Overwrite=True) == "HierarchyTypeMismatchException"
    ssm.put_parameter(Name=f"/{name}", Value="again", Overwrite=True)
    history = ssm.get_parameter_history(Name=f"/{name}", WithDecryption=True)["Parameters"]
    assert [(p["Version"], p["Value"], p["KeyId"]) for p in history] == [(1, "hush", "alias/aws/ssm"), (2, "again", "alias/aws/ssm")]


def test_labels_and_versions(ssm, name):
    for n in range(3):
        put(ssm, f"/{name}", str(n), Overwrite=True)
    labelled = ssm.label_parameter_version(Name=f"/{name}", ParameterVersion=2, Labels=["prod", "9bad", "aws-x"])
    assert (labelled["InvalidLabels"], labelled["ParameterVersion"]) == (["9bad", "aws-x"], 2)
    assert get(ssm, f"/{name}:prod")["Value"] == "1"
    ssm.label_parameter_version(Name=f"/{name}", Labels=["prod", "new"])
    assert get(ssm, f"/{name}:prod")["Value"] == "2"
    assert [p["Labels"] for p in ssm.get_parameter_history(Name=f"/{name}")["Parameters"]] == [[], [], ["prod", "new"]]
    assert code(ssm.label_parameter_version, Name=f"/{name}", Labels=list("abcdefghij")) == "ParameterVersionLabelLimitExceeded"
    assert code(ssm.label_parameter_version, Name=f"/{name}", ParameterVersion=9, Labels=["a"]) == "ParameterVersionNotFound"
    off = ssm.unlabel_parameter_version(Name=f"/{name}", ParameterVersion=3, Labels=["new", "none"])
    assert (off["RemovedLabels"], off["InvalidLabels"]) == (["new"], ["none"])
    ssm.label_parameter_version(Name=f"/{name}", ParameterVersion=1, Labels=["keep"])
    for n in range(97):
        put(ssm, f"/{name}", str(n), Overwrite=True)
    assert code(ssm.put_parameter, Name=f"/{name}", Value="x", Overwrite=True) == "ParameterMaxVersionLimitExceeded"
    ssm.unlabel_parameter_version(Name=f"/{name}", ParameterVersion=1, Labels=["keep"])
    assert put(ssm, f"/{name}", "x", Overwrite=True)["Version"] == 101
    versions = [p["Version"] for page in ssm.get_paginator("get_parameter_history").paginate(Name=f"/{name}") for p in page["Parameters"]]
    assert versions == list(range(2, 102))


def test_paths_and_filters(ssm, name):
    for n, more in (("a", {}), ("b/c", {"Type": "StringList"}), ("b/d", {"Type": "SecureString"}), ("b/e/f", {"Tier": "Advanced"})):
        put(ssm, f"/{name}/{n}", n, **more)
    ssm.label_parameter_version(Name=f"/{name}/b/c", Labels=["l"])
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=f"/{name}/a", Tags=[{"Key": "team", "Value": name}])
    cut = len(name) + 2
    by_path = lambda path, **more: [p["Name"][cut:] for page in ssm.get_paginator("get_parameters_by_path").paginate(Path=path, PaginationConfig={"PageSize": 2}, **more) for p in page["Parameters"]]
    assert by_path(f"/{name}") == ["a"] and by_path(f"/{name}/", Recursive=True) == ["a", "b/c", "b/d", "b/e/f"] and by_path(f"/{name}/b") == ["b/c", "b/d"]
    assert by_path(f"/{name}", Recursive=True, ParameterFilters=[{"Key": "Type", "Values": ["StringList", "String"]}]) == ["a", "b/c", "b/e/f"]
    assert by_path(f"/{name}", Recursive=True, ParameterFilters=[{"Key": "Label", "Values": ["l"]}]) == ["b/c"]
    assert code(ssm.get_parameters_by_path, Path="x") == "ValidationException"
    assert code(ssm.get_parameters_by_path, Path="/x", ParameterFilters=[{"Key": "Name", "Values": ["a"]}]) == "InvalidFilterKey"
    mine = {"Key": "Path", "Option": "Recursive", "Values": [f"/{name}"]}
    described = lambda *filters: [p["Name"][cut:] for page in ssm.get_paginator("describe_parameters").paginate(ParameterFilters=[mine, *filters], PaginationConfig={"PageSize": 2}) for p in page["Parameters"]]
    assert described() == ["a", "b/c", "b/d", "b/e/f"] and described({"Key": "Tier", "Values": ["Advanced"]}) == ["b/e/f"]
    assert described({"Key": "tag:team", "Values": [name]}) == ["a"] and described({"Key": "KeyId", "Values": ["alias/aws/ssm"]}) == ["b/d"]
    assert described({"Key": "Name", "Option": "Contains", "Values": ["b/"]}) == ["b/c", "b/d", "b/e/f"]
    assert described({"Key": "Name", "Option": "BeginsWith", "Values": [f"{name}/b/e"]}) == ["b/e/f"]
    assert [p["Name"][cut:] for p in ssm.describe_parameters(Filters=[{"Key": "Name", "Values": [f"/{name}/b"]}])["Parameters"]] == ["b/c", "b/d", "b/e/f"]
    assert code(ssm.describe_parameters, ParameterFilters=[{"Key": "Name", "Option": "Ends", "Values": ["a"]}]) == "InvalidFilterOption"
    assert code(ssm.describe_parameters, NextToken="!!") == "InvalidNextToken"
    tags = lambda: ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=f"/{name}/a")["TagList"]
    assert tags() == [{"Key": "team", "Value": name}]
    ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=f"/{name}/a", TagKeys=["team"])
    assert tags() == [] and code(ssm.list_tags_for_resource, ResourceType="Parameter", ResourceId="/nothing") == "InvalidResourceId"


def test_parameters_that_are_nobodys_own(tarn, ssm, name):
    regions = [p["Value"] for page in ssm.get_paginator("get_parameters_by_path").paginate(Path="/aws/service/global-infrastructure/regions") for p in page["Parameters"]]
    assert len(regions) > 30 and REGION in regions
    assert get(ssm, "/aws/service/global-infrastructure/regions/eu-west-1/longName")["Value"] == "Europe (Ireland)"
    assert code(ssm.get_parameter, Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64") == "ParameterNotFound"
    secret = tarn.client("secretsmanager").create_secret(Name=name, SecretString="hush")
    reference = f"/aws/reference/secretsmanager/{name}"
    got = get(ssm, reference, WithDecryption=True)
    assert (got["Value"], got["Type"], got["ARN"], got["Version"]) == ("hush", "SecureString", secret["ARN"], 0)
    assert get(ssm, f"{reference}:{secret['VersionId']}", WithDecryption=True)["Value"] == get(ssm, f"{reference}:AWSCURRENT", WithDecryption=True)["Value"] == "hush"
    assert code(ssm.get_parameter, Name=reference) == "ValidationException"
    assert code(ssm.get_parameter, Name=reference + "x", WithDecryption=True) == "ParameterNotFound"


def test_changes_are_told_to_the_bus(tarn, ssm, name):
    sqs, events = tarn.client("sqs"), tarn.client("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.ssm"], "detail": {"name": [f"/{name}"]}}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"}])
    put(ssm, f"/{name}", "1")
    put(ssm, f"/{name}", "2", Overwrite=True)
    ssm.delete_parameter(Name=f"/{name}")
    told, end = [], time.monotonic() + 10
    while len(told) < 3 and time.monotonic() < end:
        told += [json.loads(m["Body"]) for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])]
    assert {e["detail"]["operation"] for e in told} == {"Create", "Update", "Delete"} and told[0]["detail-type"] == "Parameter Store Change"
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)


def test_the_tagging_api(tmp_path, name):
    tarn = Tarn(tmp_path / "data")
    tagging = tarn.client("resourcegroupstaggingapi")
    role = f"arn:aws:iam::{ACCOUNT}:role/r"
    tag, pair = {"team": "lake"}, [{"Key": "team", "Value": "lake"}]
    small = [{"key": "team", "value": "lake"}]
    tarn.client("s3").create_bucket(Bucket="tagged")
    tarn.client("s3").put_bucket_tagging(Bucket="tagged", Tagging={"TagSet": [*pair, {"Key": "k", "Value": "v"}]})
    machine = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    arns = {
        "arn:aws:s3:::tagged",
        tarn.client("sns").create_topic(Name="t", Tags=pair)["TopicArn"],
        tarn.client("kms").create_key(Tags=[{"TagKey": "team", "TagValue": "lake"}])["KeyMetadata"]["Arn"],
        tarn.client("secretsmanager").create_secret(Name="s", Tags=pair)["ARN"],
        tarn.client("events").put_rule(Name="r", EventPattern='{"source":["x"]}', Tags=pair)["RuleArn"],
        tarn.client("scheduler").create_schedule_group(Name="g", Tags=pair)["ScheduleGroupArn"],
        tarn.client("stepfunctions").create_state_machine(name="m", definition=machine, roleArn=role, tags=small)["stateMachineArn"],
        tarn.client("stepfunctions").create_activity(name="a", tags=small)["activityArn"],
    }
    tarn.client("sqs").create_queue(QueueName="q", tags=tag)
    tarn.client("ssm").put_parameter(Name="/p", Value="v", Type="String", Tags=pair)
    tarn.client("logs").create_log_group(logGroupName="/l", tags=tag)
    tarn.client("glue").create_job(Name="j", Role=role, Command={"Name": "glueetl", "ScriptLocation": "s3://tagged/x"}, Tags=tag)
    tarn.client("athena").create_work_group(Name="w", Tags=pair)
    here = f"{REGION}:{ACCOUNT}"
    ec2 = tarn.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [*pair, {"Key": "k", "Value": "w"}]}])["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", TagSpecifications=[{"ResourceType": "subnet", "Tags": pair}])["Subnet"]["SubnetId"]
    arns |= {f"arn:aws:ec2:{here}:vpc/{vpc}", f"arn:aws:ec2:{here}:subnet/{subnet}"}
    arns |= {f"arn:aws:sqs:{here}:q", f"arn:aws:ssm:{here}:parameter/p", f"arn:aws:logs:{here}:log-group:/l", f"arn:aws:glue:{here}:job/j", f"arn:aws:athena:{here}:workgroup/w"}
    tarn.client("sqs").create_queue(QueueName="without")
    found = lambda **more: {r["ResourceARN"] for page in tagging.get_paginator("get_resources").paginate(**more) for r in page["ResourceTagMappingList"]}
    assert found() == arns
    assert found(ResourcesPerPage=3, TagFilters=[{"Key": "team", "Values": ["lake", "x"]}]) == arns
    assert found(TagFilters=[{"Key": "team"}, {"Key": "k", "Values": ["v"]}]) == {"arn:aws:s3:::tagged"} and found(TagFilters=[{"Key": "team", "Values": ["x"]}]) == set()
    assert found(ResourceTypeFilters=["sqs", "glue:job"]) == {f"arn:aws:sqs:{here}:q", f"arn:aws:glue:{here}:job/j"}
    assert found(ResourceTypeFilters=["ec2:subnet"]) == {f"arn:aws:ec2:{here}:subnet/{subnet}"} and len(found(ResourceTypeFilters=["ec2"])) == 2
    assert tagging.get_tag_keys()["TagKeys"] == ["k", "team"] and tagging.get_tag_values(Key="team")["TagValues"] == ["lake"]
    failed = tagging.tag_resources(ResourceARNList=[*arns, f"arn:aws:sqs:{here}:nothing", "arn:aws:s3:::tagged/key"], Tags={"new": "1"})["FailedResourcesMap"]
    assert set(failed) == {f"arn:aws:sqs:{here}:nothing", "arn:aws:s3:::tagged/key"} and failed["arn:aws:s3:::tagged/key"]["StatusCode"] == 400
    assert found(TagFilters=[{"Key": "new", "Values": ["1"]}]) == arns
    assert tagging.untag_resources(ResourceARNList=sorted(arns), TagKeys=["new", "team"])["FailedResourcesMap"] == {}
    assert found() == {"arn:aws:s3:::tagged", f"arn:aws:ec2:{here}:vpc/{vpc}"}
    [one] = tagging.get_resources(ResourceARNList=["arn:aws:s3:::tagged"])["ResourceTagMappingList"]
    assert one["Tags"] == [{"Key": "k", "Value": "v"}]
    assert code(tagging.get_resources, TagsPerPage=7) == "InvalidParameterException"
    tarn.stop()
