#include "api/wire/rest_index.hpp"

#include <algorithm>

#include "api/wire/percent.hpp"

namespace tarn::api {
namespace {

template <class T>
std::vector<std::string_view> split(std::string_view text, T separator) {
  std::vector<std::string_view> out;
  while (true) {
    std::size_t at = text.find(separator);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

// The parts of a path between its slashes; a slash at the end adds none. "/" has none at all.
std::vector<std::string_view> path_parts(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.empty()) return {};
  return split(path, '/');
}

}  // namespace

QueryView::QueryView(std::string_view query) {
  while (!query.empty()) {
    std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(part.size() + 1, query.size()));
    if (part.empty()) continue;
    std::size_t equals = part.find('=');
    parameters_.emplace_back(part.substr(0, equals),
                             equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
  }
}

bool QueryView::has(std::string_view name) const {
  return std::any_of(parameters_.begin(), parameters_.end(), [&](const auto& p) { return p.first == name; });
}

bool QueryView::has(std::string_view name, std::string_view value) const {
  return std::any_of(parameters_.begin(), parameters_.end(),
                     [&](const auto& p) { return p.first == name && p.second == value; });
}

RestIndex::RestIndex(const Service& service) {
  for (const Operation& operation : service.operations) add(operation);
  std::stable_sort(groups_.begin(), groups_.end(), precedes);
  for (Group& group : groups_) {
    std::stable_sort(group.candidates.begin(), group.candidates.end(), [](const Candidate& a, const Candidate& b) {
      return a.operation->deprecated < b.operation->deprecated;
    });
    for (const Candidate& candidate : group.candidates) {
      for (const QueryLiteral& literal : candidate.literals)
        if (literal.second.empty()) telling_.push_back(literal.first);
      if (candidate.literals.empty() && group.candidates.size() > 1)
        for (const Member* member : candidate.required_query) telling_.push_back(member->wire_name);
    }
  }
  std::sort(telling_.begin(), telling_.end());
  telling_.erase(std::unique(telling_.begin(), telling_.end()), telling_.end());
}

void RestIndex::add(const Operation& operation) {
  std::string_view uri = operation.request_uri;
  std::size_t question = uri.find('?');
  Candidate candidate{&operation, bindings_of(operation.input), bindings_of(operation.output), {}, {}, {}};
  if (question != std::string_view::npos) {
    for (std::string_view literal : split(uri.substr(question + 1), '&')) {
      std::size_t equals = literal.find('=');
      candidate.literals.emplace_back(literal.substr(0, equals), equals == std::string_view::npos
                                                                     ? std::string_view()
                                                                     : literal.substr(equals + 1));
    }
  }
  if (operation.input)
    for (const Member& member : operation.input->members) {
      if (!member.required) continue;
      if (member.location == Location::query_string) candidate.required_query.push_back(&member);
      if (member.location == Location::header) candidate.required_headers.push_back(&member);
    }
  std::vector<Segment> segments;
  for (std::string_view part : path_parts(uri.substr(0, question))) {
    if (!part.starts_with('{')) {
      segments.push_back({part, false, false});
      continue;
    }
    std::string_view name = part.substr(1, part.size() - 2);
    bool greedy = name.ends_with('+');
    if (greedy) name.remove_suffix(1);
    segments.push_back({name, true, greedy});
  }
  // Labels of one place may have different names in different operations; the candidates then stand in groups of their
  // own.
  for (Group& group : groups_) {
    auto same = [](const Segment& a, const Segment& b) {
      return a.text == b.text && a.label == b.label && a.greedy == b.greedy;
    };
    if (group.method == operation.http_method &&
        std::equal(group.segments.begin(), group.segments.end(), segments.begin(), segments.end(), same)) {
      group.candidates.push_back(std::move(candidate));
      return;
    }
  }
  groups_.push_back({operation.http_method, std::move(segments), {}});
  groups_.back().candidates.push_back(std::move(candidate));
}

bool RestIndex::precedes(const Group& a, const Group& b) {
  std::size_t shared = std::min(a.segments.size(), b.segments.size());
  for (std::size_t i = 0; i < shared; i++) {
    const Segment &x = a.segments[i], &y = b.segments[i];
    if (x.label != y.label) return !x.label;
    if (x.greedy != y.greedy) return !x.greedy;
  }
  return a.segments.size() > b.segments.size();
}

bool RestIndex::matches(const Group& group, std::span<const std::string_view> parts) {
  const auto& segments = group.segments;
  std::size_t part = 0;
  for (std::size_t i = 0; i < segments.size(); i++) {
    if (part >= parts.size()) return false;
    if (segments[i].greedy) {
      std::size_t after = segments.size() - i - 1;  // what stands behind the greedy label
      if (parts.size() < part + 1 + after || (parts.size() == part + 1 + after && parts[part].empty())) return false;
      part = parts.size() - after;
      continue;
    }
    if (segments[i].label ? parts[part].empty() : parts[part] != segments[i].text) return false;
    part++;
  }
  return part == parts.size() || (part + 1 == parts.size() && parts[part].empty());
}

Labels RestIndex::labels(const Group& group, const Candidate& candidate, std::span<const std::string_view> parts) {
  Labels out;
  out.reserve(group.segments.size());
  std::size_t part = 0;
  for (std::size_t i = 0; i < group.segments.size(); i++) {
    const Segment& segment = group.segments[i];
    std::string_view text = parts[part++];
    if (segment.greedy) {
      std::size_t last = parts.size() - (group.segments.size() - i - 1) - 1;
      text = std::string_view(text.data(),
                              static_cast<std::size_t>(parts[last].data() + parts[last].size() - text.data()));
      part = last + 1;
    }
    if (!segment.label) continue;
    const Member* found = nullptr;
    if (candidate.operation->input)
      for (const Member& member : candidate.operation->input->members)
        if (member.location == Location::uri && member.wire_name == segment.text) found = &member;
    out.emplace_back(found, percent_decode(text, false));
  }
  return out;
}

bool RestIndex::knows_all(const Candidate& candidate, const QueryView& query) const {
  for (const auto& [name, value] : query.parameters()) {
    if (!std::binary_search(telling_.begin(), telling_.end(), name)) continue;
    auto is_literal = [&, key = name](const QueryLiteral& literal) { return literal.first == key; };
    if (std::any_of(candidate.literals.begin(), candidate.literals.end(), is_literal)) continue;
    if (candidate.input && candidate.input->query.find(name)) continue;
    return false;
  }
  return true;
}

const RestIndex::Candidate* RestIndex::choose(const Group& group, const QueryView& query, const Headers& headers,
                                              bool strict) const {
  const Candidate* best = nullptr;
  std::size_t best_score = 0;
  bool best_complete = false;
  for (const Candidate& candidate : group.candidates) {
    std::size_t score = candidate.literals.size() + candidate.required_query.size() + candidate.required_headers.size();
    if (score && query.empty() && !(candidate.literals.empty() && candidate.required_query.empty()) &&
        group.candidates.size() > 1 && strict)
      continue;
    auto has_literal = [&](const QueryLiteral& l) {
      return l.second.empty() ? query.has(l.first) : query.has(l.first, l.second);
    };
    if (!std::all_of(candidate.literals.begin(), candidate.literals.end(), has_literal)) continue;
    if (strict && !knows_all(candidate, query)) continue;
    auto given = [&](const Member* m) { return query.has(m->wire_name); };
    auto sent = [&](const Member* m) { return find_header(headers, m->wire_name) != nullptr; };
    bool complete = std::all_of(candidate.required_query.begin(), candidate.required_query.end(), given) &&
                    std::all_of(candidate.required_headers.begin(), candidate.required_headers.end(), sent);
    if (!complete) score = candidate.literals.size();
    if (best && std::pair(best_complete, best_score) >= std::pair(complete, score)) continue;
    best = &candidate;
    best_score = score;
    best_complete = complete;
  }
  return best;
}

std::optional<RestIndex::Match> RestIndex::find(std::string_view method, std::string_view path, const QueryView& query,
                                                const Headers& headers, bool strict) const {
  std::vector<std::string_view> parts = path_parts(path);
  for (const Group& group : groups_) {
    if (group.method != method || !matches(group, parts)) continue;
    if (const Candidate* candidate = choose(group, query, headers, strict))
      return Match{candidate, labels(group, *candidate, parts)};
    if (strict) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace tarn::api
