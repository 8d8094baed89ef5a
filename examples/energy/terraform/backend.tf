# Where the state lies: a bucket that is there first (aws s3 mb s3://energy-terraform-state), locked while somebody changes the lake.

terraform {
  required_version = ">= 1.10"
  backend "s3" {
    bucket       = "energy-terraform-state"
    key          = "energy/terraform.tfstate"
    region       = "us-east-1"
    use_lockfile = true
  }
}
