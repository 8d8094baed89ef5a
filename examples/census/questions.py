"""Questions to the census, answered into gold/.

    python questions.py BUCKET
"""

import sys
import time

import boto3

DATABASE = "census"
PUPILS = """
CREATE TABLE census.alunos_por_uf WITH (format = 'PARQUET', external_location = 's3://{bucket}/gold/alunos_por_uf/') AS
SELECT sg_uf, nu_ano, count(*) AS escolas, sum(qt_mat_bas) AS alunos FROM escolas GROUP BY sg_uf, nu_ano
"""
MARKS = """
UNLOAD (SELECT no_municipio_prova, avg(nu_nota_mt) AS media FROM enem WHERE CAST(nu_ano AS integer) = {year} GROUP BY no_municipio_prova)
TO 's3://{bucket}/gold/medias/{year}/' WITH (format = 'PARQUET')
"""


def ask(athena, sql, bucket):
    """Runs one query to its end; returns its rows, header first. One that fails raises RuntimeError with Athena's reason."""
    id = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": DATABASE},
                                      ResultConfiguration={"OutputLocation": f"s3://{bucket}/results/"})["QueryExecutionId"]
    while True:
        status = athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"]
        if status["State"] == "SUCCEEDED":
            break
        if status["State"] in ("FAILED", "CANCELLED"):
            raise RuntimeError(status["StateChangeReason"])
        time.sleep(0.1)
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in athena.get_query_results(QueryExecutionId=id)["ResultSet"]["Rows"]]


if __name__ == "__main__":
    bucket, athena = sys.argv[1], boto3.client("athena")
    ask(athena, PUPILS.format(bucket=bucket), bucket)
    for year in (2022, 2023):
        ask(athena, MARKS.format(bucket=bucket, year=year), bucket)
    for row in ask(athena, "SELECT sg_uf, nu_ano, escolas, alunos FROM alunos_por_uf ORDER BY 1, 2", bucket):
        print(*row, sep="\t")
