// A client that sends exactly the bytes it is given, right or wrong, and reads answers one by one.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"

namespace payoutd::http {

struct Answered {
  int status = 0;                              // 0: no answer, the connection ended
  std::map<std::string, std::string> headers;  // names in lower case
  std::string head;
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
  std::string code() const {
    const Json json = Json::parse(body, nullptr, false);
    return json.is_object() && json.contains("error") ? json["error"]["code"].get<std::string>()
                                                      : body;
  }
};

class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  ~Client() { close(); }
  Client(Client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        connected_(other.connected_),
        in_(std::move(other.in_)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }

  // False: the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // The next answer; status 0 when the server closes or `wait_ms` pass before it is whole.
  Answered read(int wait_ms = 5'000, bool to_head = false) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
    Answered answered;
    while (in_.find("\r\n\r\n") == std::string::npos) {
      if (!more(until)) return {};
    }
    const std::size_t end = in_.find("\r\n\r\n") + 4;
    answered.head = in_.substr(0, end);
    parse_head(answered);
    const bool bodiless = to_head || answered.status < 200 || answered.status == 204;
    const std::string length = answered.header("content-length");
    const std::size_t size = bodiless || length.empty() ? 0 : std::stoul(length);
    while (in_.size() < end + size) {
      if (!more(until)) return {};
    }
    answered.body = in_.substr(end, size);
    in_.erase(0, end + size);
    return answered;
  }

  Answered ask(std::string_view bytes, int wait_ms = 5'000) {
    send(bytes);
    return read(wait_ms);
  }

  // True once the server has closed, and sent nothing more before.
  bool ended(int wait_ms = 5'000) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
    while (more(until)) {
    }
    return in_.empty() && closed_;
  }
  bool was_reset() const { return reset_; }
  const std::string& unread() const { return in_; }

 private:
  bool more(std::chrono::steady_clock::time_point until) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd waiting{fd_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return false;
    char buffer[65'536];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) {
      closed_ = true;
      reset_ = n < 0 && errno == ECONNRESET;
      return false;
    }
    in_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }

  static void parse_head(Answered& answered) {
    std::string_view rest = answered.head;
    bool first = true;
    while (rest.size() > 2) {
      const auto end = rest.find("\r\n");
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end + 2);
      if (std::exchange(first, false)) {
        answered.status = std::stoi(std::string(line.substr(9, 3)));
        continue;
      }
      const auto colon = line.find(": ");
      std::string name(line.substr(0, colon));
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      answered.headers[name] = line.substr(colon + 2);
    }
  }

  int fd_;
  bool connected_ = false;
  bool closed_ = false;
  bool reset_ = false;
  std::string in_;
};

inline std::string get(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n";
}

inline std::string post(std::string_view target, std::string_view body,
                        std::string_view headers = "") {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

}  // namespace payoutd::http
