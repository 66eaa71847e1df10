// The budget that instances share.
#include "mirror/rate_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "mirror/rate_budget_store.h"
#include "support/database.h"

namespace payoutd::mirror {
namespace {

using namespace std::chrono_literals;
using stripe::Instant;

struct RateBudget : support::DatabaseTest {};

constexpr std::string_view kList = "GET /v1/charges";

// Takes as fast as it may until `end`; when each was granted.
std::vector<Instant> take_until(SharedBudget& budget, Instant end, std::string_view route = kList) {
  std::vector<Instant> granted;
  for (Instant now = std::chrono::steady_clock::now(); now < end;
       now = std::chrono::steady_clock::now()) {
    const stripe::Wait wait =
        budget.take({.priority = stripe::Priority::sync, .route = route}, now);
    if (wait.time.count() == 0) granted.push_back(now);
    else std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(wait.time, 2ms));
  }
  return granted;
}

// The most in any window of that length.
std::size_t most_within(const std::vector<Instant>& sorted, std::chrono::milliseconds window) {
  std::size_t most = 0;
  for (std::size_t first = 0, last = 0; last < sorted.size(); ++last) {
    while (sorted[last] - sorted[first] >= window) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

TEST_F(RateBudget, TwoInstancesTogetherKeepTheRateAndUseIt) {
  const stripe::Rates rates{.per_second = 200, .per_route = 200};
  const auto other_db = another();
  SharedBudget one(db(), rates), other(*other_db, rates);
  const Instant begin = std::chrono::steady_clock::now(), end = begin + 2s;
  std::vector<Instant> of_other;
  std::thread thread([&] { of_other = take_until(other, end); });
  std::vector<Instant> granted = take_until(one, end);
  thread.join();
  // Not how many: a machine that is busy with something else leaves slots unused.
  EXPECT_GT(granted.size(), 10u);
  EXPECT_GT(of_other.size(), 10u);
  granted.insert(granted.end(), of_other.begin(), of_other.end());
  std::ranges::sort(granted);
  // A second's worth, and the slots of a tenth of a second that may be used late.
  EXPECT_LE(most_within(granted, 1s), 221u);
  EXPECT_GT(granted.size(), 100u);
}

TEST_F(RateBudget, ARouteHasItsOwnLimitAndOthersGoOn) {
  SharedBudget budget(db(), {.per_second = 200, .per_route = 20, .payout_creation = 10});
  const Instant end = std::chrono::steady_clock::now() + 1500ms;
  std::vector<Instant> payouts;
  std::thread thread([&] { payouts = take_until(budget, end, "POST /v1/payouts"); });
  const auto lists = take_until(budget, end);
  thread.join();
  EXPECT_LE(most_within(lists, 1s), 23u);
  EXPECT_GT(lists.size(), 6u);
  EXPECT_LE(most_within(payouts, 1s), 12u);
  EXPECT_GT(payouts.size(), 3u);
}

TEST_F(RateBudget, A429MakesAllInstancesWait) {
  SharedBudget budget(db(), {.per_second = 100, .per_route = 100});
  EXPECT_FALSE(take_until(budget, std::chrono::steady_clock::now() + 300ms).empty());
  const Instant limited = std::chrono::steady_clock::now();
  budget.limited({.route = kList}, "global-rate", limited);
  const auto after = take_until(budget, limited + 2s);
  ASSERT_FALSE(after.empty());
  EXPECT_GE(after.front() - limited, 150ms);
}

// After a failover, or a clock that was wrong.
TEST_F(RateBudget, ASlotThatIsAnHourAheadStopsNobodyForLong) {
  const auto lease = [&] {
    const auto begins = db().transact([&](pg::Tx& tx) -> Result<std::chrono::microseconds> {
      return rate_budget_store::lease(tx, "", 50ms, 0ms);
    });
    CHECK(begins.ok());
    return *begins;
  };
  EXPECT_LE(lease(), 0ms);
  const auto ahead = db().transact([](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("UPDATE rate_budget SET next_free = clock_timestamp() + interval '1 hour'");
    return {};
  });
  ASSERT_TRUE(ahead.ok());
  const auto first = lease(), second = lease();
  EXPECT_LE(first, 50ms * rate_budget_store::kMostBlocksAhead);
  EXPECT_LE(second, 50ms * rate_budget_store::kMostBlocksAhead);
}

TEST_F(RateBudget, NothingIsGrantedWithoutTheDatabaseAndAllGoesOnWithIt) {
  SharedBudget budget(db(), {.per_second = 100, .per_route = 100});
  EXPECT_FALSE(take_until(budget, std::chrono::steady_clock::now() + 300ms).empty());
  support::server().stop();
  const auto without = take_until(budget, std::chrono::steady_clock::now() + 500ms);
  EXPECT_LE(without.size(), 12u);  // what was leased before
  ASSERT_TRUE(support::server().restart().ok());
  const Instant back = std::chrono::steady_clock::now();
  EXPECT_FALSE(take_until(budget, back + 3s).empty());
}

// Nobody can be given a turn: who asks is told why, and not left to wait for his time limit.
TEST_F(RateBudget, ADatabaseThatTakesNoWritesRefusesUntilItDoesAgain) {
  const auto refuse_writes = [&](const char* sqlstate) {
    (void)db().transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed(fmt::format(
          "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
          " RAISE EXCEPTION 'no' USING ERRCODE = '{}'; END $$;"
          "CREATE OR REPLACE TRIGGER refuses BEFORE INSERT OR UPDATE ON rate_budget"
          " EXECUTE FUNCTION refuse()",
          sqlstate));
      return {};
    });
  };
  refuse_writes("25006");
  SharedBudget budget(db(), {.per_second = 200, .per_route = 200});
  const auto ask = [&] { return budget.take({.route = kList}, std::chrono::steady_clock::now()); };
  const auto refusal = [&] {
    const auto wait = ask();
    return wait.refused ? wait.refused->code : "";
  };
  const auto eventually = [](const auto& holds) {
    for (const Instant end = std::chrono::steady_clock::now() + 60s;
         std::chrono::steady_clock::now() < end;) {
      if (holds()) return true;
      std::this_thread::sleep_for(2ms);
    }
    return false;
  };
  EXPECT_TRUE(eventually([&] { return refusal() == "database_read_only"; }));
  refuse_writes("53100");
  EXPECT_TRUE(eventually([&] { return refusal() == "database_full"; }));
  refuse_writes("55P03");  // passes by itself, and is waited for
  EXPECT_TRUE(eventually([&] { return refusal().empty(); }));
  EXPECT_GT(ask().time.count(), 0);
  (void)db().transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("DROP TRIGGER refuses ON rate_budget");
    return {};
  });
  EXPECT_TRUE(eventually([&] { return ask().time.count() == 0; }));
}

}  // namespace
}  // namespace payoutd::mirror
