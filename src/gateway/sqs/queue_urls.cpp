#include "gateway/sqs/queue_urls.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/error.hpp"

namespace tarn::gateway {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(at), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool is_account(std::string_view text) {
  return text.size() == 12 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

// "us-east-1"
bool is_region(std::string_view text) {
  const auto parts = split(text, '-');
  return parts.size() >= 3 && std::isdigit(static_cast<unsigned char>(text.back()));
}

std::string_view region_of_host(std::string_view host) {
  const auto labels = split(host.substr(0, host.find(':')), '.');
  if (labels.size() > 2 && labels[0] == "sqs" && is_region(labels[1])) return labels[1];
  if (labels.size() > 2 && labels[1] == "queue" && is_region(labels[0])) return labels[0];
  return {};
}

}  // namespace

std::optional<notify::QueueAddress> parse_queue_url(std::string_view url, std::string_view region) {
  std::string_view path = url;
  if (const std::size_t scheme = url.find("://"); scheme != url.npos) {
    const std::string_view rest = url.substr(scheme + 3);
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    if (std::string_view told = region_of_host(rest.substr(0, slash)); !told.empty()) region = told;
    path = rest.substr(slash);
  }
  const auto parts = split(path.substr(0, path.find('?')), '/');
  if (parts.size() < 2 || !is_account(parts[parts.size() - 2])) return std::nullopt;
  if (parts.size() >= 4 && parts[parts.size() - 4] == "queue") region = parts[parts.size() - 3];
  return notify::QueueAddress{std::string(parts[parts.size() - 2]), std::string(region), std::string(parts.back())};
}

notify::QueueAddress queue_of(const api::Context& context, const std::string& queue_url) {
  auto address = parse_queue_url(queue_url, context.region);
  if (!address)
    throw Error(ErrorKind::caller, "InvalidAddress", "The address " + queue_url + " is not valid for this endpoint.");
  if (address->account != context.account())
    throw Error(ErrorKind::denied, "AccessDenied", "Access to the resource " + queue_url + " is denied.");
  return *address;
}

std::string queue_url(const api::Context& context, const std::string& account, const std::string& name) {
  const std::string endpoint =
      context.endpoint.empty() ? "https://sqs." + context.region + ".amazonaws.com" : context.endpoint;
  return endpoint + "/" + account + "/" + name;
}

}  // namespace tarn::gateway
