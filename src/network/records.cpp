#include "network/records.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "network/filters.hpp"
#include "network/placement.hpp"
#include "network/tags.hpp"

namespace tarn::network {
namespace {

std::string kind_of(const Kind& kind) {
  return "network." + std::string(kind.type);
}

std::vector<Value> named(Records& records, const Kind& kind, const std::vector<std::string>& ids) {
  std::vector<Value> out;
  for (const std::string& id : ids) out.push_back(records.get(kind, id));
  return out;
}

}  // namespace

void refuse(std::string_view code, std::string message) {
  throw Error(ErrorKind::caller, std::string(code), std::move(message));
}

void refuse_deletion(const Kind& kind, std::string_view id) {
  refuse("DependencyViolation",
         "The " + std::string(kind.noun) + " '" + std::string(id) + "' has dependencies and cannot be deleted.");
}

std::string filled(std::string_view text, std::string_view in) {
  const auto gap = text.find("{}");
  return std::string(text.substr(0, gap)) + std::string(in) + std::string(text.substr(gap + 2));
}

std::optional<Value> Records::find(const Kind& kind, std::string_view id) {
  return reader_.get(kind_of(kind), meta::key({account(), region(), id}));
}

Value Records::get(const Kind& kind, std::string_view id) {
  if (auto record = find(kind, id)) return std::move(*record);
  if (&kind == &security_group && !id.starts_with("sg-"))
    refuse("InvalidGroupId.Malformed", "Invalid id: \"" + std::string(id) + "\" (expecting \"sg-...\")");
  refuse(kind.not_found, filled(kind.missing_id, id));
}

std::vector<Value> Records::all(const Kind& kind) {
  std::vector<Value> out;
  for (auto& record : reader_.list(kind_of(kind), meta::prefix({account(), region()})))
    out.push_back(std::move(record.value));
  return out;
}

std::vector<Value> Records::where(const Kind& kind, std::string_view member, std::string_view is) {
  auto out = all(kind);
  std::erase_if(out, [&](const Value& record) { return record.string_or(member) != is; });
  return out;
}

bool Records::any(const Kind& kind, std::string_view member, std::string_view is) {
  return !where(kind, member, is).empty();
}

void Records::put(const Kind& kind, const Value& record) {
  TARN_ASSERT(transaction_);
  transaction_->put(kind_of(kind), meta::key({account(), region(), record.at(kind.id_member).as_string()}), record);
}

void Records::erase(const Kind& kind, std::string_view id) {
  TARN_ASSERT(transaction_);
  transaction_->erase(kind_of(kind), meta::key({account(), region(), id}));
}

bool Records::is_stood_in(std::string_view id) {
  return network::is_stood_in(reader_, {account(), region()}, id);
}

std::string Records::new_id(std::string_view prefix) {
  return std::string(prefix) + random_.hex(17);
}

std::string Records::arn(const Kind& kind, std::string_view id) const {
  return context_.arn("ec2", std::string(kind.type) + "/" + std::string(id));
}

Time Records::now() const {
  return std::chrono::floor<std::chrono::seconds>(context_.now);
}

std::vector<std::string> texts(const Value& in, std::string_view member) {
  std::vector<std::string> out;
  if (const Value* list = in.find(member); list && list->is_list())
    for (const Value& item : list->as_list()) out.push_back(item.as_string());
  return out;
}

Value without_kept(Value record) {
  record.erase("Kept");
  return record;
}

Value describe(Records& records, const Value& in, const Listing& listing) {
  const auto ids = texts(in, listing.ids);
  ValueList items;
  for (Value& record : ids.empty() ? records.all(listing.kind) : named(records, listing.kind, ids))
    items.push_back(listing.shown ? listing.shown(records, std::move(record)) : std::move(record));
  // Where tags stand makes no difference to who asks for them.
  std::vector<Filter> filters(listing.filters.begin(), listing.filters.end());
  filters.push_back({"tag", listing.kind.tags_member});
  Value out = describe_items(
      in, listing.list, std::move(items), filters,
      [&](const Value& item) { return item.at(listing.kind.id_member).as_string(); }, listing.filters_member);
  for (Value& item : out[listing.list].as_list()) item = without_kept(std::move(item));
  return out;
}

Value describe_items(const Value& in, std::string_view list, ValueList items, std::span<const Filter> filters,
                     const std::function<std::string(const Value&)>& id_of, std::string_view filters_member) {
  if (const Value* asked = in.find(filters_member); asked && asked->is_list())
    std::erase_if(items, [&](const Value& item) { return !passes(item, *asked, filters); });
  std::sort(items.begin(), items.end(), [&](const Value& a, const Value& b) { return id_of(a) < id_of(b); });
  std::string after;
  if (const Value* token = in.find("NextToken"); token && !token->as_string().empty()) {
    auto place = base64_decode(token->as_string());
    if (!place || place->empty()) refuse("InvalidNextToken", "The token '" + token->as_string() + "' is invalid.");
    after = *place;
  }
  std::erase_if(items, [&](const Value& item) { return id_of(item) <= after; });
  Value out = Value::map();
  const auto limit = static_cast<std::size_t>(std::max<int64_t>(1, in.int_or("MaxResults", 1'000'000)));
  if (items.size() > limit) {
    items.resize(limit);
    out.set("NextToken", base64_encode(id_of(items.back())));
  }
  out.set(list, std::move(items));
  return out;
}

}  // namespace tarn::network
