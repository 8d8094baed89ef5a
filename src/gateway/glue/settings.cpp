#include "catalog/settings.hpp"

#include <memory>

#include "catalog/records.hpp"
#include "catalog/tags.hpp"
#include "gateway/glue/glue.hpp"
#include "gateway/glue/request.hpp"

namespace tarn::gateway::glue {
namespace {

model::GluePolicy as_glue_policy(const catalog::ResourcePolicy& p) {
  return {p.text, p.hash, p.created, p.updated};
}

model::GetResourcePoliciesResponse get_policies(const catalog::Settings& settings, const catalog::Scope& scope,
                                                const model::GetResourcePoliciesRequest& in) {
  if (in.next_token && !in.next_token->empty())
    catalog::throw_invalid("The NextToken is not one that this operation returned.");
  model::GetResourcePoliciesResponse out;
  auto& list = out.get_resource_policies_response_list.emplace();
  for (const auto& p : settings.policies(scope)) list.push_back(as_glue_policy(p));
  return out;
}

void register_policies(api::Operations& operations, std::shared_ptr<catalog::Settings> settings) {
  namespace op = model::op;
  operations.on<op::PutResourcePolicy>([=](api::Context& c, const model::PutResourcePolicyRequest& in) {
    return model::PutResourcePolicyResponse{settings->put_policy(catalog::scope_of(c), in)};
  });
  operations.on<op::GetResourcePolicy>([=](api::Context& c, const model::GetResourcePolicyRequest& in) {
    auto p = settings->policy(catalog::scope_of(c), in.resource_arn.value_or(""));
    return model::GetResourcePolicyResponse{p.text, p.hash, p.created, p.updated};
  });
  operations.on<op::GetResourcePolicies>([=](api::Context& c, const model::GetResourcePoliciesRequest& in) {
    return get_policies(*settings, catalog::scope_of(c), in);
  });
  operations.on<op::DeleteResourcePolicy>([=](api::Context& c, const model::DeleteResourcePolicyRequest& in) {
    settings->delete_policy(catalog::scope_of(c), in);
    return model::DeleteResourcePolicyResponse{};
  });
}

void register_tags(api::Operations& operations, std::shared_ptr<catalog::Tags> tags) {
  namespace op = model::op;
  operations.on<op::TagResource>([=](api::Context& c, const model::TagResourceRequest& in) {
    tags->add(catalog::scope_of(c), in.resource_arn, in.tags_to_add);
    return model::TagResourceResponse{};
  });
  operations.on<op::UntagResource>([=](api::Context& c, const model::UntagResourceRequest& in) {
    tags->remove(catalog::scope_of(c), in.resource_arn, in.tags_to_remove);
    return model::UntagResourceResponse{};
  });
  operations.on<op::GetTags>([=](api::Context& c, const model::GetTagsRequest& in) {
    return model::GetTagsResponse{tags->get(catalog::scope_of(c), in.resource_arn)};
  });
}

}  // namespace

void register_settings(api::Operations& operations, meta::Metadata& metadata, Clock& clock) {
  namespace op = model::op;
  register_policies(operations, std::make_shared<catalog::Settings>(metadata, clock));
  register_tags(operations, std::make_shared<catalog::Tags>(metadata));
  operations.on<op::GetDataCatalogEncryptionSettings>(
      [](api::Context& c, const model::GetDataCatalogEncryptionSettingsRequest& in) {
        scope_of(c, in.catalog_id);
        return model::GetDataCatalogEncryptionSettingsResponse{catalog::Settings::encryption()};
      });
  operations.on<op::PutDataCatalogEncryptionSettings>(
      [](api::Context& c, const model::PutDataCatalogEncryptionSettingsRequest& in) {
        scope_of(c, in.catalog_id);
        catalog::Settings::put_encryption(in.data_catalog_encryption_settings);
        return model::PutDataCatalogEncryptionSettingsResponse{};
      });
  operations.on<op::GetCatalogImportStatus>([](api::Context& c, const model::GetCatalogImportStatusRequest& in) {
    scope_of(c, in.catalog_id);
    model::GetCatalogImportStatusResponse out;
    out.import_status.emplace().import_completed = true;  // there never was another catalog to import from
    return out;
  });
}

}  // namespace tarn::gateway::glue
