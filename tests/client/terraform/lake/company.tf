# What stands beside a lake less often, and what is only read.

resource "aws_glue_user_defined_function" "mask" {
  name          = "mask"
  catalog_id    = local.account
  database_name = aws_glue_catalog_database.bronze.name
  class_name    = var.changed ? "org.example.MaskAll" : "org.example.Mask"
  owner_name    = "lake"
  owner_type    = "GROUP"
  resource_uris {
    resource_type = "JAR"
    uri           = "s3://${var.bucket}/jars/mask.jar"
  }
}

resource "aws_glue_partition_index" "fecha" {
  database_name = aws_glue_catalog_database.bronze.name
  table_name    = aws_glue_catalog_table.trades.name
  partition_index {
    index_name = "by_day"
    keys       = ["fecha"]
  }
}

resource "aws_glue_catalog_table" "projected" {
  name          = "clicks"
  database_name = aws_glue_catalog_database.bronze.name
  table_type    = "EXTERNAL_TABLE"
  parameters = {
    "projection.enabled"   = "true"
    "projection.day.type"  = "date"
    "projection.day.range" = "2026-01-01,NOW"
  }
  partition_keys {
    name = "day"
    type = "string"
  }
  storage_descriptor {
    location      = "s3://${aws_s3_bucket.lake.id}/bronze/clicks/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
    ser_de_info {
      serialization_library = "org.openx.data.jsonserde.JsonSerDe"
    }
    columns {
      name = "page"
      type = "string"
    }
  }
}

resource "aws_glue_data_catalog_encryption_settings" "here" {
  data_catalog_encryption_settings {
    connection_password_encryption {
      return_connection_password_encrypted = false
    }
    encryption_at_rest {
      catalog_encryption_mode = "DISABLED"
    }
  }
}

resource "aws_glue_resource_policy" "here" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${local.account}:root" }
      Action    = var.changed ? ["glue:GetTable", "glue:GetDatabase"] : ["glue:GetTable"]
      Resource  = "arn:aws:glue:${data.aws_region.here.name}:${local.account}:*"
    }]
  })
}

resource "aws_sfn_activity" "by_hand" {
  name = "terraform-by-hand"
}

resource "aws_sfn_alias" "live" {
  name = "live"
  routing_configuration {
    state_machine_version_arn = aws_sfn_state_machine.published.state_machine_version_arn
    weight                    = 100
  }
}

resource "aws_sfn_state_machine" "published" {
  name       = "terraform-published"
  role_arn   = aws_iam_role.states.arn
  publish    = true
  type       = "EXPRESS"
  definition = jsonencode({ StartAt = "Done", States = { Done = { Type = "Succeed" } } })
}

resource "aws_kms_grant" "glue" {
  name              = "glue"
  key_id            = aws_kms_key.lake.key_id
  grantee_principal = aws_iam_role.glue.arn
  operations        = ["Decrypt", "GenerateDataKey"]
}

resource "aws_ecr_repository" "load" {
  name                 = "terraform/load"
  image_tag_mutability = var.changed ? "IMMUTABLE" : "MUTABLE"
  force_delete         = true
}

resource "aws_ecr_lifecycle_policy" "load" {
  repository = aws_ecr_repository.load.name
  policy = jsonencode({ rules = [{
    rulePriority = 1
    description  = "keep ten"
    selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 10 }
    action       = { type = "expire" }
  }] })
}

resource "aws_ecr_repository_policy" "load" {
  repository = aws_ecr_repository.load.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Lambda", Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"] }]
  })
}

resource "aws_secretsmanager_secret_policy" "database" {
  secret_arn = aws_secretsmanager_secret.database.arn
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Read", Effect = "Allow", Principal = { AWS = aws_iam_role.glue.arn }, Action = "secretsmanager:GetSecretValue", Resource = "*" }]
  })
}

resource "aws_ssm_parameter" "tables" {
  name  = "/terraform/lake/tables"
  type  = "StringList"
  value = var.changed ? "trades,clicks" : "trades"
}

resource "aws_iam_user_policy" "ana" {
  name   = "own"
  user   = aws_iam_user.ana.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "athena:*", Resource = "*" }] })
}

