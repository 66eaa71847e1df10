// Stripe's official Node SDK drives the simulator over HTTP: tests/sdk holds what must be true.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "stripe/sim/sim.h"

extern char** environ;

namespace payoutd::sim {
namespace {

const std::string kFolder = PAYOUTD_SOURCE_DIR "/tests/sdk";

// Runs `node main.mjs` in tests/sdk with `settings` in its environment. Returns its exit status, or
// -1 where there is no node.
int run_node(const std::vector<std::string>& settings, const std::string& output) {
  std::vector<char*> environment;
  for (const auto& setting : settings) environment.push_back(const_cast<char*>(setting.c_str()));
  for (char** inherited = environ; *inherited != nullptr; ++inherited) environment.push_back(*inherited);
  environment.push_back(nullptr);
  const std::string script = kFolder + "/main.mjs";
  char* arguments[] = {const_cast<char*>("node"), const_cast<char*>(script.c_str()), nullptr};

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = 0;
  const int spawned = posix_spawnp(&pid, "node", &files, nullptr, arguments, environment.data());
  posix_spawn_file_actions_destroy(&files);
  if (spawned != 0) return -1;
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

TEST(Sdk, CanNotTellTheSimulatorFromStripe) {
  if (!std::filesystem::exists(kFolder + "/node_modules/stripe")) {
    GTEST_SKIP() << "run `npm ci` in tests/sdk first, as scripts/test does";
  }
  MovableClock clock;
  Sim sim(clock, Options{.port = 0});
  ASSERT_TRUE(sim.start());
  const std::string output = testing::TempDir() + "sdk_test_" + std::to_string(getpid()) + ".txt";
  const int status = run_node({"STRIPE_API_BASE=" + sim.url(),
                               "STRIPE_SECRET_KEY=" + sim.api_key().reveal()}, output);
  std::ifstream file(output);
  const std::string said(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(status, 0) << said;
  EXPECT_NE(said.find("# pass"), std::string::npos) << said;
  std::filesystem::remove(output);
}

}  // namespace
}  // namespace payoutd::sim
