// Payment methods: the cards that customers pay with.
#pragma once

#include "stripe/sim/cards.h"
#include "stripe/sim/endpoint.h"

namespace payoutd::sim {

Document& make_method(World& world, Account& account, const Card& card);

}  // namespace payoutd::sim
