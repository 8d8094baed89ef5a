"""tarn docker: Dockerfiles on Lambda's and Python's bases built, pushed and run without an engine."""

import base64
import json
import os
import subprocess

import pytest
from running_tarn import PROGRAM
from test_lambda import ROLE, functions, invoke  # noqa: F401 (fixtures)
from test_lambda_images import sandbox  # noqa: F401 (fixture)


@pytest.fixture(scope="module")
def docker(tarn, tmp_path_factory, sandbox):  # noqa: F811
    """The command, with what it keeps in the tests' own cache but for the environments that are there."""
    folder = tmp_path_factory.mktemp("docker")
    (folder / "bin").mkdir()
    os.symlink(os.path.realpath(PROGRAM), folder / "bin/tarn-docker")
    env = {**os.environ, "DOCKER_CONFIG": str(folder), "AWS_ENDPOINT_URL": tarn.endpoint}

    def docker(*words, text=None, fails=False, **more):
        done = subprocess.run([folder / "bin/tarn-docker", *map(str, words)], capture_output=True, text=True, env=env, input=text, **more)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    return docker


def project(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_function_as_the_cdk_ships_it(tarn, docker, functions, tmp_path, name):  # noqa: F811
    project(tmp_path, app_py="import helper, os\ndef handler(event, context):\n    return helper.greet(event), os.environ['STAGE'], os.environ['LAYERED'], open('made').read()\n",
            lib__helper_py="def greet(who): return f'hello {who}'\n", secret="not for the image", Dockerfile="""
# syntax=docker/dockerfile:1
ARG VERSION=3.12
FROM public.ecr.aws/lambda/python:${VERSION} AS build
WORKDIR /build
COPY lib lib
RUN mkdir out && cp lib/*.py out/ \\
 && echo "made by $(python3 -c 'print(6 * 7)')" > out/made

FROM public.ecr.aws/lambda/python:${VERSION}
ARG STAGE
ENV STAGE=$STAGE LAYERED="a b"
COPY --from=build /build/out/ ./
COPY . ${LAMBDA_TASK_ROOT}/
RUN test ! -e secret && rm -rf lib
CMD ["app.handler"]
""")
    (tmp_path / ".dockerignore").write_text("secret\n*.tmp\n")
    local = f"cdkasset-{name}"
    docker("inspect", local, fails=True)
    docker("build", "--tag", local, "--build-arg", "STAGE=prod", "--platform", "linux/amd64" if os.uname().machine == "x86_64" else "linux/arm64", ".", cwd=tmp_path)
    assert json.loads(docker("inspect", local))[0]["Config"]["Cmd"] == ["app.handler"]
    ecr = tarn.client("ecr")
    uri = ecr.create_repository(repositoryName=name)["repository"]["repositoryUri"] + ":abc"
    token = ecr.get_authorization_token()["authorizationData"][0]
    user, password = base64.b64decode(token["authorizationToken"]).decode().split(":", 1)
    docker("login", "--username", user, "--password-stdin", token["proxyEndpoint"], text=password)
    docker("tag", local, uri)
    docker("push", uri)
    docker("push", uri)
    assert "no image" in docker("push", uri + "x", fails=True)
    functions.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{name}:abc"}, Role=ROLE, Timeout=30)
    assert invoke(functions, name, "you")[1] == ["hello you", "prod", "a b", "made by 42\n"]
    functions.delete_function(FunctionName=name)
    ecr.delete_repository(repositoryName=name, force=True)


def test_bundling(docker, tmp_path):
    project(tmp_path, **{"in__requirements.txt": "", "in__app_py": "x = 1\n"})
    (tmp_path / "out").mkdir()
    said = docker("run", "--rm", "-u", "1000:1000", "-v", f"{tmp_path}/in:/asset-input:delegated", "-v", f"{tmp_path}/out:/asset-output:delegated", "-w", "/asset-input",
                  "-e", "WHO=me", "public.ecr.aws/sam/build-python3.12", "bash", "-c", "python -m compileall -q app.py && cp -r . /asset-output && echo $WHO && python -m pip --version")
    assert said.splitlines()[0] == "me" and said.splitlines()[1].startswith("pip ")
    assert (tmp_path / "out/app.py").read_text() == "x = 1\n" and (tmp_path / "out/__pycache__").is_dir()


def test_files_out_of_an_image(docker, tmp_path):
    project(tmp_path, Dockerfile="FROM python:3.12\nWORKDIR /asset\nRUN echo one > a && mkdir d && echo two > d/b && ln -s / /up\n")
    docker("build", "-t", "asset", tmp_path)
    container = docker("create", "asset").strip()
    (tmp_path / "out").mkdir()
    docker("cp", f"{container}:/asset/.", tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == ["a", "d"] and (tmp_path / "out/d/b").read_text() == "two\n"
    docker("cp", f"{container}:/up/up/asset/a", tmp_path / "copy")  # links lead nowhere but within
    assert (tmp_path / "copy").read_text() == "one\n"
    assert "Could not find the file" in docker("cp", f"{container}:/nothing", tmp_path / "out", fails=True)
    docker("rm", "-v", container)
    docker("rm", container, fails=True)
    docker("rmi", "asset")


@pytest.mark.parametrize("text, why", [
    ("FROM nginx:latest\n", "line 1: FROM nginx:latest: tarn has no image nginx:latest"),
    ("FROM python:3.12\nHEALTHCHECK NONE\n", "line 2: HEALTHCHECK NONE: tarn docker build does not have it"),
    ("FROM python:3.12\nRUN true \\\n && exit 3\n", "exit code 3"),
    ("FROM python:3.12\nCOPY nothing .\n", "nothing is not in the build context"),
    ("FROM python:3.12\nCOPY ../../etc/passwd .\n", "is not in the build context"),
    ("RUN true\n", "a Dockerfile begins with FROM"),
])
def test_what_is_refused(docker, tmp_path, text, why):
    project(tmp_path, Dockerfile=text)
    assert why in docker("build", "-t", "refused", tmp_path, fails=True)
    docker("inspect", "refused", fails=True)


def test_nothing_of_the_machine_is_changed(docker, tmp_path):
    project(tmp_path, Dockerfile="FROM python:3.12\nRUN ln -s / /up && echo x > /usr/bin/zzz && rm -f /bin/ls && ls / >/dev/null 2>&1 || echo gone > /etc/gone\n"
                                 f"RUN test ! -e {tmp_path}\nCOPY Dockerfile /up/usr/bin/tarn-made\n")
    docker("build", "-t", "own", tmp_path)
    assert os.path.exists("/bin/ls") and not os.path.exists("/usr/bin/zzz") and not os.path.exists("/usr/bin/tarn-made")
    assert docker("run", "--rm", "own", "sh", "-c", "cat /etc/gone; test -e /usr/bin/tarn-made && echo there").split() == ["gone", "there"]
    docker("rmi", "own")
