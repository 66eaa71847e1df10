// Two organizations with accounts, versions of objects in a line each, and tables as text to
// compare.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "access/connected_accounts.h"
#include "access/organizations.h"
#include "base/json.h"
#include "mirror/apply.h"
#include "support/database.h"

namespace payoutd::mirror {

inline constexpr std::int64_t kStart = 1'767'225'600;  // 2026-01-01
inline constexpr const char* kAccount = "acct_1MirrorDemo0001";
inline constexpr const char* kOtherAccount = "acct_1MirrorDemo0002";

// The whole of fixtures/stripe/<name>.json.
inline Json fixture(const std::string& name) {
  std::ifstream file(PAYOUTD_SOURCE_DIR "/fixtures/stripe/" + name + ".json");
  return Json::parse(file);
}

inline Json with(Json object, const Json& changes) {
  if (!changes.is_null()) object.update(changes);
  return object;
}

// Versions and the texts that they point to.
class Shelf {
 public:
  explicit Shelf(OrgId organization) : organization_(organization) {}

  Version& add(const Json& object, std::int64_t at, Source source = Source::list,
               std::string account = kAccount) {
    versions_.push_back({.organization = organization_,
                         .account = keep(std::move(account)),
                         .object = keep(object.dump()),
                         .shown_at = from_unix(at),
                         .source = source});
    return versions_.back();
  }
  Version& event(const std::string& type, const Json& object, std::int64_t at,
                 std::string account = kAccount) {
    Version& version = add(object, at, Source::event, std::move(account));
    version.event_type = keep(type);
    version.event_id = keep(fmt::format("evt_{}", versions_.size()));
    return version;
  }
  // An event of the fixtures, on its own account.
  Version& event(const std::string& name) {
    const Json event = fixture(name);
    return this->event(event["type"], event["data"]["object"], event["created"].get<std::int64_t>(),
                       event["account"]);
  }
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  const std::vector<Version>& all() const { return versions_; }

 private:
  OrgId organization_;
  std::deque<std::string> texts_;
  std::vector<Version> versions_;
};

// How the versions of an order are told: in which calls of apply(). Each repeats some.
enum class Telling { alone, in_pairs, at_once };
inline constexpr Telling kTellings[] = {Telling::alone, Telling::in_pairs, Telling::at_once};

inline std::vector<std::vector<Version>> told(const std::vector<Version>& order, Telling telling) {
  std::vector<std::vector<Version>> calls;
  switch (telling) {
    case Telling::alone:  // with one that came before in between
      for (std::size_t i = 0; i < order.size(); ++i) {
        calls.push_back({order[i]});
        calls.push_back({order[i / 2]});
      }
      return calls;
    case Telling::in_pairs:  // each with the one before it
      for (std::size_t i = 1; i < order.size(); ++i) calls.push_back({order[i], order[i - 1]});
      return calls;
    case Telling::at_once:
      calls.push_back(order);
      calls.back().insert(calls.back().end(), order.begin(), order.end());
      return calls;
  }
  CHECK(false);
}

// Calls `check` with the calls of every telling of every permutation; ends at the first failure.
template <class Check>
void for_each_order(const std::vector<Version>& versions, Check&& check) {
  CHECK(versions.size() >= 2 && versions.size() <= 5);
  std::vector<std::size_t> places(versions.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  do {
    std::vector<Version> order;
    for (const std::size_t place : places) order.push_back(versions[place]);
    for (const Telling telling : kTellings) {
      check(told(order, telling));
      if (testing::Test::HasFatalFailure()) return;
    }
  } while (std::next_permutation(places.begin(), places.end()));
}

class MirrorTest : public support::DatabaseTest {
 protected:
  MirrorTest()
      : org(access::ensure_organization(db(), "First")->id),
        other_org(access::ensure_organization(db(), "Second")->id) {
    connect(org, kAccount);
    connect(org, kOtherAccount);
  }

  void connect(OrgId organization, const std::string& account) {
    auto done = db().transact([&](pg::Tx& tx) {
      return access::connect_account(tx, organization,
                                     {.fields = {.stripe_account = account, .name = "Demo"},
                                      .version = {from_unix(kStart - 1000)},
                                      .joined_at = from_unix(kStart - 1000)});
    });
    CHECK(done.ok());
  }

  Applied apply(std::span<const Version> versions) { return apply(db(), versions); }
  Applied apply(pg::Database& on, std::span<const Version> versions) {
    auto applied = on.transact(
        [&](pg::Tx& tx) -> Result<Applied> { return mirror::apply(tx, appliers, versions); });
    CHECK(applied.ok());
    return *applied;
  }
  // Each in a transaction of its own.
  void apply_one_by_one(std::span<const Version> versions) {
    for (const Version& version : versions) apply({&version, 1});
  }

  // The only column of the only row.
  std::string sql(const std::string& statement) {
    auto answer = db().transact([&](pg::Tx& tx) -> Result<std::string> {
      const auto rows = tx.exec_unnamed(statement);
      if (rows.empty() || rows[0].is_null(rows_column_)) return std::string("nothing");
      return rows[0].get<std::string>(0);
    });
    return *answer;
  }
  std::string table(const std::string& name, const std::string& except = "") {
    return sql(
        fmt::format("SELECT coalesce(jsonb_agg(to_jsonb(t) - ARRAY[{}]::text[] ORDER BY "
                    "organization_id, account, stripe_id), '[]')::text AS it FROM {} t",
                    except, name));
  }
  void clear(const std::string& name) {
    sql(fmt::format("DELETE FROM {} RETURNING '' AS it", name));
  }

  Appliers appliers = Appliers::mirror();
  OrgId org, other_org;

 private:
  static constexpr const char* rows_column_ = "it";
};

}  // namespace payoutd::mirror
