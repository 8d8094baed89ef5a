// What a nested stack is asked to be, by the properties of the resource that it is to its parent.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "deploy/stack_records.hpp"
#include "deploy/template.hpp"

namespace tarn::deploy {

// Into the input of CreateStack, UpdateStack or CreateChangeSet.
template <class Input>
void fill_nested(Input& in, const StackRecord& parent, const Value& properties) {
  in.template_url = properties.string_or("TemplateURL");
  in.capabilities = parent.capabilities();
  in.role_arn = parent.shown.role_arn;
  in.parameters.emplace();
  if (const Value* parameters = properties.find("Parameters"))
    for (const ValueMember& m : parameters->as_map()) {
      std::string value;
      if (m.value.is_list())
        for (const Value& one : m.value.as_list()) value += (value.empty() ? "" : ",") + text_of(one);
      else
        value = text_of(m.value);
      in.parameters->push_back({m.key, value, std::nullopt, std::nullopt});
    }
  if (const Value* arns = properties.find("NotificationARNs")) {
    in.notification_ar_ns.emplace();
    for (const Value& one : arns->as_list()) in.notification_ar_ns->push_back(text_of(one));
  }
  in.tags = parent.shown.tags.value_or(std::vector<api::cloudformation::Tag>());
  if (const Value* tags = properties.find("Tags"))
    for (const Value& one : tags->as_list()) {
      std::erase_if(*in.tags, [&](const auto& t) { return t.key == one.string_or("Key"); });
      in.tags->push_back({one.string_or("Key"), text_of(one.at("Value"))});
    }
}

}  // namespace tarn::deploy
