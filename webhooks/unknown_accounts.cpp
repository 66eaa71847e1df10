#include "webhooks/unknown_accounts.h"

#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "jobs/queue.h"
#include "mirror/mirror_jobs.h"
#include "webhooks/unknown_store.h"

namespace payoutd::webhooks {
namespace {

constexpr int kAdoptedAtOnce = 500;
constexpr int kAskedAtOnce = 100;
constexpr std::string_view kAuthorized = "account.application.authorized";

void enqueue_questions(pg::Tx& tx, const std::set<std::string>& accounts) {
  std::vector<jobs::Job> questions;
  for (const std::string& account : accounts)
    questions.push_back(mirror::find_account_job(account));
  jobs::enqueue(tx, questions);
}

const Error kGoesOn{Kind::retry, "stopping", "goes on when the service runs again"};

Result<std::vector<unknown_store::Owner>> known_by_now(pg::Database& db) {
  return db.transact([](pg::Tx& tx) -> Result<std::vector<unknown_store::Owner>> {
    return unknown_store::known_by_now(tx);
  });
}

Result<void> adopt(const Adopting& in, jobs::Run& run) {
  const auto owners = known_by_now(in.db);
  if (!owners) return owners.error();
  for (const unknown_store::Owner& owner : *owners) {
    std::size_t events = 0;
    for (int moved = kAdoptedAtOnce; moved == kAdoptedAtOnce;) {
      if (run.stopping() || !run.holds_lease()) return kGoesOn;
      const auto done = in.db.transact([&](pg::Tx& tx) -> Result<int> {
        return unknown_store::adopt(tx, owner, in.livemode, kAdoptedAtOnce);
      });
      if (!done) return done.error();
      moved = *done;
      events += static_cast<std::size_t>(moved);
      in.adopted();
    }
    log::info("events of an account that became known are applied",
              {{"account", owner.account}, {"events", events}});
  }
  return in.db.transact([&](pg::Tx& tx) -> Result<void> {
    enqueue_questions(tx, unknown_store::to_be_asked(tx, in.clock.now(), kAskedAtOnce));
    return {};
  });
}

}  // namespace

void ask_for_accounts(pg::Tx& tx, std::span<const Received> events, Time now) {
  std::set<std::string> accounts;
  std::set<std::string> authorized;
  for (const Received& event : events) {
    if (event.disposition != Disposition::unknown_account) continue;
    (event.head.type == kAuthorized ? authorized : accounts).insert(event.head.account);
  }
  if (accounts.empty() && authorized.empty()) return;
  for (const std::string& refused : unknown_store::refused(tx, accounts, now))
    accounts.erase(refused);
  enqueue_questions(tx, accounts);
  for (const std::string& account : authorized) ask_for_connected(tx, account);
}

void ask_for_connected(pg::Tx& tx, const std::string& account) {
  jobs::Job question = mirror::find_account_job(account);
  question.payload["connected"] = true;
  question.unique_key = account + "/connected";
  jobs::enqueue(tx, question);
}

jobs::Handler adopt_handler(Adopting adopting) {
  return {mirror::kAdoptEventsJob,
          [in = std::move(adopting)](jobs::Run& run) { return adopt(in, run); }};
}

}  // namespace payoutd::webhooks
