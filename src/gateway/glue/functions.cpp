#include "catalog/records.hpp"
#include "gateway/glue/glue.hpp"
#include "gateway/glue/request.hpp"

namespace tarn::gateway::glue {

void register_functions(api::Operations& operations, catalog::Catalog& catalog) {
  namespace op = model::op;
  operations.on<op::CreateUserDefinedFunction>([&](api::Context& c, const model::CreateUserDefinedFunctionRequest& in) {
    catalog.create_function(scope_of(c, in.catalog_id), in.database_name, in.function_input);
    return model::CreateUserDefinedFunctionResponse{};
  });
  operations.on<op::GetUserDefinedFunction>([&](api::Context& c, const model::GetUserDefinedFunctionRequest& in) {
    return model::GetUserDefinedFunctionResponse{
        catalog.function(scope_of(c, in.catalog_id), in.database_name, in.function_name)};
  });
  operations.on<op::GetUserDefinedFunctions>([&](api::Context& c, const model::GetUserDefinedFunctionsRequest& in) {
    auto page = catalog.functions(scope_of(c, in.catalog_id), in.database_name, in.pattern,
                                  page_of(in.next_token, in.max_results, 100));
    if (in.function_type)
      std::erase_if(page.items,
                    [&](const auto& f) { return f.function_type.value_or("REGULAR_FUNCTION") != *in.function_type; });
    return model::GetUserDefinedFunctionsResponse{std::move(page.items), page.next};
  });
  operations.on<op::UpdateUserDefinedFunction>([&](api::Context& c, const model::UpdateUserDefinedFunctionRequest& in) {
    catalog.update_function(scope_of(c, in.catalog_id), in.database_name, in.function_name, in.function_input);
    return model::UpdateUserDefinedFunctionResponse{};
  });
  operations.on<op::DeleteUserDefinedFunction>([&](api::Context& c, const model::DeleteUserDefinedFunctionRequest& in) {
    catalog.delete_function(scope_of(c, in.catalog_id), in.database_name, in.function_name);
    return model::DeleteUserDefinedFunctionResponse{};
  });
}

}  // namespace tarn::gateway::glue
