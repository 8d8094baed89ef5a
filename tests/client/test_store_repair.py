"""`tarn store repair`, and the scrubber: folders that were damaged by hand, what is said of them, and that everything undamaged survives."""

import json
import subprocess
import time
import urllib.request

import pytest

from running_tarn import PROGRAM

LARGE = bytes(range(256)) * 400  # a file of its own


def store(tarn, *words, code=0):
    done = subprocess.run([PROGRAM, "store", *words, "--data", str(tarn.data_dir), "--json"], env=tarn.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


@pytest.fixture
def filled(own_tarn):
    """A tarn with ten large objects "large/N", ten small ones and one of two parts, and where the large ones lie."""
    tarn = own_tarn("--clock", "manual", "--scrub-rate", "100MB")
    s3 = tarn.client("s3")
    s3.create_bucket(Bucket="bbb")
    for i in range(10):
        s3.put_object(Bucket="bbb", Key=f"large/{i}", Body=LARGE + bytes([i]))
        s3.put_object(Bucket="bbb", Key=f"small/{i}", Body=b"small %d" % i)
    upload = s3.create_multipart_upload(Bucket="bbb", Key="parts")["UploadId"]
    parts = [s3.upload_part(Bucket="bbb", Key="parts", UploadId=upload, PartNumber=n, Body=b"%d" % n * (5 << 20))["ETag"] for n in (1, 2)]
    s3.complete_multipart_upload(Bucket="bbb", Key="parts", UploadId=upload,
                                 MultipartUpload={"Parts": [{"PartNumber": n, "ETag": e} for n, e in enumerate(parts, 1)]})
    tarn.stop()
    tarn.places = {f"large/{i}": tarn.data_dir / "objects" / store(tarn, "locate", f"s3://bbb/large/{i}")["pieces"][0]["file"] for i in range(10)}
    return tarn


def what_is_there(tarn):
    s3 = tarn.client("s3")
    found = {}
    for entry in s3.list_objects_v2(Bucket="bbb")["Contents"]:
        found[entry["Key"]] = s3.get_object(Bucket="bbb", Key=entry["Key"])["Body"].read()
    return found


def all_objects(but=()):
    out = {f"large/{i}": LARGE + bytes([i]) for i in range(10)} | {f"small/{i}": b"small %d" % i for i in range(10)}
    out["parts"] = b"1" * (5 << 20) + b"2" * (5 << 20)
    return {k: v for k, v in out.items() if k not in but}


def test_bodies_that_are_lost_are_told_and_dropped_when_asked_for(filled):
    assert store(filled, "repair")["problems"] == []
    flip(filled.places["large/3"], 50000)
    filled.places["large/7"].unlink()
    assert len(store(filled, "verify", code=1)["problems"]) == 2
    told = store(filled, "repair", code=1)
    assert not told["applied"] and {entry["key"] for entry in told["lost"]} == {"large/3", "large/7"}
    assert len(store(filled, "repair", "--apply", code=1)["left"]) == 2
    done = store(filled, "repair", "--apply", "--drop-corrupt")
    assert done["left"] == [] and {v["Key"] for v in json.load(open(done["report_file"]))["Versions"]} == {"large/3", "large/7"}
    assert store(filled, "verify")["problems"] == []
    filled.start()
    assert what_is_there(filled) == all_objects(but=("large/3", "large/7"))


def test_an_index_without_its_manifest_is_put_together_again(filled):
    for path in (filled.data_dir / "objects/index").iterdir():
        if path.name == "CURRENT" or path.name.startswith("MANIFEST"):
            path.unlink()
    assert "index is damaged" in store(filled, "verify", code=1)["problems"][0]
    assert store(filled, "repair", code=1)["lost"] == []
    assert store(filled, "repair", "--apply")["left"] == []
    filled.start()
    assert what_is_there(filled) == all_objects()


def test_a_log_that_was_cut_off_leaves_what_stood_before(filled):
    [log] = [p for p in (filled.data_dir / "objects/index").iterdir() if p.suffix == ".log" and p.stat().st_size > 0]
    whole = log.stat().st_size
    with open(log, "r+b") as file:
        file.truncate(whole // 2)
    repaired = store(filled, "repair", "--apply")
    assert repaired["left"] == []
    aside = list((filled.data_dir / "objects/aside").iterdir())  # blobs whose records were lost
    assert aside and store(filled, "verify")["problems"] == []
    filled.start()
    there = what_is_there(filled)
    assert there and there.items() <= all_objects().items()
    filled.client("s3").put_object(Bucket="bbb", Key="new", Body=LARGE)
    assert what_is_there(filled)["new"] == LARGE


def test_a_running_store_is_left_alone(own_tarn):
    tarn = own_tarn()
    done = subprocess.run([PROGRAM, "store", "repair", "--apply", "--data", str(tarn.data_dir)], env=tarn.environment(), capture_output=True, text=True)
    assert done.returncode == 1 and "Another process uses" in done.stderr
    done = subprocess.run([PROGRAM, "store", "repair", "--drop-corrupt", "--data", str(tarn.data_dir)], env=tarn.environment(), capture_output=True, text=True)
    assert done.returncode == 1 and "--apply" in done.stderr


def health(tarn):
    return json.load(urllib.request.urlopen(tarn.endpoint + "/_tarn/health"))["scrub"]


def advance(tarn, ms):
    urllib.request.urlopen(urllib.request.Request(tarn.endpoint + "/_tarn/clock", method="POST", data=json.dumps({"advance_ms": ms}).encode()))


def until(condition, seconds=20):
    end = time.time() + seconds
    while not condition() and time.time() < end:
        time.sleep(0.05)
    assert condition()


def test_the_scrubber_finds_rot(filled):
    flip(filled.places["large/5"], 100)
    filled.start()
    assert health(filled)["last_full_pass"] is None
    advance(filled, 120_000)
    until(lambda: health(filled)["last_full_pass"] and health(filled)["damaged_bodies"] == 1)
    assert health(filled)["bodies"] == 22
    metrics = urllib.request.urlopen(filled.endpoint + "/_tarn/metrics").read().decode()
    assert "tarn_store_scrub_damaged_total 1" in metrics and "tarn_store_scrub_bodies_total 22" in metrics
    until(lambda: "bbb/large/5" in filled.data_dir.with_suffix(".log").read_text())
    status = subprocess.run([PROGRAM, "status"], env=filled.environment(), capture_output=True, text=True).stdout
    assert "1 damaged" in status
    filled.client("s3").put_object(Bucket="bbb", Key="later", Body=LARGE)
    advance(filled, 24 * 3600 * 1000)
    assert health(filled)["bodies"] == 22  # a pass a week
    filled.client("s3").delete_object(Bucket="bbb", Key="large/5")
    advance(filled, 7 * 24 * 3600 * 1000)
    until(lambda: not health(filled)["under_way"] and health(filled)["bodies"] == 22 and health(filled)["damaged_bodies"] == 0)
    filled.stop()
    assert store(filled, "verify")["scrubber"]["damage"] == []
