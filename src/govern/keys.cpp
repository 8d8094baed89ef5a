#include "govern/keys.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "govern/key_records.hpp"
#include "govern/key_specs.hpp"
#include "govern/policy.hpp"

namespace tarn::govern {
namespace {

namespace model = api::kms;

[[noreturn]] void not_found(const std::string& what) {
  throw Error(ErrorKind::missing, "NotFoundException", what);
}
[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationException", what);
}

// The services whose keys AWS makes when they are first named.
constexpr std::string_view managing_services[] = {"acm",          "backup",        "cloud9",
                                                  "codecommit",   "connect",       "dms",
                                                  "dynamodb",     "ebs",           "elasticfilesystem",
                                                  "es",           "fsx",           "glue",
                                                  "kafka",        "kinesis",       "lambda",
                                                  "lightsail",    "rds",           "redshift",
                                                  "s3",           "sns",           "sqs",
                                                  "ssm",          "workspaces",    "xray",
                                                  "kinesisvideo", "secretsmanager"};

bool is_managed_alias(std::string_view alias) {
  constexpr std::string_view prefix = "alias/aws/";
  return alias.starts_with(prefix) &&
         std::ranges::find(managing_services, alias.substr(prefix.size())) != std::end(managing_services);
}

// What the root of the account may do is everything, as the policy that AWS gives to new keys says.
std::string default_policy(const KeyScope& scope) {
  return "{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n  \"Statement\" : [ {\n"
         "    \"Sid\" : \"Enable IAM User Permissions\",\n    \"Effect\" : \"Allow\",\n"
         "    \"Principal\" : {\n      \"AWS\" : \"arn:aws:iam::" +
         scope.account + ":root\"\n    },\n    \"Action\" : \"kms:*\",\n    \"Resource\" : \"*\"\n  } ]\n}";
}

std::string managed_policy(const KeyScope& scope, std::string_view service) {
  return to_pretty_json(Value::map(
      {{"Version", "2012-10-17"},
       {"Id", "auto-" + std::string(service) + "-2"},
       {"Statement",
        Value::list({Value::map(
            {{"Sid", "Allow access through the service for all principals in the account that may use it"},
             {"Effect", "Allow"},
             {"Principal", Value::map({{"AWS", "*"}})},
             {"Action", Value::list({"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*",
                                     "kms:CreateGrant", "kms:DescribeKey"})},
             {"Resource", "*"},
             {"Condition",
              Value::map({{"StringEquals", Value::map({{"kms:CallerAccount", scope.account},
                                                       {"kms:ViaService", std::string(service) + "." + scope.region +
                                                                              ".amazonaws.com"}})}})}})})}}));
}

std::string usage_of(const model::CreateKeyRequest& in, const KeySpec& spec) {
  if (!in.key_usage) {
    if (spec.family == KeyFamily::symmetric) return "ENCRYPT_DECRYPT";
    invalid("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.");
  }
  if (std::ranges::find(spec.usages, *in.key_usage) == spec.usages.end())
    invalid("KeyUsage " + *in.key_usage + " is not compatible with KeySpec " + std::string(spec.name) + ".");
  return *in.key_usage;
}

std::string spec_name_of(const model::CreateKeyRequest& in) {
  if (in.key_spec && in.customer_master_key_spec && *in.key_spec != *in.customer_master_key_spec)
    invalid(
        "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is "
        "deprecated.");
  return in.key_spec ? *in.key_spec : in.customer_master_key_spec.value_or("SYMMETRIC_DEFAULT");
}

void check_origin(const model::CreateKeyRequest& in, const KeySpec& spec) {
  const std::string origin = in.origin.value_or("AWS_KMS");
  if (origin == "AWS_CLOUDHSM" || origin == "EXTERNAL_KEY_STORE" || in.custom_key_store_id || in.xks_key_id)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "CreateKey in a custom key store (Origin " + origin + "): tarn has none.");
  if (origin == "EXTERNAL" && spec.family != KeyFamily::symmetric && spec.family != KeyFamily::hmac)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "CreateKey with Origin EXTERNAL and KeySpec " + std::string(spec.name) +
                    ": tarn imports material of symmetric and HMAC keys only.");
}

