"""Pushing to a registry ("OCI Distribution Specification"), and the passwords that `login` was given."""

import base64
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from . import images


class RegistryError(Exception):
    pass


def logins():
    return Path(os.environ.get("DOCKER_CONFIG") or images.home()) / "tarn-logins.json"


def plain_host(host):
    return host.split("://")[-1].rstrip("/")


def login(host, user, password):
    file = logins()
    known = json.loads(file.read_text()) if file.exists() else {}
    known[plain_host(host)] = base64.b64encode(f"{user}:{password}".encode()).decode()
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(known, out)
    Registry(host)("GET", "/v2/")


def endpoint_of(host):
    """A host of AWS's is tarn's own address: nothing else can be meant here."""
    if ".dkr.ecr." in host and os.environ.get("AWS_ENDPOINT_URL"):
        return os.environ["AWS_ENDPOINT_URL"].rstrip("/")
    return "http://" + host


class Registry:
    def __init__(self, host):
        self.host = plain_host(host)
        self.endpoint = endpoint_of(self.host)
        known = json.loads(logins().read_text()) if logins().exists() else {}
        self.login = known.get(self.host) or known.get(plain_host(self.endpoint))

    def __call__(self, method, path, data=None, **headers):
        url = path if path.startswith("http") else self.endpoint + path
        request = urllib.request.Request(url, data=data, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()})
        if self.login:
            request.add_header("Authorization", "Basic " + self.login)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as e:
            if e.code == 404 and method == "HEAD":
                return 404, e.headers, b""
            body = e.read().decode(errors="replace")
            try:
                body = json.loads(body)["errors"][0]["message"]
            except (ValueError, KeyError, IndexError):
                pass
            raise RegistryError(f"{self.host}: {body or e.reason}") from None
        except urllib.error.URLError as e:
            raise RegistryError(f"{self.host} can't be reached: {e.reason}") from None

    def push_blob(self, repository, digest):
        if self("HEAD", f"/v2/{repository}/blobs/{digest}")[0] == 200:
            return
        where = self("POST", f"/v2/{repository}/blobs/uploads/", b"")[1]["Location"]
        size = images.blob(digest).stat().st_size
        with open(images.blob(digest), "rb") as file:
            mark = "&" if "?" in where else "?"
            self("PUT", f"{where}{mark}digest={urllib.parse.quote(digest)}", file, Content_Length=str(size), Content_Type="application/octet-stream")


def push(name):
    manifest = images.find(name)
    if manifest is None:
        raise RegistryError(f"there is no image {name}")
    host, _, rest = images.full_name(name).partition("/")
    repository, _, tag = rest.rpartition(":")
    registry = Registry(host)
    for reference in (*manifest["layers"], manifest["config"]):
        registry.push_blob(repository, reference["digest"])
    with images.names() as known:
        data = images.blob(known[images.full_name(name)]).read_bytes()
    return registry("PUT", f"/v2/{repository}/manifests/{tag}", data, Content_Type=images.MANIFEST_TYPE)[1]["Docker-Content-Digest"]
