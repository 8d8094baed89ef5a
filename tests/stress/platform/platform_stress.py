#!/usr/bin/env python3
"""Kills a whole tarn at random moments and looks whether anything acknowledged was lost.

    platform_stress.py [--mode kill|full] [--seconds 30] [--seed N] [--workers 4] [--folder DIR]

kill: workers, each with names of its own, do random work through the HTTP API: objects put, copied, uploaded in parts and deleted, databases, tables
and partitions made, changed and dropped, CREATE TABLE AS and INSERT by Athena, jobs, users and policies. At a random moment tarn gets a SIGKILL. It is
started again over the same folder, and everything is compared with the model that the workers kept: what was acknowledged must be there, byte for
byte; the one operation of each worker that was under way must have happened as a whole or not at all, and a query that says it succeeded (failed) must
have (not) written. So it goes on until the time is over.

full: the data folder is on a small disk of its own (a tmpfs, which needs root; else it says so and passes). It is filled by objects, then by a foreign
file to the last byte, and emptied, again and again while the work goes on. Now operations may be refused, by a 5xx error and without a trace; deleting
must work as long as tarn's own reserve is not used up, and all must work again once there is space.

The operations follow from the seed, which is printed; when they meet the kill does not.
"""

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from running_tarn import Tarn  # noqa: E402

BUCKET, MB = "stress", 1 << 20
SIZES = [0, 1, 700, 5_000, 33_000, 120_000, 900_000]
GONE = None


class Lost(AssertionError):
    pass


def body_of(seed, size):
    return random.Random(seed).randbytes(size)


class Clients:
    """One worker's own connections to the tarn that runs now. Nothing is sent twice."""

    def __init__(self, endpoint):
        session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=120, max_pool_connections=2)
        for service in ("s3", "glue", "athena", "iam"):
            setattr(self, service, session.client(service, endpoint_url=endpoint, config=config))


class Refused(Exception):
    """A query that failed, of its own accord or because the disk was full."""


class Operation:
    """What a worker is about to do: the things that it changes, and what they will be then (GONE: not there)."""

    def __init__(self, name, changes, act):
        self.name, self.changes, self.act, self.query_id = name, changes, act, None


