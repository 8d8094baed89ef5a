// Queries kept under a name: named queries (text to look up) and prepared statements (text to EXECUTE).
#pragma once

#include "query/workgroups.hpp"

namespace tarn::query {

// Thread-safe. What is missing or doubled throws invalid_request, or Error (missing, ResourceNotFoundException) for
// prepared statements.
class SavedQueries {
 public:
  SavedQueries(const Parts& parts, const Workgroups& workgroups) : parts_(parts), workgroups_(workgroups) {}

  // Returns the new id, or that of the query made earlier with the same token.
  std::string create(const Caller& caller, const athena::CreateNamedQueryInput& input);
  std::optional<athena::NamedQuery> find(const Caller& caller, const std::string& id) const;
  void update(const Caller& caller, const athena::UpdateNamedQueryInput& input);
  void remove(const Caller& caller, const std::string& id);
  athena::ListNamedQueriesOutput list(const Caller& caller, const athena::ListNamedQueriesInput& input) const;

  void prepare(const Caller& caller, const athena::PreparedStatement& statement);
  std::optional<athena::PreparedStatement> find_prepared(const Caller& caller, const std::string& workgroup,
                                                         const std::string& name) const;
  void update(const Caller& caller, const athena::PreparedStatement& statement);
  void remove_prepared(const Caller& caller, const std::string& workgroup, const std::string& name);
  athena::ListPreparedStatementsOutput list(const Caller& caller,
                                            const athena::ListPreparedStatementsInput& input) const;

 private:
  const Parts& parts_;
  const Workgroups& workgroups_;
};

}  // namespace tarn::query
