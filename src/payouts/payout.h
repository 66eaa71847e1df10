// A payout as it is read and shown: Stripe's own or the engine's, one row of `payouts`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/json.h"
#include "base/money.h"
#include "base/time.h"
#include "payouts/status.h"
#include "rails/rail_name.h"

namespace payoutd::payouts {

using OptionalText = std::optional<std::string>;
using OptionalTime = std::optional<Time>;
using OptionalMinor = std::optional<std::int64_t>;

struct Payout {
  OrgId organization;
  PayoutId id;
  StatusWord status;
  std::string type;
  rails::RailName rail = rails::RailName::stripe_payout;
  Money money;  // gross
  OptionalText account, stripe_payout_id, description, failure_code, failure_message;
  Json metadata;  // without our own keys
  Json blocks;    // [{code, message}]
  Time created{}, updated{};
  OptionalTime requested_at, approved_at, processed_at, paid_at, failed_at, canceled_at,
      returned_at;

  // These are Stripe's.
  OptionalTime arrival_date, members_checked_at;
  OptionalText method, source_type, statement_descriptor, balance_transaction_id;
  OptionalText failure_balance_transaction_id, reconciliation_status, trace_id, trace_id_status;
  OptionalText original_payout, reversed_by;
  std::optional<Json> destination;
  std::optional<bool> automatic;
  bool tied = false;

  // The engine's.
  OptionalText priority, entity_id, source_account, origin_module, origin_entity_id, influencer_id;
  OptionalText campaign_id, invoice_id, po_id, notes, external_id, reference_code, created_by;
  OptionalText approved_by;
  OptionalMinor platform_fee, bank_fee, tax, net_amount;
  std::optional<Uuid> beneficiary_id, hold_id, batch_id;
  OptionalTime scheduled_run, next_attempt_at, dead_at, hidden_at;
  std::int32_t attempts = 0;
};

// A change, as the audit trail and the timeline show it.
struct PayoutEvent {
  PayoutId payout;
  Uuid id;
  std::int64_t sequence = 0;  // of the payout's events, from 1, in the order of writing
  std::string kind, source, actor;
  OptionalText from_status;  // the payout's before; not known of the oldest events
  StatusWord status;         // the payout's, as this change shows it
  OptionalText notes, stripe_event_id;
  Json detail;
  Time occurred_at{};  // of a change that was only seen: the second in which Stripe was asked
  Time recorded_at{};

  // Neither an event nor the engine told of it: a list or a fetched object showed it later.
  bool only_seen() const { return source == "list" || source == "fetch"; }
};

// The contract's fields in its order, null where one does not apply; `beneficiary` is null here,
// its folder knows it. `events` are the payout's, from the first to the last.
OrderedJson to_json(const Payout& payout, std::span<const PayoutEvent> events);

// When it was paid, as far as what was seen of it allows that.
OptionalTime paid_at(const Payout& payout, std::span<const PayoutEvent> events);

// [{status, timestamp, notes, changedBy}], with what was done and who said so. `timestamp` is when
// it happened, or null; `seen_at` is when a change that nobody told was seen. In the order of
// `timestamp`, or else `seen_at`.
OrderedJson audit_trail(const Payout& payout, std::span<const PayoutEvent> events);

// The statuses it went through, each once in a row, in the same order:
// [{status, timestamp, seen_at, changedBy, notes}].
OrderedJson status_history(const Payout& payout, std::span<const PayoutEvent> events);

}  // namespace payoutd::payouts
