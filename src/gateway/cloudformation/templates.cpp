// Templates: kept ones, and what is said of one that nobody deploys yet.
#include "base/json.hpp"
#include "deploy/template_summary.hpp"
#include "gateway/cloudformation/handlers.hpp"

namespace tarn::gateway {
namespace {

using api::Context;
using deploy::Stacks;

[[noreturn]] void invalid(const std::string& message) {
  throw Error(ErrorKind::caller, "ValidationError", message);
}

template <class Output>
void describe(const deploy::TemplateSummary& summary, Output& out) {
  out.description = summary.description;
  if (!summary.capabilities.empty()) out.capabilities = summary.capabilities;
  if (!summary.capabilities_reason.empty()) out.capabilities_reason = summary.capabilities_reason;
  if (!summary.declared_transforms.empty()) out.declared_transforms = summary.declared_transforms;
  out.parameters.emplace();
  for (const deploy::DeclaredParameter& p : summary.parameters) {
    auto& one = out.parameters->emplace_back();
    one.parameter_key = p.name;
    one.default_value = p.default_value;
    one.no_echo = p.no_echo;
    if (!p.description.empty()) one.description = p.description;
  }
}

cf::ValidateTemplateOutput validate(Stacks& stacks, Context& c, const cf::ValidateTemplateInput& in) {
  cf::ValidateTemplateOutput out;
  describe(deploy::summarize(
               deploy::parse_template(deploy::template_text(stacks.asking(c), in.template_body, in.template_url))),
           out);
  return out;
}

cf::GetTemplateOutput get_template(Stacks& stacks, Context& c, const cf::GetTemplateInput& in) {
  cf::GetTemplateOutput out;
  out.stages_available = {"Original", "Processed"};
  const bool processed = in.template_stage == "Processed";
  if (in.change_set_name) {
    const auto [stack, set] = stacks.change_set(c, *in.change_set_name, in.stack_name);
    out.template_body = processed ? set.processed : set.declaration.text;
    return out;
  }
  if (!in.stack_name) invalid("StackName is required if ChangeSetName is not specified.");
  const auto stack = stacks.stack(c, *in.stack_name);
  if (!stack.declaration) {
    // In review: only its change sets have templates.
    out.template_body.reset();
    out.stages_available.reset();
    return out;
  }
  const deploy::Declaration d = stacks.records().declaration(stack);
  out.template_body = d.text;
  if (!processed) return out;
  const deploy::Template t = deploy::parse_template(d.text);
  if (deploy::summarize(t).declared_transforms.empty()) return out;
  const deploy::Evaluation evaluation = stacks.evaluate(c, d.text, d.parameters);
  if (!(evaluation.processed() == t.body)) out.template_body = to_json(evaluation.processed());
  return out;
}

cf::GetTemplateSummaryOutput get_summary(Stacks& stacks, Context& c, const cf::GetTemplateSummaryInput& in) {
  if (in.stack_set_name) throw Error(ErrorKind::unsupported, "NotImplemented", "tarn has no stack sets.");
  std::string text;
  if (in.stack_name) {
    if (in.template_body || in.template_url)
      invalid("Only one of StackName, TemplateBody and TemplateURL may be given.");
    const auto stack = stacks.stack(c, *in.stack_name);
    if (!stack.declaration) invalid("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.");
    text = stacks.records().declaration(stack).text;
  } else {
    text = deploy::template_text(stacks.asking(c), in.template_body, in.template_url);
  }
  const deploy::TemplateSummary summary = deploy::summarize(deploy::parse_template(text));
  cf::GetTemplateSummaryOutput out;
  describe(summary, out);
  for (std::size_t i = 0; i < summary.parameters.size(); ++i) {
    out.parameters->at(i).parameter_type = summary.parameters[i].type;
    auto& constraints = out.parameters->at(i).parameter_constraints.emplace();
    if (!summary.parameters[i].allowed_values.empty())
      constraints.allowed_values = summary.parameters[i].allowed_values;
  }
  if (!summary.version.empty()) out.version = summary.version;
  out.metadata = summary.metadata;
  out.resource_types = summary.resource_types;
  std::vector<std::string> unknown;
  for (const std::string& type : *out.resource_types)
    if (!stacks.types().find(type)) unknown.push_back(type);
  if (!unknown.empty() && in.template_summary_config &&
      in.template_summary_config->treat_unrecognized_resource_types_as_warnings.value_or(false))
    out.warnings.emplace().unrecognized_resource_types = unknown;
  return out;
}

}  // namespace

void register_templates(api::Operations& o, Stacks& s) {
  namespace op = cf::op;
  o.on<op::ValidateTemplate>([&](Context& c, const auto& in) { return validate(s, c, in); });
  o.on<op::GetTemplate>([&](Context& c, const auto& in) { return get_template(s, c, in); });
  o.on<op::GetTemplateSummary>([&](Context& c, const auto& in) { return get_summary(s, c, in); });
}

}  // namespace tarn::gateway
