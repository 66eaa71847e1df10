// An event whose object can't be read as it stands is applied once Stripe has shown the object.
#include <gmock/gmock.h>

#include "mirror/mirror_jobs.h"
#include "stripe/client.h"
#include "stripe/sim/sim.h"
#include "support/run_jobs.h"
#include "webhooks/event_log.h"
#include "webhooks/world.h"

namespace payoutd::webhooks {
namespace {

using namespace std::chrono_literals;

struct FetchedInstead : WebhookTest {
  FetchedInstead() : sim(clock, options()) {
    CHECK(sim.start().ok());
    stripe::Client::Options of_client;
    of_client.key = sim.api_key();
    of_client.base = sim.url();
    of_client.clock = &clock;
    of_client.pause = [](stripe::Pause) { return stripe::Pause{1}; };
    client = *stripe::Client::open(std::move(of_client));
    jobs.emplace(db(), clock, mirror::mirror_handlers(db(), *client, all, end_fetch));
    shop = sim.connected().front();
    connect(platform, shop);
    serve();
  }
  static sim::Options options() {
    sim::Options options;
    options.demo = sim::Demo::small;
    options.port = 0;
    return options;
  }

  // What a customer's event shows is a stub.
  void stub(const std::string& event, const std::string& customer) {
    const Json object{{"id", customer}, {"object", "customer"}};
    ASSERT_EQ(deliver({.id = event,
                       .type = "customer.updated",
                       .account = shop,
                       .created = to_unix(clock.now()),
                       .object = object.dump()})
                  .status,
              200);
  }
  std::string new_customer() {
    return Json::parse(sim.call("POST", "/v1/customers", {{"name", "Jo"}}, shop).body)["id"];
  }
  void run(const std::string& sql) {
    (void)db().transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed(sql);
      return {};
    });
  }
  void fault(Json fault) { ASSERT_TRUE(sim.faults().add(fault).ok()); }
  void apply() {
    ApplyWorkers workers(db(), all, {.threads = 0, .batch = 100});
    while (workers.apply_batch() > 0) {
    }
    counts = workers.counts();
  }
  // The jobs that are due by then.
  std::map<std::string, int> fetch() {
    clock.advance(5s);
    return jobs->run_all();
  }
  std::string state(const std::string& event) {
    const auto found = find_events(db(), event);
    EXPECT_EQ(found->size(), 1u);
    const std::string state = found->front().state;
    const auto listed = *list_events(db(), {.state = state});
    EXPECT_EQ(std::ranges::count(listed, event, &LoggedEvent::id), 1) << "listed as " << state;
    return state;
  }
  std::string error(const std::string& event) { return find_events(db(), event)->front().error; }
  std::string replay(const std::string& event) {
    const auto replayed = replay_event(db(), all, std::nullopt, event);
    return replayed ? replayed->state : replayed.error().code;
  }

  sim::Sim sim;
  std::unique_ptr<stripe::Client> client;
  std::optional<support::JobRunner> jobs;
  std::string shop;
  ApplyWorkers::Counts counts;
};

TEST_F(FetchedInstead, AnEventWaitsForItsObjectAndIsThenApplied) {
  const std::string customer = new_customer();
  stub("evt_1", customer);
  apply();
  EXPECT_EQ(state("evt_1"), "pending");
  EXPECT_EQ(counts.applied, 0u);
  EXPECT_EQ(counts.fetched, 1u);
  EXPECT_EQ(fetch(), (std::map<std::string, int>{{"mirror.refetch", 1}}));
  EXPECT_EQ(state("evt_1"), "applied");
  EXPECT_EQ(text("SELECT name FROM customers WHERE stripe_id = '" + customer + "'"), "Jo");
  EXPECT_EQ(count("inbox_delayed"), 0);
}

TEST_F(FetchedInstead, OneWhoseObjectStripeDoesNotShowIsKeptAsFailedWithBothReasons) {
  stub("evt_1", "cus_nowhere");
  stub("evt_2", "cus_nowhere");
  apply();
  EXPECT_EQ(fetch(), (std::map<std::string, int>{{"mirror.refetch", 2}}));
  for (const char* event : {"evt_1", "evt_2"}) {
    EXPECT_EQ(state(event), "failed");
    EXPECT_THAT(error(event), testing::HasSubstr("is missing")) << "why it was to be fetched";
    EXPECT_THAT(error(event), testing::HasSubstr("No such customer"));
  }
  EXPECT_EQ(count("jobs"), 0) << "the events tell";
}

