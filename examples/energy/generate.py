"""An energy trader's daily export, made up but repeatable: suppliers, customers and transactions as CSV files.

    python generate.py OUT_DIR [--days 3] [--first-day 2026-01-01] [--transactions 2000] [--customers 200] [--seed 1]

Writes OUT_DIR/<table>/fecha=YYYY-MM-DD/<table>.csv for the tables proveedores, clientes and transacciones. The traps of real exports are in:
accents, commas inside quoted names, a file with text columns only, an identification number too long for 32 bits, a column that is
also the partition's name.
"""

import argparse
import csv
import datetime
import random
from pathlib import Path

ENERGY = ["eólica", "hidroeléctrica", "nuclear", "solar"]
FIRST = ["Ana", "Andrés", "Beatriz", "Camilo", "Daniela", "Esteban", "Fabián", "Gloria", "Hernán", "Inés", "Julián", "Lucía", "María José",
         "Nicolás", "Óscar", "Paola", "Ramón", "Sofía", "Tomás", "Verónica"]
LAST = ["Acosta", "Bermúdez", "Cárdenas", "Díaz", "Echeverry", "Figueroa", "Gómez", "Hoyos", "Ibáñez", "Jaramillo", "López", "Muñoz", "Núñez",
        "Ordóñez", "Peña", "Quiñones", "Restrepo", "Suárez", "Trujillo", "Vélez"]
CITIES = ["Bogotá", "Medellín", "Cali", "Barranquilla", "Cartagena de Indias", "Cúcuta", "Ibagué", "Popayán", "Santa Marta", "Bogotá, D.C."]
COMPANY = ["Acevedo, Acosta y Cía.", "Energía del Norte S.A.", "Viento y Sol S.A.S.", "Hidro Andes", "Generadora Ñuble", "Luz, Agua y Gas S.A.",
           "Termo Pacífico", "Solar Guajira", "Aire Nuevo", "Represas de Antioquia", "Átomo Caribe", "Central \"El Dorado\""]


def suppliers(rng):
    return [{"nombre_proveedor": name, "tipo_energia": ENERGY[i % len(ENERGY)]} for i, name in enumerate(COMPANY)]


def customers(rng, count):
    seen, rows = set(), []
    while len(rows) < count:
        person = rng.random() < 0.8
        name = f"{rng.choice(FIRST)} {rng.choice(LAST)} {rng.choice(LAST)}"
        name = name if person else f"{rng.choice(LAST)}, {rng.choice(LAST)} y Asociados {len(rows)}"
        if name in seen:
            continue
        seen.add(name)
        number = rng.randrange(10_000_000, 99_999_999) if person else rng.randrange(8_000_000_000, 9_999_999_999)
        rows.append({"tipo_identificacion": "CC" if person else "NIT", "identificacion": number, "nombre": name, "ciudad": rng.choice(CITIES)})
    return rows


def transactions(rng, day, count, all_suppliers, all_customers):
    price = {"eólica": 310, "hidroeléctrica": 255, "nuclear": 290, "solar": 275}
    rows = []
    for i in range(count):
        # The first rows of a day buy from each supplier once, so that whatever is sold was bought.
        buys = i < len(all_suppliers) or rng.random() < 0.4
        supplier = all_suppliers[i] if i < len(all_suppliers) else rng.choice(all_suppliers)
        kind = supplier["tipo_energia"]
        kwh = rng.randrange(50, 5_000)
        unit = price[kind] * (1 if buys else 1.18) * rng.uniform(0.9, 1.1)
        rows.append({"tipo_transaccion": "Compra" if buys else "Venta",
                     "nombre_cliente_proveedor": supplier["nombre_proveedor"] if buys else rng.choice(all_customers)["nombre"],
                     "cantidad_kwh": kwh, "precio_total": f"{kwh * unit:.2f}", "tipo_energia": kind, "fecha": day.isoformat()})
    return rows


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def generate(out_dir, days=3, first_day="2026-01-01", transactions_a_day=2000, customer_count=200, seed=1):
    """Writes the export; returns the paths of its files."""
    rng = random.Random(seed)
    all_suppliers, all_customers = suppliers(rng), customers(rng, customer_count)
    first = datetime.date.fromisoformat(first_day)
    paths = []
    for n in range(days):
        day = first + datetime.timedelta(days=n)
        of_day = random.Random(f"{seed}/{day}")  # the same whether a day is made alone or among others
        tables = {"proveedores": all_suppliers, "clientes": all_customers,
                  "transacciones": transactions(of_day, day, transactions_a_day, all_suppliers, all_customers)}
        for table, rows in tables.items():
            path = Path(out_dir) / table / f"fecha={day.isoformat()}" / f"{table}.csv"
            write(path, rows)
            paths.append(path)
    return paths


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--first-day", default="2026-01-01")
    parser.add_argument("--transactions", type=int, default=2000, help="a day")
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    for path in generate(a.out_dir, a.days, a.first_day, a.transactions, a.customers, a.seed):
        print(path)
