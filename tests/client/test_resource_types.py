"""CloudFormation's resource types: each service's are created, changed (in place and by replacement) and deleted by a stack, and read back
through the service's own API."""

import copy
import io
import json
import time
import zipfile

import pytest
from botocore.exceptions import ClientError

ACCOUNT, REGION = "000000000000", "us-east-1"


def policy(**statement):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **statement}]}


def trust(service):
    statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def role(service, **more):
    return resource("IAM::Role", AssumeRolePolicyDocument=trust(service), **more)


def resource(kind, after=None, **properties):
    return {"Type": f"AWS::{kind}", "Properties": properties, **({"DependsOn": after} if after else {})}


def ref(logical_id):
    return {"Ref": logical_id}


def att(logical_id, attribute):
    return {"Fn::GetAtt": [logical_id, attribute]}


def tags(**named):
    return [{"Key": k, "Value": v} for k, v in named.items()]


def as_dict(pairs):
    return {p.get("Key", p.get("key")): p.get("Value", p.get("value")) for p in pairs if not p.get("Key", p.get("key")).startswith("aws:")}


def code(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


class Stack:
    def __init__(self, tarn, name, resources, **outputs):
        self.cf, self.name, self.resources, self.outputs_of = tarn.client("cloudformation"), name, copy.deepcopy(resources), outputs
        self.cf.create_stack(StackName=name, TemplateBody=self.template(), Capabilities=["CAPABILITY_NAMED_IAM"], Tags=tags(stack="s"))
        self.wait("CREATE_COMPLETE")

    def template(self):
        outputs = {k: {"Value": v} for k, v in self.outputs_of.items()}
        return json.dumps({"Resources": self.resources, **({"Outputs": outputs} if outputs else {})})

    def wait(self, wanted):
        for _ in range(600):
            status = self.cf.describe_stacks(StackName=self.id if hasattr(self, "id") else self.name)["Stacks"][0]
            self.id = status["StackId"]
            if not status["StackStatus"].endswith("_IN_PROGRESS"):
                break
            time.sleep(0.05)
        reasons = [(e["LogicalResourceId"], e["ResourceStatus"], e["ResourceStatusReason"]) for e in
                   self.cf.describe_stack_events(StackName=self.id)["StackEvents"] if e.get("ResourceStatusReason")]
        assert status["StackStatus"] == wanted, reasons
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in status.get("Outputs", [])}
        self.ids = {r["LogicalResourceId"]: r.get("PhysicalResourceId") for r in
                    self.cf.describe_stack_resources(StackName=self.id)["StackResources"]}

    def change(self, **by_resource):
        """Properties to set; None removes one."""
        for logical_id, properties in by_resource.items():
            for key, value in properties.items():
                self.resources[logical_id]["Properties"].pop(key, None)
                if value is not None:
                    self.resources[logical_id]["Properties"][key] = value
        self.cf.update_stack(StackName=self.name, TemplateBody=self.template(), Capabilities=["CAPABILITY_NAMED_IAM"], Tags=tags(stack="s"))
        self.wait("UPDATE_COMPLETE")

    def delete(self):
        self.cf.delete_stack(StackName=self.name)
        self.wait("DELETE_COMPLETE")


