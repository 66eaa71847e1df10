#include "jobs/dead_jobs.h"

#include "jobs/queue_store.h"

namespace payoutd::jobs {
namespace {

Error not_found() { return {Kind::missing, "job_not_found", "there is no such dead job"}; }

}  // namespace

std::vector<DeadJob> dead_jobs(pg::Tx& tx, const DeadFilter& filter) {
  CHECK(filter.limit >= 1 && filter.limit <= 1000);
  return queue_store::dead(tx, filter);
}

Result<void> requeue(pg::Tx& tx, JobId id, std::optional<OrgId> organization) {
  bool found = false;
  const auto refused = tx.attempt([&] { found = queue_store::revive(tx, id, organization); });
  if (refused && !refused->unique_violation()) throw *refused;
  if (refused) {
    return Error{Kind::refused, "job_already_waiting",
                 "a job with the same key is waiting already"};
  }
  if (!found) return not_found();
  return {};
}

Result<void> discard(pg::Tx& tx, JobId id, std::optional<OrgId> organization) {
  if (!queue_store::remove_dead(tx, id, organization)) return not_found();
  return {};
}

}  // namespace payoutd::jobs
