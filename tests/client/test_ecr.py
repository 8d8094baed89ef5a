"""ECR through boto3, and its registry through raw HTTP and crane, a client of others."""

import base64
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "000000000000"
OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@pytest.fixture(scope="module")
def ecr(tarn):
    return tarn.client("ecr")


@pytest.fixture
def repository(ecr, name):
    ecr.create_repository(repositoryName=name)
    yield name
    try:
        ecr.delete_repository(repositoryName=name, force=True)
    except ecr.exceptions.RepositoryNotFoundException:
        pass


def code(call, *args, **kwargs):
    with pytest.raises(ClientError) as error:
        call(*args, **kwargs)
    return error.value.response["Error"]["Code"]


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return gzip.compress(out.getvalue(), mtime=0)


def push_layer(ecr, repository, data, part=5 * 1024 * 1024):
    upload = ecr.initiate_layer_upload(repositoryName=repository)
    for at in range(0, len(data), part):
        piece = data[at:at + part]
        got = ecr.upload_layer_part(repositoryName=repository, uploadId=upload["uploadId"], partFirstByte=at, partLastByte=at + len(piece) - 1,
                                    layerPartBlob=piece)
        assert got["lastByteReceived"] == at + len(piece) - 1
    ecr.complete_layer_upload(repositoryName=repository, uploadId=upload["uploadId"], layerDigests=[digest(data)])
    return digest(data)


def manifest_of(layers, config=b"{}", kind=OCI):
    reference = lambda data, media_type: {"mediaType": media_type, "digest": digest(data), "size": len(data)}
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "config": reference(config, CONFIG), "layers": [reference(d, LAYER) for d in layers]})


def push(ecr, repository, text=b"hello", tag="v1"):
    layer, config = layer_of({"a.txt": text}), json.dumps({"architecture": "amd64", "os": "linux", "note": text.decode()}).encode()
    for data in (layer, config):
        if ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[digest(data)])["layers"][0]["layerAvailability"] != "AVAILABLE":
            push_layer(ecr, repository, data)
    more = {"imageTag": tag} if tag else {}
    return ecr.put_image(repositoryName=repository, imageManifest=manifest_of([layer], config), **more)["image"]["imageId"]["imageDigest"]


# ---- repositories ----

def test_a_repository_and_its_settings(tarn, ecr, name):
    made = ecr.create_repository(repositoryName=f"team/{name}", imageTagMutability="IMMUTABLE", imageScanningConfiguration={"scanOnPush": True},
                                 tags=[{"Key": "a", "Value": "1"}])["repository"]
    host = tarn.endpoint.removeprefix("http://")
    assert made["repositoryArn"] == f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/team/{name}"
    assert made["repositoryUri"] == f"{host}/team/{name}" and made["registryId"] == ACCOUNT
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"} and made["imageScanningConfiguration"] == {"scanOnPush": True}
    arn = made["repositoryArn"]
    assert ecr.describe_repositories(repositoryNames=[f"team/{name}"])["repositories"] == [made]
    assert code(ecr.create_repository, repositoryName=f"team/{name}") == "RepositoryAlreadyExistsException"
    assert code(ecr.create_repository, repositoryName="Upper") == "InvalidParameterException"
    ecr.put_image_tag_mutability(repositoryName=f"team/{name}", imageTagMutability="MUTABLE")
    ecr.put_image_scanning_configuration(repositoryName=f"team/{name}", imageScanningConfiguration={"scanOnPush": False})
    now = ecr.describe_repositories(repositoryNames=[f"team/{name}"])["repositories"][0]
    assert (now["imageTagMutability"], now["imageScanningConfiguration"]) == ("MUTABLE", {"scanOnPush": False})
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "b", "Value": "2"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "b", "Value": "2"}]
    assert ecr.delete_repository(repositoryName=f"team/{name}")["repository"]["repositoryName"] == f"team/{name}"
    assert code(ecr.describe_repositories, repositoryNames=[f"team/{name}"]) == "RepositoryNotFoundException"


