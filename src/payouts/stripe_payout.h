// A payout as Stripe shows it, and the pure rules by which what was seen of it becomes one state.
//
// merge() is associative, commutative and idempotent, so every permutation and duplication of the
// versions of a payout ends in the same state: the newest version by (second, rank) stands, failed
// and canceled never change again, a reconciliation that was complete stays so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "base/money.h"
#include "base/time.h"
#include "mirror/table.h"
#include "payouts/status.h"

namespace payoutd::payouts {

struct StripePayout {
  Money money;
  StatusWord status;
  std::string type;
  std::optional<std::string> description, method, source_type, statement_descriptor;
  mirror::JsonText metadata;  // keys in order
  std::optional<mirror::JsonText> destination;
  std::optional<std::string> destination_id;  // the id in `destination`, which may be expanded
  std::optional<std::string> failure_code, failure_message;
  std::optional<std::string> balance_transaction, failure_balance_transaction;
  std::optional<std::string> reconciliation_status, trace_id, trace_id_status;
  std::optional<std::string> original_payout, reversed_by, application_fee;
  std::optional<std::int64_t> application_fee_amount;
  bool automatic = false;
  Time arrival_date{}, created{};
  std::optional<std::string> asked_for_by;  // metadata's payoutd_payout_id
};

Result<StripePayout> read_stripe_payout(const mirror::Object& object);

// pending < in_transit < paid < canceled < failed; a word that is not heard of is 0.
int rank_of(const StatusWord& status);
bool is_final(const StatusWord& status);  // failed, canceled

// Stage, rank and digest of a version; the digest leaves out how much of `destination` was
// expanded.
mirror::Shown shown(const StripePayout& payout, const mirror::Version& version);

// When a payout took the statuses in which it may end.
struct EndTimes {
  std::optional<Time> paid{}, failed{}, canceled{};
  friend bool operator==(const EndTimes&, const EndTimes&) = default;
};
EndTimes earlier(const EndTimes& a, const EndTimes& b);  // of each; a time before none

// The state of a payout after one or many versions.
struct State {
  StripePayout body;  // of the newest version; `status` may be an earlier final one
  mirror::Shown shown;
  bool tied = false;    // another version, equally new, differs
  EndTimes happened{};  // the second of Stripe's payout.paid, payout.failed, payout.canceled
  EndTimes seen{};      // the first second in which a version showed that status

  // A paid one that the bank sent back; nothing where no event told when.
  std::optional<Time> returned_at() const;
};

State state_of(StripePayout payout, const mirror::Version& version);
State merge(const State& a, const State& b);

}  // namespace payoutd::payouts
