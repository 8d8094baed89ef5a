#include "deploy/resources/table_type.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "deploy/resources/known_types.hpp"

namespace tarn::deploy {
namespace {

// Operations that note what they are asked and answer what they are told.
class TableTypeTest : public ::testing::Test {
 protected:
  void answers(const std::string& operation, const std::string& json) {
    operations_.add(operation, [this, operation, answer = parse_json(json)](api::Context&, const Value& input) {
      calls_.push_back(operation.substr(operation.find(':') + 1) + " " + to_json(input));
      return answer;
    });
  }
  void fails(const std::string& operation, ErrorKind kind, const std::string& code) {
    operations_.add(operation, [this, operation, kind, code](api::Context&, const Value&) -> Value {
      calls_.push_back(operation.substr(operation.find(':') + 1) + " -> " + code);
      throw Error(kind, code, code);
    });
  }
  Action action(bool begun_before = false) {
    return {.operations = operations_,
            .clock = clock_,
            .random = random_,
            .principal = {"123456789012", "arn:aws:iam::123456789012:root", "123456789012", ""},
            .region = "eu-west-1",
            .endpoint = "http://127.0.0.1:4566",
            .stack_id = "arn:aws:cloudformation:eu-west-1:123456789012:stack/lake/1",
            .stack_name = "lake",
            .logical_id = "Thing",
            .token = "t1",
            .begun_before = begun_before,
            .tags = {}};
  }
  const ResourceType& type(std::string_view name) {
    if (!types_.find("AWS::S3::Bucket")) add_resource_types(types_);
    const ResourceType* found = types_.find(name);
    EXPECT_TRUE(found) << name;
    return *found;
  }
  // All steps of a creation.
  Progress create(const ResourceType& one, const char* properties, const Action& by) {
    Progress progress = one.create(by, parse_json(properties), {});
    for (int i = 0; !progress.done && i < 5; ++i) progress = one.create(by, parse_json(properties), progress.memory);
    EXPECT_TRUE(progress.done);
    return progress;
  }

