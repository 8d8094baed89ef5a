# The census lake: a bucket, the job's role, the job, the crawler, and the triggers that run them each day. Its state lies in S3, locked while somebody
# changes it; state/ makes the bucket for it.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
  backend "s3" {
    bucket       = "census-terraform-state"
    key          = "census/terraform.tfstate"
    region       = "us-east-1"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { project = "census" }
  }
}

variable "region" {
  type    = string
  default = "us-east-1"
}

variable "bucket" {
  type    = string
  default = "census"
}

variable "workers" {
  type    = number
  default = 2
}

resource "aws_s3_bucket" "lake" {
  bucket = var.bucket
}

resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.lake.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "lake" {
  bucket                  = aws_s3_bucket.lake.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_object" "script" {
  bucket = aws_s3_bucket.lake.id
  key    = "scripts/glue_job.py"
  source = "${path.module}/../glue_job.py"
  etag   = filemd5("${path.module}/../glue_job.py")
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["glue.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "lake" {
  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.lake.arn]
  }
  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["${aws_s3_bucket.lake.arn}/*"]
  }
}

resource "aws_iam_role" "glue" {
  name               = "census-glue"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy_attachment" "service" {
  role       = aws_iam_role.glue.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"
}

resource "aws_iam_policy" "lake" {
  name   = "census-lake"
  policy = data.aws_iam_policy_document.lake.json
}

resource "aws_iam_role_policy_attachment" "lake" {
  role       = aws_iam_role.glue.name
  policy_arn = aws_iam_policy.lake.arn
}

resource "aws_glue_catalog_database" "census" {
  name        = "census"
  description = "the school census and the examination"
}

resource "aws_glue_job" "to_parquet" {
  name              = "census-to-parquet"
  role_arn          = aws_iam_role.glue.arn
  glue_version      = "4.0"
  worker_type       = "G.1X"
  number_of_workers = var.workers
  timeout           = 30
  command {
    name            = "glueetl"
    script_location = "s3://${aws_s3_object.script.bucket}/${aws_s3_object.script.key}"
    python_version  = "3"
  }
  default_arguments = {
    "--raw"     = "s3://${aws_s3_bucket.lake.id}/raw"
    "--curated" = "s3://${aws_s3_bucket.lake.id}/curated"
  }
}

resource "aws_glue_crawler" "curated" {
  name          = "census-curated"
  role          = aws_iam_role.glue.arn
  database_name = aws_glue_catalog_database.census.name
  s3_target {
    path = "s3://${aws_s3_bucket.lake.id}/curated/"
  }
}

resource "aws_glue_trigger" "daily" {
  name     = "census-daily"
  type     = "SCHEDULED"
  schedule = "cron(0 0 * * ? *)"
  actions {
    job_name = aws_glue_job.to_parquet.name
  }
}

resource "aws_glue_trigger" "then_crawl" {
  name = "census-then-crawl"
  type = "CONDITIONAL"
  actions {
    crawler_name = aws_glue_crawler.curated.name
  }
  predicate {
    conditions {
      job_name = aws_glue_job.to_parquet.name
      state    = "SUCCEEDED"
    }
  }
}
