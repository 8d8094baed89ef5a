// Workgroups, engine versions, tags.
#include "gateway/athena/parts.hpp"

namespace tarn::gateway {
namespace {

athena::ListEngineVersionsOutput engine_versions() {
  athena::ListEngineVersionsOutput out;
  out.engine_versions.emplace();
  for (const char* selected : {"AUTO", query::engine_version}) {
    auto& version = out.engine_versions->emplace_back();
    version.selected_engine_version = selected;
    version.effective_engine_version = query::engine_version;
  }
  return out;
}

}  // namespace

void register_athena_workgroups(api::Operations& operations, query::Athena& service) {
  operations.on<athena::op::CreateWorkGroup>([&](api::Context& context, const athena::CreateWorkGroupInput& in) {
    service.workgroups.create(Caller::of(context), in);
    return athena::CreateWorkGroupOutput();
  });
  operations.on<athena::op::GetWorkGroup>([&](api::Context& context, const athena::GetWorkGroupInput& in) {
    athena::GetWorkGroupOutput out;
    out.work_group = service.workgroups.get(Caller::of(context), in.work_group);
    return out;
  });
  operations.on<athena::op::UpdateWorkGroup>([&](api::Context& context, const athena::UpdateWorkGroupInput& in) {
    service.workgroups.update(Caller::of(context), in);
    return athena::UpdateWorkGroupOutput();
  });
  operations.on<athena::op::DeleteWorkGroup>([&](api::Context& context, const athena::DeleteWorkGroupInput& in) {
    service.workgroups.remove(Caller::of(context), in);
    return athena::DeleteWorkGroupOutput();
  });
  operations.on<athena::op::ListWorkGroups>([&](api::Context& context, const athena::ListWorkGroupsInput& in) {
    return service.workgroups.list(Caller::of(context), in);
  });
  operations.on<athena::op::ListEngineVersions>(
      [](api::Context&, const athena::ListEngineVersionsInput&) { return engine_versions(); });

  operations.on<athena::op::TagResource>([&](api::Context& context, const athena::TagResourceInput& in) {
    service.tags.add(Caller::of(context), in.resource_arn, in.tags);
    return athena::TagResourceOutput();
  });
  operations.on<athena::op::UntagResource>([&](api::Context& context, const athena::UntagResourceInput& in) {
    service.tags.remove(Caller::of(context), in.resource_arn, in.tag_keys);
    return athena::UntagResourceOutput();
  });
  operations.on<athena::op::ListTagsForResource>(
      [&](api::Context& context, const athena::ListTagsForResourceInput& in) {
        athena::ListTagsForResourceOutput out;
        out.tags = service.tags.list(Caller::of(context), in.resource_arn);
        return out;
      });
}

}  // namespace tarn::gateway
