// How the program ends: in bounded time whatever Stripe does, with 0, and without losing money.
#include "world.h"

namespace payoutd::app {
namespace {

// Twenty seconds are promised; the rest is for a slow machine.
constexpr std::chrono::seconds kEndsWithin{30};

struct Stop : ProgramTest {
  Wall wall;

  void expect_ends() {
    program->signal(SIGTERM);
    const auto code = program->ended(kEndsWithin);
    ASSERT_TRUE(code.has_value()) << "it still runs\n" << program->said();
    EXPECT_EQ(*code, 0) << program->said();
  }
};

TEST_F(Stop, WithNothingToDo) {
  serve(sim.url());
  EXPECT_TRUE(eventually([&] { return is_ready(); }));
  expect_ends();
  EXPECT_FALSE(http::Client(port).connected());
}

TEST_F(Stop, WhileStripeHangsLeavesThePayoutToTheNextStart) {
  serve(wall.url());
  auto payer = paying("k1");
  ASSERT_TRUE(eventually([&] { return wall.hanging == 1; })) << program->said();
  expect_ends();
  EXPECT_FALSE(program->says("cut off")) << program->said();
  const http::Answered answered = payer.read();
  EXPECT_EQ(answered.status, 201) << answered.body;
  EXPECT_EQ(Json::parse(answered.body).at("status"), "processing");
  EXPECT_EQ(sql("SELECT state FROM instructions"), "unknown");
  expect_paid_once_by_a_new_start();
}

TEST_F(Stop, WhileStripeSaysTooManyLeavesThePayoutToTheNextStart) {
  wall.payouts_are_limited = true;
  serve(wall.url());
  auto payer = paying("k1");
  ASSERT_TRUE(eventually([&] { return wall.limited > 0; })) << program->said();
  expect_ends();
  EXPECT_FALSE(program->says("cut off")) << program->said();
  EXPECT_EQ(sql("SELECT count(*)::text FROM payouts"), "1");
  expect_paid_once_by_a_new_start();
}

// A job that sends again waits in the client's repeats.
TEST_F(Stop, WhileStripeRefusesConnections) {
  wall.payouts_are_limited = true;
  serve(wall.url());
  auto payer = paying("k1");
  EXPECT_EQ(payer.read(kPatienceMs).status, 201);
  program->signal(SIGKILL);
  ASSERT_TRUE(program->ended(kEndsWithin).has_value());
  sql("UPDATE jobs SET run_at = now() WHERE kind = 'payouts.resolve'");
  serve("http://127.0.0.1:9");
  ASSERT_TRUE(eventually([&] { return program->says("will call Stripe again"); }))
      << program->said();
  expect_ends();
  EXPECT_FALSE(program->says("cut off")) << program->said();
  expect_paid_once_by_a_new_start();
}

TEST_F(Stop, OfASyncAtTheShell) {
  program = std::make_unique<Program>(std::vector<std::string>{"sync"},
                                      environment("http://127.0.0.1:9"));
  ASSERT_TRUE(eventually([&] { return program->says("will call Stripe again"); }))
      << program->said();
  program->signal(SIGTERM);
  EXPECT_EQ(program->ended(kEndsWithin), 1) << program->said();
  EXPECT_FALSE(program->says("cut off")) << program->said();
}

TEST_F(Stop, AtASecondSignalIsAtOnce) {
  serve(wall.url());
  auto payer = paying("k1");
  ASSERT_TRUE(eventually([&] { return wall.hanging == 1; })) << program->said();
  program->signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return program->says("stopping"); })) << program->said();
  expect_ends();
  EXPECT_TRUE(program->says("asked again to stop")) << program->said();
  EXPECT_EQ(sql("SELECT state FROM instructions"), "sending");
}

TEST_F(Stop, ByAKillLosesNoEventAndNoPayout) {
  serve(wall.url());
  auto payer = paying("k1");
  ASSERT_TRUE(eventually([&] { return wall.hanging == 1; })) << program->said();
  std::atomic<int> acknowledged = 0;
  std::vector<std::vector<std::string>> kept(4);
  std::vector<std::jthread> senders;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    senders.emplace_back([&, i] {
      for (int n = 0; n < 100'000; ++n) {
        const std::string id = fmt::format("evt_{}_{}", i, n);
        if (deliver(id).status != 200) return;
        kept[i].push_back(id);
        ++acknowledged;
      }
    });
  }
  ASSERT_TRUE(eventually([&] { return acknowledged > 200; })) << program->said();
  program->signal(SIGKILL);
  senders.clear();
  ASSERT_EQ(program->ended(kEndsWithin), -SIGKILL);
  for (const auto& events : kept) {
    for (const std::string& id : events) {
      EXPECT_EQ(sql("SELECT count(*)::text FROM inbox WHERE event_id = '" + id + "'"), "1") << id;
    }
  }
  EXPECT_EQ(sql("SELECT state FROM instructions"), "sending");
  // As if the time had passed in which the killed one might still be sending.
  sql("UPDATE instructions SET first_sent_at = first_sent_at - interval '5 minutes',"
      " last_sent_at = last_sent_at - interval '5 minutes'");
  expect_paid_once_by_a_new_start();
  EXPECT_EQ(deliver(kept[0].front()).status, 200) << "and is known";
  EXPECT_EQ(sql("SELECT count(*)::text FROM inbox WHERE event_id = '" + kept[0].front() + "'"),
            "1");
}

}  // namespace
}  // namespace payoutd::app