def test_pages_of_repositories(ecr, name):
    names = [f"{name}/{i}" for i in range(5)]
    for one in names:
        ecr.create_repository(repositoryName=one)
    pages = list(ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2}))
    assert len(pages) > 2
    assert [r["repositoryName"] for p in pages for r in p["repositories"] if r["repositoryName"].startswith(name + "/")] == names
    for one in names:
        ecr.delete_repository(repositoryName=one)


def test_policies(ecr, repository):
    assert code(ecr.get_repository_policy, repositoryName=repository) == "RepositoryPolicyNotFoundException"
    text = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "LambdaECRImageRetrievalPolicy", "Effect": "Allow", "Principal": {
        "Service": "lambda.amazonaws.com"}, "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}]})
    ecr.set_repository_policy(repositoryName=repository, policyText=text)
    assert ecr.get_repository_policy(repositoryName=repository)["policyText"] == text
    assert code(ecr.set_repository_policy, repositoryName=repository, policyText="{}") == "InvalidParameterException"
    assert ecr.delete_repository_policy(repositoryName=repository)["policyText"] == text

    assert code(ecr.get_lifecycle_policy, repositoryName=repository) == "LifecyclePolicyNotFoundException"
    rule = {"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countNumber": 365, "countUnit": "days"},
            "action": {"type": "expire"}}
    text = json.dumps({"rules": [rule]})
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=text)
    assert ecr.get_lifecycle_policy(repositoryName=repository)["lifecyclePolicyText"] == text
    wrong = {**rule, "selection": {**rule["selection"], "countType": "imageCountMoreThan"}}
    assert code(ecr.put_lifecycle_policy, repositoryName=repository, lifecyclePolicyText=json.dumps({"rules": [wrong]})) == "InvalidParameterException"
    ecr.delete_lifecycle_policy(repositoryName=repository)
    assert code(ecr.delete_lifecycle_policy, repositoryName=repository) == "LifecyclePolicyNotFoundException"


# ---- images ----

def test_images(ecr, repository):
    one = push(ecr, repository, b"one", "v1")
    assert code(push, ecr, repository, b"one", "v1") == "ImageAlreadyExistsException"
    push(ecr, repository, b"one", "latest")
    two = push(ecr, repository, b"two", "latest")
    ids = ecr.list_images(repositoryName=repository)["imageIds"]
    assert sorted((i["imageTag"], i["imageDigest"]) for i in ids) == [("latest", two), ("v1", one)]
    details = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["imageDetails"]
    assert details[0]["imageDigest"] == one and details[0]["imageTags"] == ["v1"] and details[0]["imageManifestMediaType"] == OCI
    assert details[0]["imageSizeInBytes"] == len(layer_of({"a.txt": b"one"})) + len(b'{"architecture": "amd64", "os": "linux", "note": "one"}')
    assert code(ecr.describe_images, repositoryName=repository, imageIds=[{"imageTag": "v9"}]) == "ImageNotFoundException"

    got = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}, {"imageTag": "v9"}, {"imageTag": "v1", "imageDigest": two}])
    assert [i["imageId"] for i in got["images"]] == [{"imageDigest": one, "imageTag": "v1"}]
    assert digest(got["images"][0]["imageManifest"].encode()) == one
    assert [f["failureCode"] for f in got["failures"]] == ["ImageNotFound", "ImageTagDoesNotMatchDigest"]
    url = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=digest(layer_of({"a.txt": b"one"})))["downloadUrl"]
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == layer_of({"a.txt": b"one"})
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url.replace("signature=", "signature=0"))

    assert code(ecr.delete_repository, repositoryName=repository) == "RepositoryNotEmptyException"
    gone = ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}, {"imageDigest": "sha256:" + "0" * 64}])
    assert gone["imageIds"] == [{"imageDigest": one, "imageTag": "v1"}] and gone["failures"][0]["failureCode"] == "ImageNotFound"
    # Its layer went with it; the other's stays.
    check = lambda text: ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[digest(layer_of({"a.txt": text}))])["layers"][0]
    assert check(b"one")["layerAvailability"] == "UNAVAILABLE" and check(b"two")["layerAvailability"] == "AVAILABLE"


