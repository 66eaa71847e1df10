// Payouts' part of the way into the mirror: Stripe's payouts become rows of `payouts`, and what was
// seen of them payout events. A payout that was asked for through us is found by its metadata, so
// the webhook may overtake the answer; a payout's `paid` may arrive before its `created`.
#pragma once

#include "mirror/apply.h"

namespace payoutd::payouts {

// Takes Stripe's "payout" objects.
void add_applier(mirror::Appliers& appliers);

}  // namespace payoutd::payouts
