"""The S3 clients of other languages and libraries: AWS's SDKs for JavaScript, Go and Java, Spark's s3a committers, DuckDB's httpfs, PyArrow's S3FileSystem, boto3's transfer manager
with its C-less threads, pysail. Each makes what it needs by tools/setup-clients, and is skipped with the reason where the machine has no such language."""

import io
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from boto3.s3.transfer import TransferConfig

from running_tarn import ROOT


def setup(kind):
    done = subprocess.run([ROOT / "tools/setup-clients", kind], capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.splitlines()[-1])


def run(words, tarn, **more):
    done = subprocess.run(words, env=tarn.environment(), capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "good"


def test_javascript_sdk(tarn, name):
    folder = setup("javascript")
    shutil.copy(ROOT / "tests/client/javascript/s3.js", folder / f"s3-{os.getpid()}.mjs")  # imports are looked for beside the file
    try:
        run(["node", f"s3-{os.getpid()}.mjs", tarn.endpoint, name], tarn, cwd=folder)
    finally:
        (folder / f"s3-{os.getpid()}.mjs").unlink()


@pytest.mark.slow  # the SDK is compiled once, in about a minute
def test_go_sdk(tarn, name):
    run([setup("go") / "s3", tarn.endpoint, name], tarn)


@pytest.mark.slow  # the SDK is fetched and compiled once
def test_java_sdk(tarn, name):
    folder = setup("java")
    run(["java", "-Dfile.encoding=UTF-8", "-cp", f"{folder}:{folder}/jars/*", "S3", tarn.endpoint, name], tarn)


def spark_environment():
    """The Python of Apache Spark 3.5 and the jars by which it reads s3a://."""
    if not shutil.which("java"):
        pytest.skip("Apache Spark needs Java, which is not on this machine")
    made = [subprocess.run([ROOT / "tools/setup-jobs", what], capture_output=True, text=True) for what in ("spark", "jars")]
    assert all(m.returncode == 0 for m in made), [m.stderr for m in made]
    python, jars = (m.stdout.splitlines()[-1] for m in made)
    return python + "/bin/python", ",".join(str(j) for j in Path(jars).glob("*.jar"))


@pytest.mark.slow  # a JVM for each, and Spark itself is fetched once
@pytest.mark.parametrize("committer", ["magic", "directory"])
def test_s3a_committers(tarn, name, tmp_path, committer):
    python, jars = spark_environment()
    tarn.client("s3").create_bucket(Bucket=name)
    settings = {"spark.jars": jars, "spark.master": "local[2]", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.driver.memory": "1g",
                "spark.hadoop.fs.s3a.endpoint": tarn.endpoint, "spark.hadoop.fs.s3a.path.style.access": "true", "spark.hadoop.fs.s3a.access.key": "test",
                "spark.hadoop.fs.s3a.secret.key": "test", "spark.hadoop.fs.s3a.endpoint.region": "us-east-1", "spark.hadoop.fs.s3a.multipart.size": "5M",
                "spark.hadoop.fs.s3a.committer.name": committer, "spark.hadoop.fs.s3a.committer.magic.enabled": "true",
                "spark.hadoop.fs.s3a.committer.staging.conflict-mode": "append", "spark.hadoop.hadoop.tmp.dir": str(tmp_path / "hadoop"),
                "spark.hadoop.fs.s3a.committer.staging.tmp.path": f"file://{tmp_path}/staging",
                "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a": "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory",
                "spark.sql.sources.commitProtocolClass": "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
                "spark.sql.parquet.output.committer.class": "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter"}
    script = f"""
import json
from pyspark.sql import SparkSession
builder = SparkSession.builder
for setting, value in json.loads({json.dumps(json.dumps(settings))}).items():
    builder = builder.config(setting, value)
spark = builder.getOrCreate()
frame = spark.range(200000).selectExpr("id", "id % 4 AS part", "concat('ñ ', id) AS text").repartition(2)
where = "s3a://{name}/t"
frame.write.mode("overwrite").partitionBy("part").parquet(where)
frame.where("part = 1").write.mode("append").partitionBy("part").parquet(where)
back = spark.read.parquet(where)
assert back.count() == 250000, back.count()
assert back.where("part = 3").selectExpr("sum(id)").first()[0] == sum(range(3, 200000, 4))
frame.write.mode("overwrite").partitionBy("part").parquet(where)
assert spark.read.parquet(where).count() == 200000
spark.stop()
print("good")
"""
    (tmp_path / "job.py").write_text(script)
    run([python, tmp_path / "job.py"], tarn, cwd=tmp_path)
    s3 = tarn.client("s3")
    keys = [o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name) for o in page.get("Contents", [])]
    assert not [k for k in keys if "__magic" in k or "_temporary" in k]
    assert {k.split("/")[1] for k in keys if k.endswith(".parquet")} == {f"part={i}" for i in range(4)}
    told = json.loads(s3.get_object(Bucket=name, Key="t/_SUCCESS")["Body"].read())  # Hadoop's own committers leave it empty
    assert told["committer"] == committer
    assert s3.list_multipart_uploads(Bucket=name).get("Uploads", []) == []


