// The simulator over real sockets: what a client sees of it, and what it sends by itself.
#include <curl/curl.h>

#include <chrono>
#include <thread>

#include "sim/harness.h"
#include "sim/receiver.h"

namespace payoutd::sim {
namespace {

struct Heard {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string body;
};

std::size_t append(char* bytes, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(bytes, size * count);
  return size * count;
}

struct SimHttp : testing::Test {
  Stage stage{{.port = 0, .workers = 4}};
  void SetUp() override { ASSERT_TRUE(stage.sim.start()); }

  // `form` is posted where there is one.
  Heard request(const std::string& path, const char* form = nullptr, bool with_key = true) {
    Heard heard;
    CURL* curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, (stage.sim.url() + path).c_str());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &heard.body);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 10'000L);
    if (with_key) curl_easy_setopt(curl, CURLOPT_USERNAME, stage.sim.api_key().reveal().c_str());
    if (form) curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, form);
    heard.code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &heard.status);
    curl_easy_cleanup(curl);
    return heard;
  }
};

TEST_F(SimHttp, FormsKeysAndUnknownPathsAreAnsweredAsStripeDoes) {
  const auto charge = request(
      "/v1/charges",
      "amount=5000&currency=usd&source=tok_visa&metadata[a%20b]=c+d&expand[]=balance_transaction");
  ASSERT_EQ(charge.status, 200) << charge.body;
  const auto json = Json::parse(charge.body);
  EXPECT_EQ(json["metadata"]["a b"], "c d");
  EXPECT_EQ(json["balance_transaction"]["amount"], 5'000);
  EXPECT_EQ(request("/v1/charges?limit=1&created[gte]=1").status, 200);
  EXPECT_EQ(request("/v1/balance", nullptr, false).status, 401);
  const auto unknown = request("/v1/nothing/at/all");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(Json::parse(unknown.body)["error"]["type"], "invalid_request_error");
  EXPECT_EQ(request("/_sim/stats").status, 200);
}

TEST_F(SimHttp, AConnectionIsReallyResetOrCutShort) {
  stage.charge(100'000);
  const char* form = "amount=100&currency=usd";
  const auto fault = [&](const char* what) {
    ASSERT_TRUE(stage.sim.faults().add({{"path", "/v1/payouts"}, {"do", what}}));
  };
  fault("reset_before");
  EXPECT_NE(request("/v1/payouts", form).code, CURLE_OK);
  EXPECT_EQ(stage.sim.payments()["data"].size(), 0u);
  fault("reset_after");
  EXPECT_NE(request("/v1/payouts", form).code, CURLE_OK);
  EXPECT_EQ(stage.sim.payments()["data"].size(), 1u);
  fault("truncate");
  EXPECT_EQ(request("/v1/payouts", form).code, CURLE_PARTIAL_FILE);
  EXPECT_EQ(stage.sim.payments()["data"].size(), 2u);
}

TEST_F(SimHttp, AStopCutsOffWhatALatencyFaultHoldsAndNothingOfItIsDone) {
  stage.charge(100'000);
  const char* form = "amount=100&currency=usd";
  ASSERT_TRUE(stage.sim.faults().add(
      {{"path", "/v1/payouts"}, {"do", "latency"}, {"ms", 20'000}, {"count", 2}}));
  Heard heard;
  Answer answer;
  std::thread over_http([&] { heard = request("/v1/payouts", form); });
  std::thread inside([&] {
    answer = stage.sim.handle({.method = "POST",
                               .path = "/v1/payouts",
                               .params = {{"amount", "100"}, {"currency", "usd"}},
                               .key = stage.sim.api_key().reveal(),
                               .idempotency_key = "k1"});
  });
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (stage.sim.stats()["in_flight"] != 2 && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  stage.sim.stop();
  over_http.join();
  inside.join();
  EXPECT_NE(heard.code, CURLE_OK);
  EXPECT_EQ(answer.cut, Cut::reset);
  EXPECT_EQ(stage.sim.payments()["data"].size(), 0u);
  ASSERT_TRUE(stage.sim.start());
  EXPECT_EQ(request("/v1/payouts", form).status, 200);
}

TEST_F(SimHttp, EventsReachTheEndpointsThatTheyConcern) {
  Receiver platform, connect;
  ASSERT_TRUE(stage.sim.add_webhook(platform.url(), false, {"payout.created"}));
  ASSERT_TRUE(stage.sim.add_webhook(connect.url(), true, {"payout.created"}));
  const auto account = stage.connect();
  stage.charge(50'000);
  stage.charge(50'000, account);
  const auto mine = stage.post("/v1/payouts", {{"amount", 100}, {"currency", "usd"}});
  const auto theirs = stage.post("/v1/payouts", {{"amount", 100}, {"currency", "usd"}}, account);
  ASSERT_TRUE(platform.wait_for(1) && connect.wait_for(1));
  ASSERT_TRUE(stage.sim.wait_webhooks_drained(std::chrono::seconds(10)));
  const auto first = Json::parse(platform.deliveries().at(0).body),
             second = Json::parse(connect.deliveries().at(0).body);
  EXPECT_EQ(first["data"]["object"]["id"], mine.id());
  EXPECT_FALSE(first.contains("account"));
  EXPECT_EQ(second["data"]["object"]["id"], theirs.id());
  EXPECT_EQ(second["account"], account);
  EXPECT_EQ(second["pending_webhooks"], 1);
  EXPECT_EQ(stage.get("/v1/events/" + second["id"].get<std::string>(), {}, account)
                .json["pending_webhooks"],
            0);
  EXPECT_EQ(platform.deliveries().size() + connect.deliveries().size(), 2u);
}

}  // namespace
}  // namespace payoutd::sim