class Worker:
    """Names of its own, and a model of what stands under them. A thing is a tuple: ("object", key), ("database", name), ("table", database, name),
    ("partition", database, table, value), ("rows", database, table), ("job", name), ("user", name), ("policy", user)."""

    def __init__(self, number, seed, endpoint):
        self.number, self.random, self.model, self.clients = number, random.Random(f"{seed}/{number}"), {}, Clients(endpoint)
        self.under_way = None
        self.counts, self.refused = Counter(), Counter()

    # ---- what to do next

    def choose(self):
        kinds = [self.put] * 6 + [self.copy] * 2 + [self.delete] * 2 + [self.multipart] + [self.database] + [self.table] * 3 + [self.partitions] * 3
        kinds += [self.sql] * 3 + [self.drop_table, self.drop_database] + [self.job] * 2 + [self.user] * 2 + [self.policy]
        while True:
            operation = self.random.choice(kinds)()
            if operation:
                return operation

    def having(self, kind):
        return sorted(thing for thing in self.model if thing[0] == kind)

    def any(self, kind):
        things = self.having(kind)
        return self.random.choice(things) if things else None

    def key(self):
        return f"w{self.number}/{self.random.choice(['', 'deep/a/', 'deep/b c/'])}{self.random.randrange(8)}"

    def put(self):
        key, seed, size, tag = self.key(), self.random.getrandbits(40), self.random.choice(SIZES), str(self.random.getrandbits(20))

        def act(c):
            c.s3.put_object(Bucket=BUCKET, Key=key, Body=body_of(seed, size), Metadata={"tag": tag})

        return Operation("put", {("object", key): ([[seed, size]], tag)}, act)

    def copy(self):
        source, key = self.any("object"), self.key()
        if not source or source[1] == key:
            return None
        return Operation("copy", {("object", key): self.model[source]},
                         lambda c: c.s3.copy_object(Bucket=BUCKET, Key=key, CopySource={"Bucket": BUCKET, "Key": source[1]}))

    def delete(self):
        thing = self.any("object")
        return thing and Operation("delete", {thing: GONE}, lambda c: c.s3.delete_object(Bucket=BUCKET, Key=thing[1]))

    def multipart(self):
        key, tag = self.key(), str(self.random.getrandbits(20))
        pieces = [[self.random.getrandbits(40), 5 * MB], [self.random.getrandbits(40), self.random.choice(SIZES)]]

        def act(c):
            upload = {"Bucket": BUCKET, "Key": key}
            upload["UploadId"] = c.s3.create_multipart_upload(**upload, Metadata={"tag": tag})["UploadId"]
            parts = [{"PartNumber": n, "ETag": c.s3.upload_part(**upload, PartNumber=n, Body=body_of(*piece))["ETag"]} for n, piece in enumerate(pieces, 1)]
            c.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})

        return Operation("multipart", {("object", key): (pieces, tag)}, act)

    def database(self):
        name, text = f"w{self.number}_d{self.random.randrange(3)}", f"text {self.random.getrandbits(20)}"
        given = {"Name": name, "Description": text}
        if ("database", name) in self.model:
            return Operation("change database", {("database", name): text}, lambda c: c.glue.update_database(Name=name, DatabaseInput=given))
        return Operation("create database", {("database", name): text}, lambda c: c.glue.create_database(DatabaseInput=given))

    def drop_database(self):
        database = self.any("database")
        if not database or self.random.random() < 0.5:
            return None
        below = {t: GONE for t in self.model if t[0] in ("table", "partition", "rows") and t[1] == database[1]}
        return Operation("drop database", {database: GONE, **below}, lambda c: c.glue.delete_database(Name=database[1]))

    def table(self):
        database = self.any("database")
        if not database:
            return None
        thing = ("table", database[1], f"t{self.random.randrange(3)}")
        columns = [f"c{n}" for n in range(self.random.randrange(1, 40))]
        given = {"Name": thing[2], "PartitionKeys": [{"Name": "p", "Type": "string"}], "TableType": "EXTERNAL_TABLE",
                 "StorageDescriptor": {"Location": f"s3://{BUCKET}/none/", "Columns": [{"Name": c, "Type": "int"} for c in columns]}}
        call = "update_table" if thing in self.model else "create_table"
        return Operation(call, {thing: columns}, lambda c: getattr(c.glue, call)(DatabaseName=thing[1], TableInput=given))

    def drop_table(self):
        table = self.any("table")
        if not table:
            return None
        below = {t: GONE for t in self.model if t[0] in ("partition", "rows") and t[1:3] == table[1:]}
        return Operation("drop table", {table: GONE, **below}, lambda c: c.glue.delete_table(DatabaseName=table[1], Name=table[2]))

    def partitions(self):
        table = self.any("table")
        if not table or ("rows", *table[1:]) in self.model:
            return None
        there = sorted(t for t in self.model if t[0] == "partition" and t[1:3] == table[1:])
        where = {"DatabaseName": table[1], "TableName": table[2]}
        if there and self.random.random() < 0.4:
            going = there[:self.random.randrange(1, 20)]
            return Operation("delete partitions", {t: GONE for t in going},
                             lambda c: c.glue.batch_delete_partition(**where, PartitionsToDelete=[{"Values": [t[3]]} for t in going]))
        values = sorted({str(self.random.randrange(60)) for _ in range(20)} - {t[3] for t in there})
        given = {v: f"s3://{BUCKET}/none/{v}/{self.random.getrandbits(20)}/" for v in values}
        return values and Operation(
            "create partitions", {("partition", *table[1:], v): given[v] for v in values},
            lambda c: c.glue.batch_create_partition(**where, PartitionInputList=[{"Values": [v], "StorageDescriptor": {"Location": given[v]}} for v in values]))

    def sql(self):
        database = self.any("database")
        if not database:
            return None
        rows = self.any("rows")
        count = self.random.choice([1, 10, 5000])
        first = self.random.randrange(1_000_000)
        numbers = f"SELECT n + {first} AS v FROM UNNEST(sequence(0, {count - 1})) AS s(n)"
        total = sum(range(first, first + count))
        if rows and self.random.random() < 0.6:
            before = self.model[rows]
            operation = Operation("insert", {rows: (before[0] + count, before[1] + total)}, None)
            operation.act = lambda c: self.query(c, operation, f'INSERT INTO "{rows[1]}"."{rows[2]}" {numbers}')
            return operation
        name = f"q{self.random.getrandbits(40)}"
        changes = {("rows", database[1], name): (count, total), ("table", database[1], name): ["v"]}
        operation = Operation("create table as", changes, None)
        kind = self.random.choice(["PARQUET", "TEXTFILE", "JSON"])
        text = f"CREATE TABLE {database[1]}.{name} WITH (format = '{kind}', external_location = 's3://{BUCKET}/q/{name}/') AS {numbers}"
        operation.act = lambda c: self.query(c, operation, text)
        return operation

    @staticmethod
    def query(c, operation, text):
        """Runs it to its end. Returns its id."""
        id = c.athena.start_query_execution(QueryString=text, ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"})["QueryExecutionId"]
        if operation:
            operation.query_id = id
        end = time.monotonic() + 120
        while time.monotonic() < end:
            status = c.athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                return id
            if status["State"] in ("FAILED", "CANCELLED"):
                raise Refused(f"{text}: {status.get('StateChangeReason')}")
            time.sleep(0.01)
        raise Lost(f"query {id} has no end: it is {status['State']}")

    def job(self):
        name, text = f"w{self.number}-j{self.random.randrange(4)}", f"text {self.random.getrandbits(20)}"
        given = {"Role": "r", "Description": text, "Command": {"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/none.py"}}
        thing = ("job", name)
        if thing not in self.model:
            return Operation("create job", {thing: text}, lambda c: c.glue.create_job(Name=name, **given))
        if self.random.random() < 0.5:
            return Operation("delete job", {thing: GONE}, lambda c: c.glue.delete_job(JobName=name))
        return Operation("update job", {thing: text}, lambda c: c.glue.update_job(JobName=name, JobUpdate=given))

    def user(self):
        name = f"w{self.number}-u{self.random.randrange(4)}"
        thing = ("user", name)
        if thing not in self.model:
            return Operation("create user", {thing: f"/p{self.number}/"}, lambda c: c.iam.create_user(UserName=name, Path=f"/p{self.number}/"))
        if ("policy", name) in self.model:
            return Operation("delete policy", {("policy", name): GONE}, lambda c: c.iam.delete_user_policy(UserName=name, PolicyName="own"))
        return Operation("delete user", {thing: GONE}, lambda c: c.iam.delete_user(UserName=name))

    def policy(self):
        user = self.any("user")
        if not user:
            return None
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::b{self.random.getrandbits(30)}"}]}
        return Operation("put policy", {("policy", user[1]): document},
                         lambda c: c.iam.put_user_policy(UserName=user[1], PolicyName="own", PolicyDocument=json.dumps(document)))

    # ---- doing it

    def work(self, stop, may_be_refused):
        """Until tarn is gone, or until `stop`."""
        c = self.clients
        while not stop.is_set():
            operation = self.under_way = self.choose()
            try:
                operation.act(c)
            except (ClientError, Refused) as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"] if isinstance(error, ClientError) else 503
                if not may_be_refused or status < 500:
                    raise Lost(f"{operation.name} {sorted(operation.changes)}: {error}") from error
                self.refused[operation.name] += 1
                self.settle(c)
                continue
            except (BotoCoreError, OSError):
                return  # killed: it stays under way
            self.counts[operation.name] += 1
            self.apply(operation)

    def apply(self, operation):
        for thing, value in operation.changes.items():
            if value is GONE:
                self.model.pop(thing, None)
            else:
                self.model[thing] = value
        self.under_way = None

    # ---- comparing

    def settle(self, c):
        """Finds out whether what was under way has happened, as a whole or not at all."""
        operation, self.under_way = self.under_way, None
        if not operation:
            return
        now = {thing: read(c, thing) for thing in operation.changes}
        before = {thing: self.model.get(thing, GONE) for thing in operation.changes}
        happened, not_happened = now == shown(operation.changes), now == shown(before)
        if operation.query_id:
            state = c.athena.get_query_execution(QueryExecutionId=operation.query_id)["QueryExecution"]["Status"]["State"]
            happened, not_happened = happened and state == "SUCCEEDED", not_happened and state in ("FAILED", "CANCELLED")
        if operation.name in ("create partitions", "delete partitions"):  # AWS makes no promise about a batch as a whole
            happened = all(now[t] in (shown(before)[t], shown(operation.changes)[t]) for t in now)
            operation.changes = {t: operation.changes[t] if now[t] == shown(operation.changes)[t] else before[t] for t in now}
        if happened:
            self.apply(operation)
        elif not not_happened:
            raise Lost(f"half of {operation.name}: was {shown(before)}, should be that or {shown(operation.changes)}, is {now}")

    def compare(self):
        c = self.clients
        self.settle(c)
        for thing, value in self.model.items():
            found = read(c, thing)
            if found != shown({thing: value})[thing]:
                raise Lost(f"{thing} should be {str(value)[:300]}, is {str(found)[:300]}")
        # Nothing else is there.
        pages = c.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"w{self.number}/")
        same("objects", {o["Key"] for page in pages for o in page.get("Contents", [])}, {t[1] for t in self.having("object")})
        pages = c.glue.get_paginator("get_databases").paginate()
        names = {d["Name"] for page in pages for d in page["DatabaseList"] if d["Name"].startswith(f"w{self.number}_")}
        same("databases", names, {t[1] for t in self.having("database")})
        for database in names:
            pages = c.glue.get_paginator("get_tables").paginate(DatabaseName=database)
            same(f"tables of {database}", {t["Name"] for page in pages for t in page["TableList"]},
                 {t[2] for t in self.having("table") if t[1] == database})
        for _, database, table in self.having("table"):
            pages = c.glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=table)
            same(f"partitions of {database}.{table}", {p["Values"][0] for page in pages for p in page["Partitions"]},
                 {t[3] for t in self.having("partition") if t[1:3] == (database, table)})
        users = c.iam.list_users(PathPrefix=f"/p{self.number}/")["Users"]
        same("users", {u["UserName"] for u in users}, {t[1] for t in self.having("user")})


