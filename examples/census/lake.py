"""Sets the census lake up: a bucket, a database, the Glue job, the crawler, and the triggers that run them each day at 00:00 UTC.

    python lake.py BUCKET
"""

import sys
from pathlib import Path

import boto3

ROLE = "arn:aws:iam::000000000000:role/census-lake"
DATABASE, CRAWLER, JOB = "census", "census-curated", "census-to-parquet"
DAILY, THEN_CRAWL = "census-daily", "census-then-crawl"


def create(bucket):
    s3, glue = boto3.client("s3"), boto3.client("glue")
    s3.create_bucket(Bucket=bucket)
    s3.upload_file(str(Path(__file__).with_name("glue_job.py")), bucket, "scripts/glue_job.py")
    glue.create_database(DatabaseInput={"Name": DATABASE, "Description": "the school census and the examination"})
    glue.create_job(Name=JOB, Role=ROLE, GlueVersion="4.0", WorkerType="G.1X", NumberOfWorkers=2, Timeout=30,
                    Command={"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/scripts/glue_job.py", "PythonVersion": "3"},
                    DefaultArguments={"--raw": f"s3://{bucket}/raw", "--curated": f"s3://{bucket}/curated"})
    glue.create_crawler(Name=CRAWLER, Role=ROLE, DatabaseName=DATABASE, Targets={"S3Targets": [{"Path": f"s3://{bucket}/curated/"}]})
    glue.create_trigger(Name=DAILY, Type="SCHEDULED", Schedule="cron(0 0 * * ? *)", StartOnCreation=True, Actions=[{"JobName": JOB}])
    glue.create_trigger(Name=THEN_CRAWL, Type="CONDITIONAL", StartOnCreation=True, Actions=[{"CrawlerName": CRAWLER}],
                        Predicate={"Conditions": [{"LogicalOperator": "EQUALS", "JobName": JOB, "State": "SUCCEEDED"}]})


if __name__ == "__main__":
    create(sys.argv[1])
