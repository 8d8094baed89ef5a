#include "cli/platform.hpp"

#include "cli/data_folder.hpp"
#include "gateway/iam/iam.hpp"
#include "gateway/logs/logs.hpp"
#include "gateway/s3/s3.hpp"
#include "gateway/sts/sts.hpp"
#include "govern/authority.hpp"
#include "meta/logs.hpp"
#include "meta/metadata.hpp"
#include "store/store.hpp"

namespace tarn::cli {

struct Platform::Parts {
  PlatformOptions options;
  Clock& clock;
  Random& random;
  DataFolder folder;
  Metrics metrics;
  std::unique_ptr<meta::Metadata> metadata;
  meta::LogStore logs;
  std::unique_ptr<store::Store> store;
  govern::Authority authority;
  govern::Identities identities;
  api::Operations operations;

  Parts(PlatformOptions o, Clock& c, Random& r)
      : options(std::move(o)),
        clock(c),
        random(r),
        folder(options.data_dir),
        metadata(meta::open_sqlite(folder.file("metadata.db"), clock, options.durable)),
        logs(*metadata, clock, folder.file("logs")),
        store(store::open_local(folder.file("objects"), clock, random,
                                options.durable ? store::Durability::flushed : store::Durability::none)),
        identities(*metadata, clock, random) {
    gateway::register_iam(operations, *metadata, random);
    gateway::register_logs(operations, logs);
    gateway::register_s3(operations, *store, authority, random);
    gateway::register_sts(operations, identities);
  }
};

Platform::Platform(PlatformOptions options, Clock& clock, Random& random)
    : parts_(std::make_unique<Parts>(std::move(options), clock, random)) {}
Platform::~Platform() = default;

api::Operations& Platform::operations() {
  return parts_->operations;
}
govern::Identities& Platform::identities() {
  return parts_->identities;
}
Metrics& Platform::metrics() {
  return parts_->metrics;
}
void Platform::set_endpoint(const std::string&) {}

void Platform::reset() {
  parts_->store->reset();
  parts_->metadata->reset();
  parts_->logs.reset();
}

}  // namespace tarn::cli
