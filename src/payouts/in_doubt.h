// The answers for a failure after an intent may have been committed: they never say that nothing
// was done. The error names the payout, so that a caller looks there instead of asking again.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <type_traits>

#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"

namespace payoutd::payouts {

// 503 `outcome_unknown`; `details` hold {param: "id", code: "payout_id", message: <the payout's
// id>}. A request without an Idempotency-Key (`external_id`) is not told to come back: it would pay
// twice.
Error may_be_paid(PayoutId id, const std::optional<std::string>& external_id);
Error may_be_canceled(PayoutId id);
Error may_be_settled(PayoutId id);

// Returns the Result of `body`, or `doubt` where `body` throws. Before the intent's commit a lost
// database means that nothing was done: call `body` directly there.
template <class F>
auto or_in_doubt(const Error& doubt, F&& body) -> std::invoke_result_t<F> {
  try {
    return body();
  } catch (const std::exception& thrown) {
    log::error("what was begun could not be ended",
               {{"doubt", doubt.message}, {"what", std::string_view(thrown.what())}});
    return doubt;
  }
}

}  // namespace payoutd::payouts
