#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "base/json.hpp"
#include "gateway/cloudwatch/alarms.hpp"
#include "gateway/cloudwatch/metric_data.hpp"

namespace tarn::gateway {
namespace {

using api::Context;
using Tags = std::map<std::string, std::string>;

constexpr std::string_view kind = "cloudwatch.dashboard";
constexpr std::size_t max_page = 1000, max_body_size_bytes = 1 << 20, max_name_size = 255;

std::string arn_of(const Context& c, const std::string& name) {
  return "arn:aws:cloudwatch::" + c.account() + ":dashboard/" + name;
}

// Dashboards belong to an account, in all of its regions.
std::string key_of(const Context& c, const std::string& name) {
  return meta::key({c.account(), name});
}

[[noreturn]] void no_dashboard(const std::string& name) {
  throw Error(ErrorKind::missing, "ResourceNotFound", "Dashboard " + name + " does not exist");
}

void check_name(const std::string& name) {
  const bool good =
      !name.empty() && name.size() <= max_name_size &&
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
  if (!good)
    throw Error(ErrorKind::caller, "InvalidParameterValue",
                "DashboardName " + name + " must have 1 to 255 letters, digits, - or _.");
}

void check_body(const std::string& text) {
  std::string why;
  try {
    const Value body = parse_json(text);
    const Value* widgets = body.find("widgets");
    if (!body.is_map() || !widgets || !widgets->is_list()) why = "Should have a field \"widgets\" with a list";
  } catch (const Error& e) {
    why = "The field DashboardBody must be valid JSON: " + e.message();
  }
  if (text.size() > max_body_size_bytes) why = "The body is too long";
  if (!why.empty())
    throw Error(ErrorKind::caller, "InvalidParameterInput", "The dashboard body is invalid: " + why + ".");
}

model::PutDashboardOutput put(meta::Metadata& metadata, Context& c, const model::PutDashboardInput& in) {
  check_name(in.dashboard_name);
  check_body(in.dashboard_body);
  metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    const std::string key = key_of(c, in.dashboard_name);
    const auto before = t.get(kind, key);
    Tags tags;
    for (const auto& tag : in.tags.value_or(std::vector<model::Tag>())) tags[tag.key] = tag.value;
    t.put(kind, key,
          Value::map({{"Body", in.dashboard_body},
                      {"Modified", c.now},
                      {"Tags", before ? before->at("Tags") : api::to_value(tags)}}));
  });
  model::PutDashboardOutput out;
  out.dashboard_validation_messages.emplace();
  return out;
}

model::GetDashboardOutput get(meta::Metadata& metadata, Context& c, const model::GetDashboardInput& in) {
  const auto record = metadata.get(kind, key_of(c, in.dashboard_name));
  if (!record) no_dashboard(in.dashboard_name);
  model::GetDashboardOutput out;
  out.dashboard_name = in.dashboard_name;
  out.dashboard_arn = arn_of(c, in.dashboard_name);
  out.dashboard_body = record->string_or("Body");
  return out;
}

model::ListDashboardsOutput list(meta::Metadata& metadata, Context& c, const model::ListDashboardsInput& in) {
  model::ListDashboardsOutput out;
  out.dashboard_entries.emplace();
  std::size_t place = 0;
  const std::size_t from = in.next_token && !in.next_token->empty() ? page_place(*in.next_token) : 0;
  for (const meta::Record& r : metadata.list(kind, meta::prefix({c.account()}))) {
    const std::string name = meta::key_parts(r.key).at(1);
    if (!name.starts_with(in.dashboard_name_prefix.value_or(""))) continue;
    if (place++ < from) continue;
    if (place > from + max_page) {
      out.next_token = page_token(from + max_page);
      break;
    }
    auto& entry = out.dashboard_entries->emplace_back();
    entry.dashboard_name = name;
    entry.dashboard_arn = arn_of(c, name);
    entry.last_modified = r.value.at("Modified").as_time();
    entry.size = static_cast<int64_t>(r.value.string_or("Body").size());
  }
  return out;
}

model::DeleteDashboardsOutput remove(meta::Metadata& metadata, Context& c, const model::DeleteDashboardsInput& in) {
  metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    for (const std::string& name : in.dashboard_names)
      if (!t.erase(kind, key_of(c, name))) no_dashboard(name);
  });
  return {};
}

// The tags of an alarm or a dashboard, to read or to change.
void with_tags(meta::Metadata& metadata, orchestrate::Alarms& alarms, Context& c, const std::string& arn,
               const std::function<void(Tags&)>& work) {
  if (arn.find(":dashboard/") == arn.npos)
    return alarms.change_tags({c.account(), c.region}, c.principal.arn, arn, work);
  metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    const std::string name = arn.substr(arn.rfind('/') + 1);
    auto record = t.get(kind, key_of(c, name));
    if (!record || arn != arn_of(c, name))
      throw Error(ErrorKind::missing, "ResourceNotFoundException", arn + " does not exist");
    Tags tags;
    api::from_value(record->at("Tags"), tags);
    const Tags before = tags;
    work(tags);
    if (tags == before) return;
    record->set("Tags", api::to_value(tags));
    t.put(kind, key_of(c, name), *record);
  });
}

}  // namespace

void register_dashboards(api::Operations& o, meta::Metadata& metadata, orchestrate::Alarms& alarms) {
  namespace op = model::op;
  o.on<op::PutDashboard>([&](Context& c, const model::PutDashboardInput& in) { return put(metadata, c, in); });
  o.on<op::GetDashboard>([&](Context& c, const model::GetDashboardInput& in) { return get(metadata, c, in); });
  o.on<op::ListDashboards>([&](Context& c, const model::ListDashboardsInput& in) { return list(metadata, c, in); });
  o.on<op::DeleteDashboards>(
      [&](Context& c, const model::DeleteDashboardsInput& in) { return remove(metadata, c, in); });
  o.on<op::TagResource>([&](Context& c, const model::TagResourceInput& in) {
    with_tags(metadata, alarms, c, in.resource_arn, [&](Tags& tags) {
      for (const auto& tag : in.tags) tags[tag.key] = tag.value;
    });
    return model::TagResourceOutput();
  });
  o.on<op::UntagResource>([&](Context& c, const model::UntagResourceInput& in) {
    with_tags(metadata, alarms, c, in.resource_arn, [&](Tags& tags) {
      for (const std::string& key : in.tag_keys) tags.erase(key);
    });
    return model::UntagResourceOutput();
  });
  o.on<op::ListTagsForResource>([&](Context& c, const model::ListTagsForResourceInput& in) {
    model::ListTagsForResourceOutput out;
    out.tags.emplace();
    with_tags(metadata, alarms, c, in.resource_arn, [&](Tags& tags) {
      for (const auto& [key, value] : tags) out.tags->push_back({key, value});
    });
    return out;
  });
}

}  // namespace tarn::gateway
