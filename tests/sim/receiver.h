// A webhook endpoint over plain sockets, so that the sender is judged by the bytes it puts on the
// wire.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"

namespace payoutd::sim {

class Receiver {
 public:
  struct Delivery {
    std::string line;                            // "POST /hook HTTP/1.1"
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
  };
  // Returns the status to answer with; 0 closes the connection without a word.
  using Answer = std::function<int(const Delivery&)>;

  explicit Receiver(Answer answer = [](const Delivery&) { return 200; })
      : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    CHECK(::bind(listener_, any, size) == 0 && ::listen(listener_, 128) == 0);
    CHECK(::getsockname(listener_, any, &size) == 0);
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
  }

  ~Receiver() {
    closing_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    ::close(listener_);
    {
      const std::lock_guard lock(mutex_);
      for (const int open : open_) ::shutdown(open, SHUT_RDWR);
    }
    for (auto& serving : serving_) serving.join();
  }

  std::string url(const std::string& path = "/hook") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

  std::vector<Delivery> deliveries() const {
    const std::lock_guard lock(mutex_);
    return deliveries_;
  }

  // Waits, at most ten seconds, until `count` deliveries have come in.
  bool wait_for(std::size_t count) const {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, std::chrono::seconds{10},
                          [&] { return deliveries_.size() >= count; });
  }

 private:
  void accept_all() {
    while (!closing_) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      const std::lock_guard lock(mutex_);
      open_.push_back(connection);
      serving_.emplace_back([this, connection] { serve(connection); });
    }
  }

  void serve(int connection) {
    std::string buffer;
    while (true) {
      Delivery delivery;
      if (!read_request(connection, buffer, delivery)) break;
      {
        const std::lock_guard lock(mutex_);
        deliveries_.push_back(delivery);
      }
      came_.notify_all();
      const int status = answer_(delivery);
      if (status == 0) break;
      const std::string reply = "HTTP/1.1 " + std::to_string(status) +
                                " X\r\nLocation: /elsewhere\r\nContent-Length: 2\r\n\r\nok";
      if (::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) break;
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, connection);
    ::close(connection);
  }

  static bool read_more(int connection, std::string& buffer) {
    char bytes[4096];
    const ssize_t count = ::recv(connection, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    buffer.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  static bool read_request(int connection, std::string& buffer, Delivery& delivery) {
    std::size_t end;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more(connection, buffer)) return false;
    }
    std::string head = buffer.substr(0, end + 2);
    buffer.erase(0, end + 4);
    delivery.line = head.substr(0, head.find("\r\n"));
    for (std::size_t at = delivery.line.size() + 2; at < head.size();) {
      const std::size_t stop = head.find("\r\n", at);
      const std::size_t colon = head.find(": ", at);
      std::string name = head.substr(at, colon - at);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      delivery.headers[name] = head.substr(colon + 2, stop - colon - 2);
      at = stop + 2;
    }
    const std::size_t length = std::stoul(delivery.headers["content-length"]);
    while (buffer.size() < length) {
      if (!read_more(connection, buffer)) return false;
    }
    delivery.body = buffer.substr(0, length);
    buffer.erase(0, length);
    return true;
  }

  Answer answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> closing_{false};
  std::thread accepting_;
  mutable std::mutex mutex_;
  mutable std::condition_variable came_;
  std::vector<int> open_;
  std::vector<std::thread> serving_;
  std::vector<Delivery> deliveries_;
};

}  // namespace payoutd::sim
