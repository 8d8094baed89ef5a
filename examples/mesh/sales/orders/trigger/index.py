"""Starts the pipeline once for each object that it is told of (by S3), or for the object that an event names."""

import json
import os
import urllib.parse

import boto3

states = boto3.client("stepfunctions")


def objects(event):
    if "Records" in event:
        for record in event["Records"]:
            yield record["s3"]["bucket"]["name"], urllib.parse.unquote_plus(record["s3"]["object"]["key"])
    else:
        yield event["detail"]["bucket"], event["detail"]["key"]


def handler(event, context):
    started = []
    for bucket, key in objects(event):
        run = states.start_execution(stateMachineArn=os.environ["MACHINE"], input=json.dumps({"bucket": bucket, "key": key}))
        started.append(run["executionArn"])
    return started
