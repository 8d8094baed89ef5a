"""The servers that are compared: each started on a free port with a folder of its own, and ended by its process id."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from .aws import Aws, CallError

KEY, SECRET = "benchbench", "benchbenchbench"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def remove(folder):
    """Millions of files: Python's own shutil.rmtree takes minutes for them."""
    subprocess.run(["rm", "-rf", str(folder)], check=False)


class Server:
    """A process group that serves on self.port. `self.folder` holds all that it writes."""

    name = ""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process = None
        self.access_key, self.secret_key = KEY, SECRET

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def start(self):
        log = open(self.folder.parent / f"{self.folder.name}.log", "ab")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        env={**os.environ, **self.environment()}, cwd=self.folder.parent)
        return self

    def wait_until_ready(self, seconds=90):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                if self.answers():
                    return self
            except (OSError, CallError):
                pass
            time.sleep(0.05)
        self.stop()
        log = (self.folder.parent / f"{self.folder.name}.log").read_text(errors="replace")
        raise RuntimeError(f"{self.name} does not start: {log[-500:]}")

    def answers(self):
        self.aws().request("s3", "GET", "/")
        return True

    def aws(self):
        return Aws(self.port, self.access_key, self.secret_key)

    def pids(self):
        """The process and its children."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def memory_mb(self):
        out = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    out += int(line.split()[1]) * 1024 / 1e6
        return out

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


class Tarn(Server):
    name = "tarn"

    def __init__(self, folder, program, *options, name="tarn"):
        super().__init__(folder)
        self.program, self.options, self.name = program, options, name

    def command(self):
        return [self.program, "up", "--port", str(self.port), "--data", str(self.folder / "data"), "--quiet", *self.options]

    def issue_key(self):
        self.access_key, self.secret_key = self.aws().issued_key()


class Minio(Server):
    name = "MinIO"

    def __init__(self, folder, program):
        super().__init__(folder)
        self.program = program

    def command(self):
        return [self.program, "server", "--address", f"127.0.0.1:{self.port}", str(self.folder)]

    def environment(self):
        return {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off",
                "HOME": str(self.folder.parent)}


class VersityGateway(Server):
    name = "versitygw"

    def __init__(self, folder, program):
        super().__init__(folder)
        self.program = program

    def command(self):
        return [self.program, "--access", KEY, "--secret", SECRET, "--region", "us-east-1", "--port", f"127.0.0.1:{self.port}", "--quiet",
                "posix", str(self.folder)]


class Nginx(Server):
    """Serves files of its folder: /bench/KEY. One worker a core, sendfile, no log."""

    name = "nginx"

    def command(self):
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "".join(f"{kind}_temp_path {self.folder}/.tmp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = self.folder / "nginx.conf"
        config.write_text(f"""{user} worker_processes auto; daemon off; pid {self.folder}/pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; {temporary}
  server {{ listen 127.0.0.1:{self.port}; root {self.folder}; default_type application/octet-stream; }} }}
""")
        return [self.program(), "-c", str(config), "-p", str(self.folder)]

    @staticmethod
    def program():
        return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

    def answers(self):
        return True  # it listens


class Moto(Server):
    """moto's server from PyPI, of which a version is pinned in tools/versions.txt."""

    name = "moto"

    def __init__(self, folder, python):
        super().__init__(folder)
        self.python = python

    def command(self):
        return [self.python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
