"""EC2's networks by boto3: what AWS gives to every account, what depends on what, which errors come in which words."""

import io
import json
import zipfile

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def ec2(tarn):
    return tarn.client("ec2")


@pytest.fixture
def vpc(ec2):
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


def code(call, **members):
    with pytest.raises(ClientError) as refused:
        call(**members)
    return refused.value.response["Error"]["Code"]


def message(call, **members):
    with pytest.raises(ClientError) as refused:
        call(**members)
    return refused.value.response["Error"]["Message"]


def by_vpc(vpc, **more):
    return [{"Name": "vpc-id", "Values": [vpc]}] + [{"Name": k.replace("_", "-"), "Values": [v]} for k, v in more.items()]


def test_every_account_and_region_has_a_default_network(tarn):
    ids = []
    for account in ("111122223333", "444455556666"):
        ec2 = tarn.client("ec2", key=account)
        default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        assert [v["CidrBlock"] for v in default] == ["172.31.0.0/16"]
        assert default[0]["OwnerId"] == account
        ids.append(default[0]["VpcId"])
        subnets = ec2.describe_subnets(Filters=by_vpc(ids[-1], default_for_az="true"))["Subnets"]
        assert sorted(s["AvailabilityZone"] for s in subnets) == ["us-east-1" + z for z in "abcdef"]
        assert {s["AvailableIpAddressCount"] for s in subnets} == {4091}
        table = ec2.describe_route_tables(Filters=by_vpc(ids[-1]) + [{"Name": "association.main", "Values": ["true"]}])["RouteTables"][0]
        assert [r["DestinationCidrBlock"] for r in table["Routes"]] == ["172.31.0.0/16", "0.0.0.0/0"]
        assert {r["State"] for r in table["Routes"]} == {"active"}
        options = ec2.describe_dhcp_options(DhcpOptionsIds=[default[0]["DhcpOptionsId"]])["DhcpOptions"][0]["DhcpConfigurations"]
        assert {"Key": "domain-name", "Values": [{"Value": "ec2.internal"}]} in options
    assert ids[0] != ids[1]


def test_a_deleted_default_network_stays_away_until_it_is_made_again(tarn):
    ec2 = tarn.client("ec2", key="777788889999")
    home = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    assert code(ec2.create_default_vpc) == "DefaultVpcAlreadyExists"
    gateway = ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    assert message(ec2.delete_vpc, VpcId=home) == f"The vpc '{home}' has dependencies and cannot be deleted."
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=home)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_vpc(VpcId=home)
    assert ec2.describe_vpcs()["Vpcs"] == []
    for listed in (ec2.describe_route_tables()["RouteTables"], ec2.describe_network_acls()["NetworkAcls"],
                   ec2.describe_security_groups()["SecurityGroups"], ec2.describe_security_group_rules()["SecurityGroupRules"]):
        assert listed == []
    assert ec2.create_default_vpc()["Vpc"]["IsDefault"] is True
    assert len(ec2.describe_subnets()["Subnets"]) == 6


