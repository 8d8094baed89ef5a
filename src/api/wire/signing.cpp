#include "api/wire/signing.hpp"

#include <algorithm>
#include <set>

#include "api/wire/percent.hpp"
#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"

namespace tarn::api {
namespace {

std::string percent_encode(std::string_view text, bool keep_slash = false) {
  std::string out;
  out.reserve(text.size() + 16);
  append_percent_encoded(out, text, keep_slash);
  return out;
}

std::string canonical_query(std::string_view query, bool presigned) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for_each_parameter(query, [&](std::string_view name, std::string_view value) {
    if (!presigned || name != "X-Amz-Signature")
      pairs.emplace_back(percent_encode(percent_decode(name, true)), percent_encode(percent_decode(value, true)));
    return true;
  });
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

}  // namespace

void append_header_value(std::string& out, std::string_view value) {
  bool pending = false, any = false;
  for (char c : value) {
    if (c == ' ' || c == '\t') {
      pending = any;
    } else {
      if (pending) out += ' ';
      pending = false;
      any = true;
      out += c;
    }
  }
}

std::string canonical_request(const WireRequest& request, const SignatureParts& parts, bool encode_path_twice,
                              std::string_view payload_hash) {
  std::string out = request.method + "\n";
  out += encode_path_twice ? percent_encode(request.path, true)
                           : percent_encode(percent_decode(request.path, false), true);
  out += "\n" + canonical_query(request.query, parts.presigned) + "\n";
  for (const std::string& name : parts.signed_headers) {
    out += name + ":";
    bool first = true;
    for (const auto& [key, value] : request.headers) {
      if (!same_header(key, name)) continue;
      if (!first) out += ',';
      first = false;
      append_header_value(out, value);
    }
    out += '\n';
  }
  out += '\n';
  for (std::size_t i = 0; i < parts.signed_headers.size(); i++) out += (i ? ";" : "") + parts.signed_headers[i];
  out += "\n";
  out += payload_hash;
  return out;
}

std::string string_to_sign(const SignatureParts& parts, std::string_view canonical_request) {
  return std::string(signature_algorithm) + "\n" + parts.timestamp + "\n" + parts.scope() + "\n" +
         hex_encode(digest(DigestKind::sha256, canonical_request));
}

std::string signing_key(std::string_view secret_access_key, const SignatureParts& parts) {
  std::string key = hmac_sha256("AWS4" + std::string(secret_access_key), parts.date);
  key = hmac_sha256(key, parts.region);
  key = hmac_sha256(key, parts.service);
  return hmac_sha256(key, "aws4_request");
}

void sign(WireRequest& request, const Credentials& credentials, std::string_view region, std::string_view service,
          std::string_view payload_hash, Time now) {
  SignatureParts parts;
  parts.access_key_id = credentials.access_key_id;
  parts.timestamp = format_basic_iso8601(now);
  parts.date = parts.timestamp.substr(0, 8);
  parts.region = region;
  parts.service = service;
  const bool s3 = service == "s3";
  std::erase_if(request.headers, [](const auto& header) { return same_header(header.first, "authorization"); });
  set_header(request.headers, "x-amz-date", parts.timestamp);
  if (s3) set_header(request.headers, "x-amz-content-sha256", std::string(payload_hash));
  if (!credentials.session_token.empty())
    set_header(request.headers, "x-amz-security-token", credentials.session_token);
  std::set<std::string> names;
  for (const auto& [name, value] : request.headers) {
    std::string lower = name;
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    names.insert(std::move(lower));
  }
  std::string list;
  for (const std::string& name : names) {
    parts.signed_headers.push_back(name);
    list += (list.empty() ? "" : ";") + name;
  }
  const std::string canonical = canonical_request(request, parts, !s3, payload_hash);
  const std::string signature =
      hex_encode(hmac_sha256(signing_key(credentials.secret_access_key, parts), string_to_sign(parts, canonical)));
  set_header(request.headers, "Authorization",
             std::string(signature_algorithm) + " Credential=" + parts.access_key_id + "/" + parts.scope() +
                 ", SignedHeaders=" + list + ", Signature=" + signature);
}

}  // namespace tarn::api
