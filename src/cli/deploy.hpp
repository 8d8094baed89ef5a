// `tarn plan`, `tarn deploy`, `tarn destroy`, `tarn export cloudformation`: a lake from its lake.yml, as change sets of
// a CloudFormation stack. They speak AWS's operations alone, so the same file deploys to AWS.
#pragma once

#include <string>

#include "cli/client.hpp"

namespace tarn::cli {

struct DeployOptions {
  std::string where = ".";  // lake.yml, domain.yml, or the folder that holds it
  std::string stage;        // empty: the file's own
  std::string assets;       // of export: a folder that gets the pipelines' code
  bool with_data = false;   // of destroy: buckets are emptied first
  bool json = false;
};

// Prints what would change, and changes nothing.
int plan(Client& client, const DeployOptions& options);
// Makes or changes the stack, telling each event. Exit code 1 when it failed and was rolled back.
int deploy(Client& client, const DeployOptions& options);
// A bucket that is not empty stops it, as on AWS.
int destroy(Client& client, const DeployOptions& options);
// Writes the template to standard output. Needs no server.
int export_cloudformation(const DeployOptions& options);

}  // namespace tarn::cli
