// A sync in a process of its own that is killed.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sync/world.h"

namespace payoutd::sync {
namespace {

struct KilledSync : SyncTest {
  // Syncs until it is killed, in a process that has nothing but a database and the simulator's
  // address.
  [[noreturn]] void sync_until_killed() {
    pg::Database database({.url = url()});
    const auto own_client = open_client();
    Syncer syncer(database, *own_client, appliers, clock,
                  {.lister = {.writers = 1, .lanes = 4, .pages_per_commit = 2}});
    const auto ended = syncer.run({});
    ::_exit(ended.ok() ? 0 : 1);
  }
  std::int64_t rows() { return number("SELECT count(*) FROM balance_transactions"); }
};

TEST_F(KilledSync, TheNextRunGoesOnAtThePageWhereItWas) {
  constexpr std::int64_t kBulk = 60'000;
  sim.bulk_balance_transactions(sim.platform(), kBulk);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) sync_until_killed();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (rows() < kBulk / 4 && std::chrono::steady_clock::now() < deadline) {
  }
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "it ended before it was killed";
  const std::int64_t kept = rows();
  EXPECT_GT(number("SELECT count(*) FROM sync_ranges"), 0);

  // Its lease ends by itself; here no time passes.
  number(
      "WITH ended AS (UPDATE sync_leases SET leased_until = now() - interval '1 second' RETURNING "
      "1)"
      " SELECT count(*) FROM ended");
  const auto runs = sync();
  expect_succeeded(runs);
  EXPECT_EQ(mirrored(), simulated());
  EXPECT_EQ(number("SELECT count(*) FROM sync_ranges"), 0);
  std::int64_t read = 0;
  for (const RunRecord& run : runs) {
    for (const StreamRecord& stream : run.streams) {
      if (stream.stream == kBalanceTransactions && stream.account == sim.platform())
        read += stream.counts.rows;
    }
  }
  // No page that was stored is read again, but for those that were under way, and the second round.
  EXPECT_LT(read, rows() - kept + 3'000);
  expect_whole();
}

}  // namespace
}  // namespace payoutd::sync
