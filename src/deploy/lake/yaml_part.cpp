#include "deploy/lake/yaml_part.hpp"

#include <algorithm>

#include "deploy/limits.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {

YamlFile::YamlFile(std::string file_name, std::string_view text) : name(std::move(file_name)) {
  if (text.size() > limits::max_template_size_bytes) throw validation_error(name + " is too large");
  try {
    read_yaml(text, source);
  } catch (const Error& e) {
    constexpr std::string_view about_templates = "Template format error: ";
    const std::string& why = e.message();
    throw validation_error(name + ": " + (why.starts_with(about_templates) ? why.substr(about_templates.size()) : why));
  }
  if (!source.body.is_map()) throw validation_error(name + ": must be a map");
}

std::string YamlPart::place() const {
  std::string out = file_->name + ":" + std::to_string(file_->source.position(path_).line) + ": ";
  if (!path_.empty()) out += path_.substr(1) + ": ";
  return out;
}

void YamlPart::refuse(const std::string& why) const {
  throw validation_error(place() + why);
}

void YamlPart::refuse_unsupported(const std::string& why) const {
  throw Error(ErrorKind::unsupported, "NotImplemented", place() + why);
}

void YamlPart::only(std::initializer_list<std::string_view> names) const {
  if (!value_->is_map()) refuse("must be a map");
  for (const ValueMember& member : value_->as_map()) {
    if (std::find(names.begin(), names.end(), member.key) != names.end()) continue;
    std::string known;
    for (std::string_view name : names) known += (known.empty() ? "" : ", ") + std::string(name);
    YamlPart(*file_, member.value, path_ + "/" + member.key).refuse("has no meaning here; there may be " + known);
  }
}

std::optional<YamlPart> YamlPart::find(std::string_view name) const {
  const Value* found = value_->find(name);
  if (!found) return std::nullopt;
  return YamlPart(*file_, *found, path_ + "/" + std::string(name));
}

YamlPart YamlPart::at(std::string_view name) const {
  auto found = find(name);
  if (!found) refuse(std::string(name) + " is missing");
  return *found;
}

std::string YamlPart::text() const {
  if (value_->is_map() || value_->is_list() || value_->is_null()) refuse("must be a text");
  return text_of(*value_);
}

std::string YamlPart::text_or(std::string_view name, std::string_view otherwise) const {
  auto found = find(name);
  return found ? found->text() : std::string(otherwise);
}

int64_t YamlPart::number_or(std::string_view name, int64_t otherwise, int64_t least, int64_t most) const {
  auto found = find(name);
  if (!found) return otherwise;
  if (!found->value_->is_int() || found->value_->as_int() < least || found->value_->as_int() > most)
    found->refuse("must be a number from " + std::to_string(least) + " to " + std::to_string(most));
  return found->value_->as_int();
}

bool YamlPart::flag_or(std::string_view name, bool otherwise) const {
  auto found = find(name);
  if (!found) return otherwise;
  if (!found->value_->is_bool()) found->refuse("must be true or false");
  return found->value_->as_bool();
}

std::string YamlPart::name_text(std::string_view also) const {
  std::string out = text();
  check_name(out, also);
  return out;
}

void YamlPart::check_name(const std::string& name, std::string_view also) const {
  const bool fits = !name.empty() && name.size() <= 40 && name[0] >= 'a' && name[0] <= 'z' &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || also.find(c) != std::string_view::npos;
                    });
  if (!fits)
    refuse("\"" + name + "\" is no name: small letters, digits" + (also.empty() ? "" : " and " + std::string(also)) +
           ", a letter first, at most 40");
}

std::vector<YamlPart> YamlPart::items() const {
  if (!value_->is_list()) {
    (void)text();
    return {*this};
  }
  std::vector<YamlPart> out;
  for (std::size_t i = 0; i < value_->as_list().size(); i++)
    out.push_back(YamlPart(*file_, value_->as_list()[i], path_ + "/" + std::to_string(i)));
  return out;
}

std::vector<std::pair<std::string, YamlPart>> YamlPart::members() const {
  if (!value_->is_map()) refuse("must be a map");
  std::vector<std::pair<std::string, YamlPart>> out;
  for (const ValueMember& member : value_->as_map())
    out.emplace_back(member.key, YamlPart(*file_, member.value, path_ + "/" + member.key));
  return out;
}

}  // namespace tarn::deploy
