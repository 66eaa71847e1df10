#include "http/server.h"

#include <mutex>
#include <optional>
#include <thread>

#include "base/check.h"
#include "http/core.h"
#include "http/listener.h"
#include "http/loop.h"
#include "http/metrics.h"
#include "http/pools.h"

namespace payoutd::http {
namespace {

constexpr std::size_t kOtherFiles = 512;  // the database's connections, logs, what else is open

}  // namespace

struct Server::Parts {
  Parts(Router router, Options options) : core(std::move(router), std::move(options)) {}

  Core core;
  Listener listener;
  std::optional<Pools> pools;
  std::optional<Loop> loop;
  std::jthread thread;
  std::mutex stopping;
};

Server::Server(Router router, Options options)
    : parts_(std::make_unique<Parts>(std::move(router), std::move(options))) {}

Server::~Server() {
  stop();
  parts_->pools.reset();
}

Result<void> Server::start() {
  CHECK(!parts_->pools);
  const Options& options = parts_->core.options;
  const Limits& limits = options.limits;
  allow_open_files(limits.max_connections + limits.max_connections / 8 + kOtherFiles);
  if (auto open = parts_->listener.open(options.host, options.port); !open) return open;
  parts_->pools.emplace(parts_->core.router, options);
  parts_->loop.emplace(parts_->core, parts_->listener, *parts_->pools);
  parts_->thread = std::jthread([loop = &*parts_->loop] { loop->run(); });
  return {};
}

std::uint16_t Server::port() const { return parts_->listener.port(); }

bool Server::stop() {
  const std::scoped_lock lock(parts_->stopping);
  if (!parts_->loop) return true;
  parts_->loop->stop();
  if (parts_->thread.joinable()) parts_->thread.join();
  parts_->pools->drop_queued();
  return parts_->loop->finished_all();
}

Server::Counts Server::counts() const {
  const Tallies& tallies = parts_->core.tallies;
  Counts counts;
  counts.connections = tallies.connections;
  counts.requests = tallies.requests;
  counts.rejected = tallies.rejected;
  counts.timeouts = tallies.timeouts;
  counts.open_connections = tallies.open_connections;
  counts.in_flight = tallies.in_flight;
  counts.queued = parts_->pools ? parts_->pools->queued() : 0;
  return counts;
}

void publish(const Server::Counts& counts, Metrics& metrics) {
  const auto set = [&](const char* name, const char* help, double value) {
    metrics.gauge(name, help).Set(value);
  };
  set("http_connections_open", "Connections open now",
      static_cast<double>(counts.open_connections));
  set("http_requests_in_flight", "Requests being answered now",
      static_cast<double>(counts.in_flight));
  set("http_requests_queued", "Requests waiting for a worker", static_cast<double>(counts.queued));
  set("http_connections_accepted", "Connections since the start",
      static_cast<double>(counts.connections));
  set("http_requests_received", "Whole requests since the start",
      static_cast<double>(counts.requests));
  set("http_rejected", "Requests and connections refused by the server itself since the start",
      static_cast<double>(counts.rejected));
  set("http_timeouts", "Requests and answers cut off by their deadline since the start",
      static_cast<double>(counts.timeouts));
}

}  // namespace payoutd::http