def test_blocks_are_checked(ec2, vpc):
    assert code(ec2.create_vpc, CidrBlock="10.0.0.0/8") == "InvalidVpc.Range"
    assert code(ec2.create_vpc, CidrBlock="10.0.0/16") == "InvalidParameterValue"
    assert code(ec2.create_vpc) == "MissingParameter"
    first = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1b")["Subnet"]
    assert (first["AvailabilityZoneId"], first["AvailableIpAddressCount"], first["State"]) == ("use1-az2", 251, "available")
    assert message(ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.1.128/25") == "The CIDR '10.0.1.128/25' conflicts with another subnet"
    assert code(ec2.create_subnet, VpcId=vpc, CidrBlock="10.1.0.0/24") == "InvalidSubnet.Range"
    assert code(ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.2.0/29") == "InvalidSubnet.Range"
    assert code(ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1z") == "InvalidParameterValue"
    assert message(ec2.create_subnet, VpcId="vpc-1234", CidrBlock="10.0.2.0/24") == "The vpc ID 'vpc-1234' does not exist"
    # A second block, and what lies in it.
    assert code(ec2.associate_vpc_cidr_block, VpcId=vpc, CidrBlock="192.168.0.0/16") == "InvalidVpc.Range"
    second = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]["AssociationId"]
    inside = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    assert code(ec2.disassociate_vpc_cidr_block, AssociationId=second) == "DependencyViolation"
    ec2.delete_subnet(SubnetId=inside)
    ec2.disassociate_vpc_cidr_block(AssociationId=second)
    primary = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlockAssociationSet"][0]["AssociationId"]
    assert code(ec2.disassociate_vpc_cidr_block, AssociationId=primary) == "OperationNotPermitted"


def test_ipv6(ec2):
    made = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    block = made["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    assert block.endswith("::/56")
    subnet = ec2.create_subnet(VpcId=made["VpcId"], CidrBlock="10.0.0.0/24", Ipv6CidrBlock=block.replace("/56", "/64"))["Subnet"]
    ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], AssignIpv6AddressOnCreation={"Value": True})
    gateway = ec2.create_egress_only_internet_gateway(VpcId=made["VpcId"])["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    table = ec2.create_route_table(VpcId=made["VpcId"])["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0", EgressOnlyInternetGatewayId=gateway)
    routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert [r.get("DestinationIpv6CidrBlock") for r in routes] == [None, block, "::/0"]
    assert code(ec2.delete_vpc, VpcId=made["VpcId"]) == "DependencyViolation"
    ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=gateway)
    assert ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"][2]["State"] == "blackhole"


def test_addresses_of_interfaces(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    box = ec2.create_network_interface(SubnetId=subnet, PrivateIpAddresses=[{"PrivateIpAddress": "10.0.1.9", "Primary": False}, {"PrivateIpAddress": "10.0.1.8", "Primary": True}])
    interface = box["NetworkInterface"]["NetworkInterfaceId"]
    assert [(a["PrivateIpAddress"], a["Primary"]) for a in box["NetworkInterface"]["PrivateIpAddresses"]] == [("10.0.1.8", True), ("10.0.1.9", False)]
    more = ec2.assign_private_ip_addresses(NetworkInterfaceId=interface, SecondaryPrivateIpAddressCount=2)["AssignedPrivateIpAddresses"]
    assert [a["PrivateIpAddress"] for a in more] == ["10.0.1.4", "10.0.1.5"]
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 247
    assert code(ec2.assign_private_ip_addresses, NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.1.8"]) == "InvalidIPAddress.InUse"
    assert code(ec2.assign_private_ip_addresses, NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.1.1"]) == "InvalidParameterValue"
    assert code(ec2.assign_private_ip_addresses, NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.2.8"]) == "InvalidParameterValue"
    assert code(ec2.unassign_private_ip_addresses, NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.1.8"]) == "InvalidParameterValue"
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.1.4", "10.0.1.9"])
    assert code(ec2.delete_subnet, SubnetId=subnet) == "DependencyViolation"
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    ec2.delete_subnet(SubnetId=subnet)


def test_attributes(ec2, vpc):
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")["EnableDnsSupport"] == {"Value": True}
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"] == {"Value": False}
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"] == {"Value": True}
    assert code(ec2.modify_vpc_attribute, VpcId=vpc) == "MissingParameter"
    assert len(ec2.describe_availability_zones()["AvailabilityZones"]) == 6
    assert "eu-west-1" in [r["RegionName"] for r in ec2.describe_regions()["Regions"]]
    assert {a["AttributeName"] for a in ec2.describe_account_attributes()["AccountAttributes"]} >= {"default-vpc", "supported-platforms"}
    assert ec2.describe_instances()["Reservations"] == []
    assert code(ec2.describe_instances, InstanceIds=["i-1"]) == "InvalidInstanceID.NotFound"
    assert code(ec2.run_instances, ImageId="ami-1", MinCount=1, MaxCount=1) == "NotImplemented"
    assert code(ec2.create_flow_logs, ResourceIds=[vpc], ResourceType="VPC") == "NotImplemented"
    assert code(ec2.create_vpc, Ipv4IpamPoolId="ipam-pool-1", Ipv4NetmaskLength=16) == "NotImplemented"


def test_routes(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    to_all = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}
    assert "belong to different networks" in message(ec2.create_route, **to_all)
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert code(ec2.attach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc) == "Resource.AlreadyAssociated"
    assert ec2.create_route(**to_all)["Return"] is True
    assert code(ec2.create_route, **to_all) == "RouteAlreadyExists"
    assert code(ec2.create_route, **{**to_all, "DestinationCidrBlock": "10.0.0.0/16"}) == "RouteAlreadyExists"
    assert code(ec2.create_route, **{**to_all, "DestinationCidrBlock": "10.0.7.0/24"}) == "InvalidParameterValue"
    assert code(ec2.delete_route, RouteTableId=table, DestinationCidrBlock="10.9.0.0/16") == "InvalidRoute.NotFound"
    assert code(ec2.delete_route, RouteTableId=table, DestinationCidrBlock="10.0.0.0/16") == "InvalidParameterValue"
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    assert code(ec2.associate_route_table, RouteTableId=table, SubnetId=subnet) == "Resource.AlreadyAssociated"
    assert code(ec2.delete_route_table, RouteTableId=table) == "DependencyViolation"
    found = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["RouteTables"]
    assert [t["RouteTableId"] for t in found] == [table]
    # The main table's association moves with its role.
    main = ec2.describe_route_tables(Filters=by_vpc(vpc) + [{"Name": "association.main", "Values": ["true"]}])["RouteTables"][0]
    main_association = main["Associations"][0]["RouteTableAssociationId"]
    assert code(ec2.disassociate_route_table, AssociationId=main_association) == "InvalidParameterValue"
    moved = ec2.replace_route_table_association(AssociationId=main_association, RouteTableId=table)["NewAssociationId"]
    assert code(ec2.disassociate_route_table, AssociationId=main_association) == "InvalidAssociationID.NotFound"
    ec2.replace_route_table_association(AssociationId=moved, RouteTableId=main["RouteTableId"])
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    route = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"][1]
    assert (route["GatewayId"], route["State"]) == (gateway, "blackhole")
    ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route_table(RouteTableId=table)


def test_nat_gateways_hold_what_they_use(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    address = ec2.allocate_address(Domain="vpc")
    # Without a way out it fails, and keeps nothing.
    failed = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address["AllocationId"])["NatGateway"]
    assert failed["State"] == "pending"
    failed = ec2.describe_nat_gateways(NatGatewayIds=[failed["NatGatewayId"]])["NatGateways"][0]
    assert (failed["State"], failed["FailureCode"]) == ("failed", "Gateway.NotAttached")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    once = {"SubnetId": subnet, "AllocationId": address["AllocationId"], "ClientToken": "one",
            "TagSpecifications": [{"ResourceType": "natgateway", "Tags": [{"Key": "Name", "Value": "out"}]}]}
    nat = ec2.create_nat_gateway(**once)["NatGateway"]["NatGatewayId"]
    assert ec2.create_nat_gateway(**once)["NatGateway"]["NatGatewayId"] == nat
    assert code(ec2.create_nat_gateway, **{**once, "ConnectivityType": "private"}) == "IdempotentParameterMismatch"
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat])
    shown = ec2.describe_nat_gateways(Filter=[{"Name": "tag:Name", "Values": ["out"]}])["NatGateways"][0]
    assert shown["NatGatewayAddresses"][0]["PublicIp"] == address["PublicIp"]
    assert shown["NatGatewayAddresses"][0]["PrivateIp"] == "10.0.1.4"
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 250
    interface = ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])["NetworkInterfaces"][0]
    assert (interface["InterfaceType"], interface["Status"]) == ("nat_gateway", "in-use")
    assert code(ec2.delete_network_interface, NetworkInterfaceId=interface["NetworkInterfaceId"]) == "OperationNotPermitted"
    assert message(ec2.delete_subnet, SubnetId=subnet) == f"The subnet '{subnet}' has dependencies and cannot be deleted."
    assert code(ec2.release_address, AllocationId=address["AllocationId"]) == "AuthFailure"
    assert "mapped public address" in message(ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    assert code(ec2.create_nat_gateway, SubnetId=subnet, AllocationId=address["AllocationId"]) == "Resource.AlreadyAssociated"
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    ec2.delete_nat_gateway(NatGatewayId=nat)
    assert ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] == "deleted"
    assert ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"][1]["State"] == "blackhole"
    ec2.release_address(AllocationId=address["AllocationId"])
    assert code(ec2.describe_addresses, AllocationIds=[address["AllocationId"]]) == "InvalidAllocationID.NotFound"
    ec2.delete_subnet(SubnetId=subnet)


def test_security_groups(ec2, vpc):
    made = ec2.create_security_group(GroupName="web", Description="of the web", VpcId=vpc)
    web = made["GroupId"]
    assert made["SecurityGroupArn"].endswith(f":security-group/{web}")
    assert code(ec2.create_security_group, GroupName="web", Description="again", VpcId=vpc) == "InvalidGroup.Duplicate"
    assert code(ec2.create_security_group, GroupName="sg-x", Description="no", VpcId=vpc) == "InvalidParameterValue"
    db = ec2.create_security_group(GroupName="db", Description="of the database", VpcId=vpc)["GroupId"]
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.9/16", "Description": "inside"}],
             "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    rules = ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[https])["SecurityGroupRules"]
    assert [r.get("CidrIpv4", r.get("CidrIpv6")) for r in rules] == ["10.0.0.0/16", "::/0"]
    assert message(ec2.authorize_security_group_ingress, GroupId=web, IpProtocol="6", FromPort=443, ToPort=443, CidrIp="10.0.0.0/16") == \
        'the specified rule "peer: 10.0.0.0/16, TCP, from port: 443, to port: 443, ALLOW" already exists'
    assert code(ec2.authorize_security_group_ingress, GroupId=web, IpProtocol="tcp", FromPort=9, ToPort=8, CidrIp="0.0.0.0/0") == "InvalidParameterValue"
    assert code(ec2.authorize_security_group_ingress, GroupId=web, IpProtocol="tcp", FromPort=8, ToPort=8, CidrIp="0.0.0.0") == "InvalidParameterValue"
    from_web = [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": web}]}]
    ec2.authorize_security_group_ingress(GroupId=db, IpPermissions=from_web)
    assert message(ec2.delete_security_group, GroupId=web) == f"resource {web} has a dependent object"
    shown = ec2.describe_security_groups(GroupIds=[web])["SecurityGroups"][0]
    assert shown["IpPermissions"] == [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [],
                                       "IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "inside"}],
                                       "Ipv6Ranges": [{"CidrIpv6": "::/0"}], "PrefixListIds": []}]
    assert shown["IpPermissionsEgress"][0]["IpProtocol"] == "-1"
    found = ec2.describe_security_groups(Filters=by_vpc(vpc) + [{"Name": "ip-permission.group-id", "Values": [web]}])["SecurityGroups"]
    assert [g["GroupId"] for g in found] == [db]
    # One rule by its id: changed, described, revoked.
    rule = next(r["SecurityGroupRuleId"] for r in rules if "CidrIpv4" in r)
    ec2.modify_security_group_rules(GroupId=web, SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": {
        "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIpv4": "10.0.0.0/8"}}])
    ec2.update_security_group_rule_descriptions_ingress(GroupId=web, SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": rule, "Description": "plain"}])
    now = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"][0]
    assert (now["FromPort"], now["CidrIpv4"], now["Description"]) == (80, "10.0.0.0/8", "plain")
    ec2.revoke_security_group_ingress(GroupId=web, SecurityGroupRuleIds=[rule])
    assert code(ec2.describe_security_group_rules, SecurityGroupRuleIds=[rule]) == "InvalidSecurityGroupRuleId.NotFound"
    assert code(ec2.revoke_security_group_ingress, GroupId=web, IpProtocol="udp", FromPort=1, ToPort=1, CidrIp="0.0.0.0/0") == "InvalidPermission.NotFound"
    ec2.revoke_security_group_egress(GroupId=web, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    assert ec2.describe_security_groups(GroupIds=[web])["SecurityGroups"][0]["IpPermissionsEgress"] == []
    ec2.delete_security_group(GroupId=db)
    assert ec2.delete_security_group(GroupId=web)["GroupId"] == web
    own = ec2.describe_security_groups(Filters=by_vpc(vpc, group_name="default"))["SecurityGroups"][0]["GroupId"]
    assert code(ec2.delete_security_group, GroupId=own) == "CannotDelete"
    ec2.delete_vpc(VpcId=vpc)


def test_network_acls(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]
    assert [e["RuleNumber"] for e in acl["Entries"]] == [32767, 32767]
    entry = {"NetworkAclId": acl["NetworkAclId"], "RuleNumber": 100, "Protocol": "6", "RuleAction": "allow", "Egress": False, "CidrBlock": "0.0.0.0/0"}
    assert code(ec2.create_network_acl_entry, **entry) == "MissingParameter"
    ec2.create_network_acl_entry(**entry, PortRange={"From": 443, "To": 443})
    assert code(ec2.create_network_acl_entry, **entry, PortRange={"From": 80, "To": 80}) == "NetworkAclEntryAlreadyExists"
    ec2.replace_network_acl_entry(**entry, PortRange={"From": 80, "To": 80})
    own = ec2.describe_network_acls(Filters=by_vpc(vpc, default="true"))["NetworkAcls"][0]
    moved = ec2.replace_network_acl_association(AssociationId=own["Associations"][0]["NetworkAclAssociationId"], NetworkAclId=acl["NetworkAclId"])
    shown = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"][0]
    assert shown["Associations"][0]["NetworkAclAssociationId"] == moved["NewAssociationId"]
    assert [e["PortRange"] for e in shown["Entries"] if "PortRange" in e] == [{"From": 80, "To": 80}]
    assert code(ec2.delete_network_acl, NetworkAclId=acl["NetworkAclId"]) == "DependencyViolation"
    ec2.delete_network_acl_entry(NetworkAclId=acl["NetworkAclId"], RuleNumber=100, Egress=False)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_network_acl(NetworkAclId=acl["NetworkAclId"])
    assert code(ec2.delete_network_acl, NetworkAclId=own["NetworkAclId"]) == "InvalidParameterValue"


def test_endpoints(ec2, vpc):
    one, two, same = (ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"us-east-1{z}")["Subnet"]["SubnetId"]
                      for i, z in ((1, "a"), (2, "b"), (3, "a")))
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    s3 = {"VpcId": vpc, "ServiceName": "com.amazonaws.us-east-1.s3", "RouteTableIds": [table]}
    by_route = ec2.create_vpc_endpoint(**s3)["VpcEndpoint"]
    assert (by_route["VpcEndpointType"], by_route["State"]) == ("Gateway", "available")
    assert code(ec2.create_vpc_endpoint, **s3) == "RouteAlreadyExists"
    route = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"][1]
    lists = ec2.describe_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.s3"]}])["PrefixLists"]
    assert route["DestinationPrefixListId"] == lists[0]["PrefixListId"]
    assert code(ec2.delete_route_table, RouteTableId=table) == "DependencyViolation"
    glue = {"VpcId": vpc, "ServiceName": "com.amazonaws.us-east-1.glue", "VpcEndpointType": "Interface"}
    assert "enableDnsHostnames" in message(ec2.create_vpc_endpoint, **glue, SubnetIds=[one])
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert code(ec2.create_vpc_endpoint, **glue, SubnetIds=[one, same]) == "DuplicateSubnetsInSameZone"
    assert code(ec2.create_vpc_endpoint, **{**glue, "ServiceName": "com.amazonaws.us-east-1.nonsense"}) == "InvalidServiceName"
    assert code(ec2.create_vpc_endpoint, **{**glue, "VpcEndpointType": "Gateway"}) == "InvalidParameter"
    made = ec2.create_vpc_endpoint(**glue, SubnetIds=[one])["VpcEndpoint"]
    assert made["State"] == "pending"
    shown = ec2.describe_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])["VpcEndpoints"][0]
    assert (shown["State"], shown["PrivateDnsEnabled"]) == ("available", True)
    assert "glue.us-east-1.amazonaws.com" in [e["DnsName"] for e in shown["DnsEntries"]]
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], AddSubnetIds=[two], RemoveSubnetIds=[one])
    shown = ec2.describe_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])["VpcEndpoints"][0]
    assert (shown["SubnetIds"], len(shown["NetworkInterfaceIds"])) == ([two], 1)
    assert code(ec2.delete_subnet, SubnetId=two) == "DependencyViolation"
    ec2.delete_subnet(SubnetId=one)
    gone = ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"], by_route["VpcEndpointId"], "vpce-1"])["Unsuccessful"]
    assert [(u["ResourceId"], u["Error"]["Code"]) for u in gone] == [("vpce-1", "InvalidVpcEndpointId.NotFound")]
    ec2.delete_route_table(RouteTableId=table)
    services = ec2.describe_vpc_endpoint_services(Filters=[{"Name": "service-type", "Values": ["Gateway"]}])
    assert services["ServiceNames"] == ["com.amazonaws.us-east-1.dynamodb", "com.amazonaws.us-east-1.s3"]


