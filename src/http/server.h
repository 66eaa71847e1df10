// The HTTP server: one epoll thread owns the sockets and buffers whole, strictly framed,
// size-limited requests; cpp-httplib writes their answers; handlers that may block run on workers.
// Requests of one connection are answered one after the other, in order; idle and slow connections
// cost only memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/limits.h"
#include "http/router.h"

namespace payoutd::http {

class Metrics;

class Server {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8080;  // 0: any free one
    int workers = 8;
    int stripe_workers = 16;  // for routes that run on_stripe_worker
    int sync_workers = 4;     // for those that run on_sync_worker
    int probe_workers = 3;    // for those that run on_probe_worker
    Limits limits{};
    std::string server_name = "payoutd";
    Metrics* metrics = nullptr;  // gets requests and latencies by route; outlives the server
  };
  Server(Router router, Options options);
  ~Server();  // stops, and waits for handlers that still run

  // Binds and starts its threads. Errors: refused `port_taken`, saying which port and what to do;
  // invalid `listen_failed`.
  Result<void> start();
  std::uint16_t port() const;  // the real one, after start()

  // Finishes what was accepted, with `Connection: close`; idle connections are closed at once, new
  // ones refused. Takes at most limits.drain_ms; false: something was cut off. Not from a handler.
  bool stop();

  // The counters behind /metrics.
  struct Counts {
    std::uint64_t connections = 0, requests = 0, rejected = 0, timeouts = 0;
    std::size_t open_connections = 0, in_flight = 0, queued = 0;
  };
  Counts counts() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Writes `counts` into gauges: what the handler of /metrics calls before Metrics::text().
void publish(const Server::Counts& counts, Metrics& metrics);

}  // namespace payoutd::http