def test_buckets(tarn, name):
    s3 = tarn.client("s3")
    stack = Stack(tarn, name, {
        "Target": resource("SQS::Queue"),
        "TargetPolicy": resource("SQS::QueuePolicy", Queues=[ref("Target")], PolicyDocument=policy(
            Principal={"Service": "s3.amazonaws.com"}, Action="sqs:SendMessage", Resource=att("Target", "Arn"))),
        "Logs": resource("S3::Bucket", AccessControl="LogDeliveryWrite", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}),
        "Lake": resource(
            "S3::Bucket", after=["TargetPolicy"], BucketName=f"lake-{name}", Tags=tags(team="data"),
            BucketEncryption={"ServerSideEncryptionConfiguration": [{"BucketKeyEnabled": "true", "ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
            VersioningConfiguration={"Status": "Enabled"},
            PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": "true", "IgnorePublicAcls": True, "RestrictPublicBuckets": True},
            CorsConfiguration={"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposedHeaders": ["ETag"], "MaxAge": 60, "Id": "c"}]},
            LifecycleConfiguration={"Rules": [
                {"Id": "old", "Status": "Enabled", "Prefix": "raw/", "ExpirationInDays": "60", "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 30}]},
                {"Id": "big", "Status": "Enabled", "ObjectSizeGreaterThan": "1000", "TagFilters": tags(a="b"), "NoncurrentVersionExpirationInDays": 9}]},
            LoggingConfiguration={"DestinationBucketName": ref("Logs"), "LogFilePrefix": "lake/"},
            NotificationConfiguration={"EventBridgeConfiguration": {"EventBridgeEnabled": True}, "QueueConfigurations": [
                {"Event": "s3:ObjectCreated:*", "Queue": att("Target", "Arn"), "Filter": {"S3Key": {"Rules": [{"Name": "suffix", "Value": ".json"}]}}}]},
            WebsiteConfiguration={"IndexDocument": "index.html", "RoutingRules": [
                {"RoutingRuleCondition": {"KeyPrefixEquals": "a/"}, "RedirectRule": {"ReplaceKeyPrefixWith": "b/"}}]},
            InventoryConfigurations=[{"Id": "i", "Enabled": True, "IncludedObjectVersions": "All", "ScheduleFrequency": "Daily",
                                      "Destination": {"BucketArn": att("Logs", "Arn"), "Format": "CSV"}}],
            MetricsConfigurations=[{"Id": "m"}, {"Id": "n", "Prefix": "x"}]),
        "LakePolicy": resource("S3::BucketPolicy", Bucket=ref("Lake"), PolicyDocument=policy(
            Effect="Deny", Principal="*", Action="s3:*", Resource=att("Lake", "Arn"), Condition={"Bool": {"aws:SecureTransport": "false"}})),
    }, Arn=att("Lake", "Arn"), Domain=att("Lake", "RegionalDomainName"), Site=att("Lake", "WebsiteURL"))
    lake = f"lake-{name}"
    assert stack.outputs == {"Arn": f"arn:aws:s3:::{lake}", "Domain": f"{lake}.s3.{REGION}.amazonaws.com",
                             "Site": f"http://{lake}.s3-website-{REGION}.amazonaws.com"}
    assert as_dict(s3.get_bucket_tagging(Bucket=lake)["TagSet"]) == {"team": "data", "stack": "s"}
    rules = {r["ID"]: r for r in s3.get_bucket_lifecycle_configuration(Bucket=lake)["Rules"]}
    assert rules["old"]["Expiration"] == {"Days": 60} and rules["old"]["Transitions"] == [{"Days": 30, "StorageClass": "GLACIER"}]
    assert rules["big"]["Filter"]["And"] == {"Tags": tags(a="b"), "ObjectSizeGreaterThan": 1000}
    asked = s3.get_bucket_notification_configuration(Bucket=lake)
    assert asked["QueueConfigurations"][0]["Filter"]["Key"]["FilterRules"][0]["Value"] == ".json" and "EventBridgeConfiguration" in asked
    assert s3.get_bucket_cors(Bucket=lake)["CORSRules"][0]["ExposeHeaders"] == ["ETag"]
    assert s3.get_bucket_logging(Bucket=lake)["LoggingEnabled"]["TargetBucket"] == stack.ids["Logs"]
    assert s3.get_public_access_block(Bucket=lake)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is True
    assert s3.get_bucket_website(Bucket=lake)["RoutingRules"][0]["Redirect"] == {"ReplaceKeyPrefixWith": "b/"}
    stack.change(Lake={"Tags": tags(team="lake"), "LifecycleConfiguration": {"Rules": [{"Id": "new", "Status": "Disabled", "ExpirationInDays": 90}]},
                       "CorsConfiguration": None, "WebsiteConfiguration": None, "NotificationConfiguration": None, "LoggingConfiguration": None,
                       "VersioningConfiguration": None, "MetricsConfigurations": [{"Id": "n"}], "PublicAccessBlockConfiguration": None})
    assert as_dict(s3.get_bucket_tagging(Bucket=lake)["TagSet"]) == {"team": "lake", "stack": "s"}
    assert [r["ID"] for r in s3.get_bucket_lifecycle_configuration(Bucket=lake)["Rules"]] == ["new"]
    assert s3.get_bucket_versioning(Bucket=lake)["Status"] == "Suspended"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=lake)
    assert [m["Id"] for m in s3.list_bucket_metrics_configurations(Bucket=lake)["MetricsConfigurationList"]] == ["n"]
    assert code(s3.get_bucket_cors, Bucket=lake) == "NoSuchCORSConfiguration"
    assert code(s3.get_public_access_block, Bucket=lake) == "NoSuchPublicAccessBlockConfiguration"
    stack.change(Lake={"BucketName": f"other-{name}"})  # another bucket, and its policy with it
    assert code(s3.head_bucket, Bucket=lake) == "404" and "Statement" in s3.get_bucket_policy(Bucket=f"other-{name}")["Policy"]
    s3.put_object(Bucket=f"other-{name}", Key="k", Body=b"x")
    stack.cf.delete_stack(StackName=stack.name)
    stack.wait("DELETE_FAILED")
    s3.delete_object(Bucket=f"other-{name}", Key="k")
    for version in s3.list_object_versions(Bucket=f"other-{name}").get("DeleteMarkers", []) + s3.list_object_versions(Bucket=f"other-{name}").get("Versions", []):
        s3.delete_object(Bucket=f"other-{name}", Key=version["Key"], VersionId=version["VersionId"])
    stack.delete()
    assert code(s3.head_bucket, Bucket=f"other-{name}") == "404"


