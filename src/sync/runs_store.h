// The SQL of runs and of the leases on accounts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sync/runs.h"

namespace payoutd::sync::runs_store {

// Adds a run that will be done, or does nothing where it is known.
void queue(pg::Tx& tx, const RunRecord& run);
// Begins it, adding it where nobody has queued it.
void begin(pg::Tx& tx, const RunRecord& run);
void end(pg::Tx& tx, const RunRecord& run);
void add(pg::Tx& tx, OrgId organization, RunId run, const StreamRecord& stream);

// Shows how far a running one is, and that it is alive.
void keep_alive(pg::Tx& tx, const RunRecord& run);

// Takes the account for a run. False: another run has it.
bool lease(pg::Tx& tx, OrgId organization, std::string_view account, RunId run);
// All that the run has: extended, given back.
void extend_leases(pg::Tx& tx, RunId run);
void release(pg::Tx& tx, OrgId organization, std::string_view account, RunId run);

std::vector<RunRecord> list(pg::Tx& tx, OrgId organization, std::optional<Time> before,
                            std::optional<RunId> before_id, std::int64_t limit,
                            std::int64_t offset);
std::int64_t count(pg::Tx& tx, OrgId organization);
std::optional<RunRecord> find(pg::Tx& tx, OrgId organization, RunId id);
std::vector<StreamRecord> streams(pg::Tx& tx, OrgId organization, RunId id);

// Deletes a batch of what runs queued before then left: first the records of their lists, at most
// `limit`, then runs that have none. Each organization keeps its newest `keep` runs and its newest
// that finished. How many rows went; 0: nothing is left to purge.
struct Purge {
  Time before{};
  std::int64_t keep = 0, limit = 0;
};
std::int64_t purge(pg::Tx& tx, const Purge& purge);

}  // namespace payoutd::sync::runs_store
