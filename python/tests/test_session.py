"""What scripts expect around a Spark session: contexts, settings, RDDs, functions of their own."""


def test_contexts_and_settings(run):
    done = run("""
from pyspark import SparkConf, SparkContext
from pyspark.context import SparkContext as Same
from pyspark.sql import HiveContext, SparkSession, SQLContext
conf = SparkConf().setAppName('energy').setMaster('local[2]').set('spark.executor.memory', '4g').set('spark.sql.shuffle.partitions', '3')
sc = SparkContext(conf=conf)
show([SparkContext is Same, sc.appName, sc.getConf().get('spark.executor.memory'), sc.applicationId.startswith('local-'), sc.defaultParallelism > 0])
try:
    SparkContext()
except ValueError as error:
    show(str(error)[:43])
spark = SparkSession.builder.appName('x').config('spark.sql.legacy.timeParserPolicy', 'LEGACY').enableHiveSupport().getOrCreate()
show([spark.sparkContext is sc, SparkSession.builder.getOrCreate() is spark, spark.conf.get('spark.sql.shuffle.partitions'),
      spark.conf.get('spark.sql.session.timeZone'), SparkSession.getActiveSession() is spark])
sc.setLogLevel('WARN')
sc._jsc.hadoopConfiguration().set('fs.s3a.secret.key', 'hush')
spark._jsc.hadoopConfiguration().set('fs.s3a.path.style.access', 'true')
for attempt in (lambda: sc._jvm, lambda: spark._jvm, lambda: sc._jsc.sc().env(), lambda: sc.accumulator(1)):
    try:
        attempt()
    except NotImplementedError as error:
        show(type(error).__name__ + ('--engine spark' in str(error)) * ' tells')
show(SQLContext(sc).sql('select 2').collect()[0][0] + HiveContext(sc).range(3).count())
spark.stop()
sc = SparkContext.getOrCreate()
show(SparkSession.builder.getOrCreate().range(4).count())
""")
    assert done.values() == [
        [True, "energy", "4g", True, True], "Cannot run multiple SparkContexts at once; ", [True, True, "3", "UTC", True],
        *["Unsupported tells"] * 4, 5, 4]
    assert "fs.s3a.path.style.access=true is kept" in done.err and "hush" not in done.err


def test_rdds_and_functions(run):
    done = run("""
from pyspark.context import SparkContext
from pyspark.sql import Row, SparkSession, functions as F
from pyspark.sql.types import IntegerType, StringType, StructField, StructType
sc = SparkContext.getOrCreate()
spark = SparkSession.builder.getOrCreate()
words = sc.parallelize(['a b', 'b c', 'c c']).flatMap(str.split).map(lambda word: (word, 1)).reduceByKey(lambda x, y: x + y)
show(sorted(words.collect()))
df = words.toDF(['word', 'n'])
show([df.columns, df.rdd.map(lambda row: row.n * 2).sum(), df.rdd.getNumPartitions(), df.rdd.filter(lambda row: row.n > 1).count()])
show(spark.createDataFrame(sc.parallelize([Row(a=1, b='x')])).dtypes)
show(spark.createDataFrame(sc.emptyRDD(), StructType([StructField('a', IntegerType()), StructField('b', StringType())])).count())
codes = sc.broadcast({'a': 'alpha'})
name = F.udf(lambda word: codes.value.get(word, '?'), StringType())
show(sorted(row.name for row in df.withColumn('name', name('word')).collect()))
spark.udf.register('twice', lambda n: n * 2, 'int')
df.createOrReplaceTempView('words')
show(sorted(row[0] for row in spark.sql('select twice(n) from words').collect()))
show(df.toPandas()['n'].sum())
show(sorted(df.toJSON().collect()))
@F.pandas_udf('double')
def half(n):
    return n / 2
show(df.select(F.sum(half('n'))).collect()[0][0])
try:
    sc.parallelize([1]).pipe('cat')
except NotImplementedError as error:
    show('RDD.pipe' in str(error))
""")
    assert done.values() == [
        [["a", 1], ["b", 2], ["c", 3]], [["word", "n"], 12, 1, 2], [["a", "bigint"], ["b", "string"]], 0, ["?", "?", "alpha"], [2, 4, 6], "6",
        ['{"word":"a","n":1}', '{"word":"b","n":2}', '{"word":"c","n":3}'], 3.0, True]


def test_a_function_that_raises_tells_where(run):
    done = run("""
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
def careful(n):
    return 10 // n
spark.range(3).select(F.udf(careful, 'int')('id')).collect()
""", fails=True)
    assert "ZeroDivisionError" in done.result["error_message"] and "in careful" in done.result["error_message"]


def test_what_sail_computes_wrongly_is_refused(run):
    done = run("""
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
df = spark.range(2)
for attempt in (lambda: spark.sql('select bround(2.5)'), lambda: df.select(F.bround('id')), lambda: df.crosstab('id', 'id')):
    try:
        attempt()
    except NotImplementedError as error:
        show(str(error).split()[0])
""")
    assert done.values() == ["bround", "bround", "crosstab"]
