# Where Batch jobs run: public subnets without inbound traffic. A job gets an address while it runs, and S3 is reached through a
# gateway endpoint, which is free; private subnets would need a NAT gateway that costs all month. With job_network, or without
# Batch, there is none of it.

data "aws_availability_zones" "available" {
  # checkov:skip=CKV_AWS_394:A subnet stays where it was made - see ignore_changes below
  count = local.own_network ? 1 : 0

  state = "available"

  filter {
    name   = "opt-in-status" # no local zones
    values = ["opt-in-not-required"]
  }
}

locals {
  own_network = var.batch && var.job_network == null

  # What the sources' URLs name beside HTTPS
  source_ports = [
    for url in compact([var.irceline_url, var.illuminate_url, var.codetrack_url]) :
    tonumber(coalesce(try(regex("^https?://[^/]*:([0-9]+)(?:/|$)", url)[0], null), startswith(url, "http://") ? "80" : "443"))
  ]
  job_ports = toset([for port in distinct(concat([443], local.source_ports)) : tostring(port)])
}

resource "aws_vpc" "job" {
  #checkov:skip=CKV2_AWS_11:No flow logs - nothing listens in this network, and jobs may only talk HTTPS
  #checkov:skip=CKV2_AWS_12:Nothing is in the default group - to take it over, a deployer would need rights to groups that it has not made
  count = local.own_network ? 1 : 0

  cidr_block           = "10.72.0.0/24"
  enable_dns_hostnames = true

  tags = merge(local.tags, { Name = local.job_name })
}

resource "aws_internet_gateway" "job" {
  count = local.own_network ? 1 : 0

  vpc_id = aws_vpc.job[0].id

  tags = merge(local.tags, { Name = local.job_name })
}

resource "aws_route_table" "job" {
  count = local.own_network ? 1 : 0

  vpc_id = aws_vpc.job[0].id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.job[0].id
  }

  tags = merge(local.tags, { Name = local.job_name })
}

resource "aws_subnet" "job" {
  for_each = local.own_network ? { a = 0, b = 1 } : {}

  vpc_id            = aws_vpc.job[0].id
  cidr_block        = cidrsubnet(aws_vpc.job[0].cidr_block, 1, each.value)
  availability_zone = data.aws_availability_zones.available[0].names[each.value]

  tags = merge(local.tags, { Name = "${local.job_name}-${each.key}" })

  lifecycle {
    ignore_changes = [availability_zone] # a zone that is added must not move the subnets of others
  }
}

resource "aws_route_table_association" "job" {
  for_each = aws_subnet.job

  subnet_id      = each.value.id
  route_table_id = aws_route_table.job[0].id
}

resource "aws_vpc_endpoint" "s3" {
  count = local.own_network ? 1 : 0

  vpc_id          = aws_vpc.job[0].id
  service_name    = "com.amazonaws.${local.region}.s3"
  route_table_ids = [aws_route_table.job[0].id]

  tags = merge(local.tags, { Name = local.job_name })
}

resource "aws_security_group" "job" {
  count = local.own_network ? 1 : 0

  name        = local.job_name
  description = "Batch jobs: HTTPS out, nothing in"
  vpc_id      = aws_vpc.job[0].id
  tags        = local.tags

  # HTTPS, and what a source's URL names
  dynamic "egress" {
    for_each = local.job_ports
    content {
      description = egress.value == "443" ? "APIs, registry, S3, logs" : "a source's API"
      protocol    = "tcp"
      from_port   = tonumber(egress.value)
      to_port     = tonumber(egress.value)
      cidr_blocks = ["0.0.0.0/0"]
    }
  }
}
