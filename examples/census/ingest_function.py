"""The function that starts the processing job: its event names the zips, {"urls": ["http://…/escolas_2022.zip"]}."""

import os
import time

import boto3


def handler(event, context):
    name = f"census-ingest-{int(time.time() * 1000)}"
    boto3.client("sagemaker").create_processing_job(
        ProcessingJobName=name,
        RoleArn=os.environ["ROLE"],
        AppSpecification={"ImageUri": os.environ["IMAGE"], "ContainerArguments": event["urls"]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}},
        ProcessingOutputConfig={"Outputs": [{"OutputName": "raw", "S3Output": {
            "S3Uri": f"s3://{os.environ['BUCKET']}/raw", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}}]},
        StoppingCondition={"MaxRuntimeInSeconds": 3600},
    )
    return name
