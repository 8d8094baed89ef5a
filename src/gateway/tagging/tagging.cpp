#include "gateway/tagging/tagging.hpp"

#include <algorithm>
#include <set>

#include "api/resourcegroupstaggingapi.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"
#include "gateway/tagging/tagged_types.hpp"

namespace tarn::gateway {
namespace {

namespace model = api::resourcegroupstaggingapi;
using api::Context;
using api::Operations;
using tagging::TaggedType;
using tagging::Tags;

constexpr std::size_t names_on_a_page = 1000;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidParameterException", what);
}

// Absent and empty are the same: clients send back what they were given.
std::string after_of(const std::optional<std::string>& token) {
  if (!token || token->empty()) return {};
  auto place = base64_decode(*token);
  if (!place || place->empty())
    throw Error(ErrorKind::caller, "PaginationTokenExpiredException", "The pagination token is not valid.");
  return *place;
}

struct Resource {
  std::string arn;
  Tags tags;
};

// A filter is "service" or "service:type".
bool is_wanted(const TaggedType& type, const std::optional<std::vector<std::string>>& filters) {
  if (!filters || filters->empty()) return true;
  return std::ranges::any_of(*filters, [&](const std::string& filter) {
    return type.type == filter || (type.type.starts_with(filter) && type.type[filter.size()] == ':') ||
           (type.form == tagging::TagForm::ec2 && filter.starts_with("ec2:"));
  });
}

// The same of a resource, where its ARN alone tells the type.
bool is_wanted(const TaggedType& type, const std::string& arn, const std::optional<std::vector<std::string>>& filters) {
  if (type.form != tagging::TagForm::ec2 || !filters || filters->empty()) return true;
  const std::string resource = arn.substr(arn.rfind(':') + 1);
  return std::ranges::any_of(*filters, [&](const std::string& filter) {
    return filter == "ec2" || (filter.starts_with("ec2:") && resource.starts_with(filter.substr(4) + "/"));
  });
}

void check_type_filters(const std::optional<std::vector<std::string>>& filters) {
  if (!filters) return;
  for (const auto& filter : *filters) {
    const std::string service = filter.substr(0, filter.find(':'));
    if (service.empty() || filter.ends_with(':'))
      invalid("The resource type filter " + filter + " is not of the form service[:resourceType].");
  }
}

bool passes(const Tags& tags, const model::TagFilter& filter) {
  const auto found = tags.find(filter.key.value_or(""));
  if (found == tags.end()) return false;
  return !filter.values || filter.values->empty() ||
         std::ranges::find(*filter.values, found->second) != filter.values->end();
}

// Those that have tags, by ARN.
std::vector<Resource> tagged_resources(Operations& operations, const Context& c,
                                       const std::optional<std::vector<std::string>>& types) {
  std::vector<Resource> out;
  for (const TaggedType& type : tagging::tagged_types()) {
    if (!is_wanted(type, types)) continue;
    for (const std::string& arn : tagging::list_resources(operations, c, type)) {
      if (!is_wanted(type, arn, types)) continue;
      try {
        Tags tags = tagging::read_tags(operations, c, type, arn);
        if (!tags.empty()) out.push_back({arn, std::move(tags)});
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::missing) throw;  // it was deleted since
      }
    }
  }
  std::ranges::sort(out, {}, &Resource::arn);
  return out;
}

std::vector<Resource> named_resources(Operations& operations, const Context& c, const std::vector<std::string>& arns) {
  std::vector<Resource> out;
  for (const std::string& arn : std::set<std::string>(arns.begin(), arns.end())) {
    const TaggedType* type = tagging::type_of(arn);
    if (!type) invalid("The ARN " + arn + " names no resource that tarn can tag.");
    try {
      Tags tags = tagging::read_tags(operations, c, *type, arn);
      if (!tags.empty()) out.push_back({arn, std::move(tags)});
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::bug) throw;
    }
  }
  return out;
}

