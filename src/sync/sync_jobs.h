// Sync as jobs: `sync.run` reads everything, nightly and when asked for; `mirror.payout_members`
// one payout's transactions, when its reconciliation is complete.
#pragma once

#include <vector>

#include "jobs/duties.h"
#include "sync/sync.h"

namespace payoutd::sync {

inline constexpr const char* kRunJob = "sync.run";  // {account?, run_id?, repair?, asked_by?}

// Both must outlive them.
std::vector<jobs::Handler> sync_handlers(Syncer& syncer, pg::Database& db, stripe::Client& client,
                                         const mirror::Appliers& appliers);

// All jobs of this folder. The first two outlive them; without a client, and then without a syncer,
// only old records of runs are purged.
struct JobParts {
  pg::Database& db;
  const Clock& clock;
  const mirror::Appliers& appliers;
  stripe::Client* client = nullptr;
  Syncer* syncer = nullptr;
  bool livemode = false;  // of the Stripe key
};
jobs::Duties duties(const JobParts& parts);

// Enqueues a run, and a record of it to watch. Without organization: of all, and without a record
// until it begins.
void enqueue_run(pg::Tx& tx, const RunRecord& run);
void enqueue_run_of_all(pg::Tx& tx, const std::string& asked_by);

}  // namespace payoutd::sync
