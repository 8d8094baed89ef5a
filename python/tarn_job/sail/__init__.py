"""PySpark on Sail: a Spark Connect server in this process, and what ordinary scripts expect beside it.

Sail runs the plans; this package supplies what a script written for Spark with a JVM also uses:

  server       the server, the one session, and the places in `pyspark` that lead to it
  context      SparkContext, SparkConf's readers, broadcasts, SQLContext
  local_rdd    RDDs, held in this process
  reader       spark.read: Spark's own rules for paths, partitions, headers, types and encodings
  csv_text, json_text, columnar      one file into Arrow batches
  source       those batches as a Sail data source
  file_names   input_file_name() and _metadata
  writer       df.write: Spark's own modes, folders and file names
  encode       Arrow batches into one file
  casts        casts that give null where Sail's own raise
  catalog_sql  tables of the Data Catalog in spark.sql, spark.table and saveAsTable

Reading and writing are ours because Sail's own differ from Spark without saying so: a missing path reads as empty, an
encoding is ignored, files of one table whose values look different stop the job, and overwriting one partition deletes
the others.
"""
from tarn_job.sail.server import prepare, session  # noqa: F401
