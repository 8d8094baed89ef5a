// A part of a YAML file that people write, read with checks that tell where what is wrong stands.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deploy/template.hpp"

namespace tarn::deploy {

// The text of one file; parts of it point into it.
struct YamlFile {
  std::string name;
  Template source;

  YamlFile(std::string file_name, std::string_view text);
};

class YamlPart {
 public:
  explicit YamlPart(const YamlFile& file) : YamlPart(file, file.source.body, {}) {}

  // "lake.yml:7: domains/sales: …"
  [[noreturn]] void refuse(const std::string& why) const;
  // The same for what the form knows of and tarn does not have.
  [[noreturn]] void refuse_unsupported(const std::string& why) const;

  // Throws for a member that is none of these.
  void only(std::initializer_list<std::string_view> names) const;
  std::optional<YamlPart> find(std::string_view name) const;
  YamlPart at(std::string_view name) const;

  std::string text() const;
  std::string text(std::string_view name) const { return at(name).text(); }
  std::string text_or(std::string_view name, std::string_view otherwise) const;
  int64_t number_or(std::string_view name, int64_t otherwise, int64_t least, int64_t most) const;
  bool flag_or(std::string_view name, bool otherwise) const;
  // Text of the letters, digits and `also`, beginning with a letter.
  std::string name_text(std::string_view also) const;
  void check_name(const std::string& name, std::string_view also) const;

  // Of a list; one scalar stands for a list of it.
  std::vector<YamlPart> items() const;
  std::vector<std::pair<std::string, YamlPart>> members() const;
  const Value& value() const { return *value_; }

 private:
  YamlPart(const YamlFile& file, const Value& value, std::string path)
      : file_(&file), value_(&value), path_(std::move(path)) {}
  std::string place() const;

  const YamlFile* file_;
  const Value* value_;
  std::string path_;
};

}  // namespace tarn::deploy
