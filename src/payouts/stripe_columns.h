// A Stripe payout as columns of `payouts`, listed once: how two versions are compared, what a row
// keeps, and every statement over shown rows follow from this list. Its order is part of the
// digests that are stored: a new column goes to the end.
#pragma once

#include <tuple>

#include "mirror/table.h"
#include "payouts/stripe_payout.h"

namespace payoutd::mirror {

template <>
struct Bound<payouts::StatusWord> {
  using Element = std::string;
  static constexpr std::string_view kSent = "text", kCast = "";
  static void digest(Digest& digest, const payouts::StatusWord& v) { digest.add(v.text); }
};

}  // namespace payoutd::mirror

namespace payoutd::payouts {

// How much of `destination` was expanded makes no difference: its id is compared.
inline constexpr auto kStripeColumns = std::tuple{
    mirror::PartColumn{"amount", &StripePayout::money, &Money::minor},
    mirror::PartColumn{"currency", &StripePayout::money, &Money::currency},
    mirror::Column{"status", &StripePayout::status},
    mirror::Column{"type", &StripePayout::type},
    mirror::Column{"description", &StripePayout::description},
    mirror::Column{"method", &StripePayout::method},
    mirror::Column{"source_type", &StripePayout::source_type},
    mirror::Column{"statement_descriptor", &StripePayout::statement_descriptor},
    mirror::Column{"metadata", &StripePayout::metadata},
    mirror::Column{"destination", &StripePayout::destination, mirror::Keep::nothing,
                   mirror::Compared::no},
    mirror::ComparedOnly{&StripePayout::destination_id},
    mirror::Column{"failure_code", &StripePayout::failure_code},
    mirror::Column{"failure_message", &StripePayout::failure_message},
    mirror::Column{"balance_transaction_id", &StripePayout::balance_transaction},
    mirror::Column{"failure_balance_transaction_id", &StripePayout::failure_balance_transaction},
    mirror::Column{"reconciliation_status", &StripePayout::reconciliation_status},
    mirror::Column{"trace_id", &StripePayout::trace_id},
    mirror::Column{"trace_id_status", &StripePayout::trace_id_status},
    mirror::Column{"original_payout", &StripePayout::original_payout},
    mirror::Column{"reversed_by", &StripePayout::reversed_by},
    mirror::Column{"application_fee_id", &StripePayout::application_fee},
    mirror::Column{"application_fee_amount", &StripePayout::application_fee_amount},
    mirror::Column{"automatic", &StripePayout::automatic},
    mirror::Column{"arrival_date", &StripePayout::arrival_date},
    mirror::Column{"created", &StripePayout::created}};
inline constexpr auto kStoredStripeColumns = mirror::stored_of(kStripeColumns);

}  // namespace payoutd::payouts
