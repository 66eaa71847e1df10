// The accounts that a simulator starts with, and the history they look back on.
#pragma once

#include <cstdint>

#include "stripe/sim/world/world.h"

namespace payoutd::sim {

std::int64_t history_of(Demo demo);  // seconds before now at which it begins

// Opens the accounts and lives through their history, from world.now to world.history_until.
void make_demo(World& world);

}  // namespace payoutd::sim
