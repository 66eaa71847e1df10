#include "stripe/sim/demo.h"

#include "stripe/sim/accounts.h"
#include "stripe/sim/events.h"
#include "stripe/sim/payouts.h"

namespace payoutd::sim {

std::int64_t history_of(Demo demo) {
  switch (demo) {
    case Demo::none: return 0;
    case Demo::small: return 21 * kDay;
    case Demo::full: return 183 * kDay;
  }
  return 0;
}

void make_demo(World& world) {
  Account& platform = open_account(world, {.id = world.options.platform, .email = "platform@example.com", .name = "Harbor Market"});
  attach_bank(world, platform, {});
  start_payout_schedules(world);
  keep_events_bounded(world);
}

}  // namespace payoutd::sim
