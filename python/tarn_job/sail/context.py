"""SparkContext and its relatives, for scripts that begin with one. There is a single process and no cluster behind it."""
import functools
import getpass
import os
import sys
import time
import types
import uuid

from tarn_job import Unsupported, notice


@functools.lru_cache(maxsize=1)
def settings():
    """The job's SparkConf: what the script set by any door, to be read back."""
    from pyspark.conf import SparkConf
    return SparkConf(loadDefaults=False)


class HadoopConfiguration:
    """Takes what scripts set for Hadoop's file systems. The engine has its own client of S3, so nothing changes."""

    def __init__(self):
        self._values = {}

    def set(self, key: str, value: str) -> None:
        self._values[key] = str(value)
        shown = "***" if any(word in key.lower() for word in ("secret", "password", "token", "access.key")) else value
        notice(f"Hadoop setting {key}={shown} is kept, and has no effect on this engine")

    setBoolean = setInt = setLong = setStrings = set

    def get(self, key: str, default=None):
        return self._values.get(key, default)

    def unset(self, key: str) -> None:
        self._values.pop(key, None)


class _JavaContext:
    """The few calls that scripts make on `sc._jsc`; anything else says that there is no Java."""

    def __init__(self):
        self._hadoop = HadoopConfiguration()

    def hadoopConfiguration(self):
        return self._hadoop

    def sc(self):
        return self

    def __getattr__(self, name: str):
        raise Unsupported(f"sc._jsc.{name} leads into the Java virtual machine, which this engine does not have; "
                          "run the job with --engine spark")


class Broadcast:
    """A value that every function may read. One process: it is simply the value."""

    def __init__(self, value):
        self.value = value

    def unpersist(self, blocking: bool = False) -> None:
        pass

    def destroy(self, blocking: bool = False) -> None:
        pass


class SparkContext:
    """The context of the job. A second one is refused, as in Spark, until the first is stopped."""
    _active_spark_context = None
    PACKAGE_EXTENSIONS = (".zip", ".egg", ".jar")

    def __init__(self, master=None, appName=None, sparkHome=None, pyFiles=None, environment=None, batchSize=0,
                 serializer=None, conf=None, gateway=None, jsc=None, **ignored):
        if SparkContext._active_spark_context is not None:
            raise ValueError("Cannot run multiple SparkContexts at once; existing SparkContext"
                             f"(app={SparkContext._active_spark_context.appName}, master=local[*])")
        from tarn_job.sail import server
        self._session = server.session()
        self._jsc = _JavaContext()
        self.applicationId = f"local-{uuid.uuid4().hex[:12]}"
        self.startTime = int(time.time() * 1000)
        self._properties = {}
        SparkContext._active_spark_context = self
        if conf is not None:
            server.set_options(self._session, dict(conf.getAll()))
        if appName:
            settings().set("spark.app.name", appName)
        for path in pyFiles or []:
            self.addPyFile(path)

    @classmethod
    def getOrCreate(cls, conf=None):
        if cls._active_spark_context is None:
            return cls(conf=conf)
        if conf is not None:
            from tarn_job.sail import server
            server.set_options(cls._active_spark_context._session, dict(conf.getAll()))
        return cls._active_spark_context

    def __getattr__(self, name: str):
        if name in ("_jvm", "_gateway"):
            raise Unsupported(f"sc.{name} leads into the Java virtual machine, which this engine does not have; "
                              "run the job with --engine spark")
        raise AttributeError(f"'SparkContext' object has no attribute '{name}' on this engine; "
                             "run the job with --engine spark if Spark has it")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    master = "local[*]"
    sparkHome = None
    uiWebUrl = None
    pythonVer = f"{sys.version_info.major}.{sys.version_info.minor}"

    @property
    def version(self) -> str:
        return self._session.version

    @property
    def appName(self) -> str:
        return settings().get("spark.app.name", "tarn")

    @property
    def defaultParallelism(self) -> int:
        return os.cpu_count() or 1

    @property
    def defaultMinPartitions(self) -> int:
        return min(self.defaultParallelism, 2)

    def getConf(self):
        return settings()

    def sparkUser(self) -> str:
        return getpass.getuser()

    def setLogLevel(self, logLevel: str) -> None:
        """Sets Python's logger of PySpark; the engine's own level is fixed when the process starts."""
        import logging
        names = {"ALL": "DEBUG", "TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL", "OFF": "CRITICAL"}
        logging.getLogger("pyspark").setLevel(names.get(logLevel.upper(), logLevel.upper()))

    def setLocalProperty(self, key: str, value) -> None:
        self._properties[key] = value

    def getLocalProperty(self, key: str):
        return self._properties.get(key)

    def setJobGroup(self, groupId: str, description: str, interruptOnCancel: bool = False) -> None:
        self._properties["spark.jobGroup.id"] = groupId

    def setJobDescription(self, value: str) -> None:
        self._properties["spark.job.description"] = value

    def setCheckpointDir(self, dirName: str) -> None:
        self._properties["spark.checkpoint.dir"] = dirName

    def addPyFile(self, path: str) -> None:
        from tarn_job import packages
        packages.add_files(path)

    def broadcast(self, value) -> Broadcast:
        return Broadcast(value)

    def accumulator(self, value, accum_param=None):
        raise Unsupported("accumulators are not supported on this engine; count with an aggregation, or run the job "
                          "with --engine spark")

    def parallelize(self, c, numSlices=None):
        from tarn_job.sail.local_rdd import LocalRDD
        rows = list(c)
        return LocalRDD(lambda: iter(rows), numSlices or self.defaultParallelism)

    def emptyRDD(self):
        return self.parallelize([])

    def range(self, start, end=None, step=1, numSlices=None):
        return self.parallelize(range(start) if end is None else range(start, end, step), numSlices)

    def textFile(self, name: str, minPartitions=None, use_unicode: bool = True):
        from tarn_job.sail.local_rdd import LocalRDD
        frame = self._session.read.text([one.strip() for one in name.split(",")])
        return LocalRDD(lambda: (row.value for row in frame.toLocalIterator()))

    def union(self, rdds):
        return functools.reduce(lambda left, right: left.union(right), rdds)

    def stop(self) -> None:
        SparkContext._active_spark_context = None


