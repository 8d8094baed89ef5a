#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "gateway/ssm/requests.hpp"
#include "gateway/ssm/ssm.hpp"

namespace tarn::gateway::ssm {
namespace {

using api::Context;

constexpr std::size_t max_tags = 50;

void check_tags(const govern::ParameterTags& tags) {
  if (tags.size() > max_tags) throw Error(ErrorKind::limit, "TooManyTagsError", "A parameter can have up to 50 tags.");
  for (const auto& [key, value] : tags)
    if (key.starts_with("aws:")) invalid("Tag keys that begin with aws: are reserved.");
}

model::PutParameterResult put(Parameters& parameters, Context& c, const model::PutParameterRequest& given) {
  if (given.policies)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "PutParameter with Policies: tarn has no policies of parameters.");
  model::PutParameterRequest in = given;
  if (in.name.starts_with("arn:")) in.name = govern::parse_parameter_reference(in.name).name;
  if (in.name.find(':') != in.name.npos) invalid("Parameter name: can't contain a colon.");
  if (in.tags) {
    govern::ParameterTags tags;
    for (const auto& t : *in.tags)
      if (!tags.emplace(t.key, t.value).second) invalid("The tag key " + t.key + " is given twice.");
    check_tags(tags);
  }
  const ParameterVersion made = parameters.put(scope_of(c), c.principal.arn, in);
  return {made.version, made.tier};
}

// The name of one's own parameter that a request changes; no selector.
std::string own_name(Parameters& parameters, Context& c, const std::string& given) {
  const auto reference = govern::parse_parameter_reference(given);
  if (!reference.selector.empty()) invalid("A version or label can't be given here.");
  if (!reference.maybe_bare) return reference.name;
  return *parameters.find(scope_of(c), reference).newest.name;
}

model::DeleteParametersResult remove_many(Parameters& parameters, Context& c,
                                          const model::DeleteParametersRequest& in) {
  model::DeleteParametersResult out;
  out.deleted_parameters.emplace();
  out.invalid_parameters.emplace();
  for (const auto& name : std::set<std::string>(in.names.begin(), in.names.end()))
    (parameters.remove(scope_of(c), c.principal.arn, govern::parse_parameter_reference(name).name)
         ? out.deleted_parameters
         : out.invalid_parameters)
        ->push_back(name);
  return out;
}

model::LabelParameterVersionResult label(Parameters& parameters, Context& c,
                                         const model::LabelParameterVersionRequest& in) {
  const ParameterVersion labelled =
      parameters.label(scope_of(c), c.principal.arn, own_name(parameters, c, in.name), in.parameter_version, in.labels);
  model::LabelParameterVersionResult out;
  out.parameter_version = labelled.version;
  out.invalid_labels.emplace();
  for (const auto& l : in.labels)
    if (!govern::is_parameter_label(l)) out.invalid_labels->push_back(l);
  return out;
}

model::UnlabelParameterVersionResult unlabel(Parameters& parameters, Context& c,
                                             const model::UnlabelParameterVersionRequest& in) {
  model::UnlabelParameterVersionResult out;
  out.removed_labels = parameters.unlabel(scope_of(c), c.principal.arn, own_name(parameters, c, in.name),
                                          in.parameter_version, in.labels);
  out.invalid_labels.emplace();
  for (const auto& l : in.labels)
    if (std::ranges::find(*out.removed_labels, l) == out.removed_labels->end()) out.invalid_labels->push_back(l);
  return out;
}

// Parameters are the only resources here that have tags.
void check_type(const std::string& type, const std::string& id) {
  if (type != "Parameter") throw Error(ErrorKind::missing, "InvalidResourceId", "There is no " + type + " " + id + ".");
}

std::string tagged_name(Parameters& parameters, Context& c, const std::string& id) {
  try {
    return *parameters.find(scope_of(c), govern::parse_parameter_reference(id)).newest.name;
  } catch (const Error& e) {
    if (e.code() != "ParameterNotFound") throw;
    throw Error(ErrorKind::missing, "InvalidResourceId", "The resource ID " + id + " is not valid.");
  }
}

void change_tags(Parameters& parameters, Context& c, const std::string& type, const std::string& id,
                 const std::function<void(govern::ParameterTags&)>& change) {
  check_type(type, id);
  parameters.change_tags(scope_of(c), c.principal.arn, tagged_name(parameters, c, id),
                         [&](govern::ParameterTags& tags) {
                           change(tags);
                           check_tags(tags);
                         });
}

model::ListTagsForResourceResult list_tags(Parameters& parameters, Context& c,
                                           const model::ListTagsForResourceRequest& in) {
  check_type(in.resource_type, in.resource_id);
  model::ListTagsForResourceResult out;
  out.tag_list.emplace();
  const auto record = parameters.find(scope_of(c), {tagged_name(parameters, c, in.resource_id), "", false});
  for (const auto& [key, value] : record.tags) out.tag_list->push_back({key, value});
  return out;
}

}  // namespace

void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationException", what);
}

void register_writes(api::Operations& operations, Parameters& parameters) {
  namespace op = model::op;
  operations.on<op::PutParameter>([&](Context& c, const auto& in) { return put(parameters, c, in); });
  operations.on<op::DeleteParameter>([&](Context& c, const auto& in) {
    if (!parameters.remove(scope_of(c), c.principal.arn, own_name(parameters, c, in.name)))
      throw Error(ErrorKind::missing, "ParameterNotFound", "Parameter " + in.name + " not found.");
    return model::DeleteParameterResult();
  });
  operations.on<op::DeleteParameters>([&](Context& c, const auto& in) { return remove_many(parameters, c, in); });
  operations.on<op::LabelParameterVersion>([&](Context& c, const auto& in) { return label(parameters, c, in); });
  operations.on<op::UnlabelParameterVersion>([&](Context& c, const auto& in) { return unlabel(parameters, c, in); });
  operations.on<op::AddTagsToResource>([&](Context& c, const auto& in) {
    change_tags(parameters, c, in.resource_type, in.resource_id, [&](govern::ParameterTags& tags) {
      for (const auto& t : in.tags) tags[t.key] = t.value;
    });
    return model::AddTagsToResourceResult();
  });
  operations.on<op::RemoveTagsFromResource>([&](Context& c, const auto& in) {
    change_tags(parameters, c, in.resource_type, in.resource_id, [&](govern::ParameterTags& tags) {
      for (const auto& key : in.tag_keys) tags.erase(key);
    });
    return model::RemoveTagsFromResourceResult();
  });
  operations.on<op::ListTagsForResource>([&](Context& c, const auto& in) { return list_tags(parameters, c, in); });
}

}  // namespace tarn::gateway::ssm

namespace tarn::gateway {

void register_ssm(api::Operations& operations, govern::Parameters& parameters, govern::Secrets& secrets) {
  ssm::register_writes(operations, parameters);
  ssm::register_reads(operations, parameters, secrets);
}

}  // namespace tarn::gateway
