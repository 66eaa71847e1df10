// A worker in a process of its own that is killed while it runs a job.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "queue_test_base.h"

namespace payoutd::jobs {
namespace {

using std::chrono::milliseconds;

struct KilledWorker : QueueTest {};

// Runs the one job that waits, tells it through `told`, and never ends.
[[noreturn]] void work_until_killed(const Secret& url, int told) {
  pg::Database database({.url = url});
  const SystemClock clock;
  const auto handler = [told](jobs::Run&) -> Result<void> {
    if (::write(told, "r", 1) != 1) ::_exit(1);
    while (true) ::pause();
  };
  const Worker worker(database, clock, {{"work", handler}},
                      {.poll = milliseconds{20}, .lease = milliseconds{1000}, .name = "doomed"});
  while (true) ::pause();
}

TEST_F(KilledWorker, ItsJobIsTakenOverWhenTheLeaseEnds) {
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) work_until_killed(url(), pipe_fds[1]);
  add({.kind = "work"});
  char byte = 0;
  ASSERT_EQ(::read(pipe_fds[0], &byte, 1), 1);
  // As long as that one lives, it keeps the job, and others leave it alone.
  EXPECT_EQ(text("SELECT leased_by FROM jobs"), "doomed");
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(counts().running, 1);

  std::atomic<int> attempt = 0;
  const SystemClock clock;
  Worker heir(db(), clock,
              {{"work",
                [&](jobs::Run& run) -> Result<void> {
                  attempt = run.attempt();
                  return {};
                }}},
              {.poll = milliseconds{20}, .lease = milliseconds{3000}});
  EXPECT_TRUE(comes_true([&] { return text("SELECT count(*)::text FROM jobs") == "0"; }));
  EXPECT_EQ(attempt, 2);
  EXPECT_EQ(heir.counters().taken_over, 1);
  ::close(pipe_fds[0]);
  ::close(pipe_fds[1]);
}

}  // namespace
}  // namespace payoutd::jobs
