"""Terraform with the AWS provider: the energy lake, and a module for each group of services. Each applies, a second plan is empty, a change is made, what
was made is imported, all is destroyed and nothing is left."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = Path(os.environ.get("TARN_TERRAFORM_PLUGINS", "/opt/tf-plugins"))
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MODULES = Path(__file__).resolve().parent / "terraform"
# How a resource is named to be imported, where that is not its id.
IMPORTED_BY = {
    "aws_cloudwatch_event_target": lambda v: f"{v['event_bus_name']}/{v['rule']}/{v['target_id']}",
    "aws_cloudwatch_log_stream": lambda v: f"{v['log_group_name']}:{v['name']}",
    "aws_default_route_table": lambda v: v["vpc_id"],
    "aws_iam_group_policy_attachment": lambda v: f"{v['group']}/{v['policy_arn']}",
    "aws_iam_role_policies_exclusive": lambda v: v["role_name"],
    "aws_iam_role_policy_attachment": lambda v: f"{v['role']}/{v['policy_arn']}",
    "aws_iam_user_group_membership": lambda v: "/".join([v["user"], *v["groups"]]),
    "aws_lambda_alias": lambda v: f"{v['function_name']}/{v['name']}",
    "aws_lambda_permission": lambda v: f"{v['function_name']}/{v['statement_id']}",
    "aws_network_acl_rule": lambda v: f"{v['network_acl_id']}:{v['rule_number']}:{v['protocol']}:{str(v['egress']).lower()}",
    "aws_route": lambda v: f"{v['route_table_id']}_{v['destination_cidr_block']}",
    "aws_route_table_association": lambda v: f"{v['subnet_id']}/{v['route_table_id']}",
    "aws_s3_object": lambda v: f"{v['bucket']}/{v['key']}",
    "aws_security_group_rule": lambda v: "_".join([v["security_group_id"], v["type"], v["protocol"], str(v["from_port"]), str(v["to_port"]), *v["cidr_blocks"]]),
    "aws_vpc_dhcp_options_association": lambda v: v["vpc_id"],
    "aws_vpc_endpoint_route_table_association": lambda v: f"{v['vpc_endpoint_id']}/{v['route_table_id']}",
}
# What holds a member that AWS does not give back, so that an import would be followed by a replacement, there as here ...
NOT_IMPORTED = {"aws_athena_database", "aws_lambda_layer_version"}
# ... or by a change of that member: how to destroy it, a window of deletion, the file of code. A bucket's policy waits for the bucket.
CHANGED_BY_IMPORT = {"aws_athena_data_catalog", "aws_athena_workgroup", "aws_ecr_repository", "aws_glue_trigger", "aws_kms_key", "aws_lambda_alias",
                     "aws_lambda_function", "aws_s3_bucket", "aws_s3_bucket_policy", "aws_s3_object", "aws_sfn_alias", "aws_sfn_state_machine",
                     "aws_sns_topic_subscription"}


@pytest.fixture
def runner(tarn, tmp_path):
    """Makes a function that runs terraform in a folder."""
    if not shutil.which("terraform") or not PLUGINS.is_dir():
        pytest.skip("terraform with a local folder of plugins is not on this machine")
    (tmp_path / "terraformrc").write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{PLUGINS}"\n  }}\n}}\n')

    def make(folder, **variables):
        def run(*words, code=0):
            env = tarn.environment(TF_CLI_CONFIG_FILE=str(tmp_path / "terraformrc"), TF_IN_AUTOMATION="1")
            done = subprocess.run(["terraform", *words, "-no-color"], cwd=folder, capture_output=True, text=True, timeout=280, env={**env, **variables})
            assert done.returncode == code, done.stdout[-6000:] + done.stderr[-6000:]
            return done.stdout

        run("init", "-input=false")
        return run

    return make


def copied(folder, to):
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    return to


@pytest.mark.slow  # Faker comes from PyPI, and goes into a layer
@pytest.mark.timeout(300)
def test_energy_lake_applies_settles_changes_and_goes(runner, tarn, tmp_path):
    folder = copied(EXAMPLES / "energy" / "terraform", tmp_path / "energy" / "terraform")
    shutil.copy(EXAMPLES / "energy" / "glue_job.py", tmp_path / "energy")
    subprocess.run([sys.executable, "build.py"], cwd=folder, check=True)
    s3, glue = tarn.client("s3"), tarn.client("glue")
    s3.create_bucket(Bucket="energy-terraform-state")
    terraform = runner(folder, TF_VAR_bucket="terraform-energy")
    assert re.search(r"Apply complete! Resources: \d+ added", terraform("apply", "-auto-approve", "-input=false"))
    assert "No changes" in terraform("plan", "-detailed-exitcode", "-input=false")
    assert glue.get_crawler(Name="energy-bronze-crawler")["Crawler"]["RecrawlPolicy"]["RecrawlBehavior"] == "CRAWL_NEW_FOLDERS_ONLY"
    # The function has pandas and Faker, and writes a day.
    answer = tarn.client("lambda", read_timeout=120).invoke(FunctionName="energy-export", Payload=json.dumps({"day": "2026-01-02"}))
    assert "FunctionError" not in answer, answer["Payload"].read()
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket="terraform-energy", Prefix="bronze/")["Contents"]]
    assert keys == [f"bronze/{t}/fecha=2026-01-02/{t}.csv" for t in ("clientes", "proveedores", "transacciones")]
    text = s3.get_object(Bucket="terraform-energy", Key=keys[1])["Body"].read().decode()
    assert text.startswith("nombre_proveedor,tipo_energia\n") and ', Generación"' in text
    # The state is locked while somebody has it.
    lock = {"ID": "1", "Operation": "OperationTypeApply", "Info": "", "Who": "somebody", "Version": "1.11.0", "Created": "2026-01-01T00:00:00Z", "Path": ""}
    s3.put_object(Bucket="energy-terraform-state", Key="energy/terraform.tfstate.tflock", Body=json.dumps(lock))
    assert "Error acquiring the state lock" in refuse(terraform, "apply", "-auto-approve", "-input=false")
    s3.delete_object(Bucket="energy-terraform-state", Key="energy/terraform.tfstate.tflock")
    assert "BucketNotEmpty" in refuse(terraform, "destroy", "-auto-approve")
    for key in keys:
        s3.delete_object(Bucket="terraform-energy", Key=key)
    terraform("apply", "-auto-approve", "-input=false")
    assert "Destroy complete" in terraform("destroy", "-auto-approve")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_database(Name="energy-bronze")
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="energy-terraform-state")["Contents"]] == ["energy/terraform.tfstate"]


@pytest.mark.timeout(300)
def test_the_census_lake_keeps_its_state_in_s3(runner, tarn, tmp_path):
    copied(EXAMPLES / "census" / "terraform", tmp_path / "census" / "terraform")
    shutil.copy(EXAMPLES / "census" / "glue_job.py", tmp_path / "census")
    runner(tmp_path / "census" / "terraform" / "state")("apply", "-auto-approve", "-input=false")
    terraform = runner(tmp_path / "census" / "terraform")
    terraform("apply", "-auto-approve", "-input=false")
    terraform("plan", "-detailed-exitcode", "-input=false")
    assert "0 added, 1 changed, 0 destroyed" in terraform("apply", "-auto-approve", "-input=false", "-var=workers=4")
    glue, s3 = tarn.client("glue"), tarn.client("s3")
    assert glue.get_job(JobName="census-to-parquet")["Job"]["NumberOfWorkers"] == 4
    assert glue.get_trigger(Name="census-daily")["Trigger"]["State"] == "ACTIVATED"
    state = json.loads(s3.get_object(Bucket="census-terraform-state", Key="census/terraform.tfstate")["Body"].read())
    assert {r["type"] for r in state["resources"]} >= {"aws_glue_job", "aws_glue_trigger", "aws_glue_crawler"}
    assert len(s3.list_object_versions(Bucket="census-terraform-state", Prefix="census/terraform.tfstate")["Versions"]) >= 2
    assert "Destroy complete" in terraform("destroy", "-auto-approve")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_job(JobName="census-to-parquet")


@pytest.mark.timeout(300)
def test_a_bucket_with_all_its_sub_resources(runner, tarn, tmp_path):
    shutil.copytree(MODULES / "bucket", tmp_path / "bucket", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    terraform = runner(tmp_path / "bucket")
    terraform("apply", "-auto-approve", "-input=false")
    assert "No changes" in terraform("plan", "-detailed-exitcode", "-input=false")
    assert "1 changed" in terraform("apply", "-auto-approve", "-input=false", "-var=days=120")
    rules = tarn.client("s3").get_bucket_lifecycle_configuration(Bucket="terraform-all-of-it")["Rules"]
    assert [rule["Expiration"]["Days"] for rule in rules if "Expiration" in rule] == [120]
    assert "Destroy complete" in terraform("destroy", "-auto-approve")


@pytest.fixture
def whole_life(runner, tmp_path):
    """Runs a module through all of its life, in an account of its own."""

    def live(module, account):
        folder = tmp_path / module
        shutil.copytree(MODULES / module, folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.zip"))
        for code in folder.glob("code/*"):
            shutil.make_archive(code, "zip", code)
        terraform = runner(folder, AWS_ACCESS_KEY_ID=account)
        apply = ("apply", "-auto-approve", "-input=false")
        terraform(*apply)
        terraform("plan", "-detailed-exitcode", "-input=false")
        assert re.search(r"Resources: \d added, [1-9]\d* changed, \d destroyed", terraform(*apply, "-var=changed=true"))
        terraform("plan", "-detailed-exitcode", "-input=false", "-var=changed=true")
        ids = {r["address"]: IMPORTED_BY.get(r["type"], lambda v: v["id"])(r["values"])
               for r in json.loads(terraform("show", "-json"))["values"]["root_module"]["resources"] if r["mode"] == "managed" and r["type"] not in NOT_IMPORTED}
        terraform("state", "rm", *ids)
        (folder / "imports.tf").write_text("".join(f"import {{\n  to = {address}\n  id = {json.dumps(id)}\n}}\n" for address, id in ids.items()))
        said = terraform(*apply, "-var=changed=true")
        assert re.search(rf"{len(ids)} imported, 0 added, \d+ changed, 0 destroyed", said), said[-3000:]
        assert {address.split(".")[0] for address in re.findall(r"# (\S+) will be updated in-place", said)} <= CHANGED_BY_IMPORT, said
        assert "Destroy complete" in terraform("destroy", "-auto-approve")

    return live


@pytest.mark.slow  # the provider itself waits ten seconds after each change of an attribute
@pytest.mark.timeout(900)
def test_a_network(whole_life, tarn):
    ec2 = tarn.client("ec2", key="200000000001")
    before = {kind: len(found) for kind, found in network(ec2).items()}
    whole_life("network", "200000000001")
    assert {kind: len(found) for kind, found in network(ec2).items()} == before


def network(ec2):
    return {"vpcs": ec2.describe_vpcs()["Vpcs"], "subnets": ec2.describe_subnets()["Subnets"], "tables": ec2.describe_route_tables()["RouteTables"],
            "gateways": ec2.describe_internet_gateways()["InternetGateways"], "addresses": ec2.describe_addresses()["Addresses"],
            "groups": ec2.describe_security_groups()["SecurityGroups"], "rules": ec2.describe_security_group_rules()["SecurityGroupRules"],
            "acls": ec2.describe_network_acls()["NetworkAcls"], "endpoints": ec2.describe_vpc_endpoints()["VpcEndpoints"],
            "interfaces": ec2.describe_network_interfaces()["NetworkInterfaces"], "options": ec2.describe_dhcp_options()["DhcpOptions"],
            "lists": ec2.describe_managed_prefix_lists()["PrefixLists"]}


@pytest.mark.slow  # the provider itself waits for queues, roles and keys to settle
@pytest.mark.timeout(900)
def test_a_lake_and_its_usual_company(whole_life, tarn):
    account = "200000000002"
    before = lake(tarn, account)
    whole_life("lake", account)
    assert lake(tarn, account) == before


def lake(tarn, account):
    """The names of all that the module can make."""
    def all_of(service, operation, list_name, *name, **members):
        return [item if not name else item[name[0]] for item in getattr(tarn.client(service, key=account), operation)(**members)[list_name]]

    return {
        "buckets": all_of("s3", "list_buckets", "Buckets", "Name"), "databases": all_of("glue", "get_databases", "DatabaseList", "Name"),
        "crawlers": all_of("glue", "get_crawlers", "Crawlers", "Name"), "jobs": all_of("glue", "get_jobs", "Jobs", "Name"),
        "triggers": all_of("glue", "get_triggers", "Triggers", "Name"), "workflows": all_of("glue", "list_workflows", "Workflows"),
        "connections": all_of("glue", "get_connections", "ConnectionList", "Name"), "classifiers": all_of("glue", "get_classifiers", "Classifiers"),
        "workgroups": all_of("athena", "list_work_groups", "WorkGroups", "Name"), "catalogs": all_of("athena", "list_data_catalogs", "DataCatalogsSummary", "CatalogName"),
        "functions": all_of("lambda", "list_functions", "Functions", "FunctionName"), "layers": all_of("lambda", "list_layers", "Layers", "LayerName"),
        "mappings": all_of("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
        "machines": all_of("stepfunctions", "list_state_machines", "stateMachines", "name"), "activities": all_of("stepfunctions", "list_activities", "activities", "name"),
        "repositories": all_of("ecr", "describe_repositories", "repositories", "repositoryName"),
        "roles": all_of("iam", "list_roles", "Roles", "RoleName"), "policies": all_of("iam", "list_policies", "Policies", "Arn", Scope="Local"),
        "users": all_of("iam", "list_users", "Users", "UserName"), "groups": all_of("iam", "list_groups", "Groups", "GroupName"),
        "profiles": all_of("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
        "providers": all_of("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"), "aliases": all_of("iam", "list_account_aliases", "AccountAliases"),
        "rules": all_of("events", "list_rules", "Rules", "Name"), "buses": all_of("events", "list_event_buses", "EventBuses", "Name"),
        "archives": all_of("events", "list_archives", "Archives", "ArchiveName"), "schedules": all_of("scheduler", "list_schedules", "Schedules", "Name"),
        "schedule groups": all_of("scheduler", "list_schedule_groups", "ScheduleGroups", "Name"), "topics": all_of("sns", "list_topics", "Topics", "TopicArn"),
        "subscriptions": all_of("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"), "queues": tarn.client("sqs", key=account).list_queues().get("QueueUrls"),
        "logs": all_of("logs", "describe_log_groups", "logGroups", "logGroupName", logGroupNamePrefix="/terraform/"), "secrets": all_of("secretsmanager", "list_secrets", "SecretList", "Name"),
        "parameters": all_of("ssm", "describe_parameters", "Parameters", "Name"), "key names": all_of("kms", "list_aliases", "Aliases", "AliasName"),
    }


def refuse(terraform, *words):
    """A run that must fail; what it said."""
    with pytest.raises(AssertionError) as failed:
        terraform(*words)
    return str(failed.value)
