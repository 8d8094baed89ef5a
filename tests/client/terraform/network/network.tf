# A lake's network: two zones, public and private subnets, a NAT gateway, groups, endpoints, and their usual company.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "changed" {
  type    = bool
  default = false
}

data "aws_availability_zones" "here" {
  state = "available"
}

data "aws_region" "here" {}

locals {
  zones = slice(data.aws_availability_zones.here.names, 0, 2)
}

resource "aws_vpc" "lake" {
  cidr_block           = "10.20.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.changed ? "lake, renamed" : "lake" }
}

resource "aws_vpc_ipv4_cidr_block_association" "more" {
  vpc_id     = aws_vpc.lake.id
  cidr_block = "10.21.0.0/16"
}

resource "aws_vpc_dhcp_options" "lake" {
  domain_name         = "lake.internal"
  domain_name_servers = ["AmazonProvidedDNS"]
}

resource "aws_vpc_dhcp_options_association" "lake" {
  vpc_id          = aws_vpc.lake.id
  dhcp_options_id = aws_vpc_dhcp_options.lake.id
}

resource "aws_internet_gateway" "lake" {
  vpc_id = aws_vpc.lake.id
}

resource "aws_subnet" "public" {
  count                   = 2
  vpc_id                  = aws_vpc.lake.id
  cidr_block              = cidrsubnet(aws_vpc.lake.cidr_block, 8, count.index)
  availability_zone       = local.zones[count.index]
  map_public_ip_on_launch = !var.changed
  tags                    = { Name = "public-${count.index}" }
}

resource "aws_subnet" "private" {
  count             = 2
  vpc_id            = aws_vpc_ipv4_cidr_block_association.more.vpc_id
  cidr_block        = cidrsubnet("10.21.0.0/16", 8, count.index)
  availability_zone = local.zones[count.index]
}

resource "aws_eip" "nat" {
  domain     = "vpc"
  depends_on = [aws_internet_gateway.lake]
}

resource "aws_nat_gateway" "lake" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.public[0].id
  depends_on    = [aws_internet_gateway.lake]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.lake.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.lake.id
  }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.lake.id
}

resource "aws_route" "out" {
  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.lake.id
}

resource "aws_route_table_association" "public" {
  count          = 2
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "private" {
  count          = 2
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private.id
}

resource "aws_security_group" "glue" {
  name        = "glue"
  description = "Members reach each other"
  vpc_id      = aws_vpc.lake.id
  ingress {
    from_port = 0
    to_port   = 65535
    protocol  = "tcp"
    self      = true
  }
  ingress {
    description = "from the network"
    from_port   = 443
    to_port     = var.changed ? 444 : 443
    protocol    = "tcp"
    cidr_blocks = [aws_vpc.lake.cidr_block]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "database" {
  name_prefix = "database-"
  vpc_id      = aws_vpc.lake.id
}

resource "aws_vpc_security_group_ingress_rule" "from_glue" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.glue.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  description                  = var.changed ? "changed" : "Glue"
  tags                         = { Name = "from-glue" }
}

resource "aws_vpc_security_group_egress_rule" "out" {
  security_group_id = aws_security_group.database.id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_security_group_rule" "old_form" {
  type              = "ingress"
  security_group_id = aws_security_group.database.id
  protocol          = "tcp"
  from_port         = 5433
  to_port           = 5433
  cidr_blocks       = ["10.0.0.0/8"]
}

resource "aws_network_acl" "private" {
  vpc_id     = aws_vpc.lake.id
  subnet_ids = [aws_subnet.private[1].id]
  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "tcp"
    from_port  = 0
    to_port    = 65535
    cidr_block = "10.0.0.0/8"
  }
  egress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    from_port  = 0
    to_port    = 0
    cidr_block = "0.0.0.0/0"
  }
}

resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.lake.id
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id          = aws_vpc.lake.id
  service_name    = "com.amazonaws.${data.aws_region.here.name}.s3"
  route_table_ids = var.changed ? [aws_route_table.private.id, aws_route_table.public.id] : [aws_route_table.private.id]
}

resource "aws_vpc_endpoint" "glue" {
  vpc_id              = aws_vpc.lake.id
  service_name        = "com.amazonaws.${data.aws_region.here.name}.glue"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = aws_subnet.private[*].id
  security_group_ids  = [aws_security_group.glue.id]
  private_dns_enabled = true
}

resource "aws_ec2_managed_prefix_list" "offices" {
  name           = "offices"
  address_family = "IPv4"
  max_entries    = 5
  entry {
    cidr        = "203.0.113.0/24"
    description = "head office"
  }
}

data "aws_prefix_list" "s3" {
  name = aws_vpc_endpoint.s3.service_name
}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

output "nat_address" {
  value = aws_eip.nat.public_ip
}

output "default_subnets" {
  value = length(data.aws_subnets.default.ids)
}
