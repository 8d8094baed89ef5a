// The configurations of which a bucket has many, each with an id of its own: analytics, inventory, metrics, intelligent
// tiering. They are stored and checked; nothing is reported or moved by them.
#include <algorithm>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/tags.hpp"

namespace tarn::gateway::s3 {
namespace {

constexpr std::size_t page_size = 100;

void check_id(const std::string& asked, const std::string& in_body) {
  const bool well = !asked.empty() && asked.size() <= 64 && std::all_of(asked.begin(), asked.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  });
  if (!well)
    throw Error(ErrorKind::caller, "InvalidConfigurationId",
                "The specified configuration id is not valid: up to 64 letters, digits, dots, dashes and underscores.");
  if (asked != in_body)
    throw invalid_argument("The configuration id in the request's query and the one in its body must be the same.");
}

// A filter names one thing, or several within And.
template <class Filter>
void check_filter(const std::optional<Filter>& filter) {
  if (!filter) return;
  int named = (filter->prefix ? 1 : 0) + (filter->tag ? 1 : 0) + (filter->and_ ? 1 : 0);
  if constexpr (requires { filter->access_point_arn; }) named += filter->access_point_arn ? 1 : 0;
  if (named != 1) throw malformed_xml();
  if (filter->tag) checked_tags({*filter->tag}, max_object_tags);
  if (!filter->and_) return;
  int both = (filter->and_->prefix ? 1 : 0) + static_cast<int>(filter->and_->tags ? filter->and_->tags->size() : 0);
  if constexpr (requires { filter->and_->access_point_arn; }) both += filter->and_->access_point_arn ? 1 : 0;
  if (both < 2) throw malformed_xml();
  if (filter->and_->tags) checked_tags(*filter->and_->tags, max_object_tags);
}

void check_destination(const std::string& arn) {
  if (!bucket_of_arn(arn))
    throw Error(ErrorKind::caller, "InvalidS3DestinationBucket", "Invalid bucket ARN: " + arn).with("Bucket", arn);
}

// What differs between the four kinds.
struct Analytics {
  using Configuration = model::AnalyticsConfiguration;
  static constexpr const char* setting = "analytics";
  static void check(const Configuration& c) {
    check_filter(c.filter);
    if (c.storage_class_analysis.data_export)
      check_destination(c.storage_class_analysis.data_export->destination.s3_bucket_destination.bucket);
  }
};

struct Inventory {
  using Configuration = model::InventoryConfiguration;
  static constexpr const char* setting = "inventory";
  static void check(const Configuration& c) {
    const auto& to = c.destination.s3_bucket_destination;
    check_destination(to.bucket);
    if (to.encryption && (to.encryption->sses3 ? 1 : 0) + (to.encryption->ssekms ? 1 : 0) != 1) throw malformed_xml();
  }
};

struct RequestMetrics {
  using Configuration = model::MetricsConfiguration;
  static constexpr const char* setting = "metrics";
  static void check(const Configuration& c) { check_filter(c.filter); }
};

struct Tiering {
  using Configuration = model::IntelligentTieringConfiguration;
  static constexpr const char* setting = "intelligent-tiering";
  static void check(const Configuration& c) {
    check_filter(c.filter);
    if (c.tierings.empty() || c.tierings.size() > 2) throw malformed_xml();
    if (c.tierings.size() == 2 && c.tierings[0].access_tier == c.tierings[1].access_tier) throw malformed_xml();
    for (const auto& tier : c.tierings) {
      const int64_t least = tier.access_tier == "ARCHIVE_ACCESS" ? 90 : 180;
      if (tier.days < least || tier.days > 730)
        throw invalid_argument("Days for " + tier.access_tier + " must be from " + std::to_string(least) + " to 730.");
    }
  }
};

Error no_such_configuration(const std::string& bucket) {
  return Error(ErrorKind::missing, "NoSuchConfiguration", "The specified configuration does not exist.")
      .with("BucketName", bucket);
}

template <class Kind>
void put(const Parts& parts, const std::string& bucket, const std::string& id,
         const typename Kind::Configuration& configuration) {
  check_id(id, configuration.id);
  Kind::check(configuration);
  parts.store.change_bucket(bucket, [&](store::BucketInfo& info) {
    Value& all = info.settings[Kind::setting];
    if (!all.is_map()) all = Value::map();
    if (!all.find(id) && all.as_map().size() >= limits::max_bucket_configurations)
      throw Error(ErrorKind::caller, "TooManyConfigurations",
                  "You are attempting to create a new configuration but have already reached the 1,000-configuration "
                  "limit.");
    all.set(id, to_value(configuration));
  });
}

template <class Kind>
typename Kind::Configuration get(const Parts& parts, Context& context, const std::string& bucket,
                                 const std::string& id) {
  const auto info = own_bucket(parts, context, bucket);
  const Value* all = find_setting(info, Kind::setting);
  const Value* found = all ? all->find(id) : nullptr;
  if (!found) throw no_such_configuration(bucket);
  return api::from<typename Kind::Configuration>(*found);
}

template <class Kind>
void remove(const Parts& parts, const std::string& bucket, const std::string& id) {
  parts.store.change_bucket(bucket, [&](store::BucketInfo& info) {
    auto at = info.settings.find(Kind::setting);
    if (at == info.settings.end() || !at->second.find(id)) throw no_such_configuration(bucket);
    at->second.erase(id);
    if (at->second.as_map().empty()) info.settings.erase(at);
  });
}

// A page in the order of ids; the token is the last id given, in base64.
template <class Kind, class Output>
std::vector<typename Kind::Configuration> page(const Parts& parts, Context& context, const std::string& bucket,
                                               const std::optional<std::string>& token, Output& out) {
  std::optional<std::string> after;
  if (token && !token->empty()) {
    after = base64_decode(*token);
    if (!after)
      throw invalid_argument("The continuation token provided is incorrect").with("ArgumentName", "continuation-token");
  }
  const auto info = own_bucket(parts, context, bucket);
  std::map<std::string, const Value*> all;
  if (const Value* found = find_setting(info, Kind::setting))
    for (const auto& [id, configuration] : found->as_map()) all[id] = &configuration;
  std::vector<typename Kind::Configuration> listed;
  out.continuation_token = token;
  out.is_truncated = false;
  for (auto at = after ? all.upper_bound(*after) : all.begin(); at != all.end(); ++at) {
    if (listed.size() == page_size) {
      out.is_truncated = true;
      out.next_continuation_token = base64_encode(listed.back().id);
      break;
    }
    listed.push_back(api::from<typename Kind::Configuration>(*at->second));
  }
  return listed;
}

// An absent list rather than an empty one, as S3 answers.
template <class T>
std::optional<std::vector<T>> if_any(std::vector<T> list) {
  if (list.empty()) return std::nullopt;
  return list;
}

api::Empty put_analytics(const Parts& parts, Context&, const model::PutBucketAnalyticsConfigurationRequest& in) {
  put<Analytics>(parts, in.bucket, in.id, in.analytics_configuration);
  return {};
}
model::GetBucketAnalyticsConfigurationOutput get_analytics(const Parts& parts, Context& context,
                                                           const model::GetBucketAnalyticsConfigurationRequest& in) {
  return {get<Analytics>(parts, context, in.bucket, in.id)};
}
api::Empty delete_analytics(const Parts& parts, Context&, const model::DeleteBucketAnalyticsConfigurationRequest& in) {
  remove<Analytics>(parts, in.bucket, in.id);
  return {};
}
model::ListBucketAnalyticsConfigurationsOutput list_analytics(
    const Parts& parts, Context& context, const model::ListBucketAnalyticsConfigurationsRequest& in) {
  model::ListBucketAnalyticsConfigurationsOutput out;
  out.analytics_configuration_list = if_any(page<Analytics>(parts, context, in.bucket, in.continuation_token, out));
  return out;
}

api::Empty put_inventory(const Parts& parts, Context&, const model::PutBucketInventoryConfigurationRequest& in) {
  put<Inventory>(parts, in.bucket, in.id, in.inventory_configuration);
  return {};
}
model::GetBucketInventoryConfigurationOutput get_inventory(const Parts& parts, Context& context,
                                                           const model::GetBucketInventoryConfigurationRequest& in) {
  return {get<Inventory>(parts, context, in.bucket, in.id)};
}
api::Empty delete_inventory(const Parts& parts, Context&, const model::DeleteBucketInventoryConfigurationRequest& in) {
  remove<Inventory>(parts, in.bucket, in.id);
  return {};
}
model::ListBucketInventoryConfigurationsOutput list_inventory(
    const Parts& parts, Context& context, const model::ListBucketInventoryConfigurationsRequest& in) {
  model::ListBucketInventoryConfigurationsOutput out;
  out.inventory_configuration_list = if_any(page<Inventory>(parts, context, in.bucket, in.continuation_token, out));
  return out;
}

api::Empty put_metrics(const Parts& parts, Context&, const model::PutBucketMetricsConfigurationRequest& in) {
  put<RequestMetrics>(parts, in.bucket, in.id, in.metrics_configuration);
  return {};
}
model::GetBucketMetricsConfigurationOutput get_metrics(const Parts& parts, Context& context,
                                                       const model::GetBucketMetricsConfigurationRequest& in) {
  return {get<RequestMetrics>(parts, context, in.bucket, in.id)};
}
api::Empty delete_metrics(const Parts& parts, Context&, const model::DeleteBucketMetricsConfigurationRequest& in) {
  remove<RequestMetrics>(parts, in.bucket, in.id);
  return {};
}
model::ListBucketMetricsConfigurationsOutput list_metrics(const Parts& parts, Context& context,
                                                          const model::ListBucketMetricsConfigurationsRequest& in) {
  model::ListBucketMetricsConfigurationsOutput out;
  out.metrics_configuration_list = if_any(page<RequestMetrics>(parts, context, in.bucket, in.continuation_token, out));
  return out;
}

api::Empty put_tiering(const Parts& parts, Context&, const model::PutBucketIntelligentTieringConfigurationRequest& in) {
  put<Tiering>(parts, in.bucket, in.id, in.intelligent_tiering_configuration);
  return {};
}
model::GetBucketIntelligentTieringConfigurationOutput get_tiering(
    const Parts& parts, Context& context, const model::GetBucketIntelligentTieringConfigurationRequest& in) {
  return {get<Tiering>(parts, context, in.bucket, in.id)};
}
api::Empty delete_tiering(const Parts& parts, Context&,
                          const model::DeleteBucketIntelligentTieringConfigurationRequest& in) {
  remove<Tiering>(parts, in.bucket, in.id);
  return {};
}
model::ListBucketIntelligentTieringConfigurationsOutput list_tiering(
    const Parts& parts, Context& context, const model::ListBucketIntelligentTieringConfigurationsRequest& in) {
  model::ListBucketIntelligentTieringConfigurationsOutput out;
  out.intelligent_tiering_configuration_list =
      if_any(page<Tiering>(parts, context, in.bucket, in.continuation_token, out));
  return out;
}

}  // namespace

