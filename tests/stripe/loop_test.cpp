#include <gtest/gtest.h>

#include <future>

#include "stripe/world.h"

namespace payoutd::stripe {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Grants nothing until it is opened; writes down what it granted.
class Gate final : public Budget {
 public:
  Wait take(const Ask& ask, Instant) override {
    const std::lock_guard lock(mutex_);
    ++asked_;
    if (!open_) return {milliseconds{1}, false};
    granted_.emplace_back(ask.route);
    return {};
  }
  void limited(const Ask&, std::string_view reason, Instant) override {
    const std::lock_guard lock(mutex_);
    limited_.emplace_back(reason);
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
  }
  int asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::vector<std::string> granted() const {
    const std::lock_guard lock(mutex_);
    return granted_;
  }
  std::vector<std::string> limited_for() const {
    const std::lock_guard lock(mutex_);
    return limited_;
  }

 private:
  mutable std::mutex mutex_;
  bool open_ = false;
  int asked_ = 0;
  std::vector<std::string> granted_;
  std::vector<std::string> limited_;
};

// A server that answers only when let go.
struct Held {
  Held()
      : wire([this](WireConnection& connection, const WireRequest&) {
          wire.hold();
          connection.reply(200, kPayoutBody);
        }) {}
  Wire wire;
};

Request read(const std::string& name, Priority priority) {
  return Request::get("/v1/" + name).with(priority);
}

TEST(Loop, MoneyGoesFirstAndSyncLast) {
  Wire wire(
      [](WireConnection& connection, const WireRequest&) { connection.reply(200, kPayoutBody); });
  const auto gate = std::make_shared<Gate>();
  World world(wire);
  world.options.budget = gate;
  const auto client = world.client();
  std::atomic<int> done{0};
  const auto count = [&](Answer) { ++done; };
  client->submit(read("sync_a", Priority::sync), count);
  client->submit(read("sync_b", Priority::sync), count);
  client->submit(read("page", Priority::normal), count);
  client->submit(read("payouts", Priority::money), count);
  ASSERT_TRUE(eventually([&] { return client->counts().waiting == 4; }));
  gate->open();
  ASSERT_TRUE(eventually([&] { return done == 4; }));
  EXPECT_EQ(gate->granted(), (std::vector<std::string>{"GET /v1/payouts", "GET /v1/page",
                                                       "GET /v1/sync_a", "GET /v1/sync_b"}));
}

TEST(Loop, WhatTheBudgetRefusesEndsAtOnceAndWasNotSent) {
  struct Refusing final : Budget {
    Wait take(const Ask&, Instant) override {
      return {milliseconds{1}, true, Error{Kind::retry, "nobody_counts", "not now"}};
    }
    void limited(const Ask&, std::string_view, Instant) override {}
  };
  Wire wire(
      [](WireConnection& connection, const WireRequest&) { connection.reply(200, kPayoutBody); });
  World world(wire);
  world.options.budget = std::make_shared<Refusing>();
  const auto client = world.client();
  const Answer answer = client->send(pay());
  EXPECT_EQ(answer.outcome, Outcome::not_done);
  EXPECT_EQ(answer.error.code, "nobody_counts");
  EXPECT_EQ(client->call(read("payouts", Priority::sync)).error().message, "not now");
  EXPECT_EQ(client->counts().sends, 0u);
}

TEST(Loop, AClosedBudgetIsNotAskedInARush) {
  Wire wire(
      [](WireConnection& connection, const WireRequest&) { connection.reply(200, kPayoutBody); });
  const auto gate = std::make_shared<Gate>();
  World world(wire);
  world.options.budget = gate;
  const auto client = world.client();
  const auto began = std::chrono::steady_clock::now();
  client->submit(pay(), [](Answer) {});
  ASSERT_TRUE(eventually([&] { return gate->asked() >= 50; }));
  // The gate says "in one millisecond", so fifty questions take about as many.
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds{45});
}

