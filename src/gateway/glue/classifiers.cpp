#include "catalog/classifiers.hpp"

#include <memory>

#include "gateway/glue/glue.hpp"
#include "gateway/glue/request.hpp"

namespace tarn::gateway::glue {

void register_classifiers(api::Operations& operations, meta::Metadata& metadata, Clock& clock) {
  namespace op = model::op;
  auto classifiers = std::make_shared<catalog::Classifiers>(metadata, clock);
  operations.on<op::CreateClassifier>([=](api::Context& c, const model::CreateClassifierRequest& in) {
    classifiers->create(catalog::scope_of(c), in);
    return model::CreateClassifierResponse{};
  });
  operations.on<op::GetClassifier>([=](api::Context& c, const model::GetClassifierRequest& in) {
    return model::GetClassifierResponse{classifiers->get(catalog::scope_of(c), in.name)};
  });
  operations.on<op::GetClassifiers>([=](api::Context& c, const model::GetClassifiersRequest& in) {
    auto page = classifiers->list(catalog::scope_of(c), page_of(in.next_token, in.max_results, 100));
    return model::GetClassifiersResponse{std::move(page.items), page.next};
  });
  operations.on<op::UpdateClassifier>([=](api::Context& c, const model::UpdateClassifierRequest& in) {
    classifiers->update(catalog::scope_of(c), in);
    return model::UpdateClassifierResponse{};
  });
  operations.on<op::DeleteClassifier>([=](api::Context& c, const model::DeleteClassifierRequest& in) {
    classifiers->erase(catalog::scope_of(c), in.name);
    return model::DeleteClassifierResponse{};
  });
}

}  // namespace tarn::gateway::glue
