#include "payouts/restored.h"

#include <simdjson.h>

#include <algorithm>

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

// A payout that one of our keys asked for and that could not be written down: the key would pay it
// once more. Other payouts that were refused are left to the sync, which names them.
std::optional<Error> refused_of(const mirror::Applied& applied, const stripe::Page& page,
                                const std::vector<moves_store::Reclaimed>& ours) {
  CHECK(applied.verdicts.size() == page.items.size());
  for (std::size_t i = 0; i < page.items.size(); ++i) {
    if (applied.verdicts[i].outcome != mirror::Outcome::refused) continue;
    const bool is_ours = std::ranges::any_of(
        ours, [&](const auto& one) { return one.stripe_payout_id == page.items[i].id; });
    if (is_ours) {
      return Error{Kind::retry, "payout_not_kept",
                   "Stripe has a payout that was asked for here, and it can't be written down: " +
                       applied.verdicts[i].error};
    }
  }
  return std::nullopt;
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
  CHECK(!lineage->empty() && !account.id().empty());
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
    const std::string id = account.id();
    const auto ours = asked_for(page);
    const auto applied = mirror::apply_page(
        db_, appliers_, {account.organization, id}, page,
        [&](pg::Tx& tx) { moves_store::reclaim(tx, account.organization, id, ours); });
    if (!applied) return applied.error();
    if (auto missing = refused_of(*applied, page, ours)) return *missing;
  }
  if (auto whole = pages.finished(); !whole) return whole;
  log::info("the database is matched with Stripe's payouts", {{"account", account.id()}});
  return {};
}

}  // namespace payoutd::payouts
