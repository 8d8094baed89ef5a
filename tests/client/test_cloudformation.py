"""CloudFormation through boto3 and awscli: stacks up, changed, broken half-way, taken down, across kill -9."""

import io
import json
import os
import shutil
import subprocess
import threading
import time
import zipfile

import pytest
from botocore.exceptions import ClientError, WaiterError
from running_tarn import ROOT, Tarn

ROLE = "arn:aws:iam::000000000000:role/r"


@pytest.fixture
def cf(tarn):
    return tarn.client("cloudformation")


def template(resources, **more):
    return json.dumps({"Resources": resources, **more})


def queue(**properties):
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def wait(cf, name, what):
    cf.get_waiter(what).wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})


def create(cf, name, body, **more):
    stack_id = cf.create_stack(StackName=name, TemplateBody=body, **more)["StackId"]
    wait(cf, name, "stack_create_complete")
    return stack_id


def update(cf, name, body=None, **more):
    cf.update_stack(StackName=name, **({"TemplateBody": body} if body else {}), **more)
    wait(cf, name, "stack_update_complete")


def settled(cf, name):
    """The stack, once nothing is under way on it."""
    for _ in range(600):
        stack = cf.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.1)
    raise AssertionError(f"{name} does not settle: {stack['StackStatus']}")


def delete(cf, stack_id):
    cf.delete_stack(StackName=stack_id)
    wait(cf, stack_id, "stack_delete_complete")


def events(cf, name):
    out = []
    for page in cf.get_paginator("describe_stack_events").paginate(StackName=name):
        out += page["StackEvents"]
    return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason")) for e in reversed(out)]


def resources(cf, name):
    return {r["LogicalResourceId"]: r for r in cf.describe_stack_resources(StackName=name)["StackResources"]}


def outputs(cf, name):
    return {o["OutputKey"]: o["OutputValue"] for o in cf.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])}


def error(call, *args, **kwargs):
    with pytest.raises(ClientError) as e:
        call(*args, **kwargs)
    return e.value.response["Error"]


def queue_names(tarn, prefix):
    return sorted(u.rsplit("/", 1)[1] for u in tarn.client("sqs").list_queues(QueueNamePrefix=prefix).get("QueueUrls", []))


