// The one way to act on tarn: operations.call(context, "glue:StartJobRun", input).
//
// HTTP requests, state machines, event targets, templates, the command line and the console all come through here, so
// validation, authorisation, audit and events have one home. Each service's folder in gateway/ registers its handlers
// once, at start.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/model.hpp"
#include "api/structs.hpp"
#include "base/error.hpp"
#include "base/value.hpp"

namespace tarn::api {

// Who acts.
struct Principal {
  std::string account;  // 12 digits
  std::string arn;      // arn:aws:iam::ACCOUNT:root, …:user/NAME, arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
  std::string user_id;  // the account for its root, AIDA… for a user, AROA…:SESSION for a role
  std::string access_key_id;  // empty for tarn itself
  bool operator==(const Principal&) const = default;
};

// The bytes of a streaming input (PutObject's body), already decoded and verified by the gateway as they are read.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // Reads up to `size_bytes`; 0 at the end. A broken or falsified body throws Error (caller) with AWS's code.
  virtual std::size_t read(char* into, std::size_t size_bytes) = 0;
  // The decoded length where the client told it.
  virtual std::optional<uint64_t> size_bytes() const = 0;
  // The checksum that came with the bytes, in a header or behind them, and was found right. Known once read() gave 0.
  struct Checksum {
    std::string algorithm;  // "CRC32", "SHA256" ...; empty: none came
    std::string value;      // base64
  };
  virtual Checksum checksum() const { return {}; }
  // A header that came behind the bytes, by its lower-case name; known once read() gave 0. Empty: none.
  virtual std::string_view trailer(std::string_view) const { return {}; }
};

// The bytes of a streaming output (GetObject's body). What produces it keeps alive what it reads from.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // Reads up to `size_bytes`; 0 at the end. Failing storage throws Error (bug).
  virtual std::size_t read(char* into, std::size_t size_bytes) = 0;
  virtual uint64_t size_bytes() const = 0;
  // A part of one open file that holds the remaining bytes, so that the kernel can send them; absent where they are not
  // in one file.
  struct FileRange {
    int fd;
    uint64_t offset_bytes, size_bytes;
  };
  virtual std::optional<FileRange> file_range() const { return std::nullopt; }
};

// One request, as a handler sees it. Lives as long as the call; used by one thread.
struct Context {
  Principal principal;
  std::string region;
  std::string request_id;
  Time now;
  std::string endpoint;  // "http://127.0.0.1:4566": what the client reached tarn by; empty for calls from inside
  std::string source_ip;
  std::string user_agent;
  BodySource* request_body = nullptr;         // operations with a streaming input only
  std::unique_ptr<BodyStream> response_body;  // set by operations with a streaming output
  int response_status = 0;  // set by the few operations whose status varies (206, 304); 0: the model's

  const std::string& account() const { return principal.account; }
  // arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE
  std::string arn(std::string_view service, std::string_view resource) const;
};

using Handler = std::function<Value(Context&, const Value& input)>;

// Thread-safe once all handlers are registered.
class Operations {
 public:
  // Called before each handler, in the order added: authorisation, say. Throws Error to refuse.
  using Before = std::function<void(Context&, const Service&, const Operation&, const Value& input)>;
  // Called after each call, failed ones (`error` set) too: audit, metrics, events. Must not throw.
  using After = std::function<void(const Context&, const Service&, const Operation&, const Value& input,
                                   const Value* output, const Error* error)>;
  void add_before(Before before) { before_.push_back(std::move(before)); }
  void add_after(After after) { after_.push_back(std::move(after)); }

  // `name` is "glue:GetTable"; one that no model has, or one registered twice, is a broken invariant.
  void add(std::string_view name, Handler handler);

  // The typed form: operations.on<glue::op::GetTable>([&](Context& c, const glue::GetTableRequest& in) { … });
  template <class Op, class F>
  void on(F f) {
    add(Op::name, [f = std::move(f)](Context& context, const Value& input) -> Value {
      return to_value(static_cast<typename Op::Output>(f(context, from<typename Op::Input>(input))));
    });
  }

  bool has(const Service& service, const Operation& operation) const;

  // Validates `input` against the model, asks each `before`, runs the handler. Throws the handler's Error; an operation
  // that no handler was added for throws Error (unsupported, NotImplemented) that names it.
  Value call(Context& context, std::string_view name, const Value& input);
  Value call(Context& context, const Service& service, const Operation& operation, const Value& input);

 private:
  std::map<const Operation*, Handler> handlers_;
  std::vector<Before> before_;
  std::vector<After> after_;
};

}  // namespace tarn::api
