"""Runs *.lake files: one behaviour each, as requests and what they answer. README.md tells how to write one."""

import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import botocore.exceptions
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from running_tarn import Tarn  # noqa: E402


def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".lake":
        return LakeFile.from_parent(parent, path=file_path)


class Failed(Exception):
    pass


def parse_value(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def put(target, path, value):
    """put({}, "a.b", 1) makes {"a": {"b": 1}}."""
    *outer, last = path.split(".")
    for step in outer:
        target = target.setdefault(step, {})
    target[last] = value


def take(source, path):
    """The value at "Buckets.0.Name"; None when it is not there. A name may hold dots if written in []."""
    for step in re.findall(r"\[([^\]]*)\]|([^.\[\]]+)", path):
        step = step[0] or step[1]
        if isinstance(source, list) and step.isdigit():
            source = source[int(step)] if int(step) < len(source) else None
        elif isinstance(source, list) and step == "length":
            source = len(source)
        elif isinstance(source, dict):
            source = source.get(step)
        else:
            return None
    return source


class Step:
    """One request and what is expected of it."""

    def __init__(self, line, text):
        self.line, self.text, self.rows, self.members, self.error = line, text, [], [], None


def parse_steps(text):
    steps, lines, i = [], text.splitlines(), 0
    while i < len(lines):
        line, number = lines[i], i + 1
        i += 1
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("->"):
            steps[-1].rows.append([cell.strip() for cell in stripped[2:].split("|")])
        elif stripped.startswith("=>"):
            steps[-1].members.append(stripped[2:].strip())
        elif stripped.startswith("!!"):
            steps[-1].error = stripped[2:].strip()
        elif line[0] in " \t" and steps:
            steps[-1].text += "\n" + stripped
        else:
            step = Step(number, stripped)
            if stripped.endswith("=<<"):
                body = []
                while lines[i].strip() != "end":
                    body.append(lines[i])
                    i += 1
                i += 1
                step.text = stripped[:-2] + json.dumps("\n".join(body) + "\n")
            steps.append(step)
    return steps


class Runner:
    def __init__(self, tarn, name):
        self.tarn, self.clients, self.bucket = tarn, {}, f"{name}-results"
        self.words = {"NAME": name}

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = self.tarn.client(service)
        return self.clients[service]

    def call(self, service, operation, words):
        client = self.client(service)
        method = next((m for m, op in client.meta.method_to_api_mapping.items() if op == operation), None)
        if not method:
            raise Failed(f"{service} has no operation {operation}")
        arguments = {}
        for path, value in words:
            put(arguments, path, value)
        answer = getattr(client, method)(**arguments)
        if "Body" in answer and hasattr(answer["Body"], "read"):
            answer["Body"] = answer["Body"].read().decode()
        return answer

    def athena(self, sql):
        athena, s3 = self.client("athena"), self.client("s3")
        s3.create_bucket(Bucket=self.bucket)
        query = athena.start_query_execution(QueryString=sql, ResultConfiguration={"OutputLocation": f"s3://{self.bucket}/"})["QueryExecutionId"]
        while True:
            execution = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            state = execution["Status"]["State"]
            if state in ("FAILED", "CANCELLED"):
                raise Failed(f"{state}: {execution['Status'].get('StateChangeReason')}")
            if state == "SUCCEEDED":
                break
            time.sleep(0.02)
        pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query)
        rows = [[cell.get("VarCharValue", "NULL") for cell in row["Data"]] for page in pages for row in page["ResultSet"]["Rows"]]
        return {"QueryExecution": execution, "rows": rows}

    def crawl(self, name):
        glue = self.client("glue")
        glue.start_crawler(Name=name)
        while glue.get_crawler(Name=name)["Crawler"]["State"] != "READY":
            time.sleep(0.02)
        return glue.get_crawler(Name=name)["Crawler"]

    def job(self, name, words):
        glue = self.client("glue")
        run = glue.start_job_run(JobName=name, Arguments={k: str(v) for k, v in words})["JobRunId"]
        while True:
            state = glue.get_job_run(JobName=name, RunId=run)["JobRun"]
            if state["JobRunState"] not in ("STARTING", "RUNNING", "WAITING", "STOPPING"):
                return state
            time.sleep(0.1)

    def fill(self, text):
        return re.sub(r"\$\{(\w+)\}", lambda m: str(self.words[m.group(1)]), text)

    def run(self, step):
        text = self.fill(step.text)
        verb, _, rest = text.partition(" ")
        if verb == "athena" and rest.split(maxsplit=1)[0] not in self.client("athena").meta.method_to_api_mapping.values():
            return self.athena(rest)
        if verb == "crawl":
            return self.crawl(rest.strip())
        if verb == "let":
            name, value = rest.split("=", 1)
            self.words[name.strip()] = value.strip()
            return {}
        decoder, words = json.JSONDecoder(), []
        head, _, tail = rest.partition(" ")
        while tail.strip():
            tail = tail.strip()
            path, value = tail.split("=", 1)
            try:
                parsed, end = decoder.raw_decode(value)
                if end < len(value) and not value[end].isspace():
                    raise ValueError
                tail = value[end:]
            except ValueError:
                parsed, _, tail = re.split(r"(\s|$)", value, maxsplit=1)
            words.append((path, parsed))
        return self.job(head, words) if verb == "job" else self.call(verb, head, words)


def check(step, answer, fill):
    if step.rows and answer.get("rows") != step.rows:
        shown = "\n".join("    -> " + " | ".join(r) for r in answer.get("rows", []))
        raise Failed(f"the rows were\n{shown}")
    for member in step.members:
        path, wanted = (fill(member).split("=", 1) + [None])[:2]
        found = take(answer, path.strip())
        wanted = parse_value(wanted) if wanted is not None else found or "something"
        if found != wanted and str(found) != str(wanted):
            raise Failed(f"{path} is {found!r}, not {wanted!r}")


class LakeFile(pytest.File):
    def collect(self):
        yield LakeItem.from_parent(self, name=self.path.stem)


class LakeItem(pytest.Item):
    fixturenames = ()

    def runtest(self):
        runner = Runner(shared_tarn(self.session), re.sub(r"[^a-z0-9]+", "-", self.path.stem.lower()) + f"-{os.getpid() % 10000}")
        for step in parse_steps(self.path.read_text()):
            self.step = step
            try:
                answer = runner.run(step)
            except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, Failed) as error:
                said = f"{getattr(error, 'response', {}).get('Error', {}).get('Code', '')} {error}"
                if not step.error or step.error not in said:
                    raise Failed(f"line {step.line}: {step.text}\n  answered: {error}" + (f"\n  expected: {step.error}" if step.error else "")) from None
                continue
            if step.error:
                raise Failed(f"line {step.line}: {step.text}\n  was answered, expected: {step.error}")
            try:
                check(step, answer, runner.fill)
            except Failed as wrong:
                raise Failed(f"line {step.line}: {step.text}\n  {wrong}") from None

    def repr_failure(self, excinfo):
        return str(excinfo.value) if excinfo.errisinstance(Failed) else super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, 0, self.path.stem


def shared_tarn(session):
    """One tarn for all scenarios of this test process."""
    if not hasattr(session, "lake_tarn"):
        session.lake_folder = tempfile.TemporaryDirectory(prefix="tarn-scenario-")
        session.lake_tarn = Tarn(Path(session.lake_folder.name) / "data")
        session.config.add_cleanup(lambda: (session.lake_tarn.stop(), session.lake_folder.cleanup()))
    return session.lake_tarn
