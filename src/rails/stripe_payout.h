// POST /v1/payouts: an account's own money to its own bank.
// Source: Stripe's API reference, "Create a payout", "List all payouts".
#pragma once

#include "rails/rail.h"

namespace payoutd::rails {

class StripePayoutRail final : public Rail {
 public:
  OrderRequest request(const Order& order) const override;
  SendVerdict classify(const stripe::Answer& answer, const Instruction& sent,
                       const Instruction& known) const override;
  Recognised recognise(std::string_view object, const Instruction& instruction) const override;
  std::string_view list_path() const override { return "/v1/payouts"; }
  std::vector<RecognisedItem> recognise(const stripe::Page& page,
                                        std::span<const Instruction> open) const override;
};

}  // namespace payoutd::rails
