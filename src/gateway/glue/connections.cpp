#include "catalog/connections.hpp"

#include <memory>

#include "catalog/records.hpp"
#include "gateway/glue/glue.hpp"
#include "gateway/glue/request.hpp"

namespace tarn::gateway::glue {
namespace {

model::BatchDeleteConnectionResponse batch_delete(catalog::Connections& connections, const catalog::Scope& scope,
                                                  const std::vector<std::string>& names) {
  model::BatchDeleteConnectionResponse out;
  out.succeeded.emplace();
  out.errors.emplace();
  for (const std::string& name : names) {
    try {
      connections.erase(scope, name);
      out.succeeded->push_back(name);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::bug) throw;
      (*out.errors)[name] = catalog::detail_of(e);
    }
  }
  return out;
}

}  // namespace

void register_connections(api::Operations& operations, meta::Metadata& metadata, Clock& clock) {
  namespace op = model::op;
  auto connections = std::make_shared<catalog::Connections>(metadata, clock);
  operations.on<op::CreateConnection>([=](api::Context& c, const model::CreateConnectionRequest& in) {
    connections->create(scope_of(c, in.catalog_id), in.connection_input, in.tags.value_or(catalog::TagMap{}));
    return model::CreateConnectionResponse{model::connection_status::ready};
  });
  operations.on<op::GetConnection>([=](api::Context& c, const model::GetConnectionRequest& in) {
    refuse(in.apply_override_for_compute_environment, "ApplyOverrideForComputeEnvironment");
    auto found = connections->get(scope_of(c, in.catalog_id), in.name);
    return model::GetConnectionResponse{in.hide_password.value_or(false) ? catalog::without_passwords(std::move(found))
                                                                         : std::move(found)};
  });
  operations.on<op::GetConnections>([=](api::Context& c, const model::GetConnectionsRequest& in) {
    auto page = connections->list(scope_of(c, in.catalog_id), in.filter, page_of(in.next_token, in.max_results, 100));
    if (in.hide_password.value_or(false))
      for (auto& connection : page.items) connection = catalog::without_passwords(std::move(connection));
    return model::GetConnectionsResponse{std::move(page.items), page.next};
  });
  operations.on<op::UpdateConnection>([=](api::Context& c, const model::UpdateConnectionRequest& in) {
    connections->update(scope_of(c, in.catalog_id), in.name, in.connection_input);
    return model::UpdateConnectionResponse{};
  });
  operations.on<op::DeleteConnection>([=](api::Context& c, const model::DeleteConnectionRequest& in) {
    connections->erase(scope_of(c, in.catalog_id), in.connection_name);
    return model::DeleteConnectionResponse{};
  });
  operations.on<op::BatchDeleteConnection>([=](api::Context& c, const model::BatchDeleteConnectionRequest& in) {
    return batch_delete(*connections, scope_of(c, in.catalog_id), in.connection_name_list);
  });
}

}  // namespace tarn::gateway::glue
