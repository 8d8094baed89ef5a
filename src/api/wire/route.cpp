#include "api/wire/route.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "api/wire/percent.hpp"

namespace tarn::api {
namespace {

bool is_rest(const Service& service) {
  return service.protocol == Protocol::rest_json || service.protocol == Protocol::rest_xml;
}

bool speaks(const Service& service, Protocol protocol) {
  return std::find(service.protocols.begin(), service.protocols.end(), protocol) != service.protocols.end();
}

const RestIndex& rest_index(const Service& service) {
  static std::mutex mutex;
  static std::unordered_map<const Service*, std::unique_ptr<const RestIndex>> known;
  std::lock_guard lock(mutex);
  auto& entry = known[&service];
  if (!entry) entry = std::make_unique<const RestIndex>(service);
  return *entry;
}

const Service& s3() {
  static const Service& service = *find_service("s3");
  return service;
}

const RestIndex& s3_index() {
  static const RestIndex& index = rest_index(s3());
  return index;
}

Route refused(const Service& service, Protocol protocol, Error error) {
  Route out;
  out.service = &service;
  out.protocol = protocol;
  out.refusal = std::make_shared<const Error>(std::move(error));
  return out;
}

Route unknown_operation(const Service& service, Protocol protocol, std::string_view name) {
  std::string text(name.substr(0, 200));
  if (protocol == Protocol::query || protocol == Protocol::ec2)
    return refused(
        service, protocol,
        Error(ErrorKind::caller, "InvalidAction", "The action " + text + " is not valid for this web service."));
  return refused(service, protocol,
                 Error(ErrorKind::caller, "UnknownOperationException",
                       "The service " + std::string(service.name) + " has no operation " + text + "."));
}

Route named(const Service& service, Protocol protocol, std::string_view operation) {
  const Operation* found = find_operation(service, operation);
  return found ? route_to(service, *found, protocol) : unknown_operation(service, protocol, operation);
}

Route rest(const Service& service, const RestIndex::Match& match) {
  Route out;
  out.service = &service;
  out.protocol = service.protocol;
  out.operation = match.candidate->operation;
  out.input = match.candidate->input;
  out.output = match.candidate->output;
  return out;
}

std::string_view header_or_empty(const WireRequest& request, std::string_view name) {
  const std::string* value = request.header(name);
  return value ? std::string_view(*value) : std::string_view();
}

std::string_view host_of(const WireRequest& request) {
  std::string_view host = header_or_empty(request, "host");
  std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) host = host.substr(0, colon);
  return host;
}

bool is_cbor(std::string_view content_type) {
  return content_type.starts_with("application/x-amz-cbor");
}

// ---- the ways to name an operation ----

std::optional<Route> by_target(const WireRequest& request) {
  std::string_view target = header_or_empty(request, "x-amz-target");
  std::size_t dot = target.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  for (const Service* service : services()) {
    if (service->target_prefix.empty() || service->target_prefix != target.substr(0, dot)) continue;
    Route out = named(*service, Protocol::json, target.substr(dot + 1));
    out.cbor_body = is_cbor(header_or_empty(request, "content-type"));
    return out;
  }
  return std::nullopt;
}

// /service/GraniteServiceVersion20100801/operation/PutMetricData, perhaps below a prefix.
std::optional<Route> by_rpc_path(const WireRequest& request) {
  if (header_or_empty(request, "smithy-protocol") != "rpc-v2-cbor") return std::nullopt;
  std::string_view path = request.path;
  std::size_t mark = path.rfind("/operation/");
  if (mark == std::string_view::npos) return std::nullopt;
  std::size_t before = path.rfind("/service/", mark);
  if (before == std::string_view::npos) return std::nullopt;
  std::string_view name = path.substr(before + 9, mark - before - 9);
  for (const Service* service : services())
    if (speaks(*service, Protocol::rpc_v2_cbor) && (service->target_prefix == name || service->service_id == name))
      return named(*service, Protocol::rpc_v2_cbor, path.substr(mark + 11));
  return std::nullopt;
}

// The parameters Action and Version: of the query, or of a body that is a form.
std::pair<std::string, std::string> action(const WireRequest& request) {
  std::string_view text = request.query;
  if (header_or_empty(request, "content-type").starts_with("application/x-www-form-urlencoded") &&
      (request.body.starts_with("Action=") || request.body.find("&Action=") != std::string::npos))
    text = request.body;
  return {percent_decode(raw_parameter(text, "Action"), true), percent_decode(raw_parameter(text, "Version"), true)};
}

Route by_action(const Service& service, const WireRequest& request) {
  Protocol protocol = speaks(service, Protocol::ec2) ? Protocol::ec2 : Protocol::query;
  auto [name, version] = action(request);
  if (name.empty())
    return refused(service, protocol,
                   Error(ErrorKind::caller, "MissingAction", "The request must contain the parameter Action."));
  if (!speaks(service, protocol))
    return refused(service, Protocol::query,
                   Error(ErrorKind::unsupported, "NotImplemented",
                         "tarn serves " + std::string(service.name) +
                             " by its JSON protocol only: use an AWS SDK of 2023 or later"));
  return named(service, protocol, name);
}

// Unsigned forms (AssumeRoleWithWebIdentity): the version tells the service.
std::optional<Route> by_action_and_version(const WireRequest& request) {
  auto [name, version] = action(request);
  if (name.empty()) return std::nullopt;
  for (const Service* service : services())
    if ((speaks(*service, Protocol::query) || speaks(*service, Protocol::ec2)) && service->api_version == version &&
        find_operation(*service, name))
      return by_action(*service, request);
  return std::nullopt;
}

std::optional<Route> by_rest_path(const Service& service, const WireRequest& request) {
  auto match = rest_index(service).find(request.method, request.path, QueryView(request.query), request.headers, false);
  if (!match) return std::nullopt;
  Route out = rest(service, *match);
  out.labels = std::move(match->labels);
  return out;
}

std::string_view first_path_part(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  return path.substr(0, path.find('/'));
}

std::optional<Route> by_s3_control(const WireRequest& request, std::string_view name) {
  if (!request.path.starts_with("/v20180820/")) return std::nullopt;
  if (!request.header("x-amz-account-id") && name != "s3-outposts" &&
      host_of(request).find("s3-control") == std::string_view::npos)
    return std::nullopt;
  const Service& control = *find_service("s3control");
  auto found = by_rest_path(control, request);
  return found ? found : unknown_operation(control, control.protocol, request.method + " " + request.path);
}

Route by_s3(const WireRequest& request, const RouteHints& hints) {
  std::string_view bucket = virtual_bucket(host_of(request), hints.endpoint_names);
  QueryView query(request.query);
  std::optional<RestIndex::Match> match;
  if (bucket.empty()) {
    match = s3_index().find(request.method, request.path, query, request.headers, true);
  } else {
    std::string path = "/" + std::string(bucket) + (request.path.starts_with('/') ? "" : "/") + request.path;
    match = s3_index().find(request.method, path, query, request.headers, true);
  }
  if (!match) {
    Error error(ErrorKind::caller, "MethodNotAllowed", "The specified method is not allowed against this resource.");
    error.with("Method", request.method)
        .with("ResourceType", query.empty() ? "OBJECT" : std::string(query.parameters()[0].first));
    return refused(s3(), Protocol::rest_xml, std::move(error));
  }
  Route out = rest(s3(), *match);
  out.labels = std::move(match->labels);
  return out;
}

// ---- the services that share a signing name ----

const Service* service_by_host(std::string_view host) {
  for (const Service* service : services())
    if (host.starts_with(service->endpoint_prefix) && host.size() > service->endpoint_prefix.size() &&
        host[service->endpoint_prefix.size()] == '.')
      return service;
  return nullptr;
}

bool is_s3_name(std::string_view name) {
  return name == "s3" || name == "s3express" || name == "s3-object-lambda" || name == "s3-outposts";
}

std::optional<Route> by_signing_name(const WireRequest& request, std::string_view name) {
  const Service* known = nullptr;
  for (const Service* service : services()) {
    if (service->signing_name != name) continue;
    if (!is_rest(*service))
      return by_action(*service, request);  // with no target and no rpc path it can only be a form
    if (auto found = by_rest_path(*service, request)) return found;
    known = service;
  }
  if (!known) return std::nullopt;
  return unknown_operation(*known, known->protocol, request.method + " " + request.path);
}

std::optional<Route> unsigned_route(const WireRequest& request, const RouteHints& hints) {
  const bool bucket = hints.bucket_exists && hints.bucket_exists(percent_decode(first_path_part(request.path), false));
  if (!bucket)
    for (const Service* service : services())
      if (is_rest(*service) && !is_s3_name(service->signing_name))
        if (auto found = by_rest_path(*service, request)) return found;
  std::string_view host = host_of(request);
  const Service* by_host = service_by_host(host);
  if (by_host && by_host != &s3() && !is_rest(*by_host)) return by_action(*by_host, request);
  if (auto found = by_action_and_version(request)) return found;
  std::string_view in_host = virtual_bucket(host, hints.endpoint_names);
  const bool host_of_s3 = by_host == &s3() || (!in_host.empty() && host.substr(in_host.size()).starts_with(".s3"));
  if (bucket || host_of_s3 || (!in_host.empty() && hints.bucket_exists && hints.bucket_exists(in_host)))
    return by_s3(request, hints);
  return std::nullopt;
}

}  // namespace

