# Events, schedules, topics, queues, logs, secrets and parameters.

resource "aws_sns_topic" "errors" {
  name         = "terraform-errors"
  display_name = var.changed ? "Errors!" : "Errors"
  tags         = { lake = "yes" }
}

data "aws_iam_policy_document" "publishers" {
  statement {
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.errors.arn]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com", "s3.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_sns_topic_policy" "errors" {
  arn    = aws_sns_topic.errors.arn
  policy = data.aws_iam_policy_document.publishers.json
}

resource "aws_sns_topic_subscription" "queue" {
  topic_arn            = aws_sns_topic.errors.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.arrivals.arn
  raw_message_delivery = var.changed
  filter_policy        = jsonencode({ stage = ["prd"] })
}

resource "aws_sqs_queue" "dead" {
  name                      = "terraform-dead"
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "arrivals" {
  name                       = "terraform-arrivals"
  visibility_timeout_seconds = var.changed ? 800 : 720
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 4
  })
  tags = { lake = "yes" }
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.arrivals.arn]
  })
}

resource "aws_sqs_queue_policy" "arrivals" {
  queue_url = aws_sqs_queue.arrivals.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Senders"
      Effect    = "Allow"
      Principal = { Service = ["s3.amazonaws.com", "sns.amazonaws.com", "events.amazonaws.com"] }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.arrivals.arn
    }]
  })
}

resource "aws_sqs_queue" "ordered" {
  name                        = "terraform-ordered.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
}

resource "aws_cloudwatch_event_bus" "lake" {
  name = "terraform-lake"
}

resource "aws_cloudwatch_event_rule" "daily" {
  name                = "terraform-daily"
  description         = var.changed ? "every day, changed" : "every day"
  schedule_expression = "cron(0 5 * * ? *)"
}

resource "aws_cloudwatch_event_target" "daily" {
  rule      = aws_cloudwatch_event_rule.daily.name
  target_id = "load"
  arn       = aws_lambda_function.load.arn
  input     = jsonencode({ day = var.changed ? "yesterday" : "today" })
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 2
  }
}

resource "aws_cloudwatch_event_rule" "arrivals" {
  name           = "terraform-arrivals"
  event_bus_name = aws_cloudwatch_event_bus.lake.name
  event_pattern  = jsonencode({ source = ["lake.arrivals"], detail = { table = [{ prefix = "tra" }] } })
  state          = var.changed ? "DISABLED" : "ENABLED"
}

resource "aws_cloudwatch_event_target" "arrivals" {
  rule           = aws_cloudwatch_event_rule.arrivals.name
  event_bus_name = aws_cloudwatch_event_bus.lake.name
  arn            = aws_sqs_queue.arrivals.arn
  input_transformer {
    input_paths    = { table = "$.detail.table" }
    input_template = "{\"arrived\": <table>}"
  }
}

resource "aws_cloudwatch_event_archive" "lake" {
  name             = "terraform-lake"
  event_source_arn = aws_cloudwatch_event_bus.lake.arn
  retention_days   = var.changed ? 14 : 7
}

resource "aws_cloudwatch_event_permission" "other" {
  event_bus_name = aws_cloudwatch_event_bus.lake.name
  principal      = "123456789012"
  statement_id   = "other"
}

resource "aws_iam_role" "scheduler" {
  name               = "terraform-scheduler"
  assume_role_policy = data.aws_iam_policy_document.trust["scheduler"].json
}

resource "aws_scheduler_schedule_group" "lake" {
  name = "terraform-lake"
}

resource "aws_scheduler_schedule" "hourly" {
  name                = "terraform-hourly"
  group_name          = aws_scheduler_schedule_group.lake.name
  schedule_expression = var.changed ? "rate(2 hours)" : "rate(1 hour)"
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = aws_sfn_state_machine.pipeline.arn
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({ by = "schedule" })
    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 2
    }
  }
}

resource "aws_cloudwatch_log_group" "states" {
  name              = "/terraform/states"
  retention_in_days = var.changed ? 30 : 14
  tags              = { lake = "yes" }
}

resource "aws_cloudwatch_log_stream" "states" {
  name           = "first"
  log_group_name = aws_cloudwatch_log_group.states.name
}

resource "aws_secretsmanager_secret" "database" {
  name                    = "terraform/database"
  description             = var.changed ? "of the orders, changed" : "of the orders"
  recovery_window_in_days = 0
  kms_key_id              = aws_kms_key.lake.arn
  tags                    = { lake = "yes" }
}

resource "aws_secretsmanager_secret_version" "database" {
  secret_id     = aws_secretsmanager_secret.database.id
  secret_string = jsonencode({ username = "etl", password = var.changed ? "changed" : "first" })
}

data "aws_secretsmanager_secret_version" "database" {
  secret_id  = aws_secretsmanager_secret.database.id
  depends_on = [aws_secretsmanager_secret_version.database]
}

resource "aws_ssm_parameter" "bucket" {
  name        = "/terraform/lake/bucket"
  type        = "String"
  value       = aws_s3_bucket.lake.id
  description = var.changed ? "where the lake is, changed" : "where the lake is"
}

resource "aws_ssm_parameter" "token" {
  name   = "/terraform/lake/token"
  type   = "SecureString"
  value  = "a token"
  key_id = aws_kms_key.lake.arn
  tags   = { lake = "yes" }
}
