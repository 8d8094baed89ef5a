"""Bad input over HTTP, as it comes from broken or hostile clients: each gets AWS's own error, what was stored before stays, and tarn goes on."""

import base64
import datetime
import gzip
import hashlib
import hmac
import io
import json
import os
import re
import socket
import time
import urllib.error
import urllib.request
import zlib

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

MB = 1 << 20
SHA_OF_NOTHING = hashlib.sha256(b"").hexdigest()
local = pytest.mark.skipif("TARN_TEST_ENDPOINT" in os.environ, reason="looks at tarn's processes")


def ask(tarn, method, path, body=None, headers=None, target=None):
    """(status, error code or "", text) of one request that nobody has improved."""
    given = dict(headers or {})
    if target:
        given.update({"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"})
    request = urllib.request.Request(tarn.endpoint + path, data=body, method=method, headers=given)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, "", answer.read().decode()
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        found = re.search(r"<Code>(\w+)</Code>", text) or re.search(r'"(?:__type|code)"\s*:\s*"(?:[^"]*#)?(\w+)"', text)
        return error.code, found[1] if found else "", text


def raw(tarn, sent, *, then_close=False):
    """The first bytes of the answer to bytes on the wire, and whether the connection was closed."""
    host, port = tarn.endpoint.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(sent)
        if then_close:
            connection.shutdown(socket.SHUT_WR)
        return connection.recv(65536)


@pytest.fixture(scope="module")
def issued(tarn):
    given = tarn.client("sts").assume_role(RoleArn="arn:aws:iam::000000000000:role/bad", RoleSessionName="bad")["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@pytest.fixture
def bucket(tarn, name):
    s3 = tarn.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="old", Body=b"stays")
    yield name
    assert s3.get_object(Bucket=name, Key="old")["Body"].read() == b"stays"
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=name)["Contents"]] == ["old"]


# ---- JSON, XML, forms


@pytest.mark.parametrize("body", [b"{", b"[1,", b"nonsense", b'{"Name": }', b'{"Name": "\xff\xfe"}', b'{"Name": "a"} {}', b"[" * 100_000, b'{"a":' * 100_000,
                                  b'{"Name": 1e99999}', b'{"Name": "\x00"}', b'{"Name": {"a": 1}}', b'"text"', b"[]"])
def test_json_that_is_none(tarn, body):
    status, code, text = ask(tarn, "POST", "/", body, target="AWSGlue.GetDatabase")
    assert (status, code) == (400, "SerializationException"), text[:300]


def test_json_that_breaks_the_model(tarn):
    for target, body, codes in (("AWSGlue.GetDatabase", {}, {"InvalidInputException", "ValidationException"}),
                                ("AWSGlue.GetDatabase", {"Name": ""}, {"InvalidInputException", "ValidationException"}),
                                ("AWSGlue.CreateTable", {"DatabaseName": "d", "TableInput": {"Name": "x" * 5000}}, {"InvalidInputException", "ValidationException"}),
                                ("AmazonAthena.StartQueryExecution", {"QueryString": ""}, {"InvalidRequestException"}),
                                ("AmazonAthena.GetQueryExecution", {"QueryExecutionId": "x' OR 1=1"}, {"InvalidRequestException"}),
                                ("AmazonAthena.GetQueryResults", {"QueryExecutionId": "none", "NextToken": "dGFybjF4"}, {"InvalidRequestException"})):
        status, code, text = ask(tarn, "POST", "/", json.dumps(body).encode(), target=target)
        assert status == 400 and code in codes, (target, text[:300])
    assert ask(tarn, "POST", "/", b"{}", target="AWSGlue.NoSuchThing")[:2] in ((400, "UnknownOperationException"), (501, "NotImplemented"))