  ManualClock clock_{Time(std::chrono::seconds(1'700'000'000))};
  SeededRandom random_{1};
  api::Operations operations_;
  std::vector<std::string> calls_;
  ResourceTypes types_;
};
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(TableTypeTest, CreatesAndTellsRefAndAttributes) {
  fails("sqs:GetQueueUrl", ErrorKind::missing, "QueueDoesNotExist");
  answers("sqs:CreateQueue", R"({"QueueUrl": "http://127.0.0.1:4566/123456789012/work"})");
  answers("sqs:GetQueueAttributes", R"({"Attributes": {"QueueArn": "arn:aws:sqs:eu-west-1:123456789012:work"}})");
  const Progress made = create(
      type("AWS::SQS::Queue"),
      R"({"QueueName": "work", "VisibilityTimeout": "60", "RedrivePolicy": {"maxReceiveCount": 3}, "Tags": [{"Key": "a", "Value": "b"}]})",
      action());
  EXPECT_EQ(made.physical_id, "http://127.0.0.1:4566/123456789012/work");
  EXPECT_EQ(made.attributes.string_or("Arn"), "arn:aws:sqs:eu-west-1:123456789012:work");
  EXPECT_EQ(made.attributes.string_or("QueueName"), "work");
  EXPECT_THAT(
      calls_,
      ElementsAre(
          "GetQueueUrl -> QueueDoesNotExist",
          R"(CreateQueue {"QueueName":"work","tags":{"a":"b"},"Attributes":{"RedrivePolicy":"{\"maxReceiveCount\":3}","VisibilityTimeout":"60"}})",
          StartsWith("GetQueueAttributes")));
}

TEST_F(TableTypeTest, GeneratesANameThatIsAlwaysTheSame) {
  fails("sqs:GetQueueUrl", ErrorKind::missing, "QueueDoesNotExist");
  answers("sqs:CreateQueue", R"({"QueueUrl": "http://h/1/q"})");
  answers("sqs:GetQueueAttributes", R"({"Attributes": {}})");
  create(type("AWS::SQS::Queue"), R"({"FifoQueue": true})", action());
  create(type("AWS::SQS::Queue"), R"({"FifoQueue": true})", action());
  EXPECT_THAT(calls_[1], HasSubstr(R"("QueueName":"lake-Thing-)"));
  EXPECT_THAT(calls_[1], HasSubstr(R"(.fifo")"));
  EXPECT_EQ(calls_[1], calls_[4]);
}

TEST_F(TableTypeTest, WhatIsThereAlreadyFailsUnlessThisActionMadeIt) {
  answers("sqs:GetQueueUrl", R"({"QueueUrl": "http://h/1/work"})");
  answers("sqs:GetQueueAttributes", R"({"Attributes": {"QueueArn": "arn"}})");
  try {
    create(type("AWS::SQS::Queue"), R"({"QueueName": "work"})", action());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), "AlreadyExists");
    EXPECT_EQ(e.message(), "Resource of type 'AWS::SQS::Queue' with identifier 'work' already exists.");
  }
  EXPECT_EQ(create(type("AWS::SQS::Queue"), R"({"QueueName": "work"})", action(true)).physical_id, "http://h/1/work");
}

TEST_F(TableTypeTest, AnotherNameThatIsTakenIsAdoptedByTheErrorToo) {
  fails("iam:CreateRole", ErrorKind::conflict, "EntityAlreadyExists");
  answers("iam:GetRole", R"({"Role": {"Arn": "arn:role", "RoleId": "AROA"}})");
  const char* role = R"({"RoleName": "etl", "AssumeRolePolicyDocument": {"Statement": []}})";
  EXPECT_THROW(create(type("AWS::IAM::Role"), role, action()), Error);
  EXPECT_EQ(create(type("AWS::IAM::Role"), role, action(true)).attributes.string_or("Arn"), "arn:role");
}

TEST_F(TableTypeTest, PartsComeAfterTheIdIsKnown) {
  answers("iam:CreateRole", "{}");
  answers("iam:GetRole", R"({"Role": {"Arn": "arn:role", "RoleId": "AROA"}})");
  answers("iam:AttachRolePolicy", "{}");
  answers("iam:PutRolePolicy", "{}");
  const char* properties = R"({"RoleName": "etl", "AssumeRolePolicyDocument": {"Statement": []},
      "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
      "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": []}}]})";
  const Progress first = type("AWS::IAM::Role").create(action(), parse_json(properties), {});
  EXPECT_EQ(first.physical_id, "etl");
  EXPECT_FALSE(first.done);
  EXPECT_EQ(calls_.size(), 1u);
  EXPECT_TRUE(type("AWS::IAM::Role").create(action(), parse_json(properties), first.memory).done);
  EXPECT_THAT(calls_,
              ElementsAre(R"(CreateRole {"RoleName":"etl","AssumeRolePolicyDocument":"{\"Statement\":[]}"})",
                          R"(AttachRolePolicy {"RoleName":"etl","PolicyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"})",
                          R"(PutRolePolicy {"RoleName":"etl","PolicyName":"p","PolicyDocument":"{\"Statement\":[]}"})",
                          R"(GetRole {"RoleName":"etl"})"));
}

