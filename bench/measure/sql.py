"""Parts sql and ctas: tarn's Athena API against DuckDB alone, on the same files."""

import statistics

from .duck import Duck
from .servers import Tarn

TABLES = ["nation", "region", "supplier", "customer", "part", "partsupp", "orders", "lineitem"]
HIVE_TYPES = {"INTEGER": "int", "BIGINT": "bigint", "VARCHAR": "string", "DATE": "date", "DOUBLE": "double"}


def tpch_data(room, scale):
    """TPC-H's tables as Parquet files, one a table, made by DuckDB's own generator. Returns their folder and each table's columns."""
    duck = Duck(room.duckdb_library)
    folder = room.folder / f"tpch-{scale}"
    folder.mkdir()
    duck.run(f"LOAD '{room.tpch_extension}'")
    duck.run(f"CALL dbgen(sf = {scale})")
    columns = {}
    for table in TABLES:
        duck.run(f"COPY {table} TO '{folder}/{table}.parquet' (FORMAT parquet)")
        columns[table] = [(row[0], HIVE_TYPES.get(row[1], row[1].lower())) for row in
                          duck.run(f"SELECT column_name, column_type FROM (DESCRIBE {table})")[1]]
    # Trino, as standard SQL, has no GROUP BY of a name that the same SELECT gives (Q15).
    queries = [row[0].rstrip().rstrip(";").replace("GROUP BY\n        supplier_no", "GROUP BY\n        l_suppkey") for row in
               duck.run("SELECT query FROM tpch_queries() ORDER BY query_nr")[1]]
    if room.wants("ctas"):
        duck.run(f"COPY lineitem TO '{folder}/lineitem.csv' (FORMAT csv, DELIMITER '|', HEADER false, QUOTE '')")
    duck.close()
    return folder, columns, queries


def load_tables(aws, folder, columns):
    aws.make_bucket("lake")
    aws.query("CREATE DATABASE tpch", "s3://lake/results/")
    for table in TABLES:
        aws.put_file("lake", f"tpch/{table}/{table}.parquet", folder / f"{table}.parquet")
        fields = ", ".join(f"{name} {type_}" for name, type_ in columns[table])
        aws.query(f"CREATE EXTERNAL TABLE tpch.{table} ({fields}) STORED AS PARQUET LOCATION 's3://lake/tpch/{table}/'", "s3://lake/results/")


def same_cell(ours, theirs):
    """Numbers to nine digits, or to as many decimals as Trino's types give: its averages and quotients of decimals are decimals."""
    if ours == theirs or ours is None or theirs is None:
        return ours == theirs
    try:
        mine, other = float(ours), float(theirs)
    except ValueError:
        return False
    decimals = len(ours.partition(".")[2]) if "e" not in ours.lower() else 0
    return abs(mine - other) <= max(abs(other) * 1e-9, 10.0**-decimals)


def same_rows(athena_rows, duck_rows):
    """Whether Athena's first page (its header left out) says what DuckDB says."""
    ours = [[cell.get("VarCharValue") for cell in row["Data"]] for row in athena_rows[1:]]
    return len(ours) == min(len(duck_rows), 999) and all(
        same_cell(*pair) for mine, other in zip(ours, duck_rows) for pair in zip(mine, other, strict=True))


