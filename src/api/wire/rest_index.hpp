// The paths of a REST service, compiled once from its model's requestUri's: which operation does a method and path
// name?
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/model.hpp"
#include "api/wire/bindings.hpp"
#include "api/wire/message.hpp"

namespace tarn::api {

// A path label's member with its decoded value. The member is nullptr where the input shape lacks it.
using Labels = std::vector<std::pair<const Member*, std::string>>;

// The parameters of a raw query, undecoded.
class QueryView {
 public:
  explicit QueryView(std::string_view query);
  bool empty() const { return parameters_.empty(); }
  bool has(std::string_view name) const;
  bool has(std::string_view name, std::string_view value) const;
  std::span<const std::pair<std::string_view, std::string_view>> parameters() const { return parameters_; }

 private:
  std::vector<std::pair<std::string_view, std::string_view>> parameters_;
};

class RestIndex {
 public:
  // A literal of the query that tells operations apart: "uploads", or "list-type" with the value "2".
  using QueryLiteral = std::pair<std::string_view, std::string_view>;

  struct Candidate {
    const Operation* operation;
    const Bindings* input;
    const Bindings* output;
    std::vector<QueryLiteral> literals;
    std::vector<const Member*> required_query, required_headers;
  };
  struct Match {
    const Candidate* candidate;
    Labels labels;
  };

  explicit RestIndex(const Service& service);

  // The operation that `method`, the raw `path` and the query and headers name. Among operations of one path the one
  // that asks for most and gets all of it wins (UploadPartCopy before CopyObject before PutObject); where none gets
  // all, the one whose query literals are there, so that validation can say what is missing. Absent when there is none.
  // `strict` (S3): a query parameter that tells operations apart ("acl", "uploadId") must be one that the operation
  // knows, so that DELETE /bucket?acl never deletes the bucket.
  std::optional<Match> find(std::string_view method, std::string_view path, const QueryView& query,
                            const Headers& headers, bool strict) const;

 private:
  struct Segment {
    std::string_view text;  // a literal, or a label's name
    bool label, greedy;
  };
  struct Group {  // operations of one method and path
    std::string_view method;
    std::vector<Segment> segments;
    std::vector<Candidate> candidates;
  };

  static bool matches(const Group& group, std::span<const std::string_view> parts);
  static bool precedes(const Group& a, const Group& b);
  static Labels labels(const Group& group, const Candidate& candidate, std::span<const std::string_view> parts);
  const Candidate* choose(const Group& group, const QueryView& query, const Headers& headers, bool strict) const;
  bool knows_all(const Candidate& candidate, const QueryView& query) const;
  void add(const Operation& operation);

  std::vector<Group> groups_;              // the more literal path first
  std::vector<std::string_view> telling_;  // query parameters that tell operations apart
};

}  // namespace tarn::api
