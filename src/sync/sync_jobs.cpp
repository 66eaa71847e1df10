#include "sync/sync_jobs.h"

#include "access/connected_accounts.h"
#include "base/check.h"
#include "jobs/queue.h"
#include "mirror/mirror_jobs.h"
#include "payouts/payouts.h"
#include "stripe/pages.h"
#include "sync/find_account.h"
#include "sync/freshness.h"
#include "sync/runs_store.h"

namespace payoutd::sync {

namespace {

constexpr const char* kPurgeRunsJob = "sync.purge_runs";
constexpr const char* kAll = "all";
constexpr std::chrono::minutes kAskAgain{5};

Result<void> run_job(Syncer& syncer, jobs::Run& job) {
  const Json& payload = job.payload();
  Options options{.organization = job.organization(),
                  .asked_by = payload.value("asked_by", "schedule")};
  if (payload.contains("account") && payload["account"].is_string())
    options.account = payload["account"];
  if (payload.contains("run_id")) options.id = RunId::parse(payload["run_id"].get<std::string>());
  options.wait_for_others = kLease + std::chrono::seconds(5);
  options.repair = payload.value("repair", false);
  options.stop = [&job] { return job.stopping() || !job.holds_lease(); };
  const auto runs = syncer.run(options);
  if (job.stopping()) return Error{Kind::retry, "stopping", "goes on when the service runs again"};
  // Another run does the same work: nothing is left to do here.
  if (!runs && runs.error().code == "sync_running") return {};
  if (!runs) return runs.error();
  return {};
}

Result<void> list_payout_transactions(pg::Database& db, stripe::Client& client,
                                      const mirror::Appliers& appliers, jobs::Run& job) {
  const std::string account_id = job.payload().at("account");
  const std::string payout = job.payload().at("payout");
  const auto account = db.read([&](pg::Tx& tx) -> Result<std::optional<access::ConnectedAccount>> {
    return access::find_account(tx, account_id);
  });
  if (!account) return account.error();
  if (!*account || (*account)->organization != job.organization() || !(*account)->active) return {};
  stripe::Pages pages = client.list({.path = "/v1/balance_transactions",
                                     .query = stripe::Form{}.add("payout", payout),
                                     .account = std::string((*account)->stripe_header()),
                                     .priority = stripe::Priority::normal});
  for (const stripe::Page& page : pages) {
    const mirror::PageOwner owner{(*account)->organization, account_id, payout};
    const auto stored = mirror::apply_page(db, appliers, owner, page, [&](pg::Tx& tx) {
      if (page.has_more) return;
      payouts::transactions_were_listed(tx, owner.organization, account_id, payout, page.sent_at);
    });
    if (!stored) return stored.error();
  }
  const auto finished = pages.finished();
  if (finished) return {};
  if (finished.error().code == "payout_reconciliation_not_ready") {
    job.retry_after(kAskAgain);
    return Error{Kind::retry, finished.error().code, finished.error().message};
  }
  if (finished.error().code == "account_invalid") return {};  // the next sync says so
  return finished.error();
}

jobs::Handler purge_handler(pg::Database& db, const Clock& clock) {
  return {kPurgeRunsJob, [&db, &clock](jobs::Run&) -> Result<void> {
            purge_runs(db, clock.now());
            return {};
          }};
}

}  // namespace

std::vector<jobs::Handler> sync_handlers(Syncer& syncer, pg::Database& db, stripe::Client& client,
                                         const mirror::Appliers& appliers) {
  return {{kRunJob, [&syncer](jobs::Run& job) { return run_job(syncer, job); }},
          {mirror::kPayoutTransactionsJob, [&db, &client, &appliers](jobs::Run& job) {
             return list_payout_transactions(db, client, appliers, job);
           }}};
}

jobs::Duties duties(const JobParts& parts) {
  jobs::Duties duties{
      .handlers = {purge_handler(parts.db, parts.clock)},
      .schedules = {
          {.name = "purge records of syncs", .spec = "04:00", .job_kind = kPurgeRunsJob}}};
  if (parts.client == nullptr) return duties;
  CHECK(parts.syncer != nullptr);
  for (auto& handler : sync_handlers(*parts.syncer, parts.db, *parts.client, parts.appliers))
    duties.handlers.push_back(std::move(handler));
  duties.handlers.push_back(
      read_transactions_handler(parts.db, *parts.client, parts.appliers, parts.clock));
  duties.handlers.push_back(
      find_account_handler(parts.db, *parts.client, parts.clock, parts.livemode));
  duties.schedules.push_back({.name = "sync with Stripe",
                              .spec = "02:00",
                              .job_kind = kRunJob,
                              .job_priority = jobs::Priority::sync});
  // The run reads the changes from before the start; the webhooks tell of the rest.
  duties.at_start = [](pg::Tx& tx) { enqueue_run_of_all(tx, "start"); };
  return duties;
}

void enqueue_run(pg::Tx& tx, const RunRecord& run) {
  runs_store::queue(tx, run);
  Json payload{{"run_id", run.id.str()}, {"asked_by", run.asked_by}, {"repair", run.repair}};
  if (run.account) payload["account"] = *run.account;
  jobs::enqueue(tx, {.kind = kRunJob,
                     .organization = run.organization,
                     .payload = std::move(payload),
                     .priority = jobs::Priority::sync});
}

void enqueue_run_of_all(pg::Tx& tx, const std::string& asked_by) {
  jobs::enqueue(tx, {.kind = kRunJob,
                     .payload = {{"asked_by", asked_by}},
                     .priority = jobs::Priority::sync,
                     .unique_key = kAll});
}

}  // namespace payoutd::sync
