"""A person's own folder as a lake: every CSV and JSON file loaded, crawled, previewed and profiled by SQL."""

import re

import boto3

import athena_query
import lake
import screen
import steps

BUCKET, DATABASE, CRAWLER = "own-data", "own_data", "own-data-crawler"
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".csv.gz", ".json.gz")


def table_folder(path):
    """The folder of one file in the lake: its name without suffixes, so that each file becomes one table."""
    return re.sub(r"[^a-z0-9]+", "_", path.name.split(".")[0].lower()).strip("_") or "table"


def find_files(data_dir):
    files = sorted(p for p in data_dir.rglob("*") if p.is_file() and p.name.lower().endswith(SUFFIXES))
    if not files:
        raise SystemExit(f"{data_dir} holds no CSV or JSON file.")
    return files


def profile_sql(table):
    """One row a column: how many values, how many distinct, least and greatest."""
    parts = []
    for i, column in enumerate(table["StorageDescriptor"]["Columns"]):
        name = '"' + column["Name"].replace('"', '""') + '"'
        if column["Type"].startswith(("struct", "array", "map")):
            parts.append(f"SELECT {i} AS n, '{column['Name']}' AS name, '{column['Type'][:30]}' AS type, count({name}) AS filled, "
                         f"CAST(NULL AS BIGINT) AS different, CAST(NULL AS varchar) AS least, CAST(NULL AS varchar) AS greatest FROM \"{table['Name']}\"")
        else:
            label = column["Name"].replace("'", "''")
            parts.append(f"SELECT {i} AS n, '{label}' AS name, '{column['Type']}' AS type, count({name}) AS filled, count(DISTINCT {name}) AS different, "
                         f"CAST(min({name}) AS varchar) AS least, CAST(max({name}) AS varchar) AS greatest FROM \"{table['Name']}\"")
    return "SELECT name, type, filled, different, least, greatest FROM (" + " UNION ALL ".join(parts) + ") ORDER BY n"


def explore(data_dir):
    s3, glue, athena = boto3.client("s3"), boto3.client("glue"), boto3.client("athena")
    files = find_files(data_dir)
    with screen.step(f"load {len(files)} files of {data_dir}") as notes:
        lake.create_bucket(s3, BUCKET)
        for path in files:
            key = f"data/{table_folder(path)}/{path.name}"
            s3.upload_file(str(path), BUCKET, key)
            notes.append(f"s3://{BUCKET}/{key}  {path.stat().st_size:,} bytes")
    with screen.step("crawl them") as notes:
        glue.create_database(DatabaseInput={"Name": DATABASE})
        glue.create_crawler(Name=CRAWLER, Role=lake.ROLE, DatabaseName=DATABASE,
                            Targets={"S3Targets": [{"Path": f"s3://{BUCKET}/data/{folder}/"} for folder in sorted({table_folder(p) for p in files})]})
        tables = steps.crawl(glue, CRAWLER)
        notes.append(f"{len(tables)} tables: {', '.join(t['Name'] for t in tables)}")
    results = f"s3://{BUCKET}/results/"
    for table in tables:
        print(f"\n  {screen.BOLD}{table['Name']}{screen.PLAIN}")
        with screen.step("count, preview and profile") as notes:
            count = athena_query.rows(athena, athena_query.run(athena, f"SELECT count(*) FROM \"{table['Name']}\"", DATABASE, results))[1][0]
            preview = athena_query.rows(athena, athena_query.run(athena, f"SELECT * FROM \"{table['Name']}\" LIMIT 3", DATABASE, results))
            profile = athena_query.rows(athena, athena_query.run(athena, profile_sql(table), DATABASE, results))
            notes.append(f"{int(count):,} rows, {len(table['StorageDescriptor']['Columns'])} columns")
        screen.table(preview[0][:8], [row[:8] for row in preview[1:]], width=22)
        print()
        screen.table(profile[0], profile[1:], limit=60, width=30)
