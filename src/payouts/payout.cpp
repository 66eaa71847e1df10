#include "payouts/payout.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/money.h"
#include "payouts/stripe_payout.h"

namespace payoutd::payouts {

namespace {

// Null in a currency whose decimals this program does not know.
OrderedJson decimal(Money money) {
  return money.currency.known() ? OrderedJson(to_decimal(money)) : OrderedJson(nullptr);
}

void add_engine(OrderedJson& json, const Payout& p) {
  json["molam_fee"] = or_null(p.platform_fee);
  json["bank_fee"] = or_null(p.bank_fee);
  json["tax"] = or_null(p.tax);
  json["net_amount"] = or_null(p.net_amount);
  json["priority"] = or_null(p.priority);
}

void add_stripe(OrderedJson& json, const Payout& p) {
  json["account"] = or_null(p.account);
  json["stripe_payout_id"] = or_null(p.stripe_payout_id);
  json["arrival_date"] = or_null(p.arrival_date);
  json["automatic"] = or_null(p.automatic);
  json["destination"] = p.destination ? OrderedJson(*p.destination) : OrderedJson(nullptr);
  json["failure_code"] = or_null(p.failure_code);
  json["failure_message"] = or_null(p.failure_message);
  json["reconciliation_status"] = or_null(p.reconciliation_status);
  json["trace_id"] = or_null(p.trace_id);
}

void add_origin(OrderedJson& json, const Payout& p) {
  json["origin_module"] = or_null(p.origin_module);
  json["origin_entity_id"] = or_null(p.origin_entity_id);
  json["influencerId"] = or_null(p.influencer_id);
  json["campaignId"] = or_null(p.campaign_id);
  json["invoiceId"] = or_null(p.invoice_id);
  json["poId"] = or_null(p.po_id);
  json["beneficiary"] = nullptr;
  json["batch_id"] = or_null(p.batch_id);
  json["hold_id"] = or_null(p.hold_id);
  json["external_id"] = or_null(p.external_id);
  json["reference_code"] = or_null(p.reference_code);
}

void add_progress(OrderedJson& json, const Payout& p, std::span<const PayoutEvent> events) {
  json["attempts"] = p.attempts;
  json["next_attempt_at"] = or_null(p.next_attempt_at);
  json["returned_at"] = or_null(p.returned_at);
  json["blocks"] = OrderedJson(p.blocks);
  json["created_by"] = or_null(p.created_by);
  json["approved_by"] = or_null(p.approved_by);
  json["requestedAt"] = or_null(p.requested_at);
  json["approvedAt"] = or_null(p.approved_at);
  json["processedAt"] = or_null(p.processed_at);
  json["paidAt"] = or_null(paid_at(p, events));
  json["failedAt"] = or_null(p.failed_at);
  json["statusHistory"] = status_history(p, events);
  json["created"] = to_iso(p.created);
  json["updated"] = to_iso(p.updated);
}

constexpr std::pair<Status, OptionalTime EndTimes::*> kEnds[] = {
    {Status::paid, &EndTimes::paid},
    {Status::failed, &EndTimes::failed},
    {Status::canceled, &EndTimes::canceled}};

// A payout and its changes, from the first to the last.
struct History {
  History(const Payout& of, std::span<const PayoutEvent> all)
      : payout(of), events(all), ended{paid_at(of, all), of.failed_at, of.canceled_at} {}
  const Payout& payout;
  const std::span<const PayoutEvent> events;
  const EndTimes ended;
};

// When the payout took the status that the change shows. An event such as payout.updated may show
// one that is days old.
OptionalTime status_since(const History& history, const PayoutEvent& event) {
  if (event.source == "engine") return event.occurred_at;
  const auto* end =
      std::ranges::find_if(kEnds, [&](const auto& e) { return event.status == e.first; });
  if (end != std::end(kEnds)) return history.ended.*(end->second);
  if (!event.only_seen()) return event.occurred_at;
  // When Stripe made a payout of ours, none of its columns tells.
  const bool stripes_own = history.payout.created_by == "stripe";
  return event.status == Status::pending && stripes_own ? OptionalTime(history.payout.created)
                                                        : std::nullopt;
}

OptionalTime happened_at(const History& history, const PayoutEvent& event) {
  return event.only_seen() ? status_since(history, event) : event.occurred_at;
}

// By the second that `when` gives, or else the one in which the change was seen. Of one second they
// stay in the order of the history.
std::vector<const PayoutEvent*> in_order(const History& history,
                                         OptionalTime (*when)(const History&, const PayoutEvent&)) {
  std::vector<const PayoutEvent*> ordered;
  for (const PayoutEvent& event : history.events) ordered.push_back(&event);
  std::ranges::stable_sort(ordered, {}, [&](const PayoutEvent* event) {
    return to_unix(when(history, *event).value_or(event->occurred_at));
  });
  return ordered;
}

OptionalTime seen_at(const PayoutEvent& event) {
  return event.only_seen() ? OptionalTime(event.occurred_at) : std::nullopt;
}

}  // namespace

OrderedJson to_json(const Payout& p, std::span<const PayoutEvent> events) {
  OrderedJson json{{"id", p.id.str()},
                   {"status", p.status.text},
                   {"type", p.type},
                   {"rail", word_of(p.rail)},
                   {"amount", p.money.minor},
                   {"amount_decimal", decimal(p.money)},
                   {"currency", p.money.currency.str()}};
  add_engine(json, p);
  json["method"] = or_null(p.method);
  json["scheduled_run"] = or_null(p.scheduled_run);
  json["description"] = or_null(p.description);
  json["notes"] = or_null(p.notes);
  json["metadata"] = OrderedJson(p.metadata);
  add_stripe(json, p);
  add_origin(json, p);
  add_progress(json, p, events);
  return json;
}

// The arrival date is a day: while the payout was still seen under way, it was not paid.
OptionalTime paid_at(const Payout& payout, std::span<const PayoutEvent> events) {
  if (!payout.paid_at) return std::nullopt;
  const auto told = [](const PayoutEvent& event) { return event.kind == "payout.paid"; };
  const auto still_under_way = [&](const PayoutEvent& event) {
    const bool under_way = event.status == Status::pending || event.status == Status::in_transit;
    return event.source != "engine" && under_way && event.occurred_at >= *payout.paid_at;
  };
  if (std::ranges::any_of(events, told)) return payout.paid_at;
  return std::ranges::any_of(events, still_under_way) ? std::nullopt : payout.paid_at;
}

OrderedJson audit_trail(const Payout& payout, std::span<const PayoutEvent> events) {
  const History history(payout, events);
  OrderedJson trail = OrderedJson::array();
  for (const PayoutEvent* event : in_order(history, happened_at)) {
    trail.push_back({{"id", event->id.str()},
                     {"sequence", event->sequence},
                     {"kind", event->kind},
                     {"from_status", or_null(event->from_status)},
                     {"status", event->status.text},
                     {"timestamp", or_null(happened_at(history, *event))},
                     {"seen_at", or_null(seen_at(*event))},
                     {"notes", or_null(event->notes)},
                     {"changedBy", event->actor},
                     {"source", event->source},
                     {"stripe_event_id", or_null(event->stripe_event_id)},
                     {"detail", OrderedJson(event->detail)},
                     {"recorded_at", to_iso(event->recorded_at)}});
  }
  return trail;
}

OrderedJson status_history(const Payout& payout, std::span<const PayoutEvent> events) {
  const History history(payout, events);
  OrderedJson statuses = OrderedJson::array();
  const StatusWord* last = nullptr;
  for (const PayoutEvent* event : in_order(history, status_since)) {
    if (event->kind == "cancel_requested") continue;  // Stripe's answer changes the status
    if (last != nullptr && *last == event->status) continue;
    statuses.push_back({{"status", event->status.text},
                        {"timestamp", or_null(status_since(history, *event))},
                        {"seen_at", or_null(seen_at(*event))},
                        {"changedBy", event->actor},
                        {"notes", or_null(event->notes)}});
    last = &event->status;
  }
  return statuses;
}

}  // namespace payoutd::payouts
