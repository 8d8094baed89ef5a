"""The settings of buckets as boto3 sees them: put, read back, removed; CORS and uploads by form as a browser sends them; S3 Control."""

import json
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def s3(tarn):
    return tarn.client("s3")


@pytest.fixture
def bucket(s3, name):
    s3.create_bucket(Bucket=name)
    yield name
    for item in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=item["Key"])
    s3.delete_bucket(Bucket=name)


def code(call, **arguments):
    with pytest.raises(ClientError) as failed:
        call(**arguments)
    return failed.value.response["Error"]["Code"]


def without_metadata(answer):
    return {k: v for k, v in answer.items() if k != "ResponseMetadata"}


RULE = {"ID": "all", "Status": "Enabled", "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": 100}},
        "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "GLACIER"}], "Expiration": {"Days": 90},
        "NoncurrentVersionTransitions": [{"NoncurrentDays": 30, "StorageClass": "GLACIER", "NewerNoncurrentVersions": 2}],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 60, "NewerNoncurrentVersions": 3}}
SETTINGS = [
    ("lifecycle_configuration", {"LifecycleConfiguration": {"Rules": [RULE]}}, {"Rules": [RULE], "TransitionDefaultMinimumObjectSize": "all_storage_classes_128K"},
     "NoSuchLifecycleConfiguration", "delete_bucket_lifecycle"),
    ("cors", {"CORSConfiguration": {"CORSRules": [{"ID": "a", "AllowedHeaders": ["*"], "AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 9}]}},
     {"CORSRules": [{"ID": "a", "AllowedHeaders": ["*"], "AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 9}]},
     "NoSuchCORSConfiguration", "delete_bucket_cors"),
    ("website", {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "i.html"}, "ErrorDocument": {"Key": "e.html"},
                                          "RoutingRules": [{"Condition": {"KeyPrefixEquals": "a/"}, "Redirect": {"ReplaceKeyPrefixWith": "b/"}}]}},
     {"IndexDocument": {"Suffix": "i.html"}, "ErrorDocument": {"Key": "e.html"},
      "RoutingRules": [{"Condition": {"KeyPrefixEquals": "a/"}, "Redirect": {"ReplaceKeyPrefixWith": "b/"}}]}, "NoSuchWebsiteConfiguration", "delete_bucket_website"),
]


@pytest.mark.parametrize("subject,put,read,unset,delete", SETTINGS, ids=[s[0] for s in SETTINGS])
def test_put_read_removed(s3, bucket, subject, put, read, unset, delete):
    get = getattr(s3, f"get_bucket_{subject}")
    assert code(get, Bucket=bucket) == unset
    getattr(s3, f"put_bucket_{subject}")(Bucket=bucket, **put)
    assert without_metadata(get(Bucket=bucket)) == read
    getattr(s3, delete)(Bucket=bucket)
    assert code(get, Bucket=bucket) == unset


def test_the_old_form_of_lifecycle_rules(s3, bucket):
    old = {"ID": "old", "Prefix": "a/", "Status": "Enabled", "Expiration": {"Days": 1}, "Transition": {"Days": 0, "StorageClass": "GLACIER"}}
    s3.put_bucket_lifecycle(Bucket=bucket, LifecycleConfiguration={"Rules": [old]})
    assert s3.get_bucket_lifecycle(Bucket=bucket)["Rules"] == [old]
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["Transitions"] == [old["Transition"]]


def test_small_settings(s3, bucket):
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == "Enabled"
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": "log/",
                                                                                 "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}}})
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetObjectKeyFormat"] == {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)


def test_policy(s3, bucket):
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "s3:GetObject",
                                                      "Resource": f"arn:aws:s3:::{bucket}/*"}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == policy
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False
    policy["Statement"][0]["Principal"] = "*"
    assert code(s3.put_bucket_policy, Bucket=bucket, Policy=json.dumps(policy)) == "AccessDenied"
    assert code(s3.put_bucket_policy, Bucket=bucket, Policy="{}") == "MalformedPolicy"
    s3.delete_bucket_policy(Bucket=bucket)


def test_acl_and_ownership(s3, bucket):
    assert code(s3.put_bucket_acl, Bucket=bucket, ACL="private") == "AccessControlListNotSupported"
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]})
    s3.put_bucket_acl(Bucket=bucket, ACL="log-delivery-write")
    read = s3.get_bucket_acl(Bucket=bucket)
    assert [g["Permission"] for g in read["Grants"]] == ["FULL_CONTROL", "WRITE", "READ_ACP"]
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": read["Owner"], "Grants": read["Grants"][:1]})
    assert len(s3.get_bucket_acl(Bucket=bucket)["Grants"]) == 1


def test_reports(s3, bucket):
    inventory = {"Id": "i", "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"},
                 "Destination": {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{bucket}", "Format": "Parquet", "Encryption": {"SSES3": {}}}}}
    s3.put_bucket_inventory_configuration(Bucket=bucket, Id="i", InventoryConfiguration=inventory)
    assert s3.get_bucket_inventory_configuration(Bucket=bucket, Id="i")["InventoryConfiguration"] == inventory
    assert s3.list_bucket_inventory_configurations(Bucket=bucket)["InventoryConfigurationList"] == [inventory]
    tiering = {"Id": "t", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}
    s3.put_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="t", IntelligentTieringConfiguration=tiering)
    assert s3.list_bucket_intelligent_tiering_configurations(Bucket=bucket)["IntelligentTieringConfigurationList"] == [tiering]
    analytics = {"Id": "a", "StorageClassAnalysis": {}}
    s3.put_bucket_analytics_configuration(Bucket=bucket, Id="a", AnalyticsConfiguration=analytics)
    assert s3.get_bucket_analytics_configuration(Bucket=bucket, Id="a")["AnalyticsConfiguration"] == analytics
    s3.put_bucket_metrics_configuration(Bucket=bucket, Id="m", MetricsConfiguration={"Id": "m", "Filter": {"Prefix": "x"}})
    s3.delete_bucket_metrics_configuration(Bucket=bucket, Id="m")
    assert code(s3.get_bucket_metrics_configuration, Bucket=bucket, Id="m") == "NoSuchConfiguration"


def test_notifications(s3, bucket):
    queue = {"QueueArn": "arn:aws:sqs:us-east-1:000000000000:absent", "Events": ["s3:ObjectCreated:*"]}
    assert code(s3.put_bucket_notification_configuration, Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [queue]}) == "InvalidArgument"
    assert code(s3.put_bucket_notification_configuration, Bucket=bucket,
                NotificationConfiguration={"QueueConfigurations": [dict(queue, Events=["s3:Nothing"])]}) == "InvalidArgument"
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert without_metadata(s3.get_bucket_notification_configuration(Bucket=bucket)) == {"EventBridgeConfiguration": {}}


