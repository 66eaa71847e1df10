#include "access/idempotency.h"

#include <barrier>
#include <semaphore>
#include <thread>

#include "access/world.h"
#include "base/check.h"

namespace payoutd::access {
namespace {

// A route that counts how often it ran and answers what it is told.
class IdempotencyTest : public AccessTest {
 protected:
  http::Route work(bool for_ever = false) {
    return {.method = "POST",
            .pattern = "/api/orders/:id",
            .access = "write",
            .handler = [this](http::Context& context) { return run(context); },
            .docs = {"works", "work", Json::array({{{"name", "a"}, {"in", "query"}}})},
            .keeps_keys_for_ever = for_ever};
  }

  http::Reply run(http::Context& context) {
    const int nth = ++ran;
    if (const IdempotentRun* run = idempotent_run(context.request)) {
      const std::scoped_lock lock(mutex);
      runs.push_back(*run);
    }
    if (during) during();
    return http::Reply::json(status, Json{{"run", nth}})
        .with("Location", "/api/orders/" + std::to_string(nth))
        .with("Set-Cookie", "a=b");
  }

  Answer ask(const std::string& id_key, const std::string& body = "{}",
             const std::string& target = "/api/orders/7") {
    return post(target, key(Role::operator_), body, {{"Idempotency-Key", id_key}});
  }

  // As if the process had died while it ran: its row stays, its lease has ended.
  void end_leases() {
    sql("UPDATE idempotency_keys SET lease_until = now() - interval '1 second'");
  }

  std::atomic<int> ran{0};
  std::atomic<int> status{201};
  std::function<void()> during;
  std::mutex mutex;
  std::vector<IdempotentRun> runs;
};

TEST_F(IdempotencyTest, TheSameRequestIsAnsweredAgainAndDoneOnce) {
  serve({work()});
  const Answer first = ask("k1");
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(first.header("idempotent-replayed"), "");
  const Answer second = ask("k1");
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(second.header("idempotent-replayed"), "true");
  EXPECT_EQ(second.header("location"), "/api/orders/1");
  EXPECT_EQ(second.header("content-type"), first.header("content-type"));
  EXPECT_EQ(second.header("set-cookie"), "");
  EXPECT_NE(second.header("x-request-id"), first.header("x-request-id"));
  EXPECT_EQ(ask("k1", "{}", "/orders/7").header("idempotent-replayed"), "true");
  EXPECT_EQ(ran, 1);
}

TEST_F(IdempotencyTest, WithoutAKeyEachRequestRuns) {
  serve({work()});
  post("/api/orders/7", key(Role::operator_), "{}");
  post("/api/orders/7", key(Role::operator_), "{}");
  EXPECT_EQ(ran, 2);
  EXPECT_TRUE(runs.empty());
}

TEST_F(IdempotencyTest, AKeyIsForOneRequest) {
  serve({work()});
  ASSERT_EQ(ask("k1").status, 201);
  for (const Answer& other_request :
       {ask("k1", "{ }"), ask("k1", "{}", "/api/orders/8"), ask("k1", "{}", "/api/orders/7?a=b"),
        post("/api/may/write", key(Role::operator_), "{}", {{"Idempotency-Key", "k1"}})}) {
    EXPECT_EQ(other_request.status, 422);
    EXPECT_EQ(other_request.code(), "idempotency_key_reused");
    EXPECT_TRUE(other_request.body.contains("POST /api/orders/:id"));
  }
  EXPECT_EQ(ran, 1);
}

TEST_F(IdempotencyTest, OrganizationsDoNotShareKeys) {
  serve({work()});
  ASSERT_EQ(ask("k1").status, 201);
  const Answer theirs = post("/api/orders/8", other_admin, "{}", {{"Idempotency-Key", "k1"}});
  EXPECT_EQ(theirs.status, 201);
  EXPECT_EQ(theirs.header("idempotent-replayed"), "");
  EXPECT_EQ(ran, 2);
}

TEST_F(IdempotencyTest, AnUnreadableKeyIs400) {
  serve({work()});
  EXPECT_EQ(ask(std::string(256, 'a')).code(), "idempotency_key_invalid");
  EXPECT_EQ(ask("caf\xC3\xA9").status, 400);
  EXPECT_EQ(ran, 0);
}

TEST_F(IdempotencyTest, OfEightAtOnceOneRuns) {
  std::binary_semaphore finish{0};
  during = [&] { finish.acquire(); };
  serve({work()}, 16);
  std::atomic<int> in_use{0};
  std::atomic<int> created{0};
  std::vector<std::jthread> threads;
  std::barrier start(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      const Answer answer = ask("k1");
      if (answer.status == 201) ++created;
      if (answer.status != 409) return;
      ++in_use;
      EXPECT_EQ(answer.code(), "idempotency_key_in_use");
      EXPECT_GE(std::stoi(answer.header("retry-after")), 1);
    });
  }
  EXPECT_TRUE(eventually([&] { return in_use == 7; }));
  finish.release();
  threads.clear();
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(created, 1);
}

