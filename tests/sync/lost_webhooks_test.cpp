// One mirror that every webhook reached, and one that none reached and that was synced once: their
// rows are the same.

#include <algorithm>
#include <random>
#include <set>

#include "http/client.h"
#include "http/server.h"
#include "stripe/signature.h"
#include "sync/world.h"
#include "webhooks/apply.h"
#include "webhooks/event_types.h"
#include "webhooks/webhooks_api.h"

namespace payoutd::sync {
namespace {

using namespace std::chrono_literals;

const Secret kSigning{"whsec_of_both_endpoints"};

// What tells when and how a row was seen, and of a payout what is our own.
constexpr const char* kNotCompared =
    "'organization_id', 'shown_at', 'rank', 'tied', 'id', 'updated', 'requested_at', "
    "'approved_at', "
    "'paid_at', 'failed_at', 'canceled_at', 'returned_at', 'paid_seen_at', 'failed_seen_at', "
    "'canceled_seen_at', 'members_checked_at'";
// Stripe changes these of a payout without a word.
constexpr const char* kSilent =
    ", 'digest', 'trace_id', 'trace_id_status', 'reconciliation_status'";

struct LostWebhooks : SyncTest {
  LostWebhooks() : without_(support::create_database(true)) {
    synced = std::make_unique<pg::Database>(
        pg::Database::Options{.url = support::server().url(without_)});
    // The same organizations as in the other, so that rows can be compared whole.
    CHECK(access::ensure_platform_organization(*synced, "Demo Platform").ok());
    const OrgId other = access::ensure_organization(*synced, "Second Tenant")->id;
    const auto joined = synced->transact([&](pg::Tx& tx) {
      return access::connect_account(
          tx, other,
          {.fields = {.stripe_account = sim.second_tenant(), .name = "Demo"},
           .version = {from_unix(1)},
           .joined_at = from_unix(1)});
    });
    CHECK(joined.ok());

    inbox = std::make_unique<webhooks::Inbox>(db(), clock, webhooks::Inbox::Options{});
    http::Router router;
    for (auto& route : webhooks::webhook_routes(verifier, *inbox, clock))
      router.add(std::move(route));
    server = std::make_unique<http::Server>(std::move(router), http::Server::Options{.port = 0});
    CHECK(server->start().ok());
  }
  ~LostWebhooks() override {
    server.reset();
    inbox.reset();
    synced.reset();
    support::drop_database(without_);
  }

