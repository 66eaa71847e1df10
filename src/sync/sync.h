// Reads what Stripe holds into the mirror: for every connected account what its lists have and what
// its events changed, then which payout settled what, payouts that are late, and the proof that the
// mirror is whole. It can be stopped or killed at any point; the next run goes on at the page where
// this one was. The same code serves the nightly job, the endpoint and the command.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "access/connected_accounts.h"
#include "base/clock.h"
#include "mirror/apply.h"
#include "mirror/own_account.h"
#include "pg/database.h"
#include "stripe/client.h"
#include "sync/lister.h"
#include "sync/runs.h"

namespace payoutd::sync {

// How far a run is, for people who wait for it.
struct Progress {
  std::size_t accounts = 0, accounts_done = 0;
  std::size_t lists_under_way = 0;
  Counts counts{};
  std::int64_t limited = 0;
  double seconds = 0;
  std::optional<std::int64_t> rows_left{};  // an estimate; nothing while the ends are not in sight
};

inline constexpr std::chrono::seconds kLease{20};

struct Options {
  std::optional<OrgId> organization{};  // none: all
  std::optional<std::string> account{};
  bool repair = false;       // read all lists whole, and mend what differs
  bool verify_only = false;  // read nothing but what the proof needs
  // How long to wait for an account that another run has. A run that was killed has it for up to
  // kLease.
  std::chrono::milliseconds wait_for_others{0};
  std::string asked_by = "cli";
  std::optional<RunId> id{};     // of a run that was queued
  std::function<bool()> stop{};  // asked several times a second
  std::function<void(const Progress&)> progress{};
};

class Syncer {
 public:
  struct Settings {
    bool livemode = false;     // of the Stripe key
    int accounts_at_once = 4;  // each takes a connection
    Lister::Options lister{};
  };
  // All four must outlive it.
  Syncer(pg::Database& db, stripe::Client& client, const mirror::Appliers& appliers,
         const Clock& clock, Settings settings);

  // Returns a record for each organization that had accounts to sync. A failed account is told in
  // its record. A record also says why not all accounts are known, and the run is then partial at
  // best. Errors: 404 `account_not_found`; 409 `sync_running` when others sync every account; 409
  // `another_platform` where the key is of one, after a failed run was recorded; the reason why
  // there is no account at all, after a failed run was recorded. Throws as the database throws.
  Result<std::vector<RunRecord>> run(const Options& options);

  // Runs under way end soon, as interrupted; later ones at once.
  void stop() { stopping_ = true; }

 private:
  struct Turn;
  Result<std::vector<access::ConnectedAccount>> accounts_of(const Options& options);
  std::optional<Error> discover();

  pg::Database& db_;
  stripe::Client& client_;
  const mirror::Appliers& appliers_;
  const Clock& clock_;
  const Settings settings_;
  mirror::OwnAccount own_account_{client_};
  std::atomic<bool> stopping_{false};
};

}  // namespace payoutd::sync