def same(what, found, expected):
    if found != expected:
        raise Lost(f"{what}: too many {sorted(found - expected)[:5]}, missing {sorted(expected - found)[:5]}")


def shown(things):
    """As read() tells them."""

    def one(thing, value):
        if value is GONE or thing[0] != "object":
            return value
        pieces, tag = value
        return hashlib.sha256(b"".join(body_of(*piece) for piece in pieces)).hexdigest(), tag

    return {thing: one(thing, value) for thing, value in things.items()}


def read(c, thing):
    kind, *names = thing
    for _ in range(300):
        try:
            return READERS[kind](c, *names)
        except Refused:  # a query writes its results: it works again when the disk is no longer full
            time.sleep(0.1)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "EntityNotFoundException", "NoSuchEntity"):
                return GONE
            if kind != "rows" or error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                raise Lost(f"{thing} can't be read: {error}") from error
            time.sleep(0.1)
    raise Lost(f"{thing} can't be queried")


def read_object(c, key):
    got = c.s3.get_object(Bucket=BUCKET, Key=key)
    return hashlib.sha256(got["Body"].read()).hexdigest(), got["Metadata"]["tag"]


def read_rows(c, database, table):
    c.glue.get_table(DatabaseName=database, Name=table)
    id = Worker.query(c, None, f'SELECT count(*), sum(v) FROM "{database}"."{table}"')
    values = c.athena.get_query_results(QueryExecutionId=id)["ResultSet"]["Rows"][1]["Data"]
    return tuple(int(v["VarCharValue"]) for v in values)


