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


def test_roles_of_services(iam):
    role = iam.create_service_linked_role(AWSServiceName="lakeformation.amazonaws.com")["Role"]
    assert (role["RoleName"], role["Path"]) == ("AWSServiceRoleForLakeFormationDataAccess", "/aws-service-role/lakeformation.amazonaws.com/")
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "lakeformation.amazonaws.com"}
    assert code(iam.create_service_linked_role, AWSServiceName="lakeformation.amazonaws.com") == "InvalidInput"
    assert code(iam.create_service_linked_role, AWSServiceName="nonsense.amazonaws.com") == "InvalidInput"
    name = role["RoleName"]
    assert [p["PolicyName"] for p in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]] == ["LakeFormationDataAccessServiceRolePolicy"]
    assert code(iam.delete_role, RoleName=name) == "UnmodifiableEntity"
    assert code(iam.attach_role_policy, RoleName=name, PolicyArn=GLUE_POLICY) == "UnmodifiableEntity"
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    assert code(iam.get_role, RoleName=name) == "NoSuchEntity"


def test_identity_providers(iam):
    url = "token.actions.githubusercontent.com"
    arn = iam.create_open_id_connect_provider(Url=f"https://{url}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["6" * 40])["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::300000000001:oidc-provider/{url}"
    assert code(iam.create_open_id_connect_provider, Url=f"https://{url}") == "EntityAlreadyExists"
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="lake")
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (shown["Url"], shown["ClientIDList"], shown["Tags"]) == (url, ["sts.amazonaws.com", "lake"], [{"Key": "a", "Value": "b"}])
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert code(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn) == "NoSuchEntity"


def test_the_account_as_a_whole(tarn):
    iam, other = tarn.client("iam", key="300000000002"), tarn.client("iam", key="300000000003")
    iam.create_account_alias(AccountAlias="the-lake")
    assert iam.list_account_aliases()["AccountAliases"] == ["the-lake"]
    assert code(other.create_account_alias, AccountAlias="the-lake") == "EntityAlreadyExists"
    iam.create_user(UserName="ana")
    iam.create_group(GroupName="analysts")
    iam.add_user_to_group(GroupName="analysts", UserName="ana")
    iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=allow("s3:Get*"))
    iam.create_role(RoleName="glue", AssumeRolePolicyDocument=LAMBDA)
    iam.create_instance_profile(InstanceProfileName="box")
    iam.tag_instance_profile(InstanceProfileName="box", Tags=[{"Key": "a", "Value": "b"}])
    assert iam.list_instance_profile_tags(InstanceProfileName="box")["Tags"] == [{"Key": "a", "Value": "b"}]
    iam.add_role_to_instance_profile(InstanceProfileName="box", RoleName="glue")
    numbers = iam.get_account_summary()["SummaryMap"]
    assert [numbers[n] for n in ("Users", "Groups", "Roles", "InstanceProfiles", "Policies")] == [1, 1, 1, 1, 0]
    everything = iam.get_account_authorization_details(Filter=["User", "Group", "Role"])
    assert everything["UserDetailList"][0]["GroupList"] == ["analysts"]
    assert everything["UserDetailList"][0]["UserPolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] == "s3:Get*"
    assert everything["RoleDetailList"][0]["InstanceProfileList"][0]["InstanceProfileName"] == "box"
    pages = list(iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 50}))
    assert len(pages) > 1 and "AmazonS3FullAccess" in {p["PolicyName"] for page in pages for p in page["Policies"]}
    assert code(iam.get_account_password_policy) == "NoSuchEntity"
    iam.update_account_password_policy(MinimumPasswordLength=14, RequireSymbols=True, MaxPasswordAge=90)
    rules = iam.get_account_password_policy()["PasswordPolicy"]
    assert (rules["MinimumPasswordLength"], rules["RequireSymbols"], rules["RequireNumbers"], rules["ExpirePasswords"]) == (14, True, False, True)
    iam.delete_account_password_policy()
    assert code(iam.delete_account_password_policy) == "NoSuchEntity"
    key = iam.create_access_key(UserName="ana")["AccessKey"]["AccessKeyId"]
    assert iam.get_access_key_last_used(AccessKeyId=key)["UserName"] == "ana"
    assert code(other.get_access_key_last_used, AccessKeyId=key) == "NoSuchEntity"
    iam.delete_account_alias(AccountAlias="the-lake")
    assert iam.list_account_aliases()["AccountAliases"] == []


