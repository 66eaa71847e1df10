// A charge after the run: the report has its fee once its event was applied, and says how fresh it
// is.
#include "sync/freshness.h"

#include "mirror/mirror_jobs.h"
#include "reports/world.h"
#include "support/run_jobs.h"

namespace payoutd::reports {
namespace {

using namespace std::chrono_literals;

struct FreshReports : ReportsTest {
  FreshReports() : shop(sim.connected().front()) {
    expect_succeeded(sync());
    wait(1h);
  }

  // Applies an event of the newest charge, as the webhook does, and does what it calls for.
  void charge() {
    ASSERT_TRUE(sim.activity(shop, {{"charges", 1}}).ok());
    const std::string text = ask("GET", "/v1/charges", {{"limit", 1}}, shop)["data"][0].dump();
    const mirror::Version version{.organization = platform,
                                  .account = shop,
                                  .object = text,
                                  .shown_at = clock.now(),
                                  .source = mirror::Source::event,
                                  .event_id = "evt_1",
                                  .event_type = "charge.succeeded"};
    const auto applied = db().transact([&](pg::Tx& tx) -> Result<mirror::Applied> {
      auto done = mirror::apply(tx, appliers, {&version, 1});
      mirror::enqueue_after_events(tx, done);
      return done;
    });
    ASSERT_TRUE(applied.ok());
  }
  void read() {
    support::JobRunner jobs(db(), clock,
                            {sync::read_transactions_handler(db(), *client, appliers, clock)});
    EXPECT_EQ(jobs.run_all().at("sync.read_transactions"), 1);
  }
  // What is younger than five minutes may not be listed yet.
  void expect_just_read(const Json& fresh_until) {
    const auto at = parse_time(fresh_until.get<std::string>());
    ASSERT_TRUE(at.ok());
    EXPECT_NEAR(static_cast<double>(to_unix(*at)), static_cast<double>(to_unix(clock.now() - 5min)),
                2);
  }
  Json fees() {
    return report("fees?currency=usd&startDate=2025-12-01&endDate=2026-01-31&account=" + shop);
  }

  const std::string shop;
};

TEST_F(FreshReports, HaveTheFeeOfAChargeWithoutARun) {
  const Json before = fees();
  EXPECT_EQ(before["fresh_until"], to_iso(from_unix(to_unix(clock.now())) - 1h));
  charge();
  EXPECT_EQ(fees(), before);
  read();
  const Json after = fees();
  expect_just_read(after["fresh_until"]);
  const auto rows = listed(shop);
  const auto in_usd = [](const Listed& row) { return row.currency == "usd"; };
  const auto fee_rows = [](const Listed& row) {
    return row.currency == "usd" && (row.category == "fee" || row.category == "tax");
  };
  EXPECT_EQ(after["total_paid"],
            sum(rows, &Listed::fee, in_usd) - sum(rows, &Listed::amount, fee_rows));
  EXPECT_GT(after["total_paid"].get<std::int64_t>(), before["total_paid"].get<std::int64_t>());
}

TEST_F(FreshReports, OfSeveralAccountsTellTheOldest) {
  charge();
  read();
  const Json of_all = report("balance?currency=usd");
  EXPECT_EQ(of_all["fresh_until"], to_iso(from_unix(to_unix(clock.now())) - 1h));
  for (const char* name : {"revenue", "fees", "customers", "payout-reconciliation", "balance"}) {
    expect_just_read(report(std::string(name) + "?currency=usd&account=" + shop)["fresh_until"]);
  }
}

TEST_F(FreshReports, AsCsvTellItInAHeader) {
  const auto csv = get("/api/reports/balance?currency=usd&format=csv");
  EXPECT_EQ(csv.header("x-payoutd-fresh-until"), to_iso(from_unix(to_unix(clock.now())) - 1h));
  connect(platform, "acct_1NeverSynced0001");
  EXPECT_EQ(report("balance?currency=usd")["fresh_until"], nullptr);
  const auto never = get("/api/reports/balance?currency=usd&format=csv");
  EXPECT_EQ(never.header("x-payoutd-fresh-until"), "");
}

}  // namespace
}  // namespace payoutd::reports
