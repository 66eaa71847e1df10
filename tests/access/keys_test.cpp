#include "access/keys.h"

#include <barrier>
#include <set>
#include <thread>

#include "access/key_text.h"
#include "access/world.h"
#include "base/clock.h"

namespace payoutd::access {
namespace {

using KeysTest = AccessTest;

Time soon() { return SystemClock{}.now() + std::chrono::seconds(1); }

TEST_F(KeysTest, AreFoundByTheirText) {
  const auto known = keys.look_up(key(Role::approver));
  ASSERT_TRUE(known);
  EXPECT_EQ(known->organization, org);
  EXPECT_EQ(known->id, made.at(Role::approver).key.id);
  EXPECT_EQ(known->role, Role::approver);
}

TEST_F(KeysTest, UnknownOnesAreRefused) {
  EXPECT_EQ(keys.look_up(make_key_text()).error().code, "api_key_invalid");
  EXPECT_EQ(keys.look_up(Secret("' OR true --")).error().code, "api_key_invalid");
}

TEST_F(KeysTest, ARevokedOneStopsAtOnceHere) {
  const Secret& text = key(Role::operator_);
  ASSERT_TRUE(keys.look_up(text));
  ASSERT_TRUE(keys.revoke(org, made.at(Role::operator_).key.id, "test"));
  EXPECT_EQ(keys.look_up(text).error().code, "api_key_revoked");
}

TEST_F(KeysTest, ARevokedOneStopsSoonOnOtherInstances) {
  const auto elsewhere = another();
  Keys other_instance(*elsewhere, 50);
  const Secret& text = key(Role::operator_);
  ASSERT_TRUE(other_instance.look_up(text));
  ASSERT_TRUE(keys.revoke(org, made.at(Role::operator_).key.id, "test"));
  EXPECT_TRUE(eventually([&] { return !other_instance.look_up(text); }));
}

TEST_F(KeysTest, OneExpires) {
  const CreatedKey brief = make_key(org, Role::viewer, soon());
  EXPECT_TRUE(keys.look_up(brief.text));
  EXPECT_TRUE(eventually([&] { return !keys.look_up(brief.text); }));
  EXPECT_EQ(keys.look_up(brief.text).error().code, "api_key_expired");
  EXPECT_EQ(keys.create(org, {"late", Role::viewer, "test", from_unix(1)}).error().code,
            "expires_at_past");
}

TEST_F(KeysTest, AreAnOrganizations) {
  EXPECT_EQ(keys.create(OrgId::make(), {"k", Role::viewer, "test"}).error().code,
            "organization_not_found");
}

TEST_F(KeysTest, NamesAreForPeople) {
  for (const std::string& bad : {std::string(), std::string(101, 'a'), std::string("a\nb")}) {
    EXPECT_EQ(keys.create(org, {bad, Role::viewer, "test"}).error().code, "key_name_invalid");
  }
}

TEST_F(KeysTest, UseIsNotedAtMostOnceAMinute) {
  const ApiKeyId id = made.at(Role::viewer).key.id;
  const auto last_used = [&] { return keys.find(org, id)->last_used_at; };
  EXPECT_EQ(last_used(), std::nullopt);
  Keys uncached(db(), 0);
  ASSERT_TRUE(uncached.look_up(key(Role::viewer)));
  const auto first = last_used();
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(uncached.look_up(key(Role::viewer)));
  EXPECT_EQ(last_used(), first);
  sql("UPDATE api_keys SET last_used_at = now() - interval '61 seconds'");
  ASSERT_TRUE(uncached.look_up(key(Role::viewer)));
  EXPECT_GE(*last_used(), *first);
}

TEST_F(KeysTest, ARequestDoesNotCostAWrite) {
  ASSERT_TRUE(keys.look_up(key(Role::viewer)));
  const std::string before = sql("SELECT pg_current_wal_insert_lsn()");
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(keys.look_up(key(Role::viewer)));
  // Room for what the server writes by itself.
  EXPECT_EQ(sql("SELECT pg_current_wal_insert_lsn() - '" + before + "'::pg_lsn < 20000"), "t");
}

TEST_F(KeysTest, BelongToOneOrganization) {
  const ApiKeyId mine = made.at(Role::viewer).key.id;
  EXPECT_EQ(keys.find(other, mine).error().code, "key_not_found");
  EXPECT_EQ(keys.revoke(other, mine, "test").error().code, "key_not_found");
  EXPECT_EQ(keys.list(other, {})->data.size(), 1u);
  EXPECT_TRUE(keys.look_up(key(Role::viewer)));
}

TEST_F(KeysTest, TheLastAdminStays) {
  const ApiKeyId admin = made.at(Role::admin).key.id;
  EXPECT_EQ(keys.revoke(org, admin, "test").error().code, "last_admin_key");
  const CreatedKey second = make_key(org, Role::admin);
  EXPECT_TRUE(keys.revoke(org, admin, "test"));
  EXPECT_TRUE(keys.revoke(org, admin, "again")) << "a revoked key stays revoked";
  EXPECT_EQ(keys.find(org, admin)->revoked_by, "test");
  EXPECT_EQ(keys.revoke(org, second.key.id, "test").error().code, "last_admin_key");
}

TEST_F(KeysTest, TwoAdminsCannotRevokeEachOther) {
  for (int round = 0; round < 10; ++round) {
    const OrgId fresh = ensure_organization(db(), "round " + std::to_string(round))->id;
    const ApiKeyId ids[] = {make_key(fresh, Role::admin).key.id,
                            make_key(fresh, Role::admin).key.id};
    std::barrier start(2);
    std::atomic<int> revoked{0};
    std::vector<std::jthread> threads;
    for (const ApiKeyId id : ids) {
      threads.emplace_back([&, id] {
        start.arrive_and_wait();
        if (keys.revoke(fresh, id, "test")) ++revoked;
      });
    }
    threads.clear();
    EXPECT_EQ(revoked, 1);
  }
}

TEST_F(KeysTest, AreListedNewestFirstInPages) {
  for (int i = 0; i < 20; ++i) make_key(org, Role::viewer);
  std::vector<ApiKeyId> seen;
  http::Page page{.limit = 10};
  for (int pages = 1;; ++pages) {
    const auto answer = keys.list(org, page);
    ASSERT_TRUE(answer);
    for (const ApiKey& key : answer->data) seen.push_back(key.id);
    if (!answer->has_more) {
      EXPECT_EQ(pages, 3);
      break;
    }
    page.cursor = answer->next_cursor;
  }
  EXPECT_EQ(seen.size(), 25u);
  EXPECT_TRUE(std::ranges::is_sorted(seen, std::greater<>{}));
  EXPECT_EQ(keys.list(org, {.limit = 1, .offset = 24, .with_total = true})->total, 25);
  EXPECT_EQ(keys.list(org, {.cursor = "x"}).error().code, "invalid_cursor");
}

TEST(KeyCache, DropsWhatWasReadBeforeAForget) {
  KeyCache cache;
  const KnownKey known{OrgId::make(), ApiKeyId::make(), "k", Role::admin};
  const auto later = KeyCache::Clock::now() + std::chrono::hours(1);
  const auto generation = cache.generation();
  cache.forget(known.id);
  cache.put("hash", known, later, generation);
  EXPECT_EQ(cache.find("hash"), std::nullopt);
  cache.put("hash", known, later, cache.generation());
  EXPECT_TRUE(cache.find("hash").has_value());
}

TEST(KeyCache, StaysSmall) {
  KeyCache cache;
  const auto later = KeyCache::Clock::now() + std::chrono::hours(1);
  for (int i = 0; i < 10'001; ++i) {
    cache.put(std::to_string(i), {OrgId::make(), ApiKeyId::make(), "k", Role::admin}, later, 0);
  }
  EXPECT_EQ(cache.find("0"), std::nullopt);
  EXPECT_TRUE(cache.find("10000").has_value());
}

using OrganizationsTest = AccessTest;

TEST_F(OrganizationsTest, OneIsThePlatforms) {
  EXPECT_EQ(ensure_platform_organization(db(), "renamed")->id, org);
  EXPECT_EQ(ensure_organization(db(), "other")->id, other);
  EXPECT_FALSE(find_organization(db(), other)->is_platform);
  EXPECT_EQ((*platform_organization(db()))->id, org);
  EXPECT_EQ(find_organization(db(), "nobody").error().code, "organization_not_found");
  EXPECT_EQ(ensure_organization(db(), "").error().code, "organization_name_invalid");
}

TEST_F(OrganizationsTest, AreMadeOnceHoweverManyAsk) {
  std::barrier start(8);
  std::mutex mutex;
  std::set<OrgId> ids;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      const OrgId id = ensure_organization(db(), "the same")->id;
      const std::scoped_lock lock(mutex);
      ids.insert(id);
    });
  }
  threads.clear();
  EXPECT_EQ(ids.size(), 1u);
}

}  // namespace
}  // namespace payoutd::access