def allow(action, resource="*", effect="Allow", **condition):
    statement = {"Effect": effect, "Action": action, "Resource": resource, **({"Condition": condition} if condition else {})}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def decisions(answer):
    return [(r["EvalActionName"], r["EvalResourceName"], r["EvalDecision"]) for r in answer["EvaluationResults"]]


def test_what_policies_would_decide(iam):
    lake, other = "arn:aws:s3:::lake/a", "arn:aws:s3:::other/a"
    given = [allow(["s3:Get*", "s3:List*"], "arn:aws:s3:::lake/*"), allow("s3:GetObjectAcl", effect="Deny")]
    answer = iam.simulate_custom_policy(PolicyInputList=given, ActionNames=["s3:GetObject", "s3:GetObjectAcl", "s3:PutObject"], ResourceArns=[lake, other])
    assert decisions(answer) == [("s3:GetObject", lake, "allowed"), ("s3:GetObject", other, "implicitDeny"), ("s3:GetObjectAcl", lake, "explicitDeny"),
                                 ("s3:GetObjectAcl", other, "explicitDeny"), ("s3:PutObject", lake, "implicitDeny"), ("s3:PutObject", other, "implicitDeny")]
    assert answer["EvaluationResults"][0]["MatchedStatements"][0]["SourcePolicyId"] == "PolicyInputList.1"

    iam.create_user(UserName="ana")
    iam.put_user_policy(UserName="ana", PolicyName="home", PolicyDocument=allow("s3:GetObject", "arn:aws:s3:::lake/${aws:username}/*"))
    iam.create_group(GroupName="small")
    iam.put_group_policy(GroupName="small", PolicyName="small", PolicyDocument=allow("s3:PutObject", NumericLessThan={"s3:max-keys": "10"}))
    iam.add_user_to_group(GroupName="small", UserName="ana")
    iam.attach_user_policy(UserName="ana", PolicyArn="arn:aws:iam::aws:policy/AmazonAthenaFullAccess")
    ana = "arn:aws:iam::300000000001:user/ana"
    ask = {"PolicySourceArn": ana, "ActionNames": ["s3:GetObject", "s3:PutObject", "athena:StartQueryExecution"], "ResourceArns": ["arn:aws:s3:::lake/ana/x"]}
    assert [d[2] for d in decisions(iam.simulate_principal_policy(**ask))] == ["implicitDeny", "implicitDeny", "allowed"]
    missing = iam.simulate_principal_policy(**ask)["EvaluationResults"][0]["MissingContextValues"]
    assert {"aws:username", "s3:max-keys"} <= set(missing)
    context = [{"ContextKeyName": "aws:username", "ContextKeyValues": ["ana"], "ContextKeyType": "string"},
               {"ContextKeyName": "s3:max-keys", "ContextKeyValues": ["5"], "ContextKeyType": "numeric"}]
    assert [d[2] for d in decisions(iam.simulate_principal_policy(**ask, ContextEntries=context))] == ["allowed"] * 3
    bounded = iam.simulate_principal_policy(**ask, ContextEntries=context, PermissionsBoundaryPolicyInputList=[allow("s3:*")])
    assert [d[2] for d in decisions(bounded)] == ["allowed", "allowed", "implicitDeny"]
    keys = iam.get_context_keys_for_custom_policy(PolicyInputList=[allow("s3:*", StringLike={"s3:prefix": ["${aws:username}"]})])["ContextKeyNames"]
    assert keys == ["aws:username", "s3:prefix"]
    tags = allow("ec2:CreateTags", **{"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}})
    for values, decision in ((["a"], "allowed"), (["a", "c"], "implicitDeny")):
        entry = [{"ContextKeyName": "aws:TagKeys", "ContextKeyValues": values, "ContextKeyType": "stringList"}]
        assert decisions(iam.simulate_custom_policy(PolicyInputList=[tags], ActionNames=["ec2:CreateTags"], ContextEntries=entry))[0][2] == decision
    assert code(iam.simulate_custom_policy, PolicyInputList=[tags], ActionNames=["ec2:CreateTags"], ResourcePolicy="{}") == "NotImplemented"
    assert code(iam.simulate_principal_policy, PolicySourceArn=ana + "x", ActionNames=["s3:GetObject"]) == "NoSuchEntity"
