#include "sync/freshness.h"

#include <algorithm>

#include "access/connected_accounts.h"
#include "base/log.h"
#include "jobs/queue.h"
#include "mirror/mirror_jobs.h"
#include "sync/freshness_store.h"
#include "sync/lister.h"

namespace payoutd::sync {

namespace {

constexpr std::chrono::minutes kApart{1};
// Transactions become listable some time after their `created`, by Stripe's clock: what is younger
// may still be missing. Runs look further back.
constexpr std::chrono::minutes kShortOverlap{5};
constexpr std::chrono::hours kLeftToRuns{24};

struct Reader {
  pg::Database& db;
  stripe::Client& client;
  const mirror::Appliers& appliers;
  const Clock& clock;
};

// The range that the job is to read; nothing where there is nothing to do now.
Result<std::optional<Range>> begin_reading(const Reader& in, const Target& target) {
  const Time now = in.clock.now();
  return in.db.transact([&](pg::Tx& tx) -> Result<std::optional<Range>> {
    const auto known = freshness_store::begin(tx, target.organization, target.account, now, kApart);
    if (known) {
      if (*known < now - kLeftToRuns) return std::nullopt;
      const Time from = std::min(*known, now) - kShortOverlap;
      return Range{.lower = std::max<std::int64_t>(1, to_unix(from)), .upper = to_unix(now)};
    }
    const auto read_at = freshness_store::read_at(tx, target.organization, target.account);
    if (!read_at) return std::nullopt;  // no run has listed it
    jobs::Job later = mirror::read_transactions_job(target.organization, target.account);
    later.run_at = *read_at + kApart;
    jobs::enqueue(tx, later);
    return std::nullopt;
  });
}

// One more reading lists the transactions that are too young now. It is the last unless it finds
// something.
void enqueue_last(pg::Tx& tx, const Target& target, Time now) {
  jobs::Job last = mirror::read_transactions_job(target.organization, target.account);
  last.payload["last"] = true;
  last.unique_key = target.account + "/last";
  last.run_at = now + kShortOverlap;
  jobs::enqueue(tx, last);
}

Result<void> read(const Reader& in, const Target& target, const Range& range, bool is_last) {
  const auto pass = std::make_shared<Pass>(target, stream_named(kBalanceTransactions),
                                           std::vector<Range>{range}, false);
  {
    Lister lister(in.db, in.client, in.appliers, {.writers = 1, .lanes = 4});
    lister.add(pass);
    lister.wait(pass);
  }
  if (pass->error) return *pass->error;
  if (pass->counts.refused > 0) {
    log::warn(
        "balance transactions could not be kept",
        {{"account", target.account}, {"count", pass->counts.refused}, {"why", pass->refused}});
    return {};  // the next run names them, and what lies before them is known no further
  }
  const Time upper = from_unix(range.upper);
  const Time asked = std::min(upper, pass->asked_since.value_or(upper));
  return in.db.transact([&](pg::Tx& tx) -> Result<void> {
    freshness_store::end(tx, target.organization, target.account, asked - kShortOverlap);
    if (!is_last || pass->counts.created > 0) enqueue_last(tx, target, in.clock.now());
    return {};
  });
}

Result<void> run_reading(const Reader& in, jobs::Run& run) {
  const std::string account_id = run.payload().at("account");
  const auto account =
      in.db.transact([&](pg::Tx& tx) -> Result<std::optional<access::ConnectedAccount>> {
        return access::find_account(tx, account_id);
      });
  if (!account) return account.error();
  if (!*account || (*account)->organization != run.organization() || !(*account)->active) return {};
  const Target target{(*account)->organization, account_id,
                      std::string((*account)->stripe_header())};
  const auto range = begin_reading(in, target);
  if (!range) return range.error();
  if (!*range) return {};
  const auto done = read(in, target, **range, run.payload().value("last", false));
  if (done) return {};
  if (done.error().kind == Kind::retry) {
    run.retry_after(kApart);
    return done.error();
  }
  // The next run names it in its record, and finds a deauthorized account to be so.
  log::warn("an account's balance transactions could not be read",
            {{"account", account_id}, {"error", done.error().message}});
  return {};
}

}  // namespace

std::optional<Time> fresh_until(pg::Tx& tx, OrgId organization,
                                const std::optional<std::string>& account) {
  return freshness_store::fresh_until(tx, organization, account);
}

jobs::Handler read_transactions_handler(pg::Database& db, stripe::Client& client,
                                        const mirror::Appliers& appliers, const Clock& clock) {
  return {mirror::kReadTransactionsJob, [in = Reader{db, client, appliers, clock}](jobs::Run& run) {
            return run_reading(in, run);
          }};
}

}  // namespace payoutd::sync