  std::vector<std::string> accounts() {
    std::vector<std::string> all = sim.connected();
    all.push_back(sim.platform());
    all.push_back(sim.second_tenant());
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

  // Events since the last call, of all accounts, as Stripe would deliver them.
  std::vector<std::string> new_events() {
    std::vector<std::string> bodies;
    for (const std::string& account : accounts()) {
      const bool own = account == sim.platform();
      std::string after;
      for (bool more = true; more;) {
        Json params{{"limit", 100}};
        if (!after.empty()) params["starting_after"] = after;
        const Json page = ask("GET", "/v1/events", params, own ? "" : account);
        more = page.at("has_more");
        for (Json event : page.at("data")) {
          after = event.at("id");
          if (!known_.insert(after).second) {
            more = false;
            break;
          }
          if (!own) event["account"] = account;
          bodies.push_back(event.dump());
        }
      }
    }
    return bodies;
  }

  void deliver(const std::vector<std::string>& bodies) {
    http::Client client(server->port());
    for (const std::string& body : bodies) {
      const auto signature = stripe::signature_header(body, kSigning, to_unix(clock.now()));
      ASSERT_EQ(
          client
              .ask(http::post("/webhooks/stripe", body, "Stripe-Signature: " + signature + "\r\n"),
                   15'000)
              .status,
          200);
    }
    webhooks::ApplyWorkers workers(db(), appliers, {.threads = 0, .batch = 100});
    while (workers.apply_batch() > 0) {
    }
  }

  // A table's rows as text, without the columns in `except`.
  std::set<std::string> rows(pg::Database& of, const std::string& table,
                             const std::string& except) {
    auto found = of.transact([&](pg::Tx& tx) -> Result<std::set<std::string>> {
      std::set<std::string> all;
      const auto got = tx.exec_unnamed(
          fmt::format("SELECT (to_jsonb(t) - ARRAY[{}]::text[])::text FROM {} t", except, table));
      for (const pg::Row row : got) all.insert(row.get<std::string>(0));
      return all;
    });
    CHECK(found.ok());
    return *found;
  }

  void expect_same_rows(const std::string& table, const std::string& except) {
    const auto left = rows(db(), table, except), right = rows(*synced, table, except);
    EXPECT_FALSE(left.empty()) << table;
    std::vector<std::string> differ;
    std::ranges::set_symmetric_difference(left, right, std::back_inserter(differ));
    EXPECT_EQ(differ.size(), 0u) << table << ": " << left.size() << " rows and " << right.size();
    for (std::size_t i = 0; i < std::min<std::size_t>(differ.size(), 3); ++i) {
      ADD_FAILURE() << (left.contains(differ[i]) ? "webhooks: " : "sync: ") << differ[i];
    }
  }

  // Something of all that an account can live through.
  static Json a_day(int day) {
    const auto every = [&](int days) { return day % days == days - 1 ? 1 : 0; };
    return {{"charges", 3},
            {"failed_charges", 1},
            {"refunds", 1},
            {"disputes", every(5)},
            {"transfers", 1},
            {"reversals", every(4)},
            {"subscriptions", every(3)},
            {"canceled_subscriptions", every(6)},
            {"deleted_customers", every(10)},
            {"payouts", 1},
            {"instant_payouts", every(4)},
            {"failed_payouts", every(6)},
            {"returned_payouts", every(8)},
            {"canceled_payouts", every(7)}};
  }

  stripe::SignatureVerifier verifier{{kSigning}};
  std::unique_ptr<pg::Database> synced;
  std::unique_ptr<webhooks::Inbox> inbox;
  std::unique_ptr<http::Server> server;

 private:
  const std::string without_;
  std::set<std::string> known_;
};

TEST_F(LostWebhooks, OneSyncEndsInTheRowsThatTheWebhooksWouldHaveLeft) {
  expect_succeeded(sync());
  expect_succeeded(sync(*synced, *client));
  new_events();
  std::mt19937 random(7);
  for (int day = 0; day < 28; ++day) {  // Stripe tells of events for 30
    for (const std::string& account : accounts()) {
      ASSERT_TRUE(sim.activity(account, a_day(day)).ok());
    }
    wait(24h);
    auto events = new_events();
    const std::size_t once = events.size();
    for (std::size_t i = 0; i < once; i += 5) events.push_back(events[i]);
    std::shuffle(events.begin(), events.end(), random);
    deliver(events);
  }
  ASSERT_GT(number("SELECT count(*) FROM inbox"), 1'000);
  EXPECT_EQ(number("SELECT count(*) FROM inbox_failures"), 0);
  expect_succeeded(sync(*synced, *client));

  for (const char* table : {"payouts", "payment_intents", "refunds", "disputes", "customers",
                            "subscriptions", "transfers", "application_fees"}) {
    const bool silent = std::string_view(table) == "payouts";
    expect_same_rows(table, std::string(kNotCompared) + (silent ? kSilent : ""));
  }
  // Of the payment that a transfer makes on its destination there is no event until it is refunded.
  const std::string announced =
      "(SELECT * FROM charges WHERE source_transfer_id IS NULL OR amount_refunded > 0)";
  expect_same_rows(announced, kNotCompared);
  // What no webhook tells, a sync after them does.
  expect_succeeded(sync());
  for (const char* table :
       {"payouts", "charges", "balance_transactions", "application_fee_refunds"}) {
    expect_same_rows(table, std::string(kNotCompared) + ", 'payout_shown_at'");
  }
  expect_whole();
}

TEST_F(LostWebhooks, WebhooksAloneKeepPayoutsRight) {
  new_events();
  const auto discovered = db().transact([&](pg::Tx& tx) {
    return access::connect_account(tx, platform,
                                   {.fields = {.stripe_account = sim.platform(), .name = "Demo"},
                                    .version = {from_unix(1)},
                                    .is_platform = true,
                                    .joined_at = from_unix(1)});
  });
  ASSERT_TRUE(discovered.ok());
  for (const std::string& account : sim.connected()) {
    if (account != sim.second_tenant()) connect(platform, account);
  }
  const std::int64_t since = to_unix(clock.now());
  for (int day = 0; day < 14; ++day) {
    for (const std::string& account : accounts()) {
      ASSERT_TRUE(sim.activity(account, {{"charges", 4}, {"payouts", 1}}).ok());
    }
    wait(24h);
    deliver(new_events());
  }
  Figures expected;
  sim.inspect([&](sim::World& world) {
    for (const auto& account : world.store.accounts()) {
      const auto found = account->documents.find("payout");
      if (found == account->documents.end()) continue;
      for (const auto* payout : found->second) {
        if (payout->num("created") < since) continue;
        Figure& figure =
            expected[account->id + " " + payout->str("id") + " " + payout->str("status")];
        figure = {1, payout->num("amount")};
      }
    }
  });
  ASSERT_GT(expected.size(), 20u);
  EXPECT_EQ(figures(fmt::format("SELECT account || ' ' || stripe_payout_id || ' ' || status, "
                                "count(*), sum(amount) FROM payouts "
                                "WHERE created >= to_timestamp({}) GROUP BY 1",
                                since)),
            expected);
}

}  // namespace
}  // namespace payoutd::sync