def test_queues_and_topics(tarn, name):
    sqs, sns = tarn.client("sqs"), tarn.client("sns")
    stack = Stack(tarn, name, {
        "Dead": resource("SQS::Queue", MessageRetentionPeriod=1209600),
        "Work": resource("SQS::Queue", VisibilityTimeout="120", RedrivePolicy={"deadLetterTargetArn": att("Dead", "Arn"), "maxReceiveCount": "3"},
                         Tags=tags(a="1", b="2")),
        "Fifo": resource("SQS::Queue", FifoQueue=True, ContentBasedDeduplication=True),
        "Allow": resource("SQS::QueuePolicy", Queues=[ref("Work"), ref("Dead")], PolicyDocument=policy(Principal="*", Action="sqs:SendMessage")),
        "Topic": resource("SNS::Topic", DisplayName="errors", Subscription=[{"Protocol": "email", "Endpoint": "a@example.com"}]),
        "Sub": resource("SNS::Subscription", TopicArn=ref("Topic"), Protocol="sqs", Endpoint=att("Work", "Arn"), RawMessageDelivery=True,
                        FilterPolicy={"kind": ["a"]}),
        "TopicPolicy": resource("SNS::TopicPolicy", Topics=[ref("Topic")], PolicyDocument=policy(
            Principal={"Service": "events.amazonaws.com"}, Action="sns:Publish", Resource=ref("Topic"))),
    }, Name=att("Topic", "TopicName"), Queue=att("Fifo", "QueueName"))

    def attributes(queue):
        return sqs.get_queue_attributes(QueueUrl=stack.ids[queue], AttributeNames=["All"])["Attributes"]

    assert stack.outputs["Name"] == stack.ids["Topic"].split(":")[-1] and stack.outputs["Queue"].endswith(".fifo")
    assert attributes("Work")["VisibilityTimeout"] == "120" and json.loads(attributes("Work")["RedrivePolicy"])["maxReceiveCount"] in (3, "3")
    assert "Policy" in attributes("Dead") and sqs.list_queue_tags(QueueUrl=stack.ids["Work"])["Tags"].items() >= {"a": "1", "b": "2", "stack": "s"}.items()
    subscription = sns.get_subscription_attributes(SubscriptionArn=stack.ids["Sub"])["Attributes"]
    assert subscription["RawMessageDelivery"] == "true" and json.loads(subscription["FilterPolicy"]) == {"kind": ["a"]}
    assert "events.amazonaws.com" in sns.get_topic_attributes(TopicArn=stack.ids["Topic"])["Attributes"]["Policy"]
    stack.change(Work={"VisibilityTimeout": None, "DelaySeconds": 5, "RedrivePolicy": None, "Tags": tags(a="3")}, Allow={"Queues": [ref("Work")]},
                 Fifo={"ContentBasedDeduplication": None}, Sub={"RawMessageDelivery": None, "FilterPolicy": None}, Topic={"DisplayName": None})
    assert attributes("Work")["VisibilityTimeout"] == "30" and attributes("Work")["DelaySeconds"] == "5" and "RedrivePolicy" not in attributes("Work")
    assert "Policy" not in attributes("Dead") and attributes("Fifo")["ContentBasedDeduplication"] == "false"
    assert sqs.list_queue_tags(QueueUrl=stack.ids["Work"])["Tags"].get("a") == "3" and "b" not in sqs.list_queue_tags(QueueUrl=stack.ids["Work"])["Tags"]
    subscription = sns.get_subscription_attributes(SubscriptionArn=stack.ids["Sub"])["Attributes"]
    assert subscription["RawMessageDelivery"] == "false" and json.loads(subscription.get("FilterPolicy") or "{}") == {}
    stack.delete()
    assert code(sns.get_topic_attributes, TopicArn=stack.ids["Topic"]) == "NotFound"


