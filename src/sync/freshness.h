// Fresh by day: between two runs, an event that moves a balance calls for a short reading of what
// is new in that account's balance transactions.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "jobs/handler.h"
#include "mirror/apply.h"
#include "pg/database.h"
#include "stripe/client.h"

namespace payoutd::sync {

// The time up to which the account's balance transactions are mirrored, by runs and by readings;
// without `account` the oldest of the organization's active accounts. Nothing where one was never
// synced.
std::optional<Time> fresh_until(pg::Tx& tx, OrgId organization,
                                const std::optional<std::string>& account);

// The handler of mirror::kReadTransactionsJob: lists what was created since `fresh_until`, and two
// minutes before it, last in the budget. At most one reading of an account begins in a minute,
// however many instances run; one that comes too early is put off. An account that no run has
// listed, or that was not read for a day, is left to a run. All must outlive it.
jobs::Handler read_transactions_handler(pg::Database& db, stripe::Client& client,
                                        const mirror::Appliers& appliers, const Clock& clock);

}  // namespace payoutd::sync
