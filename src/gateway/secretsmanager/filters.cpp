#include <algorithm>
#include <cctype>
#include <string_view>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "gateway/secretsmanager/requests.hpp"

namespace tarn::gateway::secretsmanager {
namespace {

using govern::SecretRecord;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Whether one of the text's words, and what follows it, begins with `prefix`; in any case of letters.
bool has_words(std::string_view text, std::string_view prefix) {
  const std::string where = lower(text), what = lower(prefix);
  for (std::size_t at = 0; at < where.size(); at++) {
    const bool begins = at == 0 || !std::isalnum(static_cast<unsigned char>(where[at - 1]));
    if (begins && std::string_view(where).substr(at).starts_with(what)) return true;
  }
  return false;
}

// Whether each word of `value` is in one of the secret's texts.
bool has_all_words(const std::vector<std::string>& texts, std::string_view value) {
  while (!value.empty()) {
    const std::size_t end = std::min(value.find_first_of(" ,/-_.@=+"), value.size());
    const std::string_view word = value.substr(0, end);
    value.remove_prefix(std::min(end + 1, value.size()));
    if (!word.empty() && std::ranges::none_of(texts, [&](const auto& text) { return has_words(text, word); }))
      return false;
  }
  return true;
}

bool begins(const std::vector<std::string>& texts, std::string_view prefix) {
  return std::ranges::any_of(texts, [&](const auto& text) { return text.starts_with(prefix); });
}

struct Texts {
  std::vector<std::string> name, description, tag_keys, tag_values, owner;
};

Texts texts_of(const SecretRecord& secret) {
  Texts out;
  out.name = {secret.name()};
  if (secret.description.description) out.description = {*secret.description.description};
  if (secret.description.owning_service) out.owner = {*secret.description.owning_service};
  if (secret.description.tags)
    for (const auto& tag : *secret.description.tags) {
      out.tag_keys.push_back(*tag.key);
      out.tag_values.push_back(tag.value.value_or(""));
    }
  return out;
}

bool matches(const Texts& texts, const std::string& key, std::string_view value) {
  if (key == "name") return begins(texts.name, value);
  if (key == "tag-key") return begins(texts.tag_keys, value);
  if (key == "tag-value") return begins(texts.tag_values, value);
  if (key == "owning-service") return begins(texts.owner, value);
  if (key == "primary-region") return false;  // no secret is a replica
  if (key == "description")
    return std::ranges::any_of(texts.description, [&](const auto& text) { return has_words(text, value); });
  std::vector<std::string> all;
  for (const auto* list : {&texts.name, &texts.description, &texts.tag_keys, &texts.tag_values, &texts.owner})
    all.insert(all.end(), list->begin(), list->end());
  return has_all_words(all, value);
}

// One of the values must match; each with ! before it must not.
bool lets_through(const model::Filter& filter, const Texts& texts) {
  bool wanted = false, found = false;
  for (std::string_view value : *filter.values) {
    if (value.starts_with("!")) {
      if (matches(texts, *filter.key, value.substr(1))) return false;
      continue;
    }
    wanted = true;
    found = found || matches(texts, *filter.key, value);
  }
  return found || !wanted;
}

}  // namespace

std::vector<SecretRecord> filtered(govern::Secrets& secrets, const govern::SecretScope& scope,
                                   const std::optional<std::vector<model::Filter>>& filters, bool with_deleted) {
  if (filters)
    for (const auto& filter : *filters) {
      if (!filter.key) invalid_parameter("Invalid filter key.");
      if (!filter.values || filter.values->empty()) invalid_parameter("Invalid filter values for key: " + *filter.key);
    }
  std::vector<SecretRecord> out;
  for (SecretRecord& secret : secrets.list(scope)) {
    if (secret.description.deleted_date && !with_deleted) continue;
    const Texts texts = texts_of(secret);
    if (!filters || std::ranges::all_of(*filters, [&](const auto& f) { return lets_through(f, texts); }))
      out.push_back(std::move(secret));
  }
  return out;
}

std::string after_of(const std::optional<std::string>& token) {
  if (!token) return {};
  auto place = base64_decode(*token);
  if (!place || place->empty())
    throw Error(ErrorKind::caller, "InvalidNextTokenException", "The NextToken value is invalid.");
  return *place;
}

std::string token_after(const std::string& last) {
  return base64_encode(last);
}

}  // namespace tarn::gateway::secretsmanager
