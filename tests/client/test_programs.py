"""Programs that people have: awscli v2, rclone."""

import json
import os
import shutil
import subprocess

import pytest


def run(words, env, **more):
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("alpha")
    (folder / "sub" / "año y más.txt").write_text("beta")
    (folder / "large.bin").write_bytes(bytes(range(256)) * 4096 * 20)
    return folder


def test_awscli(tarn, name, files, tmp_path):
    aws = shutil.which("aws", path="/usr/bin:" + os.environ["PATH"])
    if not aws:
        pytest.skip("awscli is not installed")
    aws = [aws, "--endpoint-url", tarn.endpoint]  # Debian's is too old to know AWS_ENDPOINT_URL
    env = tarn.environment()
    run([*aws, "s3", "mb", f"s3://{name}"], env)
    run([*aws, "s3", "sync", str(files), f"s3://{name}/copy"], env)
    assert "sub/año y más.txt" in run([*aws, "s3", "ls", "--recursive", f"s3://{name}"], env)
    run([*aws, "s3", "sync", f"s3://{name}/copy", str(tmp_path / "back")], env)
    assert (tmp_path / "back" / "large.bin").read_bytes() == (files / "large.bin").read_bytes()
    assert run([*aws, "s3", "sync", str(files), f"s3://{name}/copy"], env) == ""
    run([*aws, "glue", "create-database", "--database-input", json.dumps({"Name": name})], env)
    assert json.loads(run([*aws, "glue", "get-database", "--name", name, "--output", "json"], env))["Database"]["Name"] == name
    assert json.loads(run([*aws, "sts", "get-caller-identity", "--output", "json"], env))["Account"] == "000000000000"
    missing = subprocess.run([*aws, "glue", "get-table", "--database-name", name, "--name", "t"], env=env, capture_output=True, text=True)
    assert missing.returncode != 0 and "EntityNotFoundException" in missing.stderr
    run([*aws, "s3", "rb", "--force", f"s3://{name}"], env)


def test_rclone(tarn, name, files, tmp_path):
    rclone = shutil.which("rclone")
    if not rclone:
        pytest.skip("rclone is not installed")
    config = tmp_path / "rclone.conf"
    config.write_text(f"[tarn]\ntype = s3\nprovider = Minio\naccess_key_id = test\nsecret_access_key = test\nregion = us-east-1\n"
                      f"endpoint = {tarn.endpoint}\nforce_path_style = true\n")
    base = [rclone, "--config", str(config), "--checksum", "--s3-upload-cutoff", "8M"]
    env = tarn.environment()
    run([*base, "mkdir", f"tarn:{name}"], env)
    run([*base, "copy", str(files), f"tarn:{name}/copy"], env)
    run([*base, "check", str(files), f"tarn:{name}/copy"], env)
    run([*base, "copy", f"tarn:{name}/copy", str(tmp_path / "back")], env)
    assert (tmp_path / "back" / "sub" / "año y más.txt").read_text() == "beta"
    run([*base, "purge", f"tarn:{name}"], env)
