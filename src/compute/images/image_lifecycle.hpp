// Carries out the lifecycle policies of repositories: once a day, at midnight UTC of tarn's clock, and once at the
// start for what was due meanwhile.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "compute/images/lifecycle_policy.hpp"
#include "compute/images/registry.hpp"

namespace tarn::compute {

class ImageLifecycle {
 public:
  // Both outlive it.
  ImageLifecycle(Registry& registry, Clock& clock) : registry_(registry), clock_(clock) {}

  // Begins to run by the clock, in a thread of its own, which ends with this.
  void start();
  // One pass over all repositories, now; how many images went. Thread-safe.
  std::size_t run_once(std::stop_token stop = {});
  // What the policy would let go now.
  std::vector<ExpiringImage> preview(const RepositoryName& name, std::string_view policy) const;

 private:
  Registry& registry_;
  Clock& clock_;
  std::jthread worker_;
};

}  // namespace tarn::compute
