"""Tells the domain's topic what failed."""

import os

import boto3

sns = boto3.client("sns")


def handler(event, context):
    error = event["error"]
    sns.publish(TopicArn=os.environ["TOPIC"], Subject=f"Pipeline {os.environ['PIPELINE']} failed",
                Message=f"{event['bucket']}/{event['key']}\n{error['Error']}: {error['Cause']}")
    return event