class SQLContext:
    """The old entry point: everything is the session's. `GlueContext` is one of these, as on AWS."""

    def __init__(self, sparkContext=None, sparkSession=None, jsqlContext=None):
        from tarn_job.sail.server import session
        self.sparkSession = sparkSession or session()
        self._sc = sparkContext or SparkContext.getOrCreate()

    @classmethod
    def getOrCreate(cls, sc=None):
        return cls(sc)

    def __getattr__(self, name: str):
        if name in ("sql", "table", "range", "createDataFrame", "udf", "read", "readStream", "streams", "catalog"):
            return getattr(self.sparkSession, name)
        raise AttributeError(name)

    def setConf(self, key: str, value) -> None:
        self.sparkSession.conf.set(key, value)

    def getConf(self, key: str, *default):
        return self.sparkSession.conf.get(key, *default)

    def registerDataFrameAsTable(self, df, tableName: str) -> None:
        df.createOrReplaceTempView(tableName)

    def dropTempTable(self, tableName: str) -> None:
        self.sparkSession.catalog.dropTempView(tableName)

    def tables(self, dbName=None):
        return self.sparkSession.sql("show tables" + (f" in `{dbName}`" if dbName else ""))

    def tableNames(self, dbName=None):
        return [one.name for one in self.sparkSession.catalog.listTables(dbName)]

    def cacheTable(self, tableName: str) -> None:
        self.sparkSession.catalog.cacheTable(tableName)

    def uncacheTable(self, tableName: str) -> None:
        self.sparkSession.catalog.uncacheTable(tableName)

    def clearCache(self) -> None:
        self.sparkSession.catalog.clearCache()


def install() -> None:
    """Puts these classes where scripts import them from. `pyspark-client` leaves these names out."""
    import pyspark
    import pyspark.sql
    import pyspark.sql.context

    from tarn_job.sail.local_rdd import LocalRDD
    homes = {
        "pyspark.context": {"SparkContext": SparkContext},
        "pyspark.broadcast": {"Broadcast": Broadcast},
        "pyspark.rdd": {"RDD": LocalRDD},
    }
    for name, members in homes.items():
        module = types.ModuleType(name, "Supplied by the job's runtime.")
        module.__dict__.update(members)
        sys.modules[name] = module
        setattr(pyspark, name.rpartition(".")[2], module)
    pyspark.SparkContext = SparkContext
    pyspark.Broadcast = Broadcast
    pyspark.RDD = LocalRDD
    for home in (pyspark, pyspark.sql, pyspark.sql.context):
        home.SQLContext = home.HiveContext = SQLContext