TEST_F(TableTypeTest, AnUpdateCallsOnlyWhatChanged) {
  answers("iam:UpdateRole", "{}");
  answers("iam:UpdateAssumeRolePolicy", "{}");
  answers("iam:DetachRolePolicy", "{}");
  answers("iam:AttachRolePolicy", "{}");
  answers("iam:UntagRole", "{}");
  answers("iam:TagRole", "{}");
  answers("iam:GetRole", R"({"Role": {"Arn": "arn:role", "RoleId": "AROA"}})");
  const Value before =
      parse_json(R"({"AssumeRolePolicyDocument": {"Statement": []}, "Description": "old", "ManagedPolicyArns":
      ["arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"], "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]})");
  const Value after = parse_json(R"({"AssumeRolePolicyDocument": {"Statement": []}, "ManagedPolicyArns":
      ["arn:aws:iam::aws:policy/B", "arn:aws:iam::aws:policy/C"], "Tags": [{"Key": "a", "Value": "3"}]})");
  type("AWS::IAM::Role").update(action(), "etl", before, after, {});
  EXPECT_THAT(calls_, ElementsAre(R"(UpdateRole {"RoleName":"etl","Description":""})",
                                  R"(DetachRolePolicy {"RoleName":"etl","PolicyArn":"arn:aws:iam::aws:policy/A"})",
                                  R"(AttachRolePolicy {"RoleName":"etl","PolicyArn":"arn:aws:iam::aws:policy/C"})",
                                  R"(UntagRole {"RoleName":"etl","TagKeys":["b"]})",
                                  R"(TagRole {"RoleName":"etl","Tags":[{"Key":"a","Value":"3"}]})",
                                  R"(GetRole {"RoleName":"etl"})"));
  calls_.clear();
  type("AWS::IAM::Role").update(action(), "etl", after, after, {});
  EXPECT_EQ(calls_.size(), 1u);  // the read alone
}

TEST_F(TableTypeTest, APolicyOfManyFollowsItsNameAndItsList) {
  answers("iam:PutRolePolicy", "{}");
  answers("iam:DeleteRolePolicy", "{}");
  const Value before = parse_json(R"({"PolicyName": "p", "PolicyDocument": {"Statement": []}, "Roles": ["a", "b"]})");
  const Value after = parse_json(R"({"PolicyName": "q", "PolicyDocument": {"Statement": []}, "Roles": ["b"]})");
  type("AWS::IAM::Policy").update(action(), "lake-Thing-1", before, after, {});
  EXPECT_THAT(calls_,
              ElementsAre(R"(DeleteRolePolicy {"RoleName":"a","PolicyName":"p"})",
                          R"(DeleteRolePolicy {"RoleName":"b","PolicyName":"p"})",
                          R"(PutRolePolicy {"RoleName":"b","PolicyName":"q","PolicyDocument":"{\"Statement\":[]}"})"));
}

TEST_F(TableTypeTest, RemovingWhatIsGoneIsNoError) {
  fails("s3:DeleteBucket", ErrorKind::missing, "NoSuchBucket");
  EXPECT_TRUE(type("AWS::S3::Bucket").remove(action(), "lake", {}, {}).done);
}

TEST_F(TableTypeTest, RemovingWhatIsInUseFails) {
  fails("s3:DeleteBucket", ErrorKind::conflict, "BucketNotEmpty");
  EXPECT_THROW(type("AWS::S3::Bucket").remove(action(), "lake", {}, {}), Error);
}

TEST_F(TableTypeTest, ALookedUpThingIsWhatTheCallIsMadeFor) {
  answers("sns:ListSubscriptionsByTopic",
          R"({"Subscriptions": [{"SubscriptionArn": "arn:1", "Protocol": "email", "Endpoint": "a@b.c"},
                                {"SubscriptionArn": "arn:2", "Protocol": "sqs", "Endpoint": "arn:q"}]})");
  answers("sns:Unsubscribe", "{}");
  const std::string id = "arn:aws:sns:eu-west-1:123456789012:t";
  type("AWS::SNS::Topic")
      .update(action(), id, parse_json(R"({"Subscription": [{"Protocol": "sqs", "Endpoint": "arn:q"}]})"),
              parse_json("{}"), {});
  // The whole list went: nothing of it is wanted any more.
  EXPECT_THAT(calls_.back(), R"(Unsubscribe {"SubscriptionArn":"arn:2"})");
}

