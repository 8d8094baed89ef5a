"""A running tarn, as tests start and stop it."""

import os
import subprocess
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("TARN_PROGRAM", str(ROOT / "build/release/tarn"))
SHARED_DATA = Path(os.environ.get("TARN_SHARED_DATA", ROOT.parent / "shared" / "data"))


class Tarn:
    """One running `tarn up`. Ends with stop() or kill(); start() again takes up the same data folder, on the same port."""

    def __init__(self, data_dir, *options, key="test"):
        self.data_dir, self.options, self.key, self.process, self.endpoint, self.port = Path(data_dir), options, key, None, None, "0"
        self.start()

    def start(self):
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.log = open(self.data_dir.with_suffix(".log"), "a")
        self.process = subprocess.Popen([PROGRAM, "up", "--data", str(self.data_dir), "--port", self.port, "--redshift-port", "0", *self.options],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if "http://" in line:
                self.endpoint = line[line.index("http://"):].split()[0]
                self.port = self.endpoint.rsplit(":", 1)[1]
                return
        raise RuntimeError(f"tarn did not start: {self.data_dir.with_suffix('.log').read_text()[-2000:]}")

    def client(self, service, key=None, secret="test", **config):
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id=key or self.key, aws_secret_access_key=secret,
                            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, **config))

    def environment(self, **more):
        """What a client program needs in its environment to speak to this tarn."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        env.update(AWS_ENDPOINT_URL=self.endpoint, AWS_ACCESS_KEY_ID=self.key, AWS_SECRET_ACCESS_KEY="test", AWS_REGION="us-east-1",
                   AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true", HOME=str(self.data_dir.parent), **more)
        return env

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)
        self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None


class Endpoint(Tarn):
    """Another's endpoint, by its URL: AWS itself, say."""

    def __init__(self, url, folder):
        self.endpoint, self.key, self.data_dir, self.process = url, os.environ.get("AWS_ACCESS_KEY_ID", "test"), Path(folder), None
