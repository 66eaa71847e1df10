// A simulated Stripe with a demo platform on a clock that stands still, and a syncer in front of it
// over HTTP. What the mirror holds is compared with the simulator's own records, read in process.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "access/connected_accounts.h"
#include "access/organizations.h"
#include "payouts/apply.h"
#include "stripe/client.h"
#include "stripe/sim/sim.h"
#include "support/database.h"
#include "sync/sync.h"
#include "sync/verify.h"

namespace payoutd::sync {

inline constexpr std::int64_t kMondayNoon = 1'767'614'400;  // 2026-01-05T12:00:00Z

// How many there are, and their sum: of what, says the figure's name.
struct Figure {
  std::int64_t count = 0, sum = 0;
  friend bool operator==(const Figure&, const Figure&) = default;
};
inline std::ostream& operator<<(std::ostream& out, const Figure& figure) {
  return out << figure.count << " making " << figure.sum;
}
using Figures = std::map<std::string, Figure>;  // by "acct_… charges usd succeeded"

class SyncTest : public support::DatabaseTest {
 protected:
  explicit SyncTest(sim::Demo demo = sim::Demo::small, sim::Options options = {})
      : clock(from_unix(kMondayNoon)), sim(clock, with(std::move(options), demo)) {
    CHECK(sim.start().ok());
    payouts::add_applier(appliers);
    platform = access::ensure_platform_organization(db(), "Demo Platform")->id;
    tenant = access::ensure_organization(db(), "Second Tenant")->id;
    client = open_client();
    if (demo != sim::Demo::none) connect(tenant, sim.second_tenant());
  }

  static sim::Options with(sim::Options options, sim::Demo demo) {
    options.demo = demo;
    options.port = 0;
    options.workers = 16;
    return options;
  }

  std::unique_ptr<stripe::Client> open_client(double per_second = 1e5) {
    stripe::Client::Options options;
    options.key = sim.api_key();
    options.base = sim.url();
    options.clock = &clock;
    options.budget =
        std::make_shared<stripe::LocalBudget>(stripe::Rates{per_second, per_second, per_second});
    options.pause = [](stripe::Pause) { return stripe::Pause{1}; };
    auto opened = stripe::Client::open(std::move(options));
    CHECK(opened.ok());
    return *std::move(opened);
  }

  void connect(OrgId organization, const std::string& account) {
    const auto done = db().transact([&](pg::Tx& tx) {
      return access::connect_account(tx, organization,
                                     {.fields = {.stripe_account = account, .name = "Demo"},
                                      .version = {from_unix(1)},
                                      .joined_at = from_unix(1)});
    });
    CHECK(done.ok());
  }

  std::vector<RunRecord> sync(Options options = {}) {
    return sync(db(), *client, std::move(options));
  }
  std::vector<RunRecord> sync(pg::Database& on, stripe::Client& by, Options options = {},
                              std::chrono::milliseconds patience = std::chrono::minutes(2)) {
    Syncer syncer(on, by, appliers, clock, {.lister = {.lanes = 16, .patience = patience}});
    auto runs = syncer.run(options);
    EXPECT_TRUE(runs.ok()) << (runs ? "" : runs.error().message);
    return runs ? *std::move(runs) : std::vector<RunRecord>{};
  }
  static const StreamRecord* stream_of(const std::vector<RunRecord>& runs,
                                       const std::string& account, std::string_view stream) {
    for (const RunRecord& run : runs) {
      for (const StreamRecord& record : run.streams) {
        if (record.account == account && record.stream == stream) return &record;
      }
    }
    return nullptr;
  }
  static void expect_succeeded(const std::vector<RunRecord>& runs) {
    ASSERT_FALSE(runs.empty());
    for (const RunRecord& run : runs) EXPECT_EQ(run.status, "succeeded") << run.error.value_or("");
  }

  void wait(std::chrono::seconds by) { ASSERT_TRUE(sim.advance(by).ok()); }
  Json ask(const std::string& method, const std::string& path, Json params = Json::object(),
           std::string account = "") {
    return Json::parse(sim.call(method, path, std::move(params), std::move(account)).body);
  }
  void fault(Json fault) { ASSERT_TRUE(sim.faults().add(fault).ok()); }

