"""The processing job: fetches zips from the web and unpacks their tables for SageMaker to take to the bucket at the end of the job.

    python3 unpack.py URL...        each URL ends in TABLE_YEAR.zip
"""

import shutil
import sys
import urllib.request
import zipfile
from pathlib import Path

OUTPUT = Path("/opt/ml/processing/output")


def unpack(url):
    table, year = Path(url).stem.rsplit("_", 1)
    archive = Path("/tmp") / Path(url).name
    with urllib.request.urlopen(url) as answer, open(archive, "wb") as file:
        shutil.copyfileobj(answer, file)
    with zipfile.ZipFile(archive) as zipped:
        for name in zipped.namelist():
            if name.upper().endswith(".CSV"):
                target = OUTPUT / table / year / Path(name).name
                target.parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(name) as source, open(target, "wb") as file:
                    shutil.copyfileobj(source, file)
                print(url, "->", target.relative_to(OUTPUT), flush=True)
    archive.unlink()


for each in sys.argv[1:]:
    unpack(each)
