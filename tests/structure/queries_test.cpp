#include "support/queries.h"

#include <set>
#include <string_view>

#include "support/database.h"

namespace payoutd {
namespace {

struct Queries : support::DatabaseTest {};

// Found before the tenant is known, work of the whole installation, or an operator's view.
const std::set<std::string_view> kCrossOrganizations{"active_connected_accounts",
                                                     "advance_schedules",
                                                     "api_key_by_hash",
                                                     "bury_jobs",
                                                     "claim_jobs",
                                                     "connected_account_by_stripe_id",
                                                     "database_lineage",
                                                     "dead_jobs",
                                                     "discard_job",
                                                     "event_log_find",
                                                     "event_log_list",
                                                     "extend_leases",
                                                     "finish_job",
                                                     "finish_jobs",
                                                     "forget_firings",
                                                     "give_back_jobs",
                                                     "inbox_backlog",
                                                     "inbox_delayed_take",
                                                     "inbox_ensure_week",
                                                     "inbox_forget_old",
                                                     "inbox_old_weeks",
                                                     "inbox_owners",
                                                     "inbox_platform",
                                                     "inbox_queue_head",
                                                     "inbox_queue_take",
                                                     "inbox_unknown_count",
                                                     "inbox_unknown_forget",
                                                     "inbox_unknown_known",
                                                     "inbox_unknown_to_be_asked",
                                                     "insert_jobs",
                                                     "insert_missing_jobs",
                                                     "insert_organization",
                                                     "instruction_in_review",
                                                     "instructions_in_review",
                                                     "instructions_unsettled",
                                                     "job_backlog",
                                                     "jobs_held_under",
                                                     "lock_connected_accounts",
                                                     "lock_due_schedules",
                                                     "lock_organization",
                                                     "lock_organizations",
                                                     "organization_by_id",
                                                     "organization_by_name",
                                                     "organizations",
                                                     "platform_organization",
                                                     "promote_jobs",
                                                     "purge_idempotency_keys",
                                                     "rate_budget_lease",
                                                     "record_firings",
                                                     "refused_accounts_add",
                                                     "refused_accounts_find",
                                                     "refused_accounts_forget",
                                                     "refused_accounts_of",
                                                     "revive_job",
                                                     "sync_extend_leases",
                                                     "sync_purge_run_streams",
                                                     "sync_purge_runs",
                                                     "sync_standing",
                                                     "sync_standing_differences",
                                                     "take_over_jobs",
                                                     "unresolved_instructions"};

// The whole program is linked in here, so these are all of its statements.
TEST_F(Queries, OfTheWholeProgramArePreparedAndBindTheOrganization) {
  EXPECT_GT(pg::Query::all().size(), 80u);
  ASSERT_TRUE(
      db().transact([](pg::Tx& tx) -> Result<void> {
            tx.exec_unnamed(
                "SELECT inbox_ensure_week(current_date)");  // a table without parts has no plan
            return {};
          })
          .ok());
  for (const std::string& fault : support::faults_of_queries(url())) ADD_FAILURE() << fault;
}

// So that a new one is seen.
TEST(QueriesAcrossOrganizations, AreTheseAndNoOthers) {
  std::set<std::string_view> found;
  for (const pg::Query* query : pg::Query::all()) {
    if (query->tenancy == pg::Tenancy::global) found.insert(query->name);
  }
  EXPECT_EQ(found, kCrossOrganizations);
}

}  // namespace
}  // namespace payoutd