def test_identities(tarn, name):
    iam = tarn.client("iam")
    allow = policy(Action="s3:GetObject")
    stack = Stack(tarn, name, {
        "Role": role("lambda", Description="d", MaxSessionDuration=7200, Tags=tags(a="1"),
                     ManagedPolicyArns=["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
                     Policies=[{"PolicyName": "inline", "PolicyDocument": allow}]),
        "Managed": resource("IAM::ManagedPolicy", PolicyDocument=allow, Roles=[ref("Role")], Path="/team/"),
        "User": resource("IAM::User", ManagedPolicyArns=[ref("Managed")]),
        "Group": resource("IAM::Group", Policies=[{"PolicyName": "g", "PolicyDocument": allow}]),
        "Add": resource("IAM::UserToGroupAddition", GroupName=ref("Group"), Users=[ref("User")]),
        "Key": resource("IAM::AccessKey", UserName=ref("User")),
        "Profile": resource("IAM::InstanceProfile", Roles=[ref("Role")]),
        "Policy": resource("IAM::Policy", PolicyName="p", PolicyDocument=allow, Roles=[ref("Role")], Users=[ref("User")]),
    }, Arn=att("Role", "Arn"), Secret=att("Key", "SecretAccessKey"))
    made = iam.get_role(RoleName=stack.ids["Role"])["Role"]
    assert stack.outputs["Arn"] == made["Arn"] and made["MaxSessionDuration"] == 7200 and len(stack.outputs["Secret"]) == 40
    assert as_dict(made["Tags"]) == {"a": "1", "stack": "s"}
    attached = {p["PolicyArn"] for p in iam.list_attached_role_policies(RoleName=made["RoleName"])["AttachedPolicies"]}
    assert attached == {stack.ids["Managed"], "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}
    assert set(iam.list_role_policies(RoleName=made["RoleName"])["PolicyNames"]) == {"inline", "p"}
    assert iam.get_group(GroupName=stack.ids["Group"])["Users"][0]["UserName"] == stack.ids["User"]
    stack.change(Role={"Description": "e", "MaxSessionDuration": None, "ManagedPolicyArns": None, "Tags": None,
                       "Policies": [{"PolicyName": "other", "PolicyDocument": allow}]},
                 Managed={"PolicyDocument": policy(Action="s3:*")}, Policy={"PolicyName": "q", "Users": None}, Key={"Status": "Inactive"})
    made = iam.get_role(RoleName=stack.ids["Role"])["Role"]
    assert made["Description"] == "e" and made["MaxSessionDuration"] == 3600 and as_dict(made["Tags"]) == {"stack": "s"}
    assert set(iam.list_role_policies(RoleName=made["RoleName"])["PolicyNames"]) == {"other", "q"}
    assert [p["PolicyArn"] for p in iam.list_attached_role_policies(RoleName=made["RoleName"])["AttachedPolicies"]] == [stack.ids["Managed"]]
    assert iam.get_policy(PolicyArn=stack.ids["Managed"])["Policy"]["DefaultVersionId"] == "v2"
    assert iam.list_user_policies(UserName=stack.ids["User"])["PolicyNames"] == []
    assert iam.list_access_keys(UserName=stack.ids["User"])["AccessKeyMetadata"][0]["Status"] == "Inactive"
    assert len(stack.outputs["Secret"]) == 40
    old = stack.ids["Role"]
    stack.change(Role={"Path": "/team/"})  # another role; what names it follows
    assert stack.ids["Role"] != old and code(iam.get_role, RoleName=old) == "NoSuchEntity"
    assert iam.get_instance_profile(InstanceProfileName=stack.ids["Profile"])["InstanceProfile"]["Roles"][0]["RoleName"] == stack.ids["Role"]
    assert set(iam.list_role_policies(RoleName=stack.ids["Role"])["PolicyNames"]) == {"other", "q"}
    stack.delete()
    assert code(iam.get_role, RoleName=stack.ids["Role"]) == "NoSuchEntity" and code(iam.get_user, UserName=stack.ids["User"]) == "NoSuchEntity"


FUNCTION = """import cfnresponse
def handler(event, context):
    return {"answer": %d, "sends": callable(cfnresponse.send)}
"""


def test_functions(tarn, name):
    client, s3, logs = tarn.client("lambda"), tarn.client("s3"), tarn.client("logs")
    s3.create_bucket(Bucket=name)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("python/shared.py", "VALUE = 7\n")
    s3.put_object(Bucket=name, Key="layer.zip", Body=archive.getvalue())
    stack = Stack(tarn, name, {
        "Role": role("lambda"), "Dead": resource("SQS::Queue"), "Work": resource("SQS::Queue"),
        "Logs": resource("Logs::LogGroup", LogGroupName=f"/{name}", RetentionInDays=7, Tags=tags(a="1")),
        "Stream": resource("Logs::LogStream", LogGroupName=ref("Logs")),
        "Layer": resource("Lambda::LayerVersion", Content={"S3Bucket": name, "S3Key": "layer.zip"}, CompatibleRuntimes=["python3.12"]),
        "Fn": resource("Lambda::Function", Code={"ZipFile": FUNCTION % 1}, Handler="index.handler", Runtime="python3.12", Role=att("Role", "Arn"),
                       Timeout="10", Environment={"Variables": {"COUNT": 1, "FLAG": True}}, ReservedConcurrentExecutions=5, Layers=[ref("Layer")],
                       DeadLetterConfig={"TargetArn": att("Dead", "Arn")}, Tags=tags(a="1")),
        "Version": resource("Lambda::Version", FunctionName=ref("Fn")),
        "Alias": resource("Lambda::Alias", Name="live", FunctionName=ref("Fn"), FunctionVersion=att("Version", "Version")),
        "Allow": resource("Lambda::Permission", FunctionName=att("Fn", "Arn"), Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
                          SourceAccount=ACCOUNT),
        "Mapping": resource("Lambda::EventSourceMapping", FunctionName=ref("Fn"), EventSourceArn=att("Work", "Arn"), BatchSize=5, Enabled=False),
        "Asynchronous": resource("Lambda::EventInvokeConfig", FunctionName=ref("Fn"), Qualifier="$LATEST", MaximumRetryAttempts=1),
    }, Arn=att("Fn", "Arn"), Version=att("Version", "Version"))
    fn = stack.ids["Fn"]
    assert json.load(client.invoke(FunctionName=fn)["Payload"]) == {"answer": 1, "sends": True}
    made = client.get_function_configuration(FunctionName=fn)
    assert stack.outputs == {"Arn": made["FunctionArn"], "Version": "1"} and made["Environment"]["Variables"] == {"COUNT": "1", "FLAG": "true"}
    assert made["Layers"][0]["Arn"] == stack.ids["Layer"] and "s3.amazonaws.com" in client.get_policy(FunctionName=fn)["Policy"]
    stack.change(Fn={"Code": {"ZipFile": FUNCTION % 2}, "Timeout": None, "Environment": None, "ReservedConcurrentExecutions": None, "Layers": None,
                     "DeadLetterConfig": None, "Tags": tags(b="1")},
                 Mapping={"BatchSize": 7}, Asynchronous={"MaximumRetryAttempts": 0}, Alias={"Description": "now"},
                 Logs={"RetentionInDays": None, "Tags": tags(b="2")})
    made = client.get_function_configuration(FunctionName=fn)
    assert json.load(client.invoke(FunctionName=fn)["Payload"])["answer"] == 2 and json.load(client.invoke(FunctionName=f"{fn}:live")["Payload"])["answer"] == 1
    assert made["Timeout"] == 3 and not made.get("Environment", {}).get("Variables") and not made.get("Layers") and "DeadLetterConfig" not in made
    assert {"b": "1", "stack": "s"}.items() <= client.list_tags(Resource=made["FunctionArn"])["Tags"].items()
    assert "a" not in client.list_tags(Resource=made["FunctionArn"])["Tags"]
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=fn)
    assert client.get_event_source_mapping(UUID=stack.ids["Mapping"])["BatchSize"] == 7
    assert client.get_alias(FunctionName=fn, Name="live")["Description"] == "now"
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix=f"/{name}")["logGroups"][0]
    stack.delete()
    assert code(client.get_function, FunctionName=fn) == "ResourceNotFoundException"


