// What others tell CloudFormation by a URL that it gave them: the answers of custom resources, the signals of wait
// conditions. Whoever knows the URL may answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/value.hpp"
#include "meta/metadata.hpp"

namespace tarn::deploy {

// The path at which tarn takes them, by PUT; the token stands in the query.
inline constexpr const char* answer_path = "/_tarn/cloudformation-response";
inline constexpr std::size_t max_answer_size_bytes = 4096;

// Thread-safe.
class Answers {
 public:
  explicit Answers(meta::Metadata& metadata) : metadata_(&metadata) {}

  static std::string url(const std::string& endpoint, const std::string& token);
  // From now on what comes under `token` is kept.
  void expect(const std::string& token);
  void forget(const std::string& token);
  // `query` of a request to answer_path. False where nobody waits for it.
  bool take(std::string_view query, const std::string& body);
  // What came, oldest first.
  std::vector<std::string> all(const std::string& token) const;

 private:
  meta::Metadata* metadata_;
};

}  // namespace tarn::deploy
