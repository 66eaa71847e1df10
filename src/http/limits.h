// What a server takes from a client before it refuses, and how long it waits.
#pragma once

#include <cstddef>

namespace payoutd::http {

struct Limits {
  std::size_t max_connections = 10'000;  // beyond: 503 with Retry-After, and closed
  std::size_t max_queued = 1'024;        // requests waiting for a worker; beyond: 503, Retry-After
  std::size_t max_queued_for_stripe = 64;  // the same, of those that call Stripe
  std::size_t max_queued_for_sync = 16;    // the same, of those that sync
  std::size_t max_line_bytes = 8'192;      // request line and each header line
  std::size_t max_uri_bytes = 4'096;
  std::size_t max_header_bytes = 32'768;
  std::size_t max_headers = 100;
  std::size_t max_body_bytes = 4 * 1024 * 1024;  // a route's max_body may be lower
  // Of all unanswered requests together, counted as the bytes arrive.
  std::size_t max_bodies_bytes = 256 * 1024 * 1024;
  int request_ms = 15'000;  // from a request's first byte to its last
  int idle_ms = 60'000;     // a kept connection without a request
  int write_ms = 30'000;    // for each 64 KiB of an answer that the client reads slowly
  int linger_ms = 1'000;    // after a refusal: what the client still sends is read and dropped
  int drain_ms = 10'000;    // at stop: what was accepted is finished in this time
};

}  // namespace payoutd::http
