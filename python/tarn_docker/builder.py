"""Builds an image from a Dockerfile: each stage is one layer over its base, written through an overlay in tarn's sandbox."""

import fnmatch
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from . import bases, dockerfile, images

PASSED = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "PIP_TRUSTED_HOST",
          "SSL_CERT_FILE", "NPM_CONFIG_REGISTRY")


def run_in_root(spec):
    """Runs a program in a root of its own; its exit code."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", dir=images.home() / "work") as file:
        json.dump(spec, file)
        file.flush()
        return subprocess.run([os.environ["TARN_PROGRAM"], "run-in-root", file.name]).returncode


def root_of(manifest):
    """The unpacked root of an image; nobody writes to it."""
    name = "-".join(layer["digest"][7:23] for layer in manifest["layers"])
    root = images.home() / "roots" / name
    if not root.exists():
        part = images.home() / "work" / f"root-{os.getpid()}-{name}"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        images.unpack(manifest, part)
        for folder in ("proc", "dev", "tmp", "etc"):
            (part / folder).mkdir(exist_ok=True)
        try:
            os.rename(part, root)
        except OSError:
            shutil.rmtree(part, ignore_errors=True)  # another build made it
    return root


class Stage:
    def __init__(self, builder, manifest, name):
        self.builder, self.name = builder, name
        self.layers = [(l["digest"], d) for l, d in zip(manifest["layers"], images.config_of(manifest)["rootfs"]["diff_ids"])]
        config = images.config_of(manifest).get("config") or {}
        self.env = dict(e.split("=", 1) for e in config.get("Env") or [])
        self.config = {k: config.get(k) for k in ("Entrypoint", "Cmd", "WorkingDir", "Labels", "User", "ExposedPorts")}
        self.args, self.shell = {}, ["/bin/sh", "-c"]
        self.lower = root_of(manifest)
        self.work = Path(tempfile.mkdtemp(prefix="stage-", dir=images.home() / "work"))
        for folder in ("at", "upper", "work"):
            (self.work / folder).mkdir()
        self.upper = self.work / "upper"
        self.flat = None

    def values(self):
        return {**self.args, **self.env}

    # ---- the merged root, seen from the host ----

    def resolve(self, path, depth=0):
        """The place of a path in the root, its links followed as within it."""
        if depth > 40:
            raise dockerfile.DockerfileError(f"{path}: too many links")
        at = ""
        parts = [p for p in path.split("/") if p not in ("", ".")]
        for i, part in enumerate(parts):
            if part == "..":
                at = os.path.dirname(at)
                continue
            here = f"{at}/{part}"
            for side in (self.upper, self.lower):
                if os.path.lexists(f"{side}{here}"):
                    if os.path.islink(f"{side}{here}"):
                        target = os.readlink(f"{side}{here}")
                        rest = "/".join(parts[i + 1:])
                        return self.resolve((target if target.startswith("/") else f"{at}/{target}") + "/" + rest, depth + 1)
                    break
            at = here
        return at or "/"

    def is_folder(self, path):
        place = self.resolve(path)
        return any(os.path.isdir(f"{side}{place}") and not os.path.islink(f"{side}{place}") for side in (self.upper, self.lower))

    def write(self, source, target):
        """A file or link of the host's into the root, at `target`."""
        folder = self.resolve(os.path.dirname(target))
        place = os.path.join(f"{self.upper}{folder}", os.path.basename(target))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if os.path.lexists(place):
            shutil.rmtree(place) if os.path.isdir(place) and not os.path.islink(place) else os.remove(place)
        shutil.copy2(source, place, follow_symlinks=False)
        return place

    def make_folder(self, path):
        os.makedirs(f"{self.upper}{self.resolve(path)}", exist_ok=True)

    # ---- instructions ----

    def absolute(self, path):
        return path if path.startswith("/") else os.path.join(self.config["WorkingDir"] or "/", path)

    def run(self, instruction):
        flags, text = dockerfile.flags_of(instruction, instruction.text)
        for flag in flags:
            if flag not in ("mount", "network"):
                instruction.fail(f"--{flag} is not there")
        if "mount" in flags and "type=cache" not in flags["mount"]:
            instruction.fail("only mounts of type=cache are known, and hold nothing")
        words = dockerfile.command_of(instruction, text, self.shell)
        code = self.start(words)
        if code:
            instruction.fail(f"ended with exit code {code}")

    def start(self, words, binds=(), folder=None, env=()):
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root", **{n: os.environ[n] for n in PASSED if n in os.environ}, **self.args, **self.env, **dict(env)}
        binds = list(binds)
        for name in ("PIP_CERT", "SSL_CERT_FILE"):
            if env.get(name) and os.path.exists(env[name]):
                binds.append([env[name], env[name], False])
        return run_in_root({"at": str(self.work / "at"), "lower": str(self.lower), "upper": str(self.upper), "work": str(self.work / "work"),
                            "folder": folder or self.config["WorkingDir"] or "/", "environment": [f"{k}={v}" for k, v in env.items()],
                            "binds": binds, "command": words})

    def copy(self, instruction, expanded):
        flags, text = dockerfile.flags_of(instruction, expanded)
        for flag in flags:
            if flag not in ("from", "chown", "chmod", "link"):
                instruction.fail(f"--{flag} is not there")
        words = dockerfile.words_of(instruction, text)
        if len(words) < 2:
            instruction.fail("a source and a target are needed")
        *sources, target = words
        root = self.builder.stage_root(instruction, flags["from"]) if "from" in flags else self.builder.context
        into = self.absolute(target)
        many = target.endswith("/") or target in (".", "..") or len(sources) > 1 or self.is_folder(into)
        for source in sources:
            if re.match(r"https?://", source):
                if instruction.name != "ADD":
                    instruction.fail("COPY takes no URLs")
                self.download(source, into, many)
                continue
            pattern = os.path.join(root, os.path.normpath("/" + source).lstrip("/"))
            found = sorted(glob.glob(pattern, include_hidden=True) if sys.version_info >= (3, 11) else glob.glob(pattern)) if glob.has_magic(source) else [pattern]
            found = [f for f in found if os.path.lexists(f) and not self.builder.is_ignored(f, root)]
            if not found:
                instruction.fail(f"{source} is not in the build context" if "from" not in flags else f"{source} is not in {flags['from']}")
            for path in found:
                self.copy_one(instruction, path, root, into, many, flags.get("chmod"))

    def copy_one(self, instruction, path, root, into, many, mode):
        if os.path.isdir(path) and not os.path.islink(path):
            self.make_folder(into)
            for folder, folders, files in os.walk(path):
                here = os.path.normpath(os.path.join(into, os.path.relpath(folder, path)))
                folders[:] = [f for f in folders if not self.builder.is_ignored(os.path.join(folder, f), root)]
                for name in files + [f for f in folders if os.path.islink(os.path.join(folder, f))]:
                    if not self.builder.is_ignored(os.path.join(folder, name), root):
                        self.finish(self.write(os.path.join(folder, name), os.path.join(here, name)), mode)
                for name in folders:
                    self.make_folder(os.path.join(here, name))
        elif instruction.name == "ADD" and re.search(r"\.(tar|tar\.gz|tgz|tar\.bz2|tar\.xz)$", path):
            self.make_folder(into)
            with tempfile.TemporaryDirectory(dir=self.work) as unpacked:
                shutil.unpack_archive(path, unpacked)
                self.copy_one(type("Plain", (), {"name": "COPY"}), unpacked, unpacked, into, True, mode)
        else:
            self.finish(self.write(path, os.path.join(into, os.path.basename(path)) if many else into), mode)

    @staticmethod
    def finish(path, mode):
        if mode and not os.path.islink(path):
            os.chmod(path, int(mode, 8))

    def download(self, url, into, many):
        with tempfile.NamedTemporaryFile(dir=self.work) as file:
            with urllib.request.urlopen(url) as answer:
                shutil.copyfileobj(answer, file)
            file.flush()
            os.chmod(file.name, 0o600)
            self.write(file.name, os.path.join(into, os.path.basename(url.split("?")[0])) if many else into)

    # ---- the end ----

    def root(self):
        """What the stage's root holds, as a folder."""
        if self.flat is None:
            self.flat = self.work / "flat"
            shutil.copytree(self.lower, self.flat, symlinks=True, copy_function=os.link)
            images.lay_over(self.upper, self.flat)
        return self.flat

    def image(self):
        layers = list(self.layers)
        if any(os.scandir(self.upper)):
            layers.append(images.pack(lambda tar: images.add_tree(tar, self.upper)))
        config = {k: v for k, v in self.config.items() if v}
        config["Env"] = [f"{k}={v}" for k, v in self.env.items()]
        return images.put_image(layers, config)

    def remove(self):
        inner = self.work / "work/work"
        if inner.exists():
            os.chmod(inner, 0o700)
        shutil.rmtree(self.work, ignore_errors=True)


