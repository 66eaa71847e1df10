// Events of accounts that nobody knows here: kept by the platform, and applied once their account
// is known. Stripe is asked for the account at once, by a job of sync's.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "base/clock.h"
#include "jobs/handler.h"
#include "pg/database.h"
#include "webhooks/inbox_store.h"

namespace payoutd::webhooks {

// For those of `events` that name an unknown account, in the transaction that stores them: a job
// each that asks Stripe for the account, unless Stripe refused it a short time ago and the account
// has not connected since.
void ask_for_accounts(pg::Tx& tx, std::span<const Received> events, Time now);

// The account says that it connected: Stripe is asked for it, whatever it refused before.
void ask_for_connected(pg::Tx& tx, const std::string& account);

// The handler of mirror::kAdoptEventsJob: moves what waits to the organizations of the accounts
// that are known by now, a few hundred events in a transaction, and queues it; then asks Stripe
// again for the accounts that are not. An event that the organization has already stays one.
// `livemode` as Placement has it; `adopted` is called after each commit. Database and clock must
// outlive it.
struct Adopting {
  pg::Database& db;
  const Clock& clock;
  std::optional<bool> livemode;
  std::function<void()> adopted = [] {};
};
jobs::Handler adopt_handler(Adopting adopting);

}  // namespace payoutd::webhooks
