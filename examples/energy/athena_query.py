"""Asks Athena for the net income by supplier and saves the answer under gold/.

    python athena_query.py DATABASE s3://BUCKET/gold/
"""

import sys
import time

import boto3

NET_INCOME = """
WITH bought AS (
    SELECT p.nombre_proveedor, p.tipo_energia, sum(t.cantidad_kwh) AS kwh, sum(t.precio_total) AS compras
    FROM proveedores p
    JOIN transacciones t ON t.nombre_cliente_proveedor = p.nombre_proveedor AND t.tipo_transaccion = 'Compra'
    GROUP BY p.nombre_proveedor, p.tipo_energia
), sold AS (
    SELECT tipo_energia, sum(precio_total) AS ventas
    FROM transacciones WHERE tipo_transaccion = 'Venta' GROUP BY tipo_energia
)
SELECT nombre_proveedor, tipo_energia, kwh, CAST(compras AS decimal(18, 2)) AS compras, CAST(ventas AS decimal(18, 2)) AS ventas,
       CAST(ventas - compras AS decimal(18, 2)) AS ingreso_neto
FROM (
    SELECT b.*, s.ventas * b.kwh / sum(b.kwh) OVER (PARTITION BY b.tipo_energia) AS ventas
    FROM bought b JOIN sold s ON s.tipo_energia = b.tipo_energia
) supplier
ORDER BY ingreso_neto DESC
"""


def run(athena, sql, database, output):
    """Runs one query to its end; returns its execution. A query that fails raises RuntimeError with Athena's reason."""
    started = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": database},
                                           ResultConfiguration={"OutputLocation": output})
    while True:
        execution = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]
        state = execution["Status"]["State"]
        if state == "SUCCEEDED":
            return execution
        if state in ("FAILED", "CANCELLED"):
            raise RuntimeError(f"query {state}: {execution['Status'].get('StateChangeReason')}")
        time.sleep(0.05)


def rows(athena, execution):
    """All rows of a finished query as lists of text, the header first."""
    pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution["QueryExecutionId"])
    return [[cell.get("VarCharValue") for cell in row["Data"]] for page in pages for row in page["ResultSet"]["Rows"]]


if __name__ == "__main__":
    client = boto3.client("athena")
    done = run(client, NET_INCOME, sys.argv[1], sys.argv[2])
    print("Query succeeded:", done["ResultConfiguration"]["OutputLocation"])
