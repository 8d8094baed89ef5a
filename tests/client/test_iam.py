"""IAM by boto3, beyond users, groups and roles: what AWS keeps in every account, and what deployment tools ask for."""

import json

import pytest
from botocore.exceptions import ClientError

LAMBDA = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
GLUE_POLICY = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"


@pytest.fixture
def iam(tarn):
    return tarn.client("iam", key="300000000001")


def code(call, **members):
    with pytest.raises(ClientError) as refused:
        call(**members)
    return refused.value.response["Error"]["Code"]


def test_policies_of_aws(iam):
    policy = iam.get_policy(PolicyArn=GLUE_POLICY)["Policy"]
    assert (policy["PolicyName"], policy["Path"], policy["AttachmentCount"]) == ("AWSGlueServiceRole", "/service-role/", 0)
    document = iam.get_policy_version(PolicyArn=GLUE_POLICY, VersionId=policy["DefaultVersionId"])["PolicyVersion"]["Document"]
    assert "glue:*" in document["Statement"][0]["Action"]
    iam.create_role(RoleName="glue", AssumeRolePolicyDocument=LAMBDA)
    iam.attach_role_policy(RoleName="glue", PolicyArn=GLUE_POLICY)
    attached = iam.list_policies(Scope="AWS", OnlyAttached=True)["Policies"]
    assert [(p["Arn"], p["AttachmentCount"]) for p in attached] == [(GLUE_POLICY, 1)]
    names = {p["PolicyName"] for page in iam.get_paginator("list_policies").paginate(Scope="AWS") for p in page["Policies"]}
    assert {"AdministratorAccess", "AmazonS3FullAccess", "AmazonAthenaFullAccess", "AWSLambdaBasicExecutionRole"} <= names
    assert code(iam.create_policy_version, PolicyArn=GLUE_POLICY, PolicyDocument=json.dumps(document)) == "InvalidInput"
    assert code(iam.delete_policy, PolicyArn=GLUE_POLICY) == "InvalidInput"
    iam.detach_role_policy(RoleName="glue", PolicyArn=GLUE_POLICY)
    iam.delete_role(RoleName="glue")
