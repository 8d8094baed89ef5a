// How a failure is told in QueryExecution.Status ("Athena error catalog").
#pragma once

#include "api/athena.hpp"
#include "base/error.hpp"

namespace tarn::query {

// "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.t' does not exist"
std::string state_change_reason(const Error& error);
api::athena::AthenaError athena_error_of(const Error& error);

}  // namespace tarn::query
