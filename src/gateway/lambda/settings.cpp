// Concurrency, asynchronous invocation, permissions.
#include "gateway/lambda/handlers.hpp"

namespace tarn::gateway {
namespace {

using api::Context;
using catalog::scope_of;
using compute::parse_function_name;

lambda::PutFunctionEventInvokeConfigRequest as_put(const lambda::UpdateFunctionEventInvokeConfigRequest& in) {
  lambda::PutFunctionEventInvokeConfigRequest out;
  out.function_name = in.function_name;
  out.qualifier = in.qualifier;
  out.maximum_retry_attempts = in.maximum_retry_attempts;
  out.maximum_event_age_in_seconds = in.maximum_event_age_in_seconds;
  out.destination_config = in.destination_config;
  return out;
}

void register_event_configs(api::Operations& o, compute::Functions& f) {
  o.on<lambda::op::PutFunctionEventInvokeConfig>([&](Context& c, const auto& in) {
    return f.put_event_config(scope_of(c), parse_function_name(scope_of(c), in.function_name, in.qualifier), in, false);
  });
  o.on<lambda::op::UpdateFunctionEventInvokeConfig>([&](Context& c, const auto& in) {
    return f.put_event_config(scope_of(c), parse_function_name(scope_of(c), in.function_name, in.qualifier), as_put(in),
                              true);
  });
  o.on<lambda::op::GetFunctionEventInvokeConfig>([&](Context& c, const auto& in) {
    return f.event_config(parse_function_name(scope_of(c), in.function_name, in.qualifier));
  });
  o.on<lambda::op::DeleteFunctionEventInvokeConfig>([&](Context& c, const auto& in) {
    f.remove_event_config(scope_of(c), parse_function_name(scope_of(c), in.function_name, in.qualifier));
    return api::Empty();
  });
  o.on<lambda::op::ListFunctionEventInvokeConfigs>([&](Context& c, const auto& in) {
    auto page = f.event_configs(parse_function_name(scope_of(c), in.function_name), page_of(in));
    lambda::ListFunctionEventInvokeConfigsResponse out;
    out.function_event_invoke_configs = std::move(page.items);
    out.next_marker = page.next_marker;
    return out;
  });
}

}  // namespace

void register_lambda_settings(api::Operations& o, compute::Functions& f) {
  register_event_configs(o, f);
  o.on<lambda::op::PutFunctionConcurrency>([&](Context& c, const auto& in) {
    f.set_reserved_concurrency(scope_of(c), parse_function_name(scope_of(c), in.function_name),
                               in.reserved_concurrent_executions);
    return lambda::Concurrency{in.reserved_concurrent_executions};
  });
  o.on<lambda::op::GetFunctionConcurrency>([&](Context& c, const auto& in) {
    return lambda::GetFunctionConcurrencyResponse{
        f.record(parse_function_name(scope_of(c), in.function_name)).reserved_concurrency};
  });
  o.on<lambda::op::DeleteFunctionConcurrency>([&](Context& c, const auto& in) {
    f.set_reserved_concurrency(scope_of(c), parse_function_name(scope_of(c), in.function_name), std::nullopt);
    return api::Empty();
  });
  o.on<lambda::op::AddPermission>([&](Context& c, const auto& in) {
    return lambda::AddPermissionResponse{
        f.add_permission(scope_of(c), parse_function_name(scope_of(c), in.function_name, in.qualifier), in)};
  });
  o.on<lambda::op::RemovePermission>([&](Context& c, const auto& in) {
    f.remove_permission(scope_of(c), parse_function_name(scope_of(c), in.function_name, in.qualifier), in.statement_id,
                        in.revision_id);
    return api::Empty();
  });
  o.on<lambda::op::GetPolicy>([&](Context& c, const auto& in) {
    return f.policy(parse_function_name(scope_of(c), in.function_name, in.qualifier));
  });
}

}  // namespace tarn::gateway