class Builder:
    def __init__(self, context, build_args=None, target=None):
        self.context, self.build_args, self.target = os.path.realpath(context), build_args or {}, target
        self.stages, self.ignored = [], []
        file = Path(self.context) / ".dockerignore"
        if file.exists():
            self.ignored = [line.strip() for line in file.read_text().splitlines() if line.strip() and not line.startswith("#")]

    def is_ignored(self, path, root):
        if root != self.context:
            return False
        inside, out = os.path.relpath(path, root), False
        for pattern in self.ignored:
            keep, pattern = pattern.startswith("!"), pattern.lstrip("!").strip("/")
            parents = [inside] + [str(p) for p in Path(inside).parents if str(p) != "."]
            if any(fnmatch.fnmatch(p, pattern) or (pattern.startswith("**/") and fnmatch.fnmatch(p, pattern[3:])) for p in parents):
                out = not keep
        return out

    def stage_root(self, instruction, name):
        for number, stage in enumerate(self.stages):
            if name in (stage.name, str(number)):
                return str(stage.root())
        return str(root_of(self.base(instruction, name)))

    def base(self, instruction, name):
        if found := images.find(name):
            return found
        kind = bases.kind_of(name)
        if kind:
            manifest = bases.make(kind)
            own = (images.config_of(manifest)["config"].get("Labels") or {}).get("tarn.python")
            asked = re.search(r"python[^:]*:(\d+\.\d+)", name)
            if own and asked and asked.group(1) != own:
                print(f"tarn: this machine's Python {own} stands in for {name}", file=sys.stderr)
            return manifest
        instruction.fail(f"tarn has no image {name}. It builds on public.ecr.aws/lambda/python and nodejs, python, node, scratch, public.ecr.aws/sam/build-python and "
                         "-nodejs, and on images built here. Build others with an engine, and push them to the repository.")

    def begin(self, instruction, arguments):
        flags, text = dockerfile.flags_of(instruction, dockerfile.expand(instruction.text, arguments))
        words = text.split()
        if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
            instruction.fail("FROM IMAGE [AS NAME] is needed")
        name = words[2].lower() if len(words) == 3 else None
        for number, stage in enumerate(self.stages):
            if words[0].lower() in (stage.name, str(number)):
                return Stage(self, json.loads(images.blob(stage.image()).read_text()), name)
        if words[0] == "scratch":
            return Stage(self, json.loads(images.blob(images.put_image([], {})).read_text()), name)
        return Stage(self, self.base(instruction, words[0]), name)

    def build(self, text):
        """Returns the manifest's digest."""
        arguments = dict(self.build_args)
        try:
            for instruction in dockerfile.parse(text):
                if instruction.name == "FROM":
                    if self.target and self.stages and self.stages[-1].name == self.target.lower():
                        break
                    self.stages.append(self.begin(instruction, arguments))
                    self.stages[-1].globals = arguments
                elif not self.stages:
                    if instruction.name != "ARG":
                        instruction.fail("a Dockerfile begins with FROM")
                    name, _, value = instruction.text.partition("=")
                    arguments.setdefault(name, dockerfile.expand(value.strip("\"'"), arguments))
                else:
                    self.act(self.stages[-1], instruction)
            if not self.stages:
                raise dockerfile.DockerfileError("there is no FROM")
            if self.target and self.stages[-1].name != self.target.lower():
                raise dockerfile.DockerfileError(f"there is no stage {self.target}")
            return self.stages[-1].image()
        finally:
            for stage in self.stages:
                stage.remove()

    def act(self, stage, instruction):
        print(f"{instruction.name} {instruction.text}", file=sys.stderr)
        text = dockerfile.expand(instruction.text, stage.values()) if instruction.name in dockerfile.EXPANDED else instruction.text
        if instruction.name == "RUN":
            stage.run(instruction)
        elif instruction.name in ("COPY", "ADD"):
            stage.copy(instruction, text)
        elif instruction.name == "ENV":
            stage.env.update(dockerfile.pairs_of(instruction, text))
        elif instruction.name == "ARG":
            name, equals, value = text.partition("=")
            if name in self.build_args or name in stage.globals:
                stage.args[name] = self.build_args.get(name, stage.globals.get(name))
            elif equals:
                stage.args[name] = value.strip("\"'")
        elif instruction.name == "WORKDIR":
            stage.config["WorkingDir"] = os.path.normpath(stage.absolute(text.strip("\"'")))
            stage.make_folder(stage.config["WorkingDir"])
        elif instruction.name == "CMD":
            stage.config["Cmd"] = dockerfile.command_of(instruction, text, stage.shell)
        elif instruction.name == "ENTRYPOINT":
            stage.config["Entrypoint"] = dockerfile.command_of(instruction, text, stage.shell)
            stage.config["Cmd"] = None
        elif instruction.name == "LABEL":
            stage.config["Labels"] = {**(stage.config["Labels"] or {}), **dockerfile.pairs_of(instruction, text)}
        elif instruction.name == "USER":
            stage.config["User"] = text
        elif instruction.name == "EXPOSE":
            stage.config["ExposedPorts"] = {**(stage.config["ExposedPorts"] or {}), **{p if "/" in p else p + "/tcp": {} for p in text.split()}}
        elif instruction.name == "SHELL":
            stage.shell = dockerfile.words_of(instruction, text)