TEST(Loop, AsksTheBudgetBeforeEverySendAndTellsItOfLimits) {
  std::atomic<int> seen{0};
  Wire wire([&](WireConnection& connection, const WireRequest&) {
    if (++seen == 1)
      return connection.reply(429, "", "Stripe-Rate-Limited-Reason: endpoint-rate\r\n");
    connection.reply(200, kPayoutBody);
  });
  const auto gate = std::make_shared<Gate>();
  gate->open();
  World world(wire);
  world.options.budget = gate;
  ASSERT_TRUE(world.client()->send(pay()).ok());
  EXPECT_EQ(gate->granted().size(), 2u);
  EXPECT_EQ(gate->limited_for(), std::vector<std::string>{"endpoint-rate"});
}

TEST(Loop, SyncLeavesRoomForMoney) {
  Held held;
  World world(held.wire);
  world.options.max_in_flight = 16;
  const auto client = world.client();
  std::atomic<int> done{0};
  for (int i = 0; i < 40; ++i)
    client->submit(read("list", Priority::sync), [&](Answer) { ++done; });
  ASSERT_TRUE(eventually([&] { return client->counts().in_flight == 14; }));
  client->submit(pay().with(Priority::money), [&](Answer) { ++done; });
  ASSERT_TRUE(eventually([&] { return client->counts().in_flight == 15; }));
  held.wire.let_go();
  EXPECT_TRUE(eventually([&] { return done == 41; }));
  EXPECT_LE(client->counts().peak_in_flight, 15u);
}

TEST(Loop, AFullLineRefuses) {
  Held held;
  World world(held.wire);
  world.options.max_in_flight = 1;
  world.options.max_waiting = 2;
  const auto client = world.client();
  std::atomic<int> done{0};
  for (int i = 0; i < 3; ++i) {
    client->submit(pay(), [&](Answer) { ++done; });
    ASSERT_TRUE(eventually([&] {
      return client->counts().in_flight + client->counts().waiting == std::size_t(i) + 1;
    }));
  }
  EXPECT_EQ(client->send(pay()).error.code, "stripe_queue_full");
  held.wire.let_go();
  EXPECT_TRUE(eventually([&] { return done == 3; }));
}

TEST(Loop, CancelingWhatWaitsIsNotDone) {
  Held held;
  World world(held.wire);
  world.options.max_in_flight = 1;
  const auto client = world.client();
  client->submit(pay(), [](Answer) {});
  std::promise<Answer> promise;
  const auto ticket =
      client->submit(pay(), [&](Answer answer) { promise.set_value(std::move(answer)); });
  client->cancel(ticket);
  const Answer answer = promise.get_future().get();
  EXPECT_EQ(answer.error.code, "stripe_call_canceled");
  EXPECT_EQ(answer.outcome, Outcome::not_done);
  EXPECT_EQ(answer.history.sends, 0);
}

TEST(Loop, CancelingWhatWasSentIsUnknown) {
  Held held;
  const auto client = World(held.wire).client();
  std::promise<Answer> promise;
  const auto ticket =
      client->submit(pay(), [&](Answer answer) { promise.set_value(std::move(answer)); });
  ASSERT_TRUE(eventually([&] { return held.wire.requests().size() == 1; }));
  client->cancel(ticket);
  const Answer answer = promise.get_future().get();
  EXPECT_EQ(answer.outcome, Outcome::unknown);
  EXPECT_EQ(answer.history.sends, 1);
  client->cancel(ticket);  // over: no effect
  client->cancel(12345);
}

TEST(Loop, CancelingDuringAPauseKeepsWhatIsKnown) {
  Wire wire([](WireConnection& connection, const WireRequest&) { connection.reset(); });
  World world(wire);
  world.options.pause = [](Pause) { return Pause{3'600'000}; };
  const auto client = world.client();
  std::promise<Answer> promise;
  const auto ticket =
      client->submit(pay(), [&](Answer answer) { promise.set_value(std::move(answer)); });
  ASSERT_TRUE(
      eventually([&] { return client->counts().repeats == 1 && client->counts().waiting == 1; }));
  client->cancel(ticket);
  EXPECT_EQ(promise.get_future().get().outcome, Outcome::unknown);
}

