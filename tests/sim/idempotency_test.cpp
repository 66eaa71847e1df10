#include "stripe/sim/wire/idempotency.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace payoutd::sim {
namespace {

using Keys = IdempotencyStore;
const Keys::Scope kScope{"acct_1", false};
const Time kNow = from_unix(1'700'000'000);
constexpr std::chrono::hours kOneDay{24};

template <class T>
bool is(const Keys::Begun& begun) {
  return std::holds_alternative<T>(begun);
}

// Runs a request under `key` to its end.
void run(Keys& store, std::string_view key, StoredReply reply, Time now = kNow) {
  auto begun = store.begin(kScope, key, "same", now);
  ASSERT_TRUE(is<Keys::Fresh>(begun));
  std::get<Keys::Fresh>(begun).ticket.finish(std::move(reply));
}

TEST(Idempotency, GivesTheFirstAnswerAgain) {
  Keys store;
  run(store, "k", {402, R"({"error":{}})", "req_1"});
  const auto again = store.begin(kScope, "k", "same", kNow);
  ASSERT_TRUE(is<Keys::Replay>(again));
  const StoredReply& reply = std::get<Keys::Replay>(again).reply;
  EXPECT_EQ(reply.status, 402);
  EXPECT_EQ(reply.body, R"({"error":{}})");
  EXPECT_EQ(reply.request_id, "req_1");
}

TEST(Idempotency, RefusesOtherParametersAlsoWhileTheFirstRuns) {
  Keys store;
  {
    const auto running = store.begin(kScope, "k", "same", kNow);
    EXPECT_TRUE(is<Keys::Mismatch>(store.begin(kScope, "k", "other", kNow)));
    EXPECT_TRUE(is<Keys::InFlight>(store.begin(kScope, "k", "same", kNow)));
  }
  run(store, "k", {});
  EXPECT_TRUE(is<Keys::Mismatch>(store.begin(kScope, "k", "other", kNow)));
}

TEST(Idempotency, WhatWasNotExecutedLeavesNoTrace) {
  Keys store;
  { const auto refused = store.begin(kScope, "k", "same", kNow); }
  EXPECT_EQ(store.size(), 0u);
  EXPECT_TRUE(is<Keys::Fresh>(store.begin(kScope, "k", "other", kNow)));
}

TEST(Idempotency, AMovedTicketIsTheOnlyOne) {
  Keys store;
  auto begun = store.begin(kScope, "k", "same", kNow);
  Keys::Ticket ticket = std::move(std::get<Keys::Fresh>(begun).ticket);
  begun = Keys::InFlight{};
  EXPECT_TRUE(is<Keys::InFlight>(store.begin(kScope, "k", "same", kNow)));
  Keys::Ticket later;
  later = std::move(ticket);
  later.finish({200, "{}", "req_1"});
  later.abandon();
  EXPECT_TRUE(is<Keys::Replay>(store.begin(kScope, "k", "same", kNow)));
}

TEST(Idempotency, KeysBelongToAnAccountAndAMode) {
  Keys store;
  run(store, "k", {});
  EXPECT_TRUE(is<Keys::Fresh>(store.begin({"acct_2", false}, "k", "same", kNow)));
  EXPECT_TRUE(is<Keys::Fresh>(store.begin({"acct_1", true}, "k", "same", kNow)));
  // The account and the key are not one text.
  run(store, "b:c", {});
  EXPECT_TRUE(is<Keys::Fresh>(store.begin({"acct_1:b", false}, "c", "same", kNow)));
}

TEST(Idempotency, AKeyIsNewAfterADay) {
  Keys store;
  run(store, "k", {});
  EXPECT_TRUE(
      is<Keys::Replay>(store.begin(kScope, "k", "same", kNow + kOneDay - std::chrono::seconds{1})));
  EXPECT_TRUE(is<Keys::Fresh>(store.begin(kScope, "k", "other", kNow + kOneDay)));
}

TEST(Idempotency, ARunningRequestKeepsItsKeyHoweverOld) {
  Keys store;
  const auto running = store.begin(kScope, "k", "same", kNow);
  run(store, "other", {}, kNow);
  EXPECT_TRUE(is<Keys::InFlight>(store.begin(kScope, "k", "same", kNow + 3 * kOneDay)));
}

TEST(Idempotency, MemoryIsBoundedByForgettingTheOldest) {
  Keys store(Keys::Options{.max_bytes = 10'000});
  for (int i = 0; i < 100; ++i)
    run(store, "k" + std::to_string(i), {200, std::string(500, 'x'), ""});
  EXPECT_LE(store.size(), 21u);
  EXPECT_TRUE(is<Keys::Replay>(store.begin(kScope, "k99", "same", kNow)));
  EXPECT_TRUE(is<Keys::Fresh>(store.begin(kScope, "k0", "same", kNow)));
}

TEST(Idempotency, OfManyAtOnceOneRuns) {
  Keys store;
  std::atomic<int> ran = 0, replayed = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      while (true) {
        auto begun = store.begin(kScope, "k", "same", kNow);
        if (auto* fresh = std::get_if<Keys::Fresh>(&begun)) {
          ++ran;
          fresh->ticket.finish({200, "{}", "req_1"});
          return;
        }
        if (is<Keys::Replay>(begun)) {
          ++replayed;
          return;
        }
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(replayed, 7);
}

TEST(Idempotency, AFingerprintIsOfMethodPathAndParameters) {
  const Json params{{"amount", "100"}, {"currency", "usd"}};
  const std::string print = fingerprint("POST", "/v1/payouts", params);
  EXPECT_EQ(print,
            fingerprint("POST", "/v1/payouts", Json{{"currency", "usd"}, {"amount", "100"}}));
  EXPECT_NE(print, fingerprint("POST", "/v1/transfers", params));
  EXPECT_NE(print,
            fingerprint("POST", "/v1/payouts", Json{{"amount", "101"}, {"currency", "usd"}}));
  EXPECT_NE(print, fingerprint("DELETE", "/v1/payouts", params));
}

}  // namespace
}  // namespace payoutd::sim
