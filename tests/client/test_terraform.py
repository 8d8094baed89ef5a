"""Terraform with the AWS provider: the energy lake applies, a second plan is empty, a change is made, all is destroyed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PLUGINS = Path(os.environ.get("TARN_TERRAFORM_PLUGINS", "/opt/tf-plugins"))
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "energy"


@pytest.fixture
def terraform(tarn, tmp_path):
    if not shutil.which("terraform") or not PLUGINS.is_dir():
        pytest.skip("terraform with a local folder of plugins is not on this machine")
    shutil.copytree(EXAMPLE / "terraform", tmp_path / "energy" / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    shutil.copy(EXAMPLE / "glue_job.py", tmp_path / "energy")
    (tmp_path / "terraformrc").write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{PLUGINS}"\n  }}\n}}\n')

    def run(*words, code=0):
        done = subprocess.run(["terraform", *words, "-no-color"], cwd=tmp_path / "energy" / "terraform", capture_output=True, text=True, timeout=280,
                              env=tarn.environment(TF_CLI_CONFIG_FILE=str(tmp_path / "terraformrc"), TF_IN_AUTOMATION="1", TF_VAR_bucket="terraform-energy"))
        assert done.returncode == code, done.stdout[-6000:] + done.stderr[-6000:]
        return done.stdout

    run("init", "-input=false")
    return run


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


def refuse(terraform, *words):
    """A run that must fail; what it said."""
    with pytest.raises(AssertionError) as failed:
        terraform(*words)
    return str(failed.value)
