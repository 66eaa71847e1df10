// Stripe's idempotency layer: the first executed answer to a key is kept, whatever it was, and
// given again to the same request for 24 hours of the simulated clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "base/json.h"
#include "base/time.h"

namespace payoutd::sim {

inline constexpr std::size_t kMaxIdempotencyKeyBytes = 255;

// Method, path and parsed parameters in one hash: the order of the fields does not matter.
std::string fingerprint(std::string_view method, std::string_view path, const Json& params);

// The texts Stripe answers with: 409 code `idempotency_key_in_use`, 400 type `idempotency_error`.
std::string key_in_use_message(std::string_view key);
std::string key_mismatch_message(std::string_view key);

struct StoredReply {
  int status = 200;
  std::string body{};
  std::string request_id{};  // of the request that ran: the header Original-Request
};

class IdempotencyStore {
 public:
  struct Scope {
    std::string account{};  // the account the request acts on
    bool livemode = false;
  };
  struct Options {
    std::chrono::hours retention{24};
    std::size_t max_bytes = 256u * 1024 * 1024;  // beyond: the oldest answers go first
  };

  // The right to run a request; the store outlives it. Destroyed without finish(), it leaves the
  // key as if never used: so end requests that were refused before their endpoint ran.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket();                       // abandons
    void finish(StoredReply reply);  // keeps the answer, 4xx, 402 and 500 included
    void abandon();

   private:
    friend class IdempotencyStore;
    Ticket(IdempotencyStore* store, std::string id) : store_(store), id_(std::move(id)) {}
    IdempotencyStore* store_ = nullptr;
    std::string id_;
  };

  struct Fresh {
    Ticket ticket;
  };
  struct Replay {
    StoredReply reply;
  };
  struct InFlight {};
  struct Mismatch {};
  using Begun = std::variant<Fresh, Replay, InFlight, Mismatch>;

  IdempotencyStore() : IdempotencyStore(Options{}) {}
  explicit IdempotencyStore(Options options) : options_(options) {}

  // For a POST with a key of 1 to 255 bytes. `now` is the simulated time. Of any number of callers
  // at once exactly one gets Fresh.
  Begun begin(const Scope& scope, std::string_view key, std::string_view fingerprint, Time now);

  std::size_t size() const;

 private:
  struct Entry {
    std::string fingerprint;
    Time began;
    std::uint64_t serial = 0;
    bool finished = false;
    StoredReply reply;
  };
  void finish(const std::string& id, StoredReply reply);
  void abandon(const std::string& id);
  void forget_old(Time now);

  Options options_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  std::map<std::uint64_t, std::string> finished_;  // ids by serial: oldest first
  std::uint64_t serial_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace payoutd::sim
