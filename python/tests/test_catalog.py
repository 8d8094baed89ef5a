"""Frames from and to the Data Catalog."""

GLUE = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as F
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.dynamicframe import DynamicFrame
sc = SparkContext.getOrCreate()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
"""

ENERGY = """
args = getResolvedOptions(sys.argv, ['JOB_NAME', 'database', 'bucket'])
job = Job(glueContext)
job.init(args['JOB_NAME'], args)

def table(name):
    frame = glueContext.create_dynamic_frame.from_catalog(database=args['database'], table_name=name, transformation_ctx=name)
    frame.toDF().createOrReplaceTempView(name)

for name in ('proveedores', 'clientes', 'transacciones'):
    table(name)

mayusculas = spark.sql("SELECT upper(nombre) AS nombre, initcap(ciudad) AS ciudad, identificacion, fecha FROM clientes")
mayusculas.write.mode('append').parquet(f"s3://{args['bucket']}/silver/clientes/")
ventas = spark.sql('''SELECT t.nombre_cliente_proveedor, t.tipo_transaccion, sum(t.cantidad_kwh) AS kwh, round(sum(t.precio_total), 2) AS total
                      FROM transacciones t GROUP BY 1, 2''')
ventas.write.mode('append').parquet(f"s3://{args['bucket']}/silver/totales/")
neto = spark.sql('''SELECT p.nombre_proveedor, p.tipo_energia,
                           sum(CASE WHEN t.tipo_transaccion = 'Venta' THEN t.precio_total ELSE -t.precio_total END) AS neto
                    FROM proveedores p JOIN transacciones t ON p.nombre_proveedor = t.nombre_cliente_proveedor GROUP BY 1, 2''')
neto.write.mode('append').parquet(f"s3://{args['bucket']}/silver/neto/")
job.commit()
show([transacciones for transacciones in spark.table('transacciones').dtypes])
show(sorted([row.nombre_proveedor, row.neto] for row in spark.read.parquet(f"s3://{args['bucket']}/silver/neto/").collect()))
show(sorted([row.nombre, row.ciudad, str(row.identificacion)] for row in spark.read.parquet(f"s3://{args['bucket']}/silver/clientes/").collect()))
"""


def energy_lake(lake):
    day = "fecha=2026-01-01"
    lake.put(f"bronze/proveedores/{day}/proveedores.csv", 'nombre_proveedor,tipo_energia\n"Acevedo, Acosta y Cía",solar\nÑandú S.A.,eólica\n')
    lake.put(f"bronze/clientes/{day}/clientes.csv",
             'tipo_identificacion,identificacion,nombre,ciudad\nCC,900123456789,"Gómez, Iván",bogotá\nNIT,17,Lucía Peña,medellín\n')
    lake.put(f"bronze/transacciones/{day}/transacciones.csv",
             "tipo_transaccion,nombre_cliente_proveedor,cantidad_kwh,precio_total,tipo_energia,fecha\n"
             'Venta,"Acevedo, Acosta y Cía",10,100.5,solar,2026-01-01\nCompra,"Acevedo, Acosta y Cía",4,40.25,solar,2026-01-01\n'
             "Venta,Ñandú S.A.,1,7,eólica,2026-01-01\n")
    tables = {
        "proveedores": [("nombre_proveedor", "string"), ("tipo_energia", "string")],
        "clientes": [("tipo_identificacion", "string"), ("identificacion", "bigint"), ("nombre", "string"), ("ciudad", "string")],
        "transacciones": [("tipo_transaccion", "string"), ("nombre_cliente_proveedor", "string"), ("cantidad_kwh", "bigint"),
                          ("precio_total", "double"), ("tipo_energia", "string")],
    }
    for name, columns in tables.items():
        lake.table(name, f"bronze/{name}/", columns, [("fecha", "string")])
        lake.partition(name, ["2026-01-01"], f"bronze/{name}/{day}/")


def test_the_energy_job(run, lake):
    energy_lake(lake)
    done = run(GLUE + ENERGY, "--JOB_NAME", "energy", "--database", lake.database, "--bucket", lake.bucket)
    types, net, customers = done.values()
    assert types == [["tipo_transaccion", "string"], ["nombre_cliente_proveedor", "string"], ["cantidad_kwh", "bigint"],
                     ["precio_total", "double"], ["tipo_energia", "string"], ["fecha", "string"]]
    assert net == [["Acevedo, Acosta y Cía", 60.25], ["Ñandú S.A.", 7.0]]
    assert customers == [["GÓMEZ, IVÁN", "Bogotá", "900123456789"], ["LUCÍA PEÑA", "Medellín", "17"]]
    assert len(lake.keys("silver/")) == 3


def test_partitions_are_chosen_by_predicates_and_may_lie_anywhere(run, lake):
    for day, place in (("2026-01-01", "t/fecha=2026-01-01/"), ("2026-01-02", "elsewhere/x/"), ("2026-01-03", "t/fecha=2026-01-03/")):
        lake.put(f"{place}part.csv", f"v,w\n{day[-1]},a\n")
    lake.table("t", "t/", [("v", "int"), ("w", "string")], [("fecha", "date")])
    for day, place in (("2026-01-01", "t/fecha=2026-01-01/"), ("2026-01-02", "elsewhere/x/")):
        lake.partition("t", [day], place)
    done = run(GLUE + f"""
