"""Websites out of buckets, as a browser meets them: by the Host header, without a signature."""

import http.client
import json

import pytest


@pytest.fixture
def s3(tarn):
    return tarn.client("s3")


@pytest.fixture
def site(s3, name):
    s3.create_bucket(Bucket=name)
    s3.delete_public_access_block(Bucket=name)
    return name


def publish(s3, bucket, *statements):
    every = [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}, *statements]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": every}))


def visit(tarn, bucket, path, method="GET", host="{}.s3-website-us-east-1.amazonaws.com", **headers):
    connection = http.client.HTTPConnection(tarn.endpoint.removeprefix("http://"))
    connection.request(method, path, headers={"Host": host.format(bucket), **headers})
    response = connection.getresponse()
    return response.status, response.read().decode(), response.headers


def put(s3, bucket, key, body, **more):
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/html", **more)


def test_pages_folders_and_errors(tarn, s3, site):
    assert visit(tarn, site + "-absent", "/")[0] == 404
    status, body, headers = visit(tarn, site, "/")
    assert status == 404 and "NoSuchWebsiteConfiguration" in body and headers["x-amz-error-code"] == "NoSuchWebsiteConfiguration"
    s3.put_bucket_website(Bucket=site, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "oops.html"}})
    put(s3, site, "index.html", "home", Metadata={"m": "1"}, CacheControl="max-age=5")
    put(s3, site, "docs/index.html", "docs")
    put(s3, site, "docs/año 1.html", "x" * 100_000)
    assert visit(tarn, site, "/")[0] == 403  # nobody let anybody in
    publish(s3, site)
    for host in ("{}.s3-website-us-east-1.amazonaws.com", "{}.s3-website.eu-west-1.amazonaws.com", "{}.s3-website.localhost:4566"):
        status, body, headers = visit(tarn, site, "/?a=1", host=host)
        assert (status, body) == (200, "home")
    assert (headers["Content-Type"], headers["Cache-Control"], headers["x-amz-meta-m"]) == ("text/html", "max-age=5", "1")
    assert visit(tarn, site, "/", **{"If-None-Match": headers["ETag"]})[0] == 304
    assert visit(tarn, site, "/", "HEAD")[:2] == (200, "")
    assert visit(tarn, site, "/docs/a%C3%B1o%201.html")[1] == "x" * 100_000
    assert visit(tarn, site, "/docs/")[1] == "docs"
    status, _, headers = visit(tarn, site, "/docs")
    assert (status, headers["Location"]) == (302, "/docs/")
    assert visit(tarn, site, "/", "POST")[0] == 405
    status, body, headers = visit(tarn, site, "/%3Cb%3E")
    assert status == 403 and "AccessDenied" in body and "Custom Error Document" in body
    put(s3, site, "oops.html", "sorry")
    assert visit(tarn, site, "/absent")[:2] == (403, "sorry")
    publish(s3, site, {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{site}"},
            {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{site}/docs/*"})
    assert visit(tarn, site, "/absent")[:2] == (404, "sorry")
    assert visit(tarn, site, "/docs/")[0] == 404
    s3.put_public_access_block(Bucket=site, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert visit(tarn, site, "/")[0] == 403


def test_objects_are_public_by_their_acl_too(tarn, s3, site):
    s3.put_bucket_ownership_controls(Bucket=site, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_bucket_website(Bucket=site, WebsiteConfiguration={"IndexDocument": {"Suffix": "i"}})
    put(s3, site, "i", "home", ACL="public-read")
    put(s3, site, "secret", "secret")
    assert visit(tarn, site, "/")[:2] == (200, "home")
    assert visit(tarn, site, "/secret")[0] == 403
    s3.put_public_access_block(Bucket=site, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    assert visit(tarn, site, "/")[0] == 403


def test_redirects(tarn, s3, site):
    publish(s3, site)
    rules = [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new é/"}},
             {"Condition": {"HttpErrorCodeReturnedEquals": "403"}, "Redirect": {"HostName": "example.com", "Protocol": "https", "HttpRedirectCode": "302", "ReplaceKeyWith": "lost"}}]
    s3.put_bucket_website(Bucket=site, WebsiteConfiguration={"IndexDocument": {"Suffix": "i"}, "RoutingRules": rules})
    put(s3, site, "away", "", WebsiteRedirectLocation="/elsewhere")
    host = f"{site}.s3-website-us-east-1.amazonaws.com"

    def location(path):
        status, _, headers = visit(tarn, site, path)
        return status, headers["Location"]

    assert location("/old/a") == (301, f"http://{host}/new%20%C3%A9/a")
    assert location("/absent") == (302, "https://example.com/lost")
    assert location("/away") == (301, "/elsewhere")
    s3.put_bucket_website(Bucket=site, WebsiteConfiguration={"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}})
    assert location("/a%20b?c=d") == (301, "https://example.com/a%20b?c=d")
