"""tarn docker COMMAND: login, logout, inspect, build, tag, push, run, create, cp, rm, images, rmi, version."""

import argparse
import json
import os
import secrets
import shutil
import sys
from pathlib import Path

from . import bases, builder, dockerfile, images, registry


def login(words):
    p = argparse.ArgumentParser("docker login")
    p.add_argument("--username", "-u", required=True)
    p.add_argument("--password", "-p")
    p.add_argument("--password-stdin", action="store_true")
    p.add_argument("host")
    a = p.parse_args(words)
    registry.login(a.host, a.username, sys.stdin.read().strip() if a.password_stdin else a.password)
    print("Login Succeeded")


def logout(words):
    file = registry.logins()
    if file.exists():
        known = json.loads(file.read_text())
        for host in words:
            known.pop(registry.plain_host(host), None)
        file.write_text(json.dumps(known))


def inspect(words):
    out = []
    for name in [w for w in words if not w.startswith("-") and w != "image"]:
        manifest = images.find(name)
        if manifest is None:
            sys.exit(f"Error: No such object: {name}")
        config = images.config_of(manifest)
        out.append({"Id": manifest["config"]["digest"], "RepoTags": [images.full_name(name)], "Architecture": config["architecture"], "Os": config["os"],
                    "Config": config["config"], "RootFS": {"Type": "layers", "Layers": config["rootfs"]["diff_ids"]}})
    print(json.dumps(out, indent=4))


def build(words):
    p = argparse.ArgumentParser("docker build")
    p.add_argument("--tag", "-t", action="append", default=[])
    p.add_argument("--file", "-f")
    p.add_argument("--build-arg", action="append", default=[])
    p.add_argument("--target")
    p.add_argument("--platform")
    for ignored in ("--progress", "--network", "--cache-from", "--cache-to"):  # nothing that is built differs by them
        p.add_argument(ignored, action="append")
    for ignored in ("--quiet", "-q", "--no-cache", "--pull", "--rm", "--force-rm", "--load"):
        p.add_argument(ignored, action="store_true")
    p.add_argument("context")
    a, unknown = p.parse_known_args([w for w in words if w not in ("--provenance=false", "--sbom=false")])
    if unknown:
        sys.exit(f"tarn docker build has no {unknown[0]}")
    if a.platform and a.platform.split("/")[1:2] != [images.ARCHITECTURE]:
        sys.exit(f"tarn docker build makes images for linux/{images.ARCHITECTURE}, not for {a.platform}")
    arguments = {}
    for one in a.build_arg:
        name, equals, value = one.partition("=")
        arguments[name] = value if equals else os.environ.get(name, "")
    file = Path(a.file) if a.file else Path(a.context) / "Dockerfile"
    if a.file and not file.exists():
        file = Path(a.context) / a.file
    if not file.exists():
        sys.exit(f"there is no {file}")
    digest = builder.Builder(a.context, arguments, a.target).build(file.read_text())
    with images.names() as known:
        for tag in a.tag:
            known[images.full_name(tag)] = digest
    print(digest)


def tag(words):
    source, target = words
    with images.names() as known:
        digest = source if source.startswith("sha256:") else known.get(images.full_name(source))
        if not digest:
            sys.exit(f"Error response from daemon: No such image: {images.full_name(source)}")
        known[images.full_name(target)] = digest


def push(words):
    (name,) = [w for w in words if not w.startswith("-")]
    print(f"{name}: digest: {registry.push(name)}")


