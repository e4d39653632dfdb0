# Where Batch jobs run: public subnets without inbound traffic. A job gets an address while it runs, and S3 is reached through a
# gateway endpoint, which is free; private subnets would need a NAT gateway that costs all month.

resource "aws_vpc" "job" {
  #checkov:skip=CKV2_AWS_11:No flow logs - nothing listens in this network, and jobs may only talk HTTPS
  cidr_block           = "10.72.0.0/24"
  enable_dns_hostnames = true

  tags = { Name = local.job_name }
}

resource "aws_default_security_group" "job" {
  vpc_id = aws_vpc.job.id # without rules: nobody gets in or out by default
}

resource "aws_internet_gateway" "job" {
  vpc_id = aws_vpc.job.id

  tags = { Name = local.job_name }
}

resource "aws_route_table" "job" {
  vpc_id = aws_vpc.job.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.job.id
  }

  tags = { Name = local.job_name }
}

resource "aws_subnet" "job" {
  for_each = { a = 0, b = 1 } # zones that every region has

  vpc_id            = aws_vpc.job.id
  cidr_block        = cidrsubnet(aws_vpc.job.cidr_block, 1, each.value)
  availability_zone = "${var.region}${each.key}"

  tags = { Name = "${local.job_name}-${each.key}" }
}

resource "aws_route_table_association" "job" {
  for_each = aws_subnet.job

  subnet_id      = each.value.id
  route_table_id = aws_route_table.job.id
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id          = aws_vpc.job.id
  service_name    = "com.amazonaws.${var.region}.s3"
  route_table_ids = [aws_route_table.job.id]

  tags = { Name = local.job_name }
}

resource "aws_security_group" "job" {
  name        = local.job_name
  description = "Batch jobs: HTTPS out, nothing in"
  vpc_id      = aws_vpc.job.id

  egress {
    description = "APIs, registry, S3, logs"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }
}
