"""The mesh (examples/mesh): a folder of pipelines deploys by boto3, and runs when a file or an event arrives."""

import json
import shutil
import sys
import time
import urllib.request

import pytest

from running_tarn import ROOT

sys.path.insert(0, str(ROOT / "examples/mesh"))


def until(ready, seconds=90):
    end = time.time() + seconds
    while not (got := ready()):
        assert time.time() < end, "it did not happen"
        time.sleep(0.1)
    return got


@pytest.fixture
def mesh(own_tarn, monkeypatch):
    tarn = own_tarn()
    for name, value in tarn.environment().items():
        monkeypatch.setenv(name, value)
    import deploy

    return tarn, deploy


def ended(domain, count):
    """The newest run of `count`, once all are over."""
    states = domain.stepfunctions
    arn = f"arn:aws:states:us-east-1:{domain.account}:stateMachine:{domain.named('orders')}"

    def look():
        runs = states.list_executions(stateMachineArn=arn)["executions"]
        return runs if len(runs) == count and all(run["status"] != "RUNNING" for run in runs) else None

    return states.describe_execution(executionArn=until(look)[0]["executionArn"])


def put(domain, key, document):
    domain.s3.put_object(Bucket=domain.bucket("raw"), Key=key, Body=json.dumps(document))


ORDERS = [{"id": 1, "product": "chair", "value": 10.5}, {"id": 2, "product": "table", "value": 99.0}]


def test_a_pipeline_runs_when_a_file_arrives(mesh):
    tarn, deploy = mesh
    domain = deploy.deploy(ROOT / "examples/mesh/sales")
    shown = domain.s3.get_bucket_notification_configuration(Bucket=domain.bucket("raw"))["LambdaFunctionConfigurations"][0]
    assert {r["Name"].lower(): r["Value"] for r in shown["Filter"]["Key"]["FilterRules"]} == {"prefix": "orders/", "suffix": ".json"}

    put(domain, "orders/notes.txt", {})
    put(domain, "other/1.json", {})
    put(domain, "orders/1.json", {"day": "2026-11-01", "orders": ORDERS})
    run = ended(domain, 1)
    assert run["status"] == "SUCCEEDED", run
    assert json.loads(run["output"])["orders"] == 2  # a Glue step passes its input on
    assert [o["Key"].split("/")[1] for o in domain.s3.list_objects_v2(Bucket=domain.bucket("trusted"))["Contents"]] == ["day=2026-11-01"]
    assert domain.glue.get_table(DatabaseName=domain.database, Name="orders")["Table"]["PartitionKeys"][0]["Name"] == "day"
    athena = tarn.client("athena")
    id = athena.start_query_execution(QueryString=f"SELECT count(*), sum(value) FROM {domain.database}.orders WHERE day = '2026-11-01'",
                                      ResultConfiguration={"OutputLocation": f"s3://{domain.bucket('service')}/results/"})["QueryExecutionId"]
    until(lambda: athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"]["State"] == "SUCCEEDED")
    row = athena.get_query_results(QueryExecutionId=id)["ResultSet"]["Rows"][1]["Data"]
    assert [cell["VarCharValue"] for cell in row] == ["2", "109.5"]

    # The other choices.
    put(domain, "orders/2.json", {"day": "2026-11-02", "orders": [{"id": 3, "product": "lamp", "value": -1}]})
    assert json.loads(ended(domain, 2)["output"])["aside"] == "rejected/orders/2.json"
    assert domain.s3.head_object(Bucket=domain.bucket("raw"), Key="rejected/orders/2.json")
    put(domain, "orders/3.json", {"day": "2026-11-03", "orders": []})
    assert json.loads(ended(domain, 3)["output"])["valid"] is False

    # An event starts it too.
    put(domain, "elsewhere/4", {"day": "2026-11-04", "orders": ORDERS})
    detail = {"bucket": domain.bucket("raw"), "key": "elsewhere/4"}
    entry = {"Source": "shop.orders", "DetailType": "orders ready", "Detail": json.dumps(detail)}
    assert domain.events.put_events(Entries=[entry, {**entry, "DetailType": "orders late"}])["FailedEntryCount"] == 0
    assert ended(domain, 4)["status"] == "SUCCEEDED"


def mails(tarn):
    return [m for m in json.load(urllib.request.urlopen(f"{tarn.endpoint}/_tarn/outbox"))["messages"] if m["kind"] == "email"]


def test_what_raises_is_told_by_mail(mesh):
    tarn, deploy = mesh
    domain = deploy.deploy(ROOT / "examples/mesh/sales")
    link = next(word for word in until(lambda: mails(tarn))[0]["body"].split() if word.startswith("http"))
    urllib.request.urlopen(link).read()

    put(domain, "orders/1.json", {"orders": ORDERS})  # of no day: the job raises
    run = ended(domain, 1)
    assert run["status"] == "FAILED" and "does not say of which day" in run["cause"]
    mail = until(lambda: mails(tarn)[1:])[0]
    assert mail["to"] == "data-team@example.com" and "Pipeline orders failed" in json.dumps(mail) and "does not say of which day" in mail["body"]
    put(domain, "orders/2.json", {"no": "orders"})  # the function raises
    run = ended(domain, 2)
    assert run["status"] == "FAILED" and run["error"] == "KeyError"


def test_again_changes_what_changed_and_prod_stands_beside(mesh, tmp_path):
    _, deploy = mesh
    folder = tmp_path / "sales"
    shutil.copytree(ROOT / "examples/mesh/sales", folder)
    dev, prd = deploy.deploy(folder), deploy.deploy(folder, "prd")
    (folder / "orders/steps/check/src/index.py").write_text("def handler(event, context):\n    return {**event, 'valid': False, 'rejected': 0, 'new': True}\n")
    deploy.deploy(folder)
    for domain in (dev, prd):
        put(domain, "orders/1.json", {"day": "2026-11-01", "orders": []})
    assert json.loads(ended(dev, 1)["output"])["new"] is True
    assert "new" not in json.loads(ended(prd, 1)["output"])
