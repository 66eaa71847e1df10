#include "mirror/event_types.h"

#include <algorithm>
#include <string>

#include "mirror/mirror_jobs.h"

namespace payoutd::mirror {
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

}  // namespace

std::span<const EventType> event_types() { return kEventTypes; }

const EventType* find_event_type(std::string_view type) {
  const auto* found = std::ranges::lower_bound(kEventTypes, type, {}, &EventType::type);
  return found != std::end(kEventTypes) && found->type == type ? found : nullptr;
}

Result<Refetch> fetch_instead(const EventType& type, const Misfit& misfit, const Version& event) {
  const std::string_view object = type.shape.type;
  if (!misfit.object_id.empty() && !is_id(misfit.object_id)) {
    return Error{Kind::unprocessable, "event_misfit",
                 misfit.reason + ", and its " + why_no_id("id", misfit.object_id)};
  }
  if (misfit.object_id.empty() || !path_of(object, misfit.object_id)) {
    return Error{Kind::unprocessable, "event_misfit",
                 misfit.reason + ", and Stripe shows no such object by itself"};
  }
  if (object == kAccount.type && misfit.object_id != event.account) {
    return Error{Kind::unprocessable, "event_misfit", misfit.reason + ", and it is another's"};
  }
  return Refetch{.organization = event.organization,
                 .account = std::string(event.account),
                 .type = std::string(object),
                 .stripe_id = misfit.object_id,
                 .not_before = event.shown_at + std::chrono::seconds(1),
                 .instead = true};
}

}  // namespace payoutd::mirror
