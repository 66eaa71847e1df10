// Accounts: the platform and what is connected to it, with the settings that rule their payouts.
#pragma once

#include <cstdint>
#include <string>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

struct AccountOrder {
  std::string id{};  // "": made
  std::string country = "US", currency = "usd", email{}, name{};
  std::string type = "standard";
  OrderedJson metadata = OrderedJson::object();
};

// The platform, when there is none yet; else connected to it.
Account& open_account(World& world, const AccountOrder& order);

// How often automatic payouts are made: "manual", "daily", "weekly", "monthly".
struct PayoutSchedule {
  std::string interval = "daily";
  std::int64_t delay_days = 2;
  std::string weekly_anchor = "friday";
  std::int64_t monthly_anchor = 1;
};
PayoutSchedule schedule_of(const Account& account);
// Refuses an interval or an anchor that Stripe does not have.
Try<void> check_schedule(const PayoutSchedule& schedule);
Try<void> set_schedule(World& world, Account& account, const PayoutSchedule& schedule);

// The currencies in which the account keeps balances: its default and those of its bank accounts.
Currency settlement_currency(const Account& account, Currency charged);

// Stripe wants to know more of the account, and stops its charges or payouts meanwhile, if told so;
// or is content again.
enum class Demand { nothing, more, more_before_charges, more_before_payouts };
void demand(World& world, Account& account, Demand what);

bool payouts_enabled(const Account& account);
bool charges_enabled(const Account& account);
// What the platform calls itself as an application: on fees and connected objects.
std::string application_id(const Account& platform);

}  // namespace payoutd::sim