TEST_F(IdempotencyTest, EightAtOnceOnTwoInstancesRunOnceEach) {
  serve({work()}, 16);
  const auto elsewhere = another();
  Idempotency second(*elsewhere);
  for (int round = 0; round < 20; ++round) {
    ran = 0;
    std::barrier start(8);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        http::Request request;
        request.method = "POST";
        request.params["id"] = "7";
        set_principal(request, {org, ApiKeyId::make(), Role::admin, "test"});
        request.headers = {{"idempotency-key", "round " + std::to_string(round)}};
        http::Context context(request);
        const http::Route route = work();
        start.arrive_and_wait();
        const http::Reply reply =
            (i % 2 == 0 ? idempotency : second).run(context, route, route.handler);
        EXPECT_TRUE(reply.status == 201 || reply.status == 409) << reply.body;
      });
    }
    threads.clear();
    EXPECT_EQ(ran, 1);
  }
}

TEST_F(IdempotencyTest, ARefusalFreesTheKey) {
  serve({work()});
  status = 422;
  EXPECT_EQ(ask("k1").status, 422);
  EXPECT_EQ(sql("SELECT count(*) FROM idempotency_keys"), "0");
  status = 201;
  EXPECT_EQ(ask("k1", R"({"corrected": true})").status, 201);
  EXPECT_FALSE(runs.at(1).resumed);
}

TEST_F(IdempotencyTest, AFailureIsResumedAtOnceUnderTheSameId) {
  serve({work()});
  status = 502;
  EXPECT_EQ(ask("k1").status, 502);
  during = [] { CHECK(false); };
  EXPECT_EQ(ask("k1").status, 500);
  EXPECT_EQ(ask("k1", "{ }").status, 422) << "what was begun is not something else now";
  during = nullptr;
  status = 201;
  EXPECT_EQ(ask("k1").status, 201);
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_FALSE(runs[0].resumed);
  EXPECT_TRUE(runs[1].resumed);
  EXPECT_TRUE(runs[2].resumed);
  EXPECT_EQ(runs[0].id, runs[2].id);
  EXPECT_EQ(ask("k1").header("idempotent-replayed"), "true");
  EXPECT_EQ(ran, 3);
}

