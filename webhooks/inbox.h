// The way in for Stripe's events. One writer commits everything that queued while it committed the
// batch before: a group commit that needs no timer. An event's answer leaves after its own commit.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "http/hold.h"
#include "pg/database.h"
#include "webhooks/inbox_store.h"

namespace payoutd::webhooks {

class Inbox {
 public:
  struct Options {
    std::optional<bool> livemode;      // the mode of our Stripe key; without one every mode is taken
    std::size_t max_waiting = 20'000;  // events beyond it are answered 503 at once
    std::size_t max_batch = 1'000;
    std::size_t max_batch_bytes = 8 * 1024 * 1024;
    // Whether somebody applies events of this type.
    std::function<bool(const std::string& type)> handles = [](const std::string&) { return true; };
    std::function<void()> stored = [] {};  // called after each commit that stored something
  };
  Inbox(pg::Database& db, const Clock& clock, Options options);
  ~Inbox();  // answers what waits, then stops

  // Queues the event; its hold is sent after the commit that stores it, or replaced by a 503. False,
  // with the hold untouched, when too many wait.
  bool offer(EventHead head, std::string body, http::Hold& hold);

  struct Counts {
    std::uint64_t stored = 0, duplicates = 0, refused = 0, batches = 0, set_aside = 0;
    std::size_t waiting = 0;
  };
  Counts counts() const;

 private:
  struct Waiting {
    Received event;
    http::Hold hold;
  };
  struct Owner {
    OrgId organization;
    std::string account;  // acct_…, also for the platform's own, whose events name none
  };

  void run();
  std::vector<Waiting> next_batch();
  void commit(std::vector<Waiting>& batch);
  void commit_one_by_one(std::vector<Waiting>& batch);
  void store(std::vector<Waiting>& batch, std::size_t from, std::size_t to);
  bool place(Received& event) const;
  void learn_accounts(pg::Tx& tx, const std::vector<Waiting>& batch, std::size_t from, std::size_t to);
  bool in_range(Time created) const;

  pg::Database& db_;
  const Clock& clock_;
  const Options options_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  Counts counts_;
  bool stopping_ = false;

  // Of the writer's thread alone.
  std::map<std::string, Owner, std::less<>> owners_;  // by acct_…; "" is the platform's own account
  std::chrono::steady_clock::time_point owners_read_{};
  std::optional<OrgId> platform_;
  std::set<std::int64_t> weeks_;  // that have a partition

  std::jthread writer_;
};

}  // namespace payoutd::webhooks
