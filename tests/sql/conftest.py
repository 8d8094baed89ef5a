"""Runs *.sql.txt files: lines of SQL and the answers that Athena gives. README.md tells how to write one."""

import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from running_tarn import Tarn  # noqa: E402

BUCKET = "sql-results"
EXPRESSION = re.compile(r"^(?P<sql>\S.*?)\s{2,}(?P<kind>=>|!!) (?P<wanted>.*?)(?:\s{2,}: (?P<type>.*))?$")


def pytest_collect_file(parent, file_path):
    if file_path.name.endswith(".sql.txt"):
        return SqlFile.from_parent(parent, path=file_path)


class Check:
    def __init__(self, line, sql, value=None, value_type=None, error=None):
        self.line, self.sql, self.value, self.type, self.error, self.rows = line, sql, value, value_type, error, []

    def statement(self):
        if self.value is None:
            return self.sql
        return f"SELECT {self.sql}, typeof({self.sql})" if self.type else f"SELECT {self.sql}"

    def complaint(self, answer):
        """What is wrong with an answer: rows with their header, or an error's text. None where it is right."""
        if isinstance(answer, str):
            return None if self.error and self.error in answer else f"failed: {answer}" + (f"\n      expected: {self.error}" if self.error else "")
        if self.error:
            return f"answered {answer[1:]}, expected: {self.error}"
        if self.value is not None:
            wanted = [self.value] + ([self.type] if self.type else [])
            return None if answer[1:] == [wanted] else f"is {' | '.join(answer[1])}, not {' | '.join(wanted)}"
        return None if answer == self.rows else "the rows were\n" + "\n".join("      -> " + " | ".join(row) for row in answer)


def parse(text):
    checks = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        stripped = line.strip()
        if line[0] == " " and stripped.startswith("->"):
            checks[-1].rows.append([cell.strip() for cell in stripped[2:].split(" | ")])
        elif line[0] == " " and stripped.startswith("!!"):
            checks[-1].error = stripped[2:].strip()
        elif line[0] == " ":
            checks[-1].sql += "\n" + stripped
        elif found := EXPRESSION.match(line):
            if found["kind"] == "!!":
                checks.append(Check(number, f"SELECT {found['sql']}", error=found["wanted"]))
            else:
                checks.append(Check(number, found["sql"], "" if found["wanted"] == '""' else found["wanted"], found["type"]))
        else:
            checks.append(Check(number, line))
    return checks


def ask(athena, sql):
    try:
        query = athena.start_query_execution(QueryString=sql, ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/"})["QueryExecutionId"]
    except athena.exceptions.InvalidRequestException as refused:
        return str(refused)
    while True:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] in ("FAILED", "CANCELLED"):
            return status["StateChangeReason"]
        if status["State"] == "SUCCEEDED":
            break
        time.sleep(0.005)
    rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
    return [[cell.get("VarCharValue", "NULL") for cell in row["Data"]] for row in rows]


class SqlFile(pytest.File):
    def collect(self):
        yield SqlItem.from_parent(self, name=self.path.name.removesuffix(".sql.txt"))


class Wrong(Exception):
    pass


class SqlItem(pytest.Item):
    fixturenames = ()

    def runtest(self):
        athena, checks = shared_athena(self.session), parse(self.path.read_text())
        with ThreadPoolExecutor(3) as pool:
            complaints = pool.map(lambda check: check.complaint(ask(athena, check.statement())), checks)
            wrong = [f"  line {check.line}: {check.sql}\n    {complaint}" for check, complaint in zip(checks, complaints) if complaint]
        if wrong:
            raise Wrong(f"{len(wrong)} of {len(checks)}:\n" + "\n".join(wrong))

    def repr_failure(self, excinfo):
        return str(excinfo.value) if excinfo.errisinstance(Wrong) else super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, 0, self.name


def shared_athena(session):
    """One tarn for all files of this test process."""
    if not hasattr(session, "sql_athena"):
        session.sql_folder = tempfile.TemporaryDirectory(prefix="tarn-sql-")
        tarn = Tarn(Path(session.sql_folder.name) / "data")
        session.config.add_cleanup(lambda: (tarn.stop(), session.sql_folder.cleanup()))
        tarn.client("s3").create_bucket(Bucket=BUCKET)
        tarn.client("glue").create_database(DatabaseInput={"Name": "default"})
        session.sql_athena = tarn.client("athena")
    return session.sql_athena
