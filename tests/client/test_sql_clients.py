"""awswrangler and pyathena: how Python people ask Athena."""

import datetime
from decimal import Decimal

import awswrangler as wr
import boto3
import pandas as pd
import pyathena
import pytest
from pyathena.pandas.cursor import PandasCursor


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


def ask(session, lake, sql, **how):
    how = {"ctas_approach": False, "s3_output": f"s3://{lake}/results/"} | how
    return wr.athena.read_sql_query(sql, database=lake, boto3_session=session, **how)


def test_awswrangler_dataset_modes(session, lake):
    def write(days, mode):
        frame = pd.DataFrame({"id": range(len(days)), "amount": [Decimal("1.10")] * len(days), "tags": [["a", "b"]] * len(days),
                              "day": pd.to_datetime(days).date})
        wr.s3.to_parquet(frame, path=f"s3://{lake}/sales/", dataset=True, database=lake, table="sales", mode=mode, partition_cols=["day"],
                         dtype={"amount": "decimal(10,2)"}, glue_table_settings={"description": "sales", "columns_comments": {"id": "the key"}},
                         boto3_session=session)

    def counts():
        return {str(r["day"]): r["n"] for r in ask(session, lake, "SELECT day, count(*) AS n FROM sales GROUP BY day").to_dict("records")}

    write(["2026-01-01", "2026-01-02", "2026-01-02"], "overwrite")
    write(["2026-01-02", "2026-01-03"], "append")
    assert counts() == {"2026-01-01": 1, "2026-01-02": 3, "2026-01-03": 1}
    write(["2026-01-02"], "overwrite_partitions")
    assert counts() == {"2026-01-01": 1, "2026-01-02": 1, "2026-01-03": 1}
    write(["2026-02-01"], "overwrite")
    assert counts() == {"2026-02-01": 1}
    assert wr.catalog.get_table_types(database=lake, table="sales", boto3_session=session) == {
        "id": "bigint", "amount": "decimal(10,2)", "tags": "array<string>", "day": "date"}
    assert wr.catalog.get_columns_comments(database=lake, table="sales", boto3_session=session)["id"] == "the key"
    assert wr.catalog.get_table_description(database=lake, table="sales", boto3_session=session) == "sales"
    assert list(wr.catalog.get_partitions(database=lake, table="sales", boto3_session=session).values()) == [["2026-02-01"]]


def test_awswrangler_three_ways_to_read(session, lake, frame):
    wr.s3.to_parquet(frame, path=f"s3://{lake}/t/", dataset=True, database=lake, table="t", boto3_session=session)
    sql = "SELECT id, name, price, ok, day FROM t ORDER BY id"
    plain = ask(session, lake, sql)
    by_ctas = ask(session, lake, sql, ctas_approach=True)
    by_unload = ask(session, lake, sql, unload_approach=True, s3_output=f"s3://{lake}/unloaded/")
    assert plain.to_dict("records")[:2] == by_ctas.to_dict("records")[:2] == by_unload.to_dict("records")[:2]
    assert [len(part) for part in ask(session, lake, "SELECT id FROM t", chunksize=2)] == [2, 1]
    assert ask(session, lake, "SELECT id FROM t WHERE id = ? AND name = ?", params=["1", "'Ana'"], paramstyle="qmark")["id"].tolist() == [1]


@pytest.mark.parametrize("storage_format", ["parquet", "json", "textfile"])
def test_awswrangler_partitioned_ctas(session, lake, storage_format):
    wr.athena.create_ctas_table(sql="SELECT 1 AS id, 'Ana, \"A\"' AS name, '2026-01-01' AS day UNION ALL SELECT 2, NULL, '2026-01-02'", database=lake,
                                ctas_table="made", s3_output=f"s3://{lake}/made/", storage_format=storage_format, partitioning_info=["day"],
                                wait=True, boto3_session=session)
    assert [tuple(row) for row in ask(session, lake, "SELECT day, id, coalesce(name, '-') FROM made ORDER BY id").values] == [
        ("2026-01-01", 1, 'Ana, "A"'), ("2026-01-02", 2, "-")]


def test_awswrangler_looks_after_tables(session, lake):
    where = {"database": lake, "s3_output": f"s3://{lake}/results/", "boto3_session": session}
    wr.s3.to_csv(pd.DataFrame({"id": [1], "p": ["x"]}), path=f"s3://{lake}/c/", dataset=True, database=lake, table="c", partition_cols=["p"], index=False,
                 boto3_session=session)
    wr.catalog.delete_all_partitions(table="c", database=lake, boto3_session=session)
    assert wr.athena.repair_table(table="c", **where) == "SUCCEEDED"
    assert ask(session, lake, "SELECT * FROM c").values.tolist() == [[1, "x"]]
    assert wr.athena.describe_table(table="c", **where)["Column Name"].tolist() == ["id", "p"]
    assert wr.athena.show_create_table(table="c", **where).startswith("CREATE EXTERNAL TABLE")
    wr.athena.create_prepared_statement(sql="SELECT id + ? AS n FROM c", statement_name=f"p{abs(hash(lake))}", boto3_session=session)
    assert ask(session, lake, f"EXECUTE p{abs(hash(lake))} USING 41")["n"].tolist() == [42]


def test_pyathena_cursors(tarn, session, lake):
    how = {"s3_staging_dir": f"s3://{lake}/results/", "schema_name": lake, "region_name": "us-east-1", "endpoint_url": tarn.endpoint,
           "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    sql = ("SELECT 1 AS id, CAST(1.5 AS decimal(10,2)) AS amount, DATE '2026-01-02' AS day, TIMESTAMP '2026-01-02 03:04:05.678' AS at, true AS ok, "
           "ARRAY[1, 2] AS items, 'a,\"b' AS name, CAST(NULL AS varchar) AS none")
    cursor = pyathena.connect(**how).cursor().execute(sql)
    assert [(column[0], column[1]) for column in cursor.description][:4] == [("id", "integer"), ("amount", "decimal"), ("day", "date"), ("at", "timestamp")]
    assert cursor.description[1][4:6] == (10, 2)
    row = cursor.fetchone()
    assert row[:5] == (1, Decimal("1.50"), datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3, 4, 5, 678000), True)
    assert row[6:] == ('a,"b', None)
    assert cursor.data_scanned_in_bytes == 0 and cursor.state == "SUCCEEDED" and cursor.statement_type == "DML"
    assert len(pyathena.connect(**how).cursor().execute("SELECT * FROM UNNEST(sequence(1, 2500)) t(n)").fetchall()) == 2500
    pandas = pyathena.connect(cursor_class=PandasCursor, **how).cursor().execute(sql).as_pandas()
    assert pandas["id"].tolist() == [1] and str(pandas["at"][0]) == "2026-01-02 03:04:05.678000" and pandas["name"].tolist() == ['a,"b']
    metadata = pyathena.connect(**how).cursor().list_databases("AwsDataCatalog")
    assert lake in [database.name for database in metadata]