const std::string* Route::label(std::string_view name) const {
  for (const auto& [member, value] : labels)
    if (member && member->name == name) return &value;
  return nullptr;
}

Route route_to(const Service& service, const Operation& operation, Protocol protocol) {
  Route out;
  out.service = &service;
  out.operation = &operation;
  out.protocol = protocol;
  out.input = bindings_of(operation.input);
  out.output = bindings_of(operation.output);
  return out;
}

std::string_view signing_name(const WireRequest& request) {
  // AKID/20260101/eu-west-1/glue/aws4_request; version 4A has no region.
  auto of_scope = [](std::string_view scope, std::string_view separator) -> std::string_view {
    std::size_t end = scope.rfind(separator);
    if (end == std::string_view::npos || end == 0) return {};
    std::size_t before = scope.rfind(separator, end - 1);
    if (before == std::string_view::npos) return {};
    return scope.substr(before + separator.size(), end - before - separator.size());
  };
  if (const std::string* authorization = request.header("authorization")) {
    std::string_view text = *authorization;
    if (text.starts_with("AWS ")) return "s3";
    std::size_t at = text.find("Credential=");
    if (at == std::string_view::npos) return {};
    std::string_view scope = text.substr(at + 11);
    return of_scope(scope.substr(0, scope.find_first_of(", ")), "/");
  }
  std::string_view credential = raw_parameter(request.query, "X-Amz-Credential");
  if (!credential.empty()) return of_scope(credential, credential.find('/') == std::string_view::npos ? "%2F" : "/");
  if (!raw_parameter(request.query, "AWSAccessKeyId").empty() && !raw_parameter(request.query, "Signature").empty())
    return "s3";
  return {};
}