model::GetResourcesOutput get_resources(Operations& operations, const Context& c, const model::GetResourcesInput& in) {
  if (in.include_compliance_details.value_or(false) || in.exclude_compliant_resources.value_or(false))
    throw Error(ErrorKind::unsupported, "NotImplemented", "GetResources with tag policies: tarn has none.");
  if (in.tags_per_page && (*in.tags_per_page < 100 || *in.tags_per_page > 500))
    invalid("TagsPerPage must be between 100 and 500.");
  if (in.resources_per_page && (*in.resources_per_page < 1 || *in.resources_per_page > 100))
    invalid("ResourcesPerPage must be between 1 and 100.");
  if (in.resource_arn_list &&
      (in.tag_filters || in.resource_type_filters || in.pagination_token || in.resources_per_page))
    invalid("ResourceARNList can't go with other parameters.");
  check_type_filters(in.resource_type_filters);
  auto found = in.resource_arn_list ? named_resources(operations, c, *in.resource_arn_list)
                                    : tagged_resources(operations, c, in.resource_type_filters);
  const std::string after = after_of(in.pagination_token);
  std::erase_if(found, [&](const Resource& r) {
    return r.arn <= after ||
           (in.tag_filters && std::ranges::any_of(*in.tag_filters, [&](const auto& f) { return !passes(r.tags, f); }));
  });
  const auto most = static_cast<std::size_t>(in.resources_per_page.value_or(in.tags_per_page ? 100 : 50));
  auto left = static_cast<std::size_t>(in.tags_per_page.value_or(500 * 100));
  model::GetResourcesOutput out;
  out.pagination_token = "";
  auto& list = out.resource_tag_mapping_list.emplace();
  for (const Resource& r : found) {
    if (list.size() == most || r.tags.size() > left) {
      out.pagination_token = base64_encode(*list.back().resource_arn);
      break;
    }
    left -= r.tags.size();
    model::ResourceTagMapping mapping;
    mapping.resource_arn = r.arn;
    mapping.tags.emplace();
    for (const auto& [key, value] : r.tags) mapping.tags->push_back({key, value});
    list.push_back(std::move(mapping));
  }
  return out;
}

// A page of names, and the token of the next.
std::vector<std::string> page_of(const std::set<std::string>& names, const std::optional<std::string>& token,
                                 std::optional<std::string>& next) {
  std::vector<std::string> out;
  next = "";
  for (auto it = names.upper_bound(after_of(token)); it != names.end(); ++it) {
    if (out.size() == names_on_a_page) {
      next = base64_encode(out.back());
      break;
    }
    out.push_back(*it);
  }
  return out;
}

// Does it for each, and tells those where it failed.
template <class Act>
std::map<std::string, model::FailureInfo> for_each_resource(const std::vector<std::string>& arns, const Act& act) {
  std::map<std::string, model::FailureInfo> failed;
  for (const std::string& arn : arns) {
    try {
      const TaggedType* type = tagging::type_of(arn);
      if (!type) invalid("The ARN " + arn + " names no resource that tarn can tag.");
      act(*type, arn);
    } catch (const Error& e) {
      const bool bug = e.kind() == ErrorKind::bug;
      failed[arn] = {bug ? 500 : 400, bug ? "InternalServiceException" : "InvalidParameterException",
                     e.code() + ": " + e.message()};
    }
  }
  return failed;
}

}  // namespace

void register_tagging(Operations& operations) {
  namespace op = model::op;
  operations.on<op::GetResources>([&](Context& c, const auto& in) { return get_resources(operations, c, in); });
  operations.on<op::GetTagKeys>([&](Context& c, const auto& in) {
    std::set<std::string> keys;
    for (const Resource& r : tagged_resources(operations, c, std::nullopt))
      for (const auto& [key, value] : r.tags) keys.insert(key);
    model::GetTagKeysOutput out;
    out.tag_keys = page_of(keys, in.pagination_token, out.pagination_token);
    return out;
  });
  operations.on<op::GetTagValues>([&](Context& c, const auto& in) {
    std::set<std::string> values;
    for (const Resource& r : tagged_resources(operations, c, std::nullopt))
      if (auto tag = r.tags.find(in.key); tag != r.tags.end()) values.insert(tag->second);
    model::GetTagValuesOutput out;
    out.tag_values = page_of(values, in.pagination_token, out.pagination_token);
    return out;
  });
  operations.on<op::TagResources>([&](Context& c, const auto& in) {
    for (const auto& [key, value] : in.tags)
      if (key.starts_with("aws:")) invalid("Tag keys that begin with aws: are reserved.");
    return model::TagResourcesOutput{for_each_resource(
        in.resource_arn_list,
        [&](const TaggedType& type, const std::string& arn) { add_tags(operations, c, type, arn, in.tags); })};
  });
  operations.on<op::UntagResources>([&](Context& c, const auto& in) {
    return model::UntagResourcesOutput{for_each_resource(
        in.resource_arn_list,
        [&](const TaggedType& type, const std::string& arn) { remove_tags(operations, c, type, arn, in.tag_keys); })};
  });
}

}  // namespace tarn::gateway
