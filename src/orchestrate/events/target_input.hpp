// What a target gets of an event ("Amazon EventBridge User Guide", Amazon EventBridge input transformation): the whole,
// a part of it by a path, or a text made of a template.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"

namespace tarn::orchestrate {

// $.detail.items[0].name, $.detail.items[*], $['a b']. Immutable.
class EventPath {
 public:
  // Absent when the text is no such path.
  static std::optional<EventPath> parse(std::string_view text);
  // A path with * gives a list of what it finds. Absent when there is nothing.
  std::optional<Value> of(const Value& event) const;

 private:
  struct Step {
    std::string name;
    std::size_t index = 0;
    enum class Kind { member, item, every } kind = Kind::member;
  };
  std::vector<Step> steps_;
};

// Immutable.
class InputTransformer {
 public:
  // `paths`: variables and where their values are. Error (caller, ValidationException) that says what is wrong with
  // them or with the template.
  InputTransformer(const std::map<std::string, std::string>& paths, std::string template_text);

  // The reserved variables: <aws.events.rule-arn>, <aws.events.rule-name>, <aws.events.event>,
  // <aws.events.event.json>, <aws.events.event.ingestion-time>.
  struct Rule {
    std::string arn, name;
    Time ingested;
  };
  // Within quotes a variable is its text, elsewhere its JSON; one that the event does not have is empty.
  std::string apply(const Value& event, const Rule& rule) const;

 private:
  struct Piece {
    std::string text;  // as it is, or the variable's name
    bool variable = false;
    bool quoted = false;
  };
  void split(const std::string& template_text);
  void check() const;

  std::map<std::string, EventPath> paths_;
  std::vector<Piece> pieces_;
};

}  // namespace tarn::orchestrate
