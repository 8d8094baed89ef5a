// An event loop: one thread that waits, with epoll, for requests on many connections.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "gateway/http/connection.hpp"

namespace tarn::gateway {

class Exchange;
class Loop;

// A connection as its loop knows it. While `busy` a worker owns it, else the loop's thread does.
struct Client : Connection {
  Client(int fd, std::string peer_ip, Loop& its_loop) : Connection(fd, std::move(peer_ip)), loop(its_loop) {}

  Loop& loop;
  std::size_t searched = 0;  // of the buffered bytes, those that hold no end of a head
  std::chrono::steady_clock::time_point waiting_since = std::chrono::steady_clock::now();
  std::atomic<bool> busy = false;
  std::unique_ptr<Exchange> exchange;  // the request that a worker answers
};

class Loop {
 public:
  // Told, in the loop's thread, that bytes came from `client`. Returns what becomes of it.
  enum class Next { wait, hand_over, drop };
  using Arrived = std::function<Next(Client& client)>;
  // Gets a client that was handed over, out of the loop's sight until give_back() or drop().
  using Take = std::function<void(Client& client)>;

  // `connections` counts those of all loops.
  Loop(Arrived arrived, Take take, std::shared_ptr<std::atomic<int>> connections);
  ~Loop();  // stop() must have been called, and no client be busy

  void start();
  // Takes over a connected socket. Any thread.
  void adopt(int fd, std::string peer_ip);
  // The two ends of a client's time with a worker. From the worker's thread.
  void give_back(Client& client);
  void drop(Client& client);
  // Ends the connections that wait and, as soon as they are given back or dropped, the others; then the thread.
  void stop();
  // Makes the transfers of busy connections fail.
  void shut_down_busy();
  bool stopping() const { return stopping_; }

 private:
  void run();
  void watch(Client& client);
  void unwatch(Client& client);
  void erase(Client& client);
  void drop_idle(std::chrono::steady_clock::time_point waiting_since_before);

  Arrived arrived_;
  Take take_;
  int epoll_ = -1, wake_ = -1;
  std::atomic<bool> stopping_ = false;
  std::shared_ptr<std::atomic<int>> connections_;
  std::mutex mutex_;
  std::unordered_set<Client*> clients_;
  std::thread thread_;
};

}  // namespace tarn::gateway
