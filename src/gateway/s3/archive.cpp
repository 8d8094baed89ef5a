// Archived objects and their restoration.
#include "gateway/s3/archive.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/error.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/requests.hpp"
#include "gateway/s3/versioning.hpp"

namespace tarn::gateway::s3 {
namespace {

using namespace std::chrono_literals;

constexpr std::array storage_classes = {std::string_view("STANDARD"),
                                        std::string_view("REDUCED_REDUNDANCY"),
                                        std::string_view("STANDARD_IA"),
                                        std::string_view("ONEZONE_IA"),
                                        std::string_view("GLACIER_IR"),
                                        std::string_view("GLACIER"),
                                        std::string_view("INTELLIGENT_TIERING"),
                                        std::string_view("DEEP_ARCHIVE")};

Error invalid_state(const char* message, const store::ObjectInfo& object) {
  return Error(ErrorKind::denied, "InvalidObjectState", message).with("StorageClass", object.headers.storage_class);
}

// The days that a request wants the copy for; refuses what tarn does not do.
int64_t wanted_days(const model::RestoreObjectRequest& in) {
  if (!in.restore_request) throw malformed_xml();
  const model::RestoreRequest& request = *in.restore_request;
  if (request.type || request.select_parameters) refuse_unsupported("select requests in RestoreObject");
  if (request.output_location) refuse_unsupported("OutputLocation in RestoreObject");
  if (!request.days) throw malformed_xml();
  if (*request.days < 1)
    throw Error(ErrorKind::caller, "InvalidArgument", "Restoration days should be at least 1")
        .with("ArgumentName", "Days")
        .with("ArgumentValue", std::to_string(*request.days));
  return *request.days;
}

std::string wanted_tier(const model::RestoreRequest& request) {
  if (request.glacier_job_parameters) return request.glacier_job_parameters->tier;
  return request.tier.value_or("Standard");
}

model::RestoreObjectOutput restore_object(const Parts& parts, Context& context, const model::RestoreObjectRequest& in) {
  const int64_t days = wanted_days(in);
  const std::string tier = wanted_tier(*in.restore_request);
  const Time now = context.now;
  const store::Grant grant = parts.may_write(context, in.bucket, in.key);
  if (!parts.store.head(grant, in.bucket, in.key, in.version_id.value_or("")))
    throw absent(parts, context, in.bucket, in.key, in.version_id, "POST");
  bool again = false;
  parts.store.change_object(grant, in.bucket, in.key, in.version_id.value_or(""), [&](store::ObjectInfo& object) {
    if (!is_archived(object.headers.storage_class))
      throw invalid_state("Restore is not allowed for the object's current storage class", object);
    auto& restore = object.headers.restore;
    if (restore && restore->ready > now)
      throw Error(ErrorKind::conflict, "RestoreAlreadyInProgress", "Object restore is already in progress");
    again = restore && restore->expires > now;
    const Time ready = again ? restore->ready : restored_at(object.headers.storage_class, tier, now);
    restore = {ready, restore_expiry(again ? now : ready, days)};
  });
  context.response_status = again ? 200 : 202;
  return {};
}

// "Amazon S3 Select is no longer available to new customers": they get this.
model::SelectObjectContentOutput select_object_content(const Parts&, Context&,
                                                       const model::SelectObjectContentRequest&) {
  throw Error(ErrorKind::conflict, "MethodNotAllowed", "The specified method is not allowed against this resource.")
      .with("Method", "POST")
      .with("ResourceType", "OBJECT");
}

}  // namespace

void check_storage_class(std::string_view storage_class) {
  if (std::find(storage_classes.begin(), storage_classes.end(), storage_class) == storage_classes.end())
    throw Error(ErrorKind::caller, "InvalidStorageClass", "The storage class you specified is not valid")
        .with("StorageClassRequested", std::string(storage_class));
}

bool is_archived(std::string_view storage_class) {
  return storage_class == "GLACIER" || storage_class == "DEEP_ARCHIVE";
}

void require_readable(const store::ObjectInfo& object, Time now, bool as_copy_source) {
  if (!is_archived(object.headers.storage_class)) return;
  const auto& restore = object.headers.restore;
  if (restore && restore->ready <= now && now < restore->expires) return;
  throw invalid_state(as_copy_source ? "Operation is not valid for the source object's storage class"
                                     : "The operation is not valid for the object's storage class",
                      object);
}

std::optional<std::string> restore_header(const store::ObjectHeaders& headers, Time now) {
  const auto& restore = headers.restore;
  if (!restore || now >= restore->expires) return std::nullopt;
  if (now < restore->ready) return "ongoing-request=\"true\"";
  return "ongoing-request=\"false\", expiry-date=\"" + format_http_date(restore->expires) + "\"";
}

Time restored_at(std::string_view storage_class, std::string_view tier, Time now) {
  const bool deep = storage_class == "DEEP_ARCHIVE";
  if (tier == "Standard") return now + (deep ? 12h : 3h);
  if (tier == "Bulk") return now + (deep ? 48h : 5h);
  if (tier == "Expedited" && !deep) return now + 1min;
  throw Error(ErrorKind::caller, "InvalidArgument", "Retrieval option is not supported by this storage class")
      .with("ArgumentName", "Tier")
      .with("ArgumentValue", std::string(tier));
}

Time restore_expiry(Time ready, int64_t days) {
  const auto end = ready + std::chrono::days(days);
  return std::chrono::ceil<std::chrono::days>(end);
}

void register_archive(api::Operations& operations, const Parts& parts) {
  on<model::op::RestoreObject>(operations, parts, restore_object);
  on<model::op::SelectObjectContent>(operations, parts, select_object_content);
}

}  // namespace tarn::gateway::s3
