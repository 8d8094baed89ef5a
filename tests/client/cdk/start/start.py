"""Starts the pipeline for each object that came."""

import json
import os

import boto3


def handler(event, context):
    states = boto3.client("stepfunctions")
    for record in event.get("Records", []):
        states.start_execution(stateMachineArn=os.environ["MACHINE"], input=json.dumps({"key": record["s3"]["object"]["key"], "way": "job"}))
    return {"started": len(event.get("Records", []))}
