#include "jobs/schedules.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "queue_test_base.h"

namespace payoutd::jobs {
namespace {

const Schedule kNightly{.name = "nightly sync",
                        .repeats = Repeats::daily,
                        .spec = "02:00",
                        .job_kind = "work",
                        .job_priority = Priority::sync,
                        .job_payload = {{"full", true}}};

struct Schedules : QueueTest {
  template <class F>
  auto in_tx_result(F&& body) {
    auto done = db().transact(body);
    if (!done) throw std::runtime_error(done.error().message);
    return std::move(*done);
  }
  StoredSchedule ensure(const Schedule& schedule, Time now = kMorning) {
    return in_tx_result([&](pg::Tx& tx) { return ensure_schedule(tx, schedule, now); });
  }
  std::size_t fire(Time now) {
    return in_tx_result([&](pg::Tx& tx) { return fire_due(tx, now); });
  }
};

Time at(const char* text) { return *parse_time(text); }

TEST_F(Schedules, EnsuredTwiceThereIsOne) {
  const auto first = ensure(kNightly);
  EXPECT_EQ(first.next_fire_at, at("2026-03-03T02:00:00Z"));
  const auto again = ensure(kNightly, kMorning + std::chrono::hours{100});
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.next_fire_at, first.next_fire_at);
  EXPECT_EQ(again.job_payload, kNightly.job_payload);
}

TEST_F(Schedules, EnsuredWithAnotherDefinitionItChanges) {
  ensure(kNightly);
  Schedule later = kNightly;
  later.spec = "04:30";
  later.time_zone = "Europe/Berlin";
  EXPECT_EQ(ensure(later).next_fire_at, at("2026-03-03T03:30:00Z"));
}

TEST_F(Schedules, WhatAPersonDisabledStaysDisabled) {
  const auto stored = ensure(kNightly);
  in_tx_result(
      [&](pg::Tx& tx) { return change_schedule(tx, stored.id, kNightly, false, kMorning); });
  Schedule later = kNightly;
  later.spec = "04:30";
  EXPECT_FALSE(ensure(later).enabled);
  EXPECT_EQ(fire(kMorning + std::chrono::hours{48}), 0u);
}

TEST_F(Schedules, SeveralInstancesMayEnsureTheSameAtOnce) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { ensure(kNightly); });
  threads.clear();
  EXPECT_EQ(text("SELECT count(*)::text FROM schedules"), "1");
}

TEST_F(Schedules, AreRefusedWithTheFieldThatIsWrong) {
  const auto refusal = [&](Schedule schedule) {
    return db()
        .transact([&](pg::Tx& tx) { return create_schedule(tx, schedule, kMorning); })
        .error();
  };
  Schedule bad = kNightly;
  bad.spec = "25:00";
  EXPECT_EQ(refusal(bad).param, "spec");
  bad = kNightly;
  bad.time_zone = "Mars";
  EXPECT_EQ(refusal(bad).param, "time_zone");
  bad = kNightly;
  bad.name = "";
  EXPECT_EQ(refusal(bad).param, "name");
  bad = kNightly;
  bad.job_payload = Json::array();
  EXPECT_EQ(refusal(bad).param, "payload");
}

TEST_F(Schedules, ANameIsTakenOncePerOrganization) {
  Schedule theirs = kNightly;
  theirs.organization = OrgId::make();
  const auto create = [&](const Schedule& schedule) {
    return db().transact([&](pg::Tx& tx) { return create_schedule(tx, schedule, kMorning); });
  };
  ASSERT_TRUE(create(kNightly));
  ASSERT_TRUE(create(theirs));
  EXPECT_EQ(create(kNightly).error().code, "schedule_exists");
  Schedule other = theirs;
  other.name = "other";
  const auto stored = create(other);
  ASSERT_TRUE(stored);
  const auto renamed = db().transact(
      [&](pg::Tx& tx) { return change_schedule(tx, stored->id, theirs, true, kMorning); });
  EXPECT_EQ(renamed.error().code, "schedule_exists");
}

TEST_F(Schedules, OfAnotherOrganizationAreNotThere) {
  Schedule ours = kNightly;
  ours.organization = OrgId::make();
  const auto stored = ensure(ours);
  const OrgId stranger = OrgId::make();
  Schedule stolen = ours;
  stolen.organization = stranger;
  const auto found =
      db().transact([&](pg::Tx& tx) { return find_schedule(tx, stranger, stored.id); });
  EXPECT_EQ(found.error().kind, Kind::missing);
  const auto removed =
      db().transact([&](pg::Tx& tx) { return remove_schedule(tx, stranger, stored.id); });
  EXPECT_EQ(removed.error().kind, Kind::missing);
  const auto changed = db().transact(
      [&](pg::Tx& tx) { return change_schedule(tx, stored.id, stolen, true, kMorning); });
  EXPECT_EQ(changed.error().kind, Kind::missing);
  const auto listed = [&](OrgId org) {
    return in_tx([&](pg::Tx& tx) { return list_schedules(tx, org, "", 10).size(); });
  };
  EXPECT_EQ(listed(stranger), 0u);
  EXPECT_EQ(listed(*ours.organization), 1u);
  EXPECT_TRUE(
      db().transact([&](pg::Tx& tx) { return remove_schedule(tx, ours.organization, stored.id); }));
}

