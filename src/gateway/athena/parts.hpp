// The files of this folder, each of which registers a part of Athena's operations.
#pragma once

#include "api/athena.hpp"
#include "api/operations.hpp"
#include "query/athena.hpp"

namespace tarn::gateway {

namespace athena = api::athena;
using query::Caller;

void register_athena_executions(api::Operations& operations, query::Athena& service);
void register_athena_workgroups(api::Operations& operations, query::Athena& service);
void register_athena_saved_queries(api::Operations& operations, query::Athena& service);
void register_athena_catalogs(api::Operations& operations, query::Athena& service);

}  // namespace tarn::gateway
