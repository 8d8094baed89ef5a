"""Base images made of this machine's own Python or Node, its shell and the usual tools: self-contained, so what is built on them runs as any image."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import images

TOOLS = """sh bash cat cp mv rm mkdir rmdir ls ln chmod chown touch echo printf env head tail sort uniq wc cut tr tee sed grep egrep find xargs test [ true false
sleep date id whoami uname basename dirname readlink realpath mktemp tar gzip gunzip unzip zip curl wget stat du df expr seq diff which install sha256sum md5sum awk
ps kill nproc dd od git patch""".split()
UNWANTED = re.compile(r"/(test|tests|idlelib|tkinter|lib2to3|dist-packages|config-[^/]*|__pycache__|turtledemo|pydoc_data)(/|$)")
LAMBDA_ENV = {"LANG": "en_US.UTF-8", "TZ": ":/etc/localtime", "LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime"}
NAMES = {
    "lambda-python": r"(public\.ecr\.aws/lambda/python|(docker\.io/)?amazon/aws-lambda-python|public\.ecr\.aws/sam/emulation-python[\d.]+)",
    "lambda-nodejs": r"(public\.ecr\.aws/lambda/nodejs|(docker\.io/)?amazon/aws-lambda-nodejs|public\.ecr\.aws/sam/emulation-nodejs[\d.x]+)",
    "python": r"((docker\.io/)?(library/)?python|public\.ecr\.aws/docker/library/python|public\.ecr\.aws/sam/build-python[\d.]+)",
    "node": r"((docker\.io/)?(library/)?node|public\.ecr\.aws/docker/library/node|public\.ecr\.aws/sam/build-nodejs[\d.x]+)",
}


class BaseError(Exception):
    pass


def kind_of(name):
    """Which of tarn's bases stands in for a name; None."""
    plain = re.sub(r"(:[^/]*)?(@.*)?$", "", name)
    for kind, pattern in NAMES.items():
        if re.fullmatch(pattern, plain):
            return kind
    return None


def libraries_of(programs):
    said = subprocess.run(["ldd", *programs], capture_output=True, text=True).stdout
    return set(re.findall(r"(/\S+\.so\S*) \(0x", said))


def function_python():
    """The environment with awslambdaric and boto3."""
    made = subprocess.run([Path(os.environ["TARN_SOURCE"]) / "tools/python-env", "function"], stdout=subprocess.PIPE, text=True)
    if made.returncode:
        raise BaseError("the Python environment of functions could not be made (tools/python-env function)")
    return Path(made.stdout.split()[-1])


def version_of(program):
    return subprocess.run([program, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True).stdout.strip()


class Base:
    """Gathers files of the machine under their own paths, and makes a layer of them."""

    def __init__(self):
        self.files, self.trees, self.texts, self.links, self.binaries = {}, {}, {}, {}, set()

    def program(self, path, at=None):
        real = os.path.realpath(path)
        self.files[at or path] = real
        with open(real, "rb") as file:
            if file.read(4) == b"\x7fELF":
                self.binaries.add(real)

    def tree(self, path, at, keep=lambda name: True):
        self.trees[at] = (path, keep)
        self.binaries |= set(glob.glob(f"{path}/**/*.so*", recursive=True))

    def tools(self):
        for name in TOOLS:
            path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin")
            if path:
                self.program(path, f"/usr/bin/{name}")
        for path in ("/etc/ssl/certs/ca-certificates.crt", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/localtime"):
            if os.path.exists(path):
                self.files[path] = os.path.realpath(path)
        for name in ("libnss_dns.so.2", "libnss_files.so.2"):
            for path in glob.glob(f"/lib/*-linux-gnu/{name}"):
                self.program(path)
        self.texts["/etc/passwd"] = ("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/sbin/nologin\n", 0o644)
        self.texts["/etc/group"] = ("root:x:0:\nnogroup:x:65534:\n", 0o644)
        self.links.update({"/bin": "usr/bin", "/sbin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64"})

    def python(self, of_lambda):
        env = function_python()
        program = (env / "bin/python").resolve()
        version = version_of(program)
        packages = env / f"lib/python{version}/site-packages"
        self.program(str(program))
        library = program.parent.parent / f"lib/python{version}"
        self.tree(str(library), str(library))
        local = f"/usr/local/lib/python{version}/dist-packages"
        self.links.update({"/usr/bin/python3": str(program), "/usr/bin/python": str(program)})
        wanted = ["pip"] + (["awslambdaric", "simplejson", "snapshot_restore_py", "boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six"] if of_lambda else [])
        where = "/var/runtime" if of_lambda else local
        for name in wanted:
            for path in glob.glob(f"{packages}/{name}") + glob.glob(f"{packages}/{name}.py") + glob.glob(f"{packages}/{name.replace('-', '_')}-*.dist-info"):
                at = local if name == "pip" else where
                self.tree(path, f"{at}/{os.path.basename(path)}") if os.path.isdir(path) else self.program(path, f"{at}/{os.path.basename(path)}")
        if of_lambda:
            for path in glob.glob(f"{packages}/*.so"):
                self.program(path, f"{where}/{os.path.basename(path)}")
        run = f"#!/bin/sh\nexec {program} -m pip \"$@\"\n"
        self.texts.update({"/usr/bin/pip": (run, 0o755), "/usr/bin/pip3": (run, 0o755)})
        return program, version

    def node(self):
        made = subprocess.run([Path(os.environ["TARN_SOURCE"]) / "tools/node-env"], stdout=subprocess.PIPE, text=True)
        if made.returncode:
            raise BaseError("there is no Node on this machine (tools/node-env)")
        program = made.stdout.split()[-1]
        self.program(program, "/usr/bin/node")
        npm = next((p for p in (Path(program).parents[1] / "lib/node_modules/npm", Path("/usr/share/nodejs/npm"), Path("/usr/lib/node_modules/npm")) if p.exists()), None)
        if npm:
            self.tree(str(npm), "/usr/lib/node_modules/npm")
            self.texts["/usr/bin/npm"] = ('#!/bin/sh\nexec /usr/bin/node /usr/lib/node_modules/npm/bin/npm-cli.js "$@"\n', 0o755)

    def layer(self):
        with tempfile.TemporaryDirectory(dir=images.home() / "work") as root:
            libraries = libraries_of(sorted(self.binaries))
            for path in libraries:
                self.files.setdefault(path, os.path.realpath(path))
            place = lambda at: os.path.join(root, re.sub(r"^/(bin|sbin)/", "usr/bin/", re.sub(r"^/(lib|lib64)/", r"usr/\1/", at)).lstrip("/"))
            for at, (path, keep) in self.trees.items():
                ignore = lambda folder, found, base=path: [n for n in found if UNWANTED.search("/" + os.path.relpath(os.path.join(folder, n), base))]
                shutil.copytree(path, place(at), ignore=ignore, dirs_exist_ok=True)
            for at, path in self.files.items():
                os.makedirs(os.path.dirname(place(at)), exist_ok=True)
                shutil.copyfile(path, place(at))
                os.chmod(place(at), os.stat(path).st_mode & 0o777)
            for at, (text, mode) in self.texts.items():
                os.makedirs(os.path.dirname(place(at)), exist_ok=True)
                Path(place(at)).write_text(text)
                os.chmod(place(at), mode)
            for at, target in self.links.items():
                path = os.path.join(root, at.lstrip("/"))
                os.makedirs(os.path.dirname(path), exist_ok=True)
                if not os.path.lexists(path) and target != at:
                    os.symlink(target, path)
            for folder in ("tmp", "root", "var/task", "var/runtime", "opt", "proc", "dev", "etc"):
                os.makedirs(os.path.join(root, folder), exist_ok=True)
            return images.pack(lambda tar: images.add_tree(tar, root))


def make(kind):
    """The image of a base: made once."""
    name = f"tarn-base-{kind}:1"
    if found := images.find(name):
        return found
    print(f"tarn: making the base {kind} of what this machine has; this happens once", file=sys.stderr)
    base = Base()
    base.tools()
    config = {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "WorkingDir": "/", "Cmd": ["/bin/sh"]}
    if "python" in kind:
        program, version = base.python(kind == "lambda-python")
        config["Labels"] = {"tarn.python": version}
        config["Cmd"] = ["python3"]
    else:
        base.node()
        config["Cmd"] = ["node"]
    if kind.startswith("lambda-"):
        config["Env"] = [f"{k}={v}" for k, v in {"PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin", **LAMBDA_ENV}.items()]
        config.update(WorkingDir="/var/task", Entrypoint=["/lambda-entrypoint.sh"], Cmd=None)
        if kind == "lambda-python":
            run = f'export PYTHONPATH="/var/task:/opt/python:/var/runtime:$PYTHONPATH"\nexec {program} -m awslambdaric "$1"\n'
            config["Env"].append(f"AWS_EXECUTION_ENV=AWS_Lambda_python{version}")
        else:
            run = 'export _HANDLER="$1" NODE_PATH="/opt/nodejs/node_modules:/var/task/node_modules:/var/runtime"\nexec node /var/runtime/index.mjs\n'
            base.program(os.path.join(os.environ["TARN_SOURCE"], "node/index.mjs"), "/var/runtime/index.mjs")
            config["Env"].append("AWS_EXECUTION_ENV=AWS_Lambda_nodejs20.x")
        base.texts["/lambda-entrypoint.sh"] = ("#!/bin/sh\n" + run, 0o755)
    digest = images.put_image([base.layer()], config)
    with images.names() as known:
        known[name] = digest
    return images.find(name)
