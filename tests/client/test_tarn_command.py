"""The tarn command itself, as a person types it."""

import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from running_tarn import PROGRAM


def run(tarn, *words, code=0, stdin=None):
    done = subprocess.run([PROGRAM, *words], env=tarn.environment(), capture_output=True, text=True, input=stdin, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def test_status_and_health(tarn):
    assert "is ready" in run(tarn, "status")
    health = json.loads(run(tarn, "status", "--json"))
    assert health["state"] == "ready" and health["services"]["s3"] == "running"
    metrics = urllib.request.urlopen(tarn.endpoint + "/_tarn/metrics").read().decode()
    assert "# TYPE" in metrics


def test_sql(tarn):
    assert json.loads(run(tarn, "sql", "SELECT 1 AS one, 'é' AS text, NULL AS nothing", "--json")) == [{"one": "1", "text": "é", "nothing": None}]
    assert run(tarn, "sql", "-", "--csv", stdin="SELECT 1 AS a;\n") == '"a"\n"1"\n'
    assert "line 1:8" in run(tarn, "sql", "SELECT FROM t", code=1)


def test_s3_copies_there_and_back(tarn, name, tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "sub" / "ñ b.txt").write_text("hello")
    run(tarn, "s3", "mb", f"s3://{name}")
    run(tarn, "s3", "cp", "-r", str(tmp_path / "in"), f"s3://{name}/x/")
    assert "sub/ñ b.txt" in run(tarn, "s3", "ls", "-r", f"s3://{name}/")
    assert run(tarn, "s3", "cat", f"s3://{name}/x/sub/ñ b.txt") == "hello"
    run(tarn, "s3", "cp", f"s3://{name}/x/sub/ñ b.txt", f"s3://{name}/y")
    run(tarn, "s3", "cp", f"s3://{name}/y", str(tmp_path / "y"))
    assert (tmp_path / "y").read_text() == "hello"
    assert "NoSuchKey" in run(tarn, "s3", "cat", f"s3://{name}/none", code=1)
    assert "BucketNotEmpty" in run(tarn, "s3", "rb", f"s3://{name}", code=1)
    run(tarn, "s3", "rb", "--force", f"s3://{name}")


def test_what_up_refuses(tmp_path, own_tarn):
    first = own_tarn()
    again = subprocess.run([PROGRAM, "up", "--data", str(first.data_dir), "--port", "0"], capture_output=True, text=True, timeout=20)
    assert again.returncode == 1 and "held by another tarn" in again.stderr
    port = first.endpoint.rsplit(":", 1)[1]
    taken = subprocess.run([PROGRAM, "up", "--data", str(tmp_path / "other"), "--port", port], capture_output=True, text=True, timeout=20)
    assert taken.returncode == 1 and port in taken.stderr
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "letter.txt").write_text("mine")
    foreign = subprocess.run([PROGRAM, "up", "--data", str(tmp_path / "foreign"), "--port", "0"], capture_output=True, text=True, timeout=20)
    assert foreign.returncode == 1 and "not tarn's" in foreign.stderr


def test_the_clock_moves_by_hand_only(own_tarn):
    tarn = own_tarn("--clock", "manual")
    before = run(tarn, "clock", "now")
    time.sleep(0.02)
    assert run(tarn, "clock", "now") == before
    after = json.loads(run(tarn, "clock", "advance", "36h", "--json"))
    assert after["manual"] and after["now"] > before
    assert "no duration" in run(tarn, "clock", "advance", "soon", code=1)


def test_reset_empties_only_where_allowed(own_tarn, tarn):
    one = own_tarn("--allow-reset")
    one.client("s3").create_bucket(Bucket="gone-soon")
    one.client("glue").create_database(DatabaseInput={"Name": "gone"})
    urllib.request.urlopen(urllib.request.Request(one.endpoint + "/_tarn/reset", method="POST", data=b""))
    assert one.client("s3").list_buckets()["Buckets"] == []
    assert one.client("glue").get_databases()["DatabaseList"] == []
    one.client("s3").create_bucket(Bucket="gone-soon")
    other = own_tarn()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(other.endpoint + "/_tarn/reset", method="POST", data=b""))
    assert refused.value.code == 403


