// A busy database says nothing of an event: what can't be applied now is applied later.
#include <functional>
#include <map>
#include <thread>

#include "webhooks/event_log.h"
#include "webhooks/world.h"

namespace payoutd::webhooks {
namespace {

struct Busy : WebhookTest {
  void SetUp() override { serve(); }

  void customer_event(const std::string& customer, std::int64_t created = kNow - 10) {
    deliver({.id = "evt_" + customer + std::to_string(created),
             .type = "customer.updated",
             .account = "acct_shop",
             .created = created,
             .object = customer_object(customer, created)});
  }
  static std::string customer_object(const std::string& id, std::int64_t balance) {
    return Json{{"id", id},         {"object", "customer"}, {"balance", balance},
                {"created", kNow},  {"currency", "eur"},    {"delinquent", false},
                {"email", nullptr}, {"name", nullptr}}
        .dump();
  }
  void payout_event(const std::string& payout) {
    deliver({.id = "evt_" + payout,
             .type = "payout.created",
             .account = "acct_shop",
             .created = kNow - 10,
             .object = payout_object(payout, "pending")});
  }
  void poison_event() {
    deliver({.id = "evt_poison",
             .type = "payout.created",
             .account = "acct_shop",
             .object = poison_object("po_bad")});
  }
  void run(const std::string& sql) {
    (void)db().transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed(sql);
      return {};
    });
  }
  // Calls `meanwhile` on a thread of its own while `sql`'s locks are held by another session.
  void holding(const std::string& sql, const std::function<void()>& meanwhile) {
    (void)another(1)->transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed(sql);
      const std::jthread other(meanwhile);
      return {};
    });
  }
  // Whose statements wait for a lock for next to no time.
  std::unique_ptr<pg::Database> impatient_database() const {
    return std::make_unique<pg::Database>(
        pg::Database::Options{.url = url(), .lock_timeout_ms = 50});
  }
  void delayed_come_due() { run("UPDATE inbox_delayed SET retry_at = now()"); }
};

TEST_F(Busy, ALockedRowHoldsUpItsOwnEventsOnly) {
  customer_event("cus_held", kNow - 20);
  apply_all();
  ASSERT_EQ(count("customers"), 1);
  for (int i = 0; i < 10; ++i) {
    customer_event("cus_" + std::to_string(i));
    payout_event("po_" + std::to_string(i));
  }
  customer_event("cus_held", kNow - 5);
  poison_event();
  holding("SELECT * FROM customers WHERE stripe_id = 'cus_held' FOR UPDATE", [&] { apply_all(); });
  EXPECT_EQ(count("customers"), 11);
  EXPECT_EQ(count("payouts"), 10);
  EXPECT_EQ(text("SELECT event_id FROM inbox_failures"), "evt_poison");
  EXPECT_EQ(count("inbox_delayed"), 1);
  EXPECT_EQ(count("inbox_queue"), 0);
  EXPECT_EQ(text("SELECT balance FROM customers WHERE stripe_id = 'cus_held'"),
            std::to_string(kNow - 20));

  delayed_come_due();
  apply_all();
  EXPECT_EQ(text("SELECT balance FROM customers WHERE stripe_id = 'cus_held'"),
            std::to_string(kNow - 5));
  EXPECT_EQ(count("inbox_delayed"), 0);
  EXPECT_EQ(count("inbox_failures"), 1);
}

TEST_F(Busy, ALockedTableHoldsUpItsOwnEventsOnly) {
  for (int i = 0; i < 30; ++i) {
    customer_event("cus_" + std::to_string(i));
    payout_event("po_" + std::to_string(i));
  }
  poison_event();
  holding("LOCK TABLE customers", [&] {
    apply_all();
    delayed_come_due();
    apply_all();  // still held: they wait again
  });
  EXPECT_EQ(count("customers"), 0);
  EXPECT_EQ(count("payouts"), 30);
  EXPECT_EQ(count("inbox_delayed"), 30);
  EXPECT_EQ(text("SELECT event_id FROM inbox_failures"), "evt_poison");

  delayed_come_due();
  apply_all();
  EXPECT_EQ(count("customers"), 30);
  EXPECT_EQ(count("inbox_delayed"), 0);
  EXPECT_EQ(count("inbox_failures"), 1);
}

TEST_F(Busy, AFullDiskHoldsUpWhatItHasNoRoomForOnly) {
  run(R"(CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$)");
  run("CREATE TRIGGER full_disk BEFORE INSERT ON customers FOR EACH ROW"
      " EXECUTE FUNCTION full_disk()");
  for (int i = 0; i < 10; ++i) {
    customer_event("cus_" + std::to_string(i));
    payout_event("po_" + std::to_string(i));
  }
  apply_all();
  EXPECT_EQ(count("payouts"), 10);
  EXPECT_EQ(count("inbox_failures"), 0);
  EXPECT_EQ(count("inbox_delayed"), 10);
  const auto pending = list_events(db(), {.state = "pending"});
  ASSERT_TRUE(pending);
  EXPECT_EQ(pending->size(), 10u);

  run("DROP TRIGGER full_disk ON customers");
  delayed_come_due();
  apply_all();
  EXPECT_EQ(count("customers"), 10);
  EXPECT_EQ(count("inbox_failures"), 0);
}

TEST_F(Busy, AQueueThatIsLockedKeepsItsEvents) {
  payout_event("po_1");
  holding("LOCK TABLE payouts; LOCK TABLE inbox_delayed", [&] {
    const auto impatient = impatient_database();
    ApplyWorkers workers(*impatient, all, {.threads = 0, .batch = 100});
    EXPECT_THROW(workers.apply_batch(), pg::Busy);
  });
  EXPECT_EQ(count("inbox_queue"), 1);
  EXPECT_EQ(apply_all(), 1u);
  EXPECT_EQ(count("payouts"), 1);
}

TEST_F(Busy, WorkersPauseAndComeBack) {
  payout_event("po_1");
  holding("LOCK TABLE inbox_queue", [&] {
    const auto impatient = impatient_database();
    ApplyWorkers workers(*impatient, all, {.threads = 2, .batch = 100, .set_lock_timeout_ms = 50});
    workers.nudge();
  });
  ApplyWorkers workers(db(), all, {.threads = 2, .batch = 100});
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (count("payouts") == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(count("payouts"), 1);
}

TEST_F(Busy, ARefusedDeliverySaysWhyAndWhichRequestItWas) {
  for (const auto& [sqlstate, reason] :
       std::map<std::string, std::string>{{"25006", "takes no writes"},
                                          {"53100", "disk is full"},
                                          {"55P03", "is busy"},
                                          {"57P01", "can't be reached"},
                                          {"P0001", "refused it"}}) {
    run("CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'of shop.example' USING ERRCODE = '" +
        sqlstate +
        "'; END $$;"
        "CREATE OR REPLACE TRIGGER refuses BEFORE INSERT ON inbox EXECUTE FUNCTION refuse()");
    const auto refused = deliver({.id = "evt_" + sqlstate});
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.header("retry-after"), "1");
    const Json error = Json::parse(refused.body).at("error");
    EXPECT_EQ(error.at("code"), "event_not_stored");
    EXPECT_EQ(error.at("request_id"), refused.header("x-request-id"));
    const std::string message = error.at("message");
    EXPECT_NE(message.find(reason), std::string::npos) << message;
    EXPECT_EQ(message.find("shop.example"), std::string::npos) << message;
  }
  run("DROP TRIGGER refuses ON inbox");
  EXPECT_EQ(deliver({.id = "evt_25006"}).status, 200);
}

}  // namespace
}  // namespace payoutd::webhooks
