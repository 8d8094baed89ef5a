// One request and its response: routing, authentication, the call, and the writing of what came out.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/operations.hpp"
#include "api/wait.hpp"
#include "api/wire/route.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "gateway/http/body.hpp"
#include "gateway/http/connection.hpp"
#include "gateway/http/head.hpp"
#include "gateway/http/request_statistics.hpp"
#include "gateway/http/server.hpp"
#include "gateway/http/signature.hpp"

namespace tarn::gateway {

// What all exchanges share. Constant while the server runs.
struct Surroundings {
  ServerOptions options;
  api::Operations& operations;
  const Clock& clock;
  Random& random;
  SystemClock wall_clock;
  std::unique_ptr<Authenticator> authenticator;
  std::map<std::pair<std::string, std::string>, Server::Local> locals;  // by method and path
  std::unique_ptr<RequestStatistics> statistics;
};

// Used by one thread at a time: made by a loop, perhaps finished by a worker. Its connection outlives it. Nothing
// throws but the constructor (std::bad_alloc).
class Exchange {
 public:
  // `head_text` is what find_head_end() found; a malformed one makes an exchange that answers so.
  Exchange(const Surroundings& surroundings, Connection& connection, std::string_view head_text);
  ~Exchange();

  // Whether answer() is quick and does not wait, so that a loop may call it: reads of objects.
  bool is_quick() const { return quick_; }
  // Runs the operation and prepares the response. Reads the body, waiting.
  void answer();
  bool answered() const { return answered_; }
  // After answer(), where the operation has no answer yet: what it waits for. answer() is then to be called again when
  // that is over, or answer_now().
  std::shared_ptr<api::Wait> wait() const;
  // Answers what there is although the operation would wait on.
  void answer_now();
  // Sends as much of the response as the socket takes without waiting. True: all of it.
  bool try_send();
  // Sends what is left of the response, waiting.
  void send();
  // After all was sent: counts and logs the request; tells whether the connection can serve another one.
  bool finish(bool may_keep);

 private:
  void find_route();
  void call_local(const Server::Local& local);
  void call_operation();
  void answer_website();
  void answer_registry();
  void call_again();
  void respond_output(Value output);
  Value run(api::Context& context);
  std::string_view host_name() const;  // without its port
  std::string_view virtual_bucket() const;
  // The bucket that the request is about, by its host or path; empty for none.
  std::string bucket() const;
  // Whether the path names a bucket and nothing in it.
  bool is_bucket_path() const;
  void fill_context(api::Context& context) const;
  // A browser's upload by form (exchange_form.cpp).
  void answer_form_upload();
  api::WireResponse form_answer(const std::map<std::string, std::string>& fields, const std::string& bucket_name,
                                const std::string& key, const Value& output) const;
  // Answers a browser that asks whether a page of another origin may send a request.
  void answer_preflight();
  // Adds what lets a page of another origin read this answer, where the bucket's rules do.
  void add_cross_origin_headers(api::WireResponse& response) const;
  void read_control_body(api::BodySource& source);
  void respond_error(const Error& error);
  void respond(api::WireResponse response, std::unique_ptr<api::BodyStream> stream);
  void note_for_access_log(const api::WireResponse& response, std::optional<uint64_t> length_bytes);
  void write_head(const api::WireResponse& response, std::optional<uint64_t> length_bytes);
  bool send_stream();
  void record();
  void record_access(uint64_t took_ms) const;

  const Surroundings& surroundings_;
  Connection& connection_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  RequestHead head_;
  std::optional<Error> refusal_;  // known from the head alone
  std::optional<HttpBody> body_;
  const Server::Local* local_ = nullptr;
  std::optional<api::Route> route_;
  std::optional<std::string> website_;  // the bucket whose website is asked for
  bool registry_ = false;               // the registry of container images is asked
  std::string request_id_;
  api::Principal caller_;
  bool quick_ = false, is_form_ = false, is_upload_form_ = false, answered_ = false, broken_ = false,
       keep_alive_ = false;
  std::optional<api::Context> context_;  // of the call; kept while the operation waits
  Value waiting_input_, waiting_output_;

  // For the access log.
  std::string error_code_, version_id_;
  std::optional<uint64_t> object_size_bytes_;
  std::chrono::steady_clock::time_point answered_at_;
  std::size_t head_size_bytes_ = 0;

  int status_ = 0;
  std::string out_;  // the response's head and, where it is small, its body
  std::size_t out_sent_ = 0;
  std::unique_ptr<api::BodyStream> stream_;
  uint64_t stream_bytes_ = 0, sent_bytes_ = 0;
};

}  // namespace tarn::gateway
