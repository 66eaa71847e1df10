// A list of an account as a run reads it: its ranges and their outcome.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "sync/ranges.h"
#include "sync/streams.h"

namespace payoutd::sync {

struct Counts {
  std::int64_t pages = 0;
  std::int64_t rows = 0;     // shown by Stripe
  std::int64_t created = 0;  // of them not mirrored before
  std::int64_t changed = 0;
  std::int64_t refused = 0;  // could not be read
  std::int64_t requests = 0;
  Counts& operator+=(const Counts& other);
};

// The account whose list is read.
struct Target {
  OrgId organization;
  std::string account;
  std::string stripe_header;  // empty for the platform's own account
};

// A list of an account as a whole: its ranges and their outcome. One thread uses it beside the
// lister's own.
class Pass {
 public:
  Pass(Target target, const Stream& stream, std::vector<Range> ranges, bool resumable);

  const Target target;
  const Stream& stream;
  const bool resumable;  // its ranges stand in sync_ranges
  std::vector<Range> ranges;
  // For kPayoutTransactions: the payouts whose transactions are listed, in the place of ranges.
  std::vector<std::string> payouts;
  std::int64_t top = 0;  // the largest upper
  PassPlan plan{};       // of a resumable one

  // The lister's until the pass is over.
  Counts counts;
  std::optional<Error> error;               // the first that ended one of its readings
  std::string refused;                      // why an object could not be read
  std::vector<std::string> not_itemisable;  // payouts that Stripe does not list transactions of
  std::optional<Time> asked_since{};        // the earliest sent_at of its pages
  std::size_t open = 0;
};

}  // namespace payoutd::sync
