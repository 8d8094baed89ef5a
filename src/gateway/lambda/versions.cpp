#include "gateway/lambda/handlers.hpp"

namespace tarn::gateway {
namespace {

using api::Context;
using catalog::scope_of;
using compute::parse_function_name;

}  // namespace

void register_lambda_versions(api::Operations& o, compute::Functions& f) {
  o.on<lambda::op::PublishVersion>([&](Context& c, const auto& in) {
    return f.publish(scope_of(c), parse_function_name(scope_of(c), in.function_name), in);
  });
  o.on<lambda::op::ListVersionsByFunction>([&](Context& c, const auto& in) {
    auto page = f.versions(parse_function_name(scope_of(c), in.function_name), page_of(in));
    lambda::ListVersionsByFunctionResponse out;
    out.versions = std::move(page.items);
    out.next_marker = page.next_marker;
    return out;
  });
  o.on<lambda::op::CreateAlias>([&](Context& c, const auto& in) {
    return f.create_alias(scope_of(c), parse_function_name(scope_of(c), in.function_name), in);
  });
  o.on<lambda::op::UpdateAlias>([&](Context& c, const auto& in) {
    return f.update_alias(scope_of(c), parse_function_name(scope_of(c), in.function_name), in);
  });
  o.on<lambda::op::GetAlias>(
      [&](Context& c, const auto& in) { return f.alias(parse_function_name(scope_of(c), in.function_name), in.name); });
  o.on<lambda::op::DeleteAlias>([&](Context& c, const auto& in) {
    f.remove_alias(scope_of(c), parse_function_name(scope_of(c), in.function_name), in.name);
    return api::Empty();
  });
  o.on<lambda::op::ListAliases>([&](Context& c, const auto& in) {
    auto page = f.aliases(parse_function_name(scope_of(c), in.function_name), in.function_version, page_of(in));
    lambda::ListAliasesResponse out;
    out.aliases = std::move(page.items);
    out.next_marker = page.next_marker;
    return out;
  });
}

}  // namespace tarn::gateway