def test_state_survives_a_stop_and_kill_9(own_tarn):
    tarn = own_tarn()
    s3, glue = tarn.client("s3"), tarn.client("glue")
    s3.create_bucket(Bucket="kept")
    glue.create_database(DatabaseInput={"Name": "kept"})
    for n in range(20):
        s3.put_object(Bucket="kept", Key=f"k{n}", Body=b"x" * n * 5000)
    tarn.kill()
    tarn.start()
    s3 = tarn.client("s3")
    assert [o["Size"] for o in sorted(s3.list_objects_v2(Bucket="kept")["Contents"], key=lambda o: o["Size"])] == [n * 5000 for n in range(20)]
    assert s3.get_object(Bucket="kept", Key="k19")["Body"].read() == b"x" * 95000
    assert tarn.client("glue").get_database(Name="kept")["Database"]["Name"] == "kept"
    tarn.process.send_signal(signal.SIGTERM)
    assert tarn.process.wait(timeout=10) == 0


def test_malformed_heads_are_refused(tarn):
    host, port = tarn.endpoint.removeprefix("http://").split(":")
    for head in (b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                 b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 100_000 + b"\r\n\r\n", b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(head)
            answer = connection.recv(4096)
            assert answer == b"" or answer.split()[1] in (b"400", b"431", b"413"), answer
    assert "is ready" in run(tarn, "status")


def test_completion_and_help(tarn):
    assert "complete -o filenames -F _tarn tarn" in run(tarn, "completion", "bash")
    assert "s3" in run(tarn, "--help")
    assert run(tarn, "version").startswith("tarn ")


def test_logs_are_listed_filtered_and_followed(tarn, name):
    logs = tarn.client("logs")
    group = f"/own/{name}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")

    def say(text, age_s=0):
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[{"timestamp": int((time.time() - age_s) * 1000), "message": text}])

    say("ERROR old", 3600)
    say("ERROR new\n")
    say("all well")
    assert group in run(tarn, "logs").splitlines()
    assert [line.split("  ")[2] for line in run(tarn, "logs", group).splitlines()] == ["ERROR old", "ERROR new", "all well"]
    assert [line.split("  ")[2] for line in run(tarn, "logs", group, "--since", "10m", "--filter", "ERROR").splitlines()] == ["ERROR new"]
    assert json.loads(run(tarn, "logs", group, "--json").splitlines()[0])["message"] == "ERROR old"
    assert "does not exist" in run(tarn, "logs", "/own/none", code=1)
    following = subprocess.Popen([PROGRAM, "logs", "-f", group, "--since", "1m"], env=tarn.environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert [following.stdout.readline().split("  ")[2].strip() for _ in range(2)] == ["ERROR new", "all well"]
        say("and more")
        assert following.stdout.readline().endswith("and more\n")
    finally:
        following.kill()
        following.wait()
        following.stdout.close()
    logs.delete_log_group(logGroupName=group)


def test_runs_show_what_failed_and_why(tarn):
    run(tarn, "sql", "SELECT 1 AS runs_of_every_kind")
    run(tarn, "sql", "SELECT nothing FROM nowhere", code=1)
    told = json.loads(run(tarn, "runs", "--json"))
    good = next(r for r in told if r["kind"] == "query" and "runs_of_every_kind" in r["name"])
    assert good["state"] == "SUCCEEDED" and "why" not in good and good["duration_ms"] >= 0
    assert next(r for r in told if r["kind"] == "query" and "nowhere" in r["name"])["why"]
    assert "query SELECT 1 AS runs_of_every_kind" in run(tarn, "runs")