TEST_F(TableTypeTest, ABucketsPropertiesSpeakS3sWords) {
  fails("s3:HeadBucket", ErrorKind::missing, "NotFound");
  answers("s3:CreateBucket", "{}");
  answers("s3:PutBucketLifecycleConfiguration", "{}");
  answers("s3:PutBucketNotificationConfiguration", "{}");
  answers("s3:PutBucketEncryption", "{}");
  const Progress made = create(type("AWS::S3::Bucket"), R"({"BucketName": "lake",
      "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
      "LifecycleConfiguration": {"Rules": [{"Id": "r", "Status": "Enabled", "ExpirationInDays": 60,
          "TagFilters": [{"Key": "a", "Value": "b"}], "Prefix": "raw/",
          "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 30}]}]},
      "NotificationConfiguration": {"LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": "arn:f",
          "Filter": {"S3Key": {"Rules": [{"Name": "suffix", "Value": ".json"}]}}}]}})",
                               action());
  EXPECT_EQ(made.attributes.string_or("Arn"), "arn:aws:s3:::lake");
  EXPECT_EQ(made.attributes.string_or("WebsiteURL"), "http://lake.s3-website-eu-west-1.amazonaws.com");
  EXPECT_THAT(calls_[1],
              R"(CreateBucket {"Bucket":"lake","CreateBucketConfiguration":{"LocationConstraint":"eu-west-1"}})");
  EXPECT_THAT(calls_[2], HasSubstr(R"({"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]})"));
  EXPECT_THAT(calls_[3], HasSubstr(R"("Filter":{"And":{"Prefix":"raw/","Tags":[{"Key":"a","Value":"b"}]}})"));
  EXPECT_THAT(calls_[3], HasSubstr(R"("Transitions":[{"Days":30,"StorageClass":"GLACIER"}])"));
  EXPECT_THAT(
      calls_[4],
      HasSubstr(
          R"("Events":["s3:ObjectCreated:*"],"Filter":{"Key":{"FilterRules":[{"Name":"suffix","Value":".json"}]}})"));
}

TEST_F(TableTypeTest, WhatTarnDoesNotHaveIsRefusedByName) {
  const auto problems =
      type("AWS::SNS::Topic")
          .check(parse_json(
              R"({"TopicName": "t", "ArchivePolicy": {"MessageRetentionPeriod": "3"}, "TracingConfig": "Active"})"));
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].kind, PropertyProblem::Kind::unsupported);
  EXPECT_EQ(problems[0].path, "/ArchivePolicy");
  EXPECT_EQ(problems[1].path, "/TracingConfig");
  EXPECT_TRUE(type("AWS::SNS::Topic").check(parse_json(R"({"TracingConfig": "PassThrough"})")).empty());
  EXPECT_EQ(type("AWS::SNS::Topic").check(parse_json(R"({"TopicArn": "a"})"))[0].kind, PropertyProblem::Kind::unknown);
}

TEST_F(TableTypeTest, InlineCodeIsAnArchiveWithTheModuleThatAnswers) {
  answers("lambda:CreateFunction", "{}");
  answers("lambda:GetFunctionConfiguration", R"({"State": "Active", "FunctionArn": "arn:f"})");
  const char* function =
      R"({"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Handler": "index.handler",
      "Runtime": "python3.12", "Code": {"ZipFile": "def handler(e, c): pass"}, "Environment": {"Variables": {"FLAG": true}}})";
  EXPECT_EQ(create(type("AWS::Lambda::Function"), function, action()).attributes.string_or("Arn"), "arn:f");
  EXPECT_THAT(calls_[0], HasSubstr(R"("Environment":{"Variables":{"FLAG":"true"}})"));
  EXPECT_THAT(calls_[0], HasSubstr(R"("Code":{"ZipFile":"UEsDBB)"));  // PK\3\4
}

TEST_F(TableTypeTest, WhatIsNotReadyIsAskedForAgain) {
  answers("lambda:CreateFunction", "{}");
  answers("lambda:GetFunctionConfiguration", R"({"State": "Pending"})");
  const Value function = parse_json(R"({"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r",
      "PackageType": "Image", "Code": {"ImageUri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/f:1"}})");
  const Progress made = type("AWS::Lambda::Function").create(action(), function, {});
  const Progress waiting = type("AWS::Lambda::Function").create(action(), function, made.memory);
  EXPECT_EQ(waiting.physical_id, "f");
  EXPECT_FALSE(waiting.done);
  EXPECT_GT(waiting.again_in.count(), 0);
}

