#include "payouts/restored.h"

#include <simdjson.h>

#include "base/log.h"
#include "mirror/mirror_jobs.h"
#include "payouts/look_rules.h"
#include "payouts/moves_store.h"
#include "rails/instructions_store.h"
#include "stripe/metadata_keys.h"
#include "stripe/pages.h"

namespace payoutd::payouts {
namespace {

using namespace std::chrono_literals;

std::vector<moves_store::Reclaimed> asked_for(const stripe::Page& page) {
  std::vector<moves_store::Reclaimed> found;
  const auto pointer = std::string("/metadata/") + stripe::kRequestKey;
  for (const stripe::Item& item : page.items) {
    std::string_view key;
    if (item.object.at_pointer(pointer).get(key) == simdjson::SUCCESS && !key.empty()) {
      found.push_back({std::string(item.id), std::string(key)});
    }
  }
  return found;
}

}  // namespace

Restored::Matched& Restored::of(const std::string& account) {
  const std::scoped_lock lock(mutex_);
  return accounts_[account];
}

bool Restored::is_matched(const Matched& matched, const std::string& lineage) {
  const std::scoped_lock lock(mutex_);
  return matched.lineage == lineage;
}

bool Restored::is_matched(pg::Tx& tx, const access::ConnectedAccount& account) {
  return is_matched(of(account.id()), rails::instructions_store::lineage(tx));
}

Result<void> Restored::match(const access::ConnectedAccount& account) {
  Matched& matched = of(account.id());
  const std::scoped_lock lock(matched.listing);
  const auto lineage = db_.transact(
      [](pg::Tx& tx) -> Result<std::string> { return rails::instructions_store::lineage(tx); });
  if (!lineage) return lineage.error();
  if (is_matched(matched, *lineage)) return {};
  if (auto listed = list(account); !listed) return listed;
  const std::scoped_lock known(mutex_);
  matched.lineage = *lineage;
  return {};
}

Result<void> Restored::list(const access::ConnectedAccount& account) {
  const auto since = db_.transact([&](pg::Tx& tx) -> Result<OptionalTime> {
    return rails::instructions_store::horizon(tx, account.organization, account.id());
  });
  if (!since) return since.error();
  stripe::Form query;
  if (*since) query.add("created[gte]", to_unix(**since - kClocksDiffer));
  stripe::Pages pages = client_.list({.path = "/v1/payouts",
                                      .query = std::move(query),
                                      .account = std::string(account.stripe_header()),
                                      .priority = stripe::Priority::money,
                                      .retries = stripe::Retries::money()});
  for (const stripe::Page& page : pages) {
    const auto applied = db_.transact([&](pg::Tx& tx) -> Result<void> {
      std::vector<mirror::Version> versions;
      for (const stripe::Item& item : page.items) {
        versions.push_back({.organization = account.organization,
                            .account = account.id(),
                            .object = item.raw,
                            .shown_at = page.sent_at});
      }
      const auto applied = mirror::apply(tx, appliers_, versions);
      moves_store::reclaim(tx, account.organization, account.id(), asked_for(page));
      mirror::enqueue_follow_ups(tx, applied);
      return {};
    });
    if (!applied) return applied;
  }
  if (auto whole = pages.finished(); !whole) return whole;
  log::info("the database is matched with Stripe's payouts", {{"account", account.id()}});
  return {};
}

}  // namespace payoutd::payouts