def read(**options):
    frame = glueContext.create_dynamic_frame.from_catalog(database='{lake.database}', table_name='t', **options).toDF()
    show([frame.dtypes, sorted([row.v, str(row.fecha)] for row in frame.collect())])
read()
read(push_down_predicate="fecha = '2026-01-02'")
read(push_down_predicate="fecha > date'2026-01-01' and year(fecha) = 2026")
read(additional_options={{'catalogPartitionPredicate': "fecha = '2026-01-01'"}})
read(push_down_predicate="fecha = '1999-01-01'")
try:
    read(push_down_predicate="nope = 1")
except Exception as error:
    show(type(error).__name__)
try:
    glueContext.create_dynamic_frame.from_catalog(database='{lake.database}', table_name='missing')
except Exception as error:
    show(type(error).__name__)
""")
    types = [["v", "int"], ["w", "string"], ["fecha", "date"]]
    first, second = [1, "2026-01-01"], [2, "2026-01-02"]
    assert done.values() == [[types, [first, second]], [types, [second]], [types, [second]], [types, [first]], [types, []],
                             "AnalysisException", "EntityNotFoundException"]


def test_the_table_says_how_its_files_are_written(run, lake):
    lake.put("semi/a.csv", 'x;"a;b";1\ny;"say ""hi""";\n')
    lake.table("semi", "semi/", [("k", "string"), ("t", "string"), ("n", "int")], header=False,
               serde="org.apache.hadoop.hive.serde2.OpenCSVSerde", serde_parameters={"separatorChar": ";", "quoteChar": '"'})
    lake.put("tab/a.tsv", "id\tname\n1\tñ\n")
    lake.table("tab", "tab/", [("id", "bigint"), ("name", "string")], serde_parameters={"field.delim": "\t"})
    lake.put("swapped/a.csv", "name,ID\nx,7\n")
    lake.table("swapped", "swapped/", [("id", "bigint"), ("name", "string"), ("extra", "double")])
    lake.put("json/a.json", '{"Id":1,"Tags":["a"],"in":{"x":1.5}}\n{"id":2}\n')
    lake.table("json", "json/", [("id", "bigint"), ("tags", "array<string>"), ("in", "struct<x:double>")], classification="json",
               serde="org.openx.data.jsonserde.JsonSerDe")
    lake.put("array/a.json", '[{"id":1},\n {"id":2}]')
    lake.table("array", "array/", [("id", "bigint")], classification="json", serde="org.openx.data.jsonserde.JsonSerDe")
    done = run(GLUE + f"""
for name in ('semi', 'tab', 'swapped', 'json', 'array'):
    frame = glueContext.create_dynamic_frame.from_catalog(database='{lake.database}', table_name=name).toDF()
    show([name, sorted([list(row) for row in frame.collect()], key=str)])
""")
    assert dict(done.values()) == {
        "semi": [["x", "a;b", 1], ["y", 'say "hi"', None]], "tab": [[1, "ñ"]], "swapped": [[7, "x", None]],
        "json": [[1, ["a"], [1.5]], [2, None, None]], "array": [[1], [2]]}


