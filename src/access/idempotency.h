// Idempotency-Key on any POST: the same key and request give the same answer, with
// `Idempotent-Replayed: true`, and are done once.
//
// Only 2xx answers are kept. A 4xx frees the key. After a 5xx, an exception, a lost database or a
// crash the row stays, and the next request with the key and body runs as a resumed one, with the
// same IdempotentRun::id, by which its handler finds what was done before.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "access/idempotency_store.h"
#include "base/log.h"
#include "http/router.h"
#include "pg/database.h"

namespace payoutd::access {

// Starts a thread of its own: make it after everything that forks.
class Idempotency {
 public:
  struct Options {
    // How long after a crash a key stays in use, by the database's clock. Running requests renew
    // their lease in time, however long they take.
    int lease_ms = 30'000;
  };
  explicit Idempotency(pg::Database& db, Options options);
  explicit Idempotency(pg::Database& db) : Idempotency(db, Options{}) {}
  ~Idempotency();
  Idempotency(const Idempotency&) = delete;
  Idempotency& operator=(const Idempotency&) = delete;

  // For http::Router::wrap_with. Requests that are no POST, have no key or no Principal pass
  // through. Replies 400 `idempotency_key_invalid`, 422 `idempotency_key_reused`, 409
  // `idempotency_key_in_use` with Retry-After. Throws what the handler and the database throw.
  http::Reply run(http::Context& context, const http::Route& route, const http::Handler& handler);

  // Deletes keys that are more than `days` old, but for those of routes that keep theirs for ever.
  // Answers how many. In small transactions; safe to run on several instances at once.
  std::int64_t purge(int days = 30);

 private:
  class Claim;
  using Clock = std::chrono::steady_clock;
  struct Lease {
    ClaimedKey key;
    Clock::time_point since;
  };

  http::Reply run_claimed(http::Context& context, const ClaimedKey& key,
                          const http::Handler& handler);
  http::Reply handle(http::Context& context, const ClaimedKey& key, const http::Handler& handler);
  ClaimAnswer claim(const KeyClaim& wanted);
  bool finish(const ClaimedKey& key, const StoredReply& reply);
  Result<bool> finish_or_doubt(const ClaimedKey& key, const http::Request& request,
                               const StoredReply& reply);
  bool end_lease(const ClaimedKey& key) noexcept;  // false: not now

  void keep_leases();
  std::vector<ClaimedKey> due_for_renewal(Clock::time_point now);
  void renew(const std::vector<ClaimedKey>& keys) noexcept;
  std::vector<Lease> end_leases(std::vector<Lease> abandoned) noexcept;

  pg::Database& db_;
  const std::chrono::milliseconds lease_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::map<Uuid, Lease> running_;  // by run
  // Ended while the database was away: their leases are given back as soon as it is there, so that
  // the caller who asks again need not wait them out.
  std::vector<Lease> abandoned_;
  log::Repeated failing_;
  std::thread keeper_;
};

}  // namespace payoutd::access
