"""Waiting for the lake's asynchronous work, as boto3 scripts do it."""

import time


def crawl(glue, name):
    """Runs a crawler to its end; returns the tables of its database. A crawl that fails raises RuntimeError with its reason."""
    glue.start_crawler(Name=name)
    while True:
        crawler = glue.get_crawler(Name=name)["Crawler"]
        if crawler["State"] == "READY":
            break
        time.sleep(0.05)
    if crawler["LastCrawl"]["Status"] != "SUCCEEDED":
        raise RuntimeError(f"crawler {name}: {crawler['LastCrawl'].get('ErrorMessage')}")
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=crawler["DatabaseName"])
    return [table for page in pages for table in page["TableList"]]


def run_job(glue, name, arguments=None):
    """Runs a job to its end; returns the run. One that fails raises RuntimeError with Glue's message."""
    run_id = glue.start_job_run(JobName=name, Arguments=arguments or {})["JobRunId"]
    while True:
        run = glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]
        if run["JobRunState"] == "SUCCEEDED":
            return run
        if run["JobRunState"] in ("FAILED", "STOPPED", "TIMEOUT", "ERROR"):
            raise RuntimeError(f"job {name} {run['JobRunState']}: {run.get('ErrorMessage')}")
        time.sleep(0.1)


def partitions(glue, database, table):
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=table)
    return [p["Values"] for page in pages for p in page["Partitions"]]
