// The threads that run handlers: a pool with a queue of its own for each thing that a handler may
// wait for, so that what waits for Stripe never holds the threads that serve reads, a sync never
// those that move money, and none of them those that say how the service does.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "http/router.h"
#include "http/server.h"
#include "http/workers.h"

namespace payoutd::http {

class Pools {
 public:
  // Only pools that a route runs on get threads.
  Pools(const Router& router, const Server::Options& options);

  Workers& of(Runs runs);  // not on_loop
  std::size_t queued() const;
  void drop_queued();

 private:
  void make(Runs runs, const Server::Options& options);

  std::array<std::optional<Workers>, static_cast<std::size_t>(Runs::on_loop)> pools_;
};

}  // namespace payoutd::http
