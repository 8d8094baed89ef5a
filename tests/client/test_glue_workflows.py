"""Glue's triggers and workflows through boto3: schedules by a moved clock, conditions over jobs and crawlers, branches, restarts."""

import json
import subprocess
import time
import urllib.request

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from running_tarn import PROGRAM

SCRIPTS = {
    "good": "print('done')",
    "bad": "raise ValueError('no supper')",
    "slow": "import time; time.sleep(60)",
    "short": "import time; time.sleep(1.5)",
    "tells": "import sys, json; print('argv', json.dumps(sys.argv[1:]))",
}


class Lake:
    """A tarn under a manual clock with a bucket of scripts and one small table to crawl."""

    def __init__(self, tarn):
        self.tarn, self.glue, self.s3 = tarn, tarn.client("glue"), tarn.client("s3")
        self.s3.create_bucket(Bucket="scripts")
        for name, text in SCRIPTS.items():
            self.s3.put_object(Bucket="scripts", Key=f"{name}.py", Body=text)
        self.s3.put_object(Bucket="scripts", Key="data/cities/cities.csv", Body="id,name\n1,Bogota\n2,Cali\n")
        self.glue.create_database(DatabaseInput={"Name": "lake"})

    def job(self, name, script, **more):
        self.glue.create_job(Name=name, Role="r", Command={"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": f"s3://scripts/{script}.py"}, **more)

    def crawler(self, name):
        self.glue.create_crawler(Name=name, Role="r", DatabaseName="lake", Targets={"S3Targets": [{"Path": "s3://scripts/data/cities/"}]})

    def advance(self, by):
        subprocess.run([PROGRAM, "clock", "advance", by, "--endpoint", self.tarn.endpoint], check=True, capture_output=True)

    def wait(self, what, seconds=30):
        end = time.time() + seconds
        while time.time() < end:
            if found := what():
                return found
            time.sleep(0.05)
        raise AssertionError("it did not come to pass")

    def ended(self, workflow, run_id):
        def look():
            run = self.glue.get_workflow_run(Name=workflow, RunId=run_id, IncludeGraph=True)["Run"]
            return run if run["Status"] not in ("RUNNING", "STOPPING") else None
        return self.wait(look)

    def runs(self, job):
        return self.glue.get_job_runs(JobName=job)["JobRuns"]


@pytest.fixture
def lake(own_tarn):
    return Lake(own_tarn("--clock", "manual"))


def when(job=None, crawler=None, state="SUCCEEDED"):
    condition = {"LogicalOperator": "EQUALS"}
    condition |= {"JobName": job, "State": state} if job else {"CrawlerName": crawler, "CrawlState": state}
    return condition


def follows(lake, name, conditions, actions, logical="AND", **more):
    lake.glue.create_trigger(Name=name, Type="CONDITIONAL", StartOnCreation=True, Predicate={"Logical": logical, "Conditions": conditions}, Actions=actions, **more)


def node(run, kind, name):
    return next(n for n in run["Graph"]["Nodes"] if n["Type"] == kind and n["Name"] == name)