TEST_F(TableTypeTest, AnUpdatesCallsWaitForEachOther) {
  answers("lambda:UpdateFunctionCode", "{}");
  answers("lambda:UpdateFunctionConfiguration", "{}");
  bool busy = true;
  operations_.add("lambda:GetFunctionConfiguration", [&](api::Context&, const Value&) {
    return Value::map({{"State", "Active"}, {"LastUpdateStatus", busy ? "InProgress" : "Successful"}});
  });
  const Value before = parse_json(R"({"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Timeout": 3,
      "PackageType": "Image", "Code": {"ImageUri": "f:1"}})");
  const Value after = parse_json(R"({"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Timeout": 5,
      "PackageType": "Image", "Code": {"ImageUri": "f:2"}})");
  const ResourceType& function = type("AWS::Lambda::Function");
  Progress progress = function.update(action(), "f", before, after, {});
  EXPECT_FALSE(progress.done);
  EXPECT_THAT(calls_, ElementsAre(StartsWith("UpdateFunctionCode")));
  progress = function.update(action(), "f", before, after, progress.memory);
  EXPECT_EQ(calls_.size(), 1u);
  busy = false;
  progress = function.update(action(), "f", before, after, progress.memory);
  EXPECT_TRUE(progress.done);
  EXPECT_THAT(calls_, ElementsAre(StartsWith("UpdateFunctionCode"), StartsWith("UpdateFunctionConfiguration")));
}

TEST_F(TableTypeTest, ADefinitionHasItsSubstitutions) {
  fails("states:DescribeStateMachine", ErrorKind::missing, "StateMachineDoesNotExist");
  answers("states:CreateStateMachine", R"({"stateMachineArn": "arn", "creationDate": 1})");
  const char* machine = R"({"StateMachineName": "m", "RoleArn": "arn:aws:iam::123456789012:role/r",
      "Definition": {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${what}", "End": true}}},
      "DefinitionSubstitutions": {"what": "a \"b\""}})";
  EXPECT_THROW(create(type("AWS::StepFunctions::StateMachine"), machine, action()), Error);  // the read finds none
  EXPECT_THAT(calls_[1], HasSubstr(R"(\"Result\":\"a \\\"b\\\"\")"));
}

TEST_F(TableTypeTest, AStatementJoinsTheBusesPolicy) {
  answers("events:DescribeEventBus", R"({"Policy": "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"old\"}]}"})");
  answers("events:PutPermission", "{}");
  const Progress made =
      create(type("AWS::Events::EventBusPolicy"),
             R"({"EventBusName": "b", "StatementId": "new", "Statement": {"Effect": "Allow"}})", action());
  EXPECT_EQ(made.physical_id, "b|new");
  EXPECT_THAT(calls_, ElementsAre(StartsWith("DescribeEventBus"),
                                  HasSubstr(R"([{\"Sid\":\"old\"},{\"Effect\":\"Allow\",\"Sid\":\"new\"}])"),
                                  StartsWith("DescribeEventBus")));
}

TEST_F(TableTypeTest, AnEntryThatFailedFails) {
  answers("events:PutTargets",
          R"({"FailedEntryCount": 1, "FailedEntries": [{"ErrorCode": "NoWay", "ErrorMessage": "no"}]})");
  const Value before = parse_json(R"({"Description": "d"
})");
  const Value after = parse_json(R"({"Description": "d", "Targets": [{"Id": "a", "Arn": "arn:aws:sqs:r:1:q"}]
})");
  try {
    type("AWS::Events::Rule").update(action(), "r", before, after, {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), "NoWay");
  }
}

