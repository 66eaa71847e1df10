#include "base/log.h"
#include "mirror/mirror_jobs.h"
#include "payouts/payouts.h"
#include "payouts/resolver.h"

namespace payoutd::payouts {
namespace {

using namespace std::chrono_literals;

constexpr auto kForgotten = 1h;  // overdue: its own job would have looked at it
constexpr std::int64_t kResolvedAtOnce = 10'000;

}  // namespace

jobs::Duties Resolver::duties() {
  const auto resolve_later = [this](jobs::Run& run) -> Result<void> {
    const auto id = PayoutId::parse(run.payload().value("payout", std::string{}));
    CHECK(id && run.organization());
    auto known = resolve_account(*run.organization(), *id,
                                 [&run] { return run.holds_lease() && !run.stopping(); });
    if (known) return known;
    if (known.error().kind == Kind::retry) {
      run.retry_after(until_next_look(*run.organization(), *id));
      return known;
    }
    // Stripe's definitive refusal is written down with the payout: the job is done.
    log::info("a payout was refused", {{"payout", id->str()}, {"code", known.error().code}});
    return {};
  };
  const auto settle_adopted = [this](jobs::Run& run) -> Result<void> {
    const auto payout = parts_.db.transact([&](pg::Tx& tx) {
      return find_payout(tx, *run.organization(), run.payload().value("payout", std::string{}));
    });
    if (!payout) return payout.error();
    return resolve(*run.organization(), payout->id);
  };
  const auto resolve_all = [this](jobs::Run&) -> Result<void> {
    return parts_.db.transact([&](pg::Tx& tx) -> Result<void> {
      const Time now = parts_.clock.now();
      for (const auto& one :
           rails::instructions_store::unsettled(tx, now - kForgotten, kResolvedAtOnce)) {
        enqueue_resolve(tx, one.organization, one.payout, now);
      }
      return {};
    });
  };
  return {.handlers = {{kResolveJob, resolve_later},
                       {kResolveAllJob, resolve_all},
                       {mirror::kSettleInstructionJob, settle_adopted}},
          .schedules = {{.name = "look into payouts whose outcome is not known",
                         .repeats = jobs::Repeats::interval,
                         .spec = "1h",
                         .job_kind = kResolveAllJob,
                         .job_priority = jobs::Priority::money}}};
}

}  // namespace payoutd::payouts