def test_a_results_token_that_is_none(tarn, bucket):
    athena = tarn.client("athena")
    place = {"OutputLocation": f"s3://{bucket}/results/"}
    id = athena.start_query_execution(QueryString="SELECT n FROM UNNEST(sequence(1, 30)) AS t(n)", ResultConfiguration=place)["QueryExecutionId"]
    while athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"]["State"] in ("QUEUED", "RUNNING"):
        time.sleep(0.02)
    for position in ("x", "-1", "1x", "99999999999999999999999", " 1"):
        with pytest.raises(ClientError) as refused:
            athena.get_query_results(QueryExecutionId=id, NextToken=base64.b64encode(b"tarn1" + position.encode()).decode())
        assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
    # One far behind the end is the end.
    assert athena.get_query_results(QueryExecutionId=id, NextToken=base64.b64encode(b"tarn1" + b"9" * 15).decode())["ResultSet"]["Rows"] == []
    s3 = tarn.client("s3")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": o["Key"]} for o in s3.list_objects_v2(Bucket=bucket, Prefix="results/")["Contents"]]})


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">'.encode() for n in range(9)) + b"]><Delete><Object><Key>&j;</Key></Object></Delete>"


@pytest.mark.parametrize("body", [b"<", b"nonsense", b"<Delete><Object><Key>old", b"<Other/>", b"<Delete/>", b"\xff\xfe<", b"<Delete>" * 50_000, BOMB,
                                  b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>"], ids=range(9))
def test_xml_that_is_none(tarn, bucket, body):
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    status, code, text = ask(tarn, "POST", f"/{bucket}?delete", body, {"Content-MD5": md5})
    assert (status, code) == (400, "MalformedXML"), text[:300]


def test_forms_that_are_none(tarn):
    for body in (b"", b"Action", b"Action=&Version=2010-05-08", b"%ff%fe=1&Version=2010-05-08", b"Action=NoSuchThing&Version=2010-05-08"):
        status, _, text = ask(tarn, "POST", "/", body, {"Content-Type": "application/x-www-form-urlencoded"})
        assert 400 <= status < 502 and status != 500, text[:300]
    deep = "&".join(["Action=ListUsers", "Version=2010-05-08", "Tags." + "member.1." * 500 + "Key=x"]).encode()
    status, _, text = ask(tarn, "POST", "/", deep, {"Content-Type": "application/x-www-form-urlencoded"})
    assert status in (200, 400), text[:300]


# ---- signatures


def signed(tarn, key, method, path, body=b"", headers=None, service="s3"):
    request = AWSRequest(method=method, url=tarn.endpoint + path, data=body, headers=headers or {})
    (S3SigV4Auth if service == "s3" else SigV4Auth)(key, service, "us-east-1").add_auth(request)
    return dict(request.headers)


def sign_at(monkeypatch, ago):
    """From here on the client's clock is wrong."""
    at = datetime.datetime.now(datetime.timezone.utc) - ago
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: at)


def test_wrong_signatures(tarn, issued, bucket):
    path = f"/{bucket}/old"
    headers = signed(tarn, issued, "GET", path)
    assert ask(tarn, "GET", path, headers=headers)[2] == "stays"
    cases = {
        "SignatureDoesNotMatch": [("DELETE", path, headers), ("GET", path + "x", headers), ("GET", path + "?acl", headers),
                                  ("GET", path, {**headers, "X-Amz-Content-SHA256": "0" * 64})],
        "InvalidToken": [("GET", path, signed(tarn, Credentials(issued.access_key, issued.secret_key, "another"), "GET", path))],
        "AuthorizationHeaderMalformed": [("GET", path, {**headers, "Authorization": "AWS4-HMAC-SHA256 nonsense"}),
                                         ("GET", path, {**headers, "Authorization": "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=, Signature="})],
    }
    for expected, requests in cases.items():
        for method, where, given in requests:
            status, code, text = ask(tarn, method, where, headers=given)
            assert (status, code) == (403 if expected == "SignatureDoesNotMatch" else 400, expected), (where, text[:400])
    body = json.dumps({"Name": "default"}).encode()
    glue = {"X-Amz-Target": "AWSGlue.GetDatabase", "Content-Type": "application/x-amz-json-1.1"}
    given = signed(tarn, issued, "POST", "/", body, headers=glue, service="glue")
    assert ask(tarn, "POST", "/", b'{"Name": "other"}', given)[:2] == (400, "InvalidSignatureException")
    assert ask(tarn, "POST", "/", body, {**given, "X-Amz-Target": "AWSGlue.DeleteDatabase"})[:2] == (400, "InvalidSignatureException")


@pytest.mark.parametrize("minutes", [16, -16, 60 * 24 * 400])
def test_a_clock_that_is_wrong(tarn, issued, bucket, monkeypatch, minutes):
    sign_at(monkeypatch, datetime.timedelta(minutes=minutes))
    path = f"/{bucket}/old"
    status, code, text = ask(tarn, "GET", path, headers=signed(tarn, issued, "GET", path))
    assert (status, code) == (403, "RequestTimeTooSkewed"), text[:300]  # which is what a replay of an old request gets too
    glue = {"X-Amz-Target": "AWSGlue.GetDatabases", "Content-Type": "application/x-amz-json-1.1"}
    status, code, text = ask(tarn, "POST", "/", b"{}", signed(tarn, issued, "POST", "/", b"{}", headers=glue, service="glue"))
    assert (status, code) == (400, "InvalidSignatureException"), text[:300]


def test_presigned_urls_that_are_wrong(tarn, issued, bucket, monkeypatch):
    def url(expires=60, method="GET"):
        request = AWSRequest(method=method, url=f"{tarn.endpoint}/{bucket}/old")
        S3SigV4QueryAuth(issued, "s3", "us-east-1", expires=expires).add_auth(request)
        return request.prepare().url.removeprefix(tarn.endpoint)

    good = url()
    assert ask(tarn, "GET", good)[2] == "stays"
    assert ask(tarn, "PUT", good, b"new")[:2] == (403, "SignatureDoesNotMatch")
    assert ask(tarn, "DELETE", good)[:2] == (403, "SignatureDoesNotMatch")
    assert ask(tarn, "GET", good.replace("/old?", "/other?"))[:2] == (403, "SignatureDoesNotMatch")
    assert ask(tarn, "GET", good.replace("X-Amz-Expires=60", "X-Amz-Expires=600"))[:2] == (403, "SignatureDoesNotMatch")
    assert ask(tarn, "GET", good + "&response-content-type=text/x")[:2] == (403, "SignatureDoesNotMatch")
    for expires in ("604801", "-1", "x", ""):
        assert ask(tarn, "GET", good.replace("X-Amz-Expires=60", f"X-Amz-Expires={expires}"))[:2] == (400, "AuthorizationQueryParametersError"), expires
    for name in ("X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"):
        assert ask(tarn, "GET", re.sub(f"&{name}=[^&]*", "", good))[:2] == (400, "AuthorizationQueryParametersError"), name
    sign_at(monkeypatch, datetime.timedelta(seconds=100))
    status, code, text = ask(tarn, "GET", url(60))
    assert (status, code) == (403, "AccessDenied") and "Request has expired" in text, text


# ---- bodies


def chunk_body(*chunks, end=b"0\r\n\r\n"):
    return b"".join(f"{len(c):x}\r\n".encode() + c + b"\r\n" for c in chunks) + end


def test_false_sums_of_a_body(tarn, issued, bucket):
    path = f"/{bucket}/old"
    body = b"new"
    for headers, status, code in (({"Content-MD5": base64.b64encode(hashlib.md5(b"other").digest()).decode()}, 400, "BadDigest"),
                                  ({"Content-MD5": "short"}, 400, "InvalidDigest"),
                                  ({"x-amz-content-sha256": SHA_OF_NOTHING}, 400, "XAmzContentSHA256Mismatch"),
                                  ({"x-amz-checksum-crc32": base64.b64encode(zlib.crc32(b"other").to_bytes(4, "big")).decode()}, 400, "BadDigest"),
                                  ({"x-amz-checksum-sha256": "AAAA"}, 400, "InvalidRequest")):
        assert ask(tarn, "PUT", path, body, headers)[:2] == (status, code), headers
    # Signed over another body than is sent.
    given = signed(tarn, issued, "PUT", path, b"announced")
    assert ask(tarn, "PUT", path, b"delivered", given)[:2] == (400, "XAmzContentSHA256Mismatch")


def test_chunked_bodies_that_are_broken(tarn, bucket):
    path = f"/{bucket}/old"
    unsigned = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "Content-Encoding": "aws-chunked"}
    good = chunk_body(b"new", end=b"0\r\nx-amz-checksum-crc32:" + base64.b64encode(zlib.crc32(b"new").to_bytes(4, "big")) + b"\r\n\r\n")
    trailer = {**unsigned, "x-amz-trailer": "x-amz-checksum-crc32"}
    cases = [(trailer, "4", good, {"IncompleteBody"}), (trailer, "2", good, {"IncompleteBody"}),
             (trailer, "3", good.replace(b"new", b"NEW"), {"BadDigest"}), (trailer, "x", good, {"InvalidArgument", "InvalidRequest"}),
             (trailer, "3", good.replace(b"crc32:", b"crc32c:"), {"MalformedTrailerError"}),
             (unsigned, "3", b"zz\r\nnew\r\n0\r\n\r\n", {"InvalidRequest", "InvalidChunkSizeError"}),
             (unsigned, "3", b"3\r\nnew", {"IncompleteBody"}), (unsigned, "3", b"ffffffffffffffffff\r\nnew", {"InvalidRequest", "IncompleteBody"}),
             (unsigned, "3", b"3\r\nnewX\r\n0\r\n\r\n", {"InvalidRequest", "IncompleteBody"})]
    for headers, length, body, codes in cases:
        status, code, text = ask(tarn, "PUT", path, body, {**headers, "x-amz-decoded-content-length": length})
        assert status == 400 and code in codes, (length, body, text[:300])


