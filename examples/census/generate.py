"""Made-up yearly publications: one zip a table and year, as a ministry would publish them.

    python generate.py OUT_DIR [--years 2022 2023] [--schools 300] [--exams 1000] [--seed 1]

The traps of real ones are in: Latin-1 with accents, `;` between fields and inside quotes, upper-case names, `.CSV`, codes with leading zeros,
decimals with a point beside empty fields, a folder inside the zip.
"""

import argparse
import csv
import io
import random
import zipfile
from pathlib import Path

CITIES = [("São Paulo", "SP"), ("Brasília", "DF"), ("Maceió", "AL"), ("Florianópolis", "SC"), ("Belém", "PA"), ("Goiânia", "GO"), ("Vitória", "ES")]
NAMES = ["Professor João Conceição", "Irmã Inês", "Dom Pedro II", "Anísio Teixeira", "Cecília Meireles", "Paulo Freire; Anexo", "Rui Barbosa"]


def schools(rng, year, count):
    rows = []
    for n in range(count):
        city, state = rng.choice(CITIES)
        rows.append({"NU_ANO_CENSO": year, "CO_ENTIDADE": f"{rng.randrange(10_000_000):08d}", "NO_ENTIDADE": f"Escola {rng.choice(NAMES)} {n}",
                     "NO_MUNICIPIO": city, "SG_UF": state, "QT_MAT_BAS": rng.randrange(20, 2000), "IN_INTERNET": rng.choice([0, 1])})
    return rows


def exams(rng, year, count):
    rows = []
    for n in range(count):
        city, state = rng.choice(CITIES)
        present = rng.random() < 0.8
        rows.append({"NU_INSCRICAO": 10_000_000_000 + year * 10_000_000 + n, "NU_ANO": year, "NO_MUNICIPIO_PROVA": city, "SG_UF_PROVA": state,
                     "NU_NOTA_MT": f"{rng.uniform(300, 950):.1f}" if present else "", "TP_SEXO": rng.choice("FM")})
    return rows


TABLES = {"escolas": schools, "enem": exams}


def generate(out_dir, years=(2022, 2023), school_count=300, exam_count=1000, seed=1):
    """Writes OUT_DIR/<table>_<year>.zip; returns their paths."""
    paths = []
    for year in years:
        for table, make in TABLES.items():
            rows = make(random.Random(f"{seed}/{table}/{year}"), year, school_count if table == "escolas" else exam_count)
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, fieldnames=list(rows[0]), delimiter=";", lineterminator="\r\n")
            writer.writeheader()
            writer.writerows(rows)
            path = Path(out_dir) / f"{table}_{year}.zip"
            path.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(f"microdados_{table}_{year}/DADOS/{table.upper()}_{year}.CSV", text.getvalue().encode("latin-1"))
                archive.writestr(f"microdados_{table}_{year}/LEIA-ME.txt", f"Dicionário de {table}, {year}\n".encode("latin-1"))
            paths.append(path)
    return paths


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    parser.add_argument("--years", type=int, nargs="+", default=[2022, 2023])
    parser.add_argument("--schools", type=int, default=300, help="a year")
    parser.add_argument("--exams", type=int, default=1000, help="a year")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    for path in generate(a.out_dir, a.years, a.schools, a.exams, a.seed):
        print(path)
