"""A domain's lake as a team writes it with the CDK: shared resources in one stack, a pipeline in another that imports them.

Context: `stage` names it, `answer` is what the inline function says (a change that hotswap can take), `bucket` adds one more, `look` a stack of what is
looked up at synthesis, `site` one whose custom resources the CDK provides itself."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_s3_deployment as deployment
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks


class Shared(cdk.Stack):
    """Buckets, database, topic of errors."""

    def __init__(self, scope, stage):
        super().__init__(scope, f"sales-{stage}-shared")
        gone = dict(removal_policy=cdk.RemovalPolicy.DESTROY)
        self.raw = s3.Bucket(self, "Raw", bucket_name=f"sales-{stage}-raw", encryption=s3.BucketEncryption.S3_MANAGED,
                             block_public_access=s3.BlockPublicAccess.BLOCK_ALL, enforce_ssl=True, **gone)
        self.trusted = s3.Bucket(self, "Trusted", bucket_name=f"sales-{stage}-trusted", versioned=True, **gone,
                                 lifecycle_rules=[s3.LifecycleRule(expiration=cdk.Duration.days(90))])
        self.database = glue.CfnDatabase(self, "Database", catalog_id=self.account,
                                         database_input=glue.CfnDatabase.DatabaseInputProperty(name=f"sales_{stage}"))
        self.errors = sns.Topic(self, "Errors", topic_name=f"sales-{stage}-errors")
        self.dead = sqs.Queue(self, "Dead", retention_period=cdk.Duration.days(14))
        self.errors.add_subscription(subscriptions.SqsSubscription(self.dead))
        self.role = iam.Role(self, "GlueRole", role_name=f"sales-{stage}-glue", assumed_by=iam.ServicePrincipal("glue.amazonaws.com"),
                             managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AWSGlueServiceRole")])
        self.raw.grant_read(self.role)
        self.trusted.grant_read_write(self.role)
        crawler = glue.CfnCrawler(self, "Crawler", name=f"sales-{stage}-raw", role=self.role.role_arn, database_name=f"sales_{stage}",
                                  targets=glue.CfnCrawler.TargetsProperty(s3_targets=[glue.CfnCrawler.S3TargetProperty(path=f"s3://{self.raw.bucket_name}/orders/")]))
        crawler.add_resource_dependency(self.database)
        secretsmanager.Secret(self, "Password", secret_name=f"sales/{stage}/db", generate_secret_string=secretsmanager.SecretStringGenerator(
            secret_string_template='{"username": "sales"}', generate_string_key="password", exclude_punctuation=True))
        ssm.StringParameter(self, "Stage", parameter_name=f"/sales/{stage}/bucket", string_value=self.raw.bucket_name)
        cdk.CfnOutput(self, "TopicArn", value=self.errors.topic_arn, export_name=f"sales-{stage}-errors")
        if self.node.try_get_context("bucket"):
            s3.Bucket(self, "More", **gone)


class Pipeline(cdk.Stack):
    """A file that comes starts a function, a choice and a job."""

    def __init__(self, scope, stage, shared):
        super().__init__(scope, f"sales-{stage}-orders")
        answer = self.node.try_get_context("answer") or "one"
        check = lambda_.Function(self, "Check", function_name=f"sales-{stage}-check", runtime=lambda_.Runtime.PYTHON_3_12, handler="index.handler",
                                 code=lambda_.InlineCode(f"def handler(event, context):\n    return {{**event, 'answer': '{answer}'}}\n"))
        start = lambda_.Function(self, "Start", function_name=f"sales-{stage}-start", runtime=lambda_.Runtime.PYTHON_3_12, handler="start.handler",
                                 code=lambda_.Code.from_asset("start"), timeout=cdk.Duration.seconds(30), memory_size=256,
                                 environment={"BUCKET": shared.trusted.bucket_name})
        script = assets.Asset(self, "Script", path="job.py")
        script.grant_read(shared.role)
        job = glue.CfnJob(self, "Job", name=f"sales-{stage}-job", role=shared.role.role_arn, glue_version="4.0", max_retries=0,
                          command=glue.CfnJob.JobCommandProperty(name="pythonshell", python_version="3.9", script_location=script.s3_object_url),
                          max_capacity=0.0625, default_arguments={"--bucket": shared.trusted.bucket_name})
        failed = tasks.SnsPublish(self, "Tell", topic=shared.errors, message=sfn.TaskInput.from_json_path_at("$"))
        run = tasks.GlueStartJobRun(self, "Run", glue_job_name=job.name, integration_pattern=sfn.IntegrationPattern.RUN_JOB, result_path=sfn.JsonPath.DISCARD)
        run.add_catch(failed, errors=["States.ALL"], result_path="$.error")
        steps = tasks.LambdaInvoke(self, "Ask", lambda_function=check, output_path="$.Payload").next(
            sfn.Choice(self, "Which").when(sfn.Condition.string_equals("$.way", "job"), run).otherwise(sfn.Pass(self, "Nothing")))
        machine = sfn.StateMachine(self, "Machine", state_machine_name=f"sales-{stage}-orders", definition_body=sfn.DefinitionBody.from_chainable(steps))
        start.add_environment("MACHINE", machine.state_machine_arn)
        machine.grant_start_execution(start)
        shared.trusted.grant_write(start)
        # The bucket is another stack's, seen by its name: the notification is a custom resource of this one.
        s3.Bucket.from_bucket_name(self, "Landing", f"sales-{stage}-raw").add_event_notification(
            s3.EventType.OBJECT_CREATED, notifications.LambdaDestination(start), s3.NotificationKeyFilter(prefix="orders/", suffix=".json"))
        events.Rule(self, "Nightly", schedule=events.Schedule.cron(minute="0", hour="3"), targets=[targets.SfnStateMachine(machine)])
        cdk.CfnOutput(self, "MachineArn", value=machine.state_machine_arn)
        cdk.CfnOutput(self, "ErrorsArn", value=cdk.Fn.import_value(f"sales-{stage}-errors"))
        cdk.CfnOutput(self, "FromParameter", value=ssm.StringParameter.value_for_string_parameter(self, f"/sales/{stage}/bucket"))


class Looks(cdk.Stack):
    """What the command line finds out before it synthesizes."""

    def __init__(self, scope, stage):
        super().__init__(scope, f"sales-{stage}-looks", env=cdk.Environment(account="000000000000", region="us-east-1"))
        ssm.StringParameter(self, "Copy", parameter_name=f"/sales/{stage}/copy", string_value=ssm.StringParameter.value_from_lookup(self, f"/sales/{stage}/bucket"))
        ssm.StringParameter(self, "Zones", parameter_name=f"/sales/{stage}/zones", string_value=",".join(self.availability_zones[:2]))
        vpc = ec2.Vpc.from_lookup(self, "Network", tags={"team": "lake"})
        ssm.StringParameter(self, "Vpc", parameter_name=f"/sales/{stage}/vpc", string_value=vpc.vpc_id)


class Site(cdk.Stack):
    """Files that are deployed with the stack, in a bucket that is emptied before it goes."""

    def __init__(self, scope, stage):
        super().__init__(scope, f"sales-{stage}-site")
        bucket = s3.Bucket(self, "Bucket", bucket_name=f"sales-{stage}-site", removal_policy=cdk.RemovalPolicy.DESTROY, auto_delete_objects=True)
        deployment.BucketDeployment(self, "Files", sources=[deployment.Source.asset("start")], destination_bucket=bucket, destination_key_prefix="files")
        lambda_.Function(self, "Logged", function_name=f"sales-{stage}-logged", runtime=lambda_.Runtime.PYTHON_3_12, handler="index.handler",
                         code=lambda_.InlineCode("def handler(event, context):\n    return event\n"), log_retention=logs.RetentionDays.ONE_WEEK)


app = cdk.App()
stage = app.node.try_get_context("stage") or "dev"
shared = Shared(app, stage)
Pipeline(app, stage, shared).add_stack_dependency(shared)
if app.node.try_get_context("site"):
    Site(app, stage)
if app.node.try_get_context("look"):
    Looks(app, stage)
app.synth()
