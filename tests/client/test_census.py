"""The census lake (examples/census): uploads that skip, a daily trigger by a clock that the test moves, a crawler that follows success only."""

import base64
import csv
import functools
import importlib.util
import io
import json
import os
import subprocess
import threading
import time
import urllib.request
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from running_tarn import PROGRAM, ROOT
from test_lambda_images import sandbox  # noqa: F401 (fixture)


def module(name):
    spec = importlib.util.spec_from_file_location(f"census_{name}", ROOT / f"examples/census/{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def advance(tarn, hours):
    body = json.dumps({"advance_ms": hours * 3600_000}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{tarn.endpoint}/_tarn/clock", body)).read()


def until(ready, seconds=120):
    end = time.time() + seconds
    while not (got := ready()):
        assert time.time() < end, "it did not happen"
        time.sleep(0.1)
    return got


def ended(glue, job, count):
    """The newest of `count` runs, once all are over."""
    def look():
        runs = glue.get_job_runs(JobName=job)["JobRuns"]
        return runs[0] if len(runs) == count and all("CompletedOn" in run for run in runs) else None
    return until(look)


def rows_of(path):
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".CSV"))
        return list(csv.DictReader(io.StringIO(archive.read(name).decode("latin-1")), delimiter=";"))


def test_the_census(own_tarn, monkeypatch, tmp_path):
    tarn = own_tarn("--clock", "manual")
    for name, value in tarn.environment().items():
        monkeypatch.setenv(name, value)
    generate, upload, lake, questions = map(module, ("generate", "upload", "lake", "questions"))
    lake.create("census")
    s3, glue, athena = (tarn.client(s) for s in ("s3", "glue", "athena"))
    zips = {path.stem: path for path in generate.generate(tmp_path / "zips")}
    assert len(upload.upload(s3, tmp_path / "zips", "census")[0]) == 4
    assert [len(keys) for keys in upload.upload(s3, tmp_path / "zips", "census")] == [0, 4]

    advance(tarn, 24)
    run = ended(glue, lake.JOB, 1)
    assert run["JobRunState"] == "SUCCEEDED" and run["TriggerName"] == lake.DAILY, run
    until(lambda: glue.get_crawler(Name=lake.CRAWLER)["Crawler"].get("LastCrawl", {}).get("Status") == "SUCCEEDED")
    tables = {t["Name"]: t for t in glue.get_tables(DatabaseName="census")["TableList"]}
    assert set(tables) == {"escolas", "enem"}
    assert [[k["Name"] for k in t["PartitionKeys"]] for t in tables.values()] == [["nu_ano"]] * 2

    for table in tables:
        for year in (2022, 2023):
            count = questions.ask(athena, f"SELECT count(*) FROM {table} WHERE cast(nu_ano AS integer) = {year}", "census")[1][0]
            assert int(count) == len(rows_of(zips[f"{table}_{year}"]))
    cities = {row["NO_MUNICIPIO"] for row in rows_of(zips["escolas_2022"])}
    assert {row[0] for row in questions.ask(athena, "SELECT DISTINCT no_municipio FROM escolas", "census")[1:]} == cities  # accents
    codes = {row["CO_ENTIDADE"] for year in (2022, 2023) for row in rows_of(zips[f"escolas_{year}"])}
    assert {row[0] for row in questions.ask(athena, "SELECT DISTINCT co_entidade FROM escolas", "census")[1:]} == codes
    questions.ask(athena, questions.PUPILS.format(bucket="census"), "census")
    pupils = sum(int(row["QT_MAT_BAS"]) for year in (2022, 2023) for row in rows_of(zips[f"escolas_{year}"]))
    assert int(questions.ask(athena, "SELECT sum(alunos) FROM alunos_por_uf", "census")[1][0]) == pupils
    questions.ask(athena, questions.MARKS.format(bucket="census", year=2023), "census")
    assert s3.list_objects_v2(Bucket="census", Prefix="gold/medias/")["KeyCount"] > 0

    # A run that fails starts no crawl.
    crawls = len(glue.list_crawls(CrawlerName=lake.CRAWLER)["Crawls"])
    s3.delete_object(Bucket="census", Key="scripts/glue_job.py")
    advance(tarn, 24)
    assert ended(glue, lake.JOB, 2)["JobRunState"] == "FAILED"
    time.sleep(1)
    assert len(glue.list_crawls(CrawlerName=lake.CRAWLER)["Crawls"]) == crawls


def test_a_processing_job_brings_the_zips(own_tarn, monkeypatch, tmp_path, sandbox):  # noqa: F811
    tarn = own_tarn()
    for name, value in tarn.environment().items():
        if name != "HOME":
            monkeypatch.setenv(name, value)
    generate, ingest = module("generate"), module("ingest")
    zips = generate.generate(tmp_path / "zips")
    tarn.client("s3").create_bucket(Bucket="census")
    ecr, sagemaker = tarn.client("ecr"), tarn.client("sagemaker")

    os.symlink(os.path.realpath(PROGRAM), tmp_path / "tarn-docker")
    docker = lambda *words, text=None: subprocess.run([tmp_path / "tarn-docker", *words], check=True, input=text, text=True, env={**os.environ, "DOCKER_CONFIG": str(tmp_path)})
    image = ingest.create_repository() + ":v1"
    token = ecr.get_authorization_token()["authorizationData"][0]
    docker("login", "-u", "AWS", "--password-stdin", token["proxyEndpoint"], text=base64.b64decode(token["authorizationToken"]).decode().split(":", 1)[1])
    docker("build", "-t", image, ROOT / "examples/census/unpack")
    docker("push", image)
    ingest.create_function("census", image)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path / "zips"))
    threading.Thread(target=web.serve_forever, daemon=True).start()
    urls = [f"http://127.0.0.1:{web.server_port}/{path.name}" for path in zips]
    job = json.load(tarn.client("lambda", read_timeout=90).invoke(FunctionName=ingest.FUNCTION, Payload=json.dumps({"urls": urls}))["Payload"])
    assert sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] in ("InProgress", "Completed")
    until(lambda: sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] != "InProgress")
    done = sagemaker.describe_processing_job(ProcessingJobName=job)
    assert done["ProcessingJobStatus"] == "Completed", done
    keys = [o["Key"] for o in tarn.client("s3").list_objects_v2(Bucket="census", Prefix="raw/")["Contents"]]
    assert sorted({tuple(k.split("/")[1:3]) for k in keys}) == sorted(tuple(p.stem.rsplit("_", 1)) for p in zips) and all(k.endswith(".CSV") for k in keys)
    web.shutdown()
