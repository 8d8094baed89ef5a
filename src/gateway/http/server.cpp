#include "gateway/http/server.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/http/loop.hpp"
#include "gateway/http/workers.hpp"

namespace tarn::gateway {
namespace {

constexpr int waiting_connections = 1024;

std::string numeric_host(const sockaddr* address, socklen_t size) {
  char host[NI_MAXHOST];
  return ::getnameinfo(address, size, host, sizeof host, nullptr, 0, NI_NUMERICHOST) == 0 ? host : "";
}

}  // namespace

struct Server::Impl {
  Surroundings surroundings;
  std::vector<std::unique_ptr<Loop>> loops;
  Workers workers{limits::max_worker_threads};
  std::thread acceptor;
  std::shared_ptr<std::atomic<int>> connections = std::make_shared<std::atomic<int>>(0);
  int listener = -1, wake = -1, port = 0;
  std::atomic<bool> stopping = false;
  std::string address;

  Impl(ServerOptions options, api::Operations& operations, govern::Identities& identities, Clock& clock, Random& random,
       Metrics& metrics);
  ~Impl();

  void bind();
  void accept_all();
  void adopt(int fd, const sockaddr_storage& peer, socklen_t peer_size, std::size_t& next_loop);
  Loop::Next arrived(Client& client);
  Loop::Next process(Client& client);
  void serve(Client& client);
  void park(Client& client);
  void unpark(Client& client);
  bool stop();

  // Clients whose operation waits: no thread is theirs meanwhile.
  std::mutex parked_mutex;
  std::unordered_map<Client*, std::shared_ptr<api::Wait>> parked;
};

Server::Impl::Impl(ServerOptions options, api::Operations& operations, govern::Identities& identities, Clock& clock,
                   Random& random, Metrics& metrics)
    : surroundings{std::move(options), operations, clock, random, {}, nullptr, {}, nullptr} {
  surroundings.authenticator = std::make_unique<Authenticator>(
      surroundings.options.auth, surroundings.options.default_account,
      [&identities](std::string_view id) { return identities.find(id); }, clock, surroundings.wall_clock);
  surroundings.statistics = std::make_unique<RequestStatistics>(metrics);
}

Server::Impl::~Impl() {
  if (listener >= 0) ::close(listener);
  if (wake >= 0) ::close(wake);
}

void Server::Impl::bind() {
  const ServerOptions& options = surroundings.options;
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  wanted.ai_socktype = SOCK_STREAM;
  const std::string at = options.host + ":" + std::to_string(options.port);
  if (int error = ::getaddrinfo(options.host.c_str(), std::to_string(options.port).c_str(), &wanted, &found);
      error != 0)
    throw Error(ErrorKind::caller, "InvalidAddress", "tarn can't listen on " + at + ": " + ::gai_strerror(error));
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  listener = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(listener, found->ai_addr, found->ai_addrlen) != 0 || ::listen(listener, waiting_connections) != 0) {
    const int error = errno;
    if (error == EADDRINUSE)
      throw Error(
          ErrorKind::conflict, "AddressInUse",
          "Another program listens on " + at + " already. Stop it, or give another port (--port 0 takes a free one).");
    throw Error(ErrorKind::caller, "InvalidAddress", "tarn can't listen on " + at + ": " + std::strerror(error));
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &size);
  port = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                           : reinterpret_cast<sockaddr_in&>(bound).sin_port);
  address = options.host.find(':') == std::string::npos ? options.host : "[" + options.host + "]";
}

void Server::Impl::accept_all() {
  std::size_t next_loop = 0;
  pollfd waits[2] = {{listener, POLLIN, 0}, {wake, POLLIN, 0}};
  while (!stopping) {
    if (::poll(waits, 2, -1) < 0 || stopping) continue;
    while (true) {
      sockaddr_storage peer{};
      socklen_t peer_size = sizeof peer;
      int fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &peer_size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        adopt(fd, peer, peer_size, next_loop);
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        log(LogLevel::warning, "can't take a connection", Value::map({{"why", std::strerror(errno)}}));
        std::this_thread::sleep_for(std::chrono::milliseconds(100));  // until others end
        break;
      } else if (errno != EINTR && errno != ECONNABORTED) {
        break;
      }
    }
  }
}

void Server::Impl::adopt(int fd, const sockaddr_storage& peer, socklen_t peer_size, std::size_t& next_loop) {
  if (*connections >= limits::max_connections) {
    static constexpr char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    [[maybe_unused]] ssize_t sent = ::send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL);
    ::close(fd);
    return;
  }
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  loops[next_loop++ % loops.size()]->adopt(fd, numeric_host(reinterpret_cast<const sockaddr*>(&peer), peer_size));
}

Loop::Next Server::Impl::arrived(Client& client) {
  switch (client.fill()) {
    case Connection::Arrival::closed:
      return Loop::Next::drop;
    case Connection::Arrival::nothing:
      return Loop::Next::wait;
    case Connection::Arrival::bytes:
      return process(client);
  }
  return Loop::Next::drop;
}