def ask(url, method="GET", headers=None, data=None):
    request = urllib.request.Request(url, method=method, headers=headers or {}, data=data)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as failed:
        return failed.code, failed.headers, failed.read()


def test_cors_over_http(tarn, s3, bucket):
    url = f"{tarn.endpoint}/{bucket}/k"
    preflight = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type,x-amz-date"}
    status, _, body = ask(url, "OPTIONS", preflight)
    assert status == 403 and b"CORS is not enabled for this bucket" in body
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example.com"],
                                                                        "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 5}]})
    status, headers, _ = ask(url, "OPTIONS", preflight)
    assert (status, headers["Access-Control-Allow-Origin"], headers["Access-Control-Max-Age"]) == (200, "https://app.example.com", "5")
    assert headers["Access-Control-Allow-Headers"] == "content-type, x-amz-date"
    assert ask(url, "OPTIONS", dict(preflight, Origin="https://evil.test"))[0] == 403
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    status, headers, body = ask(url, headers={"Origin": "https://app.example.com"})
    assert (status, body, headers["Access-Control-Expose-Headers"]) == (200, b"x", "ETag")
    assert "Access-Control-Allow-Origin" not in ask(url, headers={"Origin": "https://evil.test"})[1]


def post(tarn, form, data, file_name="a.txt", **more):
    boundary = "tarnboundary"
    body = b""
    for key, value in {**form["fields"], **more}.items():
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
    body += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\nContent-Type: text/plain\r\n\r\n'.encode()
    body += data + f"\r\n--{boundary}--\r\n".encode()
    return ask(form["url"], "POST", {"Content-Type": f"multipart/form-data; boundary={boundary}"}, body)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_uploads_by_form(tarn, bucket, version):
    given = tarn.client("iam").create_access_key(UserName=user(tarn, bucket))["AccessKey"]
    key = {"key": given["AccessKeyId"], "secret": given["SecretAccessKey"]}
    signer, s3 = tarn.client("s3", signature_version=version, **key), tarn.client("s3", **key)
    conditions = [["starts-with", "$Content-Type", "text/"], ["content-length-range", 1, 200_000], {"success_action_status": "201"}]
    form = signer.generate_presigned_post(bucket, "up/${filename}", Fields={"success_action_status": "201"}, Conditions=conditions, ExpiresIn=60)
    status, headers, body = post(tarn, form, b"hello", **{"Content-Type": "text/plain"})
    assert status == 201 and b"<Key>up/a.txt</Key>" in body, body
    assert s3.get_object(Bucket=bucket, Key="up/a.txt")["Body"].read() == b"hello"
    large = bytes(range(256)) * 600
    assert post(tarn, form, large, "large", **{"Content-Type": "text/plain"})[0] == 201
    assert s3.get_object(Bucket=bucket, Key="up/large")["Body"].read() == large
    assert b"EntityTooLarge" in post(tarn, form, b"x" * 200_001, "huge", **{"Content-Type": "text/plain"})[2]
    assert b"EntityTooSmall" in post(tarn, form, b"", "none", **{"Content-Type": "text/plain"})[2]
    status, _, body = post(tarn, form, b"hello", **{"Content-Type": "image/png"})
    assert status == 403 and b"Policy Condition failed" in body
    assert b"Extra input fields" in post(tarn, form, b"hello", **{"Content-Type": "text/plain", "x-amz-meta-a": "b"})[2]
    signature = "x-amz-signature" if version == "s3v4" else "signature"
    form["fields"][signature] = form["fields"][signature][::-1]
    assert b"SignatureDoesNotMatch" in post(tarn, form, b"hello", **{"Content-Type": "text/plain"})[2]
    assert code(s3.head_object, Bucket=bucket, Key="up/huge") == "404"


def user(tarn, name):
    tarn.client("iam").create_user(UserName=name)
    return name


def test_s3_control(tarn, s3, bucket):
    control = tarn.client("s3control")
    # S3 Control's clients put the account before the host, which an address can't have.
    control.meta.events.register("before-sign.s3-control.*", lambda request, **_: setattr(request, "url", request.url.replace("//000000000000.", "//")))
    account = {"AccountId": "000000000000"}
    assert code(control.get_public_access_block, **account) == "NoSuchPublicAccessBlockConfiguration"
    control.put_public_access_block(**account, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert control.get_public_access_block(**account)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is False
    control.delete_public_access_block(**account)
    arn = {"ResourceArn": f"arn:aws:s3:::{bucket}", **account}
    control.tag_resource(**arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    control.untag_resource(**arn, TagKeys=["a"])
    assert control.list_tags_for_resource(**arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "b", "Value": "2"}]
