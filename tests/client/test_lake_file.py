"""lake.yml: plan, deploy, change and destroy a lake; export it as a template that makes the same."""

import json
import shutil
import subprocess

import pytest
from botocore.exceptions import ClientError, WaiterError
from running_tarn import PROGRAM, ROOT

LAKE = """
lake: shop
alarms: team@example.com
domains:
  sales:
    tables:
      orders: {layer: trusted, format: json, columns: {id: bigint, product: string}}
      prices: {layer: trusted, format: json, columns: {product: string, price: double}}
readers:
  analyst: {tables: [sales.orders]}
"""


def run(tarn, *words, code=0):
    done = subprocess.run([PROGRAM, *words], env=tarn.environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One tarn for all of these: each has a lake of its own."""
    from running_tarn import Tarn

    running = Tarn(tmp_path_factory.mktemp("lake") / "data")
    yield running
    running.stop()


def test_a_lake_is_planned_made_changed_and_undone(shared, tmp_path):
    tarn, file = shared, tmp_path / "lake.yml"
    file.write_text(LAKE)
    planned = run(tarn, "plan", str(file))
    assert "SalesOrdersTable" in planned and "Add" in planned
    with pytest.raises(ClientError, match="does not exist"):
        tarn.client("cloudformation").describe_stacks(StackName="shop-dev")
    assert "CREATE_COMPLETE  shop-dev" in run(tarn, "deploy", str(tmp_path))
    assert "nothing changes" in run(tarn, "plan", str(tmp_path))
    assert "nothing changes" in run(tarn, "deploy", str(tmp_path))

    file.write_text(LAKE.replace("product: string}}\n      prices", "product: string, value: double}}\n      prices"))
    assert json.loads(run(tarn, "plan", str(tmp_path), "--json"))[0]["ResourceChange"]["LogicalResourceId"] == "SalesOrdersTable"
    assert "UPDATE_COMPLETE  shop-dev" in run(tarn, "deploy", str(tmp_path))
    table = tarn.client("glue").get_table(DatabaseName="shop_sales_dev", Name="orders")["Table"]
    assert [c["Name"] for c in table["StorageDescriptor"]["Columns"]] == ["id", "product", "value"]

    tarn.client("s3").put_object(Bucket="shop-sales-trusted-dev", Key="orders/1.json", Body=b'{"id": 1, "product": "a", "value": 2.5}\n')
    assert "DELETE_FAILED" in run(tarn, "destroy", str(tmp_path), code=1)
    assert "DELETE_COMPLETE  shop-dev" in run(tarn, "destroy", str(tmp_path), "--with-data")
    assert not [b for b in tarn.client("s3").list_buckets()["Buckets"] if b["Name"].startswith("shop-")]
    assert not tarn.client("glue").get_databases()["DatabaseList"]


def test_a_reader_may_read_what_the_file_says_and_nothing_else(shared, tmp_path):
    tarn = shared
    (tmp_path / "lake.yml").write_text(LAKE.replace("lake: shop", "lake: market"))
    run(tarn, "deploy", str(tmp_path), "--stage", "prd")
    tarn.client("s3").put_object(Bucket="market-sales-trusted-prd", Key="orders/1.json", Body=b'{"id": 7, "product": "a"}\n')
    stack = tarn.client("cloudformation").describe_stacks(StackName="market-prd")["Stacks"][0]
    role = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}["AnalystReaderRoleArn"]
    policy = tarn.client("iam").get_role_policy(RoleName="market-analyst-prd", PolicyName="what-it-does")["PolicyDocument"]
    allowed = json.dumps(policy)
    assert "market-sales-trusted-prd/orders/*" in allowed and "table/market_sales_prd/orders" in allowed
    assert "prices" not in allowed and "workgroup/market-prd" in allowed

    keys = tarn.client("sts").assume_role(RoleArn=role, RoleSessionName="analyst")["Credentials"]
    environment = {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"], "AWS_SESSION_TOKEN": keys["SessionToken"]}
    asked = subprocess.run([PROGRAM, "sql", "SELECT id FROM market_sales_prd.orders", "--csv", "--workgroup", "market-prd"],
                           env={**tarn.environment(), **environment}, capture_output=True, text=True, timeout=60)
    assert asked.stdout == '"id"\n"7"\n', asked.stderr
    run(tarn, "destroy", str(tmp_path), "--stage", "prd", "--with-data")


def test_a_folder_of_pipelines_deploys_as_it_is(shared, tmp_path):
    tarn = shared
    shutil.copytree(ROOT / "examples/mesh/sales", tmp_path / "sales")
    assert "CREATE_COMPLETE  sales-dev" in run(tarn, "deploy", str(tmp_path / "sales"))
    rules = tarn.client("s3").get_bucket_notification_configuration(Bucket="sales-raw-dev")["LambdaFunctionConfigurations"][0]
    assert {r["Name"].lower(): r["Value"] for r in rules["Filter"]["Key"]["FilterRules"]} == {"prefix": "orders/", "suffix": ".json"}
    config = tmp_path / "sales/orders/config.yml"
    config.write_text(config.read_text().replace("memory: 256", "memory: 512"))
    assert "SalesOrdersCheckFunction" in run(tarn, "plan", str(tmp_path / "sales"))

    # The export makes the same stack, so nothing is left to change.
    body = run(tarn, "export", "cloudformation", str(ROOT / "examples/mesh/sales"), "--assets", str(tmp_path / "code"))
    assert len(list((tmp_path / "code").iterdir())) == 5
    cloudformation = tarn.client("cloudformation")
    made = cloudformation.create_change_set(StackName="sales-dev", ChangeSetName="same", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"],
                                            Parameters=[{"ParameterKey": "AssetsBucket", "UsePreviousValue": True}])
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert "didn't contain changes" in cloudformation.describe_change_set(ChangeSetName=made["Id"])["StatusReason"]
    run(tarn, "destroy", str(tmp_path / "sales"), "--with-data")


def test_a_large_lake_goes_by_its_address(shared, tmp_path):
    columns = ", ".join(f"column_{n}: string" for n in range(100))
    tables = "\n".join(f"      t{n}: {{columns: {{{columns}}}}}" for n in range(15))
    (tmp_path / "lake.yml").write_text("lake: large\ndomains:\n  all:\n    tables:\n" + tables)
    assert "CREATE_COMPLETE  large-dev" in run(shared, "deploy", str(tmp_path))
    assert len(shared.client("glue").get_tables(DatabaseName="large_all_dev")["TableList"]) == 15
    run(shared, "destroy", str(tmp_path))


def test_what_is_wrong_is_told_by_line(shared, tmp_path):
    (tmp_path / "lake.yml").write_text(LAKE.replace("format: json", "fromat: json", 1))
    assert "lake.yml:7: domains/sales/tables/orders/fromat" in run(shared, "plan", str(tmp_path), code=1)
    (tmp_path / "lake.yml").write_text(LAKE.replace("format: json", "contract: {keys: [id]}", 1))
    assert "contracts" in run(shared, "deploy", str(tmp_path), code=1)
