#include "payouts/stripe_payout.h"

#include <algorithm>
#include <array>

namespace payoutd::payouts {

namespace {

using mirror::Fields;
using mirror::Object;

constexpr std::array<std::string_view, 5> kByRank = {"pending", "in_transit", "paid", "canceled",
                                                     "failed"};

constexpr auto kCompared = std::tuple{
    mirror::Column{"amount", &StripePayout::amount},
    mirror::Column{"currency", &StripePayout::currency},
    mirror::Column{"status", &StripePayout::status},
    mirror::Column{"type", &StripePayout::type},
    mirror::Column{"description", &StripePayout::description},
    mirror::Column{"method", &StripePayout::method},
    mirror::Column{"source_type", &StripePayout::source_type},
    mirror::Column{"statement_descriptor", &StripePayout::statement_descriptor},
    mirror::Column{"metadata", &StripePayout::metadata},
    mirror::Column{"destination_id", &StripePayout::destination_id},
    mirror::Column{"failure_code", &StripePayout::failure_code},
    mirror::Column{"failure_message", &StripePayout::failure_message},
    mirror::Column{"balance_transaction", &StripePayout::balance_transaction},
    mirror::Column{"failure_balance_transaction", &StripePayout::failure_balance_transaction},
    mirror::Column{"reconciliation_status", &StripePayout::reconciliation_status},
    mirror::Column{"trace_id", &StripePayout::trace_id},
    mirror::Column{"trace_id_status", &StripePayout::trace_id_status},
    mirror::Column{"original_payout", &StripePayout::original_payout},
    mirror::Column{"reversed_by", &StripePayout::reversed_by},
    mirror::Column{"application_fee", &StripePayout::application_fee},
    mirror::Column{"application_fee_amount", &StripePayout::application_fee_amount},
    mirror::Column{"automatic", &StripePayout::automatic},
    mirror::Column{"arrival_date", &StripePayout::arrival_date},
    mirror::Column{"created", &StripePayout::created}};

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

EndTimes times_of(std::string_view status, Time at) {
  EndTimes times;
  if (status == "paid") times.paid = at;
  if (status == "failed") times.failed = at;
  if (status == "canceled") times.canceled = at;
  return times;
}

// Both are terminal: the one seen first stands; in the same second `failed` wins.
void settle_status(State& state) {
  const auto& [paid, failed_at, canceled_at] = state.seen;
  if (!failed_at && !canceled_at) return;
  const bool failed = !canceled_at || (failed_at && *failed_at <= *canceled_at);
  state.body.status = failed ? "failed" : "canceled";
}

}  // namespace

EndTimes earlier(const EndTimes& a, const EndTimes& b) {
  return {.paid = earlier_of(a.paid, b.paid),
          .failed = earlier_of(a.failed, b.failed),
          .canceled = earlier_of(a.canceled, b.canceled)};
}

int rank_of(std::string_view status) {
  const auto found = std::find(kByRank.begin(), kByRank.end(), status);
  return found == kByRank.end() ? 0 : static_cast<int>(found - kByRank.begin());
}

bool is_final(std::string_view status) { return rank_of(status) >= 3; }

Result<StripePayout> read_stripe_payout(const Object& object) {
  Fields f(object);
  StripePayout payout;
  payout.amount = f.integer("amount");
  payout.currency = f.currency("currency");
  payout.status = f.text("status");
  payout.type = f.optional_text("type").value_or("bank_account");
  payout.description = f.optional_text("description");
  payout.method = f.optional_text("method");
  payout.source_type = f.optional_text("source_type");
  payout.statement_descriptor = f.optional_text("statement_descriptor");
  payout.metadata = f.sorted("metadata");
  payout.asked_for_by = f.text_inside("metadata", kPayoutIdKey);
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
          .digest = mirror::digest_of(payout, kCompared)};
}

std::optional<Time> State::returned_at() const {
  if (body.status != "failed" || !seen.paid) return std::nullopt;
  return happened.failed;
}

State state_of(StripePayout payout, const mirror::Version& version) {
  State state{.body = std::move(payout), .shown = {}};
  state.shown = shown(state.body, version);
  const Time at = from_unix(state.shown.at);
  const std::string& status = state.body.status;
  state.seen = times_of(status, at);
  // An event of another kind, such as payout.updated, shows a status that may be days old.
  const bool own_event =
      version.source == mirror::Source::event && version.event_type == "payout." + status;
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