// What a claim does whose commit got no answer: it looks, and finds itself.
TEST_F(IdempotencyTest, AClaimMadeTwiceIsOne) {
  const KeyClaim wanted{org,        "k1",      std::string(32, 'f'), "POST /api/work", false,
                        Uuid::v7(), Uuid::v7()};
  const auto claim = [&](const KeyClaim& claim) {
    return *db().transact([&](pg::Tx& tx) -> Result<std::optional<ClaimAnswer>> {
      return idempotency_store::claim(tx, claim, 30'000);
    });
  };
  for (int times = 0; times < 2; ++times) {
    const auto answer = claim(wanted);
    ASSERT_TRUE(std::holds_alternative<ClaimedKey>(*answer));
    EXPECT_FALSE(std::get<ClaimedKey>(*answer).resumed);
  }
  KeyClaim another_run = wanted;
  another_run.run = Uuid::v7();
  EXPECT_TRUE(std::holds_alternative<KeyInUse>(*claim(another_run)));
}

TEST_F(IdempotencyTest, AnAbandonedRequestIsTakenOverWhenItsLeaseHasEnded) {
  serve({work()});
  status = 500;
  ASSERT_EQ(ask("k1").status, 500);
  status = 201;
  sql("UPDATE idempotency_keys SET lease_until = now() + interval '20 seconds'");
  const Answer early = ask("k1");
  EXPECT_EQ(early.status, 409);
  EXPECT_GE(std::stoi(early.header("retry-after")), 15);
  EXPECT_LE(std::stoi(early.header("retry-after")), 20);
  end_leases();
  EXPECT_EQ(ask("k1").status, 201);
  EXPECT_TRUE(runs.back().resumed);
  EXPECT_EQ(runs.back().id, runs.front().id);
}

TEST_F(IdempotencyTest, WhoeverLostTheLeaseDoesNotOverwriteTheAnswer) {
  std::binary_semaphore finish{0};
  std::atomic<bool> slow{true};
  during = [&] {
    if (slow.exchange(false)) finish.acquire();
  };
  serve({work()});
  Answer late;
  std::jthread first([&] { late = ask("k1"); });
  ASSERT_TRUE(eventually([&] { return ran == 1; }));
  end_leases();
  const Answer second = ask("k1");
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(second.json().at("run"), 2);
  finish.release();
  first.join();
  EXPECT_EQ(late.status, 409) << "asked again, it gets the answer that counts";
  EXPECT_EQ(ask("k1").body, second.body);
}

TEST_F(IdempotencyTest, ALongRequestKeepsItsLease) {
  Idempotency impatient(db(), {.lease_ms = 300});
  const http::Route route = work();
  http::Request request;
  request.method = "POST";
  request.params["id"] = "7";
  request.headers = {{"idempotency-key", "k1"}};
  set_principal(request, {org, ApiKeyId::make(), Role::admin, "test"});
  const auto lease = [&] { return sql("SELECT lease_until FROM idempotency_keys"); };
  during = [&] {
    for (int renewals = 0; renewals < 4; ++renewals) {
      const std::string seen = lease();
      EXPECT_TRUE(eventually([&] { return lease() != seen; }));
    }
  };
  http::Context context(request);
  EXPECT_EQ(impatient.run(context, route, route.handler).status, 201);
  EXPECT_EQ(sql("SELECT state || runs FROM idempotency_keys"), "done1");
}

TEST_F(IdempotencyTest, ADatabaseLostAtTheEndIs503AndThenResumes) {
  serve({work()});
  // Not kill(): the tests' server does not flush, so a crash takes back what it had confirmed.
  during = [] { support::server().stop(); };
  const Answer lost = ask("k1");
  EXPECT_EQ(lost.status, 503);
  EXPECT_EQ(lost.code(), "outcome_unknown");
  EXPECT_NE(lost.header("retry-after"), "");
  during = nullptr;
  ASSERT_TRUE(support::server().restart());
  // Well before the lease would have ended by itself.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kLeaseMs / 2);
  Answer again;
  EXPECT_TRUE(eventually([&] { return (again = ask("k1")).status == 201; })) << again.body;
  EXPECT_LT(std::chrono::steady_clock::now(), deadline);
  EXPECT_EQ(ran, 2);
  EXPECT_TRUE(runs.back().resumed);
  EXPECT_EQ(runs.front().id, runs.back().id);
}

TEST_F(IdempotencyTest, OldKeysAreForgottenButNotThoseOfPayouts) {
  http::Route payouts = work(true);
  payouts.pattern = "/api/payouts/:id";
  serve({work(), payouts});
  ASSERT_EQ(ask("old").status, 201);
  ASSERT_EQ(ask("payout", "{}", "/api/payouts/7").status, 201);
  status = 500;
  ASSERT_EQ(ask("abandoned").status, 500);
  status = 201;
  sql("UPDATE idempotency_keys SET created_at = now() - interval '31 days'");
  ASSERT_EQ(ask("young").status, 201);
  EXPECT_EQ(idempotency.purge(), 2);
  EXPECT_EQ(sql("SELECT string_agg(key, ' ' ORDER BY key) FROM idempotency_keys"), "payout young");
}

TEST_F(IdempotencyTest, LargeAnswersAreKeptToo) {
  http::Route large = work();
  large.handler = [](http::Context&) {
    return http::Reply::json(200, Json(std::string(1'000'000, 'x')));
  };
  serve({large});
  const Answer first = ask("k1");
  EXPECT_EQ(first.body.size(), 1'000'002u);
  EXPECT_EQ(ask("k1").body, first.body);
}

TEST_F(IdempotencyTest, ManyDifferentKeysAtOnceAllRun) {
  serve({work()}, 16);
  std::vector<std::jthread> threads;
  std::atomic<int> created{0};
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 25; ++i) {
        const std::string name = std::to_string(thread) + "/" + std::to_string(i);
        if (ask(name).status == 201) ++created;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(created, 200);
  EXPECT_EQ(sql("SELECT count(*) FROM idempotency_keys WHERE state = 'done'"), "200");
}

}  // namespace
}  // namespace payoutd::access
