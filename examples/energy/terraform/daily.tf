# The daily export, as the trader's own system makes it: a function with pandas from AWS's public layer and Faker from a layer of its own, started by a
# schedule. `build.py` makes the two zips.

variable "python_layers_account" {
  description = "who publishes AWS's layer with pandas"
  type        = string
  default     = "336392948345"
}

resource "aws_iam_role" "export" {
  name = "energy-lake-export"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "export_logs" {
  role       = aws_iam_role.export.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role_policy" "export" {
  name = "bronze"
  role = aws_iam_role.export.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "${aws_s3_bucket.lake.arn}/bronze/*"
    }]
  })
}

resource "aws_lambda_layer_version" "faker" {
  layer_name          = "energy-faker"
  filename            = "${path.module}/build/faker_layer.zip"
  source_code_hash    = filebase64sha256("${path.module}/build/faker_layer.zip")
  compatible_runtimes = ["python3.10"]
}

resource "aws_lambda_function" "export" {
  function_name    = "energy-export"
  description      = "one day of suppliers, customers and transactions"
  role             = aws_iam_role.export.arn
  runtime          = "python3.10"
  handler          = "daily_export.handler"
  filename         = "${path.module}/build/export.zip"
  source_code_hash = filebase64sha256("${path.module}/build/export.zip")
  timeout          = 120
  memory_size      = 512
  layers = [
    "arn:aws:lambda:${var.region}:${var.python_layers_account}:layer:AWSSDKPandas-Python310:23",
    aws_lambda_layer_version.faker.arn,
  ]
  environment {
    variables = { BUCKET = aws_s3_bucket.lake.id }
  }
}

resource "aws_cloudwatch_log_group" "export" {
  name              = "/aws/lambda/${aws_lambda_function.export.function_name}"
  retention_in_days = 30
}

resource "aws_cloudwatch_event_rule" "daily" {
  name                = "energy-daily"
  description         = "every day at 05:00 UTC"
  schedule_expression = "cron(0 5 * * ? *)"
}

resource "aws_cloudwatch_event_target" "export" {
  rule = aws_cloudwatch_event_rule.daily.name
  arn  = aws_lambda_function.export.arn
}

resource "aws_lambda_permission" "daily" {
  statement_id  = "daily"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.export.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.daily.arn
}
