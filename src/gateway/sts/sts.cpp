#include "gateway/sts/sts.hpp"

#include "api/sts.hpp"

namespace tarn::gateway {
namespace {

namespace sts = api::sts;

sts::Credentials credentials(const govern::TemporaryCredential& issued) {
  sts::Credentials out;
  out.access_key_id = issued.access_key_id;
  out.secret_access_key = issued.secret_access_key;
  out.session_token = issued.session_token;
  out.expiration = issued.expires;
  return out;
}

sts::GetCallerIdentityResponse get_caller_identity(api::Context& context) {
  sts::GetCallerIdentityResponse out;
  out.account = context.principal.account;
  out.arn = context.principal.arn;
  out.user_id = context.principal.user_id;
  return out;
}

sts::AssumeRoleResponse assume_role(govern::Identities& identities, const sts::AssumeRoleRequest& in) {
  if (in.policy || in.policy_arns)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "AssumeRole with a session policy (Policy, PolicyArns): tarn does not enforce policies yet, "
                "so it can't make a session that may do less than its role.");
  auto issued = identities.assume_role(in.role_arn, in.role_session_name, in.duration_seconds.value_or(3600));
  auto session = identities.role_session(in.role_arn, in.role_session_name);
  sts::AssumeRoleResponse out;
  out.credentials = credentials(issued);
  out.assumed_role_user.emplace();
  out.assumed_role_user->arn = session.arn;
  out.assumed_role_user->assumed_role_id = session.user_id;
  out.source_identity = in.source_identity;
  return out;
}

sts::GetSessionTokenResponse get_session_token(govern::Identities& identities, api::Context& context,
                                               const sts::GetSessionTokenRequest& in) {
  if (in.serial_number || in.token_code)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "GetSessionToken with an MFA device: tarn has no MFA devices.");
  if (context.principal.access_key_id.starts_with("ASIA"))
    throw Error(ErrorKind::denied, "AccessDenied", "Cannot call GetSessionToken with session credentials");
  sts::GetSessionTokenResponse out;
  out.credentials = credentials(identities.issue(context.principal, in.duration_seconds.value_or(43'200)));
  return out;
}

sts::GetAccessKeyInfoResponse get_access_key_info(const govern::Identities& identities,
                                                  const sts::GetAccessKeyInfoRequest& in) {
  auto found = identities.find(in.access_key_id);
  if (!found) throw Error(ErrorKind::caller, "ValidationError", "tarn issued no access key " + in.access_key_id + ".");
  sts::GetAccessKeyInfoResponse out;
  out.account = found->principal.account;
  return out;
}

}  // namespace

void register_sts(api::Operations& operations, govern::Identities& identities) {
  using api::Context;
  operations.on<sts::op::GetCallerIdentity>(
      [](Context& c, const sts::GetCallerIdentityRequest&) { return get_caller_identity(c); });
  operations.on<sts::op::AssumeRole>(
      [&](Context&, const sts::AssumeRoleRequest& in) { return assume_role(identities, in); });
  operations.on<sts::op::GetSessionToken>(
      [&](Context& c, const sts::GetSessionTokenRequest& in) { return get_session_token(identities, c, in); });
  operations.on<sts::op::GetAccessKeyInfo>(
      [&](Context&, const sts::GetAccessKeyInfoRequest& in) { return get_access_key_info(identities, in); });
}

}  // namespace tarn::gateway
