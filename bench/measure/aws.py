"""Signed calls to tarn's APIs over one kept-alive connection: as thin as a client can be, so that what is timed is the server."""

import datetime
import hashlib
import hmac
import http.client
import json
import re
import time
import urllib.parse


class CallError(Exception):
    pass


class Aws:
    def __init__(self, port, access_key="bench", secret_key="benchbench", region="us-east-1"):
        self.port, self.access_key, self.secret_key, self.region = port, access_key, secret_key, region
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)

    def _sign(self, service, method, path, query, headers, body_sha256):
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        headers.update({"host": f"127.0.0.1:{self.port}", "x-amz-date": stamp, "x-amz-content-sha256": body_sha256})
        names = ";".join(sorted(headers))
        canonical = "\n".join([method, path, query, *(f"{n}:{headers[n]}" for n in sorted(headers)), "", names, body_sha256])
        scope = f"{day}/{self.region}/{service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{self.secret_key}".encode()
        for part in (day, self.region, service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={names}, "
                                    f"Signature={signature}")

    def request(self, service, method, path, query="", headers=None, body=b"", body_sha256=None):
        headers = dict(headers or {})
        self._sign(service, method, path, query, headers, body_sha256 or hashlib.sha256(body).hexdigest())
        self.connection.request(method, path + ("?" + query if query else ""), body=body, headers=headers)
        response = self.connection.getresponse()
        answer = response.read()
        if response.status >= 300:
            raise CallError(f"{response.status} {method} {path} {answer[:500].decode(errors='replace')}")
        return answer

    def json(self, service, target, payload, version="1.1"):
        body = json.dumps(payload).encode()
        return json.loads(self.request(service, "POST", "/", headers={
            "content-type": f"application/x-amz-json-{version}", "x-amz-target": target}, body=body) or b"{}")

    def make_bucket(self, bucket):
        self.request("s3", "PUT", f"/{bucket}")

    def put_file(self, bucket, key, path):
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            self.request("s3", "PUT", f"/{bucket}/{key}", headers={"content-length": str(size)}, body=file,
                         body_sha256="UNSIGNED-PAYLOAD")

    def form(self, service, action, version, **parameters):
        body = urllib.parse.urlencode({"Action": action, "Version": version, **parameters}).encode()
        return self.request(service, "POST", "/", headers={"content-type": "application/x-www-form-urlencoded"}, body=body).decode()

    def iam(self, action, **parameters):
        return self.form("iam", action, "2010-05-08", **parameters)

    def issued_key(self):
        """An access key that the server issued, so that it verifies each signature, of a user who may do all."""
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        self.iam("CreateUser", UserName="bench")
        self.iam("PutUserPolicy", UserName="bench", PolicyName="all", PolicyDocument=json.dumps(everything))
        answer = self.iam("CreateAccessKey", UserName="bench")
        return tuple(re.search(f"<{name}>([^<]+)</{name}>", answer).group(1) for name in ("AccessKeyId", "SecretAccessKey"))

    def query(self, sql, output, database=None):
        """Runs a statement in Athena to its end and reads its first page of rows; returns (seconds, statistics, rows)."""
        start = time.perf_counter()
        payload = {"QueryString": sql, "ResultConfiguration": {"OutputLocation": output}}
        if database:
            payload["QueryExecutionContext"] = {"Database": database}
        query_id = self.json("athena", "AmazonAthena.StartQueryExecution", payload)["QueryExecutionId"]
        while True:
            execution = self.json("athena", "AmazonAthena.GetQueryExecution", {"QueryExecutionId": query_id})["QueryExecution"]
            state = execution["Status"]["State"]
            if state in ("SUCCEEDED", "FAILED", "CANCELLED"):
                break
            time.sleep(0.002)
        if state != "SUCCEEDED":
            raise CallError(f"{execution['Status'].get('StateChangeReason', state)}: {sql[:300]}")
        rows = self.json("athena", "AmazonAthena.GetQueryResults", {"QueryExecutionId": query_id})["ResultSet"]["Rows"]
        return time.perf_counter() - start, execution["Statistics"], rows
