#include "network/placement.hpp"

#include "network/records.hpp"

namespace tarn::network {
namespace {

constexpr const char* kind = "network.user";

}  // namespace

std::string vpc_of(meta::Reader& reader, const NetworkScope& scope, const std::vector<std::string>& subnet_ids,
                   const std::vector<std::string>& group_ids) {
  api::Context context;
  context.principal.account = scope.account;
  context.region = scope.region;
  SystemRandom unused;
  Records records(reader, nullptr, context, unused);
  std::string vpc_id;
  auto look = [&](const Kind& what, const std::string& id) {
    const std::string its = records.get(what, id).at("VpcId").as_string();
    if (vpc_id.empty()) vpc_id = its;
    if (vpc_id != its)
      refuse("InvalidParameterValue", "The subnets and security groups are in different VPCs: " + vpc_id + ", " + its);
  };
  for (const std::string& id : subnet_ids) look(subnet, id);
  for (const std::string& id : group_ids) look(security_group, id);
  return vpc_id;
}

void place(meta::Transaction& transaction, const NetworkScope& scope, std::string_view user,
           const std::vector<std::string>& subnet_and_group_ids) {
  for (const std::string& key : transaction.keys(kind, meta::prefix({scope.account, scope.region})))
    if (meta::key_parts(key).back() == user) transaction.erase(kind, key);
  for (const std::string& id : subnet_and_group_ids)
    transaction.put(kind, meta::key({scope.account, scope.region, id, user}), Value::map());
}

bool is_stood_in(meta::Reader& reader, const NetworkScope& scope, std::string_view id) {
  return reader.count(kind, meta::prefix({scope.account, scope.region, id})) > 0;
}

}  // namespace tarn::network
