#include "payouts/stripe_payout.h"

#include <algorithm>
#include <array>

#include "payouts/stripe_columns.h"
#include "stripe/metadata_keys.h"

namespace payoutd::payouts {

namespace {

using mirror::Fields;
using mirror::Object;

constexpr std::array kByRank{Status::pending, Status::in_transit, Status::paid, Status::canceled,
                             Status::failed};

void read_trace(Fields& f, StripePayout& payout) {
  payout.trace_id = f.text_inside("trace_id", "value");
  payout.trace_id_status = f.text_inside("trace_id", "status");
}

void read_links(Fields& f, StripePayout& payout) {
  payout.balance_transaction = f.optional_id("balance_transaction");
  payout.failure_balance_transaction = f.optional_id("failure_balance_transaction");
  payout.original_payout = f.optional_id("original_payout");
  payout.reversed_by = f.optional_id("reversed_by");
  payout.application_fee = f.optional_id("application_fee");
  payout.application_fee_amount = f.optional_integer("application_fee_amount");
  payout.destination = f.optional_json("destination");
  payout.destination_id = f.optional_id("destination");
}

std::optional<Time> earlier_of(std::optional<Time> a, std::optional<Time> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

EndTimes times_of(const StatusWord& status, Time at) {
  EndTimes times;
  if (status == Status::paid) times.paid = at;
  if (status == Status::failed) times.failed = at;
  if (status == Status::canceled) times.canceled = at;
  return times;
}

// Both are terminal: the one seen first stands; in the same second `failed` wins.
void settle_status(State& state) {
  const auto& [paid, failed_at, canceled_at] = state.seen;
  if (!failed_at && !canceled_at) return;
  const bool failed = !canceled_at || (failed_at && *failed_at <= *canceled_at);
  state.body.status = failed ? Status::failed : Status::canceled;
}

}  // namespace

EndTimes earlier(const EndTimes& a, const EndTimes& b) {
  return {.paid = earlier_of(a.paid, b.paid),
          .failed = earlier_of(a.failed, b.failed),
          .canceled = earlier_of(a.canceled, b.canceled)};
}

int rank_of(const StatusWord& status) {
  const auto* found = std::ranges::find_if(kByRank, [&](Status one) { return status == one; });
  return found == kByRank.end() ? 0 : static_cast<int>(found - kByRank.begin());
}

bool is_final(const StatusWord& status) { return rank_of(status) >= 3; }

Result<StripePayout> read_stripe_payout(const Object& object) {
  Fields f(object);
  StripePayout payout;
  payout.money = f.money("amount", "currency");
  payout.status = StatusWord(f.text("status"));
  payout.type = f.optional_text("type").value_or("bank_account");
  payout.description = f.optional_text("description");
  payout.method = f.optional_text("method");
  payout.source_type = f.optional_text("source_type");
  payout.statement_descriptor = f.optional_text("statement_descriptor");
  payout.metadata = f.sorted("metadata");
  payout.asked_for_by = f.text_inside("metadata", stripe::kPayoutIdKey);
  payout.failure_code = f.optional_text("failure_code");
  payout.failure_message = f.optional_text("failure_message");
  payout.reconciliation_status = f.optional_text("reconciliation_status");
  payout.automatic = f.optional_boolean("automatic").value_or(false);
  payout.arrival_date = f.time("arrival_date");
  payout.created = f.time("created");
  read_trace(f, payout);
  read_links(f, payout);
  if (const auto bad = f.error()) return *bad;
  return payout;
}

mirror::Shown shown(const StripePayout& payout, const mirror::Version& version) {
  const bool reconciled = payout.reconciliation_status == "completed";
  const bool traced = payout.trace_id_status && payout.trace_id_status != "pending";
  const int step = rank_of(payout.status) * 3 + reconciled + traced;
  return {.stage = is_final(payout.status),
          .at = to_unix(version.shown_at),
          .rank = mirror::Progress{mirror::later_than_created(version), step}.rank(),
          .digest = mirror::digest_of(payout, kStripeColumns)};
}

std::optional<Time> State::returned_at() const {
  if (body.status != Status::failed || !seen.paid) return std::nullopt;
  return happened.failed;
}

State state_of(StripePayout payout, const mirror::Version& version) {
  State state{.body = std::move(payout), .shown = {}};
  state.shown = shown(state.body, version);
  const Time at = from_unix(state.shown.at);
  const StatusWord& status = state.body.status;
  state.seen = times_of(status, at);
  // An event of another kind, such as payout.updated, shows a status that may be days old.
  const bool own_event =
      version.source == mirror::Source::event && version.event_type == "payout." + status.text;
  if (own_event) state.happened = state.seen;
  return state;
}

State merge(const State& a, const State& b) {
  const State& newer = a.shown < b.shown ? b : a;
  const State& older = a.shown < b.shown ? a : b;
  State merged = newer;
  const bool beside = std::tie(a.shown.stage, a.shown.at, a.shown.rank) ==
                      std::tie(b.shown.stage, b.shown.at, b.shown.rank);
  if (beside) merged.tied = a.tied || b.tied || a.shown.digest != b.shown.digest;
  merged.happened = earlier(a.happened, b.happened);
  merged.seen = earlier(a.seen, b.seen);
  if (older.body.reconciliation_status == "completed") {
    merged.body.reconciliation_status = "completed";
  }
  settle_status(merged);
  return merged;
}

}  // namespace payoutd::payouts
