"""The daily export: what the trader's own system would write, made up by Faker, as CSV by pandas.

Writes bronze/<table>/fecha=<day>/<table>.csv. A schedule's event names the day by its time; {"day": "2026-01-02"} by itself.
"""

import datetime
import io
import os
import random

import boto3
import pandas
from faker import Faker

s3 = boto3.client("s3")
SOURCES = ["Solar", "Eólica", "Hidráulica", "Térmica"]


def tables(day):
    """The day's three tables. The same day makes the same rows, but for the names."""
    chance = random.Random(day.toordinal())
    fake = Faker("es_CO")
    suppliers = pandas.DataFrame([{"nombre_proveedor": f"{fake.company()}, Generación", "tipo_energia": chance.choice(SOURCES)} for _ in range(5)])
    customers = pandas.DataFrame([{"tipo_identificacion": chance.choice(["CC", "NIT"]), "identificacion": chance.randrange(10**9, 10**10),
                                   "nombre": fake.name(), "ciudad": fake.city()} for _ in range(20)])
    trades = []
    for _ in range(100):
        kind = chance.choice(["Compra", "Venta"])
        partner = chance.choice(list(suppliers["nombre_proveedor"] if kind == "Compra" else customers["nombre"]))
        amount = chance.randrange(10, 5000)
        trades.append({"tipo_transaccion": kind, "nombre_cliente_proveedor": partner, "cantidad_kwh": amount,
                       "precio_total": round(amount * chance.uniform(250, 700), 2), "tipo_energia": chance.choice(SOURCES), "fecha": day.isoformat()})
    return {"proveedores": suppliers, "clientes": customers, "transacciones": pandas.DataFrame(trades)}


def handler(event, context):
    day = datetime.date.fromisoformat((event.get("day") or event.get("time") or datetime.datetime.now(datetime.timezone.utc).isoformat())[:10])
    keys = []
    for name, table in tables(day).items():
        text = io.StringIO()
        table.to_csv(text, index=False)
        keys.append(f"bronze/{name}/fecha={day}/{name}.csv")
        s3.put_object(Bucket=os.environ["BUCKET"], Key=keys[-1], Body=text.getvalue().encode())
    print(f"{len(keys)} files for {day}")
    return {"day": day.isoformat(), "files": keys}
