#include "gateway/http/loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/http/exchange.hpp"

namespace tarn::gateway {
namespace {

constexpr int sweep_interval_ms = 1000;

}  // namespace

Loop::Loop(Arrived arrived, Take take, std::shared_ptr<std::atomic<int>> connections)
    : arrived_(std::move(arrived)), take_(std::move(take)), connections_(std::move(connections)) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll_ < 0 || wake_ < 0)
    throw Error(ErrorKind::bug, "InternalFailure", "The system gives no more file descriptors (see ulimit -n).");
  epoll_event event{EPOLLIN, {.ptr = nullptr}};
  TARN_ASSERT(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0);
}

Loop::~Loop() {
  if (thread_.joinable()) thread_.join();
  TARN_ASSERT(clients_.empty());
  ::close(epoll_);
  ::close(wake_);
}

void Loop::start() {
  thread_ = std::thread([this] { run(); });
}

void Loop::adopt(int fd, std::string peer_ip) {
  auto* client = new Client(fd, std::move(peer_ip), *this);
  std::lock_guard lock(mutex_);  // until it is watched: so nobody else finds it half made
  clients_.insert(client);
  (*connections_)++;
  watch(*client);
}

void Loop::give_back(Client& client) {
  std::lock_guard lock(mutex_);  // so that stop() finds it either busy or watched
  client.waiting_since = std::chrono::steady_clock::now();
  client.busy.store(false, std::memory_order_release);
  watch(client);
}

void Loop::drop(Client& client) {
  erase(client);
}

void Loop::stop() {
  stopping_ = true;
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(wake_, &one, sizeof one);
}

void Loop::shut_down_busy() {
  std::lock_guard lock(mutex_);
  for (Client* client : clients_)
    if (client->busy) client->shut_down();
}

void Loop::run() {
  std::array<epoll_event, 64> events;
  auto next_sweep = std::chrono::steady_clock::now();
  while (true) {
    int count =
        ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), stopping_ ? 10 : sweep_interval_ms);
    for (int i = 0; i < count; i++) {
      auto* client = static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (!client) {
        uint64_t unused;
        [[maybe_unused]] ssize_t got = ::read(wake_, &unused, sizeof unused);
        continue;
      }
      // Pairs with give_back(): what the worker wrote is seen here.
      TARN_ASSERT(!client->busy.load(std::memory_order_acquire));
      Next next = arrived_(*client);
      if (next == Next::drop) {
        erase(*client);
      } else if (next == Next::hand_over) {
        unwatch(*client);
        client->busy.store(true, std::memory_order_relaxed);
        take_(*client);
      }
    }
    auto now = std::chrono::steady_clock::now();
    if (stopping_) {
      drop_idle(now);
      std::lock_guard lock(mutex_);
      if (clients_.empty()) return;
    } else if (now >= next_sweep) {
      drop_idle(now - std::chrono::seconds(limits::idle_connection_timeout_s));
      next_sweep = now + std::chrono::milliseconds(sweep_interval_ms);
    }
  }
}

void Loop::watch(Client& client) {
  epoll_event event{EPOLLIN, {.ptr = &client}};
  TARN_ASSERT(::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd(), &event) == 0);
}

// Unlike an empty set of events, being out of epoll altogether keeps hang-ups from being told as well.
void Loop::unwatch(Client& client) {
  TARN_ASSERT(::epoll_ctl(epoll_, EPOLL_CTL_DEL, client.fd(), nullptr) == 0);
}

void Loop::erase(Client& client) {
  {
    std::lock_guard lock(mutex_);
    clients_.erase(&client);
  }
  delete &client;
  (*connections_)--;
}

void Loop::drop_idle(std::chrono::steady_clock::time_point waiting_since_before) {
  std::vector<Client*> idle;
  {
    std::lock_guard lock(mutex_);
    for (Client* client : clients_)
      if (!client->busy.load(std::memory_order_acquire) && client->waiting_since < waiting_since_before)
        idle.push_back(client);
  }
  for (Client* client : idle) erase(*client);
}

}  // namespace tarn::gateway