def test_inline_code_answers_for_a_custom_resource(tarn, name):
    answers = """import cfnresponse
def handler(event, context):
    data = {"Answer": event["RequestType"] + event["ResourceProperties"]["Count"]}
    cfnresponse.send(event, context, cfnresponse.SUCCESS, data, "its-id")
"""
    stack = Stack(tarn, name, {
        "Role": role("lambda"),
        "Fn": resource("Lambda::Function", Code={"ZipFile": answers}, Handler="index.handler", Runtime="python3.12", Role=att("Role", "Arn")),
        "Own": {"Type": "Custom::Own", "Properties": {"ServiceToken": att("Fn", "Arn"), "Count": 5}},
    }, Answer=att("Own", "Answer"))
    assert stack.outputs == {"Answer": "Create5"} and stack.ids["Own"] == "its-id"
    stack.change(Own={"Count": 6})
    assert stack.outputs == {"Answer": "Update6"}
    stack.delete()


def test_rules_and_schedules(tarn, name):
    events, scheduler = tarn.client("events"), tarn.client("scheduler")
    stack = Stack(tarn, name, {
        "Role": role("scheduler"), "Queue": resource("SQS::Queue"),
        "Bus": resource("Events::EventBus", Name=name),
        "Old": resource("Events::EventBusPolicy", EventBusName=ref("Bus"), StatementId="old", Action="events:PutEvents", Principal="111122223333"),
        "New": resource("Events::EventBusPolicy", EventBusName=ref("Bus"), StatementId="new", Statement={
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "events:PutEvents", "Resource": att("Bus", "Arn")}),
        "Rule": resource("Events::Rule", EventPattern={"source": ["aws.s3"]}, Targets=[
            {"Id": "q", "Arn": att("Queue", "Arn"), "InputTransformer": {"InputPathsMap": {"a": "$.detail.a"}, "InputTemplate": "{\"a\": <a>}"}}]),
        "OnBus": resource("Events::Rule", EventBusName=ref("Bus"), EventPattern={"source": ["lake"]}, Targets=[{"Id": "q", "Arn": att("Queue", "Arn")}]),
        "Archive": resource("Events::Archive", SourceArn=att("Bus", "Arn"), RetentionDays=3),
        "Group": resource("Scheduler::ScheduleGroup"),
        "Schedule": resource("Scheduler::Schedule", GroupName=ref("Group"), ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"},
                             StartDate="2030-01-01T00:00:00.000Z", Target={"Arn": att("Queue", "Arn"), "RoleArn": att("Role", "Arn"), "Input": "{}"}),
    }, Rule=att("OnBus", "Arn"), Schedule=att("Schedule", "Arn"))
    on_bus = stack.ids["OnBus"].split("|")[1]
    assert stack.ids["OnBus"] == f"{name}|{on_bus}" and stack.outputs["Rule"] == events.describe_rule(Name=on_bus, EventBusName=name)["Arn"]
    statements = json.loads(events.describe_event_bus(Name=name)["Policy"])["Statement"]
    assert {s["Sid"] for s in statements} == {"old", "new"}
    schedule = scheduler.get_schedule(Name=stack.ids["Schedule"], GroupName=stack.ids["Group"])
    assert schedule["Arn"] == stack.outputs["Schedule"] and schedule["StartDate"].year == 2030
    stack.change(Rule={"State": "DISABLED", "Targets": [{"Id": "r", "Arn": att("Queue", "Arn")}]}, OnBus={"EventPattern": {"source": ["other"]}},
                 Schedule={"ScheduleExpression": "rate(2 hours)", "StartDate": None}, Archive={"RetentionDays": 5})
    assert events.describe_rule(Name=stack.ids["Rule"])["State"] == "DISABLED"
    assert [t["Id"] for t in events.list_targets_by_rule(Rule=stack.ids["Rule"])["Targets"]] == ["r"]
    assert json.loads(events.describe_rule(Name=on_bus, EventBusName=name)["EventPattern"]) == {"source": ["other"]}
    schedule = scheduler.get_schedule(Name=stack.ids["Schedule"], GroupName=stack.ids["Group"])
    assert schedule["ScheduleExpression"] == "rate(2 hours)" and "StartDate" not in schedule
    assert events.describe_archive(ArchiveName=stack.ids["Archive"])["RetentionDays"] == 5
    stack.delete()
    assert code(events.describe_event_bus, Name=name) == "ResourceNotFoundException"
    assert code(scheduler.get_schedule_group, Name=stack.ids["Group"]) == "ResourceNotFoundException"


