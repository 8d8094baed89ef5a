"""RDDs in this process: what scripts do with `df.rdd`, `sc.parallelize` and `sc.textFile`, computed by Python itself."""
import collections
import functools
import itertools
from typing import Any, Callable, Iterable, Iterator

from tarn_job import Unsupported


class LocalRDD:
    """A lazy sequence of Python values. Every action runs through the source again, as an uncached RDD does."""

    def __init__(self, source: Callable[[], Iterator[Any]], partitions: int = 1):
        self._source, self._partitions = source, max(1, partitions)
        self._kept = None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._kept) if self._kept is not None else self._source()

    def _then(self, step: Callable[[Iterator[Any]], Iterable[Any]]) -> "LocalRDD":
        return LocalRDD(lambda: iter(step(iter(self))), self._partitions)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unsupported(f"RDD.{name} is not supported on this engine; use the DataFrame's own methods, or run the job "
                          "with --engine spark")

    # Transformations
    def map(self, f, preservesPartitioning=False):
        return self._then(lambda rows: map(f, rows))

    def flatMap(self, f, preservesPartitioning=False):
        return self._then(lambda rows: itertools.chain.from_iterable(map(f, rows)))

    def filter(self, f):
        return self._then(lambda rows: filter(f, rows))

    def mapPartitions(self, f, preservesPartitioning=False):
        return self._then(f)

    def mapPartitionsWithIndex(self, f, preservesPartitioning=False):
        return self._then(lambda rows: f(0, rows))

    def mapValues(self, f):
        return self._then(lambda rows: ((key, f(value)) for key, value in rows))

    def flatMapValues(self, f):
        return self._then(lambda rows: ((key, one) for key, value in rows for one in f(value)))

    def keys(self):
        return self._then(lambda rows: (key for key, _ in rows))

    def values(self):
        return self._then(lambda rows: (value for _, value in rows))

    def keyBy(self, f):
        return self._then(lambda rows: ((f(one), one) for one in rows))

    def distinct(self, numPartitions=None):
        return self._then(lambda rows: dict.fromkeys(rows))

    def union(self, other):
        return self._then(lambda rows: itertools.chain(rows, iter(other)))

    def zip(self, other):
        return self._then(lambda rows: zip(rows, iter(other)))

    def zipWithIndex(self):
        return self._then(lambda rows: ((one, place) for place, one in enumerate(rows)))

    zipWithUniqueId = zipWithIndex

    def sortBy(self, keyfunc, ascending=True, numPartitions=None):
        return self._then(lambda rows: sorted(rows, key=keyfunc, reverse=not ascending))

    def sortByKey(self, ascending=True, numPartitions=None, keyfunc=lambda key: key):
        return self._then(lambda rows: sorted(rows, key=lambda one: keyfunc(one[0]), reverse=not ascending))

    def groupByKey(self, numPartitions=None):
        def group(rows):
            found = collections.defaultdict(list)
            for key, value in rows:
                found[key].append(value)
            return found.items()
        return self._then(group)

    def groupBy(self, f, numPartitions=None):
        return self.keyBy(f).groupByKey()

    def reduceByKey(self, func, numPartitions=None):
        return self.groupByKey().mapValues(lambda values: functools.reduce(func, values))

    def join(self, other, numPartitions=None):
        def pair(rows):
            right = dict(iter(other.groupByKey()))
            return ((key, (left, one)) for key, left in rows for one in right.get(key, ()))
        return self._then(pair)

    def repartition(self, numPartitions):
        return LocalRDD(lambda: iter(self), numPartitions)

    def coalesce(self, numPartitions, shuffle=False):
        return LocalRDD(lambda: iter(self), min(numPartitions, self._partitions))

    def cache(self):
        if self._kept is None:
            self._kept = list(self._source())
        return self

    def persist(self, storageLevel=None):
        return self.cache()

    def unpersist(self, blocking=False):
        self._kept = None
        return self

    def setName(self, name):
        return self

    # Actions
    def collect(self):
        return list(self)

    def toLocalIterator(self, prefetchPartitions=False):
        return iter(self)

    def collectAsMap(self):
        return dict(self)

    def count(self):
        return sum(1 for _ in self)

    def countByKey(self):
        return collections.Counter(key for key, _ in self)

    def countByValue(self):
        return collections.Counter(self)

    def take(self, num):
        return list(itertools.islice(self, num))

    def first(self):
        for one in self:
            return one
        raise ValueError("RDD is empty")

    def isEmpty(self):
        return next(iter(self), self) is self

    def reduce(self, f):
        rows = iter(self)
        try:
            first = next(rows)
        except StopIteration:
            raise ValueError("Can not reduce() empty RDD") from None
        return functools.reduce(f, rows, first)

    def fold(self, zeroValue, op):
        return functools.reduce(op, self, zeroValue)

    def aggregate(self, zeroValue, seqOp, combOp):
        return functools.reduce(seqOp, self, zeroValue)

    def sum(self):
        return sum(self)

    def min(self, key=None):
        return min(self, key=key) if key else min(self)

    def max(self, key=None):
        return max(self, key=key) if key else max(self)

    def mean(self):
        values = list(self)
        return sum(values) / len(values)

    def top(self, num, key=None):
        return sorted(self, key=key, reverse=True)[:num]

    def takeOrdered(self, num, key=None):
        return sorted(self, key=key)[:num]

    def foreach(self, f):
        for one in self:
            f(one)

    def foreachPartition(self, f):
        f(iter(self))

    def getNumPartitions(self):
        return self._partitions

    def toDF(self, schema=None, sampleRatio=None):
        from tarn_job.sail.server import session
        return session().createDataFrame(self.collect(), schema)


def install() -> None:
    """Gives DataFrames their `rdd`, and lets createDataFrame take one."""
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.session import SparkSession
    create = SparkSession.createDataFrame

    @functools.wraps(create)
    def create_data_frame(self, data, *arguments, **named):
        return create(self, data.collect() if isinstance(data, LocalRDD) else data, *arguments, **named)

    SparkSession.createDataFrame = create_data_frame
    DataFrame.rdd = property(lambda frame: LocalRDD(frame.toLocalIterator))
    DataFrame.foreach = lambda frame, f: frame.rdd.foreach(f)
    DataFrame.foreachPartition = lambda frame, f: frame.rdd.foreachPartition(f)
    DataFrame.toJSON = lambda frame, use_unicode=True: LocalRDD(lambda: (row.value for row in _json_rows(frame)))


def _json_rows(frame) -> Iterator[Any]:
    from pyspark.sql import functions as F
    return frame.select(F.to_json(F.struct(*[F.col(f"`{name}`") for name in frame.columns])).alias("value")).toLocalIterator()
