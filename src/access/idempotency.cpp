#include "access/idempotency.h"

#include <algorithm>

#include "access/idempotency_rules.h"
#include "access/principal.h"
#include "base/log.h"

namespace payoutd::access {
namespace {

constexpr int kTries = 5;
constexpr std::int64_t kPurgeBatch = 1'000;
constexpr int kMaxPurgeBatches = 10'000;
constexpr std::chrono::milliseconds kRetryAbandoned{250};

KeyClaim wanted_by(const http::Request& request, const http::Route& route, std::string key) {
  KeyClaim wanted;
  wanted.organization = principal(request).organization;
  wanted.key = std::move(key);
  wanted.fingerprint = fingerprint_of(request, route);
  wanted.route = route.method + " " + route.pattern;
  wanted.kept_for_ever = route.keeps_keys_for_ever;
  wanted.id = Uuid::v7();
  wanted.run = Uuid::v7();
  return wanted;
}

StoredReply to_store(const http::Request& request, const http::Reply& reply) {
  StoredReply stored{reply.status, reply.content_type, Json::array(), reply.body};
  for (const auto& [name, value] : reply.headers) {
    if (is_kept_header(name)) stored.headers.push_back(Json::array({name, value}));
  }
  const IdempotentRun* run = idempotent_run(request);
  if (run->body_to_keep) stored.body = *run->body_to_keep;
  return stored;
}

http::Reply replayed(const StoredReply& stored) {
  http::Reply reply;
  reply.status = stored.status;
  reply.content_type = stored.content_type;
  reply.body = stored.body;
  for (const Json& header : stored.headers) {
    reply.headers.emplace_back(header.at(0).get<std::string>(), header.at(1).get<std::string>());
  }
  return std::move(reply).with("Idempotent-Replayed", "true");
}

http::Reply in_use(KeyInUse wait, const http::Request& request) {
  return http::error_reply(Error{Kind::refused, "idempotency_key_in_use",
                                 "a request with this Idempotency-Key is still running: ask again"},
                           request.request_id)
      .with("Retry-After", std::to_string(wait.seconds_left));
}

http::Reply reused(const KeyReused& by, const http::Request& request) {
  return http::error_reply(
      Error{Kind::unprocessable, "idempotency_key_reused",
            fmt::format("this Idempotency-Key belongs to another request, a {}: a key is for one "
                        "request, with one body",
                        by.route)},
      request.request_id);
}

template <class... F>
struct Cases : F... {
  using F::operator()...;
};
template <class... F>
Cases(F...) -> Cases<F...>;

}  // namespace

// Holds a row while its request runs. What is not settled at the end may be resumed at once.
class Idempotency::Claim {
 public:
  Claim(Idempotency& owner, const ClaimedKey& key) : owner_(owner), key_(key) {
    const std::scoped_lock lock(owner_.mutex_);
    owner_.running_.emplace(key.run, Lease{key, Clock::now()});
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim() {
    {
      const std::scoped_lock lock(owner_.mutex_);
      owner_.running_.erase(key_.run);
    }
    if (settled_ || owner_.end_lease(key_)) return;
    const std::scoped_lock lock(owner_.mutex_);
    owner_.abandoned_.push_back({key_, Clock::now()});
    owner_.changed_.notify_all();
  }
  void settled() { settled_ = true; }

 private:
  Idempotency& owner_;
  const ClaimedKey key_;
  bool settled_ = false;
};

Idempotency::Idempotency(pg::Database& db, Options options)
    : db_(db), lease_(options.lease_ms), keeper_([this] { keep_leases(); }) {}

Idempotency::~Idempotency() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  keeper_.join();
}

http::Reply Idempotency::run(http::Context& context, const http::Route& route,
                             const http::Handler& handler) {
  const http::Request& request = context.request;
  if (request.method != "POST" || find_principal(request) == nullptr) return handler(context);
  const auto key = idempotency_key_in(request);
  if (!key) return http::error_reply(key.error(), request.request_id);
  if (!*key) return handler(context);
  const ClaimAnswer answer = claim(wanted_by(request, route, **key));
  return std::visit(
      Cases{[&](const ClaimedKey& claimed) { return run_claimed(context, claimed, handler); },
            [&](const StoredReply& stored) { return replayed(stored); },
            [&](const KeyInUse& wait) { return in_use(wait, request); },
            [&](const KeyReused& by) { return reused(by, request); }},
      answer);
}

http::Reply Idempotency::run_claimed(http::Context& context, const ClaimedKey& key,
                                     const http::Handler& handler) {
  const http::Request& request = context.request;
  Claim claim(*this, key);
  set_idempotent_run(request, IdempotentRun{key.key, key.id, key.resumed});
  http::Reply reply = handle(context, key, handler);
  if (reply.status >= 200 && reply.status < 300) {
    const auto ours = finish_or_doubt(key, request, to_store(request, reply));
    if (!ours) return http::error_reply(ours.error(), request.request_id);
    if (!*ours) {
      // Our lease ended and another request runs, or ran: its answer is the one that counts.
      claim.settled();
      return in_use(KeyInUse{1}, request);
    }
    claim.settled();
  } else if (reply.status < 500) {
    const auto dropped = db_.transact([&](pg::Tx& tx) -> Result<void> {
      idempotency_store::drop(tx, key);
      return {};
    });
    CHECK(dropped.ok());
    claim.settled();
  }
  return reply;
}

// An earlier run may have done what this one could not look for: no proof that nothing was done.
http::Reply Idempotency::handle(http::Context& context, const ClaimedKey& key,
                                const http::Handler& handler) {
  if (!key.resumed) return handler(context);
  try {
    return handler(context);
  } catch (const pg::Unavailable& away) {
    throw pg::InDoubt(away.what());
  } catch (const pg::Conflict& conflict) {
    throw pg::InDoubt(conflict.what());
  }
}

ClaimAnswer Idempotency::claim(const KeyClaim& wanted) {
  for (int tries = 1; tries <= kTries; ++tries) {
    try {
      const auto answer = db_.transact([&](pg::Tx& tx) -> Result<std::optional<ClaimAnswer>> {
        return idempotency_store::claim(tx, wanted, lease_.count());
      });
      CHECK(answer.ok());
      if (*answer) return **answer;
    } catch (const pg::InDoubt&) {
      if (tries == kTries) throw;  // else look: the row, if it is there, names our run
    }
  }
  return KeyInUse{1};
}

// The handler's work is done: a loss now leaves its outcome unknown to the caller, not undone.
bool Idempotency::finish(const ClaimedKey& key, const StoredReply& reply) {
  bool ours = false;
  const auto store_reply = [&] {
    const auto stored = db_.transact([&](pg::Tx& tx) -> Result<void> {
      ours = idempotency_store::finish(tx, key, reply);
      return {};
    });
    CHECK(stored.ok());
  };
  try {
    try {
      store_reply();
    } catch (const pg::InDoubt&) {
      store_reply();  // writes the same again
    }
  } catch (const pg::Unavailable& away) {
    throw pg::InDoubt(away.what());
  } catch (const pg::Conflict& conflict) {
    throw pg::InDoubt(conflict.what());
  }
  return ours;
}

// The handler's own words for a loss, where it gave some.
Result<bool> Idempotency::finish_or_doubt(const ClaimedKey& key, const http::Request& request,
                                          const StoredReply& reply) {
  const auto& doubt = idempotent_run(request)->in_doubt;
  try {
    return finish(key, reply);
  } catch (const pg::InDoubt& lost) {
    if (!doubt) throw;
    log::error("the answer to a request could not be kept",
               {{"what", std::string_view(lost.what())}});
    return *doubt;
  }
}

bool Idempotency::end_lease(const ClaimedKey& key) noexcept {
  try {
    const auto ended = db_.transact([&](pg::Tx& tx) -> Result<void> {
      idempotency_store::end_lease(tx, key);
      return {};
    });
    CHECK(ended.ok());
    return true;
  } catch (const std::exception& e) {
    log::debug("could not end an idempotency lease", {{"error", e.what()}});
    return false;
  }
}

void Idempotency::keep_leases() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock,
                      abandoned_.empty() ? lease_ / 3 : std::min(lease_ / 3, kRetryAbandoned));
    if (stopping_) return;
    const auto due = due_for_renewal(Clock::now());
    std::vector<Lease> abandoned = std::move(abandoned_);
    abandoned_.clear();
    lock.unlock();
    renew(due);
    abandoned = end_leases(std::move(abandoned));
    lock.lock();
    abandoned_.insert(abandoned_.end(), abandoned.begin(), abandoned.end());
  }
}

