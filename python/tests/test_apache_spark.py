"""The same scripts on Apache Spark, where its environment is there (tools/setup-jobs spark, tools/setup-jobs jars)."""
import os
import shutil
from pathlib import Path

import pytest
from test_catalog import ENERGY, GLUE, energy_lake

CACHE = Path(os.environ.get("TARN_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tarn")


@pytest.mark.skipif(not list(CACHE.glob("python-spark-*/.made")) or not list(CACHE.glob("spark-jars-*/.made")) or not shutil.which("java"),
                    reason="Apache Spark is not installed: tools/setup-jobs spark, tools/setup-jobs jars, Java 17")
def test_the_energy_job_on_spark(run, lake):
    energy_lake(lake)
    done = run(GLUE + ENERGY + "show(spark.version)\n", "--JOB_NAME", "energy", "--database", lake.database, "--bucket", lake.bucket, engine="spark")
    types, net, customers, version = done.values()
    assert version.startswith("3.5.")
    assert types[2] == ["cantidad_kwh", "bigint"] and types[-1] == ["fecha", "string"]
    assert net == [["Acevedo, Acosta y Cía", 60.25], ["Ñandú S.A.", 7.0]]
    assert customers == [["GÓMEZ, IVÁN", "Bogotá", "900123456789"], ["LUCÍA PEÑA", "Medellín", "17"]]
    assert len([key for key in lake.keys("silver/") if not key.endswith("/")]) == 3


def test_without_spark_the_run_is_refused_by_name(run, tmp_path):
    done = run("show(1)", engine="spark", env={"TARN_CACHE": str(tmp_path)}, fails=True)
    assert done.code == 1 and "tools/setup-jobs spark" in done.result["error_message"]
