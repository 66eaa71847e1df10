#include <algorithm>

#include "stripe/sim/world/ledger.h"
#include "stripe/sim/world/world.h"

namespace payoutd::sim {

std::int64_t next_due(const World& world) {
  const auto settles = world.settling.empty() ? kNever : world.settling.begin()->first;
  const auto timer = world.timers.empty() ? kNever : world.timers.begin()->first;
  return std::min(settles, timer);
}

void advance_to(World& world, std::int64_t when) {
  const Cause cause = std::exchange(world.cause, {});
  for (auto due = next_due(world); due <= when; due = next_due(world)) {
    world.now = std::max(world.now, due);
    if (!world.settling.empty() && world.settling.begin()->first == due) {
      settle(world, world.settling.extract(world.settling.begin()).mapped());
      continue;
    }
    const auto timer = world.timers.extract(world.timers.begin());
    timer.mapped()(world);
  }
  world.now = std::max(world.now, when);
  world.cause = cause;
}

}  // namespace payoutd::sim
