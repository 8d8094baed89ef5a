# Roles, functions and state machines.

data "aws_iam_policy_document" "trust" {
  for_each = toset(["glue", "lambda", "states", "scheduler", "events", "ec2"])
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "glue" {
  name                 = "terraform-glue"
  description          = var.changed ? "of jobs and crawlers, changed" : "of jobs and crawlers"
  assume_role_policy   = data.aws_iam_policy_document.trust["glue"].json
  max_session_duration = 7200
  tags                 = { lake = "yes" }
}

resource "aws_iam_role_policy_attachment" "glue" {
  role       = aws_iam_role.glue.name
  policy_arn = "arn:${data.aws_partition.here.partition}:iam::aws:policy/service-role/AWSGlueServiceRole"
}

data "aws_iam_policy" "athena" {
  name = "AmazonAthenaFullAccess"
}

resource "aws_iam_role_policy_attachment" "athena" {
  role       = aws_iam_role.glue.name
  policy_arn = data.aws_iam_policy.athena.arn
}

resource "aws_iam_policy" "lake" {
  name        = "terraform-lake"
  description = "reads and writes the lake"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = var.changed ? ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"] : ["s3:GetObject", "s3:PutObject"], Resource = "${aws_s3_bucket.lake.arn}/*" }]
  })
}

resource "aws_iam_role_policy_attachment" "lake" {
  role       = aws_iam_role.glue.name
  policy_arn = aws_iam_policy.lake.arn
}

resource "aws_iam_role_policy" "keys" {
  name   = "keys"
  role   = aws_iam_role.glue.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.lake.arn }] })
}

resource "aws_iam_role" "lambda" {
  name               = "terraform-lambda"
  path               = "/functions/"
  assume_role_policy = data.aws_iam_policy_document.trust["lambda"].json
}

resource "aws_iam_role_policy_attachment" "lambda" {
  role       = aws_iam_role.lambda.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role" "states" {
  name               = "terraform-states"
  assume_role_policy = data.aws_iam_policy_document.trust["states"].json
}

resource "aws_iam_instance_profile" "notebook" {
  name = "terraform-notebook"
  role = aws_iam_role.notebook.name
  tags = { lake = "yes" }
}

resource "aws_iam_role" "notebook" {
  name               = "terraform-notebook"
  assume_role_policy = data.aws_iam_policy_document.trust["ec2"].json
}

resource "aws_iam_group" "analysts" {
  name = "terraform-analysts"
}

resource "aws_iam_user" "ana" {
  name = "terraform-ana"
  tags = { team = var.changed ? "two" : "one" }
}

resource "aws_iam_user_group_membership" "ana" {
  user   = aws_iam_user.ana.name
  groups = [aws_iam_group.analysts.name]
}

resource "aws_iam_group_policy_attachment" "analysts" {
  group      = aws_iam_group.analysts.name
  policy_arn = aws_iam_policy.lake.arn
}

resource "aws_iam_openid_connect_provider" "github" {
  url             = "https://token.actions.githubusercontent.com"
  client_id_list  = var.changed ? ["sts.amazonaws.com", "lake"] : ["sts.amazonaws.com"]
  thumbprint_list = ["6938fd4d98bab03faadb97b34396831e3780aea1"]
}

resource "aws_iam_service_linked_role" "lakeformation" {
  aws_service_name = "lakeformation.amazonaws.com"
}

resource "aws_iam_account_alias" "lake" {
  account_alias = "terraform-lake-account"
}

resource "aws_lambda_layer_version" "helpers" {
  layer_name          = "terraform-faker"
  filename            = "${path.module}/code/layer.zip"
  source_code_hash    = filebase64sha256("${path.module}/code/layer.zip")
  compatible_runtimes = ["python3.10", "python3.11"]
}

resource "aws_lambda_function" "load" {
  function_name    = "terraform-load"
  role             = aws_iam_role.lambda.arn
  handler          = "handler.main"
  runtime          = "python3.11"
  filename         = "${path.module}/code/function.zip"
  source_code_hash = filebase64sha256("${path.module}/code/function.zip")
  layers           = [aws_lambda_layer_version.helpers.arn]
  timeout          = var.changed ? 120 : 60
  memory_size      = 256
  publish          = true
  environment {
    variables = { BUCKET = aws_s3_bucket.lake.id }
  }
  dead_letter_config {
    target_arn = aws_sqs_queue.dead.arn
  }
  tracing_config {
    mode = "PassThrough"
  }
  tags = { lake = "yes" }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.load.function_name
  function_version = aws_lambda_function.load.version
}

resource "aws_lambda_permission" "bucket" {
  statement_id   = "bucket"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.load.function_name
  principal      = "s3.amazonaws.com"
  source_arn     = aws_s3_bucket.lake.arn
  source_account = local.account
}

resource "aws_lambda_permission" "schedule" {
  statement_id  = "schedule"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.load.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.daily.arn
}

resource "aws_lambda_event_source_mapping" "arrivals" {
  event_source_arn                   = aws_sqs_queue.arrivals.arn
  function_name                      = aws_lambda_function.load.arn
  batch_size                         = var.changed ? 5 : 10
  maximum_batching_window_in_seconds = 5
  function_response_types            = ["ReportBatchItemFailures"]
}

resource "aws_lambda_function_event_invoke_config" "load" {
  function_name                = aws_lambda_function.load.function_name
  maximum_event_age_in_seconds = 3600
  maximum_retry_attempts       = var.changed ? 0 : 1
  destination_config {
    on_failure {
      destination = aws_sns_topic.errors.arn
    }
  }
}

resource "aws_sfn_state_machine" "pipeline" {
  name     = "terraform-pipeline"
  role_arn = aws_iam_role.states.arn
  type     = "STANDARD"
  definition = jsonencode({
    Comment = var.changed ? "changed" : "load, then transform"
    StartAt = "Load"
    States = {
      Load = { Type = "Task", Resource = "arn:aws:states:::lambda:invoke", Parameters = { FunctionName = aws_lambda_function.load.arn, "Payload.$" = "$" }, Next = "Transform",
      Catch = [{ ErrorEquals = ["States.ALL"], Next = "Tell" }] }
      Transform = { Type = "Task", Resource = "arn:aws:states:::glue:startJobRun.sync", Parameters = { JobName = aws_glue_job.silver.name }, End = true }
      Tell      = { Type = "Task", Resource = "arn:aws:states:::sns:publish", Parameters = { TopicArn = aws_sns_topic.errors.arn, "Message.$" = "States.JsonToString($)" }, End = true }
    }
  })
  logging_configuration {
    log_destination        = "${aws_cloudwatch_log_group.states.arn}:*"
    include_execution_data = true
    level                  = "ERROR"
  }
  tags = { lake = "yes" }
}
