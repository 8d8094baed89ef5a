#include "orchestrate/states/definition.hpp"

#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::states {
namespace {

StateType type_of(const std::string& name) {
  static const std::map<std::string, StateType, std::less<>> types = {
      {"Task", StateType::task},         {"Pass", StateType::pass},       {"Choice", StateType::choice},
      {"Wait", StateType::wait},         {"Succeed", StateType::succeed}, {"Fail", StateType::fail},
      {"Parallel", StateType::parallel}, {"Map", StateType::map}};
  const auto found = types.find(name);
  if (found == types.end()) throw Error(ErrorKind::caller, "InvalidDefinition", "There is no state type " + name + ".");
  return found->second;
}

// Returns the block's number.
int add_block(Definition& definition, const Value& json) {
  const auto number = static_cast<int>(definition.blocks.size());
  definition.blocks.emplace_back().start_at = json.at("StartAt").as_string();
  for (const ValueMember& m : json.at("States").as_map()) {
    State state{m.key, type_of(m.value.at("Type").as_string()), m.value};
    state.uses_context = to_json(m.value).find("$$") != std::string::npos;
    if (state.type == StateType::parallel)
      for (const Value& branch : m.value.at("Branches").as_list())
        state.blocks.push_back(add_block(definition, branch));
    if (state.type == StateType::map) {
      const Value* processor = map_processor(m.value);
      if (!processor) throw Error(ErrorKind::caller, "InvalidDefinition", "A Map state has no ItemProcessor.");
      state.blocks.push_back(add_block(definition, *processor));
      const Value* config = processor->find("ProcessorConfig");
      state.distributed = config && config->string_or("Mode") == "DISTRIBUTED";
    }
    definition.blocks[static_cast<std::size_t>(number)].states.emplace(m.key, std::move(state));
  }
  return number;
}

}  // namespace

const State& Definition::state(int block, std::string_view name) const {
  const auto& states = blocks.at(static_cast<std::size_t>(block)).states;
  const auto found = states.find(name);
  if (found == states.end())
    throw Error(ErrorKind::caller, "States.Runtime", "The definition has no state " + std::string(name) + " here.");
  return found->second;
}

const Value* map_processor(const Value& state) {
  const Value* processor = state.find("ItemProcessor");
  return processor ? processor : state.find("Iterator");
}

std::shared_ptr<const Definition> parse_definition(const std::string& text) {
  auto out = std::make_shared<Definition>();
  out->text = text;
  out->json = parse_json(text);
  add_block(*out, out->json);
  return out;
}

}  // namespace tarn::states
