// The bounded set of connections behind a Database.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "pg/connection.h"
#include "pg/database.h"

namespace payoutd::pg {

class Pool {
 public:
  Pool(Connection::Settings settings, int max_connections, int wait_ms);

  // A connection for one thread. Returned healthy, it is kept; anything else ends it.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<Connection> connection)
        : pool_(pool), connection_(std::move(connection)) {}
    ~Lease() { pool_.put_back(std::move(connection_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Connection& operator*() { return *connection_; }

   private:
    Pool& pool_;
    std::unique_ptr<Connection> connection_;
  };

  // With `begin` already run on it. A kept connection that was lost meanwhile is replaced, so that
  // a server which went away and came back costs no error. Throws Lost.
  Lease begin(const std::string& begin);

  const Connection::Settings& settings() const { return settings_; }
  PoolState state() const;
  void count_transaction() { ++transactions_; }
  void count_conflict() { ++conflicts_; }

  // A replica that could not be reached is left alone for a while.
  bool away() const;
  void set_away();

 private:
  // An idle connection, or nothing with the right to open one.
  std::unique_ptr<Connection> take(Deadline deadline);
  void put_back(std::unique_ptr<Connection> connection);
  void give_up_slot();
  void drop_idle();

  const Connection::Settings settings_;
  const int max_connections_;
  const int wait_ms_;
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Connection>> idle_;  // last in, first out
  int open_ = 0;
  int waiting_ = 0;
  std::atomic<std::int64_t> transactions_{0};
  std::atomic<std::int64_t> conflicts_{0};
  std::atomic<std::int64_t> losses_{0};
  std::atomic<std::int64_t> away_until_{0};  // of the steady clock
};

}  // namespace payoutd::pg
