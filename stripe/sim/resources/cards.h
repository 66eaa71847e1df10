// Stripe's official test values: what each card, token and bank account number does
// (docs.stripe.com "Testing", "Payouts", "Testing Stripe Connect").
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace payoutd::sim {

enum class Dispute { none, fraudulent, not_received, inquiry };
// What a charge of a connected account with this card makes Stripe ask of it.
enum class Trigger { none, next_requirements, charge_block, payout_block };
enum class RefundFate { succeeds, pending_then_succeeds, fails_later };

struct Card {
  std::string_view number;
  std::string_view method;  // "pm_card_visa"
  std::string_view token;   // "tok_visa"
  std::string_view brand = "visa";
  std::string_view funding = "credit";
  std::string_view country = "US";
  std::string_view code = "";  // of the refusal: "card_declined"; "" succeeds
  std::string_view decline_code = "";
  std::string_view message = "";
  bool authenticate = false;
  bool bypass_pending = false;  // the money is available at once
  Dispute dispute = Dispute::none;
  RefundFate refund = RefundFate::succeeds;
  Trigger trigger = Trigger::none;
  std::string_view payout_failure = "";  // as the destination of a payout
  bool instant = false;                  // takes instant payouts
};

// By number, `pm_card_…` or `tok_…`; nothing for what is no test card.
const Card* find_card(std::string_view name);

// How a payout to this bank account number ends: "" is paid, else the failure code. A number that
// ends late is paid first and returned days after.
struct BankFate {
  std::string_view failure_code = "";
  bool late = false;
  bool instant = true;
};
BankFate bank_fate(std::string_view account_number);

std::string_view failure_message(std::string_view failure_code);

}  // namespace payoutd::sim
