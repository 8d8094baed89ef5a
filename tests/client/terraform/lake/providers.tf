# What the data lakes of LAKES.md declare, and its usual company, one file for each group of services.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "changed" {
  type    = bool
  default = false
}

variable "bucket" {
  type    = string
  default = "terraform-lake"
}

data "aws_caller_identity" "me" {}
data "aws_region" "here" {}
data "aws_partition" "here" {}

locals {
  account = data.aws_caller_identity.me.account_id
}
