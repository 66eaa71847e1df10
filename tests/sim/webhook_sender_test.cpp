#include "stripe/sim/delivery/webhook_sender.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <set>

#include "sim/receiver.h"
#include "stripe/sim/delivery/signing.h"

namespace payoutd::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr milliseconds kPatience{10'000};

class WebhookSenderTest : public testing::Test {
 protected:
  // One test endpoint of the platform at `url`, and a running sender.
  void start(const std::string& url, WebhookSender::Options options = {}) {
    sender = std::make_unique<WebhookSender>(
        clock, faults,
        WebhookSender::Events{.body = [this](const std::string& event,
                                             const WebhookEndpoint&) -> std::optional<std::string> {
                                if (event == "evt_gone") return std::nullopt;
                                if (event == "evt_broken") throw Broken("no such event");
                                return R"({"id":")" + event + R"(","rendered":)" +
                                       std::to_string(++rendered) + "}";
                              },
                              .acknowledged =
                                  [this](const std::string& event, const std::string&) {
                                    const std::lock_guard lock(mutex);
                                    acknowledged.insert(event);
                                  }},
        options);
    endpoint.url = url;
    ASSERT_TRUE(sender->put(endpoint));
    sender->start();
  }

  int publish(const std::string& id, const std::string& type = "payout.paid") {
    return sender->publish(
        {.id = id, .type = type, .account = "acct_1", .platform = "", .livemode = false});
  }

  void publish_and_drain(const std::string& id) {
    ASSERT_EQ(publish(id), 1);
    ASSERT_TRUE(sender->wait_drained(kPatience));
  }

  void advance(std::chrono::microseconds by) {
    clock.advance(by);
    sender->clock_moved();
    ASSERT_TRUE(sender->wait_drained(kPatience));
  }

  std::multiset<std::string> noted() {
    const std::lock_guard lock(mutex);
    return acknowledged;
  }

  void arm(const char* json) { ASSERT_TRUE(faults.add(Json::parse(json))); }

