// Disputes: the bank takes a charge back, and evidence decides who keeps the money.
#pragma once

#include "stripe/sim/api/endpoint.h"
#include "stripe/sim/resources/cards.h"

namespace payoutd::sim {

Document& open_dispute(World& world, Account& account, Document& charge, Dispute kind);
bool is_closed(const Document& dispute);
// Writes the fields of `evidence` that Stripe knows into the dispute; `submit` hands them to the
// bank.
void give_evidence(OrderedJson& dispute, const Json& evidence, bool submit);
// The bank turns an inquiry into a chargeback and takes the money.
void escalate_inquiry(World& world, Document& dispute);
// The bank's decision on a dispute that is still open.
void close_dispute(World& world, Document& dispute, bool won);

}  // namespace payoutd::sim
