"""The energy lake from nothing to an answer: generate, load, crawl, transform, crawl, ask. Or the same with your own files.

    python demo.py TARN_PROGRAM STATE_DIR [DATA_DIR]
"""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import boto3

import athena_query
import generate
import lake
import load
import own_data
import screen
import steps

BUCKET = "energy-lake"


def start_tarn(program, state_dir):
    """Starts tarn on a free port; returns its process and endpoint once it is ready."""
    log = open(Path(state_dir).with_suffix(".log"), "w")
    process = subprocess.Popen([program, "up", "--data", str(state_dir), "--port", "0", "--redshift-port", "0"], stdout=subprocess.PIPE, stderr=log, text=True)
    for line in process.stdout:
        if "http://" in line:
            return process, line[line.index("http://"):].split()[0].rstrip(".,/")
    raise SystemExit(f"tarn did not start; its log is {log.name}")


def expected_net_income(export_dir):
    """Sales less purchases, straight from the CSV files."""
    total = 0.0
    for path in Path(export_dir).glob("transacciones/*/*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                total += float(row["precio_total"]) * (1 if row["tipo_transaccion"] == "Venta" else -1)
    return total


def describe(table):
    columns = ", ".join(f"{c['Name']} {c['Type']}" for c in table["StorageDescriptor"]["Columns"])
    keys = ", ".join(k["Name"] for k in table.get("PartitionKeys", []))
    return f"{table['Name']}({columns}){' partitioned by ' + keys if keys else ''}"


def energy(work_dir):
    s3, glue, athena = boto3.client("s3"), boto3.client("glue"), boto3.client("athena")
    export_dir = work_dir / "export"
    with screen.step("make up three days of an energy trader's export") as notes:
        files = generate.generate(export_dir)
        notes.append(f"{len(files)} CSV files, {sum(f.stat().st_size for f in files):,} bytes")
    with screen.step("create the bucket, databases, crawlers and the job"):
        lake.create(BUCKET)
    with screen.step("load the export into bronze") as notes:
        notes.append(f"{load.load(s3, export_dir, BUCKET)} objects in s3://{BUCKET}/bronze/")
    with screen.step("crawl bronze") as notes:
        for table in steps.crawl(glue, lake.crawler("bronze")):
            days = steps.partitions(glue, lake.database("bronze"), table["Name"])
            notes.append(f"{describe(table)}: {len(days)} partitions")
    with screen.step("transform bronze into silver (PySpark Glue job)") as notes:
        run = steps.run_job(glue, lake.JOB)
        notes.append(f"job run {run['Id']}: {run['JobRunState']}")
    with screen.step("crawl silver") as notes:
        notes.extend(describe(table) for table in steps.crawl(glue, lake.crawler("silver")))
    with screen.step("ask Athena for the net income by supplier") as notes:
        execution = athena_query.run(athena, athena_query.NET_INCOME, lake.database("silver"), f"s3://{BUCKET}/gold/")
        header, *answer = athena_query.rows(athena, execution)
        scanned = execution["Statistics"]["DataScannedInBytes"]
        notes.append(f"{execution['ResultConfiguration']['OutputLocation']}, {scanned:,} bytes scanned")
    print()
    screen.table(header, answer)
    total = sum(float(row[-1]) for row in answer)
    expected = expected_net_income(export_dir)
    print(f"\n  Net income {total:,.2f}; sales less purchases in the CSV files {expected:,.2f}.")
    if abs(total - expected) > 0.01 * len(answer):
        raise SystemExit("The two differ: the demo failed.")


def main():
    program, state_dir = sys.argv[1], Path(sys.argv[2]).resolve()
    data_dir = Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
    if data_dir and not data_dir.is_dir():
        raise SystemExit(f"{data_dir} is no folder.")
    shutil.rmtree(state_dir, ignore_errors=True)
    state_dir.mkdir(parents=True)
    process = None
    try:
        with screen.step("start tarn") as notes:
            process, endpoint = start_tarn(program, state_dir / "data")
            notes.append(endpoint)
        os.environ.update(AWS_ENDPOINT_URL=endpoint, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_REGION="us-east-1",
                          AWS_DEFAULT_REGION="us-east-1")
        if data_dir:
            own_data.explore(data_dir)
        else:
            energy(state_dir)
    finally:
        if process:
            process.terminate()
            process.wait(timeout=30)
    print(f"""
  What to try next:
    {program} up --data {state_dir / 'data'}       the same lake again, on 127.0.0.1:4566; then, in another shell:
    {program} sql 'SELECT ...'                    ask it anything
    {program} s3 ls                               look at its objects
    AWS_ENDPOINT_URL=http://127.0.0.1:4566 aws glue get-tables --database-name {own_data.DATABASE if data_dir else lake.database('bronze')}""")
    if not data_dir:
        print("    make demo DATA=folder                     the same with your own CSV and JSON files")


if __name__ == "__main__":
    main()