// Most requests end long before their lease needs renewing.
std::vector<ClaimedKey> Idempotency::due_for_renewal(Clock::time_point now) {
  std::vector<ClaimedKey> due;
  for (auto& [run, lease] : running_) {
    if (now - lease.since < lease_ / 3) continue;
    lease.since = now;
    due.push_back(lease.key);
  }
  return due;
}

void Idempotency::renew(const std::vector<ClaimedKey>& keys) noexcept {
  if (keys.empty()) return;
  try {
    const auto renewed = db_.transact([&](pg::Tx& tx) -> Result<void> {
      idempotency_store::renew(tx, keys, lease_.count());
      return {};
    });
    CHECK(renewed.ok());
  } catch (const std::exception& e) {
    failing_.write(log::Level::warn, "could not renew idempotency leases", e.what(),
                   {{"keys", keys.size()}, {"error", e.what()}});
  }
}

// Returns those to try again; a lease that has run out by itself needs nothing.
std::vector<Idempotency::Lease> Idempotency::end_leases(std::vector<Lease> abandoned) noexcept {
  std::erase_if(abandoned, [&](const Lease& lease) { return Clock::now() - lease.since > lease_; });
  std::size_t ended = 0;
  while (ended < abandoned.size() && end_lease(abandoned[ended].key)) ++ended;
  abandoned.erase(abandoned.begin(), abandoned.begin() + static_cast<std::ptrdiff_t>(ended));
  return abandoned;
}

std::int64_t Idempotency::purge(int days) {
  std::int64_t total = 0;
  for (int batch = 0; batch < kMaxPurgeBatches; ++batch) {
    const auto purged = db_.transact([&](pg::Tx& tx) -> Result<std::int64_t> {
      return idempotency_store::purge(tx, days, kPurgeBatch);
    });
    CHECK(purged.ok());
    total += *purged;
    if (*purged < kPurgeBatch) break;
  }
  return total;
}

}  // namespace payoutd::access
