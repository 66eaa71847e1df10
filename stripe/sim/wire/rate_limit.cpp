#include "stripe/sim/wire/rate_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace payoutd::sim {

// What runs now, by account and mode. Has its own lock, so that permits can come back at any time.
class RunningCalls {
 public:
  struct Bounds {
    int weight;   // of this call
    int weights;  // all calls of the account at once; 0: no bound
    bool payout;
    int payouts;  // payout creations of the account at once; 0: no bound
  };

  std::expected<void, LimitReason> enter(const std::string& account, const Bounds& bounds) {
    const std::lock_guard lock(mutex_);
    Running& running = accounts_[account];
    if (bounds.payout && bounds.payouts > 0 && running.payouts >= bounds.payouts) {
      return std::unexpected(LimitReason::endpoint_concurrency);
    }
    if (bounds.weights > 0 && running.weight + bounds.weight > bounds.weights) {
      return std::unexpected(LimitReason::global_concurrency);
    }
    running.weight += bounds.weight;
    running.payouts += bounds.payout ? 1 : 0;
    return {};
  }

  void leave(const std::string& account, int weight, bool payout) {
    const std::lock_guard lock(mutex_);
    Running& running = accounts_[account];
    running.weight -= weight;
    running.payouts -= payout ? 1 : 0;
  }

 private:
  struct Running {
    int weight = 0;
    int payouts = 0;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Running> accounts_;
};

std::string_view header_value(LimitReason reason) {
  switch (reason) {
    case LimitReason::global_rate: return "global-rate";
    case LimitReason::global_concurrency: return "global-concurrency";
    case LimitReason::endpoint_rate: return "endpoint-rate";
    case LimitReason::endpoint_concurrency: return "endpoint-concurrency";
    case LimitReason::resource_specific: return "resource-specific";
  }
  std::unreachable();
}

RateLimiter::Permit& RateLimiter::Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    release();
    running_ = std::move(other.running_);
    account_ = std::move(other.account_);
    weight_ = other.weight_;
    payout_ = other.payout_;
  }
  return *this;
}

void RateLimiter::Permit::release() {
  if (const auto running = std::exchange(running_, nullptr))
    running->leave(account_, weight_, payout_);
}

RateLimiter::RateLimiter() : RateLimiter(Limits{}) {}

RateLimiter::RateLimiter(Limits limits)
    : limits_(limits), running_(std::make_shared<RunningCalls>()) {}

RateLimiter::Bucket& RateLimiter::bucket(const std::string& name, int rps, Now now) {
  const auto [found, is_first] = buckets_.try_emplace(name, Bucket{static_cast<double>(rps), now});
  Bucket& bucket = found->second;
  const std::chrono::duration<double> since = now - bucket.filled;
  bucket.tokens = std::min<double>(rps, bucket.tokens + std::max(0.0, since.count()) * rps);
  bucket.filled = std::max(bucket.filled, now);
  return bucket;
}

namespace {

bool creates_payout(const RateLimiter::Call& call) {
  return call.method == "POST" && call.endpoint == "/v1/payouts";
}

}  // namespace

std::expected<RateLimiter::Permit, LimitReason> RateLimiter::check(const Call& call, Now now) {
  const std::lock_guard lock(mutex_);
  if (!limits_.enabled) return Permit{};
  const std::string account = fmt::format("{}:{}", call.livemode ? "live" : "test", call.account);

  const int global_rps = call.livemode ? limits_.live_rps : limits_.test_rps;
  const int own_rps = creates_payout(call) ? limits_.payout_rps : limits_.endpoint_rps;
  const std::string endpoint = fmt::format("{} {} {}", account, call.method, call.endpoint);
  Bucket* global = global_rps > 0 ? &bucket(account, global_rps, now) : nullptr;
  Bucket* own = own_rps > 0 ? &bucket(endpoint, own_rps, now) : nullptr;
  if (global && global->tokens < 1) return std::unexpected(LimitReason::global_rate);
  if (own && own->tokens < 1) return std::unexpected(LimitReason::endpoint_rate);
  auto permit = enter(call, account);
  if (!permit) return permit;
  // Both tokens are taken or none.
  if (global) global->tokens -= 1;
  if (own) own->tokens -= 1;
  return permit;
}

std::expected<RateLimiter::Permit, LimitReason> RateLimiter::enter(const Call& call,
                                                                   const std::string& account) {
  Permit permit;
  permit.account_ = account;
  permit.weight_ = call.list ? limits_.list_weight : 1;
  permit.payout_ = creates_payout(call);
  const RunningCalls::Bounds bounds{permit.weight_, limits_.global_concurrent, permit.payout_,
                                    limits_.payout_concurrent};
  if (auto entered = running_->enter(account, bounds); !entered) {
    return std::unexpected(entered.error());
  }
  permit.running_ = running_;
  return permit;
}

void RateLimiter::set(Limits limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
  buckets_.clear();
}

RateLimiter::Limits RateLimiter::limits() const {
  const std::lock_guard lock(mutex_);
  return limits_;
}

}  // namespace payoutd::sim
