#include "jobs/queue.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "jobs/queue_store.h"

namespace payoutd::jobs {
namespace {

using Key = std::tuple<std::optional<OrgId>, std::string_view, std::string_view>;

Key key_of(const Job* job) { return {job->organization, job->kind, *job->unique_key}; }

// Keys are locked until the transaction ends, so everybody takes them in one order; and a statement
// may not meet a key twice.
std::vector<const Job*> in_lock_order(std::span<const Job> jobs) {
  std::vector<const Job*> ordered;
  std::vector<const Job*> keyed;
  for (const Job& job : jobs) (job.unique_key ? keyed : ordered).push_back(&job);
  std::ranges::stable_sort(keyed, {}, key_of);
  const auto repeated = std::ranges::unique(keyed, {}, key_of);
  ordered.insert(ordered.end(), keyed.begin(), repeated.begin());
  return ordered;
}

}  // namespace

std::size_t enqueue(pg::Tx& tx, std::span<const Job> jobs) {
  return jobs.empty() ? 0 : queue_store::insert(tx, in_lock_order(jobs));
}

std::size_t enqueue_missing(pg::Tx& tx, std::span<const Job> jobs) {
  for (const Job& job : jobs) CHECK(job.unique_key.has_value());
  return jobs.empty() ? 0 : queue_store::insert_missing(tx, in_lock_order(jobs));
}

bool enqueue(pg::Tx& tx, const Job& job) { return enqueue(tx, std::span(&job, 1)) == 1; }

Backlog backlog(pg::Tx& tx) { return queue_store::backlog(tx, kCountedTo); }

}  // namespace payoutd::jobs
