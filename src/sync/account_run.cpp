#include "sync/account_run.h"

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "base/log.h"
#include "mirror/mirror_jobs.h"
#include "payouts/payouts.h"
#include "sync/checks_store.h"
#include "sync/differences.h"
#include "sync/runs_store.h"

namespace payoutd::sync {

namespace {

constexpr std::int64_t kPendingDays = 400;
constexpr std::int64_t kMembersAtOnce = 200;
constexpr std::int64_t kFetchedAtOnce = 50;
constexpr std::int64_t kMostFetched = 5'000;
// A pass that a killed run began ends at its own time; what came since is read by one more.
constexpr std::chrono::minutes kStale{1};
constexpr std::int64_t kMostComparedUnasked = 200'000;
constexpr std::chrono::milliseconds kLookAgain{250};
constexpr const char* kAccount = "account";

}  // namespace

AccountRun::AccountRun(Surroundings surroundings, const access::ConnectedAccount& account,
                       RunId run, Wanted wanted)
    : in_(surroundings),
      target_{account.organization, account.id(), std::string(account.stripe_header())},
      run_(run),
      wanted_(wanted) {}

std::vector<StreamRecord> AccountRun::run() {
  began_at_ = in_.clock.now();
  if (!lease()) {
    note({.account = target_.account,
          .stream = kAccount,
          .kind = "account",
          .status = "busy",
          .error = "another run syncs this account"});
    return records_;
  }
  try {
    sync_it();
  } catch (const std::exception& e) {
    failed_ = true;
    if (first_error_.empty()) first_error_ = e.what();
    log::error("an account could not be synced",
               {{"account", target_.account}, {"error", e.what()}});
  }
  const char* status = deauthorized_  ? "deauthorized"
                       : failed_      ? "failed"
                       : interrupted_ ? "interrupted"
                                      : "succeeded";
  note({.account = target_.account,
        .stream = kAccount,
        .kind = "account",
        .status = status,
        .error = first_error_});
  const auto released = in_.db.transact([&](pg::Tx& tx) -> Result<void> {
    runs_store::release(tx, target_.organization, target_.account, run_);
    return {};
  });
  CHECK(released.ok());
  return records_;
}

// A run that was killed gives nothing back: its lease is waited for where there is time.
bool AccountRun::lease() {
  const auto until = std::chrono::steady_clock::now() + wanted_.wait_for_others;
  for (;;) {
    const auto leased = in_.db.transact([&](pg::Tx& tx) -> Result<bool> {
      return runs_store::lease(tx, target_.organization, target_.account, run_);
    });
    if (leased && *leased) return true;
    if (in_.stopping || std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(kLookAgain);
  }
}

void AccountRun::sync_it() {
  if (wanted_.verify_only) {
    check();
    if (in_.stopping) interrupted_ = true;
    return;
  }
  // Twice where the first went on with what another run had begun.
  for (int rounds = 0; rounds < 2 && list_streams() && may_go_on(); ++rounds) {
  }
  if (may_go_on()) look_after_customers();
  if (may_go_on()) look_after_cut();
  if (may_go_on()) look_after_pending();
  if (may_go_on()) look_after_payouts();
  if (may_go_on()) look_after_members();
  if (may_go_on()) check();
  if (in_.stopping) interrupted_ = true;
}

void AccountRun::note(StreamRecord record) {
  record.finished_at = in_.clock.now();
  const auto stored = in_.db.transact([&](pg::Tx& tx) -> Result<void> {
    runs_store::add(tx, target_.organization, run_, record);
    return {};
  });
  if (!stored) log::warn("a run's record could not be stored", {{"error", stored.error().message}});
  records_.push_back(std::move(record));
}

void AccountRun::fail(const std::string& stream, const std::string& kind, const Error& error,
                      Counts counts) {
  if (error.code == "account_invalid" && !deauthorized_) {
    deauthorized_ = true;
    const auto done = in_.db.transact([&](pg::Tx& tx) -> Result<void> {
      access::deauthorize_account(tx, target_.organization, target_.account, in_.clock.now());
      return {};
    });
    CHECK(done.ok());
    log::warn("an account took its authorization back", {{"account", target_.account}});
  }
  const bool stopped = error.code == "sync_stopped" || error.code == "stripe_client_stopping";
  if (!deauthorized_ && !stopped) failed_ = true;
  interrupted_ = interrupted_ || stopped;
  if (first_error_.empty()) first_error_ = stream + ": " + error.message;
  note({.account = target_.account,
        .stream = stream,
        .kind = kind,
        .status = deauthorized_ ? "deauthorized"
                  : stopped     ? "interrupted"
                                : "failed",
        .counts = counts,
        .error = error.message});
}

std::shared_ptr<Pass> AccountRun::pass_of(const Stream& stream, std::vector<Range> ranges,
                                          bool resumable) const {
  return std::make_shared<Pass>(target_, stream, std::move(ranges), resumable);
}

// The pass that is open goes on; without one, or when it is of no use any more, another begins.
std::shared_ptr<Pass> AccountRun::open_pass(pg::Tx& tx, const StreamState& state,
                                            const Stream& stream,
                                            std::optional<Time> events_synced_to, Time now) {
  const cursors_store::Place place{target_.organization, target_.account, std::string(stream.name)};
  const bool events = stream.name == kEvents;
  PassPlan plan = events ? plan_events(state, now)
                         : plan_pass(state, stream.changes, events_synced_to, wanted_.repair, now);
  if (state.open) {
    const bool outlived = state.open->began_at < now - kEventsReach;
    const bool too_little = plan.kind == PassKind::whole && state.open->kind != PassKind::whole;
    if (!outlived && !too_little) plan = *state.open;
    else cursors_store::drop_pass(tx, place);
  }
  if (!state.open || plan != *state.open) cursors_store::begin_pass(tx, place, plan);
  auto pass = pass_of(stream, cursors_store::ranges_of(tx, place), true);
  pass->plan = plan;
  return pass;
}

// True if there was something to go on with, so that what came since is still to be read.
bool AccountRun::list_streams() {
  const Time now = in_.clock.now();
  std::vector<std::shared_ptr<Pass>> passes;
  const auto opened = in_.db.transact([&](pg::Tx& tx) -> Result<void> {
    passes.clear();
    auto states = cursors_store::states(tx, target_.organization, target_.account);
    const auto events_synced_to = states[std::string(kEvents)].synced_to;
    passes.push_back(
        open_pass(tx, states[std::string(kEvents)], stream_named(kEvents), events_synced_to, now));
    for (const Stream& stream : object_streams()) {
      passes.push_back(
          open_pass(tx, states[std::string(stream.name)], stream, events_synced_to, now));
    }
    return {};
  });
  if (!opened) {
    fail(kAccount, "account", opened.error());
    return false;
  }
  bool stale = false;
  for (const auto& pass : passes) {
    stale = stale || from_unix(pass->plan.to) < now - kStale;
    in_.lister.add(pass);
  }
  for (const auto& pass : passes) {
    in_.lister.wait(pass);
    close(*pass);
  }
  return stale;
}

void AccountRun::close(const Pass& pass) {
  const std::string stream(pass.stream.name);
  const std::string kind(name_of(pass.plan.kind));
  if (pass.error) return fail(stream, kind, *pass.error, pass.counts);
  const auto ended = in_.db.transact([&](pg::Tx& tx) -> Result<void> {
    cursors_store::end_pass(tx, {target_.organization, target_.account, stream});
    return {};
  });
  if (!ended) return fail(stream, kind, ended.error(), pass.counts);
  if (stream == kCustomers && pass.plan.kind == PassKind::whole)
    customers_listed_whole_ =
        std::min(pass.plan.began_at, pass.asked_since.value_or(pass.plan.began_at));
  note({.account = target_.account,
        .stream = stream,
        .kind = kind,
        .status = "succeeded",
        .counts = pass.counts,
        .error = pass.refused});
}

void AccountRun::fetch(std::string_view stream, const char* type,
                       const std::vector<std::string>& ids) {
  Counts counts;
  std::string refused;
  const auto refuse = [&](const std::string& why) {
    ++counts.refused;
    if (refused.empty()) refused = why;
  };
  for (std::size_t at = 0; at < ids.size() && may_go_on(); at += kFetchedAtOnce) {
    const std::size_t end = std::min(ids.size(), at + static_cast<std::size_t>(kFetchedAtOnce));
    mirror::Fetch some{
        .organization = target_.organization,
        .account = target_.account,
        .stripe_header = target_.stripe_header,
        .type = type,
        .stripe_ids = {ids.begin() + std::ptrdiff_t(at), ids.begin() + std::ptrdiff_t(end)}};
    const auto applied = mirror::fetch_and_apply(in_.db, in_.client, in_.appliers, some);
    counts.requests += std::ptrdiff_t(end - at);
    if (!applied) return fail(std::string(stream), "fetched", applied.error(), counts);
    counts.rows += std::ssize(applied->verdicts);
    counts.created += std::ptrdiff_t(applied->created);
    counts.changed += std::ptrdiff_t(applied->changed);
    for (const std::string& why : applied->not_shown) refuse(why);
    for (const mirror::Verdict& verdict : applied->verdicts) {
      if (verdict.outcome == mirror::Outcome::refused) refuse(verdict.error);
    }
  }
  if (ids.empty()) return;
  note({.account = target_.account,
        .stream = std::string(stream),
        .kind = "fetched",
        .status = "succeeded",
        .counts = counts,
        .error = refused});
}

// A list leaves deleted customers out: those that it did not show any more are asked for.
void AccountRun::look_after_customers() {
  if (!customers_listed_whole_) return;
  const auto ids = in_.db.read([&](pg::Tx& tx) -> Result<std::vector<std::string>> {
    return cursors_store::customers_not_seen_since(tx, target_.organization, target_.account,
                                                   from_unix(to_unix(*customers_listed_whole_)),
                                                   kMostFetched);
  });
  if (!ids) return fail("customers_gone", "fetched", ids.error());
  fetch("customers_gone", "customer", *ids);
}

// A list inside an object that was shown in part is read to its end.
void AccountRun::look_after_cut() {
  const auto cut = in_.db.transact([&](pg::Tx& tx) -> Result<cursors_store::Cut> {
    return cursors_store::cut(tx, target_.organization, target_.account, kMostFetched);
  });
  if (!cut) return fail("cut_lists", "fetched", cut.error());
  fetch("subscriptions_cut", "subscription", cut->subscriptions);
  fetch("application_fees_cut", "application_fee", cut->application_fees);
}

// No event tells that a transaction became available: those whose day has come are listed again.
void AccountRun::look_after_pending() {
  const auto ranges = in_.db.transact([&](pg::Tx& tx) -> Result<std::vector<Range>> {
    return cursors_store::due_pending(tx, target_.organization, target_.account, in_.clock.now(),
                                      kPendingDays);
  });
  if (!ranges) return fail("pending_transactions", "pending", ranges.error());
  if (ranges->empty()) return;
  const auto pass = pass_of(stream_named(kBalanceTransactions), *ranges, false);
  in_.lister.add(pass);
  in_.lister.wait(pass);
  if (pass->error) return fail("pending_transactions", "pending", *pass->error, pass->counts);
  note({.account = target_.account,
        .stream = "pending_transactions",
        .kind = "pending",
        .status = "succeeded",
        .counts = pass->counts,
        .error = pass->refused});
}

// trace_id and reconciliation_status change without an event, and an event of an arrival may be
// lost.
void AccountRun::look_after_payouts() {
  const auto ids = in_.db.transact([&](pg::Tx& tx) -> Result<std::vector<std::string>> {
    return cursors_store::payouts_to_refresh(tx, target_.organization, target_.account,
                                             in_.clock.now(), from_unix(to_unix(began_at_)),
                                             kMostFetched);
  });
  if (!ids) return fail("payouts_due", "fetched", ids.error());
  fetch("payouts_due", "payout", *ids);
}

void AccountRun::look_after_members() {
  std::set<std::string> tried;
  while (may_go_on()) {
    const auto waiting = in_.db.transact([&](pg::Tx& tx) -> Result<std::vector<payouts::Payout>> {
      return payouts::awaiting_members(tx, target_.organization, target_.account,
                                       kMembersAtOnce + std::ssize(tried));
    });
    if (!waiting) return fail(std::string(kPayoutMembers), "members", waiting.error());
    std::vector<std::string> fresh;
    for (const payouts::Payout& payout : *waiting) {
      if (tried.insert(payout.stripe_payout_id.value()).second)
        fresh.push_back(*payout.stripe_payout_id);
    }
    if (fresh.empty() || !list_members(std::move(fresh))) return;
  }
}

bool AccountRun::list_members(std::vector<std::string> payouts) {
  const auto pass = pass_of(stream_named(kPayoutMembers), {}, false);
  pass->payouts = std::move(payouts);
  in_.lister.add(pass);
  in_.lister.wait(pass);
  const std::string stream(kPayoutMembers);
  if (pass->error) {
    fail(stream, "members", *pass->error, pass->counts);
    return false;
  }
  const auto marked = in_.db.transact([&](pg::Tx& tx) -> Result<void> {
    for (const std::string& payout : pass->not_itemisable) {
      payouts::members_were_listed(tx, target_.organization, target_.account, payout,
                                   in_.clock.now());
    }
    return {};
  });
  if (!marked) {
    fail(stream, "members", marked.error(), pass->counts);
    return false;
  }
  note({.account = target_.account,
        .stream = stream,
        .kind = "members",
        .status = "succeeded",
        .counts = pass->counts,
        .error = pass->refused});
  return true;
}

// What came in the last hour, once more: between two looks at the balance.
Result<void> AccountRun::list_new_transactions() {
  const std::int64_t now = to_unix(in_.clock.now());
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(kOverlap).count();
  const auto pass = pass_of(stream_named(kBalanceTransactions),
                            {{.lower = to_unix(began_at_) - since, .upper = now}}, false);
  in_.lister.add(pass);
  in_.lister.wait(pass);
  if (pass->error) return *pass->error;
  return {};
}

void AccountRun::check() {
  const auto due = in_.db.transact([&](pg::Tx& tx) -> Result<bool> {
    return checks_store::whole_is_due(tx, target_.organization, target_.account, in_.clock.now());
  });
  if (!due) return fail("completeness", "check", due.error());
  check_members();
  const Verifier verifier{in_.db, in_.client, in_.clock, [this] { return list_new_transactions(); },
                          thorough() || *due};
  auto checks = check_balance(verifier, target_, run_);
  if (!checks) return fail("completeness", "check", checks.error());
  if (wanted_.repair || std::ranges::any_of(*checks, [](const BalanceCheck& check) {
        return check.state == CheckState::different;
      }))
    look_closer(*checks);
  std::string different;
  for (const BalanceCheck& check : *checks) {
    if (check.state == CheckState::equal) continue;
    different = fmt::format("{}: Stripe's balance is {}, the mirrored rows sum to {} ({})",
                            check.currency, check.expected(), check.found, name_of(check.state));
    log::warn("the mirror differs from Stripe's balance",
              {{"account", target_.account}, {"what", different}});
  }
  note({.account = target_.account,
        .stream = "completeness",
        .kind = "check",
        .status = "succeeded",
        .counts = {.rows = std::ssize(*checks)},
        .error = different});
}

// A repair lists the members of those that do not sum up once more.
void AccountRun::check_members() {
  auto wrong = check_payouts(in_.db, target_, in_.clock.now(), thorough());
  if (wrong && !wrong->empty() && wanted_.repair) {
    std::vector<std::string> ids;
    for (const PayoutCheck& payout : *wrong) ids.push_back(payout.payout);
    list_members(std::move(ids));
    wrong = check_payouts(in_.db, target_, in_.clock.now(), thorough());
  }
  if (!wrong) return fail("completeness", "check", wrong.error());
  for (const PayoutCheck& payout : *wrong) {
    log::warn("a payout's transactions do not sum to it", {{"account", target_.account},
                                                           {"payout", payout.payout},
                                                           {"amount", payout.amount},
                                                           {"found", payout.found}});
  }
}

// Row by row beside Stripe's list: which day, which rows. Of an account of millions only when
// asked.
void AccountRun::look_closer(std::vector<BalanceCheck>& checks) {
  std::int64_t rows = 0;
  for (const BalanceCheck& check : checks) rows += check.rows;
  if (!wanted_.repair && !wanted_.verify_only && rows > kMostComparedUnasked) return;
  const Comparison comparison{in_.db, in_.client, in_.appliers, wanted_.repair, &in_.stopping};
  const auto differences =
      compare_with_list(comparison, target_, in_.clock.now() - std::chrono::minutes(1));
  if (!differences) return fail("differences", "check", differences.error());
  if (differences->mended > 0) {
    note({.account = target_.account,
          .stream = "differences",
          .kind = "repair",
          .status = "succeeded",
          .counts = {.changed = differences->mended}});
    const Verifier verifier{in_.db, in_.client, in_.clock,
                            [this] { return list_new_transactions(); }, thorough()};
    auto again = check_balance(verifier, target_, run_);
    if (!again) return fail("completeness", "check", again.error());
    checks = *std::move(again);
  }
  const auto saved = in_.db.transact([&](pg::Tx& tx) -> Result<void> {
    for (BalanceCheck& check : checks) {
      const auto found = differences->first_days.find(check.currency);
      if (check.state == CheckState::equal || found == differences->first_days.end()) continue;
      check.first_day = found->second.day;
      check.missing = found->second.missing;
      check.altered = found->second.altered;
      check.surplus = found->second.surplus;
      checks_store::save(tx, target_.organization, run_, check);
    }
    return {};
  });
  if (!saved) return fail("differences", "check", saved.error());
}

}  // namespace payoutd::sync
