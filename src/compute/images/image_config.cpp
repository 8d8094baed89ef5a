#include "compute/images/image_config.hpp"

#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::compute {
namespace {

std::vector<std::string> strings(const Value& v, std::string_view member) {
  std::vector<std::string> out;
  const Value* list = v.find(member);
  if (!list || !list->is_list()) return out;
  for (const Value& item : list->as_list()) out.push_back(item.as_string());
  return out;
}

}  // namespace

ImageConfig read_image_config(std::string_view text) {
  try {
    const Value v = parse_json(text);
    if (!v.is_map()) throw Error(ErrorKind::caller, "SerializationException", "it is no object");
    ImageConfig out;
    out.architecture = v.string_or("architecture");
    const Value* config = v.find("config");
    if (!config || !config->is_map()) return out;
    out.entrypoint = strings(*config, "Entrypoint");
    out.command = strings(*config, "Cmd");
    out.environment = strings(*config, "Env");
    out.working_folder = config->string_or("WorkingDir");
    if (const Value* labels = config->find("Labels"); labels && labels->is_map())
      for (const auto& [key, value] : labels->as_map())
        if (value.is_string()) out.labels[key] = value.as_string();
    return out;
  } catch (const Error& e) {
    throw Error(ErrorKind::caller, "InvalidParameterException",
                "The image's configuration can't be read: " + e.message());
  }
}

}  // namespace tarn::compute
