"""Lambda functions from images of tarn's own registry: pushed layer by layer, run in their root file system."""

import gzip
import io
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from running_tarn import PROGRAM, ROOT
from test_ecr import digest, manifest_of, push_layer
from test_lambda import ROLE, functions, invoke, log_lines  # noqa: F401 (fixtures)

ACCOUNT = "000000000000"


@pytest.fixture(scope="module", autouse=True)
def sandbox():
    checks = json.loads(subprocess.run([PROGRAM, "doctor", "--json"], capture_output=True, text=True).stdout)
    found = next(c for c in checks if c["check"] == "sandbox of functions")
    if not found["good"]:
        pytest.skip(found["found"])


def packed(add):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        add(tar)
    return gzip.compress(out.getvalue(), 1, mtime=0)


def text(tar, name, content, mode=0o644):
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content.encode()), mode
    tar.addfile(info, io.BytesIO(content.encode()))


@pytest.fixture(scope="module")
def python_layer():
    """A layer with this machine's Python, the libraries that it needs, and Lambda's runtime interface client: what a base image has."""
    env = Path(subprocess.run([ROOT / "tools/python-env", "function"], capture_output=True, text=True, check=True).stdout.split()[-1])
    program = (env / "bin/python").resolve()
    version = subprocess.run([program, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True).stdout.strip()
    library, packages = Path(program.parent.parent / f"lib/python{version}"), env / f"lib/python{version}/site-packages"
    unwanted = re.compile(r"/(test|tests|idlelib|tkinter|ensurepip|lib2to3|dist-packages|config-.*|__pycache__|turtledemo|pydoc_data)(/|$)")

    def add(tar):
        tar.dereference = True
        binaries = [str(program), *map(str, (library / "lib-dynload").glob("*.so")), *map(str, packages.glob("*.so")), "/bin/sh"]
        libraries = set(re.findall(r"(/\S+\.so\S*) \(0x", subprocess.run(["ldd", *binaries], capture_output=True, text=True).stdout))
        for name in {str(program), "/bin/sh", *libraries}:
            tar.add(os.path.realpath(name), name)
        keep = lambda info: None if unwanted.search("/" + info.name) else info
        tar.add(library, str(library), filter=keep)
        for name in ("awslambdaric", "simplejson", "snapshot_restore_py"):
            if (packages / name).exists():
                tar.add(packages / name, f"/opt/python/{name}", filter=keep)
        for extension in packages.glob("*.so"):
            tar.add(extension, f"/opt/python/{extension.name}")

    return str(program), packed(add)


@pytest.fixture(scope="module")
def push(tarn, python_layer):
    """Pushes an image of the Python layer and further ones; returns its reference."""
    ecr = tarn.client("ecr")
    program, base = python_layer
    ecr.create_repository(repositoryName="functions")
    push_layer(ecr, "functions", base, 10 * 1024 * 1024)

    def push(tag, *layers, **config):
        config = json.dumps({"architecture": "amd64" if os.uname().machine == "x86_64" else "arm64", "os": "linux", "config": {
            "Entrypoint": [program, "-m", "awslambdaric"], "Cmd": ["app.handler"], "WorkingDir": "/var/task",
            "Env": ["PYTHONPATH=/opt/python:/var/task", "FROM_IMAGE=yes", "BOTH=image"], **config}}).encode()
        for data in (*layers, config):
            if ecr.batch_check_layer_availability(repositoryName="functions", layerDigests=[digest(data)])["layers"][0]["layerAvailability"] != "AVAILABLE":
                push_layer(ecr, "functions", data)
        return f"{ecr.describe_repositories(repositoryNames=['functions'])['repositories'][0]['repositoryUri']}:{tag}", ecr.put_image(
            repositoryName="functions", imageManifest=manifest_of([base, *layers], config), imageTag=tag)["image"]["imageId"]["imageDigest"]

    yield push
    ecr.delete_repository(repositoryName="functions", force=True)


HANDLER = """
import os
def handler(event, context):
    print("said by", context.function_name)
    if event == "write":
        try: open("/var/task/x", "w")
        except OSError as e: return os.strerror(e.errno)
    return {"event": event, "root": sorted(os.listdir("/")), "env": [os.environ.get(n) for n in ("FROM_IMAGE", "BOTH", "AWS_LAMBDA_FUNCTION_NAME")],
            "cwd": os.getcwd(), "version": open("/var/task/version").read(), "gone": os.path.exists("/var/task/old"), "user": os.getuid()}
def other(event, context):
    return "the other"
"""


def test_an_image_function(tarn, functions, push, name):
    first = packed(lambda tar: (text(tar, "var/task/app.py", HANDLER), text(tar, "var/task/old", "old"), text(tar, "var/task/version", "1")))
    second = packed(lambda tar: (text(tar, "var/task/.wh.old", ""), text(tar, "var/task/version", "2")))
    uri, found = push("v1", first, second)
    made = functions.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": uri}, Role=ROLE, Timeout=20,
                                     Environment={"Variables": {"BOTH": "function"}})
    assert made["PackageType"] == "Image" and made["State"] == "Active" and "Runtime" not in made and "sha256:" + made["CodeSha256"] == found
    code = functions.get_function(FunctionName=name)["Code"]
    assert (code["RepositoryType"], code["ImageUri"]) == ("ECR", uri) and code["ResolvedImageUri"].endswith("@" + found)

    said = invoke(functions, name, {"a": 1})[1]
    assert said["event"] == {"a": 1} and said["env"] == ["yes", "function", name] and said["cwd"] == "/var/task"
    assert (said["version"], said["gone"], said["user"]) == ("2", False, 993)
    assert not {"home", "root", "work"} & set(said["root"])
    assert invoke(functions, name, "write")[1] == "Read-only file system"
    assert any("said by" in line for line in log_lines(tarn, name))

    # Another command, another image, by the name that the CDK writes; and the image may leave the registry.
    functions.update_function_configuration(FunctionName=name, ImageConfig={"Command": ["app.other"], "WorkingDirectory": "/tmp"})
    assert functions.get_function_configuration(FunctionName=name)["ImageConfigResponse"]["ImageConfig"]["Command"] == ["app.other"]
    assert invoke(functions, name, None)[1] == "the other"
    _, newer = push("v2", first, packed(lambda tar: text(tar, "var/task/version", "3")))
    functions.update_function_configuration(FunctionName=name, ImageConfig={})
    functions.update_function_code(FunctionName=name, ImageUri=f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/functions:v2", Publish=True)
    assert "sha256:" + functions.get_function_configuration(FunctionName=name, Qualifier="1")["CodeSha256"] == newer
    tarn.client("ecr").batch_delete_image(repositoryName="functions", imageIds=[{"imageTag": "v2"}])
    assert invoke(functions, name, None)[1]["version"] == "3"
    functions.delete_function(FunctionName=name)


def test_what_is_refused(functions, push, name):
    uri, _ = push("v3")

    def create(**settings):
        with pytest.raises(ClientError) as error:
            functions.create_function(FunctionName=name, Role=ROLE, **settings)
        return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]

    assert create(PackageType="Image", Code={"ImageUri": uri + "x"})[1] == f"Source image {uri}x does not exist. Provide a valid source image."
    assert create(PackageType="Image", Code={"ImageUri": "python:3.12"})[0] == "InvalidParameterValueException"
    assert create(PackageType="Image", Code={"ImageUri": uri}, Runtime="python3.12")[0] == "InvalidParameterValueException"
    assert create(Code={"ImageUri": uri}, Runtime="python3.12", Handler="a.b")[0] == "InvalidParameterValueException"
    assert "another account" in create(PackageType="Image", Code={"ImageUri": "111111111111.dkr.ecr.us-east-1.amazonaws.com/functions:v3"})[1]


def test_entry_points_that_fail(functions, push, name):
    uri, _ = push("v4", packed(lambda tar: text(tar, "entry", "#!/bin/sh\necho no runtime here\nexit 4\n", 0o755)), WorkingDir="/")
    functions.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": uri}, Role=ROLE, ImageConfig={"EntryPoint": ["/entry"], "Command": []})
    said = invoke(functions, name, None)[1]
    assert said["errorType"] == "Runtime.ExitError" and "exit status 4" in said["errorMessage"]
    functions.update_function_configuration(FunctionName=name, ImageConfig={"EntryPoint": ["/nowhere"]})
    assert invoke(functions, name, None)[1]["errorType"] == "Runtime.InvalidEntrypoint"
    functions.delete_function(FunctionName=name)
