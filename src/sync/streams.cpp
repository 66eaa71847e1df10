#include "sync/streams.h"

#include <algorithm>

#include "base/check.h"

namespace payoutd::sync {

namespace {

// The events first: what they show is then no older than what the lists show.
constexpr Stream kStreams[] = {
    {kEvents, "/v1/events", "", "", true},
    {kBalanceTransactions, "/v1/balance_transactions", "", "", false},
    {"payouts", "/v1/payouts", "", "", true},
    {"charges", "/v1/charges", "", "", true},
    {"payment_intents", "/v1/payment_intents", "", "", true},
    {"refunds", "/v1/refunds", "", "", true},
    {"disputes", "/v1/disputes", "", "", true},
    {kCustomers, "/v1/customers", "", "", true},
    {"subscriptions", "/v1/subscriptions", "status", "all", true},
    {"transfers", "/v1/transfers", "", "", true},
    {"application_fees", "/v1/application_fees", "", "", true},
};
constexpr Stream kOfPayout{kPayoutTransactions, "/v1/balance_transactions", "", "", false};

}  // namespace

std::span<const Stream> object_streams() { return std::span(kStreams).subspan(1); }

const Stream& stream_named(std::string_view name) {
  if (name == kPayoutTransactions) return kOfPayout;
  const auto* found = std::ranges::find(kStreams, name, &Stream::name);
  CHECK(found != std::end(kStreams));
  return *found;
}

}  // namespace payoutd::sync