// Takes the next whole request head off the buffer, if there is one.
static std::unique_ptr<Exchange> next_exchange(const Surroundings& surroundings, Client& client) {
  while (client.buffered().starts_with("\r\n")) client.consume(2);  // as RFC 9112, 2.2 asks for
  std::size_t size = find_head_end(client.buffered(), client.searched);
  if (size == 0 && client.buffered().size() <= limits::max_request_head_size_bytes) {
    client.searched = client.buffered().size();
    return nullptr;
  }
  client.searched = 0;
  std::string head(client.buffered().substr(0, size > limits::max_request_head_size_bytes ? 0 : size));
  client.consume(head.size());
  return std::make_unique<Exchange>(surroundings, client, head);  // one that is too long is empty, and refused
}

Loop::Next Server::Impl::process(Client& client) {
  while (true) {
    auto exchange = next_exchange(surroundings, client);
    if (!exchange) return Loop::Next::wait;
    if (exchange->is_quick()) {
      exchange->answer();
      if (exchange->try_send()) {
        if (!exchange->finish(!stopping)) return Loop::Next::drop;
        client.waiting_since = std::chrono::steady_clock::now();
        continue;
      }
    }
    client.exchange = std::move(exchange);
    return Loop::Next::hand_over;
  }
}

void Server::Impl::serve(Client& client) {
  while (client.exchange) {
    Exchange& exchange = *client.exchange;
    if (!exchange.answered() || exchange.wait()) exchange.answer();
    if (exchange.wait() && !stopping) return park(client);
    if (exchange.wait()) exchange.answer_now();
    exchange.send();
    const bool keep = exchange.finish(!stopping);
    client.exchange.reset();
    if (!keep) {
      client.linger();
      client.loop.drop(client);
      return;
    }
    client.exchange = next_exchange(surroundings, client);
  }
  client.loop.give_back(client);
}

// Lets go of the thread until the client's operation can go on; another may have taken it up when this returns.
void Server::Impl::park(Client& client) {
  std::shared_ptr<api::Wait> wait = client.exchange->wait();
  {
    std::lock_guard lock(parked_mutex);
    parked.emplace(&client, wait);
  }
  wait->when_over([this, &client] { workers.run([this, &client] { unpark(client); }); });
  if (stopping) wait->end();
}

void Server::Impl::unpark(Client& client) {
  {
    std::lock_guard lock(parked_mutex);
    parked.erase(&client);
  }
  if (client.has_hung_up()) {
    client.exchange->wait()->abandon();
    client.exchange.reset();
    return client.loop.drop(client);
  }
  serve(client);
}

bool Server::Impl::stop() {
  if (stopping.exchange(true)) return loops.empty();
  std::vector<std::shared_ptr<api::Wait>> waits;
  {
    std::lock_guard lock(parked_mutex);
    for (auto& [client, wait] : parked) waits.push_back(wait);
  }
  for (auto& wait : waits) wait->end();
  if (acceptor.joinable()) {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(wake, &one, sizeof one);
    acceptor.join();
  }
  if (listener >= 0) ::close(listener);
  listener = -1;
  for (auto& loop : loops) loop->stop();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(surroundings.options.stop_grace_s);
  while (*connections > 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  for (auto& loop : loops) loop->shut_down_busy();
  if (!workers.join(std::chrono::seconds(2))) return false;
  loops.clear();
  return true;
}

Server::Server(ServerOptions options, api::Operations& operations, govern::Identities& identities, Clock& clock,
               Random& random, Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), operations, identities, clock, random, metrics)) {
  metrics.gauge("tarn_connections", "Open connections.",
                [count = impl_->connections] { return static_cast<double>(*count); });
}

Server::~Server() {
  // Threads that still run keep what they use: it is left to the end of the process.
  if (!stop()) [[maybe_unused]]
    Impl* left = impl_.release();
}

void Server::add_local(std::string_view method, std::string_view path, Local local) {
  TARN_ASSERT(impl_->loops.empty());
  impl_->surroundings.locals[{std::string(method), std::string(path)}] = std::move(local);
}

void Server::start() {
  Impl& impl = *impl_;
  TARN_ASSERT(impl.loops.empty() && !impl.stopping);
  impl.bind();
  impl.wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const int count = impl.surroundings.options.loops > 0
                        ? impl.surroundings.options.loops
                        : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for (int i = 0; i < count; i++)
    impl.loops.push_back(std::make_unique<Loop>(
        [&impl](Client& client) { return impl.arrived(client); },
        [&impl](Client& client) { impl.workers.run([&impl, &client] { impl.serve(client); }); }, impl.connections));
  for (auto& loop : impl.loops) loop->start();
  impl.acceptor = std::thread([&impl] { impl.accept_all(); });
}

bool Server::stop() {
  return impl_->stop();
}
int Server::port() const {
  return impl_->port;
}
std::string Server::endpoint() const {
  return "http://" + impl_->address + ":" + std::to_string(impl_->port);
}

}  // namespace tarn::gateway
