"""Writing files: Spark's modes, folders and names; nothing is changed by a job that fails."""
import json
import re


def test_modes_and_partitions(run, lake):
    done = run(f"""
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
base = 's3://{lake.bucket}/w'
df = spark.createDataFrame([(1, 'a', '2026-01-01'), (2, 'b', '2026-01-02'), (3, None, None)], 'n int, s string, fecha string')
df.write.partitionBy('fecha').parquet(base)
for mode in ('error', 'ignore', 'append'):
    try:
        df.write.mode(mode).partitionBy('fecha').parquet(base)
        show([mode, spark.read.parquet(base).count()])
    except Exception as error:
        show([mode, str(error)[:21]])
spark.conf.set('spark.sql.sources.partitionOverwriteMode', 'dynamic')
df.filter('n = 1').write.mode('overwrite').partitionBy('fecha').parquet(base)
show(sorted([row.n, str(row.fecha)] for row in spark.read.parquet(base).collect()))
spark.conf.set('spark.sql.sources.partitionOverwriteMode', 'static')
df.filter('n = 2').write.mode('overwrite').partitionBy('fecha').parquet(base)
show(sorted([row.n, str(row.fecha)] for row in spark.read.parquet(base).collect()))
try:
    df.write.mode('sometimes').parquet(base)
except Exception as error:
    show(str(error)[:18])
""")
    values = done.values()
    assert values[:3] == [["error", "[PATH_ALREADY_EXISTS]"], ["ignore", 3], ["append", 6]]
    assert values[3] == [[1, "2026-01-01"], [2, "2026-01-02"], [2, "2026-01-02"], [3, "None"], [3, "None"]]
    assert values[4] == [[2, "2026-01-02"]]
    assert values[5] == "Unknown save mode:"
    assert all(re.fullmatch(r"w/fecha=2026-01-02/part-00000-[0-9a-f-]{36}\.c000\.snappy\.parquet", key) for key in lake.keys("w/"))


def test_a_job_that_fails_while_it_writes_leaves_no_files(run, lake):
    lake.put("w/old.txt", "kept")
    done = run(f"""
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
@F.udf('int')
def fails(n):
    if n == 99000:
        raise ValueError('row 99000')
    return 1
spark.range(100000).withColumn('x', fails('id')).write.mode('overwrite').csv('s3://{lake.bucket}/w/')
""", fails=True)
    assert done.result["state"] == "FAILED" and "row 99000" in done.result["error_message"]
    assert lake.keys("w/") == ["w/old.txt"]


def test_text_formats_are_written_as_spark_writes_them(run, lake):
    run(f"""
import datetime, decimal
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
rows = [(1, 'plain', 1.5, datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1, 10, 20, 30, 123456), decimal.Decimal('1.50'), [1, None]),
        (2, 'a,b "q"', 1e10, None, None, None, None), (None, '', float('nan'), None, None, None, []), (4, None, 1e-7, None, None, None, None),
        (5, 'ñ', 100.0, None, None, None, None)]
df = spark.createDataFrame(rows, 'i int, s string, d double, dt date, ts timestamp, dec decimal(10,2), a array<int>').coalesce(1)
base = 's3://{lake.bucket}/'
df.drop('a').write.option('header', True).csv(base + 'csv')
df.select('i', 's').write.option('sep', ';').option('nullValue', 'NULL').option('escape', '"').csv(base + 'csv2')
df.write.json(base + 'json')
df.select('s').filter('s is not null').write.option('compression', 'gzip').text(base + 'text')
df.filter('false').select('i', 's').write.option('header', True).csv(base + 'none')
""")
    csv, csv2, folder_json, none = (lake.body(lake.keys(folder)[0]).decode() for folder in ("csv/", "csv2/", "json/", "none/"))
    assert csv.splitlines() == [
        "i,s,d,dt,ts,dec", "1,plain,1.5,2026-01-01,2026-01-01T10:20:30.123Z,1.50", '2,"a,b \\"q\\"",1.0E10,,,', ',"",NaN,,,', "4,,1.0E-7,,,",
        "5,ñ,100.0,,,"]
    assert csv2.splitlines() == ["1;plain", '2;"a,b ""q"""', 'NULL;""', "4;NULL", "5;ñ"]
    assert [json.loads(line) for line in folder_json.splitlines()][0] == {
        "i": 1, "s": "plain", "d": 1.5, "dt": "2026-01-01", "ts": "2026-01-01T10:20:30.123Z", "dec": 1.5, "a": [1, None]}
    assert folder_json.splitlines()[2] == '{"s":"","d":"NaN","a":[]}'
    assert lake.keys("text/")[0].endswith(".txt.gz")
    assert none == "i,s\n"


def test_every_format_comes_back(run, lake):
    done = run(f"""
import datetime, decimal
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
rows = [(1, 'á', 1.5, True, datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1, 10, 20, 30), decimal.Decimal('1.50'), [1, None], {{'k': 1}}, (1, 'x')),
        (None, None, None, None, None, None, None, None, None, None)]
df = spark.createDataFrame(rows, 'i int, s string, d double, b boolean, dt date, ts timestamp, dec decimal(10,2), a array<int>, m map<string,int>, st struct<x:int,y:string>')
want = sorted(map(str, df.collect()))
for kind, codec in (('parquet', 'snappy'), ('parquet', 'zstd'), ('parquet', 'none'), ('orc', 'snappy'), ('orc', 'zlib'), ('avro', 'snappy'), ('avro', 'deflate')):
    path = f's3://{lake.bucket}/{{kind}}/{{codec}}/'
    df.write.format(kind).option('compression', codec).save(path)
    back = spark.read.format(kind).load(path)
    show([kind, codec, sorted(map(str, back.collect())) == want, back.dtypes == df.dtypes])
try:
    df.write.option('compression', 'lzo').parquet('s3://{lake.bucket}/x/')
except Exception as error:
    show(str(error)[:60])
""")
    *formats, refused = done.values()
    assert [one[2:] for one in formats] == [[True, True]] * 7, formats
    assert refused.startswith("parquet files cannot be written with the compression 'lzo'")


def test_how_many_files(run, lake):
    run(f"""
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
df = spark.range(1000)
base = 's3://{lake.bucket}/'
df.coalesce(1).write.parquet(base + 'one')
df.repartition(4).write.parquet(base + 'four')
df.write.option('maxRecordsPerFile', 300).parquet(base + 'rows')
""")
    assert [len(lake.keys(folder)) for folder in ("one/", "four/", "rows/")] == [1, 4, 4]


def test_delta(run, lake):
    done = run(f"""
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
path = 's3://{lake.bucket}/delta/'
spark.createDataFrame([(1, 'a'), (2, 'b')], 'order_id int, name string').write.format('delta').save(path)
spark.sql(f"MERGE INTO delta.`{{path}}` t USING (SELECT 2 AS order_id, 'B' AS name UNION ALL SELECT 3, 'c') s ON t.order_id = s.order_id "
          "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
show(sorted([row.order_id, row.name] for row in spark.read.format('delta').load(path).collect()))
""")
    assert done.values() == [[[1, "a"], [2, "B"], [3, "c"]]]
