terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.19"
    }
  }

  # Bucket, key and region come from backend.hcl: see "Where the state lives" in README.md.
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = merge({ project = "tributary", deployment = var.name_prefix }, var.tags)
  }
}
