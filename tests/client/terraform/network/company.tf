# A second network, with what is rarer: IPv6, the things that a VPC is born with taken over, single associations, interfaces with addresses.

resource "aws_vpc" "second" {
  cidr_block                       = "10.30.0.0/16"
  assign_generated_ipv6_cidr_block = true
}

resource "aws_default_route_table" "second" {
  default_route_table_id = aws_vpc.second.default_route_table_id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.second.id
  }
  route {
    ipv6_cidr_block        = "::/0"
    egress_only_gateway_id = aws_egress_only_internet_gateway.second.id
  }
}

resource "aws_default_network_acl" "second" {
  default_network_acl_id = aws_vpc.second.default_network_acl_id
  subnet_ids             = [aws_subnet.second.id]
  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    from_port  = 0
    to_port    = 0
    cidr_block = "0.0.0.0/0"
  }
  egress {
    rule_no    = 100
    action     = var.changed ? "deny" : "allow"
    protocol   = "-1"
    from_port  = 0
    to_port    = 0
    cidr_block = "0.0.0.0/0"
  }
}

resource "aws_internet_gateway" "second" {
  vpc_id = aws_vpc.second.id
}

resource "aws_egress_only_internet_gateway" "second" {
  vpc_id = aws_vpc.second.id
}

resource "aws_subnet" "second" {
  vpc_id                          = aws_vpc.second.id
  cidr_block                      = "10.30.1.0/24"
  ipv6_cidr_block                 = cidrsubnet(aws_vpc.second.ipv6_cidr_block, 8, 1)
  assign_ipv6_address_on_creation = true
}

resource "aws_route_table" "spare" {
  vpc_id = aws_vpc.second.id
  tags   = { Name = "spare" }
}

resource "aws_vpc_endpoint" "dynamodb" {
  vpc_id       = aws_vpc.second.id
  service_name = "com.amazonaws.${data.aws_region.here.name}.dynamodb"
}

resource "aws_vpc_endpoint_route_table_association" "spare" {
  vpc_endpoint_id = aws_vpc_endpoint.dynamodb.id
  route_table_id  = aws_route_table.spare.id
}

resource "aws_network_acl" "spare" {
  vpc_id = aws_vpc.second.id
}

resource "aws_network_acl_rule" "https" {
  network_acl_id = aws_network_acl.spare.id
  rule_number    = 200
  protocol       = "tcp"
  rule_action    = "allow"
  cidr_block     = "0.0.0.0/0"
  from_port      = 443
  to_port        = 443
}

resource "aws_network_interface" "box" {
  subnet_id       = aws_subnet.second.id
  description     = var.changed ? "changed" : "a box"
  private_ips     = ["10.30.1.20"]
  security_groups = [aws_security_group.box.id]
}

resource "aws_security_group" "box" {
  name        = "box"
  description = "a box"
  vpc_id      = aws_vpc.second.id
}

resource "aws_eip" "box" {
  domain     = "vpc"
  depends_on = [aws_internet_gateway.second]
}

resource "aws_eip_association" "box" {
  allocation_id        = aws_eip.box.id
  network_interface_id = aws_network_interface.box.id
}

resource "aws_ec2_tag" "apart" {
  resource_id = data.aws_security_group.own.id
  key         = "owner"
  value       = var.changed ? "another" : "network"
}

data "aws_vpc_endpoint_service" "s3" {
  service      = "s3"
  service_type = "Gateway"
}

data "aws_security_group" "own" {
  vpc_id = aws_vpc.second.id
  name   = "default"
}
