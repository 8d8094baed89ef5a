#include "deploy/answers.hpp"

#include "api/wire/percent.hpp"

namespace tarn::deploy {
namespace {

constexpr std::string_view kind = "cloudformation.answer";
constexpr std::size_t max_answers = 1000;  // of one wait condition

}  // namespace

std::string Answers::url(const std::string& endpoint, const std::string& token) {
  return endpoint + answer_path + "?token=" + token;
}

void Answers::expect(const std::string& token) {
  metadata_->change_quietly([&](meta::Transaction& t) {
    if (!t.get(kind, token)) t.put(kind, token, Value::list());
  });
}

void Answers::forget(const std::string& token) {
  metadata_->change_quietly([&](meta::Transaction& t) { t.erase(kind, token); });
}

bool Answers::take(std::string_view query, const std::string& body) {
  const std::string token = api::percent_decode(api::raw_parameter(query, "token"), true);
  bool taken = false;
  metadata_->change_quietly([&](meta::Transaction& t) {
    auto there = t.get(kind, token);
    taken = there && there->as_list().size() < max_answers;
    if (!taken) return;
    there->push_back(body.substr(0, max_answer_size_bytes + 1));
    t.put(kind, token, *there);
  });
  return taken;
}

std::vector<std::string> Answers::all(const std::string& token) const {
  std::vector<std::string> out;
  if (auto there = metadata_->get(kind, token))
    for (const Value& one : there->as_list()) out.push_back(one.as_string());
  return out;
}

}  // namespace tarn::deploy
