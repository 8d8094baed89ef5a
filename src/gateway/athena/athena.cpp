#include "gateway/athena/athena.hpp"

#include "gateway/athena/parts.hpp"

namespace tarn::gateway {

void register_athena(api::Operations& operations, query::Athena& service) {
  register_athena_executions(operations, service);
  register_athena_workgroups(operations, service);
  register_athena_saved_queries(operations, service);
  register_athena_catalogs(operations, service);
}

}  // namespace tarn::gateway
