// The configuration of an image ("OCI Image Configuration", Docker's "Image JSON Description"): how it is run.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::compute {

struct ImageConfig {
  std::vector<std::string> entrypoint, command;  // what is run is one after the other
  std::vector<std::string> environment;          // "NAME=value"
  std::string working_folder;                    // empty: "/"
  std::string architecture;                      // "amd64", "arm64"
  std::map<std::string, std::string> labels;
};

// What is no configuration throws Error (caller, InvalidParameterException).
ImageConfig read_image_config(std::string_view text);

}  // namespace tarn::compute
