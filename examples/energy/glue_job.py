"""The Glue job of the energy lake: bronze CSV to silver Parquet, three transformations.

Arguments: --JOB_NAME, --database (the bronze database), --output (s3://bucket/silver).
"""

import sys

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME", "database", "output"])

sc = SparkContext.getOrCreate()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)


def bronze(table):
    # With bookmarks enabled the context is the name under which Glue remembers what was read.
    return glueContext.create_dynamic_frame.from_catalog(database=args["database"], table_name=table, transformation_ctx=table).toDF()


for table in ("proveedores", "clientes", "transacciones"):
    bronze(table).createOrReplaceTempView(table)

# 1. Suppliers: one row each, however many days they were exported on.
suppliers = spark.sql("""
    SELECT DISTINCT trim(nombre_proveedor) AS nombre_proveedor, lower(tipo_energia) AS tipo_energia
    FROM proveedores
""")

# 2. Customers: the newest export of each, names in capitals.
customers = spark.sql("""
    SELECT tipo_identificacion, identificacion, upper(nombre) AS nombre, ciudad
    FROM (SELECT *, row_number() OVER (PARTITION BY tipo_identificacion, identificacion ORDER BY fecha DESC) AS n FROM clientes)
    WHERE n = 1
""")

# 3. Transactions: with the price of a kilowatt hour.
transactions = spark.sql("""
    SELECT tipo_transaccion, nombre_cliente_proveedor, CAST(cantidad_kwh AS BIGINT) AS cantidad_kwh,
           CAST(precio_total AS DOUBLE) AS precio_total, round(precio_total / cantidad_kwh, 4) AS precio_kwh,
           lower(tipo_energia) AS tipo_energia, CAST(fecha AS DATE) AS fecha
    FROM transacciones
    WHERE cantidad_kwh > 0
""")

# Each export holds all suppliers and customers, but a day's transactions alone.
for name, frame, mode in (("proveedores", suppliers, "overwrite"), ("clientes", customers, "overwrite"), ("transacciones", transactions, "append")):
    frame.write.mode(mode).parquet(f"{args['output']}/{name}/")
    print(f"{name}: {frame.count()} rows")

job.commit()
