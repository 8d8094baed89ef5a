// Events of objects for functions: what a bucket's notification configuration names as LambdaFunctionConfigurations.
#pragma once

#include "compute/functions/functions.hpp"
#include "compute/functions/invoker.hpp"
#include "store/notifications.hpp"

namespace tarn::compute {

// Both outlive it.
class ObjectEventFunctions : public store::EventDestination {
 public:
  ObjectEventFunctions(const Functions& functions, Invoker& invoker) : functions_(functions), invoker_(invoker) {}
  std::optional<std::string> refusal(const std::string& arn, const store::BucketInfo& bucket) override;
  void deliver(const std::string& arn, const store::BucketInfo& bucket, const std::string& message) override;

 private:
  const Functions& functions_;
  Invoker& invoker_;
};

}  // namespace tarn::compute