def test_a_sink_tells_the_catalog(run, lake):
    script = GLUE + f"""
def sink(frame, name='out', keys=['fecha'], form='glueparquet', behavior='UPDATE_IN_DATABASE', **options):
    sink = glueContext.getSink(path='s3://{lake.bucket}/' + name + '/', connection_type='s3', updateBehavior=behavior,
                               partitionKeys=keys, enableUpdateCatalog=True, transformation_ctx='sink', compression='snappy')
    sink.setFormat(form, **options)
    sink.setCatalogInfo(catalogDatabase='{lake.database}', catalogTableName=name)
    sink.writeFrame(DynamicFrame.fromDF(frame, glueContext, 'f'))
first = spark.createDataFrame([(1, 'a', '2026-01-01'), (2, 'b', '2026-01-02')], 'Id bigint, name string, fecha string')
sink(first)
sink(first.filter("fecha = '2026-01-02'").withColumn('more', F.lit(1.5)).withColumn('fecha', F.lit('2026-01-03')))
frame = glueContext.create_dynamic_frame.from_catalog(database='{lake.database}', table_name='out').toDF()
show([frame.dtypes, sorted([list(row) for row in frame.collect()], key=str)])
show(glueContext.create_dynamic_frame.from_catalog(database='{lake.database}', table_name='out', push_down_predicate="fecha='2026-01-03'").count())
"""
    done = run(script)
    types, count = done.values()
    assert types == [[["id", "bigint"], ["name", "string"], ["more", "double"], ["fecha", "string"]],
                     [[1, "a", None, "2026-01-01"], [2, "b", 1.5, "2026-01-03"], [2, "b", None, "2026-01-02"]]]
    assert count == 1
    table = lake.glue.get_table(DatabaseName=lake.database, Name="out")["Table"]
    assert table["Parameters"]["classification"] == "parquet"
    assert [one["Name"] for one in table["StorageDescriptor"]["Columns"]] == ["id", "name", "more"]
    assert [one["Name"] for one in table["PartitionKeys"]] == ["fecha"]
    partitions = lake.glue.get_partitions(DatabaseName=lake.database, TableName="out")["Partitions"]
    assert sorted(one["Values"][0] for one in partitions) == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert sorted(one["StorageDescriptor"]["Location"] for one in partitions)[0] == f"s3://{lake.bucket}/out/fecha=2026-01-01/"


def test_writing_to_a_table_and_by_options(run, lake):
    lake.table("t", "t/", [("id", "bigint"), ("name", "string")], [("fecha", "string")], classification="json",
               serde="org.openx.data.jsonserde.JsonSerDe")
    done = run(GLUE + f"""
frame = DynamicFrame.fromDF(spark.createDataFrame([(1, 'ñ', '2026-01-01')], 'id bigint, name string, fecha string'), glueContext, 'f')
glueContext.write_dynamic_frame.from_catalog(frame=frame, database='{lake.database}', table_name='t')
for form, options in (('csv', {{'separator': '|'}}), ('json', {{}}), ('parquet', {{}}), ('orc', {{}}), ('avro', {{}})):
    glueContext.write_dynamic_frame.from_options(frame=frame, connection_type='s3', format=form, format_options=options,
        connection_options={{'path': 's3://{lake.bucket}/o/' + form + '/', 'partitionKeys': ['fecha']}})
    back = glueContext.create_dynamic_frame.from_options('s3', {{'paths': ['s3://{lake.bucket}/o/' + form + '/'], 'recurse': True}}, format=form,
        format_options={{'withHeader': True, 'separator': '|'}} if form == 'csv' else {{}}).toDF()
    show([form, [str(one) for one in back.collect()[0]], back.columns])
for form in ('xml', 'ion', 'hudi'):
    try:
        glueContext.write_dynamic_frame.from_options(frame=frame, connection_type='s3', format=form, connection_options={{'path': 's3://x/'}})
    except Exception as error:
        show(str(error)[:28])
try:
    glueContext.create_dynamic_frame.from_options('mysql', {{'url': 'jdbc:mysql://x'}})
except Exception as error:
    show(str(error))
""")
    values = done.values()
    assert [one[0] for one in values[:5]] == ["csv", "json", "parquet", "orc", "avro"]
    assert all(one[1:] == [["1", "ñ", "2026-01-01"], ["id", "name", "fecha"]] for one in values[:5]), values
    assert values[5:8] == ["the format 'xml' is not supp", "the format 'ion' is not supp", "the format 'hudi' is not sup"]
    assert values[8] == "the connection type 'mysql' cannot be read: jobs here read s3"
    key = lake.keys("t/")[0]
    assert key.startswith("t/fecha=2026-01-01/part-") and lake.body(key).decode() == '{"id":1,"name":"ñ"}\n'


