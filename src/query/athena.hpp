// Athena: all of its parts together, as main makes them and gateway/athena speaks for them.
#pragma once

#include "query/executions.hpp"
#include "query/tags.hpp"

namespace tarn::query {

struct Athena {
  // `running` queries run at a time. What `p` refers to must outlive this.
  explicit Athena(const Parts& p, int running = 4)
      : parts(p),
        workgroups(parts),
        saved_queries(parts, workgroups),
        data_catalogs(parts),
        tags(parts),
        executions(parts, workgroups, data_catalogs, saved_queries, running) {}

  const Parts parts;
  Workgroups workgroups;
  SavedQueries saved_queries;
  DataCatalogs data_catalogs;
  Tags tags;
  Executions executions;
};

}  // namespace tarn::query
