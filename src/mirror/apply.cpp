#include "mirror/apply.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "mirror/kinds.h"

namespace payoutd::mirror {

std::string_view name_of(Source source) {
  switch (source) {
    case Source::event: return "event";
    case Source::list: return "list";
    case Source::fetch: return "fetch";
  }
  CHECK(false);
}

Appliers Appliers::mirror() {
  Appliers all;
  all.add({"account", "application"}, accounts);
  all.add({"application_fee", "fee_refund"}, application_fees);
  all.add({"balance_transaction"}, balance_transactions);
  all.add({"charge"}, charges);
  all.add({"customer"}, customers);
  all.add({"dispute"}, disputes);
  all.add({"payment_intent"}, payment_intents);
  all.add({"refund"}, refunds);
  all.add({"subscription"}, subscriptions);
  all.add({"transfer"}, transfers);
  return all;
}

void Appliers::add(std::vector<std::string> object_types, Make make) {
  CHECK(!object_types.empty());
  const std::size_t place = makes_.size();
  makes_.push_back({object_types.front(), std::move(make)});
  for (std::string& type : object_types) {
    CHECK(places_.emplace(std::move(type), place).second);
  }
}

std::optional<std::size_t> Appliers::place_of(std::string_view object_type) const {
  const auto found = places_.find(object_type);
  if (found == places_.end()) return std::nullopt;
  return found->second;
}

namespace {

using Batches = std::map<std::string, std::unique_ptr<Batch>>;  // by name: written in that order

// "ch_1: amount is missing"; without an id, the reason alone.
std::string named(const Object& object, const std::string& why) {
  Fields fields(object);
  const auto id = fields.optional_id("id");
  return id ? *id + ": " + why : why;
}

void read_one(const Appliers& appliers, std::size_t index, const Version& version, Parser& parser,
              Batches& batches, Verdict& verdict) {
  CHECK(version.source != Source::event || !version.event_type.empty());
  const auto object = parser.parse(version.object);
  if (!object) {
    verdict = {Outcome::refused, false, object.error().message};
    return;
  }
  const auto place = appliers.place_of(object->type());
  if (!place) return;  // ignored
  const auto& [name, make] = appliers.at(*place);
  auto& batch = batches[name];
  if (!batch) batch = make();
  if (auto added = batch->add(index, version, *object); !added)
    verdict = {Outcome::refused, false, named(*object, added.error().message)};
}

// Each may have brought a balance transaction, which no event tells of by itself.
bool moves_balance(std::string_view event_type) {
  constexpr std::string_view kKinds[] = {"application_fee.", "charge.", "payout.", "refund.",
                                         "transfer."};
  return event_type == "payment_intent.succeeded" ||
         std::ranges::any_of(kKinds,
                             [&](std::string_view kind) { return event_type.starts_with(kind); });
}

// One that is stale here may still be the first to tell of its transaction.
std::vector<Moved> moved_by(std::span<const Version> versions, const Applied& applied) {
  std::set<std::pair<OrgId, std::string_view>> accounts;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const Version& version = versions[i];
    const Outcome outcome = applied.verdicts[i].outcome;
    const bool read = outcome == Outcome::applied || outcome == Outcome::stale;
    if (version.source == Source::event && read && moves_balance(version.event_type))
      accounts.emplace(version.organization, version.account);
  }
  std::vector<Moved> moved;
  for (const auto& [organization, account] : accounts)
    moved.push_back({organization, std::string(account)});
  return moved;
}

void sort_unique(auto& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

}  // namespace

void Applied::take_follow_ups(Applied&& other) {
  std::ranges::move(other.refetch, std::back_inserter(refetch));
  std::ranges::move(other.follow_ups, std::back_inserter(follow_ups));
  std::ranges::move(other.moved, std::back_inserter(moved));
  sort_unique(refetch);
  sort_unique(follow_ups);
  sort_unique(moved);
}

Applied apply(pg::Tx& tx, const Appliers& appliers, std::span<const Version> versions) {
  CHECK(versions.size() <= kMaxVersions);
  Applied applied;
  applied.verdicts.resize(versions.size());
  Batches batches;
  Parser parser;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    read_one(appliers, i, versions[i], parser, batches, applied.verdicts[i]);
  }
  for (const auto& [name, batch] : batches) batch->write(tx, applied);
  applied.moved = moved_by(versions, applied);
  sort_unique(applied.refetch);
  sort_unique(applied.follow_ups);
  return applied;
}

Applied apply_one_by_one(pg::Tx& tx, const Appliers& appliers, std::span<const Version> versions) {
  Applied all;
  Parser parser;
  for (const Version& version : versions) {
    Applied one;
    const auto wrong = tx.attempt([&] {
      try {
        one = apply(tx, appliers, {&version, 1});
      } catch (const Broken& e) {
        throw pg::SqlError(e.what(), "P0001");  // rolls the savepoint back, like any other
      }
    });
    if (wrong) {
      const auto object = parser.parse(version.object);
      CHECK(object.ok());  // apply() has read it
      one = {};
      one.verdicts = {{Outcome::refused, false, named(*object, wrong->what())}};
    }
    all.verdicts.push_back(std::move(one.verdicts.front()));
    std::ranges::move(one.refetch, std::back_inserter(all.refetch));
    std::ranges::move(one.follow_ups, std::back_inserter(all.follow_ups));
    all.created += one.created;
    all.changed += one.changed;
  }
  sort_unique(all.refetch);
  sort_unique(all.follow_ups);
  all.moved = moved_by(versions, all);
  return all;
}

}  // namespace payoutd::mirror
