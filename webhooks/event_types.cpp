#include "webhooks/event_types.h"

#include <simdjson.h>

#include <algorithm>

#include "access/connected_accounts.h"
#include "base/json.h"
#include "webhooks/unknown_accounts.h"

namespace payoutd::webhooks {
namespace {

Result<void> mirror_object(const StoredEvent& event, Work& work) {
  work.versions.push_back({.organization = event.organization,
                           .account = event.account,
                           .object = event.object,
                           .shown_at = event.created,
                           .source = mirror::Source::event,
                           .event_id = event.id,
                           .event_type = event.type});
  return {};
}

// The object is the account itself; whose event it is says the account that the event names.
Result<void> account_updated(const StoredEvent& event, Work& work) {
  const auto object = parse_json(event.object);
  if (!object) return object.error();
  const auto fields = access::account_fields(*object);
  if (!fields) return fields.error();
  if (fields->stripe_account != event.account) {
    return Error{Kind::unprocessable, "account_mismatch",
                 "the event of " + event.account + " shows another account"};
  }
  access::show_account(work.tx, event.organization, *fields, {event.created, 0});
  return {};
}

// The object is the application that lost its access; the account is the event's.
Result<void> account_deauthorized(const StoredEvent& event, Work& work) {
  access::deauthorize_account(work.tx, event.organization, event.account, event.created);
  return {};
}

// It connected again, or for the first time: Stripe is asked for the account as it is now.
Result<void> account_authorized(const StoredEvent& event, Work& work) {
  ask_for_connected(work.tx, event.account);
  return {};
}

// Sorted by type.
constexpr EventType kEventTypes[] = {
    {"account.application.authorized", account_authorized},
    {"account.application.deauthorized", account_deauthorized},
    {"account.updated", account_updated},
    {"application_fee.created", mirror_object},
    {"application_fee.refund.updated", mirror_object},
    {"application_fee.refunded", mirror_object},
    {"charge.captured", mirror_object},
    {"charge.dispute.closed", mirror_object},
    {"charge.dispute.created", mirror_object},
    {"charge.dispute.funds_reinstated", mirror_object},
    {"charge.dispute.funds_withdrawn", mirror_object},
    {"charge.dispute.updated", mirror_object},
    {"charge.expired", mirror_object},
    {"charge.failed", mirror_object},
    {"charge.pending", mirror_object},
    {"charge.refund.updated", mirror_object},
    {"charge.refunded", mirror_object},
    {"charge.succeeded", mirror_object},
    {"charge.updated", mirror_object},
    {"customer.created", mirror_object},
    {"customer.deleted", mirror_object},
    {"customer.subscription.created", mirror_object},
    {"customer.subscription.deleted", mirror_object},
    {"customer.subscription.paused", mirror_object},
    {"customer.subscription.pending_update_applied", mirror_object},
    {"customer.subscription.pending_update_expired", mirror_object},
    {"customer.subscription.resumed", mirror_object},
    {"customer.subscription.trial_will_end", mirror_object},
    {"customer.subscription.updated", mirror_object},
    {"customer.updated", mirror_object},
    {"payment_intent.amount_capturable_updated", mirror_object},
    {"payment_intent.canceled", mirror_object},
    {"payment_intent.created", mirror_object},
    {"payment_intent.partially_funded", mirror_object},
    {"payment_intent.payment_failed", mirror_object},
    {"payment_intent.processing", mirror_object},
    {"payment_intent.requires_action", mirror_object},
    {"payment_intent.succeeded", mirror_object},
    {"payout.canceled", mirror_object},
    {"payout.created", mirror_object},
    {"payout.failed", mirror_object},
    {"payout.paid", mirror_object},
    {"payout.reconciliation_completed", mirror_object},
    {"payout.updated", mirror_object},
    {"refund.created", mirror_object},
    {"refund.failed", mirror_object},
    {"refund.updated", mirror_object},
    {"transfer.created", mirror_object},
    {"transfer.reversed", mirror_object},
    {"transfer.updated", mirror_object},
};

}  // namespace

std::span<const EventType> event_types() { return kEventTypes; }

const EventType* find_event_type(std::string_view type) {
  const auto* found = std::ranges::lower_bound(kEventTypes, type, {}, &EventType::type);
  return found != std::end(kEventTypes) && found->type == type ? found : nullptr;
}

Result<void> find_object(StoredEvent& event) {
  thread_local simdjson::ondemand::parser parser;
  const Error invalid{Kind::invalid, "event_invalid", "the event has no data.object"};
  event.body.reserve(event.body.size() + simdjson::SIMDJSON_PADDING);
  simdjson::ondemand::document document;
  if (parser.iterate(event.body).get(document) != simdjson::SUCCESS) return invalid;
  simdjson::ondemand::object object;
  if (document["data"]["object"].get_object().get(object) != simdjson::SUCCESS) return invalid;
  if (object.raw_json().get(event.object) != simdjson::SUCCESS) return invalid;
  return {};
}

}  // namespace payoutd::webhooks