def run(words):
    p = argparse.ArgumentParser("docker run")
    p.add_argument("--rm", action="store_true")
    p.add_argument("-u", "--user")  # whoever it is, is root in a namespace of its own
    p.add_argument("-v", "--volume", action="append", default=[])
    p.add_argument("-e", "--env", action="append", default=[])
    p.add_argument("-w", "--workdir")
    p.add_argument("--entrypoint")
    p.add_argument("--network")
    p.add_argument("--platform")
    p.add_argument("--security-opt")
    p.add_argument("-i", "--interactive", action="store_true")
    p.add_argument("image")
    p.add_argument("command", nargs=argparse.REMAINDER)
    a = p.parse_args(words)
    instruction = dockerfile.Instruction(0, "run", a.image)
    build_of = builder.Builder(".")
    stage = builder.Stage(build_of, build_of.base(instruction, a.image), None)
    binds = []
    for volume in a.volume:
        host, place, *options = volume.split(":")
        binds.append([os.path.realpath(host), place, "ro" not in ",".join(options).split(",")])
    env = {}
    for one in a.env:
        name, equals, value = one.partition("=")
        env[name] = value if equals else os.environ.get(name, "")
    entry = [a.entrypoint] if a.entrypoint else stage.config["Entrypoint"] or []
    try:
        sys.exit(stage.start([*entry, *(a.command or ([] if a.entrypoint else stage.config["Cmd"] or []))], binds, a.workdir, env))
    finally:
        stage.remove()


def create(words):
    """A container that never runs: what `cp` takes files out of, until `rm`."""
    p = argparse.ArgumentParser("docker create")
    p.add_argument("--platform")
    p.add_argument("image")
    p.add_argument("command", nargs=argparse.REMAINDER)
    a = p.parse_args(words)
    if images.find(a.image) is None:
        sys.exit(f"Error: No such image: {a.image}")
    container = secrets.token_hex(32)
    with images.names() as known:
        known[CONTAINER + container] = a.image if a.image.startswith("sha256:") else known[images.full_name(a.image)]
    print(container)


def copy(words):
    """ID:PATH to a place of the machine; "PATH/." means what is in the folder."""
    source, target = words
    container, colon, path = source.partition(":")
    with images.names() as known:
        digest = known.get(CONTAINER + container)
    if not colon or not digest:
        sys.exit(f"Error: No such container: {container}; tarn docker cp takes files out of one")
    stage = builder.Stage(None, images.find(digest), None)
    try:
        place = f"{stage.lower}{stage.resolve(path)}"
        if not os.path.lexists(place):
            sys.exit(f"Error: Could not find the file {path} in container {container}")
        inside = path.endswith("/.") or not os.path.isdir(target)
        into = target if inside else os.path.join(target, os.path.basename(path.rstrip("/")))
        if os.path.isdir(place):
            shutil.copytree(place, into, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(place, into, follow_symlinks=False)
    finally:
        stage.remove()


def remove_container(words):
    with images.names() as known:
        for container in [w for w in words if not w.startswith("-")]:
            if known.pop(CONTAINER + container, None) is None:
                sys.exit(f"Error: No such container: {container}")
            print(container)


def remove(words):
    with images.names() as known:
        for name in [w for w in words if not w.startswith("-")]:
            if known.pop(images.full_name(name), None) is None:
                sys.exit(f"Error: No such image: {name}")


def list_images(words):
    with images.names() as known:
        for name, digest in sorted(known.items()):
            if not name.startswith(CONTAINER):
                print(f"{name}\t{digest}")


CONTAINER = "container/"
COMMANDS = {"login": login, "logout": logout, "inspect": inspect, "build": build, "tag": tag, "push": push, "run": run, "create": create, "cp": copy,
            "rm": remove_container, "rmi": remove, "images": list_images,
            "version": lambda words: print("tarn docker: builds on this machine's Python and Node"), "--version": lambda words: print("tarn docker")}


def main():
    words = sys.argv[1:]
    if words[:1] == ["buildx"]:
        words = words[1:]
    if words[:1] == ["image"]:
        words = words[1:]
    if not words or words[0] not in COMMANDS:
        sys.exit(f"tarn docker has {', '.join(c for c in COMMANDS if not c.startswith('-'))}, not {' '.join(words[:1]) or 'nothing'}. Use an engine for that.")
    try:
        COMMANDS[words[0]](words[1:])
    except (dockerfile.DockerfileError, bases.BaseError, registry.RegistryError) as e:
        sys.exit(f"tarn docker {words[0]}: {e}")


if __name__ == "__main__":
    main()
