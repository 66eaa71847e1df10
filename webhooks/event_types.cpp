#include "webhooks/event_types.h"

#include <simdjson.h>

#include <algorithm>

#include "base/log.h"
#include "mirror/mirror_jobs.h"

namespace payoutd::webhooks {
namespace {

using namespace shapes;

// Sorted by type.
const EventType kEventTypes[] = {
    {"account.application.authorized", kApplication, Calls::to_ask_for_account},
    {"account.application.deauthorized", kApplication},
    {"account.updated", kAccount},
    {"application_fee.created", kApplicationFee},
    {"application_fee.refund.updated", kFeeRefund},
    {"application_fee.refunded", kApplicationFee},
    {"charge.captured", kCharge},
    {"charge.dispute.closed", kDispute},
    {"charge.dispute.created", kDispute},
    {"charge.dispute.funds_reinstated", kDispute},
    {"charge.dispute.funds_withdrawn", kDispute},
    {"charge.dispute.updated", kDispute},
    {"charge.expired", kCharge},
    {"charge.failed", kCharge},
    {"charge.pending", kCharge},
    {"charge.refund.updated", kRefund},
    {"charge.refunded", kCharge},
    {"charge.succeeded", kCharge},
    {"charge.updated", kCharge},
    {"customer.created", kCustomer},
    {"customer.deleted", kDeletedCustomer},
    {"customer.subscription.created", kSubscription},
    {"customer.subscription.deleted", kSubscription},
    {"customer.subscription.paused", kSubscription},
    {"customer.subscription.pending_update_applied", kSubscription},
    {"customer.subscription.pending_update_expired", kSubscription},
    {"customer.subscription.resumed", kSubscription},
    {"customer.subscription.trial_will_end", kSubscription},
    {"customer.subscription.updated", kSubscription},
    {"customer.updated", kCustomer},
    {"payment_intent.amount_capturable_updated", kPaymentIntent},
    {"payment_intent.canceled", kPaymentIntent},
    {"payment_intent.created", kPaymentIntent},
    {"payment_intent.partially_funded", kPaymentIntent},
    {"payment_intent.payment_failed", kPaymentIntent},
    {"payment_intent.processing", kPaymentIntent},
    {"payment_intent.requires_action", kPaymentIntent},
    {"payment_intent.succeeded", kPaymentIntent},
    {"payout.canceled", kPayout},
    {"payout.created", kPayout},
    {"payout.failed", kPayout},
    {"payout.paid", kPayout},
    {"payout.reconciliation_completed", kPayout},
    {"payout.updated", kPayout},
    {"refund.created", kRefund},
    {"refund.failed", kRefund},
    {"refund.updated", kRefund},
    {"transfer.created", kTransfer},
    {"transfer.reversed", kTransfer},
    {"transfer.updated", kTransfer},
};

// Fills in the event's object.
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

// Asks Stripe for the object instead. Error: there is nothing to ask for.
Result<void> fetch_instead(const EventType& type, const StoredEvent& event, const Misfit& misfit,
                           Work& work) {
  const std::string_view object = type.shape.type;
  if (misfit.object_id.empty() || !mirror::path_of(object, misfit.object_id)) {
    return Error{Kind::unprocessable, "event_misfit",
                 misfit.reason + ", and Stripe shows no such object by itself"};
  }
  if (object == shapes::kAccount.type && misfit.object_id != event.account) {
    return Error{Kind::unprocessable, "event_misfit", misfit.reason + ", and it is another's"};
  }
  log::debug("an event's object can't be read as it stands; it is fetched",
            {{"event", event.id}, {"why", misfit.reason}});
  work.refetch.push_back({.organization = event.organization,
                          .account = event.account,
                          .type = std::string(object),
                          .stripe_id = misfit.object_id,
                          .not_before = event.created + std::chrono::seconds(1)});
  return {};
}

}  // namespace

std::span<const EventType> event_types() { return kEventTypes; }

const EventType* find_event_type(std::string_view type) {
  const auto* found = std::ranges::lower_bound(kEventTypes, type, {}, &EventType::type);
  return found != std::end(kEventTypes) && found->type == type ? found : nullptr;
}

Result<void> read_event(StoredEvent& event, Work& work) {
  const EventType* type = find_event_type(event.type);
  // Stored by a version of the program that knew the type.
  if (type == nullptr) return {};
  if (type->calls == Calls::to_ask_for_account) {
    work.connected.push_back(event.account);
    return {};
  }
  if (auto found = find_object(event); !found) return found;
  if (const auto why = misfit(type->shape, event.api_version, event.object)) {
    return fetch_instead(*type, event, *why, work);
  }
  work.versions.push_back({.organization = event.organization,
                           .account = event.account,
                           .object = event.object,
                           .shown_at = event.created,
                           .source = mirror::Source::event,
                           .event_id = event.id,
                           .event_type = event.type});
  return {};
}

}  // namespace payoutd::webhooks