  // What the mirror has, by one statement for all kinds.
  Figures mirrored() {
    return figures(
        "SELECT account || ' rows ' || currency || ' ' || status, count(*), sum(net) FROM "
        "balance_transactions GROUP BY 1"
        " UNION ALL SELECT account || ' charges ' || currency || ' ' || status, count(*), "
        "sum(amount) FROM charges GROUP BY 1"
        " UNION ALL SELECT account || ' payment_intents ' || currency || ' ' || status, count(*), "
        "sum(amount) FROM payment_intents GROUP BY 1"
        " UNION ALL SELECT account || ' refunds ' || currency || ' ' || status, count(*), "
        "sum(amount) FROM refunds GROUP BY 1"
        " UNION ALL SELECT account || ' disputes ' || currency || ' ' || status, count(*), "
        "sum(amount) FROM disputes GROUP BY 1"
        " UNION ALL SELECT account || ' transfers ' || currency, count(*), sum(amount_reversed) "
        "FROM transfers GROUP BY 1"
        " UNION ALL SELECT account || ' application_fees ' || currency, count(*), "
        "sum(amount_refunded) FROM application_fees GROUP BY 1"
        " UNION ALL SELECT account || ' payouts ' || currency || ' ' || status, count(*), "
        "sum(amount) FROM payouts GROUP BY 1"
        " UNION ALL SELECT account || ' customers', count(*), 0 FROM customers WHERE NOT deleted "
        "GROUP BY 1"
        " UNION ALL SELECT account || ' subscriptions ' || status, count(*), 0 FROM subscriptions "
        "GROUP BY 1");
  }

  // The same of the simulator's records.
  Figures simulated() {
    Figures all;
    sim.inspect([&](sim::World& world) {
      for (const auto& account : world.store.accounts()) {
        for (const auto* row : account->row_list) {
          add(all,
              account->id + " rows " + row->currency.str() +
                  (row->available ? " available" : " pending"),
              row->net());
        }
        for (const char* kind : {"charge", "payment_intent", "refund", "dispute", "payout"}) {
          for (const auto* document : of(*account, kind)) {
            add(all,
                fmt::format("{} {}s {} {}", account->id, kind, document->str("currency"),
                            document->str("status")),
                document->num("amount"));
          }
        }
        for (const auto* document : of(*account, "transfer")) {
          add(all, account->id + " transfers " + document->str("currency"),
              document->num("amount_reversed"));
        }
        for (const auto* document : of(*account, "application_fee")) {
          add(all, account->id + " application_fees " + document->str("currency"),
              document->num("amount_refunded"));
        }
        for (const auto* document : of(*account, "customer")) {
          if (!document->flag("deleted")) add(all, account->id + " customers", 0);
        }
        for (const auto* document : of(*account, "subscription")) {
          add(all, account->id + " subscriptions " + document->str("status"), 0);
        }
      }
    });
    return all;
  }

  Figures figures(const std::string& statement) {
    auto found = db().transact([&](pg::Tx& tx) -> Result<Figures> {
      Figures figures;
      for (const pg::Row row : tx.exec_unnamed(statement)) {
        figures[row.get<std::string>(0)] = {row.get<std::int64_t>(1), row.get<std::int64_t>(2)};
      }
      return figures;
    });
    CHECK(found.ok());
    return *found;
  }
  void execute(const std::string& statements) {
    const auto done = db().transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed(statements);
      return {};
    });
    CHECK(done.ok());
  }
  std::string text(const std::string& statement) {
    auto found = db().transact([&](pg::Tx& tx) -> Result<std::string> {
      return tx.exec_unnamed(statement).one().get<std::string>(0);
    });
    CHECK(found.ok());
    return *found;
  }
  std::int64_t number(const std::string& statement) {
    auto found = db().transact([&](pg::Tx& tx) -> Result<std::int64_t> {
      return tx.exec_unnamed(statement).one().get<std::int64_t>(0);
    });
    CHECK(found.ok());
    return *found;
  }
  void expect_whole() {
    for (const OrgId organization : {platform, tenant}) {
      const auto found = completeness(db(), organization, std::nullopt);
      ASSERT_TRUE(found.ok());
      EXPECT_FALSE(found->balances.empty());
      for (const BalanceCheck& check : found->balances) {
        EXPECT_EQ(check.difference().minor, 0) << check.account << ' ' << check.currency().str();
        EXPECT_EQ(check.state, CheckState::equal);
      }
      EXPECT_TRUE(found->payouts.empty());
    }
  }

  ManualClock clock;
  sim::Sim sim;
  mirror::Appliers appliers = mirror::Appliers::mirror();
  std::unique_ptr<stripe::Client> client;
  OrgId platform{}, tenant{};

 private:
  static void add(Figures& figures, const std::string& name, std::int64_t amount) {
    ++figures[name].count;
    figures[name].sum += amount;
  }
  static sim::Series<sim::Document> of(const sim::Account& account, const char* kind) {
    const auto found = account.documents.find(kind);
    sim::Series<sim::Document> listed;
    if (found == account.documents.end()) return listed;
    for (auto* document : found->second) {
      if (document->listed) listed.push_back(document);
    }
    return listed;
  }
};

}  // namespace payoutd::sync
