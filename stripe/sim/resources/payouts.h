// Payouts: money on its way from a balance to a bank, made by request or by schedule, and
// everything that a bank does to them later.
#pragma once

#include <cstdint>
#include <string>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

struct PayoutOrder {
  std::int64_t amount = 0;
  Currency currency{};
  Document* destination = nullptr;
  bool automatic = false, instant = false;
  std::int64_t effective = 0;  // when its row leaves the balance; 0: at once
  std::int64_t arrival = 0;    // arrival_date; 0: by the method
  std::string description{}, statement_descriptor{}, original{};
  OrderedJson metadata = OrderedJson::object();
};

// Posts the debit and plans what follows. The caller checked balance and destination.
Document& make_payout(World& world, Account& account, const PayoutOrder& order);

// Pays out everything that the schedules ask for, from now on and every day.
void start_payout_schedules(World& world);
// One run for one account and the midnight at which its rows settle. Nothing when there is nothing.
Document* sweep(World& world, Account& account, Currency currency, std::int64_t effective);

// Steps of a payout's life; each does nothing where the status does not allow it.
void submit_payout(World& world, Document& payout);
void pay_payout(World& world, Document& payout);
void fail_payout(World& world, Document& payout, std::string_view failure_code);
void cancel_payout(World& world, Document& payout);

}  // namespace payoutd::sim