def sql(room):
    scale, rounds = (0.1, 2) if room.quick else (1, 5)
    folder, columns, queries = room.tpch(scale)
    tarn = Tarn(room.folder / "sql", room.tarn).start().wait_until_ready()
    try:
        aws = tarn.aws()
        load_tables(aws, folder, columns)
        duck = Duck(room.duckdb_library)
        for table in TABLES:
            duck.run(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{folder}/{table}.parquet')")
        ours, theirs, engine = ([[] for _ in queries] for _ in range(3))
        wrong, failed = set(), {}
        for round_number in range(rounds + 1):  # the first warms both
            for i, query in enumerate(queries):
                try:
                    mine, stats, rows = aws.query(query, "s3://lake/results/", "tpch")
                except Exception as error:
                    failed[i + 1] = str(error)[:200]
                    continue
                alone, duck_rows = duck.run(query)
                if not same_rows(rows, duck_rows):
                    wrong.add(i + 1)
                if round_number:
                    ours[i].append(mine)
                    theirs[i].append(alone)
                    engine[i].append(stats["EngineExecutionTimeInMillis"] / 1000)
            room.say(f"sql: round {round_number} of {rounds}")
        duck.close()
    finally:
        tarn.stop()
    section = room.section("sql", f"SQL through the Athena API: TPC-H, scale {scale}, Parquet",
                           f"{rounds} rounds after one that warms both; each query by tarn, then by DuckDB alone (the same library and files, its own "
                           "settings); medians, from StartQueryExecution to the rows of GetQueryResults, in milliseconds.")
    done = [i for i in range(len(queries)) if ours[i] and i + 1 not in failed]
    mine = sum(statistics.median(ours[i]) for i in done)
    alone = sum(statistics.median(theirs[i]) for i in done)
    section.figure(f"total of {len(done)} queries", mine / max(alone, 1e-9), "at most", 1.05, f"tarn {mine:.2f} s, DuckDB {alone:.2f} s")
    if failed:
        section.note("Refused or failed: " + "; ".join(f"Q{i}: {why}" for i, why in failed.items()))
    section.note("Other rows than DuckDB's: " + ", ".join(f"Q{i}" for i in sorted(wrong)) if wrong else "All rows are DuckDB's.")
    section.table(["query", "tarn", "of that engine", "DuckDB", "ratio"], [
        [f"Q{i + 1}", *(f"{statistics.median(times[i]) * 1000:.0f}" for times in (ours, engine, theirs)),
         f"{statistics.median(ours[i]) / statistics.median(theirs[i]):.2f}"] for i in done])


def ctas(room):
    scale, rounds = (0.1, 2) if room.quick else (1, 3)
    folder, columns, _ = room.tpch(scale)
    tarn = Tarn(room.folder / "ctas", room.tarn).start().wait_until_ready()
    ours, theirs = [], []
    try:
        aws = tarn.aws()
        aws.make_bucket("lake")
        aws.query("CREATE DATABASE tpch", "s3://lake/results/")
        aws.put_file("lake", "csv/lineitem.csv", folder / "lineitem.csv")
        fields = ", ".join(f"{name} {type_}" for name, type_ in columns["lineitem"])
        aws.query(f"CREATE EXTERNAL TABLE tpch.raw ({fields}) ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' STORED AS TEXTFILE "
                  "LOCATION 's3://lake/csv/'", "s3://lake/results/")
        duck_types = ", ".join(f"'{name}': '{'VARCHAR' if type_ == 'string' else type_}'" for name, type_ in columns["lineitem"])
        duck = Duck(room.duckdb_library)
        for round_number in range(rounds + 1):
            seconds, _, _ = aws.query(f"CREATE TABLE tpch.made{round_number} WITH (format = 'PARQUET', write_compression = 'SNAPPY') AS "
                                      "SELECT * FROM tpch.raw", "s3://lake/results/")
            alone, _ = duck.run(f"COPY (SELECT * FROM read_csv('{folder}/lineitem.csv', delim = '|', header = false, quote = '', "
                                f"columns = {{{duck_types}}})) TO '{folder}/made.parquet' (FORMAT parquet, COMPRESSION snappy)")
            if round_number:
                ours.append(seconds)
                theirs.append(alone)
            room.say(f"ctas: round {round_number} of {rounds}: tarn {seconds:.2f} s, DuckDB {alone:.2f} s")
        count = aws.query("SELECT count(*), sum(l_extendedprice) FROM tpch.made1", "s3://lake/results/")[2][1]["Data"]
        expected = duck.run(f"SELECT count(*), sum(l_extendedprice) FROM read_parquet('{folder}/lineitem.parquet')")[1][0]
        same = [cell["VarCharValue"] for cell in count] == expected
        duck.close()
    finally:
        tarn.stop()
    section = room.section("ctas", f"CSV to Parquet: CREATE TABLE AS SELECT of TPC-H's lineitem, scale {scale}",
                           f"{rounds} rounds after one that warms both, alternating; typed columns, Snappy; DuckDB alone by COPY of read_csv with the "
                           "types told. tarn's file is flushed to the disk before the answer, DuckDB's is not.")
    mine, alone = statistics.median(ours), statistics.median(theirs)
    section.figure("CTAS", mine / alone, "at most", 1.05, f"tarn {mine:.2f} s, DuckDB {alone:.2f} s")
    section.note("Rows and sums agree." if same else f"THE RESULTS DIFFER: {count} and {expected}")
