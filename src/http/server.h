// The HTTP server: one epoll thread owns the sockets and buffers whole, strictly framed, size-limited
// requests; cpp-httplib parses, routes and writes them; handlers that may block run on workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/router.h"

namespace payoutd::http {

struct Limits {
  std::size_t max_connections = 10'000;
  std::size_t max_queued = 1'024;       // requests waiting for a worker; beyond: 503, Retry-After
  std::size_t max_line_bytes = 8'192;   // request line and each header line
  std::size_t max_uri_bytes = 4'096;
  std::size_t max_header_bytes = 32'768;
  std::size_t max_headers = 100;
  std::size_t max_body_bytes = 4 * 1024 * 1024;  // a route's max_body may be lower
  int request_ms = 15'000;              // from a request's first byte to its last
  int idle_ms = 60'000;                 // a kept connection without a request
  int drain_ms = 10'000;                // at stop: what was accepted is finished in this time
};

class Server {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8080;  // 0: any free one
    int workers = 8;
    Limits limits{};
    std::string server_name = "payoutd";
  };
  Server(Router router, Options options);
  ~Server();  // stops

  // Binds and starts its threads. Error: refused `port_taken`, saying which port and what to do.
  Result<void> start();
  std::uint16_t port() const;  // the real one, after start()

  // Finishes what was accepted, with `Connection: close`, in bounded time. Idle connections are
  // closed at once, new ones refused.
  void stop();

  // The counters behind /metrics.
  struct Counts {
    std::uint64_t connections = 0, requests = 0, rejected = 0, timeouts = 0;
    std::size_t open_connections = 0, in_flight = 0, queued = 0;
  };
  Counts counts() const;
};

}  // namespace payoutd::http