void register_bucket_reports(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<PutBucketAnalyticsConfiguration>(operations, parts, put_analytics);
  on<GetBucketAnalyticsConfiguration>(operations, parts, get_analytics);
  on<DeleteBucketAnalyticsConfiguration>(operations, parts, delete_analytics);
  on<ListBucketAnalyticsConfigurations>(operations, parts, list_analytics);
  on<PutBucketInventoryConfiguration>(operations, parts, put_inventory);
  on<GetBucketInventoryConfiguration>(operations, parts, get_inventory);
  on<DeleteBucketInventoryConfiguration>(operations, parts, delete_inventory);
  on<ListBucketInventoryConfigurations>(operations, parts, list_inventory);
  on<PutBucketMetricsConfiguration>(operations, parts, put_metrics);
  on<GetBucketMetricsConfiguration>(operations, parts, get_metrics);
  on<DeleteBucketMetricsConfiguration>(operations, parts, delete_metrics);
  on<ListBucketMetricsConfigurations>(operations, parts, list_metrics);
  on<PutBucketIntelligentTieringConfiguration>(operations, parts, put_tiering);
  on<GetBucketIntelligentTieringConfiguration>(operations, parts, get_tiering);
  on<DeleteBucketIntelligentTieringConfiguration>(operations, parts, delete_tiering);
  on<ListBucketIntelligentTieringConfigurations>(operations, parts, list_tiering);
}

}  // namespace tarn::gateway::s3
