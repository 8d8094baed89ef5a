#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "gateway/ssm/requests.hpp"

namespace tarn::gateway::ssm {
namespace {

using api::Context;
using govern::ParameterReference;

model::Parameter shown(Parameters& parameters, const Context& c, const ParameterVersion& version,
                       const std::string& selector, bool decrypted) {
  model::Parameter out;
  out.name = version.name;
  out.type = version.type;
  out.value = parameters.value(scope_of(c), version, decrypted);
  out.version = version.version;
  if (!selector.empty()) out.selector = ":" + selector;
  out.last_modified_date = version.last_modified_date;
  out.arn = govern::parameter_arn(c.account(), c.region, *version.name);
  out.data_type = version.data_type;
  return out;
}

model::Parameter get(Parameters& parameters, govern::Secrets& secrets, const Context& c, const std::string& name,
                     bool decrypted) {
  if (auto secret = secret_parameter(secrets, c, name, decrypted)) return std::move(*secret);
  const ParameterReference reference = govern::parse_parameter_reference(name);
  if (reference.name.starts_with("/aws/")) {
    if (auto known = public_parameter(c, reference.name)) return std::move(*known);
    throw Error(ErrorKind::missing, "ParameterNotFound", "Parameter " + name + " not found.");
  }
  return shown(parameters, c, parameters.version(scope_of(c), reference), reference.selector, decrypted);
}

model::GetParametersResult get_many(Parameters& parameters, govern::Secrets& secrets, const Context& c,
                                    const model::GetParametersRequest& in) {
  const std::set<std::string> names(in.names.begin(), in.names.end());
  if (names.size() != in.names.size()) invalid("A parameter's name is given twice.");
  model::GetParametersResult out;
  out.parameters.emplace();
  out.invalid_parameters.emplace();
  for (const auto& name : names) {
    try {
      out.parameters->push_back(get(parameters, secrets, c, name, in.with_decryption.value_or(false)));
    } catch (const Error& e) {
      if (e.code() != "ParameterNotFound" && e.code() != "ParameterVersionNotFound") throw;
      out.invalid_parameters->push_back(name);
    }
  }
  return out;
}

void check_path(const std::string& path) {
  const bool good = std::ranges::all_of(path, [](unsigned char ch) {
    return std::isalnum(ch) || std::string_view("_.-/").find(static_cast<char>(ch)) != std::string_view::npos;
  });
  if (!path.starts_with('/') || !good)
    invalid(
        "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward "
        "slash \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, "
        "numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not "
        "allowed. All sub-paths, if specified, must use the forward slash symbol \"/\".");
}

// The version that a filter by label asks for, or the newest; absent where none has one of the labels.
std::optional<ParameterVersion> labelled(Parameters& parameters, const Context& c, const ParameterRecord& record,
                                         const std::vector<model::ParameterStringFilter>& filters) {
  for (const auto& filter : filters) {
    if (filter.key != "Label") continue;
    for (auto& v : parameters.versions(scope_of(c), *record.newest.name))
      if (v.labels)
        for (const auto& l : *v.labels)
          if (std::ranges::find(*filter.values, l) != filter.values->end()) return std::move(v);
    return std::nullopt;
  }
  return record.newest;
}

model::GetParametersByPathResult by_path(Parameters& parameters, const Context& c,
                                         const model::GetParametersByPathRequest& in) {
  check_path(in.path);
  const auto filters = in.parameter_filters.value_or(std::vector<model::ParameterStringFilter>());
  check_filters(filters, {"Type", "KeyId", "Label", "DataType"});
  const bool recursive = in.recursive.value_or(false);
  const auto limit = static_cast<std::size_t>(in.max_results.value_or(10));
  model::GetParametersByPathResult out;
  auto& found = out.parameters.emplace();
  auto add = [&](model::Parameter p) {
    if (found.size() == limit) {
      out.next_token = token_after(*found.back().name);
      return false;
    }
    found.push_back(std::move(p));
    return true;
  };
  const std::string after = after_of(in.next_token);
  if (in.path.starts_with("/aws/")) {
    for (auto& p : public_parameters(c, in.path, recursive))
      if (*p.name > after && !add(std::move(p))) break;
    return out;
  }
  parameters.scan(scope_of(c), after, [&](const ParameterRecord& record) {
    if (!govern::is_under_path(*record.newest.name, in.path, recursive) || !passes(filters, record)) return true;
    const auto version = labelled(parameters, c, record, filters);
    return !version || add(shown(parameters, c, *version, "", in.with_decryption.value_or(false)));
  });
  return out;
}

std::vector<model::ParameterStringFilter> filters_of(const model::DescribeParametersRequest& in) {
  if (in.filters && in.parameter_filters)
    invalid("You can use either Filters or ParameterFilters in a single request.");
  if (in.parameter_filters) return *in.parameter_filters;
  std::vector<model::ParameterStringFilter> out;
  if (in.filters)  // the older form: names by their beginning
    for (const auto& f : *in.filters) out.push_back({f.key, f.key == "Name" ? "BeginsWith" : "Equals", f.values});
  return out;
}

model::DescribeParametersResult describe(Parameters& parameters, const Context& c,
                                         const model::DescribeParametersRequest& in) {
  model::DescribeParametersResult out;
  auto& found = out.parameters.emplace();
  const auto filters = filters_of(in);
  check_filters(filters, {"Path", "Name", "Type", "KeyId", "Tier", "DataType", "tag:"});
  if (in.shared.value_or(false)) return out;  // nobody shares parameters with anybody here
  const auto limit = static_cast<std::size_t>(in.max_results.value_or(50));
  parameters.scan(scope_of(c), after_of(in.next_token), [&](const ParameterRecord& record) {
    if (!passes(filters, record)) return true;
    if (found.size() == limit) {
      out.next_token = token_after(*found.back().name);
      return false;
    }
    Value described = to_value(record.newest);
    described.erase("Value");
    auto entry = api::from<model::ParameterMetadata>(described);
    entry.arn = govern::parameter_arn(c.account(), c.region, *record.newest.name);
    entry.policies.emplace();
    found.push_back(std::move(entry));
    return true;
  });
  return out;
}

model::GetParameterHistoryResult history(Parameters& parameters, const Context& c,
                                         const model::GetParameterHistoryRequest& in) {
  const ParameterReference reference = govern::parse_parameter_reference(in.name);
  const std::string name = *parameters.find(scope_of(c), reference).newest.name;
  const auto limit = static_cast<std::size_t>(in.max_results.value_or(50));
  const std::string after = after_of(in.next_token);
  model::GetParameterHistoryResult out;
  auto& found = out.parameters.emplace();
  for (auto& v : parameters.versions(scope_of(c), name)) {
    if (!after.empty() && *v.version <= std::atoll(after.c_str())) continue;
    if (found.size() == limit) {
      out.next_token = token_after(std::to_string(*found.back().version));
      break;
    }
    v.value = parameters.value(scope_of(c), v, in.with_decryption.value_or(false));
    if (!v.labels) v.labels.emplace();
    v.policies.emplace();
    found.push_back(std::move(v));
  }
  return out;
}

}  // namespace

void register_reads(api::Operations& operations, Parameters& parameters, govern::Secrets& secrets) {
  namespace op = model::op;
  operations.on<op::GetParameter>([&](Context& c, const auto& in) {
    return model::GetParameterResult{get(parameters, secrets, c, in.name, in.with_decryption.value_or(false))};
  });
  operations.on<op::GetParameters>([&](Context& c, const auto& in) { return get_many(parameters, secrets, c, in); });
  operations.on<op::GetParametersByPath>([&](Context& c, const auto& in) { return by_path(parameters, c, in); });
  operations.on<op::DescribeParameters>([&](Context& c, const auto& in) { return describe(parameters, c, in); });
  operations.on<op::GetParameterHistory>([&](Context& c, const auto& in) { return history(parameters, c, in); });
}

}  // namespace tarn::gateway::ssm
