#include "network/prefix_lists.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "network/address_blocks.hpp"
#include "network/tags.hpp"
#include "network/vpcs.hpp"

namespace tarn::network {
namespace {

constexpr std::string_view services[] = {"dynamodb", "s3"};
constexpr const char* own_block = "127.0.0.0/8";  // where tarn's services are
constexpr std::string_view list_name = "PrefixListName";

std::string name_of(const Records& records, std::string_view service) {
  return "com.amazonaws." + records.region() + "." + std::string(service);
}

// AWS's own lists, as managed ones.
std::vector<Value> lists_of_aws(const Records& records) {
  std::vector<Value> out;
  for (const auto service : services) {
    const std::string id = service_prefix_list(records.region(), service);
    out.push_back(Value::map({{"PrefixListId", id},
                              {"AddressFamily", "IPv4"},
                              {"PrefixListArn", "arn:aws:ec2:" + records.region() + ":aws:prefix-list/" + id},
                              {"PrefixListName", name_of(records, service)},
                              {"OwnerId", "AWS"},
                              {"Tags", Value::list()},
                              {"Kept", Value::map({{"Entries", Value::list({Value::map({{"Cidr", own_block}})})}})}}));
  }
  return out;
}

Value find_list(Records& records, const std::string& id) {
  for (Value& list : lists_of_aws(records))
    if (list.at("PrefixListId").as_string() == id) return std::move(list);
  return records.get(prefix_list, id);
}

Value describe_service_lists(Records& records, const Value& in) {
  static constexpr Filter filters[] = {{"prefix-list-id", "PrefixListId"}, {"prefix-list-name", list_name}};
  const auto ids = texts(in, "PrefixListIds");
  ValueList items;
  for (const Value& list : lists_of_aws(records))
    if (ids.empty() || std::find(ids.begin(), ids.end(), list.at("PrefixListId").as_string()) != ids.end())
      items.push_back(Value::map({{"PrefixListId", list.at("PrefixListId")},
                                  {"PrefixListName", list.at(list_name)},
                                  {"Cidrs", Value::list({own_block})}}));
  if (items.size() < ids.size())
    for (const std::string& id : ids)
      if (std::none_of(items.begin(), items.end(),
                       [&](const Value& i) { return i.at("PrefixListId").as_string() == id; }))
        refuse(prefix_list.not_found, filled(prefix_list.missing_id, id));
  return describe_items(in, "PrefixLists", std::move(items), filters,
                        [](const Value& item) { return item.at("PrefixListId").as_string(); });
}

Value describe_lists(Records& records, const Value& in) {
  static constexpr Filter filters[] = {
      {"owner-id", "OwnerId"}, {"prefix-list-id", "PrefixListId"}, {"prefix-list-name", list_name}, {"tag", "Tags"}};
  const auto ids = texts(in, "PrefixListIds");
  ValueList items;
  if (ids.empty()) {
    for (Value& list : lists_of_aws(records)) items.push_back(std::move(list));
    for (Value& list : records.all(prefix_list)) items.push_back(std::move(list));
  }
  for (const std::string& id : ids) items.push_back(find_list(records, id));
  Value out = describe_items(in, "PrefixLists", std::move(items), filters,
                             [](const Value& item) { return item.at("PrefixListId").as_string(); });
  for (Value& item : out["PrefixLists"].as_list()) item = without_kept(std::move(item));
  return out;
}

Value get_entries(Records& records, const Value& in) {
  const Value list = find_list(records, in.at("PrefixListId").as_string());
  if (const Value* version = in.find("TargetVersion"); version && version->as_int() != list.int_or("Version", 1))
    refuse("InvalidPrefixListVersion.NotFound", "tarn keeps the newest version of a prefix list only");
  return describe_items(in, "Entries", list.at("Kept").at("Entries").as_list(), {},
                        [](const Value& item) { return item.at("Cidr").as_string(); });
}

void add_entries(Value& list, const Value& added) {
  const int bits = list.at("AddressFamily").as_string() == "IPv4" ? ipv4_bits : ipv6_bits;
  auto& entries = list["Kept"]["Entries"].as_list();
  for (const Value& entry : added.as_list()) {
    Value kept = Value::map({{"Cidr", block_in(entry.at("Cidr").as_string(), "cidr", bits).text()}});
    if (const Value* text = entry.find("Description")) kept.set("Description", *text);
    auto same =
        std::find_if(entries.begin(), entries.end(), [&](const Value& e) { return e.at("Cidr") == kept.at("Cidr"); });
    if (same == entries.end())
      entries.push_back(std::move(kept));
    else
      *same = std::move(kept);
  }
  if (static_cast<int64_t>(entries.size()) > list.at("MaxEntries").as_int())
    refuse("PrefixListMaxEntriesExceeded",
           "The prefix list has more entries than its maximum of " + std::to_string(list.at("MaxEntries").as_int()));
}

Value create(Records& records, const Value& in) {
  const std::string id = records.new_id(prefix_list), family = in.at("AddressFamily").as_string();
  if (family != "IPv4" && family != "IPv6")
    refuse("InvalidParameterValue", "Value (" + family + ") for parameter AddressFamily is invalid.");
  if (in.at("MaxEntries").as_int() < 1)
    refuse("InvalidParameterValue", "Value for parameter MaxEntries is invalid. It must be at least 1.");
  if (in.at(list_name).as_string().starts_with("com.amazonaws"))
    refuse("InvalidParameterValue", "A prefix list's name cannot begin with com.amazonaws.");
  Value list = Value::map({{"PrefixListId", id},
                           {"AddressFamily", family},
                           {"State", "create-complete"},
                           {"PrefixListArn", records.arn(prefix_list, id)},
                           {"PrefixListName", in.at(list_name)},
                           {"MaxEntries", in.at("MaxEntries")},
                           {"Version", 1},
                           {"OwnerId", records.account()},
                           {"Tags", tags_for(prefix_list, in)},
                           {"Kept", Value::map({{"Entries", Value::list()}})}});
  if (const Value* entries = in.find("Entries")) add_entries(list, *entries);
  records.put(prefix_list, list);
  return Value::map({{"PrefixList", without_kept(list.set("State", "create-in-progress"))}});
}

Value modify(Records& records, const Value& in) {
  Value list = records.get(prefix_list, in.at("PrefixListId").as_string());
  const Value *added = in.find("AddEntries"), *removed = in.find("RemoveEntries");
  if (const Value* version = in.find("CurrentVersion"); version && *version != list.at("Version"))
    refuse("PrefixListVersionMismatch", "The prefix list has the incorrect version number");
  if ((added || removed) && !in.find("CurrentVersion"))
    refuse("MissingParameter", "The request must contain the parameter CurrentVersion");
  if (const Value* name = in.find(list_name)) list.set(list_name, *name);
  if (const Value* most = in.find("MaxEntries")) list.set("MaxEntries", *most);
  if (removed)
    for (const Value& entry : removed->as_list())
      if (!std::erase_if(list["Kept"]["Entries"].as_list(),
                         [&](const Value& e) { return e.at("Cidr") == entry.at("Cidr"); }))
        refuse("InvalidParameterValue", "The prefix list has no entry with the CIDR " + entry.at("Cidr").as_string());
  add_entries(list, added ? *added : Value::list());
  if (added || removed) list.set("Version", list.at("Version").as_int() + 1);
  list.set("State", "modify-complete");
  records.put(prefix_list, list);
  return Value::map({{"PrefixList", without_kept(list.set("State", "modify-in-progress"))}});
}

Value remove(Records& records, const Value& in) {
  const std::string id = in.at("PrefixListId").as_string();
  Value list = records.get(prefix_list, id);
  if (records.any(security_group_rule, "PrefixListId", id)) refuse_deletion(prefix_list, id);
  for (const Value& table : records.all(route_table))
    for (const Value& route : table.at("Routes").as_list())
      if (route.string_or("DestinationPrefixListId") == id) refuse_deletion(prefix_list, id);
  records.erase(prefix_list, id);
  return Value::map({{"PrefixList", without_kept(list.set("State", "delete-in-progress"))}});
}

}  // namespace

std::string service_prefix_list(std::string_view region, std::string_view service) {
  // Those that are widely known; the others are steady, though not AWS's.
  if (region == "us-east-1") return service == "s3" ? "pl-63a5400a" : "pl-02cd2c6b";
  if (region == "us-west-2") return service == "s3" ? "pl-68a54001" : "pl-00a54069";
  if (region == "eu-west-1") return service == "s3" ? "pl-6da54004" : "pl-6fa54006";
  return "pl-" + hex_encode(digest(DigestKind::sha256, std::string(region) + "/" + std::string(service))).substr(0, 8);
}

void check_prefix_list(Records& records, const std::string& id) {
  find_list(records, id);
}

std::span<const Action> prefix_list_actions() {
  static constexpr Action actions[] = {
      {"DescribePrefixLists", describe_service_lists, "PrefixListIds Filters MaxResults NextToken", false},
      {"DescribeManagedPrefixLists", describe_lists, "PrefixListIds Filters MaxResults NextToken", false},
      {"GetManagedPrefixListEntries", get_entries, "PrefixListId TargetVersion MaxResults NextToken", false},
      {"CreateManagedPrefixList", create, "PrefixListName Entries MaxEntries TagSpecifications AddressFamily"},
      {"ModifyManagedPrefixList", modify,
       "PrefixListId CurrentVersion PrefixListName AddEntries RemoveEntries MaxEntries"},
      {"DeleteManagedPrefixList", remove, "PrefixListId"},
  };
  return actions;
}

}  // namespace tarn::network
