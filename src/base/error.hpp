// The one way a request fails.
//
// Code below the gateway throws Error; the gateway catches it once and writes it in the form of the protocol that the
// client speaks. A normal absence is std::optional, not an Error. Exceptions of libraries are turned into Error where
// the library is called.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarn {

// Whose fault it is. The HTTP status follows from it where neither the service model nor the service's own table says
// otherwise.
enum class ErrorKind {
  caller,       // the request is wrong: 400
  denied,       // not allowed: 403
  missing,      // names what does not exist: 404 (400 in the JSON protocols)
  conflict,     // does not fit the present state: 409 (400 in the JSON protocols)
  limit,        // too much, too big, too often: 400, or 503 for S3's SlowDown
  unsupported,  // tarn does not have it: 501
  outside,      // another system failed: 502
  bug,          // tarn itself failed: 500
};

class Error : public std::exception {
 public:
  // `code` is AWS's own word for the error ("NoSuchKey", "EntityNotFoundException"); `message` tells the caller what to
  // do about it.
  Error(ErrorKind kind, std::string code, std::string message)
      : kind_(kind), code_(std::move(code)), message_(std::move(message)) {}

  ErrorKind kind() const { return kind_; }
  const std::string& code() const { return code_; }
  const std::string& message() const { return message_; }
  const char* what() const noexcept override { return message_.c_str(); }

  // Further members that the service's error shape carries (S3's BucketName and Key, say). Returns *this, to be thrown.
  Error& with(std::string name, std::string value) {
    details_.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  const std::vector<std::pair<std::string, std::string>>& details() const { return details_; }

 private:
  ErrorKind kind_;
  std::string code_;
  std::string message_;
  std::vector<std::pair<std::string, std::string>> details_;
};

// An invariant of ours, checked in release builds too. Never reachable by input: input gets an Error.
#define TARN_ASSERT(condition) ((condition) ? void() : ::tarn::assertion_failed(#condition, __FILE__, __LINE__))
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace tarn
