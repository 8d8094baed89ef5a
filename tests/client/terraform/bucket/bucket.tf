# One bucket with every sub-resource that tarn has, and a second one that it logs and reports to.
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
}

variable "days" {
  default = 90
}

resource "aws_s3_bucket" "lake" {
  bucket = "terraform-all-of-it"
  tags   = { team = "lake" }
}

resource "aws_s3_bucket" "reports" {
  bucket = "terraform-all-of-it-reports"
}

resource "aws_s3_bucket_public_access_block" "lake" {
  bucket                  = aws_s3_bucket.lake.id
  block_public_acls       = true
  block_public_policy     = false
  ignore_public_acls      = true
  restrict_public_buckets = false
}

resource "aws_s3_bucket_ownership_controls" "lake" {
  bucket = aws_s3_bucket.lake.id
  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}

resource "aws_s3_bucket_acl" "lake" {
  depends_on = [aws_s3_bucket_ownership_controls.lake]
  bucket     = aws_s3_bucket.lake.id
  acl        = "private"
}

resource "aws_s3_bucket_policy" "lake" {
  depends_on = [aws_s3_bucket_public_access_block.lake]
  bucket     = aws_s3_bucket.lake.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Read"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::000000000000:root" }
      Action    = ["s3:GetObject", "s3:ListBucket"]
      Resource  = [aws_s3_bucket.lake.arn, "${aws_s3_bucket.lake.arn}/*"]
    }]
  })
}

resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.lake.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_versioning" "reports" {
  bucket = aws_s3_bucket.reports.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  depends_on = [aws_s3_bucket_versioning.lake]
  bucket     = aws_s3_bucket.lake.id
  rule {
    id     = "archive"
    status = "Enabled"
    filter {
      and {
        prefix                   = "bronze/"
        tags                     = { keep = "short" }
        object_size_greater_than = 500
      }
    }
    transition {
      days          = 30
      storage_class = "STANDARD_IA"
    }
    transition {
      days          = 60
      storage_class = "GLACIER"
    }
    expiration {
      days = var.days
    }
    noncurrent_version_expiration {
      noncurrent_days           = 30
      newer_noncurrent_versions = 3
    }
  }
  rule {
    id     = "uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_cors_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id
  cors_rule {
    allowed_headers = ["*"]
    allowed_methods = ["GET", "PUT"]
    allowed_origins = ["https://*.example.com"]
    expose_headers  = ["ETag"]
    max_age_seconds = 300
  }
}

resource "aws_s3_bucket_website_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id
  index_document {
    suffix = "index.html"
  }
  error_document {
    key = "error.html"
  }
  routing_rule {
    condition {
      key_prefix_equals = "docs/"
    }
    redirect {
      replace_key_prefix_with = "documents/"
    }
  }
}

resource "aws_s3_bucket_logging" "lake" {
  bucket        = aws_s3_bucket.lake.id
  target_bucket = aws_s3_bucket.reports.id
  target_prefix = "log/"
  target_object_key_format {
    partitioned_prefix {
      partition_date_source = "EventTime"
    }
  }
}

resource "aws_s3_bucket_request_payment_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id
  payer  = "Requester"
}

resource "aws_s3_bucket_accelerate_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id
  status = "Enabled"
}

resource "aws_s3_bucket_analytics_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id
  name   = "all"
  storage_class_analysis {
    data_export {
      destination {
        s3_bucket_destination {
          bucket_arn = aws_s3_bucket.reports.arn
        }
      }
    }
  }
}

resource "aws_s3_bucket_inventory" "lake" {
  bucket                   = aws_s3_bucket.lake.id
  name                     = "weekly"
  included_object_versions = "All"
  optional_fields          = ["Size", "ETag"]
  schedule {
    frequency = "Weekly"
  }
  destination {
    bucket {
      format     = "Parquet"
      bucket_arn = aws_s3_bucket.reports.arn
      prefix     = "inventory"
    }
  }
}

resource "aws_s3_bucket_metric" "lake" {
  bucket = aws_s3_bucket.lake.id
  name   = "bronze"
  filter {
    prefix = "bronze/"
  }
}

resource "aws_s3_bucket_intelligent_tiering_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id
  name   = "cold"
  tiering {
    access_tier = "ARCHIVE_ACCESS"
    days        = 125
  }
}

resource "aws_s3_bucket_notification" "lake" {
  bucket      = aws_s3_bucket.lake.id
  eventbridge = true
}

resource "aws_s3_bucket_replication_configuration" "lake" {
  depends_on = [aws_s3_bucket_versioning.lake, aws_s3_bucket_versioning.reports]
  bucket     = aws_s3_bucket.lake.id
  role       = "arn:aws:iam::000000000000:role/replication"
  rule {
    id       = "copy"
    status   = "Enabled"
    priority = 1
    filter {
      prefix = "gold/"
    }
    delete_marker_replication {
      status = "Enabled"
    }
    destination {
      bucket        = aws_s3_bucket.reports.arn
      storage_class = "STANDARD_IA"
    }
  }
}