READERS = {
    "object": read_object,
    "database": lambda c, name: c.glue.get_database(Name=name)["Database"]["Description"],
    "table": lambda c, database, name: [x["Name"] for x in c.glue.get_table(DatabaseName=database, Name=name)["Table"]["StorageDescriptor"]["Columns"]],
    "partition": lambda c, database, table, value: c.glue.get_partition(
        DatabaseName=database, TableName=table, PartitionValues=[value])["Partition"]["StorageDescriptor"]["Location"],
    "rows": read_rows,
    "job": lambda c, name: c.glue.get_job(JobName=name)["Job"]["Description"],
    "user": lambda c, name: c.iam.get_user(UserName=name)["User"]["Path"],
    "policy": lambda c, user: c.iam.get_user_policy(UserName=user, PolicyName="own")["PolicyDocument"],
}


def in_threads(workers, do):
    """do(worker) for each at once; what one throws comes out."""
    failures = []

    def guarded(worker):
        try:
            do(worker)
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    return threads, failures


def joined(threads, failures):
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def compare_all(workers):
    joined(*in_threads(workers, Worker.compare))


def done(workers):
    return sum(sum(worker.counts.values()) for worker in workers)


def run_kill(tarn, workers, chance, end):
    kills = 0
    while time.monotonic() < end:
        stop = threading.Event()
        threads, failures = in_threads(workers, lambda worker: worker.work(stop, False))
        enough = done(workers) + chance.randrange(5, 120)
        while done(workers) < enough and not failures and time.monotonic() < end + 10:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.05))
        if not failures:
            tarn.kill()
        stop.set()
        joined(threads, failures)
        kills += 1
        tarn.start()
        compare_all(workers)
    return f"{kills} kills"


