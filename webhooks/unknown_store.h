// The SQL of events that wait for their account to become known.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "pg/database.h"

namespace payoutd::webhooks::unknown_store {

// An account for which events wait, and whose it is.
struct Owner {
  OrgId platform;  // keeps them
  OrgId organization;
  std::string account;
  bool is_platform = false;  // its events name no account
};
std::vector<Owner> known_by_now(pg::Tx& tx);

// At most `limit` of the account's events to its organization, queued where a type is applied; how
// many were taken.
int adopt(pg::Tx& tx, const Owner& owner, std::optional<bool> livemode, int limit);

// The accounts among `accounts` that Stripe refused and that it is not to be asked for yet.
std::vector<std::string> refused(pg::Tx& tx, const std::set<std::string>& accounts, Time now);
// Accounts with waiting events that it may be asked for.
std::set<std::string> to_be_asked(pg::Tx& tx, Time now, int limit);

// How many events wait for their account, counted to at most kCountedTo.
inline constexpr int kCountedTo = 10'000;
std::int64_t waiting(pg::Tx& tx);
// Forgets events whose week is dropped, and refusals of 60 days ago.
void forget(pg::Tx& tx, Time now);

}  // namespace payoutd::webhooks::unknown_store