def notify(tarn, workflow, event):
    """As the event bus does; boto3 has no such operation."""
    body = json.dumps({"Name": workflow, "EventId": event})
    request = AWSRequest("POST", tarn.endpoint + "/", {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSGlue.NotifyEvent"}, body)
    SigV4Auth(Credentials(tarn.key, "test"), "glue", "us-east-1").add_auth(request)
    urllib.request.urlopen(urllib.request.Request(request.url, body.encode(), dict(request.headers))).read()


def code(error):
    return error.value.response["Error"]["Code"]


def test_a_workflow_waits_for_all_and_takes_its_branches(lake):
    glue = lake.glue
    for name, script in (("extract", "good"), ("load", "bad"), ("join", "good"), ("report", "tells"), ("mourn", "tells")):
        lake.job(name, script)
    lake.crawler("look")
    glue.create_workflow(Name="nightly", DefaultRunProperties={"day": "monday", "kind": "full"}, Tags={"team": "lake"}, MaxConcurrentRuns=1)
    glue.create_trigger(Name="begin", WorkflowName="nightly", Type="ON_DEMAND", Actions=[{"JobName": "extract"}, {"JobName": "load"}, {"CrawlerName": "look"}])
    follows(lake, "all", [when("extract"), when("load"), when(crawler="look")], [{"JobName": "join"}], WorkflowName="nightly")
    follows(lake, "some", [when("extract"), when(crawler="look")], [{"JobName": "report", "Arguments": {"--how": "well"}}], WorkflowName="nightly")
    follows(lake, "failed", [when("load", state="FAILED"), when("load", state="TIMEOUT")], [{"JobName": "mourn"}], "ANY", WorkflowName="nightly")

    run_id = glue.start_workflow_run(Name="nightly", RunProperties={"day": "friday"})["RunId"]
    with pytest.raises(ClientError) as error:
        glue.start_workflow_run(Name="nightly")
    assert code(error) == "ConcurrentRunsExceededException"
    assert glue.get_workflow_run_properties(Name="nightly", RunId=run_id)["RunProperties"] == {"day": "friday", "kind": "full"}
    glue.put_workflow_run_properties(Name="nightly", RunId=run_id, RunProperties={"rows": "7"})
    run = lake.ended("nightly", run_id)
    assert run["Status"] == "COMPLETED"
    assert run["WorkflowRunProperties"] == {"day": "friday", "kind": "full", "rows": "7"}
    counts = run["Statistics"]
    assert (counts["TotalActions"], counts["SucceededActions"], counts["FailedActions"], counts["RunningActions"]) == (6, 4, 1, 0)
    assert "JobDetails" not in node(run, "JOB", "join") and not lake.runs("join")
    report = node(run, "JOB", "report")["JobDetails"]["JobRuns"][0]
    assert report["JobRunState"] == "SUCCEEDED" and report["TriggerName"] == "some"
    assert report["Arguments"] == {"--how": "well", "--WORKFLOW_NAME": "nightly", "--WORKFLOW_RUN_ID": run_id}
    crawl = node(run, "CRAWLER", "look")["CrawlerDetails"]["Crawls"][0]
    assert crawl["State"] == "SUCCEEDED" and crawl["LogGroup"] == "/aws-glue/crawlers"
    assert "no supper" in node(run, "JOB", "load")["JobDetails"]["JobRuns"][0]["ErrorMessage"]
    before = glue.get_job_run(JobName="report", RunId=report["Id"], PredecessorsIncluded=True)["JobRun"]["PredecessorRuns"]
    assert [p["JobName"] for p in before] == ["extract"]
    log = lake.tarn.client("logs").get_log_events(logGroupName="/aws-glue/python-jobs/output", logStreamName=report["Id"])["events"]
    argv = json.loads(next(e["message"] for e in log if e["message"].startswith("argv"))[5:])
    assert argv[argv.index("--WORKFLOW_RUN_ID") + 1] == run_id and argv[argv.index("--how") + 1] == "well"
    workflow = glue.get_workflow(Name="nightly", IncludeGraph=True)["Workflow"]
    assert workflow["LastRun"]["WorkflowRunId"] == run_id and len(workflow["Graph"]["Nodes"]) == 10
    assert glue.get_tags(ResourceArn="arn:aws:glue:us-east-1:000000000000:workflow/nightly")["Tags"] == {"team": "lake"}

    told = json.loads(subprocess.run([PROGRAM, "runs", "--json"], env=lake.tarn.environment(), check=True, capture_output=True).stdout)
    assert [r["kind"] for r in told] == ["workflow"] and told[0]["id"] == run_id
    parts = {r["name"]: r for r in told[0]["children"]}
    assert set(parts) == {"extract", "load", "look", "report", "mourn"}
    assert "no supper" in parts["load"]["why"] and parts["mourn"]["started_by"] == "failed" and parts["look"]["kind"] == "crawl"

    # What failed is mended; the run is taken up from there.
    lake.s3.put_object(Bucket="scripts", Key="bad.py", Body=SCRIPTS["good"])
    resumed = glue.resume_workflow_run(Name="nightly", RunId=run_id, NodeIds=[node(run, "JOB", "load")["UniqueId"]])["RunId"]
    again = lake.ended("nightly", resumed)
    assert again["PreviousRunId"] == run_id and again["Status"] == "COMPLETED"
    assert node(again, "JOB", "join")["JobDetails"]["JobRuns"][0]["JobRunState"] == "SUCCEEDED"
    assert len(lake.runs("extract")) == 1 and len(lake.runs("load")) == 2 and len(lake.runs("mourn")) == 1
    assert [r["WorkflowRunId"] for r in glue.get_workflow_runs(Name="nightly")["Runs"]] == [resumed, run_id]


def test_the_daily_trigger_fires_by_the_clock_and_the_crawler_follows_success_alone(lake):
    glue = lake.glue
    lake.job("daily", "good")
    lake.crawler("after")
    glue.create_trigger(Name="midnight", Type="SCHEDULED", Schedule="cron(0 0 * * ? *)", Actions=[{"JobName": "daily"}])
    assert glue.get_trigger(Name="midnight")["Trigger"]["State"] == "CREATED"
    lake.advance("24h")
    time.sleep(0.3)
    assert not lake.runs("daily")  # not activated
    glue.start_trigger(Name="midnight")
    assert glue.get_trigger(Name="midnight")["Trigger"]["State"] == "ACTIVATED"
    follows(lake, "then", [when("daily")], [{"CrawlerName": "after"}])
    lake.advance("24h")
    run = lake.wait(lambda: [r for r in lake.runs("daily") if r["JobRunState"] == "SUCCEEDED"])[0]
    assert run["TriggerName"] == "midnight"
    lake.wait(lambda: [t["Name"] for t in glue.get_tables(DatabaseName="lake")["TableList"]] == ["cities"])
    lake.wait(lambda: glue.get_crawler(Name="after")["Crawler"]["State"] == "READY")
    # A run that nobody's trigger started fires nothing, and neither does one that fails.
    own = glue.start_job_run(JobName="daily")["JobRunId"]
    lake.wait(lambda: glue.get_job_run(JobName="daily", RunId=own)["JobRun"]["JobRunState"] == "SUCCEEDED")
    lake.s3.put_object(Bucket="scripts", Key="good.py", Body=SCRIPTS["bad"])
    lake.advance("24h")
    lake.wait(lambda: lake.runs("daily")[0]["JobRunState"] == "FAILED")
    time.sleep(0.3)
    assert len(glue.list_crawls(CrawlerName="after")["Crawls"]) == 1
    glue.stop_trigger(Name="midnight")
    assert glue.get_trigger(Name="midnight")["Trigger"]["State"] == "DEACTIVATED"
    lake.advance("48h")
    time.sleep(0.3)
    assert len(lake.runs("daily")) == 3


def test_killed_between_a_jobs_end_and_what_follows_nothing_is_lost_or_done_twice(lake):
    lake.job("first", "short")
    lake.job("second", "good")
    lake.glue.create_workflow(Name="w")
    lake.glue.create_trigger(Name="begin", WorkflowName="w", Type="ON_DEMAND", Actions=[{"JobName": "first"}])
    follows(lake, "next", [when("first"), when("first", state="FAILED")], [{"JobName": "second"}], "ANY", WorkflowName="w")
    ids = []
    for delay in (0, 0.1, 1.5, 1.6, 1.7):
        ids.append(lake.glue.start_workflow_run(Name="w")["RunId"])
        time.sleep(delay)
        lake.tarn.kill()
        lake.tarn.start()
        lake.glue = lake.tarn.client("glue")
        run = lake.ended("w", ids[-1])
        assert run["Status"] == "COMPLETED"
        for name in ("first", "second"):
            assert len(node(run, "JOB", name)["JobDetails"]["JobRuns"]) == 1
    assert len(lake.runs("first")) == len(lake.runs("second")) == len(ids)


def test_a_run_is_stopped_and_events_start_one(lake):
    glue = lake.glue
    lake.job("slow", "slow")
    lake.job("never", "good")
    glue.create_workflow(Name="w")
    glue.create_trigger(Name="by-event", WorkflowName="w", Type="EVENT", EventBatchingCondition={"BatchSize": 2, "BatchWindow": 60}, Actions=[{"JobName": "slow"}])
    follows(lake, "next", [when("slow", state="STOPPED")], [{"JobName": "never"}], WorkflowName="w")
    assert glue.get_trigger(Name="by-event")["Trigger"]["State"] == "CREATED"
    run_id = glue.start_workflow_run(Name="w")["RunId"]
    lake.wait(lambda: lake.runs("slow") and lake.runs("slow")[0]["JobRunState"] == "RUNNING")
    glue.stop_workflow_run(Name="w", RunId=run_id)
    run = lake.ended("w", run_id)
    assert run["Status"] == "STOPPED" and run["Statistics"]["StoppedActions"] == 1 and not lake.runs("never")
    with pytest.raises(ClientError) as error:
        glue.stop_workflow_run(Name="w", RunId=run_id)
    assert code(error) == "IllegalWorkflowStateException"

    lake.s3.put_object(Bucket="scripts", Key="slow.py", Body=SCRIPTS["good"])
    notify(lake.tarn, "w", "e1")
    time.sleep(0.2)
    assert len(glue.get_workflow_runs(Name="w")["Runs"]) == 1  # half a batch
    lake.advance("61s")
    newest = lake.wait(lambda: next((r for r in glue.get_workflow_runs(Name="w")["Runs"] if r["WorkflowRunId"] != run_id), None))
    assert newest["WorkflowRunProperties"] == {"aws:eventIds": "[e1]"} and newest["StartingEventBatchCondition"]["BatchSize"] == 1
    lake.ended("w", newest["WorkflowRunId"])
    notify(lake.tarn, "w", "e2")
    notify(lake.tarn, "w", "e3")
    newest = glue.get_workflow_runs(Name="w")["Runs"][0]
    assert newest["WorkflowRunProperties"] == {"aws:eventIds": "[e2, e3]"}
    assert lake.ended("w", newest["WorkflowRunId"])["Statistics"]["SucceededActions"] == 1


def test_triggers_are_checked_listed_updated_and_removed(lake):
    glue = lake.glue
    lake.job("a", "good")
    lake.job("b", "good")

    def refused(**trigger):
        with pytest.raises(ClientError) as error:
            glue.create_trigger(**({"Name": "t", "Type": "ON_DEMAND", "Actions": [{"JobName": "a"}]} | trigger))
        return code(error)

    assert refused(Actions=[{"JobName": "nobody"}]) == "EntityNotFoundException"
    assert refused(Actions=[{}]) == "InvalidInputException"
    assert refused(WorkflowName="none") == "EntityNotFoundException"
    assert refused(StartOnCreation=True) == "InvalidInputException"
    assert refused(Type="SCHEDULED", Schedule="rate(5 minutes)") == "InvalidInputException"
    assert refused(Type="CONDITIONAL") == "InvalidInputException"
    assert refused(Type="EVENT") == "InvalidInputException"
    assert refused(Type="CONDITIONAL", Predicate={"Conditions": [when("a")]}) == "InvalidInputException"
    assert refused(Type="SOMETIMES") == "ValidationException"

    glue.create_trigger(Name="t", Type="ON_DEMAND", Actions=[{"JobName": "a"}], Tags={"k": "v"})
    glue.create_trigger(Name="t", Type="ON_DEMAND", Actions=[{"JobName": "a"}])  # the same again
    assert refused(Actions=[{"JobName": "b"}]) == "AlreadyExistsException"
    glue.create_trigger(Name="u", Type="SCHEDULED", Schedule="cron(15 12 * * ? *)", Actions=[{"JobName": "b"}], StartOnCreation=True)
    assert glue.get_triggers(DependentJobName="b")["Triggers"][0]["Name"] == "u"
    assert glue.list_triggers(Tags={"k": "v"})["TriggerNames"] == ["t"]
    assert glue.batch_get_triggers(TriggerNames=["t", "x"])["TriggersNotFound"] == ["x"]
    first = glue.list_triggers(MaxResults=1)
    assert first["TriggerNames"] + glue.list_triggers(NextToken=first["NextToken"])["TriggerNames"] == ["t", "u"]
    updated = glue.update_trigger(Name="u", TriggerUpdate={"Description": "later", "Schedule": "cron(30 12 * * ? *)"})["Trigger"]
    assert updated["State"] == "ACTIVATED" and updated["Schedule"] == "cron(30 12 * * ? *)" and updated["Actions"] == [{"JobName": "b"}]
    glue.start_trigger(Name="t")
    lake.wait(lambda: lake.runs("a") and lake.runs("a")[0]["JobRunState"] == "SUCCEEDED")
    assert lake.runs("a")[0]["TriggerName"] == "t"
    for name in ("t", "u", "gone"):
        glue.delete_trigger(Name=name)
    assert glue.list_triggers()["TriggerNames"] == []
    with pytest.raises(ClientError) as error:
        glue.start_trigger(Name="t")
    assert code(error) == "EntityNotFoundException"
