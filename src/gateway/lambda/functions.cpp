#include "base/base64.hpp"
#include "compute/functions/limits.hpp"
#include "gateway/lambda/handlers.hpp"

namespace tarn::gateway {
namespace {

using api::Context;
using catalog::scope_of;
using compute::FunctionName;
using compute::Functions;
using compute::parse_function_name;

lambda::GetFunctionResponse get_function(Functions& functions, Context& c, const lambda::GetFunctionRequest& in) {
  const FunctionName name = parse_function_name(scope_of(c), in.function_name, in.qualifier);
  lambda::GetFunctionResponse out;
  out.configuration = functions.configuration(name);
  const compute::FunctionRecord record = functions.record(name);
  out.code.emplace();
  const std::string sha256 = out.configuration->code_sha256.value_or("");
  if (out.configuration->package_type == "Image") {
    const auto uri = functions.image_uri(name, sha256);
    out.code->repository_type = "ECR";
    out.code->image_uri = uri.given;
    out.code->resolved_image_uri = uri.resolved;
  } else {
    out.code->repository_type = "S3";
    out.code->location = package_location(c, sha256);
  }
  if (!record.tags.empty()) out.tags = record.tags;
  if (record.reserved_concurrency) out.concurrency = lambda::Concurrency{record.reserved_concurrency};
  return out;
}

lambda::ListFunctionsResponse list_functions(Functions& functions, Context& c, const lambda::ListFunctionsRequest& in) {
  if (in.master_region) compute::not_implemented("MasterRegion: tarn has no functions at the edge.");
  auto page = functions.list(scope_of(c), in.function_version == "ALL", page_of(in));
  lambda::ListFunctionsResponse out;
  out.functions = std::move(page.items);
  out.next_marker = page.next_marker;
  return out;
}

lambda::GetAccountSettingsResponse get_account_settings(Functions& functions, Context& c) {
  const auto [count, size_bytes] = functions.usage(scope_of(c));
  lambda::GetAccountSettingsResponse out;
  out.account_limit.emplace();
  out.account_limit->total_code_size = static_cast<int64_t>(limits::max_code_storage_size_bytes);
  out.account_limit->code_size_unzipped = static_cast<int64_t>(limits::max_unzipped_code_size_bytes);
  out.account_limit->code_size_zipped = static_cast<int64_t>(limits::max_zipped_code_size_bytes);
  out.account_limit->concurrent_executions = limits::max_concurrent_executions;
  out.account_limit->unreserved_concurrent_executions = functions.unreserved_concurrency(scope_of(c));
  out.account_usage.emplace();
  out.account_usage->total_code_size = size_bytes;
  out.account_usage->function_count = count;
  return out;
}

// ---- tags ----

// The uuid of an event source mapping's ARN; empty: the ARN is a function's.
std::string mapping_of(const std::string& arn) {
  const std::string mark = ":event-source-mapping:";
  const std::size_t at = arn.find(mark);
  return at == arn.npos ? std::string() : arn.substr(at + mark.size());
}

FunctionName tagged_function(Context& c, const std::string& arn) {
  FunctionName name = parse_function_name(scope_of(c), arn);
  if (!name.qualifier.empty())
    compute::invalid_parameter(
        "Tags on function aliases and versions are not supported. Please specify a function ARN.");
  return name;
}

void change_tags(Functions& functions, compute::EventSources& sources, Context& c, const std::string& arn,
                 const std::function<void(compute::Tags&)>& change) {
  if (const std::string uuid = mapping_of(arn); !uuid.empty())
    sources.set_tags(scope_of(c), uuid, change);
  else
    functions.set_tags(scope_of(c), tagged_function(c, arn), change);
}

void register_tags(api::Operations& o, Functions& f, compute::EventSources& s) {
  o.on<lambda::op::ListTags>([&](Context& c, const auto& in) {
    lambda::ListTagsResponse out;
    const std::string uuid = mapping_of(in.resource);
    out.tags = uuid.empty() ? f.record(tagged_function(c, in.resource)).tags : s.tags(scope_of(c), uuid);
    return out;
  });
  o.on<lambda::op::TagResource>([&](Context& c, const auto& in) {
    change_tags(f, s, c, in.resource, [&](compute::Tags& tags) {
      for (const auto& [key, value] : in.tags) tags[key] = value;
    });
    return api::Empty();
  });
  o.on<lambda::op::UntagResource>([&](Context& c, const auto& in) {
    change_tags(f, s, c, in.resource, [&](compute::Tags& tags) {
      for (const std::string& key : in.tag_keys) tags.erase(key);
    });
    return api::Empty();
  });
}

}  // namespace

std::string package_location(const Context& context, const std::string& sha256) {
  return context.endpoint + package_path + "?sha256=" + hex_encode(base64_decode(sha256).value_or(""));
}

void register_lambda_functions(api::Operations& o, Functions& f, compute::EventSources& s) {
  register_tags(o, f, s);
  o.on<lambda::op::CreateFunction>([&](Context& c, const auto& in) { return f.create(scope_of(c), in, c.principal); });
  o.on<lambda::op::UpdateFunctionCode>(
      [&](Context& c, const auto& in) { return f.update_code(scope_of(c), in, c.principal); });
  o.on<lambda::op::UpdateFunctionConfiguration>(
      [&](Context& c, const auto& in) { return f.update_configuration(scope_of(c), in); });
  o.on<lambda::op::GetFunction>([&](Context& c, const auto& in) { return get_function(f, c, in); });
  o.on<lambda::op::GetFunctionConfiguration>([&](Context& c, const auto& in) {
    return f.configuration(parse_function_name(scope_of(c), in.function_name, in.qualifier));
  });
  o.on<lambda::op::GetFunctionCodeSigningConfig>([&](Context& c, const auto& in) {
    const FunctionName name = parse_function_name(scope_of(c), in.function_name);
    f.record(name);
    lambda::GetFunctionCodeSigningConfigResponse out;
    out.function_name = name.name;
    return out;
  });
  o.on<lambda::op::DeleteFunction>([&](Context& c, const auto& in) {
    f.remove(scope_of(c), parse_function_name(scope_of(c), in.function_name, in.qualifier));
    c.response_status = 204;
    return lambda::DeleteFunctionResponse{204};
  });
  o.on<lambda::op::ListFunctions>([&](Context& c, const auto& in) { return list_functions(f, c, in); });
  o.on<lambda::op::GetAccountSettings>([&](Context& c, const auto&) { return get_account_settings(f, c); });
}

void register_lambda(api::Operations& o, Functions& functions, compute::Invoker& invoker,
                     compute::EventSources& event_sources) {
  register_lambda_functions(o, functions, event_sources);
  register_lambda_versions(o, functions);
  register_lambda_settings(o, functions);
  register_lambda_layers(o, functions);
  register_lambda_invoke(o, functions, invoker);
  register_lambda_event_sources(o, event_sources);
}

}  // namespace tarn::gateway
