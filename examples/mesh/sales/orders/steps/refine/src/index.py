"""Orders as Parquet under trusted, and their table in the domain's database. Arguments: --input, --target, --database."""

import json
import sys

import awswrangler as wr
import boto3
import pandas as pd
from awsglue.utils import getResolvedOptions

args = getResolvedOptions(sys.argv, ["input", "target", "database"])
event = json.loads(args["input"])
document = json.loads(boto3.client("s3").get_object(Bucket=event["bucket"], Key=event["key"])["Body"].read())
orders = pd.DataFrame(document["orders"])
if "day" not in document:
    raise ValueError(f"{event['key']} does not say of which day it is")
orders["day"] = document["day"]
wr.s3.to_parquet(orders, path=f"s3://{args['target']}/orders/", dataset=True, partition_cols=["day"], mode="overwrite_partitions",
                 database=args["database"], table="orders")
print(f"{len(orders)} orders of {document['day']}")
