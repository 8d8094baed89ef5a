// Workgroups: where queries run, with what settings ("Using workgroups to control query access and costs").
#pragma once

#include "query/parts.hpp"

namespace tarn::query {

inline constexpr const char* engine_version = "Athena engine version 3";

// Thread-safe. The workgroup "primary" is there in every account and region from the start, and stays.
class Workgroups {
 public:
  explicit Workgroups(const Parts& parts) : parts_(parts) {}

  // Each of what is missing, doubled or not allowed throws invalid_request; settings that tarn does not have, Error
  // (unsupported).
  void create(const Caller& caller, const athena::CreateWorkGroupInput& input);
  athena::WorkGroup get(const Caller& caller, const std::string& name) const;
  // The one that a request names, which must be enabled ("primary" where it names none).
  athena::WorkGroup enabled(const Caller& caller, const std::optional<std::string>& name) const;
  void update(const Caller& caller, const athena::UpdateWorkGroupInput& input);
  // With all that is in it, where `input` says so.
  void remove(const Caller& caller, const athena::DeleteWorkGroupInput& input);
  athena::ListWorkGroupsOutput list(const Caller& caller, const athena::ListWorkGroupsInput& input) const;

 private:
  std::optional<athena::WorkGroup> find(meta::Reader& reader, const Caller& caller, const std::string& name) const;
  const Parts& parts_;
};

// Where results go: an S3 location, with the slash that ends it.
std::string normal_location(const std::string& location);

}  // namespace tarn::query
