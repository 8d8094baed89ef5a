# The energy lake as its team declares it: one bucket, three databases, three crawlers, the job and its role; daily.tf declares what exports each day.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}

provider "aws" {
  region = var.region
}

variable "region" {
  type    = string
  default = "us-east-1"
}

variable "bucket" {
  type    = string
  default = "energy-lake"
}

locals {
  layers = toset(["bronze", "silver", "gold"])
}

resource "aws_s3_bucket" "lake" {
  bucket = var.bucket
}

resource "aws_s3_object" "script" {
  bucket = aws_s3_bucket.lake.id
  key    = "scripts/glue_job.py"
  source = "${path.module}/../glue_job.py"
  etag   = filemd5("${path.module}/../glue_job.py")
}

resource "aws_iam_role" "glue" {
  name = "energy-lake-glue"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "glue.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "service" {
  role       = aws_iam_role.glue.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"
}

resource "aws_iam_role_policy" "lake" {
  name = "lake"
  role = aws_iam_role.glue.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"]
      Resource = [aws_s3_bucket.lake.arn, "${aws_s3_bucket.lake.arn}/*"]
    }]
  })
}

resource "aws_glue_catalog_database" "layer" {
  for_each = local.layers
  name     = "energy-${each.key}"
}

resource "aws_glue_crawler" "layer" {
  for_each      = local.layers
  name          = "energy-${each.key}-crawler"
  role          = aws_iam_role.glue.arn
  database_name = aws_glue_catalog_database.layer[each.key].name

  s3_target {
    path = "s3://${aws_s3_bucket.lake.bucket}/${each.key}/"
  }

  recrawl_policy {
    recrawl_behavior = "CRAWL_NEW_FOLDERS_ONLY"
  }

  schema_change_policy {
    update_behavior = "LOG"
    delete_behavior = "LOG"
  }
}

resource "aws_glue_job" "bronze_to_silver" {
  name              = "energy-bronze-to-silver"
  role_arn          = aws_iam_role.glue.arn
  glue_version      = "4.0"
  worker_type       = "G.1X"
  number_of_workers = 2
  timeout           = 10

  command {
    name            = "glueetl"
    script_location = "s3://${aws_s3_bucket.lake.bucket}/${aws_s3_object.script.key}"
    python_version  = "3"
  }

  default_arguments = {
    "--database"     = aws_glue_catalog_database.layer["bronze"].name
    "--output"       = "s3://${aws_s3_bucket.lake.bucket}/silver"
    "--job-language" = "python"
  }
}
