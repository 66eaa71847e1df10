// Payment methods: the cards that customers pay with.
#pragma once

#include "stripe/sim/api/endpoint.h"
#include "stripe/sim/resources/cards.h"

namespace payoutd::sim {

Document& make_method(World& world, Account& account, const Card& card);

}  // namespace payoutd::sim
