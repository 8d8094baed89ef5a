#include "catalog/classifiers.hpp"

#include "catalog/crawl/json_path.hpp"
#include "catalog/records.hpp"

namespace tarn::catalog {
namespace {

constexpr std::string_view classifier_kind = "glue.classifier";

std::string classifier_key(const Scope& scope, std::string_view name) {
  return meta::key({scope.account, scope.region, name});
}

[[noreturn]] void throw_no_classifier(std::string_view name) {
  throw_not_found("Classifier " + std::string(name) + " not found.");
}

void check(const glue::CsvClassifier& c) {
  checked_name(c.name, "Classifier name");
  std::string delimiter = c.delimiter.value_or(","), quote = c.quote_symbol.value_or("\"");
  if (delimiter.size() != 1 || quote.size() != 1)
    throw_invalid("Delimiter and QuoteSymbol must be one character each.");
  if (delimiter == quote) throw_invalid("Delimiter and QuoteSymbol must differ.");
  static constexpr std::string_view types[] = {"binary", "boolean", "date",  "decimal", "double",   "float",
                                               "int",    "long",    "short", "string",  "timestamp"};
  for (const std::string& type : c.custom_datatypes.value_or(std::vector<std::string>{})) {
    bool known = false;
    for (auto t : types) known = known || t == fold_name(type);
    if (!known) throw_invalid("Unknown custom data type " + type + ".");
  }
}

void check(const glue::JsonClassifier& c) {
  checked_name(c.name, "Classifier name");
  crawl::JsonPath path(c.json_path);
}

template <class To, class From>
void take_csv(To& c, const From& in) {
  if (in.delimiter) c.delimiter = in.delimiter;
  if (in.quote_symbol) c.quote_symbol = in.quote_symbol;
  if (in.contains_header) c.contains_header = in.contains_header;
  if (in.header) c.header = in.header;
  if (in.disable_value_trimming) c.disable_value_trimming = in.disable_value_trimming;
  if (in.allow_single_column) c.allow_single_column = in.allow_single_column;
  if (in.custom_datatype_configured) c.custom_datatype_configured = in.custom_datatype_configured;
  if (in.custom_datatypes) c.custom_datatypes = in.custom_datatypes;
  if (in.serde) c.serde = in.serde;
}

template <class Request>
void check_kind(const Request& request) {
  if (request.grok_classifier)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn does not have GrokClassifier. It has CsvClassifier and JsonClassifier.");
  if (request.xml_classifier)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn does not have XMLClassifier. It has CsvClassifier and JsonClassifier.");
  if (request.csv_classifier.has_value() == request.json_classifier.has_value())
    throw_invalid("Exactly one classifier must be given.");
}

const std::string& name_of(const glue::Classifier& c) {
  return c.csv_classifier ? c.csv_classifier->name : c.json_classifier->name;
}

}  // namespace

void Classifiers::create(const Scope& scope, const glue::CreateClassifierRequest& request) {
  check_kind(request);
  glue::Classifier c;
  if (request.csv_classifier) {
    auto& csv = c.csv_classifier.emplace();
    csv.name = request.csv_classifier->name;
    take_csv(csv, *request.csv_classifier);
    csv.creation_time = csv.last_updated = clock_.now();
    csv.version = 1;
    check(csv);
  } else {
    auto& json = c.json_classifier.emplace();
    json.name = request.json_classifier->name;
    json.json_path = request.json_classifier->json_path;
    json.creation_time = json.last_updated = clock_.now();
    json.version = 1;
    check(json);
  }
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    std::string key = classifier_key(scope, name_of(c));
    if (t.get(classifier_kind, key)) throw_exists("Classifier " + name_of(c) + " already exists.");
    t.put(classifier_kind, key, to_value(c));
  });
}

std::optional<glue::Classifier> Classifiers::find(const Scope& scope, std::string_view name) const {
  auto value = metadata_.get(classifier_kind, classifier_key(scope, name));
  return value ? std::optional(api::from<glue::Classifier>(*value)) : std::nullopt;
}

glue::Classifier Classifiers::get(const Scope& scope, std::string_view name) const {
  auto found = find(scope, name);
  if (!found) throw_no_classifier(name);
  return *std::move(found);
}

Page<glue::Classifier> Classifiers::list(const Scope& scope, const PageRequest& page) const {
  return page_of_records<glue::Classifier>(metadata_, classifier_kind, meta::prefix({scope.account, scope.region}),
                                           page);
}

void Classifiers::update(const Scope& scope, const glue::UpdateClassifierRequest& request) {
  check_kind(request);
  const std::string& name = request.csv_classifier ? request.csv_classifier->name : request.json_classifier->name;
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    auto value = t.get(classifier_kind, classifier_key(scope, name));
    if (!value) throw_no_classifier(name);
    auto c = api::from<glue::Classifier>(*value);
    if (c.csv_classifier.has_value() != request.csv_classifier.has_value())
      throw_invalid("A classifier can't change its kind.");
    if (c.csv_classifier) {
      take_csv(*c.csv_classifier, *request.csv_classifier);
      check(*c.csv_classifier);
      c.csv_classifier->last_updated = clock_.now();
      c.csv_classifier->version = c.csv_classifier->version.value_or(1) + 1;
    } else {
      if (request.json_classifier->json_path) c.json_classifier->json_path = *request.json_classifier->json_path;
      check(*c.json_classifier);
      c.json_classifier->last_updated = clock_.now();
      c.json_classifier->version = c.json_classifier->version.value_or(1) + 1;
    }
    t.put(classifier_kind, classifier_key(scope, name), to_value(c));
  });
}

void Classifiers::erase(const Scope& scope, std::string_view name) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    if (!t.erase(classifier_kind, classifier_key(scope, name))) throw_no_classifier(name);
  });
}

}  // namespace tarn::catalog