def test_a_stack_is_made_and_taken_down(tarn, cf, name):
    body = template({"First": queue(), "Second": {**queue(RedrivePolicy={"maxReceiveCount": 3, "deadLetterTargetArn": {"Fn::GetAtt": ["First", "Arn"]}})}},
                    Outputs={"Url": {"Value": {"Ref": "First"}}, "Name": {"Value": {"Fn::Sub": "${First.QueueName}!"}}})
    stack_id = create(cf, name, body, Tags=[{"Key": "team", "Value": "lake"}], ClientRequestToken="t-1")
    assert cf.create_stack(StackName=name, TemplateBody=body, ClientRequestToken="t-1")["StackId"] == stack_id
    assert error(cf.create_stack, StackName=name, TemplateBody=body)["Code"] == "AlreadyExistsException"
    assert events(cf, name) == [
        (name, "CREATE_IN_PROGRESS", "User Initiated"),
        ("First", "CREATE_IN_PROGRESS", None),
        ("First", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("First", "CREATE_COMPLETE", None),
        ("Second", "CREATE_IN_PROGRESS", None),
        ("Second", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Second", "CREATE_COMPLETE", None),
        (name, "CREATE_COMPLETE", None),
    ]
    first, second = queue_names(tarn, name)
    assert first.startswith(name + "-First-") and second.startswith(name + "-Second-")
    assert outputs(cf, name)["Name"] == first + "!"
    tags = tarn.client("sqs").list_queue_tags(QueueUrl=outputs(cf, name)["Url"])["Tags"]
    assert tags == {"team": "lake"}
    assert cf.get_template(StackName=name)["TemplateBody"] == json.loads(body)
    assert {r["LogicalResourceId"] for r in cf.list_stack_resources(StackName=name)["StackResourceSummaries"]} == {"First", "Second"}
    detail = cf.describe_stack_resource(StackName=name, LogicalResourceId="First")["StackResourceDetail"]
    assert detail["ResourceStatus"] == "CREATE_COMPLETE"
    assert cf.describe_stack_resources(PhysicalResourceId=detail["PhysicalResourceId"])["StackResources"][0]["StackName"] == name
    delete(cf, stack_id)
    assert queue_names(tarn, name) == []
    assert error(cf.describe_stacks, StackName=name) == {"Type": "Sender", "Code": "ValidationError", "Message": f"Stack with id {name} does not exist"}
    assert cf.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    done = [e[:2] for e in events(cf, stack_id)][-6:]
    assert done == [(name, "DELETE_IN_PROGRESS"), ("Second", "DELETE_IN_PROGRESS"), ("Second", "DELETE_COMPLETE"), ("First", "DELETE_IN_PROGRESS"),
                    ("First", "DELETE_COMPLETE"), (name, "DELETE_COMPLETE")]
    cf.delete_stack(StackName=name)  # what is not there is deleted


def test_what_tarn_does_not_have_fails_before_anything_is_made(tarn, cf, name):
    body = "Resources:\n  Good:\n    Type: AWS::SQS::Queue\n  Bad:\n    Type: AWS::AppStream::Fleet\n  Wrong:\n    Type: AWS::SQS::Queue\n    Properties:\n      Colour: blue\n"
    message = error(cf.create_stack, StackName=name, TemplateBody=body)
    assert message["Code"] == "ValidationError"
    for words in ("AWS::AppStream::Fleet", "Bad", "line 5", "Colour", "Wrong", "line 9"):
        assert words in message["Message"], message
    assert "does not support attribute type Colour" in error(
        cf.create_stack, StackName=name, TemplateBody=template({"Q": queue()}, Outputs={"O": {"Value": {"Fn::GetAtt": ["Q", "Colour"]}}}))["Message"]
    assert error(cf.describe_stacks, StackName=name)["Code"] == "ValidationError"
    assert queue_names(tarn, name) == []
    for bad in ("{", "Resources: [", template({"A": {**queue(), "DependsOn": "B"}, "B": {**queue(), "DependsOn": "A"}}), template({"A": queue(QueueName={"Ref": "Nothing"})})):
        assert error(cf.create_stack, StackName=name, TemplateBody=bad)["Code"] == "ValidationError"
    role = template({"R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": name, "AssumeRolePolicyDocument": {
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}}})
    assert error(cf.create_stack, StackName=name, TemplateBody=role) == {
        "Type": "Sender", "Code": "InsufficientCapabilitiesException", "Message": "Requires capabilities : [CAPABILITY_NAMED_IAM]"}
    assert error(cf.create_stack, StackName="no_good", TemplateBody=template({"Q": queue()}))["Code"] == "ValidationError"


def test_an_inert_type_is_recorded_when_a_person_says_so(own_tarn):
    tarn = own_tarn("--allow-inert", "AWS::AppStream::Fleet")
    cf = tarn.client("cloudformation")
    create(cf, "inert", template({"F": {"Type": "AWS::AppStream::Fleet", "Properties": {"Anything": 1}}}, Outputs={"F": {"Value": {"Ref": "F"}}}))
    assert outputs(cf, "inert")["F"].startswith("inert-F-")
    delete(cf, "inert")


def test_a_failed_creation_is_rolled_back(tarn, cf, name):
    tarn.client("sqs").create_queue(QueueName=name + "-taken", Attributes={"DelaySeconds": "5"})
    body = template({"A": queue(QueueName=name + "-a"), "B": {**queue(QueueName=name + "-taken", DelaySeconds=7), "DependsOn": "A"}})
    stack_id = cf.create_stack(StackName=name, TemplateBody=body)["StackId"]
    with pytest.raises(WaiterError):
        wait(cf, name, "stack_create_complete")
    stack = settled(cf, name)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    told = events(cf, name)
    reason = next(r for what, status, r in told if what == "B" and status == "CREATE_FAILED")
    assert reason.startswith('Resource handler returned message: "') and "RequestToken: " in reason and "HandlerErrorCode: " in reason
    assert (name, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [B]. Rollback requested by user.") in told
    assert queue_names(tarn, name) == [name + "-taken"]
    assert "is in ROLLBACK_COMPLETE state and can not be updated" in error(cf.update_stack, StackName=name, TemplateBody=body)["Message"]
    delete(cf, stack_id)
    # Nothing is rolled back where the caller wants to look; an update mends it.
    cf.create_stack(StackName=name, TemplateBody=body, OnFailure="DO_NOTHING")
    assert settled(cf, name)["StackStatus"] == "CREATE_FAILED"
    assert queue_names(tarn, name) == [name + "-a", name + "-taken"]
    update(cf, name, template({"A": queue(QueueName=name + "-a"), "B": {**queue(QueueName=name + "-b"), "DependsOn": "A"}}))
    assert queue_names(tarn, name) == [name + "-a", name + "-b", name + "-taken"]
    delete(cf, name)
    stack_id = cf.create_stack(StackName=name, TemplateBody=body, OnFailure="DELETE")["StackId"]
    wait(cf, stack_id, "stack_delete_complete")
    assert queue_names(tarn, name) == [name + "-taken"]


def test_updates_change_replace_add_and_remove(tarn, cf, name):
    sqs = tarn.client("sqs")
    create(cf, name, template({"Kept": queue(DelaySeconds=1), "Renamed": queue(QueueName=name + "-1"), "Gone": queue(QueueName=name + "-gone"), "Same": queue()}))
    before = resources(cf, name)
    update(cf, name, template({"Kept": queue(DelaySeconds=2), "Renamed": queue(QueueName=name + "-2"), "New": queue(QueueName=name + "-new"), "Same": queue()}))
    after = resources(cf, name)
    assert set(after) == {"Kept", "Renamed", "New", "Same"}
    assert after["Kept"]["PhysicalResourceId"] == before["Kept"]["PhysicalResourceId"] and after["Kept"]["ResourceStatus"] == "UPDATE_COMPLETE"
    assert after["Same"]["ResourceStatus"] == "CREATE_COMPLETE"
    assert sqs.get_queue_attributes(QueueUrl=after["Kept"]["PhysicalResourceId"], AttributeNames=["DelaySeconds"])["Attributes"]["DelaySeconds"] == "2"
    assert [n for n in queue_names(tarn, name) if not n.startswith((name + "-Kept", name + "-Same"))] == [name + "-2", name + "-new"]
    told = events(cf, name)
    assert ("Renamed", "UPDATE_IN_PROGRESS", "Requested update requires the creation of a new physical resource; hence creating one.") in told
    order = [e[:2] for e in told]
    assert order.index((name, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")) < order.index(("Gone", "DELETE_IN_PROGRESS")) < order.index((name, "UPDATE_COMPLETE"))
    body = cf.get_template(StackName=name)["TemplateBody"]
    assert error(cf.update_stack, StackName=name, TemplateBody=json.dumps(body))["Message"] == "No updates are to be performed."
    for tags in ({"stage": "dev"}, {"team": "lake"}):
        update(cf, name, UsePreviousTemplate=True, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
        assert sqs.list_queue_tags(QueueUrl=after["Same"]["PhysicalResourceId"])["Tags"] == tags
    assert error(cf.update_stack, StackName=name, TemplateBody=template({"Same": {"Type": "AWS::SNS::Topic"}}))["Message"].startswith("Update of resource type is not permitted")
    delete(cf, name)
    assert queue_names(tarn, name) == []


def test_a_failed_update_is_rolled_back(tarn, cf, name):
    sqs = tarn.client("sqs")
    sqs.create_queue(QueueName=name + "-taken", Attributes={"DelaySeconds": "5"})
    first = template({"A": queue(QueueName=name + "-a", DelaySeconds=1), "R": queue(QueueName=name + "-r1"), "G": queue(QueueName=name + "-g")},
                     Parameters={"P": {"Type": "String", "Default": "one"}}, Outputs={"P": {"Value": {"Ref": "P"}}})
    create(cf, name, first)
    second = template({"A": queue(QueueName=name + "-a", DelaySeconds=9), "R": queue(QueueName=name + "-r2"),
                       "New": queue(QueueName=name + "-new"),
                       "Bad": {**queue(QueueName=name + "-taken", DelaySeconds=7), "DependsOn": ["A", "R", "New"]}})
    cf.update_stack(StackName=name, TemplateBody=second)
    stack = settled(cf, name)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert queue_names(tarn, name) == [name + "-" + n for n in ("a", "g", "r1", "taken")]
    url = resources(cf, name)["A"]["PhysicalResourceId"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"]["DelaySeconds"] == "1"
    assert set(resources(cf, name)) == {"A", "R", "G"} and outputs(cf, name) == {"P": "one"}
    assert cf.get_template(StackName=name)["TemplateBody"] == json.loads(first)
    assert (name, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Bad]. ") in events(cf, name)
    cf.update_stack(StackName=name, TemplateBody=second, DisableRollback=True)
    assert settled(cf, name)["StackStatus"] == "UPDATE_FAILED"
    assert name + "-new" in queue_names(tarn, name)
    cf.rollback_stack(StackName=name)
    assert settled(cf, name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert queue_names(tarn, name) == [name + "-" + n for n in ("a", "g", "r1", "taken")]
    delete(cf, name)
    assert queue_names(tarn, name) == [name + "-taken"]


def test_change_sets(tarn, cf, name):
    body = template({"Q": queue(QueueName={"Fn::Sub": name + "-${Stage}"}, DelaySeconds=1), "T": {"Type": "AWS::SNS::Topic"}}, Parameters={"Stage": {"Type": "String"}})
    made = cf.create_change_set(StackName=name, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body,
                                Parameters=[{"ParameterKey": "Stage", "ParameterValue": "dev"}])
    cf.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])
    assert cf.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    told = cf.describe_change_set(ChangeSetName="first", StackName=name)
    assert told["ExecutionStatus"] == "AVAILABLE" and [c["ResourceChange"]["Action"] for c in told["Changes"]] == ["Add", "Add"]
    assert cf.get_template(ChangeSetName=made["Id"])["TemplateBody"] == json.loads(body)
    cf.execute_change_set(ChangeSetName=made["Id"])
    wait(cf, name, "stack_create_complete")
    assert cf.describe_change_set(ChangeSetName=made["Id"])["ExecutionStatus"] == "EXECUTE_COMPLETE"
    same = cf.create_change_set(StackName=name, ChangeSetName="same", UsePreviousTemplate=True, Parameters=[{"ParameterKey": "Stage", "UsePreviousValue": True}])
    with pytest.raises(WaiterError):
        cf.get_waiter("change_set_create_complete").wait(ChangeSetName=same["Id"])
    told = cf.describe_change_set(ChangeSetName=same["Id"])
    assert told["Status"] == "FAILED" and told["StatusReason"].startswith("The submitted information didn't contain changes.")
    assert error(cf.execute_change_set, ChangeSetName=same["Id"])["Code"] == "InvalidChangeSetStatus"
    cf.create_change_set(StackName=name, ChangeSetName="second", UsePreviousTemplate=True, Parameters=[{"ParameterKey": "Stage", "ParameterValue": "prd"}])
    change, = cf.describe_change_set(StackName=name, ChangeSetName="second", IncludePropertyValues=True)["Changes"]
    change = change["ResourceChange"]
    assert (change["Action"], change["LogicalResourceId"], change["Replacement"], change["PolicyAction"]) == ("Modify", "Q", "True", "ReplaceAndDelete")
    target = change["Details"][0]["Target"]
    assert (target["Path"], target["BeforeValue"], target["AfterValue"], target["RequiresRecreation"]) == ("/Properties/QueueName", name + "-dev", name + "-prd", "Always")
    assert change["Details"][0]["CausingEntity"] == "Stage" and json.loads(change["AfterContext"])["Properties"]["QueueName"] == name + "-prd"
    assert {s["ChangeSetName"] for s in cf.list_change_sets(StackName=name)["Summaries"]} == {"first", "same", "second"}
    cf.execute_change_set(StackName=name, ChangeSetName="second")
    wait(cf, name, "stack_update_complete")
    assert queue_names(tarn, name) == [name + "-prd"]
    assert error(cf.describe_change_set, StackName=name, ChangeSetName="same")["Code"] == "ChangeSetNotFound"
    delete(cf, name)


def test_exports_and_imports(cf, name):
    exporting = template({"Q": queue()}, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Q", "Arn"]}, "Export": {"Name": name + "-arn"}}})
    importing = template({"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "t"}}}, Outputs={"Got": {"Value": {"Fn::ImportValue": name + "-arn"}}})
    assert name + "-arn" in error(cf.create_stack, StackName=name + "-b", TemplateBody=importing)["Message"]
    create(cf, name + "-a", exporting)
    create(cf, name + "-b", importing)
    assert outputs(cf, name + "-b")["Got"] == outputs(cf, name + "-a")["Arn"]
    assert name + "-arn" in [e["Name"] for e in cf.list_exports()["Exports"]]
    assert cf.list_imports(ExportName=name + "-arn")["Imports"] == [name + "-b"]
    cf.update_stack(StackName=name + "-a", TemplateBody=template({"Q": queue()}))
    stack = settled(cf, name + "-a")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE" and f"Export {name}-arn cannot be deleted as it is in use by {name}-b" in str(events(cf, name + "-a"))
    cf.delete_stack(StackName=name + "-a")
    stack = settled(cf, name + "-a")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE" and "Cannot delete export" in stack["StackStatusReason"]
    # What was rolled back imports no more than before.
    broken = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:nowhere", "maxReceiveCount": 3}
    create(cf, name + "-d", template({"Q": queue()}))
    cf.update_stack(StackName=name + "-d", TemplateBody=template({"Q": queue(), "Bad": queue(RedrivePolicy=broken)}, Outputs={"Got": {"Value": {"Fn::ImportValue": name + "-arn"}}}))
    assert settled(cf, name + "-d")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE" and cf.list_imports(ExportName=name + "-arn")["Imports"] == [name + "-b"]
    delete(cf, name + "-d")
    assert "already exported" in str(_failed(cf, name + "-c", exporting))
    delete(cf, name + "-b")
    delete(cf, name + "-a")


def _failed(cf, name, body):
    cf.create_stack(StackName=name, TemplateBody=body)
    stack = settled(cf, name)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    told = events(cf, name)
    delete(cf, stack["StackId"])
    return told


def test_protection_and_policies(tarn, cf, name):
    deny = json.dumps({"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
                                     {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "LogicalResourceId/Q"}]})
    create(cf, name, template({"Q": queue(DelaySeconds=1), "Kept": {**queue(QueueName=name + "-kept"), "DeletionPolicy": "Retain"}}), EnableTerminationProtection=True, StackPolicyBody=deny)
    assert json.loads(cf.get_stack_policy(StackName=name)["StackPolicyBody"]) == json.loads(deny)
    assert "TerminationProtection is enabled" in error(cf.delete_stack, StackName=name)["Message"]
    changed = template({"Q": queue(DelaySeconds=2), "Kept": {**queue(QueueName=name + "-kept"), "DeletionPolicy": "Retain"}})
    cf.update_stack(StackName=name, TemplateBody=changed)
    assert settled(cf, name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Action denied by stack policy: Statement [#2] does not allow [Update:Modify] for resource [LogicalResourceId/Q];" in str(events(cf, name))
    allow = json.dumps({"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]})
    update(cf, name, changed, StackPolicyDuringUpdateBody=allow)
    assert error(cf.set_stack_policy, StackName=name, StackPolicyBody="{}")["Code"] == "ValidationError"
    cf.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    stack_id = cf.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    delete(cf, stack_id)
    assert queue_names(tarn, name) == [name + "-kept"]
    assert ("Kept", "DELETE_SKIPPED", None) in events(cf, stack_id)


def test_parameters(tarn, cf, name):
    body = template({"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Secret"}}}}, Parameters={
        "Secret": {"Type": "String", "NoEcho": True}, "Size": {"Type": "Number", "MinValue": 1, "Default": 3}})
    assert error(cf.create_stack, StackName=name, TemplateBody=body)["Message"] == "Parameters: [Secret] must have values"
    create(cf, name, body, Parameters=[{"ParameterKey": "Secret", "ParameterValue": "hunter2"}])
    shown = {p["ParameterKey"]: p["ParameterValue"] for p in cf.describe_stacks(StackName=name)["Stacks"][0]["Parameters"]}
    assert shown == {"Secret": "****", "Size": "3"}
    assert "hunter2" not in json.dumps(cf.describe_stack_events(StackName=name), default=str)
    told = cf.get_template_summary(TemplateBody=body)
    assert {p["ParameterKey"]: p["ParameterType"] for p in told["Parameters"]} == {"Secret": "String", "Size": "Number"} and told["ResourceTypes"] == ["AWS::SNS::Topic"]
    assert {p["ParameterKey"]: p["NoEcho"] for p in cf.validate_template(TemplateBody=body)["Parameters"]} == {"Secret": True, "Size": False}
    delete(cf, name)


def test_parameters_that_name_what_there_is(tarn, cf, name):
    body = template({"Q": queue()}, Parameters={"Vpc": {"Type": "AWS::EC2::VPC::Id"}, "Zones": {"Type": "List<AWS::EC2::AvailabilityZone::Name>"}})
    vpc = tarn.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]

    def given(vpc, zones):
        return [{"ParameterKey": "Vpc", "ParameterValue": vpc}, {"ParameterKey": "Zones", "ParameterValue": zones}]

    assert "does not exist" in error(cf.create_stack, StackName=name, TemplateBody=body, Parameters=given("vpc-0123456789abcdef0", "us-east-1a"))["Message"]
    assert "does not exist" in error(cf.create_stack, StackName=name, TemplateBody=body, Parameters=given(vpc, "us-east-1a,us-east-1z"))["Message"]
    create(cf, name, body, Parameters=given(vpc, "us-east-1a,us-east-1b"))
    delete(cf, name)
    tarn.client("ec2").delete_vpc(VpcId=vpc)


def test_templates_by_url_and_nested_stacks(tarn, cf, name):
    s3 = tarn.client("s3")
    s3.create_bucket(Bucket=name)
    inner = template({"Q": queue(QueueName={"Ref": "Name"})}, Parameters={"Name": {"Type": "String"}}, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Q", "Arn"]}}})
    s3.put_object(Bucket=name, Key="inner.json", Body=inner)
    outer = {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": f"https://{name}.s3.us-east-1.amazonaws.com/inner.json", "Parameters": {"Name": name + "-1"}}}}
    s3.put_object(Bucket=name, Key="outer.json", Body=template(outer, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Arn"]}}}))
    cf.create_stack(StackName=name, TemplateURL=f"{tarn.endpoint}/{name}/outer.json")
    wait(cf, name, "stack_create_complete")
    assert outputs(cf, name)["Arn"].endswith(name + "-1")
    inner_id = resources(cf, name)["Inner"]["PhysicalResourceId"]
    child = cf.describe_stacks(StackName=inner_id)["Stacks"][0]
    assert child["ParentId"] == child["RootId"] == cf.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    assert "can only be updated by their root" in error(cf.update_stack, StackName=inner_id, UsePreviousTemplate=True)["Message"]
    s3.put_object(Bucket=name, Key="inner.json", Body=inner.replace('"Q":', '"Other":').replace('["Q"', '["Other"'))
    outer["Inner"]["Properties"]["Parameters"]["Name"] = name + "-2"
    update(cf, name, template(outer, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Arn"]}}}))
    assert queue_names(tarn, name) == [name + "-2"] and outputs(cf, name)["Arn"].endswith(name + "-2")
    # Change sets go down.
    unchanged = cf.create_change_set(StackName=name, ChangeSetName="down", UsePreviousTemplate=True, IncludeNestedStacks=True)["Id"]
    assert cf.describe_change_set(ChangeSetName=unchanged)["Status"] == "FAILED"
    outer["Inner"]["Properties"]["Parameters"]["Name"] = name + "-3"
    cf.create_change_set(StackName=name, ChangeSetName="root", TemplateBody=template(outer), IncludeNestedStacks=True)
    change, = cf.describe_change_set(StackName=name, ChangeSetName="root")["Changes"]
    below = cf.describe_change_set(ChangeSetName=change["ResourceChange"]["ChangeSetId"])
    assert [c["ResourceChange"]["LogicalResourceId"] for c in below["Changes"]] == ["Other"] and below["StackId"] == inner_id and below["RootChangeSetId"]
    cf.delete_change_set(StackName=name, ChangeSetName="root")
    assert error(cf.describe_change_set, ChangeSetName=below["ChangeSetId"])["Code"] == "ChangeSetNotFound"
    # What a nested stack replaces is there until its root is done: what is in it comes back with a rollback.
    sqs = tarn.client("sqs")
    kept = sqs.get_queue_url(QueueName=name + "-2")["QueueUrl"]
    sqs.send_message(QueueUrl=kept, MessageBody="precious")
    broken = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:nowhere", "maxReceiveCount": 3}
    cf.update_stack(StackName=name, TemplateBody=template({**outer, "Bad": {**queue(RedrivePolicy=broken), "DependsOn": "Inner"}}))
    assert settled(cf, name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert queue_names(tarn, name) == [name + "-2"] and cf.describe_stacks(StackName=inner_id)["Stacks"][0]["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert sqs.receive_message(QueueUrl=kept)["Messages"][0]["Body"] == "precious"
    # What fails within rolls back the whole.
    outer["Inner"]["Properties"]["Parameters"]["Name"] = "not a name"
    cf.update_stack(StackName=name, TemplateBody=template(outer))
    assert settled(cf, name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert queue_names(tarn, name) == [name + "-2"]
    assert "Embedded stack" in str(events(cf, name))
    delete(cf, name)
    assert queue_names(tarn, name) == []
    assert "S3 error" in error(cf.create_stack, StackName=name, TemplateURL=f"{tarn.endpoint}/{name}/none.json")["Message"]
    assert "is not a valid S3 domain" in error(cf.create_stack, StackName=name, TemplateURL="https://example.com/a/b")["Message"]


PROVIDER = """
import json, urllib.request
def handler(event, context):
    p = event["ResourceProperties"]
    answer = {k: event[k] for k in ("StackId", "RequestId", "LogicalResourceId")}
    answer.update(Status="SUCCESS", PhysicalResourceId=p.get("Id") or event.get("PhysicalResourceId", "made"), Data={"Seen": json.dumps(event)})
    if p.get("Fail") == event["RequestType"]:
        answer.update(Status="FAILED", Reason="as told")
    if p.get("Silent") == "true":
        return
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=json.dumps(answer).encode(), headers={"content-type": ""}, method="PUT"))
"""


@pytest.fixture(scope="module")
def provider(tarn):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as z:
        z.writestr("index.py", PROVIDER)
    made = tarn.client("lambda").create_function(FunctionName="cloudformation-provider", Runtime="python3.12", Role=ROLE, Handler="index.handler",
                                                 Code={"ZipFile": packed.getvalue()}, Timeout=20)
    yield made["FunctionArn"]
    tarn.client("lambda").delete_function(FunctionName="cloudformation-provider")


def custom(provider, **properties):
    return {"Type": "Custom::Thing", "Properties": {"ServiceToken": provider, **properties}}


def test_custom_resources(tarn, cf, name, provider):
    seen = {"Outputs": {"Seen": {"Value": {"Fn::GetAtt": ["C", "Seen"]}}, "Ref": {"Value": {"Ref": "C"}}}}
    create(cf, name, template({"C": custom(provider, Id="one", Number=5, Flag=True, Deep={"List": [1, False]})}, **seen))
    event = json.loads(outputs(cf, name)["Seen"])
    assert outputs(cf, name)["Ref"] == "one" and event["RequestType"] == "Create" and event["ResourceType"] == "Custom::Thing"
    assert event["ResourceProperties"] == {"ServiceToken": provider, "Id": "one", "Number": "5", "Flag": "true", "Deep": {"List": ["1", "false"]}}
    update(cf, name, template({"C": custom(provider, Id="one", Number=6)}, **seen))
    event = json.loads(outputs(cf, name)["Seen"])
    assert (event["RequestType"], event["PhysicalResourceId"], event["OldResourceProperties"]["Number"], event["ResourceProperties"]["Number"]) == ("Update", "one", "5", "6")
    update(cf, name, template({"C": custom(provider, Id="two")}, **seen))
    assert outputs(cf, name)["Ref"] == "two"
    told = [e[:2] for e in events(cf, name)]
    assert ("C", "DELETE_COMPLETE") in told[told.index((name, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", )):]
    cf.update_stack(StackName=name, TemplateBody=template({"C": custom(provider, Id="two", Fail="Update")}, **seen))
    assert settled(cf, name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Received response status [FAILED] from custom resource. Message returned: as told (RequestId: " in str(events(cf, name))
    delete(cf, name)


NODE_PROVIDER = """
const https = require('https');
exports.handler = async (event) => {
  const { hostname, pathname, search } = new URL(event.ResponseURL);
  const body = JSON.stringify({ Status: 'SUCCESS', Reason: 'r', PhysicalResourceId: 'node', StackId: event.StackId, RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId, Data: { Type: event.RequestType } });
  await new Promise((resolve, reject) => {
    const request = https.request({ hostname, path: pathname + search, method: 'PUT', headers: { 'content-type': '', 'content-length': body.length } },
      (response) => { response.resume(); resolve(); });
    request.on('error', reject);
    request.end(body);
  });
};
"""


def test_a_custom_resource_that_answers_by_https(tarn, cf, name):
    made = subprocess.run([ROOT / "tools/node-env"], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(made.stderr)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as z:
        z.writestr("index.js", NODE_PROVIDER)
    arn = tarn.client("lambda").create_function(FunctionName=name, Runtime="nodejs22.x", Role=ROLE, Handler="index.handler",
                                                Code={"ZipFile": packed.getvalue()}, Timeout=20)["FunctionArn"]
    create(cf, name, template({"C": custom(arn)}, Outputs={"T": {"Value": {"Fn::GetAtt": ["C", "Type"]}}}))
    assert outputs(cf, name) == {"T": "Create"}
    delete(cf, name)


def test_a_custom_resource_behind_a_topic(tarn, cf, name):
    import urllib.request

    sqs, sns = tarn.client("sqs"), tarn.client("sns")
    url = sqs.create_queue(QueueName=name + "-asked")["QueueUrl"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{name}-asked", Attributes={"RawMessageDelivery": "true"})

    def answer(wanted, **more):
        message = None
        while not message:
            message = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages")
        event = json.loads(message[0]["Body"])
        assert event["RequestType"] == wanted
        body = {"Status": "SUCCESS", **{k: event[k] for k in ("StackId", "RequestId", "LogicalResourceId")}, **more}
        urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=json.dumps(body).encode(), method="PUT"))
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message[0]["ReceiptHandle"])

    stack_id = cf.create_stack(StackName=name, TemplateBody=template({"C": custom(topic, Id="x")}))["StackId"]
    answer("Create", PhysicalResourceId="by-topic")
    wait(cf, name, "stack_create_complete")
    assert resources(cf, name)["C"]["PhysicalResourceId"] == "by-topic"
    cf.delete_stack(StackName=name)
    answer("Delete")
    wait(cf, stack_id, "stack_delete_complete")


def test_a_custom_resource_that_never_answers(cf, name, provider):
    cf.create_stack(StackName=name, TemplateBody=template({"C": custom(provider, Silent="true", ServiceTimeout=1), "Q": queue()}), DisableRollback=True)
    assert settled(cf, name)["StackStatus"] == "CREATE_FAILED"
    assert "CloudFormation did not receive a response from your Custom Resource" in str(events(cf, name))
    cf.delete_stack(StackName=name)
    assert settled(cf, name)["StackStatus"] == "DELETE_FAILED"
    stack_id = cf.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cf.delete_stack(StackName=name, RetainResources=["C"])
    wait(cf, stack_id, "stack_delete_complete")


def test_wait_conditions(cf, name):
    import urllib.request

    body = template({"H": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
                     "W": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": {"Ref": "H"}, "Timeout": "60", "Count": 2}}},
                    Outputs={"Data": {"Value": {"Fn::GetAtt": ["W", "Data"]}}})
    cf.create_stack(StackName=name, TemplateBody=body)
    for _ in range(100):
        if resources(cf, name).get("H", {}).get("ResourceStatus") == "CREATE_COMPLETE":
            break
        time.sleep(0.05)
    url = resources(cf, name)["H"]["PhysicalResourceId"]
    for n in "12":
        signal = json.dumps({"Status": "SUCCESS", "UniqueId": n, "Data": "d" + n, "Reason": "r"}).encode()
        urllib.request.urlopen(urllib.request.Request(url, data=signal, method="PUT"))
    wait(cf, name, "stack_create_complete")
    assert json.loads(outputs(cf, name)["Data"]) == {"1": "d1", "2": "d2"}
    delete(cf, name)


def test_two_operations_at_once_are_refused(cf, name, provider):
    body = template({"C": custom(provider, Silent="true", ServiceTimeout=2)})
    cf.create_stack(StackName=name, TemplateBody=body)
    assert "is in CREATE_IN_PROGRESS state and can not be updated" in error(cf.update_stack, StackName=name, TemplateBody=template({"Q": queue()}))["Message"]
    stack_id = cf.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    assert error(cf.continue_update_rollback, StackName=name)["Code"] == "ValidationError"
    cf.delete_stack(StackName=name)  # a creation can be given up
    for _ in range(100):
        stack = settled(cf, stack_id)
        if stack["StackStatus"].startswith("DELETE"):
            break
    assert stack["StackStatus"] == "DELETE_FAILED"  # the provider is silent about that, too
    cf.delete_stack(StackName=stack_id, DeletionMode="FORCE_DELETE_STACK")
    wait(cf, stack_id, "stack_delete_complete")


def test_topics_and_the_bus_are_told(tarn, cf, name):
    sqs, sns, bus = tarn.client("sqs"), tarn.client("sns"), tarn.client("events")
    url = sqs.create_queue(QueueName=name + "-told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    bus.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Stack Status Change"]}))
    bus.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
    stack_id = create(cf, name, template({"Q": queue()}), NotificationARNs=[topic])
    got = ""
    for _ in range(30):
        for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            got += m["Body"]
        if got.count("LogicalResourceId='Q'") == 3 and got.count('"status":"CREATE_COMPLETE"') + got.count('"status": "CREATE_COMPLETE"') == 1:
            break
    assert got.count("LogicalResourceId='Q'") == 3 and "ResourceStatus='CREATE_COMPLETE'" in got and "CloudFormation Stack Status Change" in got
    bus.remove_targets(Rule=name, Ids=["q"])
    bus.delete_rule(Name=name)
    delete(cf, stack_id)


def _begun(cf, step):
    """Whether the creation, update, deletion of the stack "many" has been accepted."""
    try:
        status = cf.describe_stacks(StackName="many")["Stacks"][0]["StackStatus"]
    except ClientError:
        return step == 2
    return status.startswith(("CREATE", "UPDATE", "DELETE")[step])


def _ask(act, cf):
    try:
        act(cf)
    except Exception:
        pass  # it was killed meanwhile


def test_what_is_under_way_survives_kill_9(tmp_path):
    tarn = Tarn(tmp_path / "data")
    try:
        many = {f"Q{i}": {**queue(QueueName=f"many-{i}", DelaySeconds=i), **({"DependsOn": f"Q{i - 1}"} if i % 4 else {})} for i in range(24)}
        more = {**many, **{f"Q{i}": queue(QueueName=f"many-{i}", DelaySeconds=40) for i in range(4)}, **{f"N{i}": queue(QueueName=f"new-{i}") for i in range(6)}}
        del more["Q23"]
        goal = [sorted(f"many-{i}" for i in range(24)), sorted([f"many-{i}" for i in range(23)] + [f"new-{i}" for i in range(6)]), []]
        for pause in (0.0, 0.02, 0.05, 0.1, 0.2):
            for step, act in enumerate((lambda cf: cf.create_stack(StackName="many", TemplateBody=template(many)),
                                        lambda cf: cf.update_stack(StackName="many", TemplateBody=template(more)),
                                        lambda cf: cf.delete_stack(StackName="many"))):
                cf = tarn.client("cloudformation")
                asked = threading.Thread(target=_ask, args=(act, cf))
                asked.start()
                while not _begun(cf, step):
                    time.sleep(0.002)
                if step == 0:
                    stack_id = cf.describe_stacks(StackName="many")["Stacks"][0]["StackId"]
                time.sleep(pause)
                tarn.kill()
                asked.join()
                tarn.start()
                status = settled(tarn.client("cloudformation"), stack_id)["StackStatus"]
                assert status == ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")[step], events(tarn.client("cloudformation"), stack_id)
                urls = tarn.client("sqs").list_queues(MaxResults=1000).get("QueueUrls", [])
                assert sorted(u.rsplit("/", 1)[1] for u in urls) == goal[step], (pause, step)
    finally:
        tarn.stop()


def test_awscli_deploys(tarn, name, tmp_path):
    aws = shutil.which("aws", path="/usr/bin:" + os.environ["PATH"])
    if not aws:
        pytest.skip("awscli is not installed")
    aws = [aws, "--endpoint-url", tarn.endpoint, "cloudformation"]
    env = tarn.environment()

    def run(*words):
        done = subprocess.run([*aws, *words], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    file = tmp_path / "stack.yaml"
    text = "Parameters:\n  Delay: {Type: Number}\nResources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {DelaySeconds: !Ref Delay}\nOutputs:\n  Url: {Value: !Ref Q}\n"
    file.write_text(text)
    deploy = ("deploy", "--stack-name", name, "--template-file", str(file), "--parameter-overrides", "Delay=4")
    assert "Successfully created/updated stack" in run(*deploy)
    assert "No changes to deploy" in run(*deploy)
    assert "Successfully created/updated stack" in run(*deploy[:-1], "Delay=5")
    assert json.loads(run("describe-stacks", "--stack-name", name, "--output", "json"))["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"
    run("delete-stack", "--stack-name", name)
    run("wait", "stack-delete-complete", "--stack-name", name)
