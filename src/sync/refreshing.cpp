#include "sync/refreshing.h"

#include <algorithm>
#include <set>

#include "mirror/mirror_jobs.h"
#include "payouts/payouts.h"
#include "sync/cursors_store.h"

namespace payoutd::sync {
namespace {

constexpr std::int64_t kPendingDays = 400;
constexpr std::int64_t kPayoutsAtOnce = 200;
constexpr std::int64_t kFetchedAtOnce = 50;
constexpr std::int64_t kMostFetched = 5'000;

}  // namespace

void Refreshing::refresh(std::optional<Time> customers_listed_whole) {
  if (run_.may_go_on()) fetch_unlisted_customers(customers_listed_whole);
  if (run_.may_go_on()) fetch_cut_lists();
  if (run_.may_go_on()) list_pending_transactions();
  if (run_.may_go_on()) fetch_due_payouts();
  if (run_.may_go_on()) list_missing_payout_transactions();
}

void Refreshing::fetch(std::string_view stream, const char* type,
                       const std::vector<std::string>& ids) {
  Counts counts;
  std::string refused;
  const auto refuse = [&](const std::string& why) {
    ++counts.refused;
    if (refused.empty()) refused = why;
  };
  for (std::size_t at = 0; at < ids.size() && run_.may_go_on(); at += kFetchedAtOnce) {
    const std::size_t end = std::min(ids.size(), at + static_cast<std::size_t>(kFetchedAtOnce));
    mirror::Fetch some{
        .organization = run_.target.organization,
        .account = run_.target.account,
        .stripe_header = run_.target.stripe_header,
        .type = type,
        .stripe_ids = {ids.begin() + std::ptrdiff_t(at), ids.begin() + std::ptrdiff_t(end)}};
    const auto applied =
        mirror::fetch_and_apply(run_.in.db, run_.in.client, run_.in.appliers, some);
    counts.requests += std::ptrdiff_t(end - at);
    if (!applied) return run_.fail(std::string(stream), "fetched", applied.error(), counts);
    counts.rows += std::ssize(applied->verdicts);
    counts.created += std::ptrdiff_t(applied->created);
    counts.changed += std::ptrdiff_t(applied->changed);
    for (const std::string& why : applied->not_shown) refuse(why);
    for (const mirror::Verdict& verdict : applied->verdicts) {
      if (verdict.outcome == mirror::Outcome::refused) refuse(verdict.error);
    }
  }
  if (ids.empty()) return;
  run_.note({.account = run_.target.account,
             .stream = std::string(stream),
             .kind = "fetched",
             .status = "succeeded",
             .counts = counts,
             .error = refused});
}

// A list leaves deleted customers out: those that it did not show any more are asked for.
void Refreshing::fetch_unlisted_customers(std::optional<Time> customers_listed_whole) {
  if (!customers_listed_whole) return;
  const auto ids = run_.in.db.read([&](pg::Tx& tx) -> Result<std::vector<std::string>> {
    return cursors_store::customers_not_seen_since(
        tx, run_.target.organization, run_.target.account,
        from_unix(to_unix(*customers_listed_whole)), kMostFetched);
  });
  if (!ids) return run_.fail("customers_gone", "fetched", ids.error());
  fetch("customers_gone", "customer", *ids);
}

// A list inside an object that was shown in part is read to its end.
void Refreshing::fetch_cut_lists() {
  const auto cut = run_.in.db.transact([&](pg::Tx& tx) -> Result<cursors_store::Cut> {
    return cursors_store::cut(tx, run_.target.organization, run_.target.account, kMostFetched);
  });
  if (!cut) return run_.fail("cut_lists", "fetched", cut.error());
  fetch("subscriptions_cut", "subscription", cut->subscriptions);
  fetch("application_fees_cut", "application_fee", cut->application_fees);
}

// No event tells that a transaction became available: those whose day has come are listed again.
void Refreshing::list_pending_transactions() {
  const auto ranges = run_.in.db.transact([&](pg::Tx& tx) -> Result<std::vector<Range>> {
    return cursors_store::due_pending(tx, run_.target.organization, run_.target.account,
                                      run_.in.clock.now(), kPendingDays);
  });
  if (!ranges) return run_.fail("pending_transactions", "pending", ranges.error());
  if (ranges->empty()) return;
  const auto pass = run_.pass_of(stream_named(kBalanceTransactions), *ranges, false);
  run_.read(pass);
  if (pass->error) return run_.fail("pending_transactions", "pending", *pass);
  run_.succeed("pending_transactions", "pending", *pass);
}

// trace_id and reconciliation_status change without an event, and an event of an arrival may be
// lost.
void Refreshing::fetch_due_payouts() {
  const auto ids = run_.in.db.transact([&](pg::Tx& tx) -> Result<std::vector<std::string>> {
    return cursors_store::payouts_to_refresh(tx, run_.target.organization, run_.target.account,
                                             run_.in.clock.now(), from_unix(to_unix(run_.began_at)),
                                             kMostFetched);
  });
  if (!ids) return run_.fail("payouts_due", "fetched", ids.error());
  fetch("payouts_due", "payout", *ids);
}

void Refreshing::list_missing_payout_transactions() {
  std::set<std::string> tried;
  while (run_.may_go_on()) {
    const auto waiting =
        run_.in.db.transact([&](pg::Tx& tx) -> Result<std::vector<payouts::Payout>> {
          return payouts::awaiting_transactions(tx, run_.target.organization, run_.target.account,
                                                kPayoutsAtOnce + std::ssize(tried));
        });
    if (!waiting) return run_.fail(kPayoutTransactions, "transactions", waiting.error());
    std::vector<std::string> fresh;
    for (const payouts::Payout& payout : *waiting) {
      if (tried.insert(payout.stripe_payout_id.value()).second)
        fresh.push_back(*payout.stripe_payout_id);
    }
    if (fresh.empty() || !list_payout_transactions(std::move(fresh))) return;
  }
}

bool Refreshing::list_payout_transactions(std::vector<std::string> payouts) {
  const auto pass = run_.pass_of(stream_named(kPayoutTransactions), {}, false);
  pass->payouts = std::move(payouts);
  run_.read(pass);
  constexpr std::string_view stream = kPayoutTransactions;
  if (pass->error) {
    run_.fail(stream, "transactions", *pass);
    return false;
  }
  const auto marked = run_.in.db.transact([&](pg::Tx& tx) -> Result<void> {
    for (const std::string& payout : pass->not_itemisable) {
      payouts::transactions_were_listed(tx, run_.target.organization, run_.target.account, payout,
                                        run_.in.clock.now());
    }
    return {};
  });
  if (!marked) {
    run_.fail(stream, "transactions", marked.error(), pass->counts);
    return false;
  }
  run_.succeed(stream, "transactions", *pass);
  return true;
}

}  // namespace payoutd::sync
