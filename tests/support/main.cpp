// The main of every test program that uses a database: one server for the program, started before
// any thread and stopped with it, in a folder that is removed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "support/database.h"

namespace payoutd::support {
namespace {

std::optional<pg::Embedded>& running() {
  static std::optional<pg::Embedded> server;
  return server;
}

constexpr const char* kFolders = "/tmp/payoutd-test-";

// What programs that were killed have left: old, and locked by nobody.
void remove_abandoned() {
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/tmp", ignored)) {
    const std::string path = entry.path();
    if (!path.starts_with(kFolders)) continue;
    const auto age = fs::file_time_type::clock::now() - fs::last_write_time(path, ignored);
    const int fd = ::open((path + "/lock").c_str(), O_RDWR | O_CLOEXEC);
    const bool abandoned =
        fd >= 0 && age > std::chrono::minutes{10} && ::flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (abandoned) fs::remove_all(path, ignored);
    if (fd >= 0) ::close(fd);
  }
}

std::string make_folder() {
  std::string folder = std::string(kFolders) + "XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return {};
  ::chmod(folder.c_str(), 0711);  // the database's user passes through
  return folder;
}

}  // namespace

pg::Embedded& server() { return running().value(); }

int run_with_server() {
  remove_abandoned();
  const std::string folder = make_folder();
  // What tests is what the tables and statements do, not the disk.
  auto started =
      pg::Embedded::start({.data_dir = folder, .max_connections = 200, .durable = false});
  if (!started) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return 1;
  }
  running().emplace(std::move(*started));
  const int failed = RUN_ALL_TESTS();
  running().reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return failed;
}

}  // namespace payoutd::support

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  testing::InitGoogleTest(&argc, argv);
  if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  return payoutd::support::run_with_server();
}
