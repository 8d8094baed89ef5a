"""The Sail server and its one session, put where `pyspark` looks for them."""
import os
import re
import threading

from tarn_job import Unsupported, notice

# What a Glue job starts with. Spark 3 computes null where Spark 4 raises (a bad cast, a division by zero), and Glue's
# machines run on UTC.
DEFAULTS = {"spark.sql.ansi.enabled": "false", "spark.sql.session.timeZone": "UTC"}
_lock = threading.RLock()
_session = None


def prepare() -> None:
    """Makes `import pyspark` behave as on a machine with Spark. Call once, before the script is run.

    The server itself starts with the first session, so that a script that fails in its arguments fails at once.
    """
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"  # functions such as F.col() ask for it before there is a session
    os.environ.setdefault("RUST_LOG", "warn,sail_common::actor=error,sail_spark_connect::service::plan_analyzer=error")
    _tell_sail_where_s3_is()

    from tarn_job.sail import casts, catalog_sql, context, file_names, local_rdd, reader, writer
    import pyspark.sql.functions as functions
    import pyspark.sql.session as front
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.session import SparkSession

    front.SparkSession.Builder._validate_startup_urls = lambda self: None
    front.SparkSession.Builder.getOrCreate = _get_or_create
    front.SparkSession.Builder.create = _get_or_create
    front.SparkSession.getActiveSession = classmethod(lambda cls: _session)
    SparkSession.__getattr__ = _absent
    SparkSession.read = property(reader.Reader)
    SparkSession.sparkContext = property(lambda self: context.SparkContext.getOrCreate())
    SparkSession.newSession = lambda self: self.cloneSession()
    SparkSession.stop = _stop
    DataFrame.write = property(writer.Writer.of)
    DataFrame.crosstab = _refused("crosstab gives wrong counts on this engine; use groupBy(a).pivot(b).count()")
    functions.bround = _refused("bround rounds wrongly on this engine; use round, or run the job with --engine spark")
    context.install()
    local_rdd.install()
    file_names.install()
    catalog_sql.install()
    casts.install()


def _tell_sail_where_s3_is() -> None:
    """Sail reads AWS_ENDPOINT and refuses plain HTTP unless told; scripts and boto3 know AWS_ENDPOINT_URL."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        os.environ["AWS_ENDPOINT"] = endpoint
        os.environ["AWS_ENDPOINT_URL"] = os.environ.get("AWS_ENDPOINT_URL", endpoint)
        if endpoint.startswith("http://"):
            os.environ["AWS_ALLOW_HTTP"] = "true"
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    os.environ.setdefault("AWS_REGION", region)
    os.environ.setdefault("AWS_DEFAULT_REGION", region)


def session():
    """The process's one Spark session, started on first use. Threads may share it."""
    global _session
    with _lock:
        if _session is not None:
            return _session
        from pysail.spark import SparkConnectServer
        from pyspark.sql.connect.session import SparkSession
        from tarn_job.sail import source
        server = SparkConnectServer(ip="127.0.0.1", port=0)
        server.start(background=True)
        host, port = server.listening_address
        started = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
        started._tarn_server = server  # the server lives as long as its session
        for key, value in DEFAULTS.items():
            started.conf.set(key, value)
        started.dataSource.register(source.FileSource)
        _session = started
        return started


def _stop(spark) -> None:
    """Ends the script's use of Spark. The session itself lives as long as the process: a script that goes on starts no second one."""
    from tarn_job.sail import context
    context.SparkContext._active_spark_context = None


def _get_or_create(builder):
    with _lock:
        spark = session()
        set_options(spark, builder._options)
        return spark


def set_options(spark, options: dict) -> None:
    """Applies a builder's options: settings of Spark SQL to the session, the rest noted on the context.

    Settings of machines (master, memory, executors, serialisers) have no meaning in one process and change nothing.
    """
    from tarn_job.sail import context
    for key, value in options.items():
        if key == "spark.remote":
            continue
        context.settings().set(key, value)
        if key == "spark.jars.packages" or key == "spark.jars":
            notice(f"{key}={value} names Java packages, which this engine cannot load; their features are absent")
        if re.match(r"spark\.sql\.(?!extensions|catalog\.|warehouse|catalogImplementation)", key):
            spark.conf.set(key, value)


def _refused(why: str):
    def refuse(*arguments, **named):
        raise Unsupported(why)
    return refuse


def _absent(self, name: str):
    if name in ("_jsc", "_jconf", "_jvm", "_jsparkSession", "_sc"):
        if name == "_sc":
            return self.sparkContext
        if name == "_jsc":
            return self.sparkContext._jsc
        raise Unsupported(f"spark.{name} leads into the Java virtual machine, which this engine does not have; "
                          "run the job with --engine spark")
    return object.__getattribute__(self, name)