TEST_F(TableTypeTest, WhatNeverChangesSaysSo) {
  try {
    type("AWS::KMS::Key")
        .update(action(), "k", parse_json(R"({"KeySpec": "RSA_2048"})"), parse_json(R"({"KeySpec": "RSA_4096"})"), {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.message(), HasSubstr("KeySpec"));
  }
}

TEST_F(TableTypeTest, AWorkgroupLosesWhatItsConfigurationNoLongerHas) {
  answers("athena:UpdateWorkGroup", "{}");
  answers("athena:GetWorkGroup", "{}");
  type("AWS::Athena::WorkGroup")
      .update(action(), "w",
              parse_json(R"({"Name": "w", "WorkGroupConfiguration": {"BytesScannedCutoffPerQuery": 10000000,
                  "ResultConfiguration": {"OutputLocation": "s3://a/", "ExpectedBucketOwner": "123456789012"}}})"),
              parse_json(
                  R"({"Name": "w", "WorkGroupConfiguration": {"ResultConfiguration": {"OutputLocation": "s3://b/"}}})"),
              {});
  EXPECT_EQ(calls_[0],
            R"(UpdateWorkGroup {"WorkGroup":"w","ConfigurationUpdates":{"RemoveBytesScannedCutoffPerQuery":true,)"
            R"("ResultConfigurationUpdates":{"OutputLocation":"s3://b/","RemoveExpectedBucketOwner":true}}})");
}

TEST_F(TableTypeTest, WhatThereCanBeOneOfIsRemadeByAnUpdate) {
  answers("ec2:DisassociateRouteTable", "{}");
  answers("ec2:AssociateRouteTable", R"({"AssociationId": "rtbassoc-2"})");
  const ResourceType& one = type("AWS::EC2::SubnetRouteTableAssociation");
  EXPECT_EQ(one.replacement("/RouteTableId"), Replacement::conditionally);
  const Progress made =
      one.update(action(), "rtbassoc-1", parse_json(R"({"SubnetId": "subnet-1", "RouteTableId": "rtb-1"})"),
                 parse_json(R"({"SubnetId": "subnet-1", "RouteTableId": "rtb-2"})"), {});
  EXPECT_EQ(made.physical_id, "rtbassoc-2");
  EXPECT_THAT(calls_, ElementsAre(R"(DisassociateRouteTable {"AssociationId":"rtbassoc-1"})",
                                  R"(AssociateRouteTable {"SubnetId":"subnet-1","RouteTableId":"rtb-2"})"));
}

TEST_F(TableTypeTest, WhatHasNoNameIsFoundAgainAfterAKill) {
  answers("ec2:DescribeSubnets", R"({"Subnets": [{"SubnetId": "subnet-1", "CidrBlock": "10.0.0.0/24", "VpcId": "vpc-1"},
                                                 {"SubnetId": "subnet-2", "CidrBlock": "10.0.1.0/24", "VpcId": "vpc-1"}]})");
  answers("ec2:DescribeNetworkAcls", R"({"NetworkAcls": [{"Associations": [
      {"SubnetId": "subnet-2", "NetworkAclAssociationId": "aclassoc-2"}]}]})");
  const Progress made =
      create(type("AWS::EC2::Subnet"), R"({"VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"})", action(true));
  EXPECT_EQ(made.physical_id, "subnet-2");
  EXPECT_EQ(made.attributes.string_or("NetworkAclAssociationId"), "aclassoc-2");
}

TEST_F(TableTypeTest, EachTypeCanBeUnpacked) {
  for (const PackedType& packed : packed_types()) {
    const ResourceType& one = type(packed.name);
    one.check(Value::map());
    EXPECT_FALSE(one.has_attribute("NoSuchAttribute")) << packed.name;
    EXPECT_EQ(one.name(), packed.name);
  }
}

TEST_F(TableTypeTest, OtherTypesAreToldApart) {
  EXPECT_THAT(why_not_here("AWS::Kinesis::Stream"), HasSubstr("Kinesis is still to come"));
  EXPECT_EQ(why_not_here("AWS::AppMesh::Mesh"), "tarn does not have the resource type AWS::AppMesh::Mesh.");
  EXPECT_EQ(why_not_here("AWS::S3::Buckte"), "Template format error: Unrecognized resource types: [AWS::S3::Buckte]");
}

}  // namespace
}  // namespace tarn::deploy
