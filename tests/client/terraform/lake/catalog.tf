# Glue and Athena.

resource "aws_glue_catalog_database" "bronze" {
  name         = "terraform-bronze"
  description  = var.changed ? "raw files, changed" : "raw files"
  location_uri = "s3://${aws_s3_bucket.lake.id}/bronze/"
  parameters   = { owner = "lake" }
}

resource "aws_glue_catalog_table" "trades" {
  name          = "trades"
  database_name = aws_glue_catalog_database.bronze.name
  description   = var.changed ? "trades, changed" : "trades"
  table_type    = "EXTERNAL_TABLE"
  parameters    = { EXTERNAL = "TRUE", classification = "parquet" }
  partition_keys {
    name = "fecha"
    type = "string"
  }
  storage_descriptor {
    location      = "s3://${aws_s3_bucket.lake.id}/bronze/trades/"
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
    ser_de_info {
      name                  = "parquet"
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
      parameters            = { "serialization.format" = "1" }
    }
    columns {
      name = "client"
      type = "string"
    }
    columns {
      name    = "price"
      type    = "double"
      comment = "in pesos"
    }
  }
}

resource "aws_glue_partition" "first" {
  database_name    = aws_glue_catalog_database.bronze.name
  table_name       = aws_glue_catalog_table.trades.name
  partition_values = ["2026-01-01"]
  storage_descriptor {
    location      = "s3://${aws_s3_bucket.lake.id}/bronze/trades/fecha=2026-01-01/"
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    }
    columns {
      name = "client"
      type = "string"
    }
  }
}

resource "aws_glue_classifier" "csv" {
  name = "terraform-csv"
  csv_classifier {
    contains_header        = "PRESENT"
    delimiter              = var.changed ? ";" : "|"
    quote_symbol           = "\""
    disable_value_trimming = false
    allow_single_column    = false
    header                 = ["client", "price"]
  }
}

resource "aws_glue_classifier" "json" {
  name = "terraform-json"
  json_classifier {
    json_path = "$.records[*]"
  }
}

resource "aws_glue_connection" "database" {
  name            = "terraform-orders"
  connection_type = "JDBC"
  connection_properties = {
    JDBC_CONNECTION_URL = "jdbc:postgresql://127.0.0.1:5432/orders"
    USERNAME            = "etl"
    PASSWORD            = "not so secret"
  }
}

resource "aws_glue_crawler" "bronze" {
  name          = "terraform-bronze"
  role          = aws_iam_role.glue.arn
  database_name = aws_glue_catalog_database.bronze.name
  description   = var.changed ? "changed" : "finds new days"
  classifiers   = [aws_glue_classifier.csv.name]
  schedule      = "cron(15 2 * * ? *)"
  table_prefix  = "raw_"
  s3_target {
    path       = "s3://${aws_s3_bucket.lake.id}/bronze/"
    exclusions = ["**.tmp"]
  }
  recrawl_policy {
    recrawl_behavior = "CRAWL_NEW_FOLDERS_ONLY"
  }
  schema_change_policy {
    update_behavior = "LOG"
    delete_behavior = "LOG"
  }
  configuration = jsonencode({
    Version       = 1.0
    CrawlerOutput = { Partitions = { AddOrUpdateBehavior = "InheritFromTable" } }
  })
  tags = { lake = "yes" }
}

resource "aws_glue_job" "silver" {
  name              = "terraform-silver"
  role_arn          = aws_iam_role.glue.arn
  glue_version      = "4.0"
  worker_type       = "G.1X"
  number_of_workers = 2
  timeout           = var.changed ? 90 : 60
  max_retries       = 1
  connections       = [aws_glue_connection.database.name]
  command {
    name            = "glueetl"
    script_location = "s3://${aws_s3_bucket.lake.id}/scripts/job.py"
    python_version  = "3"
  }
  default_arguments = {
    "--job-language"        = "python"
    "--job-bookmark-option" = "job-bookmark-enable"
    "--TempDir"             = "s3://${aws_s3_bucket.lake.id}/temporary/"
    "--enable-metrics"      = "true"
  }
  execution_property {
    max_concurrent_runs = 3
  }
  tags = { lake = "yes" }
}

resource "aws_glue_job" "shell" {
  name         = "terraform-shell"
  role_arn     = aws_iam_role.glue.arn
  max_capacity = 0.0625
  command {
    name            = "pythonshell"
    script_location = "s3://${aws_s3_bucket.lake.id}/scripts/job.py"
    python_version  = "3.9"
  }
}

resource "aws_glue_workflow" "daily" {
  name                   = "terraform-daily"
  description            = var.changed ? "every day, changed" : "every day"
  default_run_properties = { stage = "dev" }
}

resource "aws_glue_trigger" "daily" {
  name              = "terraform-daily"
  type              = "SCHEDULED"
  schedule          = "cron(0 0 * * ? *)"
  workflow_name     = aws_glue_workflow.daily.name
  start_on_creation = true
  actions {
    job_name = aws_glue_job.silver.name
  }
}

resource "aws_glue_trigger" "after" {
  name          = "terraform-after"
  type          = "CONDITIONAL"
  workflow_name = aws_glue_workflow.daily.name
  description   = var.changed ? "changed" : "crawls what the job wrote"
  actions {
    crawler_name = aws_glue_crawler.bronze.name
  }
  predicate {
    conditions {
      job_name = aws_glue_job.silver.name
      state    = "SUCCEEDED"
    }
  }
}

resource "aws_glue_trigger" "by_hand" {
  name = "terraform-by-hand"
  type = "ON_DEMAND"
  actions {
    job_name  = aws_glue_job.shell.name
    arguments = { "--day" = "today" }
  }
}

resource "aws_athena_workgroup" "analysts" {
  name          = "terraform-analysts"
  description   = var.changed ? "those who ask, changed" : "those who ask"
  force_destroy = true
  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.changed ? 2147483648 : 1073741824
    result_configuration {
      output_location = "s3://${aws_s3_bucket.lake.id}/gold/"
      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}

resource "aws_athena_named_query" "income" {
  name      = "income"
  workgroup = aws_athena_workgroup.analysts.id
  database  = aws_glue_catalog_database.bronze.name
  query     = "SELECT client, sum(price) FROM trades GROUP BY client"
}

resource "aws_athena_prepared_statement" "of_client" {
  name            = "of_client"
  workgroup       = aws_athena_workgroup.analysts.name
  query_statement = var.changed ? "SELECT price FROM trades WHERE client = ?" : "SELECT * FROM trades WHERE client = ?"
}

resource "aws_athena_database" "gold" {
  name          = "terraform_gold"
  bucket        = aws_s3_bucket.lake.id
  force_destroy = true
  # The answers to what the provider asks are sealed by the bucket's key: it must outlive the database.
  depends_on = [aws_s3_bucket_server_side_encryption_configuration.lake]
}

resource "aws_athena_data_catalog" "other" {
  name        = "terraform-other"
  description = "the Glue catalog by another name"
  type        = "GLUE"
  parameters  = { "catalog-id" = local.account }
}