TEST_F(FetchedInstead, AReplaySaysAppliedOnlyOnceTheObjectIsThere) {
  const std::string customer = new_customer();
  fault({{"path", "/v1/customers/" + customer},
         {"do", "status"},
         {"status", 404},
         {"code", "resource_missing"},
         {"count", 0}});
  stub("evt_1", customer);
  stub("evt_2", customer);
  apply();
  fetch();
  ASSERT_EQ(state("evt_1"), "failed");

  EXPECT_EQ(replay("evt_1"), "pending");
  EXPECT_EQ(state("evt_1"), "pending");
  fetch();
  EXPECT_EQ(state("evt_1"), "failed") << "still not shown";

  sim.faults().clear();
  EXPECT_EQ(replay("evt_1"), "pending");
  fetch();
  EXPECT_EQ(state("evt_1"), "applied");
  EXPECT_EQ(state("evt_2"), "failed") << "nobody tried it again";
  EXPECT_EQ(count("customers WHERE stripe_id = '" + customer + "'"), 1);
}

TEST_F(FetchedInstead, OneThatTheKeyMayNotReadWaitsForAKeyThatMay) {
  const std::string customer = new_customer();
  for (const int status : {401, 403}) {
    const std::string event = "evt_" + std::to_string(status);
    fault({{"path", "/v1/customers/" + customer},
           {"do", "status"},
           {"status", status},
           {"message", "The provided key does not have the permission."},
           {"count", 0}});
    stub(event, customer);
    apply();
    fetch();
    EXPECT_EQ(state(event), "pending") << "the key says nothing of the object";
    sim.faults().clear();
    clock.advance(2h);
    fetch();
    EXPECT_EQ(state(event), "applied");
  }
}

TEST_F(FetchedInstead, OneWhoseAccountIsGoneIsKeptAsFailed) {
  const std::string customer = new_customer();
  stub("evt_2", customer);
  apply();
  (void)db().transact([&](pg::Tx& tx) -> Result<void> {
    access::deauthorize_account(tx, platform, shop, clock.now());
    return {};
  });
  fetch();
  EXPECT_EQ(state("evt_2"), "failed");
  EXPECT_THAT(error("evt_2"), testing::HasSubstr(shop + " is no active account"));
}

TEST_F(FetchedInstead, OneWhoseFetchedObjectCantBeReadIsKeptAsFailed) {
  const std::string customer = new_customer();
  fault({{"do", "alter"},
         {"method", "GET"},
         {"path", "/v1/customers/" + customer},
         {"find", "\"delinquent\""},
         {"with", "\"delinquent\": 7, \"unused\""},
         {"count", 0}});
  stub("evt_1", customer);
  apply();
  fetch();
  EXPECT_EQ(state("evt_1"), "failed");
  EXPECT_THAT(error("evt_1"), testing::HasSubstr("delinquent"));
}

TEST_F(FetchedInstead, WhileStripeIsAwayAnEventWaitsHoweverOftenItIsTried) {
  const std::string customer = new_customer();
  fault({{"path", "/v1/customers/*"}, {"do", "status"}, {"status", 503}, {"count", 0}});
  stub("evt_1", customer);
  apply();
  EXPECT_EQ(fetch(), (std::map<std::string, int>{{"mirror.refetch retry", 1}}));
  EXPECT_EQ(state("evt_1"), "pending");
  run("UPDATE jobs SET attempts = max_attempts - 1");
  EXPECT_EQ(fetch(), (std::map<std::string, int>{{"mirror.refetch", 1}})) << "not dead";
  EXPECT_EQ(state("evt_1"), "pending");

  // The time is past in which the job should have ended the wait.
  run("UPDATE inbox_delayed SET retry_at = now()");
  sim.faults().clear();
  apply();
  fetch();
  EXPECT_EQ(state("evt_1"), "applied");
}

TEST_F(FetchedInstead, AnEventOutsideTheWeeksIsAppliedByAReplayThatFindsItsObject) {
  const std::string customer = new_customer();
  const Json object{{"id", customer}, {"object", "customer"}};
  deliver({.id = "evt_old",
           .type = "customer.updated",
           .account = shop,
           .created = kNow - 40 * 86'400,
           .object = object.dump()});
  ASSERT_EQ(state("evt_old"), "out_of_range");
  EXPECT_EQ(replay("evt_old"), "out_of_range");
  EXPECT_EQ(state("evt_old"), "out_of_range");
  fetch();
  EXPECT_EQ(state("evt_old"), "applied");
}

}  // namespace
}  // namespace payoutd::webhooks
