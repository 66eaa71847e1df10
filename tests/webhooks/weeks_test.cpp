// The inbox's partitions.
#include "webhooks/world.h"

#include <barrier>
#include <thread>

namespace payoutd::webhooks {
namespace {

struct Weeks : WebhookTest {};

TEST_F(Weeks, AreMadeOnceByTwoThatNeedThemAtTheSameTime) {
  constexpr int kWeeks = 25;
  std::barrier start(2);
  const auto make_all = [&] {
    for (int week = 0; week < kWeeks; ++week) {
      const Time day = from_unix(kNow) + std::chrono::days{7 * week};
      start.arrive_and_wait();
      EXPECT_NO_THROW((void)db().transact([&](pg::Tx& tx) -> Result<void> {
        InboxStore::ensure_week(tx, day);
        return {};
      }));
    }
  };
  {
    const std::jthread first(make_all);
    const std::jthread second(make_all);
  }
  EXPECT_EQ(count("pg_inherits WHERE inhparent = 'inbox'::regclass"), kWeeks);
}

}  // namespace
}  // namespace payoutd::webhooks
