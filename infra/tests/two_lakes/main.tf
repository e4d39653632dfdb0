# A configuration of a platform team: two lakes in one account and region.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.19"
    }
  }
}

variable "packages_dir" {
  type = string
}

module "lake" {
  source   = "../../modules/lake"
  for_each = toset(["air-quality", "schools"])

  name_prefix   = each.key
  packages_dir  = var.packages_dir
  force_destroy = true
  datasets      = each.key == "schools" ? ["illuminate", "codetrack"] : ["irceline"]
  tags          = { team = each.key }
}

output "lakes" {
  value = module.lake
}
