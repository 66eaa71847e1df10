// A server of bytes for tests: answers, delays, cuts and resets as it is told, on real sockets.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace payoutd::stripe {

struct WireRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  int connection = 0;  // 1 is the first that was accepted
};

class WireConnection {
 public:
  WireConnection(int socket, SSL_CTX* tls);
  ~WireConnection();
  WireConnection(const WireConnection&) = delete;
  WireConnection& operator=(const WireConnection&) = delete;

  bool handshake();
  std::string read_some();  // empty at the end
  void write(std::string_view bytes);
  void reply(int status, std::string_view body,
             std::string_view headers = "");  // "A: b\r\nC: d\r\n"
  void end();                                 // an orderly close
  void reset();                               // with RST
  bool open() const { return open_; }

 private:
  int socket_;
  SSL* tls_ = nullptr;
  bool open_ = true;
};

class Wire {
 public:
  using Handler = std::function<void(WireConnection&, const WireRequest&)>;
  // `tls`: with a certificate of its own for 127.0.0.1; see ca_file().
  explicit Wire(Handler handler, bool tls = false);
  ~Wire();  // cuts every connection and waits for its threads

  std::string url() const;
  std::uint16_t port() const { return port_; }
  const std::string& ca_file() const { return ca_file_; }
  std::vector<WireRequest> requests() const;
  int connections() const { return accepted_; }

  void stop_listening();  // connections that stand stay

  // For handlers that must not end before the test says so, or the server goes.
  void hold();
  void let_go();

 private:
  void accept_all();
  void serve(int socket, int number);
  void make_certificate();

  Handler handler_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls_;
  std::string ca_file_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_{0};
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::condition_variable released_;
  bool let_go_ = false;
  std::vector<WireRequest> requests_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// A port of this machine that nobody listens on.
std::uint16_t unused_port();

}  // namespace payoutd::stripe
