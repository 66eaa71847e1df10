// The rows of `jobs` as the worker moves them. A claim puts jobs under a lease, named by a uuid of
// its own; whoever names another lease than the row's changes nothing, so a holder that was slow
// can't finish a job that was taken over. Leases run on the database's clock.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "jobs/job.h"
#include "pg/database.h"

namespace payoutd::jobs {

// Whose turn was last: what one tenant has ready of one kind is a lane.
struct Lane {
  Uuid tenant{};
  std::string kind{};
};
using Turns = std::array<Lane, kPriorities>;

struct Held {
  JobId id;
  Uuid lease;
};

struct Claimed {
  JobId id;
  Uuid lease;
  std::optional<OrgId> organization;
  std::string kind;
  Priority priority;
  std::string payload;  // JSON
  int attempt;          // 1 for the first
  int max_attempts;
  std::chrono::microseconds waited;  // since it was ready
};

struct Claim {
  std::span<const std::string> kinds;  // all others are left for other instances
  Priority first = Priority::money;    // the range of priorities
  Priority last = Priority::sync;
  int limit = 1;
  Uuid lease;
  std::string holder;
  std::chrono::milliseconds lease_for;
};

struct Returned {
  Held held;
  std::optional<Time> run_at;        // business clock; none: at once
  std::optional<std::string> error;  // none: given back untried, and the attempt not counted
};

struct Buried {
  Held held;
  std::string error;
};

namespace lease_store {

// First in each transaction that uses what follows: the planner judges a queue by what it held when
// it was last looked at, which may be nothing, a moment before a million jobs came.
void use_indexes(pg::Tx& tx);

// At most `limit` jobs, best priority first. Within a priority each lane gives one in its turn,
// beginning after the one that was last, and more only where there are fewer lanes than jobs
// wanted. Costs one step into an index for each lane that is passed and each job that is taken,
// whatever the number of jobs. Moves `turns` on.
std::vector<Claimed> claim(pg::Tx& tx, const Claim& wish, Turns& turns);

// Deletes what is done. Returns the ids that were still held.
std::vector<JobId> finish(pg::Tx& tx, std::span<const Held> done);
// The same for one, in a transaction that is not the worker's own, whose plans it leaves as they
// are.
bool finish_beside(pg::Tx& tx, const Held& done);

// Makes jobs wait again. One whose key waits by now is dropped for the one that waits.
void give_back(pg::Tx& tx, std::span<const Returned> jobs);

void bury(pg::Tx& tx, std::span<const Buried> jobs);

// The ids that are still held, now for `lease_for` from the database's now.
std::vector<JobId> extend(pg::Tx& tx, std::span<const Held> held,
                          std::chrono::milliseconds lease_for);

// Jobs whose lease ran out, because their worker was killed or lost the database: ready again, or
// dead after their last attempt. Returns how many.
std::size_t take_over(pg::Tx& tx);

// Gives back what a claim took whose commit was in doubt, so that nobody runs it.
void abandon(pg::Tx& tx, Uuid lease);

// Makes ready what is due by the business clock, at most kPromoted of a priority. True if there is
// more.
inline constexpr int kPromoted = 1000;
bool promote(pg::Tx& tx, Time now);

}  // namespace lease_store

}  // namespace payoutd::jobs
