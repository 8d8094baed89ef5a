"""Sets up what brings the zips by itself: a repository for the image of unpack/, and the function that starts it.

    python ingest.py repository             prints the repository's URI, to push the image of unpack/ to
    python ingest.py function BUCKET IMAGE  IMAGE as it was pushed
"""

import io
import sys
import zipfile
from pathlib import Path

import boto3

ROLE = "arn:aws:iam::000000000000:role/census-lake"
REPOSITORY, FUNCTION = "census-unpack", "census-ingest"


def create_repository():
    return boto3.client("ecr").create_repository(repositoryName=REPOSITORY)["repository"]["repositoryUri"]


def create_function(bucket, image):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.write(Path(__file__).with_name("ingest_function.py"), "ingest_function.py")
    boto3.client("lambda").create_function(FunctionName=FUNCTION, Runtime="python3.12", Handler="ingest_function.handler", Role=ROLE, Timeout=60, MemorySize=256,
                                           Code={"ZipFile": code.getvalue()}, Environment={"Variables": {"BUCKET": bucket, "IMAGE": image, "ROLE": ROLE}})


if __name__ == "__main__":
    print(create_repository()) if sys.argv[1] == "repository" else create_function(*sys.argv[2:])
