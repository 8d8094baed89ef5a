"""The Glue job of the census lake: raw CSV in Latin-1 to Parquet partitioned by year.

Arguments: --JOB_NAME, --raw (s3://bucket/raw), --curated (s3://bucket/curated).
"""

import sys

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as F

args = getResolvedOptions(sys.argv, ["JOB_NAME", "raw", "curated"])

glueContext = GlueContext(SparkContext.getOrCreate())
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

# Each table's own column of the year.
for table, year in (("escolas", "NU_ANO_CENSO"), ("enem", "NU_ANO")):
    frame = spark.read.csv(f"{args['raw']}/{table}/*/*.CSV", header=True, inferSchema=True, sep=";", encoding="latin1")
    frame = frame.withColumn("NU_ANO", F.col(year).cast("int"))
    if year != "NU_ANO":
        frame = frame.drop(year)
    if table == "escolas":
        frame = frame.withColumn("CO_ENTIDADE", F.lpad(F.col("CO_ENTIDADE").cast("string"), 8, "0"))
    frame.write.mode("overwrite").partitionBy("NU_ANO").parquet(f"{args['curated']}/{table}/")
    print(f"{table}: {frame.count()} rows")

job.commit()
