// Query executions: queries that were started, their states, their results.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "query/data_catalogs.hpp"
#include "query/saved_queries.hpp"

namespace tarn::query {

// Thread-safe. A few queries run at a time, further ones wait in the state QUEUED. Executions are records and outlive
// the process; one that was running when it ended is FAILED at the next start, and what it had half written is gone.
// Errors: invalid_request.
class Executions {
 public:
  // Takes up the records, and starts the threads.
  Executions(const Parts& parts, const Workgroups& workgroups, const DataCatalogs& data_catalogs, SavedQueries& saved,
             int threads);
  // Interrupts what runs and waits for it.
  ~Executions();

  std::string start(const Caller& caller, const athena::StartQueryExecutionInput& input);
  std::optional<athena::QueryExecution> find(const Caller& caller, const std::string& id) const;
  athena::QueryExecution get(const Caller& caller, const std::string& id) const;
  // Newest first.
  athena::ListQueryExecutionsOutput list(const Caller& caller, const athena::ListQueryExecutionsInput& input) const;
  // Nothing happens to an execution that is over.
  void stop(const Caller& caller, const std::string& id);
  athena::GetQueryResultsOutput results(const Caller& caller, const athena::GetQueryResultsInput& input) const;
  athena::QueryRuntimeStatistics statistics(const Caller& caller, const std::string& id) const;
  // Ends all that runs or waits, and returns when nothing runs; until the lock goes, whoever starts a query waits. For
  // a reset of the whole program: the records go with the metadata store's own reset().
  [[nodiscard]] std::unique_lock<std::mutex> hold();

  // Called at each change of a query's state, in their order, once it is on disk where it outlives the process (RUNNING
  // does not): AWS's event "Athena Query State Change". `before` is empty for the first. Must not throw. Add before the
  // first start.
  using Listener = std::function<void(const Caller&, const athena::QueryExecution&, std::string_view before)>;
  void add_listener(Listener listener) { listeners_.push_back(std::move(listener)); }

 private:
  struct Job;
  void recover();
  void work(std::stop_token stop);
  void run(Job& job);
  void end(Job& job, const Error* failure);  // in memory; null: it succeeded
  void note_end(Job& job);                   // on disk, what it had half written taken back
  void save(const Job& job);
  bool reuse(Job& job, const athena::StartQueryExecutionInput& input);
  void tell(const Caller& caller, const athena::QueryExecution& execution, std::string_view before) const;
  Value record(const Caller& caller, const std::string& id) const;

  const Parts& parts_;
  const Workgroups& workgroups_;
  const DataCatalogs& data_catalogs_;
  SavedQueries& saved_;
  std::vector<Listener> listeners_;

  std::mutex starting_;       // held while a query is recorded and queued, and by hold()
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::map<std::string, std::shared_ptr<Job>> open_;  // queued and running, by id
  bool ending_ = false;                               // the process ends: what runs is interrupted, and fails
  bool holding_ = false;                              // somebody is in hold()
  std::vector<std::jthread> threads_;
};

}  // namespace tarn::query
