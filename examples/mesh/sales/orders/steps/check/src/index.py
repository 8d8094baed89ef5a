"""Looks whether the object holds orders: {"orders": [{"id": ..., "product": ..., "value": ...}, ...]}."""

import json

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    document = json.loads(s3.get_object(Bucket=event["bucket"], Key=event["key"])["Body"].read())
    orders = document["orders"]
    bad = [order for order in orders if not isinstance(order.get("value"), (int, float)) or order["value"] < 0]
    return {**event, "orders": len(orders), "rejected": len(bad), "valid": bool(orders) and not bad}