def test_state_machines(tarn, name):
    states, s3 = tarn.client("stepfunctions"), tarn.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="m.json", Body=json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": "${what}", "End": True}}}))
    stack = Stack(tarn, name, {
        "Role": role("states"),
        "Logs": resource("Logs::LogGroup"),
        "Machine": resource("StepFunctions::StateMachine", RoleArn=att("Role", "Arn"), DefinitionSubstitutions={"what": "a \"b\""}, Tags=tags(a="1"),
                            Definition={"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": "${what}", "End": True}}},
                            LoggingConfiguration={"Level": "ALL", "IncludeExecutionData": True,
                                                  "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": att("Logs", "Arn")}}]}),
        "FromS3": resource("StepFunctions::StateMachine", StateMachineType="EXPRESS", RoleArn=att("Role", "Arn"),
                           DefinitionS3Location={"Bucket": name, "Key": "m.json"}, DefinitionSubstitutions={"what": "c"}),
        "Activity": resource("StepFunctions::Activity", Name=name),
        "Version": resource("StepFunctions::StateMachineVersion", StateMachineArn=ref("Machine")),
        "Alias": resource("StepFunctions::StateMachineAlias", Name="live", RoutingConfiguration=[{"StateMachineVersionArn": ref("Version"), "Weight": 100}]),
    }, Name=att("Machine", "Name"))
    machine = states.describe_state_machine(stateMachineArn=stack.ids["Machine"])
    assert stack.outputs["Name"] == machine["name"] and json.loads(machine["definition"])["States"]["P"]["Result"] == "a \"b\""
    assert machine["loggingConfiguration"]["level"] == "ALL"
    assert json.loads(states.describe_state_machine(stateMachineArn=stack.ids["FromS3"])["definition"])["States"]["P"]["Result"] == "c"
    stack.change(Machine={"DefinitionSubstitutions": {"what": "d"}, "LoggingConfiguration": None, "Tags": tags(b="1")}, Alias={"Description": "e"})
    machine = states.describe_state_machine(stateMachineArn=stack.ids["Machine"])
    assert json.loads(machine["definition"])["States"]["P"]["Result"] == "d" and machine["loggingConfiguration"]["level"] == "OFF"
    assert as_dict(states.list_tags_for_resource(resourceArn=stack.ids["Machine"])["tags"]) == {"b": "1", "stack": "s"}
    assert states.describe_state_machine_alias(stateMachineAliasArn=stack.ids["Alias"])["description"] == "e"
    old = stack.ids["FromS3"]
    stack.change(FromS3={"StateMachineName": f"{name}-2"})
    assert stack.ids["FromS3"].endswith(f":{name}-2") and code(states.describe_state_machine, stateMachineArn=old) == "StateMachineDoesNotExist"
    stack.delete()
    assert code(states.describe_state_machine, stateMachineArn=stack.ids["Machine"]) == "StateMachineDoesNotExist"


def storage(location):
    return {"Columns": [{"Name": "a", "Type": "string"}], "Location": location, "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe", "Parameters": {"paths": "a"}}}


def test_catalog_crawlers_and_jobs(tarn, name):
    glue = tarn.client("glue")
    catalog = {"CatalogId": {"Ref": "AWS::AccountId"}}
    table = {"Name": "orders", "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "json", "EXTERNAL": True},
             "PartitionKeys": [{"Name": "date", "Type": "string"}], "StorageDescriptor": storage("s3://lake/t/")}
    stack = Stack(tarn, name, {
        "Role": role("glue", ManagedPolicyArns=["arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"]),
        "Db": resource("Glue::Database", **catalog, DatabaseInput={"Name": name, "Description": "d", "LocationUri": "s3://lake/", "Parameters": {"a": 1}}),
        "Table": resource("Glue::Table", **catalog, DatabaseName=ref("Db"), TableInput=table),
        "Day": resource("Glue::Partition", **catalog, DatabaseName=ref("Db"), TableName=ref("Table"),
                        PartitionInput={"Values": ["2026-01-01"], "StorageDescriptor": storage("s3://lake/t/date=2026-01-01/")}),
        "Csv": resource("Glue::Classifier", CsvClassifier={"Name": name, "Delimiter": "|", "ContainsHeader": "PRESENT", "Header": ["a"]}),
        "Crawler": resource("Glue::Crawler", Role=att("Role", "Arn"), DatabaseName=ref("Db"), Targets={"S3Targets": [{"Path": "s3://lake/raw/"}]},
                            Classifiers=[ref("Csv")], Schedule={"ScheduleExpression": "cron(0 1 * * ? *)"}, TablePrefix="p_", Tags={"a": "1"},
                            SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}, RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}),
        "Job": resource("Glue::Job", Role=ref("Role"), Command={"Name": "glueetl", "ScriptLocation": "s3://lake/s.py", "PythonVersion": "3"},
                        DefaultArguments={"--x": "y"}, GlueVersion="4.0", NumberOfWorkers=2, WorkerType="G.1X", ExecutionProperty={"MaxConcurrentRuns": 3}),
        "Flow": resource("Glue::Workflow", MaxConcurrentRuns=2),
        "Start": resource("Glue::Trigger", Type="SCHEDULED", Schedule="cron(0 0 * * ? *)", StartOnCreation=True, WorkflowName=ref("Flow"),
                          Actions=[{"JobName": ref("Job")}]),
        "Then": resource("Glue::Trigger", Type="CONDITIONAL", StartOnCreation=True, WorkflowName=ref("Flow"), Actions=[{"CrawlerName": ref("Crawler")}],
                         Predicate={"Conditions": [{"LogicalOperator": "EQUALS", "JobName": ref("Job"), "State": "SUCCEEDED"}]}),
        "Net": resource("Glue::Connection", **catalog, ConnectionInput={
            "Name": name, "ConnectionType": "NETWORK", "ConnectionProperties": {}, "PhysicalConnectionRequirements": {"SubnetId": "subnet-1"}}),
    })
    assert glue.get_database(Name=name)["Database"]["Parameters"] == {"a": "1"}
    assert glue.get_table(DatabaseName=name, Name="orders")["Table"]["Parameters"]["EXTERNAL"] == "true"
    crawler = glue.get_crawler(Name=stack.ids["Crawler"])["Crawler"]
    assert crawler["Schedule"]["ScheduleExpression"] == "cron(0 1 * * ? *)" and crawler["Classifiers"] == [name]
    assert glue.get_trigger(Name=stack.ids["Start"])["Trigger"]["State"] == "ACTIVATED"
    changed = {**table, "Description": "x", "Parameters": {"classification": "json"}}
    stack.change(Table={"TableInput": changed}, Crawler={"Schedule": None, "Description": "d", "TablePrefix": None, "Tags": {"b": "1"}},
                 Day={"PartitionInput": {"Values": ["2026-01-01"], "StorageDescriptor": storage("s3://lake/other/")}},
                 Job={"NumberOfWorkers": 3, "DefaultArguments": None}, Start={"Schedule": "cron(0 5 * * ? *)"}, Flow={"Description": "d"},
                 Csv={"CsvClassifier": {"Name": name, "Delimiter": ";", "ContainsHeader": "PRESENT", "Header": ["a"]}})
    assert glue.get_table(DatabaseName=name, Name="orders")["Table"]["Description"] == "x"
    assert glue.get_partition(DatabaseName=name, TableName="orders", PartitionValues=["2026-01-01"])["Partition"]["StorageDescriptor"]["Location"] == "s3://lake/other/"
    crawler = glue.get_crawler(Name=stack.ids["Crawler"])["Crawler"]
    assert not crawler.get("Schedule", {}).get("ScheduleExpression") and not crawler.get("TablePrefix") and crawler["Description"] == "d"
    found = glue.get_tags(ResourceArn=f"arn:aws:glue:{REGION}:{ACCOUNT}:crawler/{stack.ids['Crawler']}")["Tags"]
    assert found.get("b") == "1" and "a" not in found
    job = glue.get_job(JobName=stack.ids["Job"])["Job"]
    assert job["NumberOfWorkers"] == 3 and not job.get("DefaultArguments")
    assert glue.get_trigger(Name=stack.ids["Start"])["Trigger"]["Schedule"] == "cron(0 5 * * ? *)"
    assert glue.get_classifier(Name=name)["Classifier"]["CsvClassifier"]["Delimiter"] == ";"
    stack.change(Table={"TableInput": {**changed, "Name": "sales"}})
    assert stack.ids["Table"] == "sales" and code(glue.get_table, DatabaseName=name, Name="orders") == "EntityNotFoundException"
    stack.delete()
    assert code(glue.get_database, Name=name) == "EntityNotFoundException" and code(glue.get_job, JobName=stack.ids["Job"]) == "EntityNotFoundException"


