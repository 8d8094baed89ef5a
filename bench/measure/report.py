"""What was measured, as sections of docs/BENCHMARKS.md: a section is replaced when its part is measured again."""

import datetime
import os
import platform
import re
import subprocess
from pathlib import Path

HEAD = """# Benchmarks

Written by `bench/run` (`make bench`), which starts tarn and its peers on one machine, loads them by turns in one run (A B A B) with the same client and
takes medians. Ratios are what counts; absolute figures are only for orientation. The figures wanted are those that tarn is built for. A section tells
when, with what and on what machine it was measured.
"""
ORDER = ["sql", "ctas", "s3", "compute", "deploy", "start"]


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")),
                 platform.machine())
    memory = int(next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")).split()[1])
    system = next((line.split("=", 1)[1].strip('"') for line in Path("/etc/os-release").read_text().splitlines()
                   if line.startswith("PRETTY_NAME=")), platform.system())
    return f"{os.cpu_count()} cores ({model}), {memory / 1024 / 1024:.0f} GiB, {system}, Linux {platform.release()}"


def commit(root):
    done = subprocess.run(["git", "log", "-1", "--format=%h"], cwd=root, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


class Section:
    def __init__(self, name, title, conditions, versions):
        self.name, self.title, self.conditions, self.versions = name, title, conditions, versions
        self.load_before = os.getloadavg()[0]
        self.figures, self.rest = [], []

    def figure(self, what, value, direction, wanted, detail="", unit="times"):
        """direction: "at most", "at least", "under"."""
        met = value >= wanted if direction == "at least" else value < wanted if direction == "under" else value <= wanted
        self.figures.append([what, f"{value:.2f} {unit}" if value < 10 else f"{value:.0f} {unit}", f"{direction} {wanted}", "met" if met else "**missed**",
                             detail])

    def left_out(self, what, why):
        row = [what, "not measured", "", "", why]
        if row not in self.figures:
            self.figures.append(row)

    def note(self, text):
        self.rest.append(text)

    def table(self, head, rows):
        self.rest.append(markdown(head, rows) if rows else "(nothing was measured)")

    def text(self, quick):
        when = datetime.datetime.now().strftime("%Y-%m-%d %H:%M")
        out = [f"## {self.title}", f"<!-- {self.name} -->",
               f"{when}, {machine()}; {self.versions}; {self.load_before:.1f} processes were running on average when this was written"
               + (". A quick run: not for keeping" if quick else "") + ".", self.conditions]
        if self.figures:
            out.append(markdown(["what", "measured", "wanted", "", ""], self.figures))
        return "\n\n".join(out + self.rest) + "\n"


def markdown(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def merge(path, texts):
    """Writes the page at `path` with `texts` (name to section) in place of those of the same name."""
    old = {}
    if path.exists():
        for part in re.split(r"(?m)^(?=## )", path.read_text())[1:]:
            if found := re.search(r"<!-- (\w+) -->", part):
                old[found.group(1)] = part.rstrip() + "\n"
    old.update(texts)
    path.write_text("\n".join([HEAD, *(old[name] for name in ORDER if name in old)]))