model::KeyMetadata make_metadata(const KeyScope& scope, const model::CreateKeyRequest& in, const KeySpec& spec,
                                 Random& random, Time now) {
  model::KeyMetadata out;
  const bool multi_region = in.multi_region.value_or(false);
  out.key_id = multi_region ? "mrk-" + random.hex(32) : random.uuid();
  out.aws_account_id = scope.account;
  out.arn = "arn:aws:kms:" + scope.region + ":" + scope.account + ":key/" + out.key_id;
  out.creation_date = now;
  out.description = in.description.value_or("");
  out.key_usage = usage_of(in, spec);
  out.origin = in.origin.value_or("AWS_KMS");
  out.enabled = out.origin == "AWS_KMS";
  out.key_state = *out.enabled ? "Enabled" : "PendingImport";
  out.key_manager = "CUSTOMER";
  out.key_spec = std::string(spec.name);
  out.customer_master_key_spec = out.key_spec;
  if (*out.key_usage == "ENCRYPT_DECRYPT") out.encryption_algorithms = spec.encryption_algorithms;
  if (*out.key_usage == "SIGN_VERIFY") out.signing_algorithms = spec.signing_algorithms;
  if (*out.key_usage == "GENERATE_VERIFY_MAC") out.mac_algorithms = spec.mac_algorithms;
  if (*out.key_usage == "KEY_AGREEMENT") out.key_agreement_algorithms = spec.agreement_algorithms;
  out.multi_region = multi_region;
  if (multi_region) {
    model::MultiRegionKey primary;
    primary.arn = out.arn;
    primary.region = scope.region;
    out.multi_region_configuration.emplace();
    out.multi_region_configuration->multi_region_key_type = "PRIMARY";
    out.multi_region_configuration->primary_key = primary;
    out.multi_region_configuration->replica_keys.emplace();
  }
  return out;
}

bool is_key_id(std::string_view id) {
  if (id.starts_with("mrk-")) return id.size() == 36;
  if (id.size() != 36) return false;
  for (std::size_t i = 0; i < id.size(); i++) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (id[i] == '-') || (!dash && !std::isxdigit(static_cast<unsigned char>(id[i])))) return false;
  }
  return true;
}

// The last part of an ARN of this account and region.
std::string resource_of(const KeyScope& scope, std::string_view arn) {
  std::vector<std::string_view> parts;
  std::string_view rest = arn;
  while (parts.size() < 5 && rest.find(':') != rest.npos) {
    parts.push_back(rest.substr(0, rest.find(':')));
    rest.remove_prefix(parts.back().size() + 1);
  }
  if (parts.size() != 5 || parts[2] != "kms" || !(rest.starts_with("key/") || rest.starts_with("alias/")))
    throw Error(ErrorKind::caller, "InvalidArnException", "Invalid arn " + std::string(arn));
  if (parts[3] != scope.region) not_found("Invalid arn " + std::string(parts[3]));
  if (parts[4] != scope.account)
    throw Error(ErrorKind::denied, "AccessDeniedException",
                "The key belongs to another account, and no policy lets this one use it.");
  return std::string(rest.starts_with("key/") ? rest.substr(4) : rest);
}

}  // namespace

std::string alias_arn(const KeyScope& scope, std::string_view alias) {
  return "arn:aws:kms:" + scope.region + ":" + scope.account + ":" + std::string(alias);
}

void require_not_pending_deletion(const KeyRecord& key) {
  if (key.metadata.key_state == "PendingDeletion")
    throw Error(ErrorKind::conflict, "KMSInvalidStateException", key.arn() + " is pending deletion.");
}

void require_enabled(const KeyRecord& key) {
  require_not_pending_deletion(key);
  if (key.metadata.key_state == "PendingImport")
    throw Error(ErrorKind::conflict, "KMSInvalidStateException", key.arn() + " is pending import.");
  if (key.metadata.key_state != "Enabled")
    throw Error(ErrorKind::conflict, "DisabledException", key.arn() + " is disabled.");
}

KeyScope KeyRecord::scope() const {
  auto arn = *metadata.arn;
  auto region = arn.substr(std::string_view("arn:aws:kms:").size());
  return {*metadata.aws_account_id, region.substr(0, region.find(':'))};
}

KeyRecord Keys::create(const KeyScope& scope, std::string_view actor, const model::CreateKeyRequest& in) {
  const KeySpec& spec = key_spec(spec_name_of(in));
  check_origin(in, spec);
  KeyRecord record;
  record.metadata = make_metadata(scope, in, spec, random_, clock_.now());
  record.policy = in.policy.value_or(default_policy(scope));
  record.tags = in.tags.value_or(std::vector<model::Tag>());
  return store_new(actor, std::move(record), [](meta::Transaction&) {});
}