def test_tables_in_sql(run, lake):
    energy_lake(lake)
    lake.glue.create_database(DatabaseInput={"Name": lake.database + "-out", "LocationUri": f"s3://{lake.bucket}/out/"})
    done = run(f"""
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.enableHiveSupport().getOrCreate()
db, out = '{lake.database}', '`{lake.database}-out`'
show([list(row) for row in spark.sql(f"SELECT c.nombre, count(*) AS n FROM {{db}}.clientes c JOIN {{db}}.clientes d ON c.nombre = d.nombre GROUP BY 1 ORDER BY 1").collect()])
show(spark.sql(f"WITH q AS (SELECT * FROM {{db}}.proveedores) SELECT count(*) FROM q WHERE q.tipo_energia <> 'from {{db}}.clientes'").collect()[0][0])
show(spark.table(f'{{db}}.clientes').count())
spark.sql(f'use {{db}}')
show(spark.sql('select count(*) from transacciones').collect()[0][0])
show(sorted(row.tableName for row in spark.sql('show tables').collect()))
spark.table(f'{{db}}.clientes').select('nombre', 'identificacion', 'fecha').write.mode('overwrite').partitionBy('fecha').saveAsTable(f'{{out}}.c')
spark.sql(f"INSERT INTO {{out}}.c SELECT 'x', 5, '2026-02-01'")
show(sorted([row.nombre, row.identificacion, row.fecha] for row in spark.sql(f'select * from {{out}}.c').collect()))
show([spark.catalog.tableExists(f'{{out}}.c'), spark.catalog.tableExists(f'{{db}}.nothing')])
for statement in ('SELECT * FROM nowhere.nothing', f'CREATE TABLE {{db}}.made (a int) USING text', f'ALTER TABLE {{db}}.clientes ADD COLUMNS (a int)'):
    try:
        spark.sql(statement).collect()
    except Exception as error:
        show(type(error).__name__)
""")
    assert done.values() == [
        [["Gómez, Iván", 1], ["Lucía Peña", 1]], 2, 2, 3, ["clientes", "proveedores", "transacciones"],
        [["Gómez, Iván", 900123456789, "2026-01-01"], ["Lucía Peña", 17, "2026-01-01"], ["x", 5, "2026-02-01"]],
        [True, False], "AnalysisException", "Unsupported", "Unsupported"]


def test_bookmarks(run, lake, tmp_path):
    lake.put("in/a.json", '{"n":1}\n')
    lake.put("in/b.json", '{"n":2}\n')
    lake.table("t", "in/", [("n", "int")], classification="json", serde="org.openx.data.jsonserde.JsonSerDe")
    script = GLUE + f"""
args = getResolvedOptions(sys.argv, ['JOB_NAME'])
job = Job(glueContext)
job.init(args['JOB_NAME'], args)
listed = glueContext.create_dynamic_frame.from_options('s3', {{'paths': ['s3://{lake.bucket}/in/']}}, format='json', transformation_ctx='files')
named = glueContext.create_dynamic_frame.from_catalog(database='{lake.database}', table_name='t', transformation_ctx='table')
always = glueContext.create_dynamic_frame.from_catalog(database='{lake.database}', table_name='t')
show([sorted(row.n for row in frame.toDF().collect()) for frame in (listed, named, always)])
if '--fail' in sys.argv:
    raise ValueError('before commit')
job.commit()
"""
    state = {"TARN_BOOKMARK_FILE": str(tmp_path / "bookmark.json")}
    on = ["--JOB_NAME", "j", "--job-bookmark-option", "job-bookmark-enable"]
    assert run(script, *on, "--fail", env=state, fails=True).values() == [[[1, 2], [1, 2], [1, 2]]]
    assert run(script, *on, env=state).values() == [[[1, 2], [1, 2], [1, 2]]]
    assert run(script, *on, env=state).values() == [[[], [], [1, 2]]]
    lake.put("in/c.json", '{"n":3}\n')
    lake.put("in/a.json", '{"n":11}\n')
    paused = run(script, "--JOB_NAME", "j", "--job-bookmark-option", "job-bookmark-pause", env=state)
    assert paused.values() == [[[3, 11], [3, 11], [2, 3, 11]]]
    assert run(script, *on, env=state).values() == [[[3, 11], [3, 11], [2, 3, 11]]]
    assert run(script, "--JOB_NAME", "j", env=state).values() == [[[2, 3, 11]] * 3]
    (tmp_path / "bookmark.json").unlink()  # a reset
    assert run(script, *on, env=state).values() == [[[2, 3, 11]] * 3]
    missing = run(script, *on, fails=True)
    assert "TARN_BOOKMARK_FILE" in missing.result["error_message"]


