#include "gateway/ec2/ec2.hpp"

#include "base/json.hpp"
#include "network/records.hpp"
#include "network/vpcs.hpp"

namespace tarn::gateway {
namespace {

using api::Context;
using network::Action;
using network::Records;

constexpr const char* tokens = "network.client_token";
constexpr auto token_lifetime = std::chrono::hours(24);

bool is_honoured(const Action& action, std::string_view member) {
  if (member == "DryRun" || member == "ClientToken") return true;
  const std::string_view list = action.honours;
  for (std::size_t at = list.find(member); at != std::string_view::npos; at = list.find(member, at + 1)) {
    const std::size_t end = at + member.size();
    if ((at == 0 || list[at - 1] == ' ') && (end == list.size() || list[end] == ' ')) return true;
  }
  return false;
}

void refuse_others(const Action& action, const Value& in) {
  for (const ValueMember& member : in.as_map())
    if (!member.value.is_null() && !is_honoured(action, member.key))
      throw Error(ErrorKind::unsupported, "NotImplemented",
                  "tarn does not have the parameter " + member.key + " of " + std::string(action.name));
}

// A name in a table that the model does not have would be a member that nobody can send.
void check_table(const Action& action) {
  const auto* operation = api::find_operation(*api::find_service("ec2"), action.name);
  TARN_ASSERT(operation && operation->input);
  std::string_view rest = action.honours;
  while (!rest.empty()) {
    const auto space = rest.find(' ');
    TARN_ASSERT(api::find_member(*operation->input, rest.substr(0, space)));
    rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
  }
}

void end_dry_run(const Value& in) {
  if (in.bool_or("DryRun"))
    throw Error(ErrorKind::caller, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
}

// The same request with the same token is answered as it was, for a day.
Value run_once(meta::Transaction& transaction, Records& records, const Action& action, const Context& c,
               const Value& in) {
  const std::string token = in.string_or("ClientToken");
  if (token.empty()) return action.run(records, in);
  const std::string prefix = meta::prefix({c.account(), c.region});
  for (const auto& old : transaction.list(tokens, prefix))
    if (c.now - old.value.at("At").as_time() > token_lifetime) transaction.erase(tokens, old.key);
  const std::string key = meta::key({c.account(), c.region, action.name, token}), asked = to_json(in);
  if (const auto before = transaction.get(tokens, key)) {
    if (before->at("Input").as_string() == asked) return before->at("Output");
    throw Error(ErrorKind::caller, "IdempotentParameterMismatch",
                "The client token has been used before, for a request with other parameters: " + token);
  }
  Value out = action.run(records, in);
  transaction.put(tokens, key, Value::map({{"At", c.now}, {"Input", asked}, {"Output", out}}));
  return out;
}

Value run(const Action& action, meta::Metadata& metadata, Random& random, Context& c, const Value& in) {
  refuse_others(action, in);
  if (!network::had_default_network(metadata, c))
    metadata.change("tarn", [&](meta::Transaction& t) {
      Records records(t, &t, c, random);
      network::make_default_network(t, records, c);
    });
  Value out;
  if (action.writes) {
    metadata.change(c.principal.arn, [&](meta::Transaction& t) {
      Records records(t, &t, c, random);
      out = run_once(t, records, action, c, in);
      end_dry_run(in);  // undoes it all
    });
  } else {
    Records records(metadata, nullptr, c, random);
    out = action.run(records, in);
    end_dry_run(in);
  }
  if (const std::string token = in.string_or("ClientToken"); !token.empty()) out.set("ClientToken", token);
  return out;
}

}  // namespace

void register_ec2(api::Operations& operations, meta::Metadata& metadata, Random& random) {
  for (const auto actions :
       {network::vpc_actions(), network::subnet_actions(), network::route_table_actions(), network::route_actions(),
        network::gateway_actions(), network::nat_gateway_actions(), network::address_actions(),
        network::security_group_actions(), network::security_group_rule_actions(), network::network_acl_actions(),
        network::dhcp_actions(), network::endpoint_actions(), network::interface_actions(),
        network::prefix_list_actions(), network::tag_actions(), network::place_actions(), network::absent_actions()})
    for (const Action& action : actions) {
      check_table(action);
      operations.add("ec2:" + std::string(action.name), [&action, &metadata, &random](Context& c, const Value& in) {
        return run(action, metadata, random, c, in);
      });
    }
}

}  // namespace tarn::gateway
