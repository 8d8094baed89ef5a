"""What a function may see and do on this machine: a process of its own with its folder and /tmp, whatever it tries."""

import json
import os
import subprocess
import time

import pytest
from running_tarn import PROGRAM
from test_lambda import functions, invoke, make  # noqa: F401 (fixtures)


@pytest.fixture(scope="module", autouse=True)
def sandbox():
    checks = json.loads(subprocess.run([PROGRAM, "doctor", "--json"], capture_output=True, text=True).stdout)
    found = next(c for c in checks if c["check"] == "sandbox of functions")
    if not found["good"]:
        pytest.skip(found["found"])


def test_a_function_sees_its_own_files_and_no_others(tarn, functions, make):
    function = make(f"""
import os
def handler(event, context):
    readable = lambda path: os.path.exists(path) or os.access(path, os.R_OK)
    return {{"task": [os.environ["LAMBDA_TASK_ROOT"], os.getcwd(), sorted(os.listdir("/var/task"))], "tmp": os.listdir("/tmp"), "home": os.environ["HOME"],
            "user": os.getuid(), "root": sorted(os.listdir("/")), "seen": [p for p in event if readable(p)],
            "processes": [p for p in os.listdir("/proc") if p.isdigit()], "shadow": os.path.exists("/etc/shadow")}}
""")
    hidden = [str(tarn.data_dir), str(tarn.data_dir / "keys"), "/home", "/root", "/etc/shadow", f"/proc/{tarn.process.pid}", __file__]
    said = invoke(functions, function, hidden)[1]
    assert said["task"] == ["/var/task", "/var/task", ["index.py"]] and said["tmp"] == [] and said["home"] == "/tmp"
    assert said["user"] == 993 and set(said["seen"]) <= {"/root"}  # Python may be installed below it
    assert set(said["processes"]) <= {"1", "2", "3"} and not said["shadow"]
    assert not {"home", "work", "srv", "mnt", "boot"} & set(said["root"])


def test_only_tmp_can_be_written_and_has_its_size(functions, make):
    function = make("""
import os
def handler(event, context):
    wrote = []
    for path in ("/x", "/var/task/x", "/usr/x", "/etc/x", "/dev/x", "/opt/x", "/tmp/x"):
        try:
            open(path, "w").write("x"); wrote.append(path)
        except OSError:
            pass
    try:
        with open("/tmp/big", "wb") as f:
            for i in range(1100): f.write(bytes(1 << 20))
    except OSError as e:
        failed = os.strerror(e.errno)
    size = os.path.getsize("/tmp/big"); os.remove("/tmp/big")
    return wrote, failed, size >> 20, os.path.exists("/tmp/kept") or bool(open("/tmp/kept", "w").write("1")) and None
""", Timeout=30, MemorySize=256, EphemeralStorage={"Size": 600})
    wrote, failed, size, kept = invoke(functions, function, None)[1]
    assert (wrote[:1] == ["/dev/x"] or wrote == ["/tmp/x"]) and failed == "No space left on device" and 590 <= size <= 600 and not kept
    assert invoke(functions, function, None)[1][3] is True  # a warm environment keeps its /tmp


def test_nothing_of_it_outlives_its_end(functions, make):
    mark = f"tarn-sandbox-{os.getpid()}"
    function = make(f"""
import os, signal, subprocess, time
def handler(event, context):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for i in range(event["forks"]):
        subprocess.Popen(["/bin/sh", "-c", "trap '' TERM HUP INT; while :; do sleep 1; done", {mark!r}], start_new_session=True)
    if event["hang"]: time.sleep(60)
    return len([p for p in os.listdir("/proc") if p.isdigit()])
""", Timeout=3)
    assert invoke(functions, function, {"forks": 5, "hang": False})[1] >= 7
    out, said = invoke(functions, function, {"forks": 20, "hang": True})
    assert said["errorType"] == "Sandbox.Timedout"
    until = time.monotonic() + 5
    alive = lambda: subprocess.run(["pgrep", "-f", "-c", mark], capture_output=True, text=True).stdout.strip()
    while alive() != "0" and time.monotonic() < until:
        time.sleep(0.1)
    assert alive() == "0"


def test_without_a_sandbox_functions_run_all_the_same(own_tarn, monkeypatch, tmp_path):
    monkeypatch.setenv("TARN_SANDBOX", "none")
    tarn = own_tarn()
    from test_lambda import ROLE, zipped

    functions = tarn.client("lambda")
    body = "import os\ndef handler(e, c):\n    open('/tmp/' + e, 'w').close()\n    return os.environ['LAMBDA_TASK_ROOT'], os.path.exists(e)"
    functions.create_function(FunctionName="f", Runtime="python3.11", Handler="index.handler", Role=ROLE, Code={"ZipFile": zipped(index=body.replace("'/tmp/' + e", "os.environ['HOME'] + '/x'"))})
    root, seen = invoke(functions, "f", str(tarn.data_dir))[1]
    assert root.startswith(str(tarn.data_dir)) and seen
    doctor = subprocess.run([PROGRAM, "doctor"], capture_output=True, text=True).stdout
    assert "sandbox of functions: none (TARN_SANDBOX=none)" in doctor
