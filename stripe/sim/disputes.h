// Disputes: the bank takes a charge back, and evidence decides who keeps the money.
#pragma once

#include "stripe/sim/cards.h"
#include "stripe/sim/endpoint.h"

namespace payoutd::sim {

Document& open_dispute(World& world, Account& account, Document& charge, Dispute kind);
// The bank's decision on a dispute that is still open.
void close_dispute(World& world, Document& dispute, bool won);

}  // namespace payoutd::sim