  ManualClock clock{from_unix(1'700'000'000)};
  Faults faults;
  WebhookEndpoint endpoint{
      .id = "we_1", .url = "", .account = "acct_1", .secrets = {{Secret{"whsec_one"}}}};
  std::mutex mutex;
  std::multiset<std::string> acknowledged;
  std::atomic<int> rendered = 0;
  std::unique_ptr<WebhookSender> sender;
};

std::vector<std::string> ids(const Receiver& receiver) {
  std::vector<std::string> all;
  for (const auto& delivery : receiver.deliveries())
    all.push_back(Json::parse(delivery.body)["id"]);
  return all;
}

TEST_F(WebhookSenderTest, DeliversASignedPost) {
  Receiver receiver;
  start(receiver.url("/hooks/stripe?x=1"));
  publish_and_drain("evt_1");
  ASSERT_EQ(receiver.deliveries().size(), 1u);
  const auto delivery = receiver.deliveries()[0];
  EXPECT_EQ(delivery.line, "POST /hooks/stripe?x=1 HTTP/1.1");
  EXPECT_EQ(delivery.headers.at("content-type"), "application/json; charset=utf-8");
  EXPECT_EQ(delivery.headers.at("user-agent"), "Stripe/1.0 (+https://stripe.com/docs/webhooks)");
  EXPECT_EQ(delivery.headers.count("expect"), 0u);
  EXPECT_EQ(delivery.headers.at("stripe-signature"),
            signature_header(delivery.body, std::vector{Secret{"whsec_one"}}, clock.now(), false));
  EXPECT_EQ(noted(), (std::multiset<std::string>{"evt_1"}));
  EXPECT_EQ(sender->counts().acknowledged, 1u);
}

TEST_F(WebhookSenderTest, EachAttemptIsRenderedAndSignedAnew) {
  std::atomic<int> status = 500;
  Receiver receiver([&](const auto&) { return status.load(); });
  start(receiver.url());
  publish_and_drain("evt_1");
  EXPECT_TRUE(noted().empty());
  EXPECT_EQ(sender->counts().pending, 1u);
  status = 200;
  advance(seconds{1});
  EXPECT_EQ(receiver.deliveries().size(), 1u);
  advance(seconds{1});
  const auto deliveries = receiver.deliveries();
  ASSERT_EQ(deliveries.size(), 2u);
  EXPECT_TRUE(deliveries[0].headers.at("stripe-signature").starts_with("t=1700000000,"));
  EXPECT_TRUE(deliveries[1].headers.at("stripe-signature").starts_with("t=1700000002,"));
  EXPECT_EQ(Json::parse(deliveries[1].body)["rendered"], 2);
  EXPECT_EQ(noted().size(), 1u);
  EXPECT_EQ(sender->counts().pending, 0u);
}

TEST_F(WebhookSenderTest, ARolledSecretSignsUntilItExpires) {
  Receiver receiver;
  const Time until = clock.now() + hours{24};
  endpoint.secrets = {{Secret{"whsec_two"}}, {Secret{"whsec_one"}, until}};
  start(receiver.url());
  publish_and_drain("evt_1");
  clock.set(until);
  publish_and_drain("evt_2");
  const auto deliveries = receiver.deliveries();
  const std::vector both{Secret{"whsec_two"}, Secret{"whsec_one"}};
  EXPECT_EQ(deliveries[0].headers.at("stripe-signature"),
            signature_header(deliveries[0].body, both, until - hours{24}, false));
  EXPECT_EQ(deliveries[1].headers.at("stripe-signature"),
            signature_header(deliveries[1].body, std::span(both).first(1), until, false));
}

TEST_F(WebhookSenderTest, OnlyTwoHundredsCountAndRedirectsAreNotFollowed) {
  std::atomic<int> status = 0;
  Receiver receiver([&](const auto&) { return status.load(); });
  start(receiver.url());
  for (const int refused : {302, 307, 400, 410, 503, 0}) {
    status = refused;
    publish_and_drain("evt_" + std::to_string(refused));
  }
  EXPECT_TRUE(noted().empty());
  for (const auto& delivery : receiver.deliveries())
    EXPECT_EQ(delivery.line, "POST /hook HTTP/1.1");
  status = 204;
  publish_and_drain("evt_204");
  EXPECT_EQ(noted(), (std::multiset<std::string>{"evt_204"}));
  EXPECT_EQ(sender->counts().failed, 6u);
}

TEST_F(WebhookSenderTest, GivesUpAfterThreeDays) {
  Receiver receiver([](const auto&) { return 500; });
  start(receiver.url());
  publish_and_drain("evt_1");
  for (int hour = 0; hour < 80; ++hour) advance(hours{1});
  EXPECT_EQ(sender->counts().given_up, 1u);
  EXPECT_EQ(sender->counts().pending, 0u);
  EXPECT_GT(receiver.deliveries().size(), 8u);
}

TEST_F(WebhookSenderTest, ASandboxGivesUpAfterThreeAttempts) {
  Receiver receiver([](const auto&) { return 500; });
  start(receiver.url(), {.retries = WebhookRetries::sandbox()});
  publish_and_drain("evt_1");
  for (int hour = 0; hour < 24; ++hour) advance(hours{1});
  EXPECT_EQ(receiver.deliveries().size(), 3u);
  EXPECT_EQ(sender->counts().given_up, 1u);
}

TEST_F(WebhookSenderTest, AServerThatIsNotThereIsTriedAgain) {
  std::string url;
  { url = Receiver().url(); }
  start(url);
  publish_and_drain("evt_1");
  EXPECT_EQ(sender->counts().failed, 1u);
  EXPECT_EQ(sender->counts().pending, 1u);
}

TEST_F(WebhookSenderTest, ASilentServerTimesOut) {
  std::promise<void> release;
  auto released = release.get_future().share();
  Receiver receiver([released](const auto&) {
    released.wait();
    return 200;
  });
  start(receiver.url(), {.timeout_ms = 50});
  publish_and_drain("evt_1");
  EXPECT_EQ(sender->counts().failed, 1u);
  release.set_value();
}

TEST_F(WebhookSenderTest, DeliversInParallelWithinItsBound) {
  std::mutex counting;
  int now = 0, most = 0;
  std::condition_variable changed;
  Receiver receiver([&](const auto&) {
    std::unique_lock lock(counting);
    most = std::max(most, ++now);
    changed.notify_all();
    changed.wait_for(lock, seconds{5}, [&] { return most >= 4; });
    --now;
    return 200;
  });
  start(receiver.url(), {.max_parallel = 4, .max_parallel_per_endpoint = 4});
  for (int i = 0; i < 20; ++i) publish("evt_" + std::to_string(i));
  ASSERT_TRUE(sender->wait_drained(kPatience));
  EXPECT_EQ(most, 4);
  EXPECT_EQ(noted().size(), 20u);
}

TEST_F(WebhookSenderTest, ADeadEndpointDoesNotDelayAnother) {
  std::promise<void> release;
  auto released = release.get_future().share();
  Receiver stuck([released](const auto&) {
    released.wait();
    return 200;
  });
  Receiver well;
  start(stuck.url(), {.max_parallel = 4, .max_parallel_per_endpoint = 2});
  auto second = endpoint;
  second.id = "we_2";
  second.url = well.url();
  ASSERT_TRUE(sender->put(second));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(publish("evt_" + std::to_string(i)), 2);
  EXPECT_TRUE(well.wait_for(20));
  release.set_value();
  EXPECT_TRUE(sender->wait_drained(kPatience));
}

TEST_F(WebhookSenderTest, ADisabledEndpointLosesItsRetriesWhenTheyComeDue) {
  Receiver receiver([](const auto&) { return 500; });
  start(receiver.url());
  publish_and_drain("evt_1");
  endpoint.enabled = false;
  ASSERT_TRUE(sender->put(endpoint));
  EXPECT_EQ(publish("evt_2"), 0);
  advance(hours{1});
  EXPECT_EQ(receiver.deliveries().size(), 1u);
  EXPECT_EQ(sender->counts().dropped, 1u);
  EXPECT_EQ(sender->counts().pending, 0u);
}

TEST_F(WebhookSenderTest, AnEndpointEnabledInTimeKeepsItsRetries) {
  std::atomic<int> status = 500;
  Receiver receiver([&](const auto&) { return status.load(); });
  start(receiver.url());
  publish_and_drain("evt_1");
  endpoint.enabled = false;
  ASSERT_TRUE(sender->put(endpoint));
  endpoint.enabled = true;
  ASSERT_TRUE(sender->put(endpoint));
  status = 200;
  advance(hours{1});
  EXPECT_EQ(noted().size(), 1u);
}

TEST_F(WebhookSenderTest, ARemovedEndpointTakesItsDeliveriesWithIt) {
  Receiver receiver([](const auto&) { return 500; });
  start(receiver.url());
  publish_and_drain("evt_1");
  sender->remove("we_1");
  EXPECT_EQ(sender->counts().pending, 0u);
  EXPECT_EQ(publish("evt_2"), 0);
  EXPECT_TRUE(sender->endpoints().empty());
}

TEST_F(WebhookSenderTest, DropLosesADeliveryForGood) {
  Receiver receiver;
  arm(R"({"do":"drop","type":"payout.*"})");
  start(receiver.url());
  publish_and_drain("evt_1");
  publish_and_drain("evt_2");
  advance(hours{100});
  EXPECT_EQ(ids(receiver), (std::vector<std::string>{"evt_2"}));
}

TEST_F(WebhookSenderTest, DuplicateSendsTwiceAndCountsOnce) {
  Receiver receiver;
  arm(R"({"do":"duplicate"})");
  start(receiver.url());
  publish_and_drain("evt_1");
  EXPECT_EQ(ids(receiver), (std::vector<std::string>{"evt_1", "evt_1"}));
  EXPECT_EQ(noted().size(), 1u);
  EXPECT_EQ(sender->counts().acknowledged, 1u);
}

TEST_F(WebhookSenderTest, ReorderSendsBehindTheNext) {
  Receiver receiver;
  arm(R"({"do":"reorder","ms":60000})");
  start(receiver.url());
  publish("evt_1");
  EXPECT_FALSE(sender->idle());
  publish_and_drain("evt_2");
  EXPECT_EQ(ids(receiver), (std::vector<std::string>{"evt_2", "evt_1"}));
}

TEST_F(WebhookSenderTest, ReorderWithoutANextWaitsItsTime) {
  Receiver receiver;
  arm(R"({"do":"reorder","ms":10})");
  start(receiver.url());
  publish_and_drain("evt_1");
  EXPECT_EQ(ids(receiver), (std::vector<std::string>{"evt_1"}));
}

TEST_F(WebhookSenderTest, DelayWaitsOnTheSimulatedClock) {
  Receiver receiver;
  arm(R"({"do":"delay","ms":5000})");
  start(receiver.url());
  publish_and_drain("evt_1");
  EXPECT_TRUE(receiver.deliveries().empty());
  advance(seconds{5});
  EXPECT_EQ(ids(receiver), (std::vector<std::string>{"evt_1"}));
  EXPECT_TRUE(receiver.deliveries()[0].headers.at("stripe-signature").starts_with("t=1700000005,"));
}

TEST_F(WebhookSenderTest, FaultsAreChosenByTheUrlsPath) {
  Receiver receiver;
  arm(R"({"do":"drop","path":"/hook","count":0})");
  start(receiver.url("/other"));
  publish_and_drain("evt_1");
  EXPECT_EQ(receiver.deliveries().size(), 1u);
}

TEST_F(WebhookSenderTest, AnEventThatCanNotBeRenderedStopsNothing) {
  Receiver receiver;
  start(receiver.url());
  publish_and_drain("evt_gone");
  publish_and_drain("evt_broken");
  publish_and_drain("evt_1");
  EXPECT_EQ(ids(receiver), (std::vector<std::string>{"evt_1"}));
  EXPECT_EQ(sender->counts().dropped, 2u);
}

TEST_F(WebhookSenderTest, MemoryIsBounded) {
  std::string url;
  { url = Receiver().url(); }
  start(url, {.max_pending = 10});
  for (int i = 0; i < 100; ++i) publish("evt_" + std::to_string(i));
  ASSERT_TRUE(sender->wait_drained(kPatience));
  const auto counts = sender->counts();
  EXPECT_LE(counts.pending, 10u + 16u);
  EXPECT_EQ(counts.pending + counts.lost, 100u);
}

TEST_F(WebhookSenderTest, StopFinishesWhatIsInFlight) {
  Receiver receiver;
  start(receiver.url());
  ASSERT_EQ(publish("evt_1"), 1);
  ASSERT_TRUE(receiver.wait_for(1));
  sender->stop();
  EXPECT_EQ(noted().size(), 1u);
}

TEST_F(WebhookSenderTest, StopDoesNotWaitForASilentServer) {
  std::promise<void> release;
  auto released = release.get_future().share();
  Receiver receiver([released](const auto&) {
    released.wait();
    return 200;
  });
  start(receiver.url(), {.timeout_ms = 60'000, .drain_ms = 20});
  ASSERT_EQ(publish("evt_1"), 1);
  ASSERT_TRUE(receiver.wait_for(1));
  const auto before = std::chrono::steady_clock::now();
  sender->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds{5});
  EXPECT_TRUE(sender->idle());
  release.set_value();
}

TEST_F(WebhookSenderTest, RefusesWhatIsNoWebAddress) {
  start("http://127.0.0.1:1/");
  for (const char* url : {"", "hook", "ftp://x/", "file:///etc/passwd", "http://"}) {
    auto bad = endpoint;
    bad.url = url;
    const auto put = sender->put(bad);
    ASSERT_FALSE(put) << url;
    EXPECT_EQ(put.error().code, "url_invalid");
  }
}

TEST_F(WebhookSenderTest, EventsOfManyThreadsAllArrive) {
  Receiver receiver;
  start(receiver.url());
  std::vector<std::thread> publishers;
  for (int t = 0; t < 4; ++t) {
    publishers.emplace_back([this, t] {
      for (int i = 0; i < 50; ++i) publish("evt_" + std::to_string(t * 50 + i));
    });
  }
  for (auto& publisher : publishers) publisher.join();
  ASSERT_TRUE(sender->wait_drained(kPatience));
  EXPECT_EQ(noted().size(), 200u);
  const auto all = ids(receiver);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 200u);
}

}  // namespace
}  // namespace payoutd::sim
