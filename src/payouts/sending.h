// The parts shared by sending, settling and resolving payouts.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "access/connected_accounts.h"
#include "base/clock.h"
#include "mirror/apply.h"
#include "mirror/own_account.h"
#include "pg/database.h"
#include "rails/rail.h"
#include "stripe/client.h"

namespace payoutd::payouts {

struct SendingSettings {
  std::chrono::milliseconds timeout{20'000};  // of one send of a request; the client repeats it
  // How long a caller waits for what a send comes to; after it the payout itself tells. Stripe
  // answers within a second or two; a caller's own timeout is rarely below a quarter of a minute.
  std::chrono::milliseconds caller_waits{10'000};
  // Named points at which a test ends the process or takes the database away; nothing in service:
  // "committed" before the first byte of a payout leaves, "answered" before what Stripe said of it
  // is kept, "kept" before the caller is told, "cancel_answered" before a payout whose cancellation
  // was asked for is looked at again, "looked" between a list that does not show a payout and what
  // is decided by that.
  std::function<void(const char* point)> at = [](const char*) {};
};

// All must outlive those who use them.
struct SendingParts {
  pg::Database& db;
  stripe::Client& client;
  const mirror::Appliers& appliers;
  const Clock& clock;
  mirror::OwnAccount& own_account;
  const SendingSettings settings;

  // The account's Stripe-Account header: empty for the platform's own. Errors: 404
  // `account_not_found`; 409 `another_platform`; as Client::call.
  Result<std::string> stripe_header(OrgId organization, const std::string& account) const;
};

}  // namespace payoutd::payouts
