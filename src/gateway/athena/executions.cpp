// Queries: start, watch, stop, read.
#include "gateway/athena/parts.hpp"

namespace tarn::gateway {
namespace {

athena::BatchGetQueryExecutionOutput batch_get(query::Athena& service, const Caller& caller,
                                               const athena::BatchGetQueryExecutionInput& in) {
  athena::BatchGetQueryExecutionOutput out;
  out.query_executions.emplace();
  out.unprocessed_query_execution_ids.emplace();
  for (const auto& id : in.query_execution_ids) {
    if (auto found = service.executions.find(caller, id)) {
      out.query_executions->push_back(std::move(*found));
      continue;
    }
    auto& missing = out.unprocessed_query_execution_ids->emplace_back();
    missing.query_execution_id = id;
    missing.error_code = "INVALID_QUERY_EXECUTION_ID";
    missing.error_message = "QueryExecution " + id + " was not found";
  }
  return out;
}

}  // namespace

void register_athena_executions(api::Operations& operations, query::Athena& service) {
  operations.on<athena::op::StartQueryExecution>(
      [&](api::Context& context, const athena::StartQueryExecutionInput& in) {
        athena::StartQueryExecutionOutput out;
        out.query_execution_id = service.executions.start(Caller::of(context), in);
        return out;
      });
  operations.on<athena::op::GetQueryExecution>([&](api::Context& context, const athena::GetQueryExecutionInput& in) {
    athena::GetQueryExecutionOutput out;
    out.query_execution = service.executions.get(Caller::of(context), in.query_execution_id);
    return out;
  });
  operations.on<athena::op::BatchGetQueryExecution>(
      [&](api::Context& context, const athena::BatchGetQueryExecutionInput& in) {
        return batch_get(service, Caller::of(context), in);
      });
  operations.on<athena::op::ListQueryExecutions>(
      [&](api::Context& context, const athena::ListQueryExecutionsInput& in) {
        return service.executions.list(Caller::of(context), in);
      });
  operations.on<athena::op::StopQueryExecution>([&](api::Context& context, const athena::StopQueryExecutionInput& in) {
    service.executions.stop(Caller::of(context), in.query_execution_id);
    return athena::StopQueryExecutionOutput();
  });
  operations.on<athena::op::GetQueryResults>([&](api::Context& context, const athena::GetQueryResultsInput& in) {
    return service.executions.results(Caller::of(context), in);
  });
  operations.on<athena::op::GetQueryRuntimeStatistics>(
      [&](api::Context& context, const athena::GetQueryRuntimeStatisticsInput& in) {
        athena::GetQueryRuntimeStatisticsOutput out;
        out.query_runtime_statistics = service.executions.statistics(Caller::of(context), in.query_execution_id);
        return out;
      });
}

}  // namespace tarn::gateway
