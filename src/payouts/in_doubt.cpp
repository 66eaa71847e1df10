#include "payouts/in_doubt.h"

#include <fmt/format.h>

#include "payouts/settlement.h"

namespace payoutd::payouts {
namespace {

Error in_doubt(PayoutId id, std::string message) {
  return {.kind = Kind::retry,
          .code = settlement::kOutcomeUnknown,
          .message = std::move(message),
          .details = {{"id", "payout_id", id.str()}}};
}

}  // namespace

Error may_be_paid(PayoutId id, const std::optional<std::string>& external_id) {
  const char* next = external_id
                         ? ", or send the same request with the same Idempotency-Key; never "
                           "ask again without it"
                         : " until it says; asking again would be another payout";
  return in_doubt(id, fmt::format("payout {0} may or may not be paid: look at GET "
                                  "/api/payouts/{0}{1}",
                                  id.str(), next));
}

Error may_be_canceled(PayoutId id) {
  return in_doubt(id, fmt::format("payout {0} may or may not be canceled: look at GET "
                                  "/api/payouts/{0}, or ask for its cancellation again",
                                  id.str()));
}

Error may_be_settled(PayoutId id) {
  return in_doubt(id,
                  fmt::format("payout {} may or may not be settled: payoutd review list shows it "
                              "while it waits, and settling it again does no harm",
                              id.str()));
}

}  // namespace payoutd::payouts
