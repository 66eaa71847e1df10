// What customers, banks and the people behind an account do, one act at a time, as chance has it:
// demo history and live activity are made of these.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stripe/sim/world/world.h"

namespace payoutd::sim {

// Does it on the account and returns the id of what was made; "" where there was nothing to do it
// to.
using Act = std::string (*)(World& world, Account& account);

struct NamedAct {
  std::string_view kind;  // "charges", as POST /_sim/activity has it
  Act act;
};
const std::vector<NamedAct>& all_acts();
Act act_named(std::string_view kind);  // nullptr for none

}  // namespace payoutd::sim
