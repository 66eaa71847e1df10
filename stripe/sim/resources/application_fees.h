// Application fees: what a platform earns on charges of its connected accounts, and gives back.
#pragma once

#include <cstdint>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

void earn_fee_of_direct_charge(World& world, Account& connected, Document& charge,
                               std::int64_t available_on);

// `payment` is what the connected account got of the platform's destination charge.
void earn_fee_of_destination_charge(World& world, Document& charge, Document& payment,
                                    std::int64_t available_on);

// Gives back `amount` of the fee to the connected account. The caller checked that so much is left.
Document& refund_fee(World& world, Document& fee, std::int64_t amount, const OrderedJson& metadata);

std::int64_t refundable(const Document& fee);

}  // namespace payoutd::sim
