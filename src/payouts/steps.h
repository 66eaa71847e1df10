// The steps of a payout's life, as one table: what is not listed is refused.
//
// The statuses of Stripe's own payouts, as Stripe shows them, take no steps: their order is that of
// payouts/stripe_payout.h.
#pragma once

#include <cstdint>
#include <optional>

#include "payouts/status.h"
#include "rails/rail_name.h"

namespace payoutd::payouts {

// The ledger posting of a step, for a payout that has a hold.
enum class Posting : std::uint8_t {
  none,
  give_back,  // held → source, gross
  pay,        // held → world (net), fees:platform, fees:bank, tax
  take_back,  // world, fees, tax → source, gross: what was paid came back
};

enum class StepBy : std::uint8_t {
  engine,
  person,  // who pays outside of this program: only on the manual rail
};

struct Step {
  Status from;
  Status to;
  Posting posting;
  StepBy by;
};

// The step from one status to another on a rail; nothing where there is none.
std::optional<Step> step_between(Status from, Status to, rails::RailName rail);

}  // namespace payoutd::payouts
