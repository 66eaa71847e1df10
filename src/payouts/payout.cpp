#include "payouts/payout.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/money.h"

namespace payoutd::payouts {

namespace {

template <class T>
OrderedJson or_null(const std::optional<T>& value) {
  return value ? OrderedJson(*value) : OrderedJson(nullptr);
}
OrderedJson or_null(const OptionalTime& time) {
  return time ? OrderedJson(to_iso(*time)) : OrderedJson(nullptr);
}
OrderedJson or_null(const std::optional<Uuid>& id) {
  return id ? OrderedJson(id->str()) : OrderedJson(nullptr);
}

OrderedJson decimal(std::int64_t minor, const std::string& code) {
  const auto currency = Currency::parse(code);
  return currency ? OrderedJson(to_decimal({minor, *currency})) : OrderedJson(nullptr);
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
  json["paidAt"] = or_null(p.paid_at);
  json["failedAt"] = or_null(p.failed_at);
  json["statusHistory"] = status_history(p, events);
  json["created"] = to_iso(p.created);
  json["updated"] = to_iso(p.updated);
}

// When the payout took the status that the change shows. An event such as payout.updated may show
// one that is days old.
OptionalTime status_since(const Payout& p, const PayoutEvent& event) {
  if (event.source == "engine") return event.occurred_at;
  if (event.status == "paid") return p.paid_at;
  if (event.status == "failed") return p.failed_at;
  if (event.status == "canceled") return p.canceled_at;
  if (!event.only_seen()) return event.occurred_at;
  if (event.status == "pending") return p.processed_at;
  return std::nullopt;
}

OptionalTime happened_at(const Payout& p, const PayoutEvent& event) {
  return event.only_seen() ? status_since(p, event) : event.occurred_at;
}

OptionalTime seen_at(const PayoutEvent& event) {
  return event.only_seen() ? OptionalTime(event.occurred_at) : std::nullopt;
}

}  // namespace

OrderedJson to_json(const Payout& p, std::span<const PayoutEvent> events) {
  OrderedJson json{{"id", p.id.str()},
                   {"status", p.status},
                   {"type", p.type},
                   {"rail", p.rail},
                   {"amount", p.amount},
                   {"amount_decimal", decimal(p.amount, p.currency)},
                   {"currency", p.currency}};
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

OrderedJson event_json(const Payout& payout, const PayoutEvent& event) {
  return {{"id", event.id.str()},
          {"kind", event.kind},
          {"status", event.status},
          {"timestamp", or_null(happened_at(payout, event))},
          {"seen_at", or_null(seen_at(event))},
          {"notes", or_null(event.notes)},
          {"changedBy", event.actor},
          {"source", event.source},
          {"stripe_event_id", or_null(event.stripe_event_id)},
          {"detail", OrderedJson(event.detail)},
          {"recorded_at", to_iso(event.recorded_at)}};
}

OrderedJson status_history(const Payout& payout, std::span<const PayoutEvent> events) {
  OrderedJson history = OrderedJson::array();
  const std::string* last = nullptr;
  for (const PayoutEvent& event : events) {
    if (last != nullptr && *last == event.status) continue;
    history.push_back({{"status", event.status},
                       {"timestamp", or_null(status_since(payout, event))},
                       {"seen_at", or_null(seen_at(event))},
                       {"changedBy", event.actor},
                       {"notes", or_null(event.notes)}});
    last = &event.status;
  }
  return history;
}

std::optional<std::string> parse_status(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kWords = {{
      {"pending", "pending"},       {"scheduled", "pending"}, {"approved", "approved"},
      {"queued", "queued"},         {"processing", "processing"}, {"in_transit", "in_transit"},
      {"sent", "in_transit"},       {"paid", "paid"},         {"settled", "paid"},
      {"failed", "failed"},         {"canceled", "canceled"}, {"cancelled", "canceled"},
  }};
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const auto found = std::find_if(kWords.begin(), kWords.end(),
                                  [&](const auto& word) { return word.first == lower; });
  if (found == kWords.end()) return std::nullopt;
  return std::string(found->second);
}

}  // namespace payoutd::payouts
