// Things that customers and banks do by themselves: on demand, and every now and then.
#pragma once

#include <string>

#include "base/result.h"
#include "stripe/sim/world/world.h"

namespace payoutd::sim {

// {"charges": 3, "refunds": 1} on `account`. Returns the ids of what was made, by kind: less than
// was asked for where there was nothing to refund or pay out. Errors: missing `account_unknown`,
// invalid `activity_unknown`.
Result<OrderedJson> make_activity(World& world, const std::string& account, const Json& counts);

// One thing somewhere, as the seed has it.
void live_a_little(World& world);

}  // namespace payoutd::sim
