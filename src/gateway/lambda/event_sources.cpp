#include "gateway/lambda/handlers.hpp"

namespace tarn::gateway {

using api::Context;
using catalog::scope_of;

void register_lambda_event_sources(api::Operations& o, compute::EventSources& s) {
  o.on<lambda::op::CreateEventSourceMapping>([&](Context& c, const auto& in) { return s.create(scope_of(c), in); });
  o.on<lambda::op::UpdateEventSourceMapping>([&](Context& c, const auto& in) { return s.update(scope_of(c), in); });
  o.on<lambda::op::GetEventSourceMapping>([&](Context& c, const auto& in) { return s.get(scope_of(c), in.uuid); });
  o.on<lambda::op::DeleteEventSourceMapping>(
      [&](Context& c, const auto& in) { return s.remove(scope_of(c), in.uuid); });
  o.on<lambda::op::ListEventSourceMappings>([&](Context& c, const auto& in) {
    std::optional<compute::FunctionName> function;
    if (in.function_name) function = compute::parse_function_name(scope_of(c), *in.function_name);
    auto page = s.list(scope_of(c), in.event_source_arn, function, page_of(in));
    lambda::ListEventSourceMappingsResponse out;
    out.event_source_mappings = std::move(page.items);
    out.next_marker = page.next_marker;
    return out;
  });
}

}  // namespace tarn::gateway
