// What runs did is not kept for ever.

#include "sync/world.h"

namespace payoutd::sync {
namespace {

struct PurgedRuns : SyncTest {
  PurgedRuns() : SyncTest(sim::Demo::none) {}
  // One a day, `first` to `last` days ago, each with two records; only one of them has finished.
  void runs(OrgId of, int first, int last, int finished) {
    const std::string organization = of.str(), now = to_iso(clock.now());
    execute(fmt::format(
        "INSERT INTO sync_runs (organization_id, id, asked_by, status, queued_at, finished_at)"
        " SELECT '{0}', gen_random_uuid(), 'schedule', 'failed', '{1}'::timestamptz - n * interval "
        "'1 day',"
        " CASE WHEN n = {4} THEN '{1}'::timestamptz END FROM generate_series({2}, {3}) n;"
        "INSERT INTO sync_run_streams (organization_id, run_id, account, stream, kind, status, "
        "finished_at)"
        " SELECT r.organization_id, r.id, 'acct_1', s, 'whole', 'failed', r.queued_at"
        " FROM sync_runs r, unnest(ARRAY['charges', 'account']) s WHERE organization_id = '{0}'",
        organization, now, first, last, finished));
  }
  std::int64_t left(OrgId of, const std::string& what = "sync_runs") {
    return number(
        fmt::format("SELECT count(*) FROM {} WHERE organization_id = '{}'", what, of.str()));
  }
};

TEST_F(PurgedRuns, KeepsAQuarterTheNewestAndTheNewestThatFinished) {
  runs(platform, 0, 199, 1);
  runs(tenant, 200, 229, 229);
  EXPECT_EQ(purge_runs(db(), clock.now()), 3 * (109 + 9));
  EXPECT_EQ(left(platform), 91);
  EXPECT_EQ(left(platform, "sync_run_streams"), 2 * 91);
  EXPECT_EQ(left(tenant), kNewestRuns + 1);
  EXPECT_EQ(number(fmt::format("SELECT count(*) FROM sync_runs WHERE organization_id = '{}'"
                               " AND finished_at IS NOT NULL",
                               tenant.str())),
            1);
  EXPECT_EQ(purge_runs(db(), clock.now()), 0);
}

}  // namespace
}  // namespace payoutd::sync
