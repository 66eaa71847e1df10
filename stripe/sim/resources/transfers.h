// Transfers between a platform and its connected accounts, and their reversals: each posts to both
// accounts in one step.
#pragma once

#include <cstdint>
#include <string>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

struct TransferOrder {
  std::int64_t amount = 0;
  Currency currency{};
  Account* destination = nullptr;
  Document* source_transaction = nullptr;
  std::int64_t available_on = 0;     // 0: at once
  std::int64_t application_fee = 0;  // kept from what arrives, in the transfer's currency
  std::string description{}, transfer_group{};
  OrderedJson metadata = OrderedJson::object();
};

Document& make_transfer(World& world, Account& platform, const TransferOrder& order);

// Moves a destination charge's money on, less the application fee.
void transfer_destination_charge(World& world, Account& platform, Document& charge,
                                 std::int64_t available_on);

// Takes `amount` back. The caller checked that so much is left.
Document& reverse_transfer(World& world, Document& transfer, std::int64_t amount,
                           const std::string& refund, const OrderedJson& metadata);

std::int64_t reversible(const Document& transfer);

}  // namespace payoutd::sim
