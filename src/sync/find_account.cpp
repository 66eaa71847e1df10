#include "sync/find_account.h"

#include <algorithm>

#include "access/connected_accounts.h"
#include "access/organizations.h"
#include "base/log.h"
#include "mirror/mirror_jobs.h"
#include "sync/discovery.h"
#include "sync/find_account_store.h"
#include "sync/sync_jobs.h"

namespace payoutd::sync {

namespace {

constexpr const char* kPlatform = "Platform";
constexpr const char* kAskedBy = "event";

struct Finding {
  pg::Database& db;
  stripe::Client& client;
  const Clock& clock;
  const bool livemode;
  const OrgId platform;
  const std::string account;  // empty: the key's own
  const bool connected;       // it says that it connected, whatever Stripe said before
  bool own() const { return account.empty(); }
};

bool is_known(pg::Tx& tx, const Finding& finding) {
  if (!finding.own()) {
    const auto found = access::find_account(tx, finding.account);
    return found && found->active;
  }
  return std::ranges::any_of(access::accounts_of(tx, finding.platform),
                             &access::ConnectedAccount::is_platform);
}

// Whether Stripe is to be asked: nobody knows it, and Stripe has not refused it a short time ago.
Result<bool> is_a_question(const Finding& finding) {
  return finding.db.transact([&](pg::Tx& tx) -> Result<bool> {
    if (is_known(tx, finding)) {
      // Its event came while it was being connected.
      mirror::enqueue_adoption(tx);
      return false;
    }
    return finding.connected ||
           !find_account_store::is_refused(tx, finding.account, finding.clock.now());
  });
}

Result<void> remember_refusal(const Finding& finding, const std::string& why) {
  log::warn("Stripe does not show the account that an event names; its events are kept",
            {{"account", finding.account}, {"why", why}});
  return finding.db.transact([&](pg::Tx& tx) -> Result<void> {
    find_account_store::refuse(tx, finding.account, why, finding.clock.now());
    return {};
  });
}

// A run of its own reads the account's lists. The key's own account is the first that a new
// installation knows; the others are found with it.
void enqueue_reading(pg::Tx& tx, const Finding& finding) {
  if (finding.own()) return enqueue_run_of_all(tx, kAskedBy);
  const auto account = access::find_account(tx, finding.account);
  CHECK(account.has_value());
  RunRecord run{.organization = account->organization, .id = RunId::make(), .asked_by = kAskedBy};
  run.account = finding.account;
  run.status = "queued";
  run.queued_at = finding.clock.now();
  enqueue_run(tx, run);
}

bool is_the_one(const Finding& finding, std::string_view object) {
  if (finding.own()) return true;
  const auto account = parse_json(object);
  return account && account->is_object() && account->value("id", Json()) == finding.account;
}

Result<void> take(const Finding& finding, const stripe::Response& response) {
  if (!is_the_one(finding, response.body)) {
    return remember_refusal(finding, "Stripe answered with another object");
  }
  const auto taken = finding.db.transact([&](pg::Tx& tx) -> Result<void> {
    const auto joined = take_account(tx, finding.platform,
                                     {.object = response.body,
                                      .at = response.sent_at,
                                      .livemode = finding.livemode,
                                      .is_platform = finding.own()});
    if (!joined) return joined.error();
    find_account_store::forget(tx, finding.account);
    mirror::enqueue_adoption(tx);
    enqueue_reading(tx, finding);
    return {};
  });
  if (taken || taken.error().kind == Kind::retry) return taken;
  return remember_refusal(finding, taken.error().message);
}

Result<void> find(const Finding& finding) {
  const auto question = is_a_question(finding);
  if (!question) return question.error();
  if (!*question) return {};
  if (!finding.own() && !access::looks_like_account(finding.account))
    return remember_refusal(finding, "this is no acct_…");
  const std::string path =
      finding.own() ? "/v1/account" : stripe::v1_path({"accounts", finding.account});
  const auto answer =
      finding.client.call(stripe::Request::get(path).with(stripe::Priority::normal));
  if (answer) return take(finding, *answer);
  if (answer.error().kind == Kind::retry) return answer.error();
  return remember_refusal(finding, trouble_with(path, answer.error()));
}

}  // namespace

jobs::Handler find_account_handler(pg::Database& db, stripe::Client& client, const Clock& clock,
                                   bool livemode) {
  const auto run = [&db, &client, &clock, livemode](jobs::Run& job) -> Result<void> {
    const auto platform = access::ensure_platform_organization(db, kPlatform);
    if (!platform) return platform.error();
    return find({db, client, clock, livemode, platform->id, job.payload().at("account"),
                 job.payload().value("connected", false)});
  };
  return {mirror::kFindAccountJob, run};
}

}  // namespace payoutd::sync
