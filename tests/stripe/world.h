// A client on a server of the test's own, whose pauses take no time and are written down.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "stripe/client.h"
#include "stripe/wire.h"

namespace payoutd::stripe {

inline constexpr const char* kTestKey = "sk_test_51SecretOfThisTest";
inline constexpr const char* kPayoutBody = R"({"id":"po_1","object":"payout","amount":1100})";

// Pauses, in the order they were wanted.
class Pauses {
 public:
  Pause take(Pause wanted) {
    const std::lock_guard lock(mutex_);
    taken_.push_back(wanted);
    return Pause{0};
  }
  std::vector<Pause> taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Pause> taken_;
};

struct World {
  Client::Options options;
  std::shared_ptr<Pauses> pauses = std::make_shared<Pauses>();

  explicit World(const std::string& url) {
    options.key = Secret{kTestKey};
    options.base = url;
    options.budget = std::make_shared<LocalBudget>(Rates{1e6, 1e6, 1e6});
    options.timeout = std::chrono::seconds{20};
    options.max_payout_creations = 256;  // a payout stands here for any POST
    options.pause = [kept = pauses](Pause wanted) { return kept->take(wanted); };
  }
  explicit World(const Wire& wire) : World(wire.url()) { options.ca_file = wire.ca_file(); }

  std::unique_ptr<Client> client() const {
    auto opened = Client::open(options);
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
};

inline Request pay(const std::string& body = "amount=1100&currency=eur") {
  return Request::post("/v1/payouts", IdempotencyKey{"payout-0190-attempt-1"}, body);
}

// For what another thread must do first.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Without it no refusal is Stripe's.
inline constexpr const char* kRequestId = "Request-Id: req_1\r\n";

inline std::string stripe_error(std::string_view type, std::string_view code,
                                std::string_view message = "no") {
  return R"({"error":{"type":")" + std::string(type) + R"(","code":")" + std::string(code) +
         R"(","message":")" + std::string(message) + R"("}})";
}

}  // namespace payoutd::stripe