def test_duckdb_httpfs(tarn, name):
    extension = setup("httpfs") / "httpfs.duckdb_extension"
    tarn.client("s3").create_bucket(Bucket=name)
    db = duckdb.connect(config={"allow_unsigned_extensions": True})
    db.execute(f"LOAD '{extension}'")
    db.execute(f"CREATE SECRET (TYPE s3, KEY_ID 'test', SECRET 'test', REGION 'us-east-1', ENDPOINT '{tarn.endpoint.removeprefix('http://')}', "
               "URL_STYLE 'path', USE_SSL false)")
    db.execute(f"COPY (SELECT i, i % 3 AS part, 'text ' || i AS text FROM range(200000) t(i)) TO 's3://{name}/out' (FORMAT parquet, PARTITION_BY part)")
    rows = db.execute(f"SELECT part, count(*), sum(i), max(text) FROM 's3://{name}/out/*/*.parquet' GROUP BY part ORDER BY part").fetchall()
    assert [r[:2] for r in rows] == [(0, 66667), (1, 66667), (2, 66666)]
    assert sum(r[2] for r in rows) == 199999 * 100000
    db.execute(f"COPY (SELECT i, repeat(md5(i::VARCHAR), 4) AS wide FROM range(150000) t(i)) TO 's3://{name}/años y más.csv' (HEADER)")  # in parts
    assert db.execute(f"SELECT count(*), sum(i) FROM 's3://{name}/años y más.csv'").fetchone() == (150000, 149999 * 75000)
    assert len(db.execute(f"SELECT file FROM glob('s3://{name}/**')").fetchall()) == 4
    with pytest.raises(duckdb.HTTPException, match="404"):
        db.execute(f"SELECT * FROM 's3://{name}/absent.parquet'")


def test_pyarrow(tarn, name):
    s3 = pafs.S3FileSystem(access_key="test", secret_key="test", region="us-east-1", scheme="http", endpoint_override=tarn.endpoint.removeprefix("http://"),
                           allow_bucket_creation=True, allow_bucket_deletion=True)
    s3.create_dir(name)
    s3.create_dir(f"{name}/a/b c/ü")
    table = pa.table({"part": [i % 4 for i in range(50000)], "value": list(range(50000))})
    ds.write_dataset(table, f"{name}/data", filesystem=s3, format="parquet", partitioning=["part"])
    back = ds.dataset(f"{name}/data", filesystem=s3, format="parquet", partitioning=["part"]).to_table()
    assert back.num_rows == 50000 and sum(back["value"].to_pylist()) == sum(range(50000))
    pq.write_table(table, f"{name}/a/b c/ü/t+1.parquet", filesystem=s3)
    with s3.open_output_stream(f"{name}/large", metadata={"Content-Type": "text/large"}) as out:  # in parts, in the background
        for i in range(24):
            out.write(bytes([i]) * (1 << 20))
    with s3.open_input_file(f"{name}/large") as file:
        assert file.size() == 24 << 20
        assert file.read_at(4, (10 << 20) - 2) == bytes([9, 9, 10, 10])
        assert b"text/large" in file.metadata().values()
    kinds = {i.path: i.type for i in s3.get_file_info(pafs.FileSelector(name, recursive=True))}
    assert kinds[f"{name}/a/b c/ü"] == pafs.FileType.Directory
    assert kinds[f"{name}/a/b c/ü/t+1.parquet"] == pafs.FileType.File
    assert s3.get_file_info(f"{name}/absent").type == pafs.FileType.NotFound
    s3.copy_file(f"{name}/large", f"{name}/other")
    s3.move(f"{name}/other", f"{name}/moved")
    assert s3.get_file_info(f"{name}/moved").size == 24 << 20
    assert s3.get_file_info(f"{name}/other").type == pafs.FileType.NotFound
    with pytest.raises(OSError):
        s3.open_input_file(f"{name}/other").read()
    s3.delete_dir_contents(f"{name}/a")
    s3.delete_dir(name)
    assert s3.get_file_info(name).type == pafs.FileType.NotFound


