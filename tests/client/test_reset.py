"""POST /_tarn/reset between tests: in milliseconds, whatever runs, and what is left is a tarn as new."""

import threading
import time
import urllib.request

import pytest
from botocore.exceptions import BotoCoreError, ClientError

SLEEPS = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
print('here', flush=True)
time.sleep(1000)
"""
ENDLESS = "SELECT count(*) FROM UNNEST(sequence(1, 10000)) AS a(x) CROSS JOIN UNNEST(sequence(1, 10000)) AS b(y) CROSS JOIN UNNEST(sequence(1, 10000)) AS c(z) WHERE x * y % 7 = z % 5"


@pytest.fixture
def one(own_tarn):
    return own_tarn("--allow-reset", "--quiet")


def reset(tarn):
    """How long it took, in ms."""
    start = time.monotonic()
    urllib.request.urlopen(urllib.request.Request(tarn.endpoint + "/_tarn/reset", method="POST", data=b"")).read()
    return (time.monotonic() - start) * 1000


def fill(tarn):
    """Data, and one of each that runs: queries (more than run at once), crawls, jobs. Returns the processes of jobs."""
    s3, glue, athena = tarn.client("s3"), tarn.client("glue"), tarn.client("athena")
    s3.create_bucket(Bucket="lake")
    glue.create_database(DatabaseInput={"Name": "db"})
    for n in range(50):
        s3.put_object(Bucket="lake", Key=f"t{n % 5}/p={n}/a.csv", Body=b"id,name\n" + b"1,Ana\n" * 20_000)
    for n in range(6):
        glue.create_crawler(Name=f"c{n}", Role="r", DatabaseName="db", Targets={"S3Targets": [{"Path": "s3://lake/"}]})
        glue.start_crawler(Name=f"c{n}")
    s3.put_object(Bucket="lake", Key="sleeps.py", Body=SLEEPS.encode())
    glue.create_job(Name="j", Role="r", Command={"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": "s3://lake/sleeps.py"},
                    ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = [glue.start_job_run(JobName="j")["JobRunId"] for _ in range(2)]
    place = {"OutputLocation": "s3://lake/results/"}
    queries = [athena.start_query_execution(QueryString=ENDLESS, ResultConfiguration=place)["QueryExecutionId"] for _ in range(8)]
    queries.append(athena.start_query_execution(QueryString=f"CREATE TABLE db.made AS {ENDLESS.replace('count(*)', 'count(*) AS n')}",
                                                ResultConfiguration=place)["QueryExecutionId"])
    wait(lambda: all(glue.get_job_run(JobName="j", RunId=r)["JobRun"]["JobRunState"] == "RUNNING" for r in runs))
    wait(lambda: athena.get_query_execution(QueryExecutionId=queries[0])["QueryExecution"]["Status"]["State"] == "RUNNING")
    return runs, queries


def wait(done):
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def check_empty(tarn, queries=()):
    s3, glue, athena = tarn.client("s3"), tarn.client("glue"), tarn.client("athena")
    assert s3.list_buckets()["Buckets"] == []
    assert glue.get_databases()["DatabaseList"] == [] and glue.get_crawlers()["Crawlers"] == [] and glue.get_jobs()["Jobs"] == []
    assert athena.list_query_executions()["QueryExecutionIds"] == []
    assert tarn.client("logs").describe_log_groups()["logGroups"] == []
    for id in queries:
        with pytest.raises(ClientError):
            athena.get_query_execution(QueryExecutionId=id)
    assert list((tarn.data_dir / "jobs").glob("*")) == []


def check_usable(tarn):
    """What was called the same before is new now."""
    s3, glue, athena = tarn.client("s3"), tarn.client("glue"), tarn.client("athena")
    s3.create_bucket(Bucket="lake")
    glue.create_database(DatabaseInput={"Name": "db"})
    s3.put_object(Bucket="lake", Key="t0/a.csv", Body=b"n,v\n1,2\n3,4\n")
    glue.create_crawler(Name="c0", Role="r", DatabaseName="db", Targets={"S3Targets": [{"Path": "s3://lake/t0/"}]})
    glue.start_crawler(Name="c0")
    wait(lambda: glue.get_crawler(Name="c0")["Crawler"]["State"] == "READY")
    assert glue.get_crawler(Name="c0")["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"
    s3.put_object(Bucket="lake", Key="says.py", Body=b"print('done')\n")
    glue.create_job(Name="j", Role="r", Command={"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": "s3://lake/says.py"})
    run = glue.start_job_run(JobName="j")["JobRunId"]
    id = athena.start_query_execution(QueryString="SELECT sum(v) FROM db.t0", ResultConfiguration={"OutputLocation": "s3://lake/results/"})["QueryExecutionId"]
    wait(lambda: athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"]["State"] not in ("QUEUED", "RUNNING"))
    assert athena.get_query_results(QueryExecutionId=id)["ResultSet"]["Rows"][1]["Data"][0]["VarCharValue"] == "6"
    assert athena.list_query_executions()["QueryExecutionIds"] == [id]
    wait(lambda: glue.get_job_run(JobName="j", RunId=run)["JobRun"]["JobRunState"] in ("SUCCEEDED", "FAILED"))
    assert glue.get_job_run(JobName="j", RunId=run)["JobRun"]["JobRunState"] == "SUCCEEDED"


def test_ends_what_runs_and_leaves_a_usable_tarn(one):
    runs, queries = fill(one)
    took_ms = reset(one)
    check_empty(one, queries)
    check_usable(one)
    print(f"reset with 9 queries, 6 crawls and 2 jobs under way: {took_ms:.0f} ms")
    assert took_ms < 5000  # tens of ms on a machine that does nothing else
    again_ms = reset(one)
    assert again_ms < 2000
    check_empty(one)


def test_under_load(one):
    stop, unexpected = threading.Event(), []
    allowed = {"NoSuchBucket", "BucketAlreadyOwnedByYou", "NoSuchKey", "EntityNotFoundException", "AlreadyExistsException", "InvalidRequestException",
               "ConcurrentRunsExceededException", "CrawlerRunningException", "OperationAborted"}

    def load(number):
        s3, glue, athena = one.client("s3"), one.client("glue"), one.client("athena")
        name = f"load{number}"
        while not stop.is_set():
            for call in (lambda: s3.create_bucket(Bucket=name), lambda: s3.put_object(Bucket=name, Key="k", Body=b"id,n\n1,2\n" * 9000),
                         lambda: glue.create_database(DatabaseInput={"Name": name}),
                         lambda: glue.create_crawler(Name=name, Role="r", DatabaseName=name, Targets={"S3Targets": [{"Path": f"s3://{name}/"}]}),
                         lambda: glue.start_crawler(Name=name),
                         lambda: athena.start_query_execution(QueryString=ENDLESS, ResultConfiguration={"OutputLocation": f"s3://{name}/r/"}),
                         lambda: s3.get_object(Bucket=name, Key="k")["Body"].read()):
                try:
                    call()
                except ClientError as error:
                    if error.response["Error"]["Code"] not in allowed:
                        unexpected.append(error)
                except BotoCoreError as error:
                    unexpected.append(error)

    threads = [threading.Thread(target=load, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    took_ms = []
    for _ in range(8):
        time.sleep(0.4)
        took_ms.append(reset(one))
    stop.set()
    for thread in threads:
        thread.join()
    print("resets under load:", ", ".join(f"{ms:.0f}" for ms in took_ms), "ms")
    assert unexpected == []
    reset(one)
    check_empty(one)
    check_usable(one)