def test_create_table_in_sql(run, lake):
    """CREATE TABLE with a query and without one, at a place and below the database's; and a location that is a file."""
    lake.glue.update_database(Name=lake.database, DatabaseInput={"Name": lake.database, "LocationUri": f"s3://{lake.bucket}/home"})
    lake.put("one/sales.csv", "id,kind,amount\n1,a,2.5\n2,b,3\n")
    lake.put("one/other.csv", "id,kind,amount\n9,z,9\n")
    lake.table("sales", "one/sales.csv", [("id", "bigint"), ("kind", "string"), ("amount", "double")])
    done = run(GLUE + f"""
db, bucket = '{lake.database}', '{lake.bucket}'
spark.sql(f'''CREATE TABLE {{db}}.by_kind USING parquet OPTIONS ('compression' = 'snappy') PARTITIONED BY (kind)
              LOCATION 's3://{{bucket}}/by_kind/' AS SELECT amount, id, kind FROM {{db}}.sales''')
show(sorted([row.id, row.kind, row.amount] for row in spark.table(db + '.by_kind').collect()))
spark.sql(f"use {{db}}")
spark.sql("create table if not exists plain (a int not null comment 'x, y', b array<struct<c:long,d:string>>, day date) using json partitioned by (day) comment 'nothing yet'")
spark.sql("CREATE EXTERNAL TABLE IF NOT EXISTS hive_like (a INT, b DECIMAL(10, 2)) PARTITIONED BY (dt STRING) STORED AS PARQUET TBLPROPERTIES ('k'='v')")
spark.sql("create table if not exists by_kind using parquet as select 1 as nothing")
show(sorted(one.name for one in spark.catalog.listTables()) + [one.name for one in spark.catalog.listTables(db, 'h*|zzz')])
for text in ("create table by_kind using parquet as select 1 as a", "create table other (a int)", "create table other like by_kind"):
    try:
        spark.sql(text)
        show('done')
    except Exception as error:
        show([type(error).__name__, str(error)[:60]])
show(db in [one.name for one in spark.catalog.listDatabases()])
""")
    rows, names, *refused, listed = done.values()
    assert rows == [[1, "a", 2.5], [2, "b", 3.0]]
    assert names == ["by_kind", "hive_like", "plain", "sales", "hive_like"]
    assert [one[0] for one in refused] == ["AnalysisException", "Unsupported", "Unsupported"]
    assert listed
    tables = {one["Name"]: one for one in lake.glue.get_tables(DatabaseName=lake.database)["TableList"]}
    assert [one["Values"] for one in lake.glue.get_partitions(DatabaseName=lake.database, TableName="by_kind")["Partitions"]] == [["a"], ["b"]]
    plain = tables["plain"]
    assert plain["StorageDescriptor"]["Location"] == f"s3://{lake.bucket}/home/plain/"
    assert [(one["Name"], one["Type"]) for one in plain["StorageDescriptor"]["Columns"]] == [("a", "int"), ("b", "array<struct<c:bigint,d:string>>")]
    assert [(one["Name"], one["Type"]) for one in plain["PartitionKeys"]] == [("day", "date")] and plain["Description"] == "nothing yet"
    assert tables["hive_like"]["PartitionKeys"][0]["Type"] == "string" and tables["hive_like"]["Parameters"]["k"] == "v"
