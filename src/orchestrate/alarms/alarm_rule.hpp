// The rule of a composite alarm: ALARM("a") AND NOT (OK(b) OR INSUFFICIENT_DATA("c")) ("PutCompositeAlarm", Amazon
// CloudWatch API Reference). Pure.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::orchestrate {

class AlarmRule {
 public:
  // What is no rule throws Error (caller, ValidationError).
  static AlarmRule parse(std::string_view text);

  // `state_of` gives an alarm's state by its name or ARN, as the rule has it; absent where there is none, which no
  // function of the rule holds for.
  bool holds(const std::function<std::optional<std::string>(const std::string& alarm)>& state_of) const;
  // The alarms that it names, each once, in its order.
  std::vector<std::string> alarms() const { return alarms_; }

 private:
  struct Node {
    enum class Kind { literal, state, negation, conjunction, disjunction } kind = Kind::literal;
    bool value = false;        // of a literal
    std::string state, alarm;  // "ALARM", its name
    std::vector<Node> parts;
  };
  class Parser;
  static bool holds(const Node& node, const std::function<std::optional<std::string>(const std::string&)>& state_of);

  Node root_;
  std::vector<std::string> alarms_;
};

}  // namespace tarn::orchestrate
