"""The crawler and SQL over real files (not in the repository): types, counts and sums, against what Python's own csv and json modules read."""

import csv
import json
import time

import pytest

TYPES = {
    "airports.csv": {"iata": "string", "name": "string", "latitude": "double", "longitude": "double"},
    "birdstrikes.csv": {"flight date": "string", "cost total $": "bigint", "speed ias in knots": "bigint", "effect amount of damage": "string"},
    "exchange-rates-monthly.csv": {"date": "string", "country": "string", "exchange rate": "double"},
    "flights-20k.json": {"date": "string", "delay": "bigint", "distance": "bigint", "origin": "string"},
    "iowa-electricity.csv": {"source": "string", "net_generation": "bigint"},
    "zipcodes.csv": {"zip_code": "string", "latitude": "double", "county": "string"},
}
SUMS = {"airports.csv": "latitude", "birdstrikes.csv": "cost total $", "exchange-rates-monthly.csv": "exchange rate", "flights-20k.json": "distance",
        "iowa-electricity.csv": "net_generation", "zipcodes.csv": "longitude"}


def read(path):
    text = path.read_text(encoding="utf-8")
    rows = json.loads(text) if path.suffix == ".json" else list(csv.DictReader(text.splitlines()))
    return [{key.strip().lower(): value for key, value in row.items()} for row in rows]


@pytest.fixture(scope="module")
def lake(tarn, shared_data):
    s3, glue = tarn.client("s3"), tarn.client("glue")
    s3.create_bucket(Bucket="real-files")
    glue.create_database(DatabaseInput={"Name": "real_files"})
    for file in [*TYPES, "earthquakes.json"]:
        s3.upload_file(str(shared_data / file), "real-files", f"{file.split('.')[0].replace('-', '_')}/{file}")
    glue.create_crawler(Name="real-files", Role="arn:aws:iam::000000000000:role/r", DatabaseName="real_files",
                        Targets={"S3Targets": [{"Path": f"s3://real-files/{file.split('.')[0].replace('-', '_')}/"} for file in [*TYPES, "earthquakes.json"]]})
    glue.start_crawler(Name="real-files")
    while glue.get_crawler(Name="real-files")["Crawler"]["State"] != "READY":
        time.sleep(0.05)
    assert glue.get_crawler(Name="real-files")["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"
    return tarn


def ask(tarn, sql):
    athena = tarn.client("athena")
    query = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": "real_files"},
                                         ResultConfiguration={"OutputLocation": "s3://real-files/results/"})["QueryExecutionId"]
    while True:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(0.02)
    assert status["State"] == "SUCCEEDED", status
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1:]]


@pytest.mark.parametrize("file", TYPES)
def test_types_counts_and_sums(lake, shared_data, file):
    table = file.split(".")[0].replace("-", "_")
    columns = {c["Name"]: c["Type"] for c in lake.client("glue").get_table(DatabaseName="real_files", Name=table)["Table"]["StorageDescriptor"]["Columns"]}
    assert {name: columns.get(name) for name in TYPES[file]} == TYPES[file]
    rows, column = read(shared_data / file), SUMS[file]
    numbers = [float(row[column]) for row in rows if row[column] not in ("", None)]
    [[count, total]] = ask(lake, f'SELECT count(*), sum("{column}") FROM {table}')
    assert int(count) == len(rows)
    assert float(total) == pytest.approx(sum(numbers), rel=1e-9)


def test_leading_zeros_stay_and_commas_do_not_shift(lake, shared_data):
    assert ask(lake, "SELECT min(zip_code), count(*) FROM zipcodes WHERE zip_code LIKE '00%'")[0][0] == "00501"
    for row in ask(lake, "SELECT name, city FROM airports WHERE name LIKE '%,%' ORDER BY 1 LIMIT 5"):
        assert any(r["name"] == row[0] and r["city"] == row[1] for r in read(shared_data / "airports.csv"))


def test_nested_geojson(lake, shared_data):
    features = json.loads((shared_data / "earthquakes.json").read_text())["features"]
    strongest = max(f["properties"]["mag"] for f in features if f["properties"]["mag"] is not None)
    [[count, magnitude]] = ask(lake, "SELECT count(*), max(properties.mag) FROM earthquakes CROSS JOIN UNNEST(features) AS t (type, properties, geometry, id)")
    assert int(count) == len(features) and float(magnitude) == strongest