def test_tags_pages_and_dry_runs(ec2):
    made = [ec2.create_vpc(CidrBlock=f"10.{i}.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "group", "Value": "paged"}]}])
            ["Vpc"]["VpcId"] for i in range(6)]
    paged = [{"Name": "tag:group", "Values": ["pag*"]}]
    pages = list(ec2.get_paginator("describe_vpcs").paginate(Filters=paged, PaginationConfig={"PageSize": 5}))
    assert [len(p["Vpcs"]) for p in pages] == [5, 1]
    ec2.create_tags(Resources=made[:2], Tags=[{"Key": "Name", "Value": "first"}, {"Key": "group", "Value": "other"}])
    assert len(ec2.describe_vpcs(Filters=paged)["Vpcs"]) == 4
    assert {t["ResourceId"] for t in ec2.describe_tags(Filters=[{"Name": "key", "Values": ["Name"]}, {"Name": "value", "Values": ["first"]}])["Tags"]} == set(made[:2])
    ec2.delete_tags(Resources=[made[0]], Tags=[{"Key": "Name", "Value": "not this"}, {"Key": "group"}])
    assert ec2.describe_vpcs(VpcIds=[made[0]])["Vpcs"][0]["Tags"] == [{"Key": "Name", "Value": "first"}]
    assert code(ec2.create_tags, Resources=[made[0]], Tags=[{"Key": "aws:x", "Value": ""}]) == "InvalidParameterValue"
    assert code(ec2.create_tags, Resources=["xyz-1"], Tags=[{"Key": "x", "Value": ""}]) == "InvalidID"
    assert code(ec2.describe_vpcs, Filters=[{"Name": "nonsense", "Values": ["x"]}]) == "InvalidParameterValue"
    with pytest.raises(ClientError) as dry:
        ec2.delete_vpc(VpcId=made[0], DryRun=True)
    assert dry.value.response["Error"]["Code"] == "DryRunOperation"
    assert dry.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert code(ec2.delete_vpc, VpcId="vpc-none", DryRun=True) == "InvalidVpcID.NotFound"
    for vpc in made:
        ec2.delete_vpc(VpcId=vpc)


def test_networks_survive_a_kill(own_tarn):
    tarn = own_tarn()
    ec2 = tarn.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]
    tarn.kill()
    tarn.start()
    ec2 = tarn.client("ec2")
    assert ec2.describe_subnets(SubnetIds=[subnet["SubnetId"]])["Subnets"] == [subnet]