TEST_F(Schedules, FireWhenDueWithTheirTimeInTheJob) {
  ensure(kNightly);
  EXPECT_EQ(fire(at("2026-03-03T01:59:59Z")), 0u);
  EXPECT_EQ(fire(at("2026-03-03T02:00:00Z")), 1u);
  EXPECT_EQ(fire(at("2026-03-03T02:00:00Z")), 0u);
  const Claimed job = take(1).at(0);
  EXPECT_EQ(job.priority, Priority::sync);
  EXPECT_EQ(
      *parse_json(job.payload),
      Json({{"full", true}, {"fire_at", "2026-03-03T02:00:00Z"}, {"schedule", "nightly sync"}}));
}

TEST_F(Schedules, FireOnceWithFourInstancesLooking) {
  for (int i = 0; i < 20; ++i) {
    Schedule schedule = kNightly;
    schedule.name = "s" + std::to_string(i);
    schedule.repeats = Repeats::interval;
    schedule.spec = "1h";
    ensure(schedule);
  }
  std::atomic<std::size_t> fired = 0;
  for (int hour = 1; hour <= 5; ++hour) {
    std::latch start(4);
    std::vector<std::jthread> instances;
    for (int i = 0; i < 4; ++i) {
      instances.emplace_back([&, now = kMorning + std::chrono::hours{hour}] {
        start.arrive_and_wait();
        for (int look = 0; look < 3; ++look) fired += fire(now);
      });
    }
    instances.clear();
    EXPECT_EQ(fired, 20u * static_cast<std::size_t>(hour));
    EXPECT_EQ(take(100).size(), 20u);
  }
  EXPECT_EQ(text("SELECT count(*)::text FROM schedule_firings"), "100");
}

TEST_F(Schedules, MissedOnesFireOnceAndGoOnFromNow) {
  ensure(kNightly);
  EXPECT_EQ(fire(at("2026-03-08T12:00:00Z")), 1u);
  EXPECT_EQ(fire(at("2026-03-08T12:00:00Z")), 0u);
  EXPECT_EQ(text("SELECT (next_fire_at = '2026-03-09T02:00:00Z')::text FROM schedules"), "true");
}

TEST_F(Schedules, AClockThatJumpsTenYearsFiresOnce) {
  Schedule every_minute = kNightly;
  every_minute.repeats = Repeats::cron;
  every_minute.spec = "* * * * *";
  ensure(every_minute);
  EXPECT_EQ(fire(kMorning + date::days{3650}), 1u);
  EXPECT_EQ(take(10).size(), 1u);
}

TEST_F(Schedules, AClockThatIsSetBackFiresNothingTwice) {
  ensure(kNightly);
  EXPECT_EQ(fire(at("2026-03-05T02:00:00Z")), 1u);
  EXPECT_EQ(fire(at("2026-03-03T02:00:00Z")), 0u);
  // Even if the row is set back, too: the firing stands.
  in_tx([](pg::Tx& tx) { tx.exec_unnamed("UPDATE schedules SET next_fire_at = last_fired_at"); });
  EXPECT_EQ(fire(at("2026-03-03T02:00:00Z")), 0u);
  EXPECT_EQ(text("SELECT (next_fire_at = '2026-03-04T02:00:00Z')::text FROM schedules"), "true");
}

TEST_F(Schedules, WhileAFiringsJobWaitsTheNextFiringAddsNone) {
  ensure(kNightly);
  EXPECT_EQ(fire(at("2026-03-03T02:00:00Z")), 1u);
  EXPECT_EQ(fire(at("2026-03-04T02:00:00Z")), 1u);
  EXPECT_EQ(take(10).size(), 1u);
  EXPECT_EQ(fire(at("2026-03-05T02:00:00Z")), 1u);  // the first one runs
  EXPECT_EQ(take(10).size(), 1u);
}

TEST_F(Schedules, OneThatCannotGoOnIsDisabledAndStopsNoOther) {
  ensure(kNightly);
  Schedule doomed = kNightly;
  doomed.name = "doomed";
  ensure(doomed);
  in_tx([](pg::Tx& tx) {
    tx.exec_unnamed("UPDATE schedules SET time_zone = 'Gone' WHERE name = 'doomed'");
  });
  EXPECT_EQ(fire(at("2026-03-03T02:00:00Z")), 2u);
  EXPECT_EQ(fire(at("2026-03-04T02:00:00Z")), 1u);
  EXPECT_EQ(text("SELECT enabled || left(last_error, 6) FROM schedules WHERE name = 'doomed'"),
            "false`Gone`");
  EXPECT_TRUE(ensure(doomed).enabled);  // mended
}

TEST_F(Schedules, AreFiredByAWorkerWhenTheBusinessClockMoves) {
  ensure(kNightly);
  ManualClock clock(kMorning);
  std::atomic<int> ran = 0;
  Worker worker(db(), clock,
                {{"work",
                  [&](jobs::Run& run) -> Result<void> {
                    EXPECT_EQ(run.payload().at("fire_at"), "2026-03-03T02:00:00Z");
                    ++ran;
                    return {};
                  }}},
                {.poll = std::chrono::hours{1}});
  clock.advance(std::chrono::hours{24});
  worker.wake();
  EXPECT_TRUE(comes_true([&] { return ran == 1; }));
  EXPECT_EQ(worker.counters().fired, 1);
}

}  // namespace
}  // namespace payoutd::jobs
