// Custom classifiers: how a crawler is told to read files ("AWS Glue Developer Guide", Writing custom classifiers).
// tarn has the CSV and the JSON kind; grok and XML are refused when one is made (Error unsupported, NotImplemented).
//
// Thread-safe; errors as in catalog.hpp.
#pragma once

#include "catalog/catalog.hpp"

namespace tarn::catalog {

class Classifiers {
 public:
  Classifiers(meta::Metadata& metadata, Clock& clock) : metadata_(metadata), clock_(clock) {}

  void create(const Scope& scope, const glue::CreateClassifierRequest& request);
  std::optional<glue::Classifier> find(const Scope& scope, std::string_view name) const;
  glue::Classifier get(const Scope& scope, std::string_view name) const;
  Page<glue::Classifier> list(const Scope& scope, const PageRequest& page) const;
  // What the request leaves out stays as it is.
  void update(const Scope& scope, const glue::UpdateClassifierRequest& request);
  void erase(const Scope& scope, std::string_view name);

 private:
  meta::Metadata& metadata_;
  Clock& clock_;
};

}  // namespace tarn::catalog