def test_functions_stand_in_subnets(tarn):
    ec2, functions = tarn.client("ec2", key="200000000005"), tarn.client("lambda", key="200000000005")
    iam = tarn.client("iam", key="200000000005")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="f", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="f", Description="f", VpcId=vpc)["GroupId"]
    code_of = io.BytesIO()
    with zipfile.ZipFile(code_of, "w") as archive:
        archive.writestr("f.py", "def main(event, context):\n    return event\n")
    given = {"FunctionName": "f", "Role": role, "Runtime": "python3.12", "Handler": "f.main", "Code": {"ZipFile": code_of.getvalue()}}
    assert "InvalidSubnetID.NotFound" in message(functions.create_function, **given, VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": [group]})
    assert "InvalidGroup" in message(functions.create_function, **given, VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": ["sg-1"]})
    assert code(functions.create_function, **given, VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": []}) == "InvalidParameterValueException"
    made = functions.create_function(**given, VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": [group]})
    assert made["VpcConfig"] == {"SubnetIds": [subnet], "SecurityGroupIds": [group], "VpcId": vpc, "Ipv6AllowedForDualStack": False}
    assert code(ec2.delete_subnet, SubnetId=subnet) == "DependencyViolation"
    assert code(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    functions.update_function_configuration(FunctionName="f", Timeout=9)
    assert code(ec2.delete_subnet, SubnetId=subnet) == "DependencyViolation"
    left = functions.update_function_configuration(FunctionName="f", VpcConfig={"SubnetIds": [], "SecurityGroupIds": []})
    assert "VpcConfig" not in left
    ec2.delete_security_group(GroupId=group)
    ec2.delete_subnet(SubnetId=subnet)
    functions.delete_function(FunctionName="f")