TEST(Loop, StopsAtOnceWithRequestsInFlight) {
  Held held;
  const auto client = World(held.wire).client();
  std::atomic<int> unknown{0};
  std::atomic<int> over{0};
  for (int i = 0; i < 50; ++i) {
    client->submit(pay(), [&](Answer answer) {
      unknown += answer.outcome == Outcome::unknown && answer.error.code == "stripe_client_stopping"
                     ? 1
                     : 0;
      ++over;
    });
  }
  ASSERT_TRUE(eventually([&] { return held.wire.requests().size() == 50; }));
  const auto began = std::chrono::steady_clock::now();
  client->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds{5});
  EXPECT_EQ(over, 50);
  EXPECT_EQ(unknown, 50);
}

TEST(Loop, StoppingLetsMoneyInFlightEndAndCutsReads) {
  Held held;
  const auto client = World(held.wire).client();
  std::promise<Answer> paid;
  std::promise<Answer> was_read;
  client->submit(pay(), [&](Answer answer) { paid.set_value(std::move(answer)); });
  client->submit(read("balance", Priority::normal),
                 [&](Answer answer) { was_read.set_value(std::move(answer)); });
  ASSERT_TRUE(eventually([&] { return held.wire.requests().size() == 2; }));
  const auto began = std::chrono::steady_clock::now();
  std::jthread stopping([&] { client->stop(seconds{20}); });
  EXPECT_EQ(was_read.get_future().get().error.code, "stripe_client_stopping");
  EXPECT_EQ(client->send(pay()).error.code, "stripe_client_stopping");
  held.wire.let_go();
  EXPECT_EQ(paid.get_future().get().outcome, Outcome::done);
  stopping.join();
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds{5});  // not the whole drain
}

TEST(Loop, StoppingEndsWhenItsTimeIsOver) {
  Held held;
  const auto client = World(held.wire).client();
  std::promise<Answer> paid;
  client->submit(pay(), [&](Answer answer) { paid.set_value(std::move(answer)); });
  ASSERT_TRUE(eventually([&] { return held.wire.requests().size() == 1; }));
  client->stop(milliseconds{100});
  EXPECT_EQ(paid.get_future().get().outcome, Outcome::unknown);
}

TEST(Loop, AStoppedClientRefusesAndKeepsWhatWasUnknown) {
  Held held;
  const auto client = World(held.wire).client();
  client->stop();
  client->stop();
  EXPECT_EQ(client->send(pay()).outcome, Outcome::not_done);
  EXPECT_EQ(client->send(pay().earlier({.unknown = true, .sends = 1})).outcome, Outcome::unknown);
  EXPECT_EQ(held.wire.connections(), 0);
}

TEST(Loop, ACallbackMayCallAgain) {
  Wire wire(
      [](WireConnection& connection, const WireRequest&) { connection.reply(200, kPayoutBody); });
  const auto client = World(wire).client();
  std::promise<bool> second;
  client->submit(pay(), [&](Answer) {
    client->submit(pay(), [&](Answer answer) { second.set_value(answer.ok()); });
  });
  EXPECT_TRUE(second.get_future().get());
}

TEST(Loop, ACallbackThatThrowsEndsNothingElse) {
  Wire wire(
      [](WireConnection& connection, const WireRequest&) { connection.reply(200, kPayoutBody); });
  const auto client = World(wire).client();
  client->submit(pay(), [](Answer) { CHECK(false); });
  EXPECT_TRUE(client->send(pay()).ok());
}

TEST(Loop, ManyThreadsMaySubmitCancelAndStop) {
  Wire wire(
      [](WireConnection& connection, const WireRequest&) { connection.reply(200, kPayoutBody); });
  const auto client = World(wire).client();
  std::atomic<int> over{0};
  {
    std::vector<std::jthread> threads;
    for (int n = 0; n < 4; ++n) {
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) {
          const auto ticket = client->submit(pay(), [&](Answer) { ++over; });
          if (i % 3 == 0) client->cancel(ticket);
        }
      });
    }
    threads.emplace_back([&] {
      eventually([&] { return over > 100; });
      client->stop(seconds{5});
    });
  }
  EXPECT_EQ(over, 400);
}

}  // namespace
}  // namespace payoutd::stripe
