// The second step of an event: out of the queue and into the tables, in sets, on several threads
// and any number of instances. An event leaves the queue in the transaction that applies it, so
// that a process that dies loses none and applies none twice. One that can't be applied is kept
// as failed, with the reason, and blocks no other. What the database is too busy for says nothing
// of an event: that one is tried again a moment later, for as long as it takes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "mirror/apply.h"
#include "pg/database.h"
#include "webhooks/queue_store.h"

namespace payoutd::webhooks {

// For mirror::mirror_handlers: the event whose object was fetched instead of its own is applied;
// one whose object could not be fetched fails with the reason.
bool end_fetch(pg::Tx& tx, OrgId organization, const mirror::WaitingEvent& event,
               const Error* failed);

// The jobs that applied events call for.
struct ToEnqueue {
  mirror::Applied applied{};
  std::vector<std::string> connected{};  // accounts that say so
};

class ApplyWorkers {
 public:
  struct Options {
    int threads = 2;
    int batch = 500;
    int set_lock_timeout_ms = 1'000;  // a set that waits longer for a lock is taken apart
    int event_lock_timeout_ms = 100;  // an event by itself that waits longer is delayed
  };
  ApplyWorkers(pg::Database& db, const mirror::Appliers& appliers, Options options);
  ~ApplyWorkers();  // finishes the batches under way

  void nudge();  // something was stored

  struct Counts {
    std::uint64_t applied = 0, failed = 0, delayed = 0, batches = 0;
    std::uint64_t fetched = 0;  // they wait for an object that is fetched instead of their own
  };
  Counts counts() const;

  // Applies one batch, and the delayed events whose time has come, on the caller's thread; for how
  // many events that was the end of waiting, or of the queue. Throws what the database throws; then
  // all stay queued.
  std::size_t apply_batch();

  // How far the tables lag behind the inbox.
  QueueBacklog backlog(pg::Tx& tx) const;

 private:
  struct Tally {
    std::size_t taken = 0, failed = 0, delayed = 0, fetched = 0;
  };
  // The events that were not simply applied.
  struct Rest {
    std::vector<Failure> failures;
    std::vector<const StoredEvent*> busy;
    std::size_t fetched = 0;
    std::vector<std::pair<const StoredEvent*, ToEnqueue>> wanted;  // by those that were applied
  };
  using Take = std::function<std::vector<StoredEvent>(pg::Tx&)>;

  void run(std::stop_token stop);
  std::vector<StoredEvent> take(pg::Tx& tx);
  std::optional<Tally> apply_set();
  Tally apply_one_by_one(const Take& take);
  void apply_alone(pg::Tx& tx, std::span<StoredEvent> events, Rest& rest);
  bool apply_alone(pg::Tx& tx, StoredEvent& event, Rest& rest);
  static void enqueue_each(pg::Tx& tx, Rest& rest);
  bool delayed_are_due();
  void delayed_are_due_now();
  QueueHead known_head() const;
  void know(QueueHead head);
  std::size_t count(const Tally& tally);

  pg::Database& db_;
  const mirror::Appliers& appliers_;
  const Options options_;

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::uint64_t nudges_ = 0;
  Counts counts_;
  QueueHead head_;
  std::chrono::steady_clock::time_point delayed_taken_{};
  log::Repeated failing_, apart_, waiting_;

  std::vector<std::jthread> threads_;
};

}  // namespace payoutd::webhooks
