"""Puts the object aside."""

import boto3

import places

s3 = boto3.client("s3")


def handler(event, context):
    key = f"rejected/{event['key']}"
    s3.copy_object(Bucket=places.bucket("raw"), Key=key, CopySource={"Bucket": event["bucket"], "Key": event["key"]})
    return {**event, "aside": key}
