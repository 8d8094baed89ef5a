"""Reading files: the answers are those of Apache Spark 3.5.9, recorded in spark_csv_cases.json and spark_json_cases.json."""
import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent

READ_CASES = """
import os, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
for case in json.load(open(sys.argv[2])):
    folder = os.path.join(sys.argv[3], case['name'])
    os.makedirs(folder)
    with open(os.path.join(folder, 'f.' + sys.argv[1]), 'wb') as file:
        file.write(case['bytes'].encode('latin-1'))
    reader = spark.read.options(**case['options'])
    if case['schema']:
        reader = reader.schema(case['schema'])
    try:
        frame = getattr(reader, sys.argv[1])(folder)
        found = [[list(one) for one in frame.dtypes], [list(map(str, row)) for row in frame.collect()]]
    except Exception as error:
        found = [type(error).__name__, str(error)]
    show([case['name'], found])
"""


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_files_are_read_as_spark_reads_them(run, tmp_path, kind):
    path = HERE / f"spark_{kind}_cases.json"
    wanted = {case["name"]: [case["types"], case["rows"]] for case in json.loads(path.read_text())}
    done = run("import json\n" + READ_CASES, kind, str(path), str(tmp_path / "cases"))
    found = {name: answer for name, answer in done.values() if name in wanted}
    assert found == wanted


def test_partitions_have_types_and_a_column_that_is_also_in_the_file_stands_once(run, lake):
    lake.put("t/fecha=2026-01-01/n=01/a.csv", 'nombre,fecha,v\n"Acevedo, Acosta",2026-01-01,1.5\n')
    lake.put("t/fecha=2026-01-02/n=2/a.csv", "nombre,fecha,v\nÑandú,2026-01-02,2\n")
    lake.put("t/_temporary/x.csv", "broken")
    lake.put("t/fecha=2026-01-02/n=2/_SUCCESS", "")
    done = run(f"""
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
df = spark.read.option('header', True).option('inferSchema', True).csv('s3://{lake.bucket}/t/')
show(df.dtypes)
show(sorted(list(map(str, row)) for row in df.collect()))
show(df.filter("fecha = '2026-01-02'").count())
show(spark.read.option('header', True).csv('s3a://{lake.bucket}/t/fecha=2026-01-01/n=01').columns)
show(spark.read.option('header', True).option('basePath', 's3://{lake.bucket}/t').csv('s3://{lake.bucket}/t/fecha=*/n=2').columns)
""")
    types, rows, filtered, single, based = done.values()
    assert types == [["nombre", "string"], ["fecha", "date"], ["v", "double"], ["n", "int"]]
    assert rows == [["Acevedo, Acosta", "2026-01-01", "1.5", "1"], ["Ñandú", "2026-01-02", "2.0", "2"]]
    assert filtered == 1 and single == ["nombre", "fecha", "v"] and based == ["nombre", "fecha", "v", "n"]


def test_a_path_that_is_not_there_is_an_error(run, lake):
    done = run(f"""
from pyspark.sql import SparkSession
from pyspark.sql.utils import AnalysisException
spark = SparkSession.builder.getOrCreate()
for kind in ('csv', 'json', 'parquet', 'orc', 'text'):
    try:
        spark.read.format(kind).load('s3://{lake.bucket}/nothing/').count()
        show('read')
    except AnalysisException as error:
        show(str(error))
""")
    assert len(done.values()) == 5
    assert all("Path does not exist" in one and "nothing" in one for one in done.values())


def test_compressed_files_and_encodings(run, lake):
    import bz2
    import gzip
    lake.put("z/a.csv.gz", gzip.compress("a;b\nSão;1\n".encode()))
    lake.put("z/b.csv.bz2", bz2.compress("a;b\nAção;2\n".encode()))
    lake.put("l/MATRICULA.CSV", "NO_MUNICIPIO|QT\nSão Paulo|10\nUberlândia|20\n".encode("latin-1"))
    done = run(f"""
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
show(sorted(row.a for row in spark.read.option('header', True).csv('s3://{lake.bucket}/z/', sep=';').collect()))
reader = spark.read.option('header', True).option('delimiter', '|').option('inferSchema', True)
show([list(row) for row in reader.option('encoding', 'latin1').csv('s3://{lake.bucket}/l/').collect()])
show([row[0] for row in reader.option('encoding', 'UTF-8').csv('s3://{lake.bucket}/l/').collect()])
try:
    reader.option('encoding', 'klingon').csv('s3://{lake.bucket}/l/')
except Exception as error:
    show(f'{{type(error).__name__}}: {{error}}')
""")
    packed, latin, wrong, unknown = done.values()
    assert packed == ["Ação", "São"]
    assert latin == [["São Paulo", 10], ["Uberlândia", 20]]
    assert wrong == ["S\ufffdo Paulo", "Uberl\ufffdndia"]
    assert unknown == "Unsupported: the encoding 'klingon' is not known"


