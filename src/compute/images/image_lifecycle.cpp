#include "compute/images/image_lifecycle.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

namespace tarn::compute {

void ImageLifecycle::start() {
  worker_ = std::jthread([this](std::stop_token stop) {
    while (!stop.stop_requested()) {
      try {
        if (const std::size_t gone = run_once(stop))
          log(LogLevel::info, "lifecycle policies of repositories were carried out", Value::map({{"images", gone}}));
      } catch (const Error& e) {
        log(LogLevel::error, "lifecycle policies of repositories could not be carried out",
            Value::map({{"why", e.message()}}));
      }
      clock_.wait_until(std::chrono::floor<std::chrono::days>(clock_.now()) + std::chrono::days(1), stop);
    }
  });
}

std::vector<ExpiringImage> ImageLifecycle::preview(const RepositoryName& name, std::string_view policy) const {
  std::vector<ImageAge> ages;
  for (const StoredImage& image : registry_.images(name)) ages.push_back({image.digest, image.tags, image.pushed});
  return expiring_images(policy, ages, clock_.now());
}

std::size_t ImageLifecycle::run_once(std::stop_token stop) {
  std::size_t gone = 0;
  for (const RepositoryName& name : registry_.with_lifecycle_policy()) {
    if (stop.stop_requested()) break;
    try {
      std::vector<api::ecr::ImageIdentifier> ids;
      const auto policy = registry_.repository(name).lifecycle_policy;
      if (!policy) continue;
      for (const ExpiringImage& image : preview(name, *policy)) ids.push_back({image.digest, std::nullopt});
      if (!ids.empty()) gone += registry_.remove_images(name, "tarn", ids).image_ids->size();
      registry_.change(name, "tarn", [&](RepositoryRecord& record) { record.lifecycle_evaluated = clock_.now(); });
    } catch (const Error& e) {
      if (e.code() != "RepositoryNotFoundException") throw;  // removed meanwhile
    }
  }
  return gone;
}

}  // namespace tarn::compute