def test_immutable_tags(ecr, repository):
    push(ecr, repository, b"one", "v1")
    push(ecr, repository, b"one", "dev-1")
    ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
                                 imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev-*"}])
    assert code(push, ecr, repository, b"two", "v1") == "ImageTagAlreadyExistsException"
    push(ecr, repository, b"two", "dev-1")
    push(ecr, repository, b"two", "v2")


def test_what_no_image_may_be(ecr, repository):
    layer, config = layer_of({"a": b"a"}), b"{}"
    put = lambda manifest, **more: code(ecr.put_image, repositoryName=repository, imageManifest=manifest, **more)
    assert put(manifest_of([layer], config)) == "LayersNotFoundException"
    assert put("no json") == put('{"schemaVersion": 1}') == "InvalidParameterException"
    push_layer(ecr, repository, layer)
    push_layer(ecr, repository, config)
    assert put(manifest_of([layer], config), imageDigest="sha256:" + "0" * 64) == "ImageDigestDoesNotMatchException"
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"mediaType": OCI, "digest": "sha256:" + "1" * 64, "size": 3}]}
    assert put(json.dumps(index)) == "ReferencedImagesNotFoundException"
    assert put(manifest_of([layer], config), imageTag="-wrong") == "InvalidParameterException"

    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    part = dict(repositoryName=repository, uploadId=upload, layerPartBlob=b"abc")
    assert code(ecr.complete_layer_upload, repositoryName=repository, uploadId=upload, layerDigests=[digest(b"abc")]) == "EmptyUploadException"
    assert code(ecr.upload_layer_part, partFirstByte=5, partLastByte=7, **part) == "InvalidLayerPartException"
    ecr.upload_layer_part(partFirstByte=0, partLastByte=2, **part)
    assert code(ecr.complete_layer_upload, repositoryName=repository, uploadId=upload, layerDigests=[digest(b"xyz")]) == "InvalidLayerException"
    ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest(b"abc")])
    assert code(ecr.complete_layer_upload, repositoryName=repository, uploadId=upload, layerDigests=[digest(b"abc")]) == "UploadNotFoundException"


