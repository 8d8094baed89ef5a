"""Images that were built here: a folder of layers and a file of names, under tarn's cache."""

import contextlib
import fcntl
import gzip
import hashlib
import json
import os
import platform
import shutil
import stat
import tarfile
from pathlib import Path

CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def home():
    cache = os.environ.get("TARN_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "tarn")
    folder = Path(cache) / "docker"
    for name in ("blobs", "roots", "work"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def names():
    """The names, each of a manifest's digest; what is changed is kept."""
    folder = home()
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = folder / "names.json"
        known = json.loads(file.read_text()) if file.exists() else {}
        before = dict(known)
        yield known
        if known != before:
            (folder / "names.part").write_text(json.dumps(known, indent=1))
            os.replace(folder / "names.part", file)


def full_name(name):
    return name if ":" in name.rsplit("/", 1)[-1] or "@" in name else name + ":latest"


def blob(digest):
    return home() / "blobs" / digest.removeprefix("sha256:")


def put_blob(data):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    if not blob(digest).exists():
        part = blob(digest).with_suffix(f".{os.getpid()}")
        part.write_bytes(data)
        os.replace(part, blob(digest))
    return digest


def find(name):
    """The manifest of an image by its name or digest; None."""
    with names() as known:
        digest = name if name.startswith("sha256:") else known.get(full_name(name))
    if not digest or not blob(digest).exists():
        return None
    return json.loads(blob(digest).read_text())


def config_of(manifest):
    return json.loads(blob(manifest["config"]["digest"]).read_text())


def put_image(layers, config):
    """`layers` are pairs of digest and digest of the unpacked bytes. Returns the manifest's digest."""
    whole = {"architecture": ARCHITECTURE, "os": "linux", "created": "1970-01-01T00:00:00Z", "config": config,
             "rootfs": {"type": "layers", "diff_ids": [plain for _, plain in layers]}}
    data = json.dumps(whole, sort_keys=True).encode()
    reference = lambda digest, kind: {"mediaType": kind, "size": blob(digest).stat().st_size, "digest": digest}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": reference(put_blob(data), CONFIG_TYPE),
                "layers": [reference(packed, LAYER_TYPE) for packed, _ in layers]}
    return put_blob(json.dumps(manifest, sort_keys=True).encode())


def pack(add):
    """A layer of what `add` puts into an archive: equal files give equal bytes."""
    part = home() / "work" / f"layer-{os.getpid()}"
    plain, packed = hashlib.sha256(), hashlib.sha256()

    class Hashed:
        def __init__(self, file):
            self.file = file

        def write(self, data):
            plain.update(data)
            return self.file.write(data)

    with open(part, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, mtime=0, filename="") as zipped:
        with tarfile.open(fileobj=Hashed(zipped), mode="w|", format=tarfile.PAX_FORMAT) as tar:
            add(tar)
    with open(part, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            packed.update(piece)
    digest = "sha256:" + packed.hexdigest()
    os.replace(part, blob(digest))
    return digest, "sha256:" + plain.hexdigest()


def is_whiteout(info):
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def is_opaque(folder):
    try:
        return os.getxattr(folder, "user.overlay.opaque", follow_symlinks=False) == b"y"
    except OSError:
        return False


def add_tree(tar, root):
    """All that an overlay's upper side holds, as a layer tells it."""

    def clean(info):
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        return info

    for folder, folders, files in os.walk(root):
        folders.sort()
        inside = os.path.relpath(folder, root)
        if inside != "." and is_opaque(folder):
            tar.addfile(clean(tarfile.TarInfo(f"{inside}/.wh..wh..opq")))
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            at = name if inside == "." else f"{inside}/{name}"
            info = os.lstat(path)
            if is_whiteout(info):
                tar.addfile(clean(tarfile.TarInfo(os.path.join(os.path.dirname(at), ".wh." + name))))
            elif stat.S_ISREG(info.st_mode):
                entry = clean(tar.gettarinfo(path, at))
                if entry.islnk():  # of files within this layer
                    tar.addfile(entry)
                else:
                    with open(path, "rb") as file:
                        tar.addfile(entry, file)
            elif stat.S_ISDIR(info.st_mode) or stat.S_ISLNK(info.st_mode):
                tar.addfile(clean(tar.gettarinfo(path, at)))


def lay_over(upper, root):
    """What an overlay shows of `root` under `upper`, written into `root`."""
    for folder, folders, files in os.walk(upper):
        target = os.path.normpath(os.path.join(root, os.path.relpath(folder, upper)))
        if os.path.islink(target) or (os.path.lexists(target) and not os.path.isdir(target)):
            os.remove(target)
        if is_opaque(folder) and os.path.isdir(target):
            shutil.rmtree(target)
        os.makedirs(target, exist_ok=True)
        for name in files + [f for f in folders if os.path.islink(os.path.join(folder, f))]:
            source, place = os.path.join(folder, name), os.path.join(target, name)
            if os.path.isdir(place) and not os.path.islink(place):
                shutil.rmtree(place)
            elif os.path.lexists(place):
                os.remove(place)
            if not is_whiteout(os.lstat(source)):
                shutil.copy2(source, place, follow_symlinks=False)


def unpack(manifest, root):
    """All layers of an image made here."""
    safe = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
    for layer in manifest["layers"]:
        with tarfile.open(blob(layer["digest"]), "r:gz") as tar:
            for entry in tar:
                folder, name = os.path.split(entry.name)
                place = os.path.join(root, entry.name)
                if name == ".wh..wh..opq":
                    shutil.rmtree(os.path.join(root, folder), ignore_errors=True)
                    os.makedirs(os.path.join(root, folder))
                elif name.startswith(".wh."):
                    hidden = os.path.join(root, folder, name[4:])
                    shutil.rmtree(hidden) if os.path.isdir(hidden) and not os.path.islink(hidden) else os.path.lexists(hidden) and os.remove(hidden)
                else:
                    if os.path.islink(place) or (os.path.lexists(place) and not entry.isdir()):
                        shutil.rmtree(place) if os.path.isdir(place) and not os.path.islink(place) else os.remove(place)
                    tar.extract(entry, root, **safe)
