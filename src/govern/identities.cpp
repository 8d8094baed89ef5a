#include "govern/identities.hpp"

#include <cctype>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"

namespace tarn::govern {
namespace {

// "arn:aws:iam::123456789012:role/path/Name" -> account and last name; absent when it is no role's ARN.
struct RoleName {
  std::string account, name;
};

std::optional<RoleName> parse_role_arn(std::string_view arn) {
  constexpr std::string_view start = "arn:aws:iam::";
  if (!arn.starts_with(start)) return std::nullopt;
  arn.remove_prefix(start.size());
  auto colon = arn.find(':');
  if (colon != 12 || !arn.substr(13).starts_with("role/")) return std::nullopt;
  for (char c : arn.substr(0, 12))
    if (c < '0' || c > '9') return std::nullopt;
  auto name = arn.substr(arn.rfind('/') + 1);
  if (name.empty()) return std::nullopt;
  return RoleName{std::string(arn.substr(0, 12)), std::string(name)};
}

Credential read_credential(const Value& v) {
  Credential c;
  c.principal = {v.string_or("Account"), v.string_or("Arn"), v.string_or("UserId"), v.string_or("AccessKeyId")};
  c.secret_access_key = v.string_or("SecretAccessKey");
  c.session_token = v.string_or("SessionToken");
  c.active = v.string_or("Status", "Active") == "Active";
  if (const Value* expires = v.find("ExpiresMs")) c.expires = Time(std::chrono::milliseconds(expires->as_int()));
  return c;
}

}  // namespace

Identities::Identities(meta::Metadata& metadata, Clock& clock, Random& random)
    : metadata_(metadata), clock_(clock), random_(random) {}

api::Principal Identities::root_of(std::string_view account) {
  return {std::string(account), "arn:aws:iam::" + std::string(account) + ":root", std::string(account), ""};
}

std::optional<Credential> Identities::find(std::string_view access_key_id) const {
  if (auto stored = metadata_.get("govern.credential", access_key_id)) return read_credential(*stored);
  return std::nullopt;
}

api::Principal Identities::role_session(std::string_view role_arn, std::string_view session_name) const {
  auto role = parse_role_arn(role_arn);
  if (!role)
    throw Error(ErrorKind::caller, "ValidationError",
                std::string(role_arn) + " is not the ARN of a role (arn:aws:iam::ACCOUNT:role/NAME).");
  auto record = metadata_.get("iam.role", meta::key({role->account, role->name}));
  // A role that tarn has no record of keeps one id, made from its name, over all its sessions.
  std::string role_id =
      record ? record->string_or("RoleId") : "AROA" + hex_encode(digest(DigestKind::sha256, role_arn)).substr(0, 17);
  for (char& c : role_id) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::string session(session_name);
  return {role->account, "arn:aws:sts::" + role->account + ":assumed-role/" + role->name + "/" + session,
          role_id + ":" + session, ""};
}

TemporaryCredential Identities::assume_role(std::string_view role_arn, std::string_view session_name,
                                            int64_t duration_s) {
  return issue(role_session(role_arn, session_name), duration_s);
}

TemporaryCredential Identities::issue(const api::Principal& principal, int64_t duration_s) {
  Time now = clock_.now();
  TemporaryCredential out{"ASIA" + random_.alphanumeric(16), base64_encode(random_.bytes(30)),
                          base64_encode(random_.bytes(180)), now + std::chrono::seconds(duration_s)};
  const int64_t day_ago_ms = (now - std::chrono::hours(24)).time_since_epoch().count();
  // Quietly: the log of changes must hold no secrets. Sessions that ended a day ago go with it.
  metadata_.change_quietly([&](meta::Transaction& t) {
    t.put("govern.credential", out.access_key_id,
          Value::map({{"Account", principal.account},
                      {"Arn", principal.arn},
                      {"UserId", principal.user_id},
                      {"AccessKeyId", out.access_key_id},
                      {"SecretAccessKey", out.secret_access_key},
                      {"SessionToken", out.session_token},
                      {"ExpiresMs", out.expires.time_since_epoch().count()}}));
    for (const auto& old : t.list("govern.credential", "ASIA", {}, 200))
      if (old.value.int_or("ExpiresMs", INT64_MAX) < day_ago_ms) t.erase("govern.credential", old.key);
  });
  return out;
}

}  // namespace tarn::govern
