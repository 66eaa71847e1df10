// Jobs that were given up: refused for good, or out of attempts. They stay until a person requeues
// or discards them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jobs/job.h"
#include "pg/database.h"

namespace payoutd::jobs {

struct DeadJob {
  JobId id;
  std::optional<OrgId> organization;
  std::string kind;
  Priority priority;
  std::string payload;  // JSON
  int attempts;
  std::string error;
  Time created_at;
  Time died_at;
};

struct DeadFilter {
  std::optional<OrgId> organization{};  // none: of all, for the operator of the installation
  std::optional<std::string> kind{};
  std::optional<JobId> before{};  // the last id of the page before
  int limit = 100;                // 1 to 1000
};

// The latest made first.
std::vector<DeadJob> dead_jobs(pg::Tx& tx, const DeadFilter& filter);

// Makes it ready at once, with all its attempts. With `organization`, only if it is that one's.
// Errors: missing `job_not_found`; refused `job_already_waiting` where one with its key waits.
Result<void> requeue(pg::Tx& tx, JobId id, std::optional<OrgId> organization = {});

// Error: missing `job_not_found`.
Result<void> discard(pg::Tx& tx, JobId id, std::optional<OrgId> organization = {});

}  // namespace payoutd::jobs
