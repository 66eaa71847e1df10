// The way in for Stripe's events. Each of a few writers commits everything that queued while they
// committed the batches before: a group commit that needs no timer. An event's answer leaves after
// its own commit.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/log.h"
#include "http/hold.h"
#include "webhooks/inbox_writer.h"

namespace payoutd::webhooks {

class Inbox {
 public:
  struct Options {
    std::optional<bool> livemode{};    // of our Stripe key; without one every mode is taken
    std::size_t max_waiting = 20'000;  // events beyond it are answered 503 at once
    std::size_t max_batch = 1'000;
    std::size_t max_batch_bytes = 8 * 1024 * 1024;
    int writers = 2;                       // one fills its batch while the other waits for the disk
    std::function<void()> stored = [] {};  // called after each commit that stored something
  };
  Inbox(pg::Database& db, const Clock& clock, Options options);
  ~Inbox();  // answers what waits, then stops

  // Queues the event; its hold is sent after the commit that stores it, or refused with 503
  // `event_not_stored`, which says why.
  // False, with the hold untouched, when too many wait.
  bool offer(EventHead head, std::string body, http::Hold& hold);

  struct Counts {
    std::uint64_t stored = 0, duplicates = 0, refused = 0, batches = 0, set_aside = 0;
    std::size_t waiting = 0;
  };
  Counts counts() const;

 private:
  // The event and the hold at one place belong together.
  struct Batch {
    std::vector<Received> events;
    std::vector<http::Hold> holds;
  };

  void write();
  Batch next_batch();
  void commit(InboxWriter& writer, Batch& batch);
  void commit_one_by_one(InboxWriter& writer, Batch& batch);
  StoredBatch store(InboxWriter& writer, std::span<Received> events);
  void send(Batch& batch, const StoredBatch& stored);
  void refuse(http::Hold& hold, std::string_view why);
  void tell(const std::exception& error, std::size_t events);

  pg::Database& db_;
  const Clock& clock_;
  const Options options_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Received> events_;  // that wait, and their holds
  std::deque<http::Hold> holds_;
  Counts counts_;
  bool stopping_ = false;
  log::Repeated failing_;

  std::vector<std::jthread> writers_;
};

}  // namespace payoutd::webhooks
