// Bank accounts and debit cards that payouts go to: one default per currency.
#pragma once

#include <string>
#include <vector>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

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
void make_default(World& world, Account& account, Document& chosen);  // of its currency
// Copies all that are attached into the account's own object.
void show_on_account(World& world, Account& account);

}  // namespace payoutd::sim
