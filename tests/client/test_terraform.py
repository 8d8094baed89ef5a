"""Terraform with the AWS provider: the energy lake, and a bucket with all its sub-resources. Each applies, a second plan is empty, a change is made, all
is destroyed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PLUGINS = Path(os.environ.get("TARN_TERRAFORM_PLUGINS", "/opt/tf-plugins"))
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "energy"


BUCKET = Path(__file__).resolve().parent / "terraform"


@pytest.fixture
def runner(tarn, tmp_path):
    """Makes a function that runs terraform in a folder."""
    if not shutil.which("terraform") or not PLUGINS.is_dir():
        pytest.skip("terraform with a local folder of plugins is not on this machine")
    (tmp_path / "terraformrc").write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{PLUGINS}"\n  }}\n}}\n')

    def make(folder, **variables):
        def run(*words, code=0):
            done = subprocess.run(["terraform", *words, "-no-color"], cwd=folder, capture_output=True, text=True, timeout=280,
                                  env=tarn.environment(TF_CLI_CONFIG_FILE=str(tmp_path / "terraformrc"), TF_IN_AUTOMATION="1", **variables))
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
    shutil.copytree(BUCKET, tmp_path / "bucket", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    terraform = runner(tmp_path / "bucket")
    terraform("apply", "-auto-approve", "-input=false")
    assert "No changes" in terraform("plan", "-detailed-exitcode", "-input=false")
    assert "1 changed" in terraform("apply", "-auto-approve", "-input=false", "-var=days=120")
    rules = tarn.client("s3").get_bucket_lifecycle_configuration(Bucket="terraform-all-of-it")["Rules"]
    assert [rule["Expiration"]["Days"] for rule in rules if "Expiration" in rule] == [120]
    assert "Destroy complete" in terraform("destroy", "-auto-approve")


def refuse(terraform, *words):
    """A run that must fail; what it said."""
    with pytest.raises(AssertionError) as failed:
        terraform(*words)
    return str(failed.value)
