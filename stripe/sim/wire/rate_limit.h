// Stripe's rate limiters: token buckets per account and mode, per endpoint, and for payout creation
// also a bound on how many run at once. They act before idempotency, on the monotonic clock.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace payoutd::sim {

enum class LimitReason {
  global_rate,
  global_concurrency,
  endpoint_rate,
  endpoint_concurrency,
  resource_specific,
};

// The value of Stripe-Rate-Limited-Reason: "global-rate".
std::string_view header_value(LimitReason reason);

class RateLimiter {
 public:
  // Requests per second; a bucket holds one second's worth. 0 switches that limit off.
  struct Limits {
    bool enabled = true;
    int live_rps = 100;
    int test_rps = 25;
    int endpoint_rps = 25;
    int payout_rps = 15;
    int payout_concurrent = 30;
    int global_concurrent = 0;  // Stripe publishes no figure
    int list_weight = 1;        // what one list counts against global_concurrent

    static Limits off() { return Limits{.enabled = false}; }
  };

  struct Call {
    std::string_view account{};  // whose budget it is: the platform's, also under Stripe-Account
    bool livemode = false;
    std::string_view method{};    // "POST"
    std::string_view endpoint{};  // the route's template: "/v1/payouts/:id/cancel"
    bool list = false;
  };

  // What a running request holds; gives it back when destroyed, also after the limiter's end.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&&) = default;
    Permit& operator=(Permit&& other) noexcept;
    ~Permit() { release(); }
    void release();

   private:
    friend class RateLimiter;
    std::shared_ptr<class RunningCalls> running_;
    std::string account_;
    int weight_ = 0;
    bool payout_ = false;
  };

  RateLimiter();
  explicit RateLimiter(Limits limits);

  std::expected<Permit, LimitReason> check(const Call& call,
                                           std::chrono::steady_clock::time_point now);

  void set(Limits limits);  // from then on; buckets start full
  Limits limits() const;

 private:
  struct Bucket {
    double tokens = 0;
    std::chrono::steady_clock::time_point filled{};
  };
  using Now = std::chrono::steady_clock::time_point;
  Bucket& bucket(const std::string& name, int rps, Now now);
  std::expected<Permit, LimitReason> enter(const Call& call, const std::string& account);

  mutable std::mutex mutex_;
  Limits limits_;
  std::unordered_map<std::string, Bucket> buckets_;
  std::shared_ptr<class RunningCalls> running_;
};

}  // namespace payoutd::sim