resource "aws_iam_group_policy" "analysts" {
  name   = "own"
  group  = aws_iam_group.analysts.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "glue:Get*", Resource = "*" }] })
}

resource "aws_iam_access_key" "ana" {
  user   = aws_iam_user.ana.name
  status = var.changed ? "Inactive" : "Active"
}

resource "aws_iam_role" "bounded" {
  name                 = "terraform-bounded"
  assume_role_policy   = data.aws_iam_policy_document.trust["lambda"].json
  permissions_boundary = aws_iam_policy.lake.arn
}

resource "aws_iam_role_policies_exclusive" "bounded" {
  role_name    = aws_iam_role.bounded.name
  policy_names = []
}

resource "aws_sns_topic" "ordered" {
  name                        = "terraform-ordered.fifo"
  fifo_topic                  = true
  content_based_deduplication = true
}

resource "aws_sns_topic_subscription" "people" {
  topic_arn = aws_sns_topic.errors.arn
  protocol  = "lambda"
  endpoint  = aws_lambda_function.load.arn
}

resource "aws_cloudwatch_event_bus" "second" {
  name = "terraform-second"
}

resource "aws_cloudwatch_event_bus_policy" "second" {
  event_bus_name = aws_cloudwatch_event_bus.second.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "All", Effect = "Allow", Principal = { AWS = "arn:aws:iam::${local.account}:root" }, Action = "events:PutEvents", Resource = aws_cloudwatch_event_bus.second.arn }]
  })
}

resource "aws_iam_account_password_policy" "strict" {
  minimum_password_length        = var.changed ? 16 : 14
  require_symbols                = true
  require_numbers                = true
  require_lowercase_characters   = true
  require_uppercase_characters   = true
  allow_users_to_change_password = true
}

data "aws_iam_role" "glue" {
  name = aws_iam_role.glue.name
}

data "aws_iam_principal_policy_simulation" "glue" {
  policy_source_arn = aws_iam_role.glue.arn
  action_names      = ["s3:GetObject"]
  resource_arns     = ["${aws_s3_bucket.lake.arn}/bronze/x"]
  depends_on        = [aws_iam_role_policy_attachment.lake]
}

data "aws_lambda_function" "load" {
  function_name = aws_lambda_function.load.function_name
}

data "aws_lambda_layer_version" "helpers" {
  layer_name = aws_lambda_layer_version.helpers.layer_name
}

data "aws_sqs_queue" "arrivals" {
  name = aws_sqs_queue.arrivals.name
}

data "aws_sns_topic" "errors" {
  name = aws_sns_topic.errors.name
}

data "aws_kms_alias" "lake" {
  name = aws_kms_alias.lake.name
}

data "aws_kms_key" "lake" {
  key_id = aws_kms_alias.lake.name
}

data "aws_s3_objects" "scripts" {
  bucket     = aws_s3_bucket.lake.id
  prefix     = "scripts/"
  depends_on = [aws_s3_object.script]
}

data "aws_ssm_parameters_by_path" "lake" {
  path       = "/terraform/lake"
  depends_on = [aws_ssm_parameter.bucket, aws_ssm_parameter.tables]
}

data "aws_cloudwatch_log_groups" "states" {
  log_group_name_prefix = "/terraform/"
  depends_on            = [aws_cloudwatch_log_group.states]
}

data "aws_sfn_state_machine" "pipeline" {
  name = aws_sfn_state_machine.pipeline.name
}

data "aws_glue_catalog_table" "trades" {
  name          = aws_glue_catalog_table.trades.name
  database_name = aws_glue_catalog_database.bronze.name
}

data "aws_secretsmanager_secret" "database" {
  name = aws_secretsmanager_secret.database.name
}

data "aws_iam_account_alias" "here" {
  depends_on = [aws_iam_account_alias.lake]
}

data "aws_ecr_authorization_token" "here" {}

data "aws_canonical_user_id" "me" {}

data "aws_s3_bucket_policy" "lake" {
  bucket     = aws_s3_bucket.lake.id
  depends_on = [aws_s3_bucket_policy.lake]
}

output "allowed" {
  value = data.aws_iam_principal_policy_simulation.glue.all_allowed
}
