#include "http/pools.h"

#include "base/check.h"

namespace payoutd::http {
namespace {

std::size_t place_of(Runs runs) {
  CHECK(runs != Runs::on_loop);
  return static_cast<std::size_t>(runs);
}

}  // namespace

Pools::Pools(const Router& router, const Server::Options& options) {
  for (const Route& route : router.routes()) {
    make(route.runs, options);
    if (route.runs_async) make(*route.runs_async, options);
  }
}

void Pools::make(Runs runs, const Server::Options& options) {
  if (runs == Runs::on_loop) return;
  auto& pool = pools_[place_of(runs)];
  if (pool) return;
  const Limits& limits = options.limits;
  switch (runs) {
    case Runs::on_worker: pool.emplace(options.workers, limits.max_queued); break;
    case Runs::on_stripe_worker:
      pool.emplace(options.stripe_workers, limits.max_queued_for_stripe);
      break;
    case Runs::on_sync_worker:
      pool.emplace(options.sync_workers, limits.max_queued_for_sync);
      break;
    case Runs::on_probe_worker: pool.emplace(options.probe_workers, limits.max_queued); break;
    case Runs::on_loop: break;
  }
}

Workers& Pools::of(Runs runs) {
  auto& pool = pools_[place_of(runs)];
  CHECK(pool.has_value());
  return *pool;
}

std::size_t Pools::queued() const {
  std::size_t queued = 0;
  for (const auto& pool : pools_) queued += pool ? pool->queued() : 0;
  return queued;
}

void Pools::drop_queued() {
  for (auto& pool : pools_) {
    if (pool) pool->drop_queued();
  }
}

}  // namespace payoutd::http