def test_files_of_a_table_may_differ(run, lake):
    lake.put("t/a.csv", "a,b\n1,x\n")
    lake.put("t/b.csv", "a,b\n2.5,y\n")
    done = run(f"""
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
df = spark.read.csv('s3://{lake.bucket}/t/', header=True, inferSchema=True)
show(df.dtypes)
show(df.agg(F.sum('a')).collect()[0][0])
df.select(F.col('a').cast('int').alias('a')).write.parquet('s3://{lake.bucket}/p/one')
df.select(F.col('a').cast('long').alias('a'), 'b').write.parquet('s3://{lake.bucket}/p/two')
both = spark.read.parquet('s3://{lake.bucket}/p/two', 's3://{lake.bucket}/p/one')
show([both.dtypes, sorted(str(row.a) for row in both.collect())])
""")
    types, total, parquet = done.values()
    assert types == [["a", "double"], ["b", "string"]] and total == 3.5
    assert parquet == [[["a", "bigint"], ["b", "string"]], ["1", "1", "2", "2"]]


def test_file_names(run, lake):
    lake.put("t/fecha=2026-01-01/a.csv", "a\n1\n")
    lake.put("t/fecha=2026-01-02/b.csv", "a\n2\n3\n")
    done = run(f"""
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
df = spark.read.csv('s3://{lake.bucket}/t/', header=True)
named = df.withColumn('source_filename', F.input_file_name())
show([named.columns, sorted([row.a, row.source_filename] for row in named.collect())])
show(sorted([row[0], row[1]] for row in df.selectExpr('a', '_metadata.file_name').collect()))
named.write.parquet('s3://{lake.bucket}/p/')
parquet = spark.read.parquet('s3://{lake.bucket}/p/')
show([parquet.count(), parquet.select(F.input_file_name().alias('f')).distinct().collect()[0].f])
try:
    df.groupBy('a').count().withColumn('f', F.input_file_name()).collect()
except Exception as error:
    show(type(error).__name__)
""")
    names, metadata, parquet, lost = done.values()
    first, second = (f"s3://{lake.bucket}/t/fecha=2026-01-0{day}/{name}.csv" for day, name in ((1, "a"), (2, "b")))
    assert names == [["a", "fecha", "source_filename"], [["1", first], ["2", second], ["3", second]]]
    assert metadata == [["1", "a.csv"], ["2", "b.csv"], ["3", "b.csv"]]
    assert parquet[0] == 3 and parquet[1].startswith(f"s3://{lake.bucket}/p/part-00000-") and parquet[1].endswith(".snappy.parquet")
    assert lost == "Unsupported"


def test_what_is_not_read_is_refused_by_name(run):
    done = run("""
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
for attempt in (lambda: spark.read.format('jdbc').load(), lambda: spark.read.format('xml').load('s3://x/'),
                lambda: spark.read.option('modifiedAfter', '2026-01-01').csv('s3://x/'), lambda: spark._jvm,
                lambda: spark.sparkContext.accumulator(0), lambda: spark.read.csv('hdfs://x/y')):
    try:
        show(str(attempt()))
    except Exception as error:
        show(type(error).__name__ + ': ' + str(error)[:60])
""")
    assert all(one.startswith("Unsupported: ") for one in done.values()), done.values()


def test_casts_give_null_where_spark_gives_null(run):
    done = run("""
from pyspark.sql import SparkSession, functions as F
from pyspark.sql.types import LongType, DecimalType
spark = SparkSession.builder.getOrCreate()
df = spark.createDataFrame([('5.0', True, 'n/a'), ('-1.9', False, ' 7 ')], 's string, b boolean, t string')
df.createOrReplaceTempView('v')
show([str(list(row)) for row in df.select(F.col('s').cast('long'), F.col('t').cast(LongType()).alias('x'), F.col('t').cast('double'),
      F.col('s').cast('smallint'), F.col('t').cast(DecimalType(10, 2)), F.col('t').cast('int'), F.col('t').cast('date')).collect()])
show([str(list(row)) for row in spark.sql("SELECT cast(s AS bigint), cast(cast(b as bigint) as string), CAST( t as DECIMAL(10, 2)), "
      "'cast(t as bigint)', cast(t as boolean) FROM v").collect()])
show(df.selectExpr('cast(t as double) > 1 as q').filter('q').count())
df.withColumn('b', F.col('b').cast('bigint')).createOrReplaceTempView('w')
show(spark.sql('select sum(b) from w').collect()[0][0])
show([df.select(F.col('t').cast('double')).columns, spark.sql('select cast(s as bigint) from v').columns])
spark.conf.set('spark.sql.ansi.enabled', 'true')
try:
    df.select(F.col('t').cast('double')).collect()
except Exception as error:
    show('n/a' in str(error))
""")
    by_column, by_text, compared, booleans, names, ansi = done.values()
    assert by_column == ["[5, None, None, 5, None, None, None]", "[-1, 7, 7.0, -1, Decimal('7.00'), 7, None]"]
    assert by_text == ["[5, '1', None, 'cast(t as bigint)', None]", "[-1, '0', Decimal('7.00'), 'cast(t as bigint)', None]"]
    assert compared == 1 and booleans == 1 and names == [["t"], ["s"]] and ansi is True
