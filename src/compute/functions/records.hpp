// Where functions stand in the metadata store.
//
//   lambda.function       account, region, name                the record (functions.hpp)
//   lambda.version        account, region, name, number        its settings (FunctionConfiguration); ten digits
//   lambda.alias          account, region, name, alias         AliasConfiguration
//   lambda.policy         account, region, name, qualifier     {Statements, RevisionId}
//   lambda.event_invoke   account, region, name, qualifier     FunctionEventInvokeConfig
//   lambda.layer          account, region, layer, number       {Layer: PublishLayerVersionResponse}
//   lambda.layer_counter  account, region, layer               {Last}: numbers are not used twice
//   lambda.image          account, region, name, digest        {Uri, Resolved, Repository}: where an image came from
//   lambda.event_source   account, region, uuid                {Mapping: EventSourceMappingConfiguration, Generation}
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/structs.hpp"
#include "compute/functions/functions.hpp"
#include "meta/metadata.hpp"

namespace tarn::compute {

inline constexpr std::string_view function_kind = "lambda.function";
inline constexpr std::string_view version_kind = "lambda.version";
inline constexpr std::string_view alias_kind = "lambda.alias";
inline constexpr std::string_view policy_kind = "lambda.policy";
inline constexpr std::string_view event_invoke_kind = "lambda.event_invoke";
inline constexpr std::string_view layer_kind = "lambda.layer";
inline constexpr std::string_view layer_counter_kind = "lambda.layer_counter";
inline constexpr std::string_view function_image_kind = "lambda.image";
inline constexpr std::string_view event_source_kind = "lambda.event_source";

inline std::string function_key(const FunctionName& f) {
  return meta::key({f.account, f.region, f.name});
}
inline std::string function_prefix(const FunctionName& f) {
  return meta::prefix({f.account, f.region, f.name});
}
// Of what belongs to a version or alias.
inline std::string qualified_key(const FunctionName& f, std::string_view qualifier) {
  return meta::key({f.account, f.region, f.name, qualifier});
}
// A number in ten digits, so that keys sort as numbers do.
std::string version_digits(int64_t version);
inline std::string version_key(const FunctionName& f, int64_t version) {
  return qualified_key(f, version_digits(version));
}
// A version's number that is too large for any names none.
std::optional<int64_t> version_number(std::string_view qualifier);

FunctionRecord function_record_from(const Value& v);
Value to_value(const FunctionRecord& record);

// PreconditionFailedException, where the caller has another revision in mind than the present one.
void check_revision(const std::optional<std::string>& wanted, const std::optional<std::string>& present);

// The place after a key, as requests carry it, and back; InvalidParameterValueException.
std::string marker_after(std::string_view key);
std::string key_of_marker(const std::optional<std::string>& marker);

// The page of records under `prefix` that `make` makes something of: absent leaves one out.
template <class T, class F>
MarkedPage<T> marked_page(meta::Reader& reader, std::string_view kind, std::string_view prefix,
                          const MarkedPageRequest& request, F make) {
  MarkedPage<T> page;
  std::string after = key_of_marker(request.marker);
  const auto most = static_cast<std::size_t>(request.max_items);
  for (;;) {
    auto records = reader.list(kind, prefix, after, most + 1);
    for (const meta::Record& r : records) {
      if (page.items.size() == most) {
        page.next_marker = marker_after(after);
        return page;
      }
      if (std::optional<T> item = make(r)) page.items.push_back(std::move(*item));
      after = r.key;
    }
    if (records.size() <= most) return page;
  }
}

// "2026-11-28T20:15:01.000+0000"
std::string lambda_time(Time t);

}  // namespace tarn::compute
