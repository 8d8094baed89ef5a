#include "api/operations.hpp"

#include "api/validate.hpp"
#include "api/wait.hpp"

namespace tarn::api {
namespace {

struct Found {
  const Service* service = nullptr;
  const Operation* operation = nullptr;
};

Found find(std::string_view name) {
  auto colon = name.find(':');
  if (colon == std::string_view::npos) return {};
  const Service* service = find_service(name.substr(0, colon));
  return {service, service ? find_operation(*service, name.substr(colon + 1)) : nullptr};
}

[[noreturn]] void refuse(std::string_view service, std::string_view operation) {
  throw Error(ErrorKind::unsupported, "NotImplemented",
              "tarn does not have the operation " + std::string(operation) + " of " + std::string(service) +
                  ". See docs/COVERAGE.md for what it has.");
}

}  // namespace

std::string Context::arn(std::string_view service, std::string_view resource) const {
  std::string out = "arn:aws:";
  out.append(service).append(":").append(region).append(":").append(principal.account).append(":").append(resource);
  return out;
}

void Operations::add(std::string_view name, Handler handler) {
  Found found = find(name);
  TARN_ASSERT(found.operation);
  TARN_ASSERT(handlers_.emplace(found.operation, std::move(handler)).second);
}

bool Operations::has(const Service&, const Operation& operation) const {
  return handlers_.contains(&operation);
}

Value Operations::call(Context& context, std::string_view name, const Value& input) {
  Found found = find(name);
  if (!found.operation) {
    auto colon = name.find(':');
    refuse(name.substr(0, colon), colon == std::string_view::npos ? name : name.substr(colon + 1));
  }
  return call(context, *found.service, *found.operation, input);
}

Value Operations::call(Context& context, const Service& service, const Operation& operation, const Value& input) {
  auto handler = handlers_.find(&operation);
  if (handler == handlers_.end()) refuse(service.name, operation.name);
  try {
    validate(service, operation, input);
    for (const auto& before : before_) before(context, service, operation, input);
    if (WaitSlot* slot = wait_slot(context)) slot->wait.reset();
    Value output = handler->second(context, input);
    if (WaitSlot* slot = wait_slot(context); slot && slot->wait) return output;  // it is no answer yet
    for (const auto& after : after_) after(context, service, operation, input, &output, nullptr);
    return output;
  } catch (const Error& error) {
    for (const auto& after : after_) after(context, service, operation, input, nullptr, &error);
    throw;
  }
}

}  // namespace tarn::api
