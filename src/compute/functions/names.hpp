// How requests name functions, versions, aliases and layers ("Lambda API Reference", FunctionName).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "catalog/catalog.hpp"

namespace tarn::compute {

using catalog::Scope;

inline constexpr std::string_view latest_version = "$LATEST";

// A function of one account and region; `qualifier` is a version, an alias, "$LATEST", or empty.
struct FunctionName {
  std::string account, region, name, qualifier;

  // arn:aws:lambda:REGION:ACCOUNT:function:NAME
  std::string arn() const;
  // The same with its qualifier, where it has one.
  std::string qualified_arn() const;
};

// From a name, a partial ARN (ACCOUNT:function:NAME) or an ARN, each with a qualifier or without. `qualifier` is what
// the request says beside; two that differ throw InvalidParameterValueException. Another region throws
// ResourceNotFoundException, another account AccessDeniedException.
FunctionName parse_function_name(const Scope& scope, std::string_view text,
                                 const std::optional<std::string>& qualifier = {});
// Whether a qualifier is the number of a version.
bool is_version_number(std::string_view qualifier);

struct LayerName {
  std::string account, region, name;
  int64_t version = 0;  // 0: none was named
  std::string arn() const;
  std::string version_arn() const;
};
// From a name or the ARN of a layer. ValidationException.
LayerName parse_layer_name(const Scope& scope, std::string_view text);
// From the ARN of a layer's version; absent when it is none.
std::optional<LayerName> parse_layer_version_arn(std::string_view text);

[[noreturn]] void invalid_parameter(const std::string& message);   // InvalidParameterValueException
[[noreturn]] void resource_missing(const std::string& message);    // ResourceNotFoundException
[[noreturn]] void resource_conflict(const std::string& message);   // ResourceConflictException
[[noreturn]] void not_implemented(const std::string& message);     // NotImplemented
[[noreturn]] void function_missing(const FunctionName& function);  // ResourceNotFoundException

}  // namespace tarn::compute
