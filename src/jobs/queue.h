// Puts jobs into the queue, inside the transaction whose commit makes them true.
#pragma once

#include <cstddef>
#include <span>

#include "jobs/job.h"
#include "pg/database.h"

namespace payoutd::jobs {

// Workers that listen are told when the transaction commits. False where one with its key waits
// already: that one can't begin before this transaction ends, so it sees what is written here.
bool enqueue(pg::Tx& tx, const Job& job);

// One statement for all. Returns how many were added; those left out had a key that waits already,
// or that stands earlier in `jobs`.
std::size_t enqueue(pg::Tx& tx, std::span<const Job> jobs);

// For work whose cause lies outside of this database: one that waits with the key begins after the
// cause, so its row is left alone, and transactions with the same keys do not wait for each other.
// All must have a key. Returns how many were added.
std::size_t enqueue_missing(pg::Tx& tx, std::span<const Job> jobs);

// How many jobs there are of each state, counted to at most `kCountedTo`, so that a look at a queue
// of millions stays cheap.
inline constexpr int kCountedTo = 10'000;
struct Backlog {
  int ready = 0;
  int scheduled = 0;
  int running = 0;
  int dead = 0;
};
Backlog backlog(pg::Tx& tx);

}  // namespace payoutd::jobs
