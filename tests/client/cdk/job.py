"""What the Glue job runs."""

import sys

import boto3
from awsglue.utils import getResolvedOptions

bucket = getResolvedOptions(sys.argv, ["bucket"])["bucket"]
boto3.client("s3").put_object(Bucket=bucket, Key="orders/done.txt", Body=b"done")
