// Event buses ("Amazon EventBridge API Reference"): records of the metadata store. The bus "default" is in every
// account and region.
//
// Thread-safe. Errors: Error with EventBridge's codes (ResourceNotFoundException, ResourceAlreadyExistsException,
// ValidationException, PolicyLengthExceededException).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/events.hpp"
#include "base/clock.hpp"
#include "meta/metadata.hpp"

namespace tarn::orchestrate {

using Tags = std::map<std::string, std::string>;

struct BusAddress {
  std::string account, region, name;
  std::string arn() const { return "arn:aws:events:" + region + ":" + account + ":event-bus/" + name; }
  std::string key() const { return meta::key({account, region, name}); }
};
// By name or by ARN; absent is the default bus. A text that is no bus's ARN is a name.
BusAddress bus_address(std::string_view account, std::string_view region,
                       const std::optional<std::string>& name_or_arn);

// More than 50, or a key that AWS refuses: ValidationException.
void check_tags(const Tags& tags);

class Buses {
 public:
  Buses(meta::Metadata& metadata, Clock& clock) : metadata_(metadata), clock_(clock) {}

  struct Bus {
    api::events::EventBus description;
    Tags tags;
  };

  void create(const BusAddress& address, std::string_view actor, const std::optional<std::string>& description,
              const Tags& tags);
  // What is absent stays.
  Bus update(const BusAddress& address, std::string_view actor, const std::optional<std::string>& description);
  std::optional<Bus> find(const BusAddress& address) const;
  Bus get(const BusAddress& address) const;
  // One that is not there is no error; the default bus, or one with rules, is a ValidationException.
  void remove(const BusAddress& address, std::string_view actor);
  // In the order of their names, from after the name `after`; the default bus among them.
  std::vector<Bus> list(std::string_view account, std::string_view region, std::string_view prefix,
                        std::string_view after, std::size_t limit) const;
  void change_tags(const BusAddress& address, std::string_view actor, const std::function<void(Tags&)>& change);

  // A statement of the bus's policy, or (`policy`) all of it.
  void put_permission(const BusAddress& address, std::string_view actor, const api::events::PutPermissionRequest& in);
  void remove_permission(const BusAddress& address, std::string_view actor,
                         const api::events::RemovePermissionRequest& in);
  // Whether the policy lets `account` put events: a statement that allows it without a condition.
  bool lets_put(const BusAddress& address, std::string_view account) const;

 private:
  void change(const BusAddress& address, std::string_view actor, const std::function<void(Bus&)>& work);

  meta::Metadata& metadata_;
  Clock& clock_;
};

// The kind of the records of rules, whose keys begin with their bus's.
inline constexpr std::string_view rule_kind = "events.rule";

}  // namespace tarn::orchestrate
