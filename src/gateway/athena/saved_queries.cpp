// Named queries and prepared statements.
#include "gateway/athena/parts.hpp"

namespace tarn::gateway {
namespace {

athena::PreparedStatement statement_of(const std::string& name, const std::string& workgroup, const std::string& query,
                                       const std::optional<std::string>& description) {
  athena::PreparedStatement out;
  out.statement_name = name;
  out.work_group_name = workgroup;
  out.query_statement = query;
  out.description = description;
  return out;
}

athena::PreparedStatement prepared(query::Athena& service, const Caller& caller,
                                   const athena::GetPreparedStatementInput& in) {
  auto found = service.saved_queries.find_prepared(caller, in.work_group, in.statement_name);
  if (!found)
    throw Error(ErrorKind::missing, "ResourceNotFoundException",
                "PreparedStatement " + in.statement_name + " was not found")
        .with("ResourceName", in.statement_name);
  return std::move(*found);
}

athena::BatchGetNamedQueryOutput batch_get(query::Athena& service, const Caller& caller,
                                           const athena::BatchGetNamedQueryInput& in) {
  athena::BatchGetNamedQueryOutput out;
  out.named_queries.emplace();
  out.unprocessed_named_query_ids.emplace();
  for (const auto& id : in.named_query_ids) {
    if (auto found = service.saved_queries.find(caller, id)) {
      out.named_queries->push_back(std::move(*found));
      continue;
    }
    auto& missing = out.unprocessed_named_query_ids->emplace_back();
    missing.named_query_id = id;
    missing.error_code = "INTERNAL_FAILURE";
    missing.error_message = "NamedQuery " + id + " was not found";
  }
  return out;
}

athena::BatchGetPreparedStatementOutput batch_get(query::Athena& service, const Caller& caller,
                                                  const athena::BatchGetPreparedStatementInput& in) {
  athena::BatchGetPreparedStatementOutput out;
  out.prepared_statements.emplace();
  out.unprocessed_prepared_statement_names.emplace();
  for (const auto& name : in.prepared_statement_names) {
    if (auto found = service.saved_queries.find_prepared(caller, in.work_group, name)) {
      out.prepared_statements->push_back(std::move(*found));
      continue;
    }
    auto& missing = out.unprocessed_prepared_statement_names->emplace_back();
    missing.statement_name = name;
    missing.error_code = "STATEMENT_NOT_FOUND";
    missing.error_message = "PreparedStatement " + name + " was not found";
  }
  return out;
}

}  // namespace

void register_athena_saved_queries(api::Operations& operations, query::Athena& service) {
  operations.on<athena::op::CreateNamedQuery>([&](api::Context& context, const athena::CreateNamedQueryInput& in) {
    athena::CreateNamedQueryOutput out;
    out.named_query_id = service.saved_queries.create(Caller::of(context), in);
    return out;
  });
  operations.on<athena::op::GetNamedQuery>([&](api::Context& context, const athena::GetNamedQueryInput& in) {
    athena::GetNamedQueryOutput out;
    out.named_query = service.saved_queries.find(Caller::of(context), in.named_query_id);
    if (!out.named_query) throw query::invalid_request("NamedQuery " + in.named_query_id + " was not found");
    return out;
  });
  operations.on<athena::op::BatchGetNamedQuery>([&](api::Context& context, const athena::BatchGetNamedQueryInput& in) {
    return batch_get(service, Caller::of(context), in);
  });
  operations.on<athena::op::UpdateNamedQuery>([&](api::Context& context, const athena::UpdateNamedQueryInput& in) {
    service.saved_queries.update(Caller::of(context), in);
    return athena::UpdateNamedQueryOutput();
  });
  operations.on<athena::op::DeleteNamedQuery>([&](api::Context& context, const athena::DeleteNamedQueryInput& in) {
    service.saved_queries.remove(Caller::of(context), in.named_query_id);
    return athena::DeleteNamedQueryOutput();
  });
  operations.on<athena::op::ListNamedQueries>([&](api::Context& context, const athena::ListNamedQueriesInput& in) {
    return service.saved_queries.list(Caller::of(context), in);
  });

  operations.on<athena::op::CreatePreparedStatement>(
      [&](api::Context& context, const athena::CreatePreparedStatementInput& in) {
        service.saved_queries.prepare(
            Caller::of(context), statement_of(in.statement_name, in.work_group, in.query_statement, in.description));
        return athena::CreatePreparedStatementOutput();
      });
  operations.on<athena::op::GetPreparedStatement>(
      [&](api::Context& context, const athena::GetPreparedStatementInput& in) {
        athena::GetPreparedStatementOutput out;
        out.prepared_statement = prepared(service, Caller::of(context), in);
        return out;
      });
  operations.on<athena::op::BatchGetPreparedStatement>(
      [&](api::Context& context, const athena::BatchGetPreparedStatementInput& in) {
        return batch_get(service, Caller::of(context), in);
      });
  operations.on<athena::op::UpdatePreparedStatement>(
      [&](api::Context& context, const athena::UpdatePreparedStatementInput& in) {
        service.saved_queries.update(
            Caller::of(context), statement_of(in.statement_name, in.work_group, in.query_statement, in.description));
        return athena::UpdatePreparedStatementOutput();
      });
  operations.on<athena::op::DeletePreparedStatement>(
      [&](api::Context& context, const athena::DeletePreparedStatementInput& in) {
        service.saved_queries.remove_prepared(Caller::of(context), in.work_group, in.statement_name);
        return athena::DeletePreparedStatementOutput();
      });
  operations.on<athena::op::ListPreparedStatements>(
      [&](api::Context& context, const athena::ListPreparedStatementsInput& in) {
        return service.saved_queries.list(Caller::of(context), in);
      });
}

}  // namespace tarn::gateway