def test_signed_chunks_that_were_changed(tarn, issued, bucket):
    """Every chunk has a signature of its own, which the one before takes part in."""
    path, content = f"/{bucket}/old", b"new" * 4000
    head = {"x-amz-decoded-content-length": str(len(content)), "Content-Encoding": "aws-chunked", "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
    request = AWSRequest(method="PUT", url=tarn.endpoint + path, data=b"", headers=head)
    auth = S3SigV4Auth(issued, "s3", "us-east-1")
    auth.payload = lambda _: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    request.context["payload_signing_enabled"] = True
    auth.add_auth(request)
    headers = dict(request.headers)
    headers["X-Amz-Content-SHA256"] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    seed = re.search(r"Signature=(\w+)", headers["Authorization"])[1]
    date, key = headers["X-Amz-Date"], b"AWS4" + issued.secret_key.encode()
    scope = f"{date[:8]}/us-east-1/s3/aws4_request"
    for part in (date[:8], "us-east-1", "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()

    def body(content, spoil=None):
        out, before = b"", seed
        for chunk in (content[:8192], content[8192:], b""):
            text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", date, scope, before, SHA_OF_NOTHING, hashlib.sha256(chunk).hexdigest()])
            before = hmac.new(key, text.encode(), "sha256").hexdigest()
            out += f"{len(chunk):x};chunk-signature={before}\r\n".encode() + chunk + b"\r\n"
        return out

    good = body(content)
    changed = bytearray(good)
    changed[9000] ^= 1
    for bad in (bytes(changed), good.replace(b"signature=", b"signature=0", 1), good[: len(good) // 2], good[:-90]):
        status, code, text = ask(tarn, "PUT", path, bad, headers)
        assert status in (400, 403) and code in ("SignatureDoesNotMatch", "IncompleteBody", "InvalidRequest"), text[:300]
    assert ask(tarn, "PUT", path, good, headers)[0] == 200
    assert tarn.client("s3").get_object(Bucket=bucket, Key="old")["Body"].read() == content
    tarn.client("s3").put_object(Bucket=bucket, Key="old", Body=b"stays")


@pytest.mark.parametrize("size", [10, 1000, 300_000, 40 * MB])
def test_an_upload_that_is_cut_off(tarn, bucket, size):
    s3 = tarn.client("s3")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    for path in (f"/{bucket}/old", f"/{bucket}/new", f"/{bucket}/m?partNumber=1&uploadId={upload}"):
        head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()
        answer = raw(tarn, head + bytes(size // 2), then_close=True)
        assert answer == b"" or b"IncompleteBody" in answer, answer[:300]
        host, port = tarn.endpoint.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:  # and one that is torn off
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.sendall(head + bytes(size // 2))
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="m", UploadId=upload)
    s3.abort_multipart_upload(Bucket=bucket, Key="m", UploadId=upload)


def test_headers_that_are_none(tarn, bucket):
    path = f"/{bucket}/old"
    for headers, expected in (({"x-amz-copy-source": "nonsense"}, "InvalidArgument"), ({"x-amz-tagging": "a=1&a=2"}, "InvalidTag"),
                              ({"x-amz-tagging": "&".join(f"k{n}=v" for n in range(11))}, "BadRequest"),
                              ({"x-amz-meta-a": "x" * 3000}, "MetadataTooLarge"), ({"If-None-Match": '"abc"'}, "NotImplemented"),
                              ({"x-amz-acl": "nonsense"}, "InvalidArgument"), ({"x-amz-storage-class": "NONSENSE"}, "InvalidStorageClass")):
        status, code, text = ask(tarn, "PUT", path, b"new", headers)
        assert code == expected and 400 <= status <= 501 and status != 500, (headers, text[:300])
    for line in (b"Content-Length: -1", b"Content-Length: 5, 6", b"Content-Length: 99999999999999999999", b"Transfer-Encoding: nonsense",
                 b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Bad Name: x", b": x", b" folded: x", b"X: \x01\x02"):
        answer = raw(tarn, b"PUT " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\nnew", then_close=True)
        assert answer == b"" or answer.split()[1] in (b"400", b"411", b"413", b"501"), (line, answer[:300])
    assert ask(tarn, "PUT", f"/{bucket}/" + "k" * 1025, b"new")[:2] == (400, "KeyTooLongError")
    assert ask(tarn, "PUT", f"/{bucket}/%ff%fe", b"new")[1] in ("InvalidURI", "InvalidArgument", "InvalidRequest")
    status, code, _ = ask(tarn, "GET", path, headers={"Range": "bytes=99-"})
    assert (status, code) == (416, "InvalidRange")


# ---- SQL


@pytest.fixture(scope="module")
def lake(tarn):
    s3, glue = tarn.client("s3"), tarn.client("glue")
    s3.create_bucket(Bucket="bad-input-lake")
    glue.create_database(DatabaseInput={"Name": "bad_input"})
    run(tarn, "CREATE EXTERNAL TABLE bad_input.t (id int, name string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://bad-input-lake/t/'")
    s3.put_object(Bucket="bad-input-lake", Key="t/a.csv", Body=b"1,Ana\n2,Luis\n")


def run(tarn, sql):
    """("SUCCEEDED", rows) or (state, reason); what is refused at once: ("REFUSED", message)."""
    athena = tarn.client("athena")
    try:
        id = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": "bad_input"},
                                          ResultConfiguration={"OutputLocation": "s3://bad-input-lake/results/"})["QueryExecutionId"]
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidRequestException", error
        return "REFUSED", error.response["Error"]["Message"]
    while True:
        status = athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"]
        if status["State"] in ("FAILED", "CANCELLED"):
            return status["State"], status["StateChangeReason"]
        if status["State"] == "SUCCEEDED":
            rows = athena.get_query_results(QueryExecutionId=id)["ResultSet"]["Rows"]
            return "SUCCEEDED", [[v.get("VarCharValue") for v in row["Data"]] for row in rows]
        time.sleep(0.02)


@pytest.mark.parametrize("sql, state, reason", [
    ("SELECT * FROM nobody", "FAILED", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.bad_input.nobody' does not exist"),
    ("SELECT *\nFROM nowhere.t", "FAILED", "SCHEMA_NOT_FOUND: line 2:6: Schema 'nowhere' does not exist"),
    ("SELECT id,\n  age FROM t", "FAILED", "COLUMN_NOT_FOUND: line 2:3: Column 'age' cannot be resolved"),
    ("SELECT nothing(id) FROM t", "FAILED", "FUNCTION_NOT_FOUND: line 1:8: Function 'nothing' not registered"),
    ("SELECT id + name FROM t", "FAILED", "TYPE_MISMATCH: line 1:11: Cannot apply operator: integer + varchar"),
    ("SELECT 1/0", "FAILED", "DIVISION_BY_ZERO: Division by zero"),
    ("SELECT CAST(name AS integer) FROM t", "FAILED", "INVALID_CAST_ARGUMENT: Cannot cast 'Ana' to INT"),
    ("SELEC 1", "REFUSED", "line 1:1: mismatched input 'SELEC'"),
    ("SELECT 1\nFORM t", "REFUSED", "line 2:6: mismatched input 't'"),
    ("SELECT 'open", "REFUSED", "line 1:8: "),
    ("SELECT 1; SELECT 2", "REFUSED", "line 1:9: mismatched input ';'"),
    ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "REFUSED", "statement is too large"),
    ("SELECT 1" + " + 1" * 50_000, "REFUSED", "statement is too large"),
    ("SELECT " + "NOT " * 50_000 + "true", "REFUSED", "statement is too large"),
    ("SELECT 1" + " UNION ALL SELECT 1" * 5000, "REFUSED", "statement is too large"),
    ("SELECT CAST(NULL AS " + "array(" * 5000 + "int" + ")" * 5000 + ")", "REFUSED", ""),
    ("CREATE EXTERNAL TABLE x (a " + "array<" * 5000 + "int" + ">" * 5000 + ") LOCATION 's3://bad-input-lake/x/'", "REFUSED", ""),
    ("SELECT '" + "x" * 262_144 + "'", "REFUSED", ""),
])
def test_sql_that_fails(tarn, lake, sql, state, reason):
    found = run(tarn, sql)
    assert found[0] == state and found[1].startswith(reason), (sql[:80], str(found)[:300])


def test_long_statements_that_are_right(tarn, lake):
    assert run(tarn, "SELECT count(*) FROM t WHERE " + " OR ".join(f"id = {n}" for n in range(5000)))[1][1] == ["2"]
    assert run(tarn, f"SELECT count(*) FROM t WHERE id IN ({', '.join(map(str, range(20_000)))})")[1][1] == ["2"]


# ---- crawlers


def crawl(tarn, name, target):
    glue = tarn.client("glue")
    glue.create_crawler(Name=name, Role="r", DatabaseName="bad_input", Targets={"S3Targets": [{"Path": target}]})
    start = time.monotonic()
    glue.start_crawler(Name=name)
    while (crawler := glue.get_crawler(Name=name)["Crawler"])["State"] != "READY":
        assert time.monotonic() - start < 60
        time.sleep(0.05)
    logs = tarn.client("logs")
    lines = [e["message"] for e in logs.get_log_events(logGroupName="/aws-glue/crawlers", logStreamName=name, startFromHead=True)["events"]]
    return crawler["LastCrawl"]["Status"], lines


def memory_mb(tarn):
    with open(f"/proc/{tarn.process.pid}/status") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) >> 10


@local
def test_crawlers_over_files_that_are_none(tarn, lake):
    s3, folder, before = tarn.client("s3"), "crawled", memory_mb(tarn)
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as file:  # 4 GB of text in 4 MB
        for _ in range(64):
            file.write(b"1,2,3,4,5,6,7,8\n" * (4 * MB))
    files = {"bomb/a.csv.gz": out.getvalue(), "parquet/cut.parquet": b"PAR1" + bytes(1000),
             "parquet/length.parquet": b"PAR1" + b"\xff" * 100 + b"\xff\xff\xff\x7fPAR1", "parquet/short.parquet": b"PAR1PAR1", "avro/a.avro": b"Obj\x01" + b"\xff" * 500,
             "json/open.json": b"[" * 1_000_000, "json/cut.json": b'{"a": 1}\n{"a": ', "gz/cut.csv.gz": gzip.compress("".join(f"{n},{n * n}\n" for n in range(10_000)).encode())[:5000],
             "gz/twice.gz": gzip.compress(gzip.compress(b"a,b\n1,2\n")), "empty/nothing.csv": b"", "empty/blank.csv": b"\n\n \n", "good/a.csv": b"id,n\n1,2\n",
             "zst/bad.zst": b"\x28\xb5\x2f\xfd" + b"\xff" * 64, "bz2/bad.bz2": b"BZh9" + b"\xff" * 64}
    for key, body in files.items():
        s3.put_object(Bucket="bad-input-lake", Key=f"{folder}/{key}", Body=body)
    # A gigabyte without a line end.
    s3.put_object(Bucket="bad-input-lake", Key="piece", Body=b"x" * (64 * MB))
    line = {"Bucket": "bad-input-lake", "Key": f"{folder}/line/a.csv"}
    line["UploadId"] = s3.create_multipart_upload(**line)["UploadId"]
    parts = [{"PartNumber": n, "ETag": s3.upload_part_copy(**line, PartNumber=n, CopySource="bad-input-lake/piece")["CopyPartResult"]["ETag"]} for n in range(1, 17)]
    s3.complete_multipart_upload(**line, MultipartUpload={"Parts": parts})
    status, lines = crawl(tarn, "bad-files", f"s3://bad-input-lake/{folder}/")
    assert status == "SUCCEEDED"
    tables = {t["Name"]: [c["Name"] for c in t["StorageDescriptor"]["Columns"]] for t in tarn.client("glue").get_tables(DatabaseName="bad_input")["TableList"]}
    assert tables["good"] == ["id", "n"] and tables["bomb"] == [f"col{n}" for n in range(8)]
    assert tables["json"] == ["a"] and set(tables) <= {"t", "good", "bomb", "json"}, tables
    unknown = "\n".join(line for line in lines if "of no known format" in line)
    for key in ("parquet/cut", "parquet/length", "parquet/short", "avro/a", "json/open", "gz/cut", "zst/bad", "bz2/bad", "line/a"):
        assert key in unknown, (key, unknown)
    assert any("first 256 MiB" in line for line in lines), lines
    assert memory_mb(tarn) < before + 400


# ---- jobs


RAISES = "import sys\nprint('so far so good')\ndef inner():\n    raise ValueError('no such supplier: ñ')\ninner()\n"
FORKS = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for n in range(20):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(1000)
        os._exit(0)
print('forked', flush=True)
time.sleep(1000)
"""
FILLS = "held = []\nwhile True: held.append(bytearray(b'x') * (16 << 20))\n"


def start_job(tarn, name, script, **more):
    glue, s3 = tarn.client("glue"), tarn.client("s3")
    s3.put_object(Bucket="bad-input-lake", Key=f"scripts/{name}.py", Body=script.encode())
    glue.create_job(Name=name, Role="r", Command={"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": f"s3://bad-input-lake/scripts/{name}.py"},
                    MaxRetries=0, **more)
    return glue.start_job_run(JobName=name)["JobRunId"]


def wait_for(tarn, job, run, states):
    end = time.monotonic() + 90
    while time.monotonic() < end:
        found = tarn.client("glue").get_job_run(JobName=job, RunId=run)["JobRun"]
        if found["JobRunState"] in states:
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def processes_of(folder):
    """The ids of processes whose working folder is below it."""
    out = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/cwd").startswith(str(folder)):
                out.append(int(pid))
        except OSError:
            pass
    return out


def output(tarn, run, kind):
    logs = tarn.client("logs")
    return "\n".join(e["message"] for e in logs.get_log_events(logGroupName=f"/aws-glue/python-jobs/{kind}", logStreamName=run, startFromHead=True)["events"])


@local
def test_scripts_that_do_not_behave(tarn, lake):
    raises, forks, fills = start_job(tarn, "raises", RAISES), start_job(tarn, "forks", FORKS), start_job(tarn, "fills", FILLS, MaxCapacity=0.0625)
    end = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR")
    found = wait_for(tarn, "raises", raises, end)
    assert found["JobRunState"] == "FAILED" and "ValueError: no such supplier: ñ" in found["ErrorMessage"], found
    assert "so far so good" in output(tarn, raises, "output")
    assert "line 4, in inner" in output(tarn, raises, "error") and "ValueError: no such supplier: ñ" in output(tarn, raises, "error")
    found = wait_for(tarn, "fills", fills, end)
    assert found["JobRunState"] == "FAILED" and "Out of memory" in found["ErrorMessage"], found
    wait_for(tarn, "forks", forks, ("RUNNING",))
    deadline = time.monotonic() + 30
    while len(processes_of(tarn.data_dir / "jobs" / forks)) < 20 and time.monotonic() < deadline:
        time.sleep(0.1)
    tarn.client("glue").batch_stop_job_run(JobName="forks", JobRunIds=[forks])
    assert wait_for(tarn, "forks", forks, end)["JobRunState"] == "STOPPED"
    assert processes_of(tarn.data_dir / "jobs") == []
