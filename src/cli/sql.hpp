// `tarn sql`: asks Athena and prints the rows.
#pragma once

#include <string>

#include "cli/client.hpp"

namespace tarn::cli {

struct SqlOptions {
  std::string statement;  // "-": standard input
  std::string database;
  std::string workgroup;
  std::string output;  // s3://…; empty: the workgroup's, else a bucket of the account's that is made when needed
  bool json = false, csv = false;
};

int sql(Client& client, SqlOptions options);

}  // namespace tarn::cli
