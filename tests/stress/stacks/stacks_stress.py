#!/usr/bin/env python3
"""Kills tarn at random moments of stacks' lives and looks whether each operation ends as it must.

    stacks_stress.py [--seconds 30] [--seed N] [--folder DIR]

A stack of queues and a nested stack is created (with a resource that fails, and without), updated (the same), and deleted, again and again. A random
moment after each request tarn gets a SIGKILL, perhaps several in a row. Started again it must finish or roll back what was under way by itself, and the
queues that there are must be exactly those that the stack's end stands for.

The seed, which is printed, decides the moments and nothing else.
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from running_tarn import Tarn  # noqa: E402

STACK = "stress"


def queue(name=None, **properties):
    return {"Type": "AWS::SQS::Queue", "Properties": {**({"QueueName": name} if name else {}), **properties}}


def template(resources):
    return json.dumps({"Resources": resources})


class Stress:
    def __init__(self, tarn, seed):
        self.tarn, self.random = tarn, random.Random(seed)
        self.kills = 0
        s3 = tarn.client("s3")
        s3.create_bucket(Bucket="templates")
        s3.put_object(Bucket="templates", Key="one", Body=template({f"I{n}": queue(f"inner-{n}") for n in range(4)}))
        s3.put_object(Bucket="templates", Key="two", Body=template({f"I{n}": queue(f"inner-{n}", DelaySeconds=3) for n in range(1, 6)}))

    def resources(self, inner, delay):
        out = {f"Q{n}": {**queue(f"q-{n}", DelaySeconds=delay), **({"DependsOn": f"Q{n - 1}"} if n % 3 else {})} for n in range(9)}
        out["Nested"] = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": f"{self.tarn.endpoint}/templates/{inner}"}, "DependsOn": "Q1"}
        out.update({f"Generated{n}": queue(DelaySeconds=n) for n in range(3)})
        return out

    def broken(self, resources):
        policy = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:nowhere", "maxReceiveCount": 3}
        return {**resources, "Broken": {**queue("broken", RedrivePolicy=policy), "DependsOn": ["Q5", "Nested"]}}

    def queues(self):
        """Names that the templates give, and how many the stack made up."""
        urls = self.tarn.client("sqs").list_queues(MaxResults=1000).get("QueueUrls", [])
        names = sorted(url.rsplit("/", 1)[1] for url in urls)
        made_up = [name for name in names if name.startswith(STACK + "-Generated")]
        return [name for name in names if name not in made_up], len(made_up)

    def status(self, stack):
        """Once nothing is under way; None where there is no such stack."""
        cloudformation = self.tarn.client("cloudformation")
        for _ in range(1200):
            try:
                status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            except ClientError:
                return None
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(0.05)
        raise AssertionError(f"{stack} does not come to rest: {status}")

    def ask(self, operation, **request):
        """Asks, kills a moment later, and tells how it ended."""
        cloudformation = self.tarn.client("cloudformation")

        def call():
            try:
                getattr(cloudformation, operation)(**request)
            except (BotoCoreError, ClientError):
                pass  # killed meanwhile

        asked = threading.Thread(target=call)
        asked.start()
        time.sleep(self.random.random() * 0.4)
        for _ in range(self.random.choice([1, 1, 2, 3])):
            self.tarn.kill()
            asked.join()
            self.tarn.start()
            self.kills += 1
            time.sleep(self.random.random() * 0.1)
        return self.status(request["StackName"])

    def until(self, wanted, operation, **request):
        """Asks again where the request was lost, or was rolled back for another reason than what is looked at."""
        for _ in range(50):
            status = self.ask(operation, **request)
            if status == wanted:
                return
            assert status in (None, "CREATE_COMPLETE", "UPDATE_COMPLETE"), f"{operation}: {status}"
        raise AssertionError(f"{operation} never came through")

    def expect(self, what, names, made_up):
        found = self.queues()
        assert found == (sorted(names), made_up), f"after {what}: {found}"

    def round(self):
        first = [f"q-{n}" for n in range(9)] + [f"inner-{n}" for n in range(4)]
        second = [f"q-{n}" for n in range(9)] + [f"inner-{n}" for n in range(1, 6)] + ["new"]
        self.until("ROLLBACK_COMPLETE", "create_stack", StackName=STACK, TemplateBody=template(self.broken(self.resources("one", 0))))
        self.expect("a failed creation", [], 0)
        self.tarn.client("cloudformation").delete_stack(StackName=STACK)
        self.status(STACK)
        self.until("CREATE_COMPLETE", "create_stack", StackName=STACK, TemplateBody=template(self.resources("one", 0)))
        self.expect("a creation", first, 3)
        self.until("UPDATE_ROLLBACK_COMPLETE", "update_stack", StackName=STACK, TemplateBody=template(self.broken(self.resources("two", 4))))
        self.expect("a failed update", first, 3)
        changed = {**self.resources("two", 6), "New": queue("new")}
        for _ in range(50):
            if self.ask("update_stack", StackName=STACK, TemplateBody=template(changed)) == "UPDATE_COMPLETE":
                break
        self.expect("an update", second, 3)
        stack_id = self.tarn.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackId"]
        self.until("DELETE_COMPLETE", "delete_stack", StackName=stack_id)
        self.expect("a deletion", [], 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--folder")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="stacks-stress-", dir=options.folder) as folder:
        tarn = Tarn(Path(folder) / "data")
        try:
            stress, rounds, end = Stress(tarn, options.seed), 0, time.monotonic() + options.seconds
            while rounds == 0 or time.monotonic() < end:
                stress.round()
                rounds += 1
        finally:
            tarn.stop()
    print(f"{rounds} lives of a stack, killed {stress.kills} times, each ended as it must")


if __name__ == "__main__":
    main()
