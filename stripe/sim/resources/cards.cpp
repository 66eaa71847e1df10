#include "stripe/sim/resources/cards.h"

#include <algorithm>
#include <array>

namespace payoutd::sim {
namespace {

constexpr std::string_view kDeclined = "Your card was declined.";

constexpr auto kCards = std::to_array<Card>({
    {"4242424242424242", "pm_card_visa", "tok_visa"},
    {"5555555555554444", "pm_card_mastercard", "tok_mastercard", "mastercard"},
    {"378282246310005", "pm_card_amex", "tok_amex", "amex"},
    {"4000056655665556", "pm_card_visa_debit", "tok_visa_debit", "visa", "debit"},
    {.number = "4000000000000077",
     .method = "pm_card_bypassPending",
     .token = "tok_bypassPending",
     .bypass_pending = true},
    {.number = "4000003720000278",
     .method = "pm_card_bypassPendingInternational",
     .token = "tok_bypassPendingInternational",
     .country = "IE",
     .bypass_pending = true},
    {.number = "4000000000000002",
     .method = "pm_card_visa_chargeDeclined",
     .token = "tok_chargeDeclined",
     .code = "card_declined",
     .decline_code = "generic_decline",
     .message = kDeclined},
    {.number = "4000000000009995",
     .method = "pm_card_visa_chargeDeclinedInsufficientFunds",
     .token = "tok_chargeDeclinedInsufficientFunds",
     .code = "card_declined",
     .decline_code = "insufficient_funds",
     .message = "Your card has insufficient funds."},
    {.number = "4000000000009987",
     .method = "pm_card_visa_chargeDeclinedLostCard",
     .token = "tok_chargeDeclinedLostCard",
     .code = "card_declined",
     .decline_code = "lost_card",
     .message = kDeclined},
    {.number = "4000000000009979",
     .method = "pm_card_visa_chargeDeclinedStolenCard",
     .token = "tok_chargeDeclinedStolenCard",
     .code = "card_declined",
     .decline_code = "stolen_card",
     .message = kDeclined},
    {.number = "4000000000000069",
     .method = "pm_card_chargeDeclinedExpiredCard",
     .token = "tok_chargeDeclinedExpiredCard",
     .code = "expired_card",
     .message = "Your card has expired."},
    {.number = "4000000000000127",
     .method = "pm_card_chargeDeclinedIncorrectCvc",
     .token = "tok_chargeDeclinedIncorrectCvc",
     .code = "incorrect_cvc",
     .message = "Your card's security code is incorrect."},
    {.number = "4000000000000119",
     .method = "pm_card_chargeDeclinedProcessingError",
     .token = "tok_chargeDeclinedProcessingError",
     .code = "processing_error",
     .message = "An error occurred while processing your card. Try again in a little bit."},
    {.number = "4000002760003184",
     .method = "pm_card_authenticationRequired",
     .token = "tok_threeDSecureRequired",
     .authenticate = true},
    {.number = "4000000000000259",
     .method = "pm_card_createDispute",
     .token = "tok_createDispute",
     .dispute = Dispute::fraudulent},
    {.number = "4000000000002685",
     .method = "pm_card_createDisputeProductNotReceived",
     .token = "tok_createDisputeProductNotReceived",
     .dispute = Dispute::not_received},
    {.number = "4000000000001976",
     .method = "pm_card_createDisputeInquiry",
     .token = "tok_createDisputeInquiry",
     .dispute = Dispute::inquiry},
    {.number = "4000000000005423",
     .method = "pm_card_createIssuerFraudRecord",
     .token = "tok_createIssuerFraudRecord"},
    {.number = "4000000000007726",
     .method = "pm_card_pendingRefund",
     .token = "tok_pendingRefund",
     .refund = RefundFate::pending_then_succeeds},
    {.number = "4000000000005126",
     .method = "pm_card_refundFail",
     .token = "tok_refundFail",
     .refund = RefundFate::fails_later},
    {.number = "4000000000004202",
     .method = "pm_card_visa_triggerNextRequirements",
     .token = "tok_visa_triggerNextRequirements",
     .trigger = Trigger::next_requirements},
    {.number = "4000000000004210",
     .method = "pm_card_visa_triggerChargeBlock",
     .token = "tok_visa_triggerChargeBlock",
     .trigger = Trigger::charge_block},
    {.number = "4000000000004236",
     .method = "pm_card_visa_triggerPayoutBlock",
     .token = "tok_visa_triggerPayoutBlock",
     .trigger = Trigger::payout_block},
    // Debit cards as destinations of payouts. Their tokens are named per country; see find_card.
    {.number = "4000056655665556",
     .method = "",
     .token = "tok_visa_debit_transferSuccess",
     .funding = "debit",
     .instant = true},
    {.number = "4000056655665572",
     .method = "",
     .token = "tok_visa_debit_transferFail",
     .funding = "debit",
     .payout_failure = "could_not_process",
     .instant = true},
    {.number = "4000056755665555",
     .method = "",
     .token = "tok_visa_debit_instantPayoutUnsupported",
     .funding = "debit"},
    {.number = "5200828282828210",
     .method = "",
     .token = "tok_mastercard_debit_transferSuccess",
     .brand = "mastercard",
     .funding = "debit",
     .instant = true},
    {.number = "6011981111111113",
     .method = "",
     .token = "tok_discover_debit_transferSuccess",
     .brand = "discover",
     .funding = "debit",
     .instant = true},
});

// "tok_visa_debit_us_transferSuccess" without its country: the same card everywhere.
std::string without_country(std::string_view token) {
  std::string out(token);
  const auto at = out.find("_debit_");
  if (at != std::string::npos && out.size() > at + 10 && out[at + 9] == '_') out.erase(at + 6, 3);
  return out;
}

}  // namespace

const Card* find_card(std::string_view name) {
  if (name.empty()) return nullptr;
  const std::string token = without_country(name);
  const auto it = std::ranges::find_if(kCards, [&](const Card& card) {
    return card.number == name || card.method == name || card.token == token;
  });
  return it == kCards.end() ? nullptr : &*it;
}

BankFate bank_fate(std::string_view number) {
  if (number == "000111111116") return {"no_account"};
  if (number == "000111111113") return {"account_closed"};
  if (number == "000222222227") return {"insufficient_funds"};
  if (number == "000333333335") return {"debit_not_authorized"};
  if (number == "000444444440") return {"invalid_currency"};
  if (number == "000888888883") return {.instant = false};
  // Ours, not Stripe's: it documents no number whose payouts come back after they were paid.
  if (number == "000777777771") return {.failure_code = "account_closed", .late = true};
  return {};
}

std::string_view failure_message(std::string_view code) {
  if (code == "no_account")
    return "Your bank account details on file are probably incorrect. No bank account could be "
           "found with them.";
  if (code == "account_closed") return "Your bank account has been closed.";
  if (code == "insufficient_funds")
    return "Your Stripe account has insufficient funds to cover the payout.";
  if (code == "debit_not_authorized")
    return "Debit transactions are not approved on your bank account.";
  if (code == "invalid_currency")
    return "The bank was unable to process this payout because of its currency.";
  return "The bank could not process this payout.";
}

}  // namespace payoutd::sim