def test_workgroups_keys_and_secrets(tarn, name):
    athena, kms, secrets, ssm = (tarn.client(service) for service in ("athena", "kms", "secretsmanager", "ssm"))
    stack = Stack(tarn, name, {
        "Results": resource("S3::Bucket"),
        "Group": resource("Athena::WorkGroup", Name=name, Description="d", RecursiveDeleteOption=True, WorkGroupConfiguration={
            "BytesScannedCutoffPerQuery": 100000000, "EnforceWorkGroupConfiguration": "true",
            "ResultConfiguration": {"OutputLocation": {"Fn::Sub": "s3://${Results}/r/"}, "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}}}),
        "Query": resource("Athena::NamedQuery", Database="default", QueryString="select 1", WorkGroup=ref("Group")),
        "Prepared": resource("Athena::PreparedStatement", StatementName="two", WorkGroup=ref("Group"), QueryStatement="select ?"),
        "Key": resource("KMS::Key", EnableKeyRotation=True, PendingWindowInDays=7, KeyPolicy=policy(
            Principal={"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}, Action="kms:*")),
        "Alias": resource("KMS::Alias", AliasName=f"alias/{name}", TargetKeyId=ref("Key")),
        "Secret": resource("SecretsManager::Secret", KmsKeyId=ref("Key"), GenerateSecretString={
            "SecretStringTemplate": "{\"username\": \"admin\"}", "GenerateStringKey": "password", "PasswordLength": 20, "ExcludePunctuation": True}),
        "Parameter": resource("SSM::Parameter", Name=f"/{name}/p", Type="String", Value="v", Description="d", Tags={"a": "1"}),
    }, Key=att("Key", "Arn"), Value=att("Parameter", "Value"))
    group = athena.get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"]
    assert group["BytesScannedCutoffPerQuery"] == 100000000 and group["ResultConfiguration"]["OutputLocation"] == f"s3://{stack.ids['Results']}/r/"
    assert kms.get_key_rotation_status(KeyId=stack.ids["Key"])["KeyRotationEnabled"] is True
    assert kms.describe_key(KeyId=f"alias/{name}")["KeyMetadata"]["Arn"] == stack.outputs["Key"]
    value = json.loads(secrets.get_secret_value(SecretId=stack.ids["Secret"])["SecretString"])
    assert value["username"] == "admin" and len(value["password"]) == 20 and value["password"].isalnum()
    stack.change(Group={"Description": None, "WorkGroupConfiguration": {"EnforceWorkGroupConfiguration": False}}, Prepared={"QueryStatement": "select ?, ?"},
                 Key={"EnableKeyRotation": False, "Description": "e"}, Secret={"Description": "f"}, Parameter={"Value": "w", "Tags": {"b": "1"}})
    group = athena.get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"]
    assert "BytesScannedCutoffPerQuery" not in group and "OutputLocation" not in group.get("ResultConfiguration", {})
    assert athena.get_prepared_statement(StatementName="two", WorkGroup=name)["PreparedStatement"]["QueryStatement"] == "select ?, ?"
    assert kms.get_key_rotation_status(KeyId=stack.ids["Key"])["KeyRotationEnabled"] is False
    assert json.loads(secrets.get_secret_value(SecretId=stack.ids["Secret"])["SecretString"]) == value  # only its description is another
    assert ssm.get_parameter(Name=f"/{name}/p")["Parameter"]["Value"] == "w" and stack.outputs["Value"] == "w"
    stack.delete()
    assert kms.describe_key(KeyId=stack.ids["Key"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert code(secrets.get_secret_value, SecretId=stack.ids["Secret"]) == "ResourceNotFoundException"
    assert code(ssm.get_parameter, Name=f"/{name}/p") == "ParameterNotFound"


def test_networks(tarn, name):
    ec2 = tarn.client("ec2")
    stack = Stack(tarn, name, {
        "Vpc": resource("EC2::VPC", CidrBlock="10.9.0.0/16", EnableDnsHostnames=True, Tags=tags(Name="v")),
        "Subnet": resource("EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.9.1.0/24", AvailabilityZone={"Fn::Select": [0, {"Fn::GetAZs": ""}]}),
        "Gateway": resource("EC2::InternetGateway"),
        "Attach": resource("EC2::VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Gateway")),
        "Table": resource("EC2::RouteTable", VpcId=ref("Vpc")),
        "Route": resource("EC2::Route", after=["Attach"], RouteTableId=ref("Table"), DestinationCidrBlock="0.0.0.0/0", GatewayId=ref("Gateway")),
        "Use": resource("EC2::SubnetRouteTableAssociation", SubnetId=ref("Subnet"), RouteTableId=ref("Table")),
        "Ip": resource("EC2::EIP", after=["Attach"], Domain="vpc"),
        "Nat": resource("EC2::NatGateway", after=["Attach"], AllocationId=att("Ip", "AllocationId"), SubnetId=ref("Subnet"), Tags=tags(Name="n")),
        "Group": resource("EC2::SecurityGroup", GroupDescription="g", VpcId=ref("Vpc"),
                          SecurityGroupEgress=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}],
                          SecurityGroupIngress=[{"IpProtocol": "tcp", "FromPort": "5432", "ToPort": 5432, "CidrIp": "10.0.0.0/8", "Description": "db"}]),
        "Self": resource("EC2::SecurityGroupIngress", GroupId=att("Group", "GroupId"), IpProtocol="-1", SourceSecurityGroupId=ref("Group")),
        "Role": role("lambda"),
        "Fn": resource("Lambda::Function", Code={"ZipFile": FUNCTION % 3}, Handler="index.handler", Runtime="python3.12", Role=att("Role", "Arn"),
                       VpcConfig={"SubnetIds": [ref("Subnet")], "SecurityGroupIds": [ref("Group")]}),
        "Endpoint": resource("EC2::VPCEndpoint", VpcId=ref("Vpc"), ServiceName={"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"}, RouteTableIds=[ref("Table")]),
    }, Default=att("Vpc", "DefaultSecurityGroup"), Zone=att("Subnet", "AvailabilityZone"))
    assert stack.outputs["Default"].startswith("sg-") and stack.outputs["Zone"] == f"{REGION}a"
    group = ec2.describe_security_groups(GroupIds=[stack.ids["Group"]])["SecurityGroups"][0]
    assert [p["FromPort"] for p in group["IpPermissionsEgress"]] == [443] and len(group["IpPermissions"]) == 2
    assert tarn.client("lambda").get_function_configuration(FunctionName=stack.ids["Fn"])["VpcConfig"]["VpcId"] == stack.ids["Vpc"]
    assert {r.get("GatewayId") for r in ec2.describe_route_tables(RouteTableIds=[stack.ids["Table"]])["RouteTables"][0]["Routes"]} >= {stack.ids["Gateway"]}
    stack.change(Group={"SecurityGroupIngress": [{"IpProtocol": "tcp", "FromPort": 5433, "ToPort": 5433, "CidrIp": "10.0.0.0/8"}]},
                 Vpc={"EnableDnsHostnames": None, "Tags": tags(Name="w")}, Route={"GatewayId": None, "NatGatewayId": ref("Nat")})
    group = ec2.describe_security_groups(GroupIds=[stack.ids["Group"]])["SecurityGroups"][0]
    assert 5433 in [p.get("FromPort") for p in group["IpPermissions"]] and 5432 not in [p.get("FromPort") for p in group["IpPermissions"]]
    assert as_dict(ec2.describe_vpcs(VpcIds=[stack.ids["Vpc"]])["Vpcs"][0]["Tags"]) == {"Name": "w", "stack": "s"}
    assert ec2.describe_vpc_attribute(VpcId=stack.ids["Vpc"], Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"] is False
    stack.delete()
    assert code(ec2.describe_vpcs, VpcIds=[stack.ids["Vpc"]]) == "InvalidVpcID.NotFound"


def test_what_is_wrong_is_told_before_anything_is_made(tarn, name):
    cf, s3 = tarn.client("cloudformation"), tarn.client("s3")

    def refusal(**resources):
        template = json.dumps({"Resources": {"First": resource("S3::Bucket", BucketName=f"first-{name}"), **resources}})
        with pytest.raises(ClientError) as refused:
            cf.create_stack(StackName=name, TemplateBody=template)
        assert code(s3.head_bucket, Bucket=f"first-{name}") == "404"
        return refused.value.response["Error"]["Message"]

    assert "Lists" in refusal(Bad=resource("SQS::Queue", Lists=1))
    assert "AWS::Kinesis::Stream" in refusal(Bad=resource("Kinesis::Stream", ShardCount=1))
    assert "AWS::SQS::Qeue" in refusal(Bad=resource("SQS::Qeue"))
    assert "DeliveryStatusLogging" in refusal(Bad=resource("SNS::Topic", DeliveryStatusLogging=[{"Protocol": "sqs"}]))