KeyRecord Keys::store_new(std::string_view actor, KeyRecord record,
                          const std::function<void(meta::Transaction&)>& also) {
  if (record.metadata.origin == "AWS_KMS")
    record.materials.push_back(add_material(record, new_secret(key_spec(*record.metadata.key_spec), random_), ""));
  show_material(record);
  metadata_.change(actor, [&](meta::Transaction& t) {
    put_record(t, record);
    also(t);
  });
  return record;
}

KeyRecord Keys::make_managed(const KeyScope& scope, std::string_view alias) {
  const std::string_view service = alias.substr(std::string_view("alias/aws/").size());
  model::CreateKeyRequest in;
  in.description = "Default key that protects my " + std::string(service) + " data when no other key is defined";
  KeyRecord record;
  record.metadata = make_metadata(scope, in, key_spec("SYMMETRIC_DEFAULT"), random_, clock_.now());
  record.metadata.key_manager = "AWS";
  record.policy = managed_policy(scope, service);
  record.rotates = true;
  record.next_rotation = clock_.now() + std::chrono::days(record.rotation_period_days);
  try {
    return store_new("tarn", record, [&](meta::Transaction& t) {
      const std::string key = meta::key({scope.account, scope.region, alias});
      if (t.get(alias_kind, key)) throw Error(ErrorKind::conflict, "AlreadyExistsException", "");
      const Time now = clock_.now();
      t.put(alias_kind, key,
            Value::map({{"TargetKeyId", record.metadata.key_id}, {"CreationDate", now}, {"LastUpdatedDate", now}}));
    });
  } catch (const Error& error) {
    if (error.code() != "AlreadyExistsException") throw;
    return find_in(scope, alias, true);  // another thread was faster
  }
}

KeyRecord Keys::find(const KeyScope& scope, std::string_view id) {
  return find_in(scope, id, true);
}

KeyRecord Keys::find_own(const KeyScope& scope, std::string_view id) {
  KeyRecord record = find_in(scope, id, false);
  if (record.is_aws_managed())
    throw Error(ErrorKind::denied, "AccessDeniedException",
                record.arn() + " is managed by AWS: it can be used and described, not changed.");
  return record;
}

KeyRecord Keys::find_in(const KeyScope& scope, std::string_view given, bool aliases) {
  std::string id(given);
  if (id.starts_with("arn:")) id = resource_of(scope, id);
  if (id.starts_with("alias/")) {
    if (!aliases) not_found("Invalid keyId " + id);
    auto alias = metadata_.get(alias_kind, meta::key({scope.account, scope.region, id}));
    if (!alias && is_managed_alias(id)) return make_managed(scope, id);
    if (!alias) not_found("Alias " + alias_arn(scope, id) + " is not found.");
    id = alias->at("TargetKeyId").as_string();
  }
  if (!is_key_id(id)) not_found("Invalid keyId '" + id + "'");
  auto record = load(scope, id);
  if (!record) not_found("Key 'arn:aws:kms:" + scope.region + ":" + scope.account + ":key/" + id + "' does not exist");
  return std::move(*record);
}

KeyRecord Keys::change(const KeyScope& scope, std::string_view actor, std::string_view id,
                       const std::function<void(KeyRecord&)>& change) {
  const KeyRecord found = find_own(scope, id);
  KeyRecord out;
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto value = t.get(key_kind, record_key(scope, found.metadata.key_id));
    if (!value) not_found("Key '" + found.arn() + "' does not exist");
    out = record_from(*value);
    change(out);
    put_record(t, out);
  });
  return out;
}

std::vector<KeyRecord> Keys::list(const KeyScope& scope, std::string_view after, std::size_t limit) {
  std::vector<KeyRecord> out;
  const std::string prefix = meta::prefix({scope.account, scope.region});
  std::string last = after.empty() ? std::string() : record_key(scope, after);
  while (out.size() < limit) {
    auto page = metadata_.list(key_kind, prefix, last, limit);
    for (const auto& stored : page) {
      last = stored.key;
      if (auto record = load(scope, meta::key_parts(stored.key).back()); record && out.size() < limit)
        out.push_back(std::move(*record));
    }
    if (page.size() < limit) break;
  }
  return out;
}

KeyRecord Keys::usable(const KeyScope& scope, std::string_view id, std::string_view usage) {
  KeyRecord record = find(scope, id);
  require_enabled(record);
  if (*record.metadata.key_usage != usage)
    throw Error(
        ErrorKind::caller, "InvalidKeyUsageException",
        record.arn() + " key usage is " + *record.metadata.key_usage + " which is not valid for this operation.");
  return record;
}

}  // namespace tarn::govern
