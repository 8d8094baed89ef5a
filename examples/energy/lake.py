"""Sets the energy lake up: a bucket, three databases, three crawlers, the Glue job. Each step may be repeated.

    python lake.py BUCKET
"""

import sys
from pathlib import Path

import boto3

LAYERS = ("bronze", "silver", "gold")
ROLE = "arn:aws:iam::000000000000:role/energy-lake"
JOB = "energy-bronze-to-silver"


def database(layer):
    return f"energy-{layer}"


def crawler(layer):
    return f"energy-{layer}-crawler"


def create_bucket(s3, bucket):
    if bucket not in [b["Name"] for b in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=bucket)


def create_databases(glue):
    for layer in LAYERS:
        try:
            glue.create_database(DatabaseInput={"Name": database(layer), "Description": f"the {layer} layer of the energy lake"})
        except glue.exceptions.AlreadyExistsException:
            pass


def create_crawlers(glue, bucket):
    for layer in LAYERS:
        try:
            glue.create_crawler(Name=crawler(layer), Role=ROLE, DatabaseName=database(layer),
                                Targets={"S3Targets": [{"Path": f"s3://{bucket}/{layer}/"}]},
                                RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
                                SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"})
        except glue.exceptions.AlreadyExistsException:
            pass


def create_job(s3, glue, bucket):
    script = Path(__file__).with_name("glue_job.py")
    s3.upload_file(str(script), bucket, "scripts/glue_job.py")
    settings = {"Role": ROLE, "GlueVersion": "4.0", "WorkerType": "G.1X", "NumberOfWorkers": 2, "Timeout": 10,
                "Command": {"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/scripts/glue_job.py", "PythonVersion": "3"},
                "DefaultArguments": {"--database": database("bronze"), "--output": f"s3://{bucket}/silver", "--job-language": "python"}}
    if JOB in glue.list_jobs()["JobNames"]:
        glue.update_job(JobName=JOB, JobUpdate=settings)
    else:
        glue.create_job(Name=JOB, **settings)


def create(bucket):
    s3, glue = boto3.client("s3"), boto3.client("glue")
    create_bucket(s3, bucket)
    create_databases(glue)
    create_crawlers(glue, bucket)
    create_job(s3, glue, bucket)


if __name__ == "__main__":
    create(sys.argv[1])
