// SearchTables ("AWS Glue Web API Reference", SearchTables): properties are compared by words, text is looked for
// everywhere in a table.
#include <algorithm>

#include "catalog/catalog.hpp"
#include "catalog/records.hpp"

namespace tarn::catalog {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (char c : fold_name(text)) {
    bool in_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
    if (in_word)
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

struct Property {
  std::vector<std::string> texts;
  std::optional<Time> time;
};

std::optional<Property> property(const glue::Table& table, const std::string& key) {
  std::string name = fold_name(key);
  auto text = [](const std::optional<std::string>& t) { return Property{{t.value_or("")}, {}}; };
  if (name == "name") return text(table.name);
  if (name == "databasename") return text(table.database_name);
  if (name == "description") return text(table.description);
  if (name == "owner") return text(table.owner);
  if (name == "tabletype") return text(table.table_type);
  if (name == "createdby") return text(table.created_by);
  if (name == "location") return text(table.storage_descriptor ? table.storage_descriptor->location : std::nullopt);
  if (name == "createtime") return Property{{}, table.create_time};
  if (name == "updatetime") return Property{{}, table.update_time};
  if (table.parameters)
    if (auto p = table.parameters->find(key); p != table.parameters->end()) return Property{{p->second}, {}};
  return std::nullopt;
}

bool compare_times(Time a, Time b, const std::string& comparator) {
  if (comparator == "GREATER_THAN") return a > b;
  if (comparator == "LESS_THAN") return a < b;
  if (comparator == "GREATER_THAN_EQUALS") return a >= b;
  if (comparator == "LESS_THAN_EQUALS") return a <= b;
  return a == b;
}

bool satisfies(const glue::Table& table, const glue::PropertyPredicate& predicate) {
  std::string wanted = predicate.value.value_or("");
  auto found = property(table, predicate.key.value_or(""));
  if (!found) return false;
  if (found->time) {
    auto time = parse_iso8601(wanted);
    if (!time) throw_invalid("The value '" + wanted + "' of the filter " + *predicate.key + " is no time.");
    return compare_times(*found->time, *time, predicate.comparator.value_or("EQUALS"));
  }
  for (const std::string& text : found->texts) {
    if (fold_name(text) == fold_name(wanted)) return true;
    auto words = words_of(text);
    if (std::find(words.begin(), words.end(), fold_name(wanted)) != words.end()) return true;
  }
  return false;
}

void collect(const std::optional<std::string>& text, std::vector<std::string>& out) {
  if (text) out.push_back(fold_name(*text));
}

std::vector<std::string> searchable(const glue::Table& table) {
  std::vector<std::string> out{fold_name(table.name)};
  collect(table.database_name, out);
  collect(table.description, out);
  collect(table.owner, out);
  auto columns = [&](const std::vector<glue::Column>& list) {
    for (const auto& c : list) {
      out.push_back(fold_name(c.name));
      collect(c.comment, out);
    }
  };
  columns(*table.partition_keys);
  if (table.storage_descriptor) {
    collect(table.storage_descriptor->location, out);
    if (table.storage_descriptor->columns) columns(*table.storage_descriptor->columns);
  }
  if (table.parameters)
    for (const auto& [key, value] : *table.parameters) out.insert(out.end(), {fold_name(key), fold_name(value)});
  return out;
}

bool contains_text(const glue::Table& table, std::string_view search) {
  if (search.empty()) return true;
  std::vector<std::string> wanted;
  bool exact = search.size() > 1 && search.front() == '"' && search.back() == '"';
  if (exact)
    wanted.push_back(fold_name(search.substr(1, search.size() - 2)));
  else
    wanted = words_of(search);
  auto texts = searchable(table);
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& w) {
    return std::any_of(texts.begin(), texts.end(),
                       [&](const std::string& t) { return exact ? t == w : t.find(w) != t.npos; });
  });
}

bool before(const glue::Table& a, const glue::Table& b, const glue::SortCriterion& by) {
  auto x = property(a, by.field_name.value_or("")), y = property(b, by.field_name.value_or(""));
  if (!x || !y) return x.has_value() && !y;
  return x->time ? x->time < y->time : x->texts < y->texts;
}

}  // namespace

Page<glue::Table> Catalog::search_tables(const Scope& scope, const glue::SearchTablesRequest& request) const {
  std::vector<glue::Table> matches;
  for (const auto& record : metadata_.list(table_kind, meta::prefix({scope.account, scope.region}))) {
    auto table = api::from<glue::Table>(record.value);
    const auto filters = request.filters.value_or(std::vector<glue::PropertyPredicate>{});
    bool wanted = std::all_of(filters.begin(), filters.end(), [&](const auto& f) { return satisfies(table, f); });
    if (wanted && contains_text(table, request.search_text.value_or(""))) matches.push_back(std::move(table));
  }
  const auto criteria = request.sort_criteria.value_or(std::vector<glue::SortCriterion>{});
  for (auto by = criteria.rbegin(); by != criteria.rend(); ++by) {
    bool descending = by->sort == "DESC";
    std::stable_sort(matches.begin(), matches.end(),
                     [&](const auto& a, const auto& b) { return descending ? before(b, a, *by) : before(a, b, *by); });
  }
  // Sorted anew at each call, so the place is a number.
  std::size_t from = 0, limit = static_cast<std::size_t>(request.max_results.value_or(1000));
  std::string place = key_of_token(request.next_token);
  for (char c : place) {
    if (c < '0' || c > '9' || from > 100'000'000)
      throw_invalid("The NextToken is not one that this operation returned.");
    from = from * 10 + static_cast<std::size_t>(c - '0');
  }
  Page<glue::Table> page;
  for (std::size_t i = from; i < matches.size() && i < from + limit; ++i) page.items.push_back(matches[i]);
  if (from + limit < matches.size()) page.next = token_after(std::to_string(from + limit));
  return page;
}

}  // namespace tarn::catalog