def run_full(tarn, workers, chance, end, disk):
    ballast, rounds = disk / "ballast", 0
    filler = Clients(tarn.endpoint).s3
    while time.monotonic() < end or rounds == 0:
        stop = threading.Event()
        threads, failures = in_threads(workers, lambda worker: worker.work(stop, True))
        # By objects, until one is refused; deleting works all the same.
        keys = []
        while not failures:
            try:
                key = f"filler/{len(keys)}"
                filler.put_object(Bucket=BUCKET, Key=key, Body=bytes(8 * MB))
                keys.append(key)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 503:
                    raise Lost(f"a full disk is answered by {error.response}") from error
                break
        if not failures and keys:
            filler.delete_object(Bucket=BUCKET, Key=keys.pop())
        time.sleep(chance.uniform(0.2, 0.6))
        # By somebody else, to the last byte.
        try:
            with open(ballast, "wb") as file:
                while True:
                    file.write(bytes(MB))
                    file.flush()
        except OSError:
            pass
        time.sleep(chance.uniform(0.5, 1.5))
        ballast.unlink()
        for key in keys:
            filler.delete_object(Bucket=BUCKET, Key=key)
        time.sleep(chance.uniform(0.2, 0.6))
        stop.set()
        joined(threads, failures)
        rounds += 1
        compare_all(workers)
        # All works again.
        for worker in workers:
            operation = worker.under_way = worker.put()
            operation.act(worker.clients)
            worker.apply(operation)
    tarn.kill()
    tarn.start()
    compare_all(workers)
    return f"{rounds} times full, {sum(sum(w.refused.values()) for w in workers)} operations refused"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=["kill", "full"], default="kill")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--folder", help="stays afterwards; else a temporary one that stays only after a failure")
    options = parser.parse_args()
    print(f"platform_stress: mode {options.mode}, seed {options.seed}", flush=True)
    folder = Path(options.folder or tempfile.mkdtemp(prefix="tarn-platform-stress-"))
    disk = folder / "disk"
    disk.mkdir(parents=True, exist_ok=True)
    if options.mode == "full" and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=320m", "tmpfs", str(disk)], capture_output=True).returncode != 0:
        print("platform_stress: skipped: a small disk can't be mounted (that needs root)")
        shutil.rmtree(folder)
        return 0
    chance = random.Random(f"{options.seed}/kills")
    tarn = Tarn(disk / "data", "--quiet")
    workers = [Worker(n, options.seed, tarn.endpoint) for n in range(options.workers)]
    passed = False
    try:
        Clients(tarn.endpoint).s3.create_bucket(Bucket=BUCKET)
        end = time.monotonic() + options.seconds
        told = run_kill(tarn, workers, chance, end) if options.mode == "kill" else run_full(tarn, workers, chance, end, disk)
        passed = True
    except Lost as lost:
        print(f"platform_stress: FAILED (seed {options.seed}, data in {disk}): {lost}")
    finally:
        if tarn.process:
            tarn.kill()
        if passed and options.mode == "full":
            subprocess.run(["umount", "--lazy", str(disk)], check=True)
        if passed and not options.folder:
            shutil.rmtree(folder)
    if passed:
        counts = sum((worker.counts for worker in workers), Counter())
        print(f"platform_stress: passed: {told}, {sum(counts.values())} operations acknowledged ({', '.join(f'{n} {k}' for k, n in counts.most_common())})")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
