"""awswrangler and pyathena: how Python people ask Athena."""

import awswrangler as wr
import boto3
import pandas as pd
import pyathena
import pytest


@pytest.fixture
def session(tarn, monkeypatch):
    for key, value in tarn.environment().items():
        if key.startswith("AWS_"):
            monkeypatch.setenv(key, value)
    return boto3.Session(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


@pytest.fixture
def lake(tarn, name):
    tarn.client("s3").create_bucket(Bucket=name)
    tarn.client("glue").create_database(DatabaseInput={"Name": name})
    return name


@pytest.fixture
def frame():
    return pd.DataFrame({"id": [1, 2, 3], "name": ["Ana", "Peña, B.", None], "price": [1.5, 2.25, 1e10], "ok": [True, False, None],
                         "day": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-02"]).date})


def test_awswrangler_writes_a_dataset_and_reads_it_back(session, lake, frame):
    wr.s3.to_parquet(frame, path=f"s3://{lake}/sales/", dataset=True, database=lake, table="sales", partition_cols=["day"], boto3_session=session)
    assert wr.catalog.table(database=lake, table="sales", boto3_session=session)["Column Name"].tolist() == ["id", "name", "price", "ok", "day"]
    back = wr.athena.read_sql_query("SELECT * FROM sales ORDER BY id", database=lake, s3_output=f"s3://{lake}/results/", ctas_approach=False, boto3_session=session)
    assert back["id"].tolist() == [1, 2, 3]
    assert back["name"].tolist()[:2] == ["Ana", "Peña, B."] and pd.isna(back["name"][2])
    assert back["price"].tolist() == [1.5, 2.25, 1e10]
    assert [str(d) for d in back["day"]] == ["2026-01-01", "2026-01-02", "2026-01-02"]


def test_awswrangler_by_ctas_and_appends(session, lake, frame):
    for mode in ("overwrite", "append"):
        wr.s3.to_parquet(frame, path=f"s3://{lake}/sales/", dataset=True, mode=mode, database=lake, table="sales", boto3_session=session)
    back = wr.athena.read_sql_query("SELECT id, count(*) AS n FROM sales GROUP BY id ORDER BY id", database=lake, s3_output=f"s3://{lake}/results/",
                                    ctas_approach=True, boto3_session=session)
    assert back["n"].tolist() == [2, 2, 2]
    assert wr.athena.read_sql_query("SELECT * FROM sales WHERE id = :id", database=lake, s3_output=f"s3://{lake}/results/", params={"id": 2},
                                    ctas_approach=False, boto3_session=session)["name"].tolist() == ["Peña, B.", "Peña, B."]


def test_pyathena(tarn, session, lake):
    with pyathena.connect(s3_staging_dir=f"s3://{lake}/results/", schema_name=lake, region_name="us-east-1", endpoint_url=tarn.endpoint,
                          aws_access_key_id="test", aws_secret_access_key="test") as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE EXTERNAL TABLE t (id int, name string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://%s/t/'" % lake)
        tarn.client("s3").put_object(Bucket=lake, Key="t/a.csv", Body="1,Ana\n2,Peña\n".encode())
        cursor.execute("SELECT id, name FROM t WHERE id > %(least)s ORDER BY id", {"least": 0})
        assert cursor.description[0][0] == "id"
        assert cursor.fetchall() == [(1, "Ana"), (2, "Peña")]
        with pytest.raises(pyathena.error.Error) as failed:
            cursor.execute("SELECT FROM t")
        assert "line 1:8" in str(failed.value)
