"""The modules that a job brings with it: files beside its script, and packages from PyPI."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tarn_job import Unsupported, notice, storage


def cache_folder() -> Path:
    """Where things that may be made again are kept: $TARN_CACHE, or $XDG_CACHE_HOME/tarn, or ~/.cache/tarn."""
    if os.environ.get("TARN_CACHE"):
        return Path(os.environ["TARN_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tarn"


def local_copy(address: str) -> str:
    """The local path of `address`: itself when it is a file here, a download in a temporary folder when on S3."""
    if not storage.is_s3(address):
        if not os.path.exists(address):
            raise FileNotFoundError(f"the job's file {address} does not exist")
        return address
    folder = tempfile.mkdtemp(prefix="tarn-job-")
    target = os.path.join(folder, address.rstrip("/").rsplit("/", 1)[-1])
    storage.download(address, target)
    return target


def add_files(listed: str) -> None:
    """Makes every file of a comma-separated list importable, the first before the later ones.

    A .py file is imported by its own name, a .zip or .egg and a folder by what stands in it; a wheel is installed into
    a temporary folder with what it requires.
    """
    places = []
    for address in _split(listed):
        path = local_copy(address)
        suffix = Path(path).suffix.lower()
        if suffix == ".whl":
            places.append(_install([path], tempfile.mkdtemp(prefix="tarn-job-wheel-")))
        elif suffix == ".py":
            places.append(os.path.dirname(os.path.abspath(path)))
        elif suffix in (".zip", ".egg") or os.path.isdir(path):
            places.append(os.path.abspath(path))
        else:
            raise Unsupported(f"--extra-py-files: {address} is neither a .py, .zip, .egg or .whl file nor a folder")
    sys.path[:0] = places


def add_modules(listed: str) -> None:
    """Installs packages from PyPI, once for each list, and puts them before every other module.

    They are kept in the cache under a hash of the list and the Python version, so the second run starts at once. What
    the environment has already is not installed again. Raises RuntimeError with pip's own last words when it fails.
    """
    wanted = _split(listed)
    if not wanted:
        return
    key = hashlib.sha256(json.dumps([wanted, sys.version, sys.prefix]).encode()).hexdigest()[:16]
    place = cache_folder() / "job-modules" / key
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = tempfile.mkdtemp(prefix=f".{key}-", dir=place.parent)
        notice(f"installing {', '.join(wanted)} (kept for later runs)")
        try:
            _install([local_copy(one) if one.endswith(".whl") else one for one in wanted], partial)
            os.rename(partial, place)
        except OSError:
            if not place.is_dir():  # another run may have made the same folder meanwhile: then it is as good as ours
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    sys.path.insert(0, str(place))


def _install(wanted: list[str], folder: str) -> str:
    """Installs what is missing of `wanted`, and of what it requires, into `folder`; returns `folder`."""
    report = json.loads(_pip("install", "--dry-run", "--quiet", "--report", "-", *wanted))
    missing = []
    for item in report["install"]:
        url = item["download_info"]["url"]
        name, version = item["metadata"]["name"], item["metadata"]["version"]
        missing.append(url if url.startswith("file:") or "vcs_info" in item["download_info"] else f"{name}=={version}")
    if missing:
        _pip("install", "--quiet", "--no-deps", "--target", folder, *missing)
    return folder


def _pip(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("pip could not install the job's modules: " + (done.stderr.strip()[-2000:] or "no reason given"))
    return done.stdout


def _split(listed: str) -> list[str]:
    return [one.strip() for one in (listed or "").split(",") if one.strip()]