std::string_view virtual_bucket(std::string_view host, std::span<const std::string> endpoint_names) {
  for (std::size_t at = host.find(".s3"); at != std::string_view::npos; at = host.find(".s3", at + 1)) {
    std::string_view rest = host.substr(at + 3);
    if (at == 0 || !(rest.starts_with('.') || rest.starts_with('-'))) continue;
    if (rest.starts_with("-control") || rest.starts_with("-outposts")) return {};
    return host.substr(0, at);
  }
  for (const std::string& name : endpoint_names) {
    if (host.size() <= name.size() + 1 || !host.ends_with(name) || host[host.size() - name.size() - 1] != '.') continue;
    std::string_view bucket = host.substr(0, host.size() - name.size() - 1);
    if (bucket == "s3" || bucket.starts_with("s3.")) return {};
    return bucket;
  }
  return {};
}

std::optional<Route> route(const WireRequest& request, const RouteHints& hints) {
  std::string_view name = hints.signing_name.empty() ? signing_name(request) : hints.signing_name;
  if (is_s3_name(name)) {
    if (auto control = by_s3_control(request, name)) return control;
    return by_s3(request, hints);
  }
  if (auto found = by_target(request)) return found;
  if (auto found = by_rpc_path(request)) return found;
  return name.empty() ? unsigned_route(request, hints) : by_signing_name(request, name);
}

}  // namespace tarn::api
