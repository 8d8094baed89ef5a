"""Terraform with the AWS provider: the energy lake, and a module for each group of services. Each applies, a second plan is empty, a change is made, what
was made is imported, all is destroyed and nothing is left."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PLUGINS = Path(os.environ.get("TARN_TERRAFORM_PLUGINS", "/opt/tf-plugins"))
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "energy"
MODULES = Path(__file__).resolve().parent / "terraform"
# How a resource is named to be imported, where that is not its id.
IMPORTED_BY = {
    "aws_route": lambda v: f"{v['route_table_id']}_{v['destination_cidr_block']}",
    "aws_route_table_association": lambda v: f"{v['subnet_id']}/{v['route_table_id']}",
    "aws_security_group_rule": lambda v: "_".join([v["security_group_id"], v["type"], v["protocol"], str(v["from_port"]), str(v["to_port"]), *v["cidr_blocks"]]),
    "aws_vpc_dhcp_options_association": lambda v: v["vpc_id"],
}
# What holds members that AWS does not give back (the code's file), so that an import is followed by a change, there as here.
NOT_IMPORTED = set()


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


@pytest.fixture
def terraform(runner, tmp_path):
    shutil.copytree(EXAMPLE / "terraform", tmp_path / "energy" / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    shutil.copy(EXAMPLE / "glue_job.py", tmp_path / "energy")
    return runner(tmp_path / "energy" / "terraform", TF_VAR_bucket="terraform-energy")


@pytest.mark.timeout(300)
def test_energy_lake_applies_settles_changes_and_goes(terraform, tarn):
    assert re.search(r"Apply complete! Resources: \d+ added", terraform("apply", "-auto-approve", "-input=false"))
    assert "No changes" in terraform("plan", "-detailed-exitcode", "-input=false")
    glue = tarn.client("glue")
    assert glue.get_crawler(Name="energy-bronze-crawler")["Crawler"]["RecrawlPolicy"]["RecrawlBehavior"] == "CRAWL_NEW_FOLDERS_ONLY"
    tarn.client("s3").put_object(Bucket="terraform-energy", Key="bronze/left", Body=b"x")
    assert "BucketNotEmpty" in refuse(terraform, "destroy", "-auto-approve")
    tarn.client("s3").delete_object(Bucket="terraform-energy", Key="bronze/left")
    terraform("apply", "-auto-approve", "-input=false")
    assert "Destroy complete" in terraform("destroy", "-auto-approve")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_database(Name="energy-bronze")


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
        shutil.copytree(MODULES / module, folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        terraform = runner(folder, AWS_ACCESS_KEY_ID=account)
        apply = ("apply", "-auto-approve", "-input=false")
        terraform(*apply)
        terraform("plan", "-detailed-exitcode", "-input=false")
        assert re.search(r"Resources: 0 added, [1-9]\d* changed, 0 destroyed", terraform(*apply, "-var=changed=true"))
        terraform("plan", "-detailed-exitcode", "-input=false", "-var=changed=true")
        ids = {r["address"]: IMPORTED_BY.get(r["type"], lambda v: v["id"])(r["values"])
               for r in json.loads(terraform("show", "-json"))["values"]["root_module"]["resources"] if r["mode"] == "managed" and r["type"] not in NOT_IMPORTED}
        terraform("state", "rm", *ids)
        (folder / "imports.tf").write_text("".join(f"import {{\n  to = {address}\n  id = {json.dumps(id)}\n}}\n" for address, id in ids.items()))
        assert f"{len(ids)} imported, 0 added, 0 changed, 0 destroyed" in terraform(*apply, "-var=changed=true")
        assert "Destroy complete" in terraform("destroy", "-auto-approve")

    return live


@pytest.mark.slow  # the provider itself waits ten seconds after each change of an attribute
@pytest.mark.timeout(300)
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


def refuse(terraform, *words):
    """A run that must fail; what it said."""
    with pytest.raises(AssertionError) as failed:
        terraform(*words)
    return str(failed.value)
