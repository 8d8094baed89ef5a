#include "query/saved_queries.hpp"

#include "base/limits.hpp"
#include "query/dialect/parser.hpp"

namespace tarn::query {
namespace {

constexpr const char* named_kind = "athena.named_query";
constexpr const char* named_of_kind = "athena.named_query_of";  // by workgroup, {Id, Token}
constexpr const char* prepared_kind = "athena.prepared_statement";

Error no_prepared(const std::string& name) {
  return Error(ErrorKind::missing, "ResourceNotFoundException", "PreparedStatement " + name + " was not found")
      .with("ResourceName", name);
}

void check_query(const std::string& text) {
  if (text.size() > limits::max_query_string_size_bytes)
    throw invalid_request("The query is longer than " + std::to_string(limits::max_query_string_size_bytes) + " bytes");
}

}  // namespace

std::string SavedQueries::create(const Caller& caller, const athena::CreateNamedQueryInput& input) {
  check_query(input.query_string);
  const std::string workgroup = workgroups_.get(caller, input.work_group.value_or("primary")).name;
  athena::NamedQuery made;
  made.name = input.name;
  made.description = input.description;
  made.database = input.database;
  made.query_string = input.query_string;
  made.named_query_id = parts_.random.uuid();
  made.work_group = workgroup;
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    if (input.client_request_token)
      for (const auto& record : change.list(named_of_kind, caller.prefix({workgroup}))) {
        if (record.value.string_or("Token") != *input.client_request_token) continue;
        const auto earlier =
            api::from<athena::NamedQuery>(*change.get(named_kind, caller.key({record.value.string_or("Id")})));
        if (earlier.query_string != input.query_string || earlier.name != input.name)
          throw invalid_request("Idempotent parameters do not match");
        made.named_query_id = earlier.named_query_id;
        return;
      }
    change.put(named_kind, caller.key({*made.named_query_id}), to_value(made));
    change.put(named_of_kind, caller.key({workgroup, *made.named_query_id}),
               Value::map({{"Id", *made.named_query_id}, {"Token", input.client_request_token.value_or("")}}));
  });
  return *made.named_query_id;
}

std::optional<athena::NamedQuery> SavedQueries::find(const Caller& caller, const std::string& id) const {
  const auto record = parts_.metadata.get(named_kind, caller.key({id}));
  if (!record) return std::nullopt;
  return api::from<athena::NamedQuery>(*record);
}

void SavedQueries::update(const Caller& caller, const athena::UpdateNamedQueryInput& input) {
  check_query(input.query_string);
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    const auto record = change.get(named_kind, caller.key({input.named_query_id}));
    if (!record) throw invalid_request("NamedQuery " + input.named_query_id + " was not found");
    auto query = api::from<athena::NamedQuery>(*record);
    query.name = input.name;
    query.query_string = input.query_string;
    if (input.description) query.description = input.description;
    change.put(named_kind, caller.key({input.named_query_id}), to_value(query));
  });
}

void SavedQueries::remove(const Caller& caller, const std::string& id) {
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    const auto record = change.get(named_kind, caller.key({id}));
    if (!record) throw invalid_request("NamedQuery " + id + " was not found");
    change.erase(named_of_kind, caller.key({record->string_or("WorkGroup"), id}));
    change.erase(named_kind, caller.key({id}));
  });
}

athena::ListNamedQueriesOutput SavedQueries::list(const Caller& caller,
                                                  const athena::ListNamedQueriesInput& input) const {
  const std::string workgroup = workgroups_.get(caller, input.work_group.value_or("primary")).name;
  auto page = record_page(parts_.metadata, named_of_kind, caller.prefix({workgroup}), input.next_token,
                          static_cast<std::size_t>(input.max_results.value_or(50)));
  athena::ListNamedQueriesOutput out;
  out.next_token = page.next;
  out.named_query_ids.emplace();
  for (const auto& record : page.records) out.named_query_ids->push_back(record.value.string_or("Id"));
  return out;
}

void SavedQueries::prepare(const Caller& caller, const athena::PreparedStatement& statement) {
  check_query(*statement.query_statement);
  dialect::parse(*statement.query_statement);
  workgroups_.get(caller, *statement.work_group_name);
  athena::PreparedStatement made = statement;
  made.last_modified_time = parts_.clock.now();
  const std::string key = caller.key({*made.work_group_name, *made.statement_name});
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    if (change.get(prepared_kind, key))
      throw invalid_request("PreparedStatement " + *made.statement_name + " already exists");
    change.put(prepared_kind, key, to_value(made));
  });
}

std::optional<athena::PreparedStatement> SavedQueries::find_prepared(const Caller& caller, const std::string& workgroup,
                                                                     const std::string& name) const {
  const auto record = parts_.metadata.get(prepared_kind, caller.key({workgroup, name}));
  if (!record) return std::nullopt;
  return api::from<athena::PreparedStatement>(*record);
}

void SavedQueries::update(const Caller& caller, const athena::PreparedStatement& statement) {
  check_query(*statement.query_statement);
  dialect::parse(*statement.query_statement);
  const std::string key = caller.key({*statement.work_group_name, *statement.statement_name});
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    const auto record = change.get(prepared_kind, key);
    if (!record) throw no_prepared(*statement.statement_name);
    auto made = api::from<athena::PreparedStatement>(*record);
    made.query_statement = statement.query_statement;
    if (statement.description) made.description = statement.description;
    made.last_modified_time = parts_.clock.now();
    change.put(prepared_kind, key, to_value(made));
  });
}

void SavedQueries::remove_prepared(const Caller& caller, const std::string& workgroup, const std::string& name) {
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    if (!change.erase(prepared_kind, caller.key({workgroup, name}))) throw no_prepared(name);
  });
}

athena::ListPreparedStatementsOutput SavedQueries::list(const Caller& caller,
                                                        const athena::ListPreparedStatementsInput& input) const {
  workgroups_.get(caller, input.work_group);
  auto page = record_page(parts_.metadata, prepared_kind, caller.prefix({input.work_group}), input.next_token,
                          static_cast<std::size_t>(input.max_results.value_or(50)));
  athena::ListPreparedStatementsOutput out;
  out.next_token = page.next;
  out.prepared_statements.emplace();
  for (const auto& record : page.records) {
    const auto statement = api::from<athena::PreparedStatement>(record.value);
    athena::PreparedStatementSummary summary;
    summary.statement_name = statement.statement_name;
    summary.last_modified_time = statement.last_modified_time;
    out.prepared_statements->push_back(std::move(summary));
  }
  return out;
}

}  // namespace tarn::query
