// Templates of CloudFormation's: any text is read or refused, and what can be read is resolved as far as it goes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "deploy/template.hpp"
#include "deploy/template_summary.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace tarn::deploy;
  Surroundings world;
  world.parameter = [](const std::string&, std::optional<int64_t>) { return StoredParameter{"String", "text"}; };
  world.secret = [](const std::string&, const std::string&, const std::string&, const std::string&) {
    return std::optional<std::string>("secret");
  };
  world.included = [](const std::string&) { return std::string("{Included: {Ref: 'AWS::Region'}}"); };
  ResourceResults results;
  results.ref = [](std::string_view id) { return tarn::Value(std::string(id)); };
  results.attribute = [](std::string_view, std::string_view name) { return tarn::Value(std::string(name)); };
  try {
    const Template source = parse_template({reinterpret_cast<const char*>(data), size});
    try {
      (void)summarize(source);
    } catch (const tarn::Error&) {
    }
    const Evaluation evaluation(source, {}, {}, {"123456789012", "us-east-1", "stack", "name", {}}, world);
    for (const std::string& id : evaluation.resources()) {
      const tarn::Value early = evaluation.properties(id, {}, false);
      (void)differences(early, evaluation.properties(id, results, true));
    }
    (void)evaluation.imports();
  } catch (const tarn::Error&) {
  }
  return 0;
}
