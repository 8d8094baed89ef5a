"""Apache Spark as the engine: a real SparkContext in a Java virtual machine of this process's own.

Spark and Sail bring two different packages named `pyspark`, so Spark has an environment of its own, which
`tools/setup-jobs spark` makes; the launcher moves into it by itself. `s3://` needs the two jars that
`tools/setup-jobs jars` fetches, or a folder that TARN_SPARK_JARS names. TARN_SPARK_MASTER says where Spark runs
(`local[*]` if unset), TARN_SPARK_MEMORY how much memory its driver may take (`2g` if unset).
"""
import os
import shlex
import shutil
import sys
from pathlib import Path

from tarn_job import Unsupported, packages, storage


def prepare() -> None:
    """Makes `SparkContext()` in the script start Spark with the store behind `s3://`. Does not return when it moves the
    process into Spark's environment. Raises Unsupported when Spark, Java or the jars are not there."""
    _move_into_spark_environment()
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise Unsupported("--engine spark needs Java 17 (apt package openjdk-17-jre-headless)")
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": os.path.join(storage.workspace(), "warehouse"),
        "spark.local.dir": storage.workspace(),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
        **_store_settings(),
    }
    master = os.environ.get("TARN_SPARK_MASTER", "local[*]")
    if not master.startswith("local"):
        del settings["spark.driver.bindAddress"], settings["spark.driver.host"]
    arguments = ["--master", master, "--driver-memory", os.environ.get("TARN_SPARK_MEMORY", "2g"), "--jars", ",".join(_jars())]
    for key, value in settings.items():
        arguments += ["--conf", f"{key}={value}"]
    os.environ["PYSPARK_SUBMIT_ARGS"] = shlex.join([*arguments, "pyspark-shell"])
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable


def _move_into_spark_environment() -> None:
    import importlib.util
    found = importlib.util.find_spec("pyspark")
    if found is not None and (Path(found.origin).parent / "jars").is_dir():
        return
    made = sorted(packages.cache_folder().glob("python-spark-*/.made"), key=lambda one: one.stat().st_mtime)
    if not made or os.environ.get("TARN_SPARK_MOVED"):
        raise Unsupported("--engine spark needs Apache Spark, which is not installed: run tools/setup-jobs spark")
    python = str(made[-1].parent / "bin" / "python")
    os.environ["TARN_SPARK_MOVED"] = "1"
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(python, [python, "-m", "tarn_job", *sys.argv[1:]])


def _jars() -> list[str]:
    """The jars of Hadoop's S3 client. Raises Unsupported when they are nowhere."""
    named = os.environ.get("TARN_SPARK_JARS")
    folders = [Path(named)] if named else [one.parent for one in packages.cache_folder().glob("spark-jars-*/.made")]
    for folder in folders:
        found = sorted(str(one) for one in folder.glob("*.jar"))
        if any("hadoop-aws" in one for one in found) and any("aws-java-sdk-bundle" in one for one in found):
            return found
    raise Unsupported("--engine spark needs hadoop-aws and aws-java-sdk-bundle for s3://: run tools/setup-jobs jars, or name their "
                      "folder in TARN_SPARK_JARS" + (f" ({named} has them not)" if named else ""))


def _store_settings() -> dict[str, str]:
    """Hadoop's S3A behind s3://, s3a:// and s3n://, at the endpoint and with the keys of the environment."""
    settings = {"spark.hadoop.fs.s3a.path.style.access": "true",
                "spark.hadoop.fs.s3a.aws.credentials.provider": "com.amazonaws.auth.EnvironmentVariableCredentialsProvider",
                "spark.hadoop.fs.s3a.endpoint.region": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
                "spark.hadoop.fs.AbstractFileSystem.s3.impl": "org.apache.hadoop.fs.s3a.S3A"}
    for scheme in ("s3", "s3n"):
        settings[f"spark.hadoop.fs.{scheme}.impl"] = "org.apache.hadoop.fs.s3a.S3AFileSystem"
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        settings["spark.hadoop.fs.s3a.endpoint"] = endpoint
        settings["spark.hadoop.fs.s3a.connection.ssl.enabled"] = str(endpoint.startswith("https://")).lower()
    return settings
