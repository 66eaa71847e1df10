#include "sync/account_run.h"

#include <thread>

#include "sync/listing.h"
#include "sync/proving.h"
#include "sync/refreshing.h"
#include "sync/runs_store.h"

namespace payoutd::sync {
namespace {

constexpr std::chrono::milliseconds kLeaseAgain{250};

// A run that was killed gives nothing back: its lease is waited for where there is time.
bool lease(const AccountContext& run) {
  const auto until = std::chrono::steady_clock::now() + run.wanted.wait_for_others;
  for (;;) {
    const auto leased = run.in.db.transact([&](pg::Tx& tx) -> Result<bool> {
      return runs_store::lease(tx, run.target.organization, run.target.account, run.run);
    });
    if (leased && *leased) return true;
    if (run.in.stopping || std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(kLeaseAgain);
  }
}

void release(const AccountContext& run) {
  const auto released = run.in.db.transact([&](pg::Tx& tx) -> Result<void> {
    runs_store::release(tx, run.target.organization, run.target.account, run.run);
    return {};
  });
  CHECK(released.ok());
}

void sync_account(AccountContext& run) {
  Refreshing refreshing(run);
  Proving proving(run, refreshing);
  if (!run.wanted.verify_only) {
    Listing listing(run);
    listing.read();
    refreshing.refresh(listing.customers_listed_whole());
    if (!run.may_go_on()) return;
  }
  proving.prove();
}

}  // namespace

std::vector<StreamRecord> run_account(const Surroundings& surroundings,
                                      const access::ConnectedAccount& account, RunId run_id,
                                      const Wanted& wanted) {
  AccountContext run(surroundings, account, run_id, wanted);
  if (!lease(run)) return run.finish_busy();
  try {
    sync_account(run);
  } catch (const std::exception& error) {
    run.break_off(error);
  }
  auto records = run.finish();
  release(run);
  return records;
}

}  // namespace payoutd::sync
