#include "sync/proving.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "sync/checks_store.h"
#include "sync/differences.h"

namespace payoutd::sync {
namespace {

constexpr std::int64_t kMostComparedUnasked = 200'000;

}  // namespace

void Proving::prove() {
  const auto due = run_.in.db.transact([&](pg::Tx& tx) -> Result<bool> {
    return checks_store::whole_is_due(tx, run_.target.organization, run_.target.account,
                                      run_.in.clock.now());
  });
  if (!due) return run_.fail("completeness", "check", due.error());
  check_payout_sums();
  const Verifier verifier{run_.in.db, run_.in.client, run_.in.clock,
                          [this] { return list_new_transactions(); }, run_.thorough() || *due};
  auto checks = check_balance(verifier, run_.target, run_.run);
  if (!checks) return run_.fail("completeness", "check", checks.error());
  if (run_.wanted.repair || std::ranges::any_of(*checks, [](const BalanceCheck& check) {
        return check.state == CheckState::different;
      }))
    compare_row_by_row(*checks);
  std::string different;
  for (const BalanceCheck& check : *checks) {
    if (check.state == CheckState::equal) continue;
    different = fmt::format("{}: Stripe's balance is {}, the mirrored rows sum to {} ({})",
                            check.currency().str(), check.expected().minor, check.found.minor,
                            name_of(check.state));
    log::warn("the mirror differs from Stripe's balance",
              {{"account", run_.target.account}, {"what", different}});
  }
  run_.note({.account = run_.target.account,
             .stream = "completeness",
             .kind = "check",
             .status = "succeeded",
             .counts = {.rows = std::ssize(*checks)},
             .error = different});
}

// A repair lists the transactions of those that do not sum up once more.
void Proving::check_payout_sums() {
  auto wrong = check_payouts(run_.in.db, run_.target, run_.in.clock.now(), run_.thorough());
  if (wrong && !wrong->empty() && run_.wanted.repair) {
    std::vector<std::string> ids;
    for (const PayoutCheck& payout : *wrong) ids.push_back(payout.payout);
    refreshing_.list_payout_transactions(std::move(ids));
    wrong = check_payouts(run_.in.db, run_.target, run_.in.clock.now(), run_.thorough());
  }
  if (!wrong) return run_.fail("completeness", "check", wrong.error());
  for (const PayoutCheck& payout : *wrong) {
    log::warn("a payout's transactions do not sum to it", {{"account", run_.target.account},
                                                           {"payout", payout.payout},
                                                           {"amount", payout.amount.minor},
                                                           {"found", payout.found.minor}});
  }
}

// Row by row beside Stripe's list: which day, which rows. Of an account of millions only when
// asked.
void Proving::compare_row_by_row(std::vector<BalanceCheck>& checks) {
  std::int64_t rows = 0;
  for (const BalanceCheck& check : checks) rows += check.rows;
  if (!run_.wanted.repair && !run_.wanted.verify_only && rows > kMostComparedUnasked) return;
  const Comparison comparison{run_.in.db, run_.in.client, run_.in.appliers, run_.wanted.repair,
                              &run_.in.stopping};
  const auto differences =
      compare_with_list(comparison, run_.target, run_.in.clock.now() - std::chrono::minutes(1));
  if (!differences) return run_.fail("differences", "check", differences.error());
  if (differences->mended > 0) {
    run_.note({.account = run_.target.account,
               .stream = "differences",
               .kind = "repair",
               .status = "succeeded",
               .counts = {.changed = differences->mended}});
    const Verifier verifier{run_.in.db, run_.in.client, run_.in.clock,
                            [this] { return list_new_transactions(); }, run_.thorough()};
    auto again = check_balance(verifier, run_.target, run_.run);
    if (!again) return run_.fail("completeness", "check", again.error());
    checks = *std::move(again);
  }
  const auto saved = run_.in.db.transact([&](pg::Tx& tx) -> Result<void> {
    for (BalanceCheck& check : checks) {
      const auto found = differences->first_days.find(check.currency());
      if (check.state == CheckState::equal || found == differences->first_days.end()) continue;
      check.first_day = found->second.day;
      check.missing = found->second.missing;
      check.altered = found->second.altered;
      check.surplus = found->second.surplus;
      checks_store::save(tx, run_.target.organization, run_.run, check);
    }
    return {};
  });
  if (!saved) return run_.fail("differences", "check", saved.error());
}

// Lists the last hour's transactions once more, between two looks at the balance.
Result<void> Proving::list_new_transactions() {
  const std::int64_t now = to_unix(run_.in.clock.now());
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(kOverlap).count();
  const auto pass = run_.pass_of(stream_named(kBalanceTransactions),
                                 {{.lower = to_unix(run_.began_at) - since, .upper = now}}, false);
  run_.read(pass);
  if (pass->error) return *pass->error;
  return {};
}

}  // namespace payoutd::sync
