// The rows of `jobs` as those who ask for work, and those who look after it, see them.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "jobs/dead_jobs.h"
#include "jobs/job.h"
#include "jobs/queue.h"
#include "pg/database.h"

namespace payoutd::jobs {

namespace queue_store {

// No key may stand twice in `jobs`. Returns how many were added.
std::size_t insert(pg::Tx& tx, const std::vector<const Job*>& jobs);

// The same; those whose key waits are left alone.
std::size_t insert_missing(pg::Tx& tx, const std::vector<const Job*>& jobs);

Backlog backlog(pg::Tx& tx, int counted_to);

std::vector<DeadJob> dead(pg::Tx& tx, const DeadFilter& filter);
// Throws SqlError (unique violation) where one with its key waits. False if there is none.
bool revive(pg::Tx& tx, JobId id, std::optional<OrgId> organization);
bool remove_dead(pg::Tx& tx, JobId id, std::optional<OrgId> organization);

}  // namespace queue_store

}  // namespace payoutd::jobs
