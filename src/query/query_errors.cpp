#include "query/query_errors.hpp"

#include <map>

namespace tarn::query {
namespace {

constexpr int system = 1, user = 2;

struct Kind {
  int category, type;
};

Kind kind_of(const Error& error) {
  static const std::map<std::string, Kind, std::less<>> known = {{"SYNTAX_ERROR", {user, 1006}},
                                                                 {"TABLE_NOT_FOUND", {user, 1110}},
                                                                 {"VIEW_NOT_FOUND", {user, 1110}},
                                                                 {"SCHEMA_NOT_FOUND", {user, 1301}},
                                                                 {"CATALOG_NOT_FOUND", {user, 1301}},
                                                                 {"COLUMN_NOT_FOUND", {user, 1006}},
                                                                 {"FUNCTION_NOT_FOUND", {user, 1303}},
                                                                 {"NOT_SUPPORTED", {user, 1200}},
                                                                 {"INVALID_TABLE_PROPERTY", {user, 1103}},
                                                                 {"INVALID_FUNCTION_ARGUMENT", {user, 1106}},
                                                                 {"INVALID_VIEW", {user, 1107}},
                                                                 {"HIVE_BAD_DATA", {user, 1001}},
                                                                 {"HIVE_CURSOR_ERROR", {user, 1001}},
                                                                 {"HIVE_PARTITION_SCHEMA_MISMATCH", {user, 1004}},
                                                                 {"HIVE_INVALID_METADATA", {user, 1004}},
                                                                 {"HIVE_INVALID_PARTITION_VALUE", {user, 1001}},
                                                                 {"HIVE_CANNOT_OPEN_SPLIT", {user, 1302}},
                                                                 {"HIVE_PATH_ALREADY_EXISTS", {user, 1000}},
                                                                 {"FAILED", {user, 1003}},
                                                                 {"NoSuchBucket", {user, 1306}},
                                                                 {"NoSuchKey", {user, 1302}},
                                                                 {"AccessDenied", {user, 1501}},
                                                                 {"BytesScannedLimit", {user, 1014}},
                                                                 {"Interrupted", {user, 1011}},
                                                                 {"InternalFailure", {system, 100}},
                                                                 {"EXCEEDED_LOCAL_MEMORY_LIMIT", {system, 0}},
                                                                 {"EXCEEDED_MEMORY_LIMIT", {system, 0}},
                                                                 {"GENERIC_INTERNAL_ERROR", {system, 200}}};
  if (const auto found = known.find(error.code()); found != known.end()) return found->second;
  return error.kind() == ErrorKind::bug      ? Kind{system, 100}
         : error.kind() == ErrorKind::denied ? Kind{user, 1500}
                                             : Kind{user, 1009};
}

}  // namespace

std::string state_change_reason(const Error& error) {
  if (error.code() == "AccessDenied") return "Permission denied on S3: " + error.message();
  if (error.code() == "InvalidRequestException") return error.message();
  return error.code() + ": " + error.message();
}

api::athena::AthenaError athena_error_of(const Error& error) {
  const Kind kind = kind_of(error);
  api::athena::AthenaError out;
  out.error_category = kind.category;
  out.error_type = kind.type;
  out.retryable = kind.category == system;
  out.error_message = state_change_reason(error);
  return out;
}

}  // namespace tarn::query
