// Route tables, which subnets go by them, and their routes.
//
// A table keeps only the routes that somebody made: the local ones follow from the VPC's blocks, and whether a route
// leads anywhere follows from its target, each time it is read.
#pragma once

#include "network/records.hpp"

namespace tarn::network {

void make_main_route_table(Records& records, const Value& vpc_record);
Value main_route_table(Records& records, std::string_view vpc_id);
bool is_main(const Value& table);
// Adds a route and stores the table. `target` is the member that names `to`: "GatewayId".
void add_route(Records& records, Value table, const std::string& destination_cidr, std::string_view target,
               const std::string& to);
// A subnet's association goes with it.
void forget_subnet_routes(Records& records, std::string_view subnet_id);
// The table as AWS shows it.
Value shown_route_table(Records& records, Value table);

}  // namespace tarn::network
