#include "api/validation_rules.hpp"

#include <algorithm>
#include <iterator>

namespace tarn::api {
namespace {

using Style = ValidationRules::Style;

// As the services answer; those that are not here answer ValidationException (JSON) or ValidationError (query).
constexpr ValidationRules table[] = {
    {"athena", Style::listed, "InvalidRequestException"},
    {"apigateway", Style::listed, "BadRequestException"},
    {"apigatewayv2", Style::listed, "BadRequestException"},
    {"cognito-idp", Style::listed, "InvalidParameterException"},
    {"ec2", Style::missing_parameter, "InvalidParameterValue"},
    {"ecr", Style::listed, "InvalidParameterException"},
    {"kafka", Style::listed, "BadRequestException"},
    {"logs", Style::listed, "InvalidParameterException"},
    {"rds", Style::missing_parameter, "InvalidParameterValue"},
    {"redshift", Style::missing_parameter, "InvalidParameterValue"},
    {"resourcegroupstaggingapi", Style::listed, "InvalidParameterException"},
    {"s3", Style::s3, ""},
    {"s3control", Style::listed, "InvalidRequest"},
    {"s3tables", Style::listed, "BadRequestException"},
    {"sns", Style::listed, "InvalidParameter"},
    {"sqs", Style::missing_parameter, "InvalidParameterValue"},
};
constexpr ValidationRules other_json{"", Style::listed, "ValidationException"};
constexpr ValidationRules other_query{"", Style::listed, "ValidationError"};

}  // namespace

const ValidationRules& validation_rules(const Service& service) {
  auto it = std::find_if(std::begin(table), std::end(table),
                         [&](const ValidationRules& r) { return r.service == service.name; });
  if (it != std::end(table)) return *it;
  const bool query =
      std::find(service.protocols.begin(), service.protocols.end(), Protocol::query) != service.protocols.end();
  return query ? other_query : other_json;
}

bool is_open_enumeration(const Shape& shape) {
  static constexpr std::string_view open[] = {
      "BucketLocationConstraint",  // s3: any region works
      "Runtime",                   // lambda: retired runtimes run on what is here
      "InstanceType",              // ec2: the list is long, grows, and means nothing here
  };
  return std::find(std::begin(open), std::end(open), shape.name) != std::end(open);
}

}  // namespace tarn::api
