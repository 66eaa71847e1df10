// The second step of an event: out of the queue and into the tables, in sets, on several threads
// and any number of instances. An event leaves the queue in the transaction that applies it, so
// that a process that dies loses none and applies none twice. One that can't be applied is set
// aside with the reason and blocks no other.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "mirror/apply.h"
#include "pg/database.h"
#include "webhooks/event_types.h"

namespace payoutd::webhooks {

class ApplyWorkers {
 public:
  struct Options {
    int threads = 2;
    int batch = 500;
    // Called in the transaction that applied them: hands what must be fetched to the jobs.
    std::function<void(pg::Tx&, const mirror::Applied&)> follow_up;
  };
  ApplyWorkers(pg::Database& db, const mirror::Appliers& appliers, Options options);
  ~ApplyWorkers();  // finishes the batches under way

  void nudge();  // something was stored

  struct Counts {
    std::uint64_t applied = 0, failed = 0, batches = 0;
  };
  Counts counts() const;

  // Applies one batch on the caller's thread; how many events left the queue.
  std::size_t apply_batch();

 private:
  void run(std::stop_token stop);
  std::size_t apply_one_by_one();

  pg::Database& db_;
  const mirror::Appliers& appliers_;
  const Options options_;

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::uint64_t nudges_ = 0;
  Counts counts_;

  std::vector<std::jthread> threads_;
};

// How far the tables lag behind the inbox.
struct Backlog {
  std::int64_t waiting = 0;
  double oldest_seconds = 0;  // by the database's clock
  std::int64_t failed =
      0;  // set aside with an error, until they are replayed or their week is dropped
};
Backlog backlog(pg::Database& db);

}  // namespace payoutd::webhooks
