#include "base/base64.hpp"
#include "gateway/iam/records.hpp"

namespace tarn::gateway::iam {
namespace {

using api::Context;

// The secret stands once, in the kind that identities are found by; this one lists a user's keys: (account, user, key
// id).
constexpr const char* listed = "iam.access_key";

std::string user_in(const Context& c, const Value& in) {
  const std::string name = in.string_or("UserName");
  if (!name.empty()) return name;
  if (c.principal.arn.find(":user/") == std::string::npos)
    throw Error(ErrorKind::caller, "ValidationError", "Must specify userName when calling with non-User credentials");
  return c.principal.arn.substr(c.principal.arn.rfind('/') + 1);
}

Value create(const Services& s, Context& c, const Value& in) {
  const std::string name = user_in(c, in);
  const std::string id = "AKIA" + s.random.alphanumeric(16), secret = base64_encode(s.random.bytes(30));
  const Time created = std::chrono::floor<std::chrono::seconds>(c.now);
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    get(t, user, c.account(), name);
    if (t.count(listed, meta::prefix({c.account(), name})) >= 2)
      throw Error(ErrorKind::limit, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2");
    t.put(listed, meta::key({c.account(), name, id}),
          Value::map({{"UserName", name}, {"AccessKeyId", id}, {"Status", "Active"}, {"CreateDate", created}}));
  });
  s.metadata.change_quietly([&](meta::Transaction& t) {
    Value entity = get(t, user, c.account(), name).at("Entity");
    t.put("govern.credential", id,
          Value::map({{"Account", c.account()},
                      {"Arn", entity.at("Arn")},
                      {"UserId", entity.at("UserId")},
                      {"AccessKeyId", id},
                      {"SecretAccessKey", secret},
                      {"Status", "Active"}}));
  });
  return Value::map({{"AccessKey", Value::map({{"UserName", name},
                                               {"AccessKeyId", id},
                                               {"Status", "Active"},
                                               {"SecretAccessKey", secret},
                                               {"CreateDate", created}})}});
}

Value update(const Services& s, Context& c, const Value& in) {
  const std::string name = user_in(c, in), id = in.at("AccessKeyId").as_string();
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    auto record = t.get(listed, meta::key({c.account(), name, id}));
    if (!record) no_such_entity("The Access Key with id " + id + " cannot be found.");
    record->set("Status", in.at("Status"));
    t.put(listed, meta::key({c.account(), name, id}), *record);
  });
  s.metadata.change_quietly([&](meta::Transaction& t) {
    auto credential = t.get("govern.credential", id);
    if (credential) t.put("govern.credential", id, credential->set("Status", in.at("Status")));
  });
  return Value::map();
}

Value remove(const Services& s, Context& c, const Value& in) {
  const std::string name = user_in(c, in), id = in.at("AccessKeyId").as_string();
  // First it stops working, then it is forgotten.
  if (!s.metadata.get(listed, meta::key({c.account(), name, id})))
    no_such_entity("The Access Key with id " + id + " cannot be found.");
  s.metadata.change_quietly([&](meta::Transaction& t) { t.erase("govern.credential", id); });
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    t.erase(listed, meta::key({c.account(), name, id}));
  });
  return Value::map();
}

Value list(const Services& s, Context& c, const Value& in) {
  const std::string name = user_in(c, in);
  get(s.metadata, user, c.account(), name);
  ValueList keys;
  for (auto& r : s.metadata.list(listed, meta::prefix({c.account(), name}))) keys.push_back(std::move(r.value));
  return page(in, "AccessKeyMetadata", keys, [](const Value& v) { return v.at("AccessKeyId").as_string(); });
}

// Whose key it is. When it was used nobody writes down: AccessKeyLastUsed is left out, rather than said to be never.
Value last_used(const Services& s, Context& c, const Value& in) {
  const std::string id = in.at("AccessKeyId").as_string();
  const auto credential = s.metadata.get("govern.credential", id);
  if (!credential || credential->at("Account").as_string() != c.account() || !id.starts_with("AKIA"))
    no_such_entity("The Access Key with id " + id + " cannot be found.");
  const std::string& arn = credential->at("Arn").as_string();
  return Value::map({{"UserName", arn.substr(arn.rfind('/') + 1)}});
}

}  // namespace

void register_access_keys(const Services& s) {
  auto on = [&](const char* operation, auto f) {
    s.operations.add(operation, [s, f](Context& c, const Value& in) { return f(s, c, in); });
  };
  on("iam:CreateAccessKey", create);
  on("iam:UpdateAccessKey", update);
  on("iam:DeleteAccessKey", remove);
  on("iam:ListAccessKeys", list);
  on("iam:GetAccessKeyLastUsed", last_used);
}

}  // namespace tarn::gateway::iam