def test_an_index_keeps_its_images(ecr, repository):
    one, two = push(ecr, repository, b"one", None), push(ecr, repository, b"two", None)
    size = lambda d: len(ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageDigest": d}])["images"][0]["imageManifest"])
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": OCI, "digest": d, "size": size(d), "platform": {"os": "linux", "architecture": a}} for d, a in ((one, "amd64"), (two, "arm64"))]}
    ecr.put_image(repositoryName=repository, imageManifest=json.dumps(index), imageTag="all")
    failed = ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": one}])["failures"]
    assert failed[0]["failureCode"] == "ImageReferencedByManifestList"
    everything = ecr.list_images(repositoryName=repository)["imageIds"]
    gone = ecr.batch_delete_image(repositoryName=repository, imageIds=everything)
    assert len(gone["imageIds"]) == 3 and gone["failures"] == []


def test_layers_survive_kill(own_tarn):
    tarn = own_tarn()
    ecr = tarn.client("ecr")
    ecr.create_repository(repositoryName="kept")
    big = os.urandom(12 * 1024 * 1024)
    push_layer(ecr, "kept", big)
    upload = ecr.initiate_layer_upload(repositoryName="kept")["uploadId"]
    ecr.upload_layer_part(repositoryName="kept", uploadId=upload, partFirstByte=0, partLastByte=2, layerPartBlob=b"abc")
    image = push(ecr, "kept")
    tarn.kill()
    assert not any(big[1000:1100] in p.read_bytes() for p in tarn.data_dir.rglob("*") if p.is_file())  # encrypted
    tarn.start()
    ecr = tarn.client("ecr")
    assert ecr.describe_images(repositoryName="kept")["imageDetails"][0]["imageDigest"] == image
    ecr.upload_layer_part(repositoryName="kept", uploadId=upload, partFirstByte=3, partLastByte=5, layerPartBlob=b"def")
    ecr.complete_layer_upload(repositoryName="kept", uploadId=upload, layerDigests=[digest(b"abcdef")])
    for data in (b"abcdef", big):
        url = ecr.get_download_url_for_layer(repositoryName="kept", layerDigest=digest(data))["downloadUrl"]
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == data


def test_lifecycle_policies_are_carried_out_each_day(own_tarn):
    tarn = own_tarn("--clock", "manual")
    ecr = tarn.client("ecr")
    ecr.create_repository(repositoryName="kept")
    rules = [{"rulePriority": 1, "selection": {"tagStatus": "tagged", "tagPrefixList": ["v"], "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}},
             {"rulePriority": 2, "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 2}, "action": {"type": "expire"}}]
    ecr.put_lifecycle_policy(repositoryName="kept", lifecyclePolicyText=json.dumps({"rules": rules}))
    push(ecr, "kept", b"one", "v1")
    push(ecr, "kept", b"none", None)

    def advance(hours):
        urllib.request.urlopen(urllib.request.Request(tarn.endpoint + "/_tarn/clock", json.dumps({"advance_ms": hours * 3600_000}).encode())).read()

    def after(evaluations):
        until = time.monotonic() + 10
        while ecr.get_lifecycle_policy(repositoryName="kept").get("lastEvaluatedAt") in evaluations and time.monotonic() < until:
            time.sleep(0.05)
        evaluations.append(ecr.get_lifecycle_policy(repositoryName="kept")["lastEvaluatedAt"])
        return sorted(i.get("imageTag", "") for i in ecr.list_images(repositoryName="kept")["imageIds"])

    advance(1)
    push(ecr, "kept", b"two", "v2")
    push(ecr, "kept", b"other", "other")
    seen = [None]
    advance(24)
    assert after(seen) == ["", "other", "v2"]
    advance(48)
    assert after(seen) == ["other", "v2"]


def test_encryption_by_kms(tarn, ecr, name):
    key = tarn.client("kms").create_key()["KeyMetadata"]["Arn"]
    made = ecr.create_repository(repositoryName=name, encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key})["repository"]
    assert made["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": key}
    push(ecr, name)
    layer = digest(layer_of({"a.txt": b"hello"}))
    url = ecr.get_download_url_for_layer(repositoryName=name, layerDigest=layer)["downloadUrl"]
    assert digest(urllib.request.urlopen(url).read()) == layer
    tarn.client("kms").disable_key(KeyId=key)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url)
    ecr.delete_repository(repositoryName=name, force=True)


# ---- the registry's protocol ----

class Raw:
    """HTTP to the registry, without a client's help."""

    def __init__(self, tarn, token=None):
        self.endpoint, self.token = tarn.endpoint, token

    def __call__(self, method, path, body=None, **headers):
        request = urllib.request.Request(path if path.startswith("http") else self.endpoint + path, method=method, data=body,
                                         headers={k.replace("_", "-"): v for k, v in headers.items()})
        if self.token:
            request.add_header("Authorization", "Basic " + self.token)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as e:
            return e.code, e.read(), e.headers


@pytest.fixture
def raw(tarn, ecr):
    return Raw(tarn, ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"])


def failure(answer):
    return answer[0], json.loads(answer[1])["errors"][0]["code"]


def test_who_is_let_in(tarn, ecr, raw):
    status, _, headers = Raw(tarn)("GET", "/v2/")
    assert status == 401 and headers["WWW-Authenticate"].startswith("Basic ")
    assert Raw(tarn, base64.b64encode(b"AWS:wrong").decode())("GET", "/v2/")[0] == 401
    assert raw("GET", "/v2/")[0] == 200
    data = ecr.get_authorization_token()["authorizationData"][0]
    assert data["proxyEndpoint"] == tarn.endpoint and base64.b64decode(data["authorizationToken"]).startswith(b"AWS:")
    # The paths of API Gateway stay its own.
    assert code(tarn.client("apigatewayv2").get_apis) != "UNAUTHORIZED"


def test_uploads_of_every_kind(raw, repository):
    base = f"/v2/{repository}/blobs"
    data = os.urandom(300_000)
    # In one request.
    assert raw("POST", f"{base}/uploads/?digest={digest(b'one')}", b"one")[0] == 201
    # In chunks, resumed where it was.
    status, _, headers = raw("POST", f"{base}/uploads/", b"")
    where = headers["Location"]
    assert status == 202
    assert raw("PATCH", where, data[:100_000], Content_Range="0-99999")[2]["Range"] == "0-99999"
    assert failure(raw("PATCH", where, data[:10], Content_Range="50-59")) == (416, "BLOB_UPLOAD_INVALID")
    status, _, headers = raw("GET", where)
    assert (status, headers["Range"]) == (204, "0-99999")
    assert raw("PATCH", where, data[100_000:200_000], Content_Range="100000-199999")[0] == 202
    assert failure(raw("PUT", f"{where}?digest={digest(b'other')}", b"")) == (400, "DIGEST_INVALID")
    assert raw("PUT", f"{where}?digest={digest(data)}", data[200_000:])[0] == 201
    status, body, headers = raw("GET", f"{base}/{digest(data)}")
    assert (status, body, headers["Docker-Content-Digest"]) == (200, data, digest(data))
    status, body, headers = raw("GET", f"{base}/{digest(data)}", Range="bytes=10-19")
    assert (status, body, headers["Content-Range"]) == (206, data[10:20], "bytes 10-19/300000")
    assert failure(raw("GET", f"{base}/{digest(data)}", Range="bytes=300000-")) == (416, "SIZE_INVALID")
    status, body, headers = raw("HEAD", f"{base}/{digest(data)}")
    assert (status, body, headers["Content-Length"]) == (200, b"", "300000")
    # Given up.
    where = raw("POST", f"{base}/uploads/", b"")[2]["Location"]
    assert raw("DELETE", where)[0] == 204
    assert failure(raw("PATCH", where, b"x")) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert raw("HEAD", f"{base}/sha256:{'0' * 64}")[0] == 404
    assert failure(raw("POST", "/v2/nowhere/blobs/uploads/", b"")) == (404, "NAME_UNKNOWN")


def test_manifests_tags_and_mounts(ecr, raw, repository):
    layer, config = layer_of({"a": b"a"}), b"{}"
    for data in (layer, config):
        assert raw("POST", f"/v2/{repository}/blobs/uploads/?digest={digest(data)}", data)[0] == 201
    manifest = manifest_of([layer], config, DOCKER).encode()
    for tag in ("b", "a", "c"):
        status, _, headers = raw("PUT", f"/v2/{repository}/manifests/{tag}", manifest, Content_Type=DOCKER)
        assert (status, headers["Docker-Content-Digest"]) == (201, digest(manifest))
    status, body, headers = raw("GET", f"/v2/{repository}/manifests/a", Accept=DOCKER)
    assert (status, body, headers["Content-Type"]) == (200, manifest, DOCKER)
    assert raw("HEAD", f"/v2/{repository}/manifests/{digest(manifest)}")[2]["Content-Length"] == str(len(manifest))
    assert failure(raw("GET", f"/v2/{repository}/manifests/z")) == (404, "MANIFEST_UNKNOWN")
    assert failure(raw("PUT", f"/v2/{repository}/manifests/x", b"{", Content_Type=OCI)) == (400, "MANIFEST_INVALID")
    assert json.loads(raw("GET", f"/v2/{repository}/tags/list")[1]) == {"name": repository, "tags": ["a", "b", "c"]}
    status, body, headers = raw("GET", f"/v2/{repository}/tags/list?n=2")
    assert json.loads(body)["tags"] == ["a", "b"] and 'rel="next"' in headers["Link"]
    assert json.loads(raw("GET", f"/v2/{repository}/tags/list?n=2&last=b")[1])["tags"] == ["c"]

    ecr.create_repository(repositoryName=repository + "/second")
    mount = raw("POST", f"/v2/{repository}/second/blobs/uploads/?mount={digest(layer)}&from={repository}", b"")
    assert mount[0] == 201
    ecr.delete_repository(repositoryName=repository, force=True)
    assert raw("GET", f"/v2/{repository}/second/blobs/{digest(layer)}")[1] == layer
    not_there = raw("POST", f"/v2/{repository}/second/blobs/uploads/?mount={digest(b'?')}&from={repository}/second", b"")
    assert not_there[0] == 202 and not_there[2]["Location"]
    ecr.delete_repository(repositoryName=repository + "/second", force=True)


def test_referrers(raw, repository):
    image, signature = manifest_of([], b"{}").encode(), None
    raw("POST", f"/v2/{repository}/blobs/uploads/?digest={digest(b'{}')}", b"{}")
    assert raw("PUT", f"/v2/{repository}/manifests/v1", image, Content_Type=OCI)[0] == 201
    about = {**json.loads(image), "artifactType": "application/x.signature", "subject": {"mediaType": OCI, "digest": digest(image), "size": len(image)}}
    signature = json.dumps(about).encode()
    status, _, headers = raw("PUT", f"/v2/{repository}/manifests/{digest(signature)}", signature, Content_Type=OCI)
    assert (status, headers["OCI-Subject"]) == (201, digest(image))
    listed = json.loads(raw("GET", f"/v2/{repository}/referrers/{digest(image)}")[1])["manifests"]
    assert [m["digest"] for m in listed] == [digest(signature)]
    assert json.loads(raw("GET", f"/v2/{repository}/referrers/{digest(image)}?artifactType=other")[1])["manifests"] == []


@pytest.fixture(scope="session")
def crane():
    made = subprocess.run([ROOT / "tools/setup-clients", "crane"], capture_output=True, text=True)
    if made.returncode == 3:
        pytest.skip(made.stdout)
    assert made.returncode == 0, made.stderr
    return made.stdout.split()[-1] + "/crane"


def test_crane(tarn, ecr, crane, repository, tmp_path):
    host = tarn.endpoint.removeprefix("http://")
    password = base64.b64decode(ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]).decode().split(":", 1)[1]
    env = {**os.environ, "DOCKER_CONFIG": str(tmp_path)}

    def run(*words, text=None):
        done = subprocess.run([crane, *words], capture_output=True, text=True, env=env, input=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("auth", "login", host, "-u", "AWS", "--password-stdin", text=password)
    (tmp_path / "layer.tar.gz").write_bytes(layer_of({"etc/a.txt": os.urandom(700_000), "b.txt": b"b"}))
    image = f"{host}/{repository}"
    run("append", "--oci-empty-base", "-f", str(tmp_path / "layer.tar.gz"), "-t", f"{image}:v1")
    run("tag", f"{image}:v1", "v2")
    assert run("ls", image).split() == ["v1", "v2"]
    found = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["imageDetails"][0]
    assert run("digest", f"{image}:v1").strip() == found["imageDigest"]
    run("validate", "--remote", f"{image}:v1")
    run("pull", "--format", "oci", f"{image}:v1", str(tmp_path / "pulled"))
    ecr.create_repository(repositoryName=repository + "/copy")
    run("copy", f"{image}:v1", f"{image}/copy:v1")
    run("validate", "--remote", f"{image}/copy:v1")
    ecr.delete_repository(repositoryName=repository + "/copy", force=True)
