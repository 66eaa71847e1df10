// Accounts: the platform and what is connected to it, with the settings that rule their payouts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stripe/sim/endpoint.h"

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

struct BankOrder {
  std::string number = "000123456789", routing = "110000000", currency = "usd", country = "US";
  std::string holder = "Jenny Rosen";
  bool replaces = false;  // becomes the default of its currency, whatever is there
};
// What a request's `external_account` names: a test token, or a bank account's fields.
Try<void> check_external(const Params& params);
Document& attach_external(World& world, Account& account, const Params& params);  // after the check
Document& attach_bank(World& world, Account& account, const BankOrder& order);
// The default external account of a currency; nothing when there is none.
Document* default_destination(const Account& account, const std::string& currency);
// All that are attached, oldest first.
std::vector<Document*> destinations_of(const Account& account);

}  // namespace payoutd::sim
