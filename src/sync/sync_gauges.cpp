#include "sync/sync_gauges.h"

#include <chrono>
#include <optional>

#include "sync/standing.h"

namespace payoutd::sync {
namespace {

double seconds_since(const std::optional<Time>& then, Time now) {
  if (!then || *then > now) return 0;
  return std::chrono::duration<double>(now - *then).count();
}

}  // namespace

void Gauges::publish(pg::Tx& tx, http::Metrics& metrics) {
  const auto set = [&metrics](const char* name, const char* help, double value,
                              const http::Metrics::Labels& labels = {}) {
    metrics.gauge(name, help, labels).Set(value);
  };
  const Standing now = standing(tx);
  for (const auto& [state, count] :
       {std::pair{"equal", now.equal}, std::pair{"different", now.different},
        std::pair{"moving", now.moving}}) {
    set("payoutd_mirror_balances",
        "Balances (account and currency) by what their last check found.",
        static_cast<double>(count), {{"state", state}});
  }
  set("payoutd_mirror_payouts_unsummed", "Automatic payouts whose transactions do not sum to them.",
      static_cast<double>(now.payouts_unsummed));
  set("payoutd_sync_age_seconds",
      "How far behind Stripe the active account is that was synced longest ago.",
      seconds_since(now.synced_to, clock_.now()));
  set("payoutd_fresh_age_seconds",
      "How old the balance transactions of the active account are that was read longest ago.",
      seconds_since(now.fresh_until, clock_.now()));
  constexpr const char* kName = "payoutd_mirror_difference";
  constexpr const char* kHelp =
      "Stripe's balance less the mirrored rows' sum, in minor units, of those that differ.";
  for (const auto& [unused, labels] : differed_) set(kName, kHelp, 0, labels);
  for (const Difference& one : now.differences) {
    const std::string currency = one.amount.currency.str();
    const http::Metrics::Labels labels{
        {"organization", one.organization.str()}, {"account", one.account}, {"currency", currency}};
    differed_[{one.account, currency}] = labels;
    set(kName, kHelp, static_cast<double>(one.amount.minor), labels);
  }
}

}  // namespace payoutd::sync