def test_transfer_manager_with_threads(tarn, name):
    s3 = tarn.client("s3", max_pool_connections=16)
    s3.create_bucket(Bucket=name)
    config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=8)
    contents = {f"k {i}": bytes([i]) * (12 << 20) + os.urandom(1000) for i in range(4)}
    failures = []

    def there_and_back(key, body):
        try:
            s3.upload_fileobj(io.BytesIO(body), name, key, Config=config, ExtraArgs={"ChecksumAlgorithm": "SHA256", "Metadata": {"k": key}})
            got = io.BytesIO()
            s3.download_fileobj(name, key, got, Config=config)
            assert got.getvalue() == body
            s3.copy({"Bucket": name, "Key": key}, name, key + " copy", Config=config)  # by UploadPartCopy
            assert s3.get_object(Bucket=name, Key=key + " copy")["Body"].read() == body
        except BaseException as e:  # noqa: BLE001 - told by the test below
            failures.append((key, e))

    threads = [threading.Thread(target=there_and_back, args=each) for each in contents.items()]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures
    head = s3.head_object(Bucket=name, Key="k 1", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"') and head["ChecksumSHA256"].endswith("-3") and head["ChecksumType"] == "COMPOSITE"
    assert head["Metadata"] == {"k": "k 1"}
    assert s3.list_multipart_uploads(Bucket=name).get("Uploads", []) == []


def test_pysail(tarn, name, tmp_path):
    """In the environment of job scripts, which has pysail and PySpark's client."""
    environment = subprocess.run([ROOT / "tools/python-env", "job"], capture_output=True, text=True)
    assert environment.returncode == 0, environment.stderr
    tarn.client("s3").create_bucket(Bucket=name)
    script = f"""
from pysail.spark import SparkConnectServer
from pyspark.sql.connect.session import SparkSession
server = SparkConnectServer(ip="127.0.0.1", port=0)
server.start(background=True)
_, port = server.listening_address
spark = SparkSession.builder.remote(f"sc://127.0.0.1:{{port}}").getOrCreate()
frame = spark.range(100000).selectExpr("id", "id % 5 AS part", "concat('ñ ', id) AS text")
frame.write.mode("overwrite").partitionBy("part").parquet("s3://{name}/t/")
back = spark.read.parquet("s3://{name}/t/")
assert back.count() == 100000
assert back.where("part = 3").selectExpr("sum(id)").first()[0] == sum(range(3, 100000, 5))
frame.limit(10).write.mode("overwrite").csv("s3://{name}/c d/", header=True)
assert spark.read.csv("s3://{name}/c d/", header=True).count() == 10
spark.stop()
print("good")
"""
    (tmp_path / "job.py").write_text(script)  # without a file PySpark takes itself for a shell
    done = subprocess.run([environment.stdout.splitlines()[-1] + "/bin/python", tmp_path / "job.py"], capture_output=True, text=True, timeout=120,
                          env=tarn.environment(AWS_ALLOW_HTTP="true", AWS_ENDPOINT=tarn.endpoint, SPARK_CONNECT_MODE_ENABLED="1"))
    assert done.returncode == 0 and "good" in done.stdout, done.stdout + done.stderr
    keys = [o["Key"] for o in tarn.client("s3").list_objects_v2(Bucket=name)["Contents"]]
    assert {k.split("/")[1] for k in keys if k.startswith("t/")} >= {f"part={i}" for i in range(5)}
