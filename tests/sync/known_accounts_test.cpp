// Accounts that become known: which of them can't be taken, and what becomes of the events that
// came before.
#include <algorithm>

#include "mirror/mirror_jobs.h"
#include "stripe/sim/world/events.h"
#include "support/run_jobs.h"
#include "sync/find_account.h"
#include "sync/sync_jobs.h"
#include "sync/world.h"
#include "webhooks/apply.h"
#include "webhooks/event_types.h"
#include "webhooks/inbox_writer.h"
#include "webhooks/unknown_accounts.h"
#include "webhooks/unknown_store.h"

namespace payoutd::sync {
namespace {

using namespace std::chrono_literals;

struct Accounts : SyncTest {
  void refuse_list(int status, const std::string& message) {
    fault({{"method", "GET"},
           {"path", "/v1/accounts"},
           {"do", "status"},
           {"status", status},
           {"count", 0},
           {"message", message}});
  }
  RunRecord run_of(const std::vector<RunRecord>& runs, OrgId organization) {
    for (const RunRecord& run : runs) {
      if (run.organization == organization) return run;
    }
    ADD_FAILURE() << "no run";
    return {};
  }
};

TEST_F(Accounts, AListThatIsForbiddenIsToldAndWhatIsKnownIsSynced) {
  refuse_list(403, "The provided key does not have the permission 'rak_accounts_read'.");
  const auto runs = sync();
  const RunRecord platforms = run_of(runs, platform);
  EXPECT_EQ(platforms.status, "partial");
  const std::string why = platforms.error.value_or("");
  EXPECT_NE(why.find("GET /v1/accounts"), std::string::npos) << why;
  EXPECT_NE(why.find("rak_accounts_read"), std::string::npos) << why;
  EXPECT_NE(why.find("Accounts: Read"), std::string::npos) << why;
  // Another organization's run learns nothing of the platform's key.
  const std::string told = run_of(runs, tenant).error.value_or("");
  EXPECT_EQ(told, "accounts: not all of Stripe's accounts could be read");
  EXPECT_GT(
      number("SELECT count(*) FROM balance_transactions WHERE account = '" + sim.platform() + "'"),
      0);
}

TEST_F(Accounts, AListThatIsBrokenIsToldToo) {
  refuse_list(400, "Something that nobody has heard of.");
  const auto runs = sync();
  EXPECT_EQ(run_of(runs, platform).status, "partial");
}

// Its rows would be taken for ours.
TEST_F(Accounts, WithTheKeyOfAnotherPlatformNothingIsRead) {
  const auto taken = db().transact([&](pg::Tx& tx) {
    return access::connect_account(tx, platform,
                                   {.fields = {.stripe_account = "acct_another", .name = "Another"},
                                    .version = {from_unix(1)},
                                    .is_platform = true,
                                    .joined_at = from_unix(1)});
  });
  ASSERT_TRUE(taken);
  Syncer syncer(db(), *client, appliers, clock, {});
  for (const bool verify_only : {false, true}) {
    const auto runs = syncer.run({.verify_only = verify_only});
    ASSERT_FALSE(runs);
    EXPECT_EQ(runs.error().code, "another_platform");
  }
  EXPECT_EQ(number("SELECT count(*) FROM connected_accounts"), 2);  // and the tenant's
  EXPECT_EQ(number("SELECT count(*) FROM balance_transactions"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM sync_runs WHERE status = 'failed'"), 2);
}

TEST_F(Accounts, AnAccountWithoutConnectHasNoConnectedAccounts) {
  refuse_list(403,
              "Only Stripe Connect platforms can work with other accounts. If you need to "
              "setup a Stripe Connect platform, you can do so in the dashboard.");
  expect_succeeded(sync());
}

TEST_F(Accounts, OneThatCantBeTakenIsNamedAndTheOthersAre) {
  const std::string bad = sim.connected().front();
  ASSERT_NE(bad, sim.second_tenant());
  fault({{"do", "alter"},
         {"method", "GET"},
         {"path", "/v1/accounts"},
         {"find", bad},
         {"with", "acct-odd"},
         {"count", 0}});
  const auto runs = sync();
  const RunRecord platforms = run_of(runs, platform);
  EXPECT_EQ(platforms.status, "partial");
  EXPECT_NE(platforms.error.value_or("").find("acct-odd"), std::string::npos);
  EXPECT_EQ(
      number("SELECT count(*) FROM connected_accounts WHERE stripe_account_id = '" + bad + "'"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM connected_accounts"),
            std::ssize(sim.connected()));  // the platform's own in the place of the bad one
}

TEST_F(Accounts, OneThatTheDatabaseRefusesIsNamedAndTheOthersAre) {
  const std::string bad = sim.connected().front();
  (void)db().transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'not this one'; END $$");
    tx.exec_unnamed(
        "CREATE TRIGGER refuse BEFORE INSERT ON connected_accounts FOR EACH ROW "
        "WHEN (NEW.stripe_account_id = '" +
        bad + "') EXECUTE FUNCTION refuse()");
    return {};
  });
  const RunRecord platforms = run_of(sync(), platform);
  EXPECT_EQ(platforms.status, "partial");
  EXPECT_NE(platforms.error.value_or("").find(bad), std::string::npos);
  EXPECT_GT(number("SELECT count(*) FROM connected_accounts WHERE organization_id = '" +
                   platform.str() + "'"),
            1);
}

struct FirstContact : SyncTest {
  FirstContact() : SyncTest(sim::Demo::small) {
    (void)db().transact([](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed("DELETE FROM connected_accounts");
      return {};
    });
  }
};

TEST_F(FirstContact, AFirstRunWhileStripeIsAwayIsRecordedAndTriedAgain) {
  fault({{"path", "/v1/account"}, {"do", "status"}, {"status", 503}, {"count", 0}});
  Syncer syncer(db(), *client, appliers, clock, {});
  support::JobRunner jobs(db(), clock, sync_handlers(syncer, db(), *client, appliers));
  (void)db().transact([](pg::Tx& tx) -> Result<void> {
    enqueue_run_of_all(tx, "start");
    return {};
  });
  EXPECT_EQ(jobs.run_all(), (std::map<std::string, int>{{"sync.run retry", 1}}));
  EXPECT_EQ(number("SELECT count(*) FROM sync_runs WHERE status = 'failed' AND error IS NOT NULL "
                   "AND organization_id = '" +
                   platform.str() + "'"),
            1);
  sim.faults().clear();
  clock.advance(2s);
  EXPECT_EQ(jobs.run_all()["sync.run"], 1);
  EXPECT_GT(number("SELECT count(*) FROM balance_transactions"), 0);
}

// Events as Stripe delivers them, and every job of theirs.
struct KnownAccounts : SyncTest {
  KnownAccounts()
      : syncer(db(), *client, appliers, clock, {}),
        jobs(db(), clock, handlers()),
        shop(sim.connected().front()) {}

  std::vector<jobs::Handler> handlers() {
    auto all = sync_handlers(syncer, db(), *client, appliers);
    all.push_back(find_account_handler(db(), *client, clock, false));
    all.push_back(webhooks::adopt_handler({.db = db(), .clock = clock, .livemode = false}));
    for (auto& handler : mirror::mirror_handlers(db(), *client, appliers))
      all.push_back(std::move(handler));
    return all;
  }

  void store(const std::string& id, const std::string& account,
             const std::string& type = "customer.created", bool live = false) {
    const Json object{{"id", "cus_" + id}, {"object", "customer"}, {"created", kMondayNoon},
                      {"email", nullptr},  {"name", "Jo"},         {"balance", 0},
                      {"currency", "usd"}, {"delinquent", false}};
    const Json event{{"id", id},         {"object", "event"},
                     {"type", type},     {"created", kMondayNoon},
                     {"livemode", live}, {"data", {{"object", object}}}};
    webhooks::Received received{.head = {.id = id,
                                         .type = type,
                                         .account = account,
                                         .created = from_unix(kMondayNoon),
                                         .livemode = live,
                                         .api_version = std::string(stripe::kApiVersion),
                                         .object_id = "cus_" + id},
                                .body = event.dump(),
                                .organization = {},
                                .disposition = {}};
    webhooks::InboxWriter(db(), clock, livemode).store({&received, 1});
  }
  void apply() {
    webhooks::ApplyWorkers workers(db(), appliers, {.threads = 0, .batch = 100});
    while (workers.apply_batch() > 0) {
    }
  }
  std::int64_t customers(const std::string& id) {
    return number("SELECT count(*) FROM customers WHERE stripe_id = 'cus_" + id + "'");
  }
  std::int64_t waiting() { return number("SELECT count(*) FROM inbox_unknown"); }

  std::optional<bool> livemode;  // of our Stripe key
  Syncer syncer;
  support::JobRunner jobs;
  const std::string shop;
};

TEST_F(KnownAccounts, EventsFromBeforeTheFirstContactAreAppliedOnceTheAccountIsKnown) {
  store("evt_own", "");
  store("evt_shop", shop);
  apply();
  EXPECT_EQ(customers("evt_own") + customers("evt_shop"), 0);
  EXPECT_EQ(waiting(), 2);
  const auto unknown = db().read(
      [](pg::Tx& tx) -> Result<std::int64_t> { return webhooks::unknown_store::waiting(tx); });
  EXPECT_EQ(*unknown, 2);
  expect_succeeded(sync());
  jobs.run_all();
  apply();
  EXPECT_EQ(customers("evt_own"), 1);
  EXPECT_EQ(customers("evt_shop"), 1);
  EXPECT_EQ(waiting(), 0);
  EXPECT_EQ(number("SELECT count(*) FROM inbox WHERE disposition = 'apply'"), 2);
  EXPECT_EQ(number("SELECT count(*) FROM inbox WHERE account = ''"), 0);
}

TEST_F(KnownAccounts, EventsMoveToTheOrganizationOfTheAccountAndStayOne) {
  store("evt_1", "acct_1Wanderer00001");
  store("evt_2", "acct_1Wanderer00001");
  store("evt_3", "acct_1Wanderer00001", "nobody.handles");
  connect(tenant, "acct_1Wanderer00001");
  store("evt_2", "acct_1Wanderer00001");  // delivered again, and known by now
  EXPECT_EQ(number("SELECT count(*) FROM inbox WHERE event_id = 'evt_2'"), 2);
  (void)db().transact([](pg::Tx& tx) -> Result<void> {
    mirror::enqueue_adoption(tx);
    return {};
  });
  jobs.run_all();
  const std::string its = "SELECT count(*) FROM inbox WHERE organization_id = '" + tenant.str();
  EXPECT_EQ(number(its + "' AND disposition = 'apply'"), 2);
  EXPECT_EQ(number(its + "' AND disposition = 'unhandled'"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM inbox"), 3);
  EXPECT_EQ(number("SELECT count(*) FROM inbox_queue"), 2);
  EXPECT_EQ(waiting(), 0);
  apply();
  EXPECT_EQ(number("SELECT count(*) FROM customers WHERE organization_id = '" + tenant.str() + "'"),
            2);
}

TEST_F(KnownAccounts, ManyEventsAreMovedAFewHundredAtATime) {
  std::vector<webhooks::Received> events(1'201);
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].head.id = fmt::format("evt_{:04}", i);
    events[i].head.type = "customer.created";
    events[i].head.account = "acct_1Wanderer00001";
    events[i].head.created = from_unix(kMondayNoon);
    events[i].body = "{}";
  }
  webhooks::InboxWriter(db(), clock, livemode).store(events);
  connect(tenant, "acct_1Wanderer00001");
  (void)db().transact([](pg::Tx& tx) -> Result<void> {
    mirror::enqueue_adoption(tx);
    return {};
  });
  jobs.run_all();
  EXPECT_EQ(waiting(), 0);
  EXPECT_EQ(
      number("SELECT count(*) FROM inbox_queue WHERE organization_id = '" + tenant.str() + "'"),
      1'201);
}

TEST_F(KnownAccounts, AnAccountThatAnEventNamesIsLookedUpAndItsEventsAreApplied) {
  expect_succeeded(sync());
  jobs.run_all();
  const std::string newcomer =
      ask("POST", "/v1/accounts", {{"country", "DE"}, {"default_currency", "eur"}})["id"];
  store("evt_1", newcomer);
  store("evt_2", newcomer);
  EXPECT_EQ(number("SELECT count(*) FROM jobs WHERE kind = 'sync.find_account'"), 1);
  const auto done = jobs.run_all();
  EXPECT_EQ(done.at("sync.find_account"), 1);
  EXPECT_EQ(done.at("sync.run"), 1);  // its lists are read at once
  apply();
  EXPECT_EQ(customers("evt_1") + customers("evt_2"), 2);
  EXPECT_EQ(number("SELECT count(*) FROM connected_accounts WHERE stripe_account_id = '" +
                   newcomer + "' AND organization_id = '" + platform.str() + "'"),
            1);
  EXPECT_EQ(number("SELECT count(*) FROM sync_runs WHERE account = '" + newcomer +
                   "' AND status = 'succeeded'"),
            1);
}

TEST_F(KnownAccounts, ARefusedAccountIsNotAskedForAgainForAWhile) {
  expect_succeeded(sync());
  jobs.run_all();
  const std::string stranger = "acct_1Stranger000001";
  store("evt_1", stranger);
  EXPECT_EQ(jobs.run_all().at("sync.find_account"), 1);
  EXPECT_EQ(waiting(), 1);
  store("evt_2", stranger);
  EXPECT_EQ(number("SELECT count(*) FROM jobs WHERE kind = 'sync.find_account'"), 0);
  clock.advance(59min);
  store("evt_3", stranger);
  EXPECT_EQ(number("SELECT count(*) FROM jobs WHERE kind = 'sync.find_account'"), 0);
  clock.advance(2min);
  store("evt_4", stranger);
  EXPECT_EQ(jobs.run_all().at("sync.find_account"), 1);
  EXPECT_EQ(number("SELECT times FROM refused_accounts"), 2);
  clock.advance(90min);  // twice as long now
  store("evt_5", stranger);
  EXPECT_EQ(number("SELECT count(*) FROM jobs WHERE kind = 'sync.find_account'"), 0);
  // It says that it connected.
  store("evt_6", stranger, "account.application.authorized");
  EXPECT_EQ(jobs.run_all().at("sync.find_account"), 1);
  EXPECT_EQ(number("SELECT times FROM refused_accounts"), 3);
  EXPECT_EQ(number("SELECT count(*) FROM jobs WHERE state = 'dead'"), 0);
}

TEST_F(KnownAccounts, AQuestionThatWasAnsweredMeanwhileIsNotAskedAgain) {
  expect_succeeded(sync());
  store("evt_1", "acct_1Stranger000001");
  const auto sends = client->counts().sends;
  // The adoption of the run asks for the stranger, too, while its question is under way.
  EXPECT_EQ(jobs.run_all().at("sync.find_account"), 2);
  EXPECT_EQ(client->counts().sends, sends + 1);
  EXPECT_EQ(number("SELECT times FROM refused_accounts"), 1);
}

TEST_F(KnownAccounts, ALookUpWaitsWhileStripeIsAway) {
  expect_succeeded(sync());
  jobs.run_all();
  const std::string newcomer = ask("POST", "/v1/accounts", {{"country", "DE"}})["id"];
  fault({{"path", "/v1/accounts/*"}, {"do", "status"}, {"status", 503}, {"count", 0}});
  store("evt_1", newcomer);
  EXPECT_EQ(jobs.run_all(), (std::map<std::string, int>{{"sync.find_account retry", 1}}));
  EXPECT_EQ(number("SELECT count(*) FROM refused_accounts"), 0);
  sim.faults().clear();
  clock.advance(2s);
  jobs.run_all();
  EXPECT_EQ(waiting(), 0);
}

TEST_F(KnownAccounts, AnEventOfTheOtherModeAsksForNothing) {
  livemode = false;
  store("evt_1", "acct_1Stranger000001", "customer.created", true);
  EXPECT_EQ(number("SELECT count(*) FROM inbox WHERE disposition = 'other_mode'"), 1);
  EXPECT_EQ(waiting(), 0);
  EXPECT_EQ(number("SELECT count(*) FROM jobs"), 0);
}

TEST_F(KnownAccounts, AnAccountThatConnectsAgainIsActiveAgain) {
  expect_succeeded(sync());
  jobs.run_all();
  (void)db().transact([&](pg::Tx& tx) -> Result<void> {
    access::deauthorize_account(tx, platform, shop, clock.now());
    return {};
  });
  clock.advance(1min);
  store("evt_1", shop, "account.application.authorized");
  apply();
  jobs.run_all();
  EXPECT_EQ(number("SELECT count(*) FROM connected_accounts WHERE stripe_account_id = '" + shop +
                   "' AND status = 'active'"),
            1);
}

// The event could not be read and says no more: the job stays for a person.
TEST_F(KnownAccounts, AnObjectThatStripeDoesNotShowInsteadOfAnEventsIsADeadJob) {
  expect_succeeded(sync());
  for (const bool instead : {false, true}) {
    (void)db().transact([&](pg::Tx& tx) -> Result<void> {
      mirror::Applied applied;
      applied.refetch = {{platform, shop, "payout", "po_1NotAtStripe", clock.now(), instead}};
      mirror::enqueue_follow_ups(tx, applied);
      return {};
    });
    clock.advance(5s);
    const auto done = jobs.run_all();
    EXPECT_EQ(done.contains("mirror.refetch dead"), instead);
    EXPECT_EQ(done.contains("mirror.refetch"), !instead);
  }
}

}  // namespace
}  // namespace payoutd::sync
