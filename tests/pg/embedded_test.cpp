#include "pg/embedded.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "pg/database.h"
#include "pg/server_process.h"

namespace payoutd::pg {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;

struct EmbeddedServer : testing::Test {
  EmbeddedServer() {
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    fs::permissions(folder, fs::perms(0755));
  }
  ~EmbeddedServer() override {
    std::error_code ignored;  // after a failure a server may still be at work there
    fs::remove_all(folder, ignored);
  }

  static void run(const Embedded& server, const std::string& sql) {
    Database db({.url = server.url()});
    auto done = db.transact([&](Tx& tx) -> Result<void> {
      tx.exec_unnamed(sql);
      return {};
    });
    EXPECT_TRUE(done.ok());
  }
  static std::string ask(const Embedded& server, const std::string& sql) {
    Database db({.url = server.url()});
    return *db.read([&](Tx& tx) -> Result<std::string> {
      return tx.exec_unnamed(sql).one().get<std::string>(0);
    });
  }
  static std::string code(const Result<Embedded>& started) {
    return started.ok() ? "started" : started.error().code;
  }

  std::string folder = "/tmp/d-pg-XXXXXX";
};

// Another process of ours; what `work` returns comes back. It may be killed while `work` waits.
class Child {
 public:
  explicit Child(const std::function<std::string()>& work, uid_t user = 0) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      if (user != 0 && (::setgid(user) != 0 || ::setuid(user) != 0)) ::_exit(1);
      const std::string said = work();
      if (::write(ends[1], said.data(), said.size()) < 0) ::_exit(1);
      ::close(ends[1]);
      for (;;) ::pause();
    }
    ::close(ends[1]);
    char bytes[4096];
    for (ssize_t got; (got = ::read(ends[0], bytes, sizeof bytes)) > 0;) {
      said.append(bytes, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
  }
  ~Child() { kill(); }
  void kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  std::string said;

 private:
  pid_t pid_ = 0;
};

TEST_F(EmbeddedServer, KeepsItsDataFromOneStartToTheNext) {
  std::string url;
  {
    auto server = Embedded::start({.data_dir = folder + "/made/on/the/way"});
    ASSERT_TRUE(server.ok()) << server.error().message;
    url = server->url().reveal();
    EXPECT_TRUE(server->running());
    run(*server, "CREATE TABLE kept (v text); INSERT INTO kept VALUES ('it')");
    server->stop();
    EXPECT_FALSE(server->running());
  }
  EXPECT_FALSE(Database({.url = Secret(url)}).alive(200));
  auto again = Embedded::start({.data_dir = folder + "/made/on/the/way/"});
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->url().reveal(), url);
  EXPECT_EQ(ask(*again, "SELECT v FROM kept"), "it");
}

TEST_F(EmbeddedServer, IsDurablePrivateAndUtc) {
  auto server = Embedded::start({.data_dir = folder});
  ASSERT_TRUE(server.ok()) << server.error().message;
  for (const char* setting :
       {"fsync", "synchronous_commit", "full_page_writes", "data_checksums"}) {
    EXPECT_EQ(ask(*server, fmt::format("SELECT current_setting('{}')", setting)), "on") << setting;
  }
  EXPECT_EQ(ask(*server, "SELECT current_setting('listen_addresses')"), "");
  EXPECT_EQ(ask(*server, "SELECT current_setting('TimeZone')"), "UTC");
  EXPECT_EQ(ask(*server, "SELECT lower('ŽÁR') || current_setting('server_encoding')"), "žárUTF8");
  EXPECT_EQ(fs::status(folder + "/run").permissions(), fs::perms(0700));
  EXPECT_EQ(fs::status(folder + "/postgres").permissions(), fs::perms(0700));
}

TEST_F(EmbeddedServer, ASecondInstanceIsToldWhoHoldsTheFolder) {
  auto first = Embedded::start({.data_dir = folder});
  ASSERT_TRUE(first.ok()) << first.error().message;
  auto second = Embedded::start({.data_dir = folder});
  EXPECT_EQ(code(second), "data_dir_in_use");
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
  EXPECT_EQ(ask(*first, "SELECT 'undisturbed'"), "undisturbed");
}

TEST_F(EmbeddedServer, AKilledProgramLeavesNoServerAndLosesNoCommit) {
  Child program([&] {
    static auto server = Embedded::start({.data_dir = folder});
    if (!server) return server.error().message;
    run(*server, "CREATE TABLE kept (v text); INSERT INTO kept VALUES ('it')");
    return std::string("ready");
  });
  ASSERT_EQ(program.said, "ready");
  program.kill();
  auto again = Embedded::start({.data_dir = folder});  // while the orphan is still stopping
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(ask(*again, "SELECT v FROM kept"), "it");
}

TEST_F(EmbeddedServer, RecoversFromItsOwnKillAndFromAStrangersProcessNumber) {
  auto server = Embedded::start({.data_dir = folder});
  ASSERT_TRUE(server.ok()) << server.error().message;
  run(*server, "CREATE TABLE kept (v text); INSERT INTO kept VALUES ('it')");
  server->kill();
  EXPECT_FALSE(server->running());
  // By now the number in postmaster.pid may be somebody else's: ours, for one.
  const std::string file = folder + "/postgres/postmaster.pid";
  std::ifstream in(file);
  std::string rest, first;
  std::getline(in, first);
  std::getline(in, rest, '\0');
  in.close();
  std::ofstream(file) << ::getpid() << "\n" << rest;
  const auto restarted = server->restart();
  ASSERT_TRUE(restarted.ok()) << restarted.error().message;
  EXPECT_EQ(ask(*server, "SELECT v FROM kept"), "it");
}

TEST_F(EmbeddedServer, MakesAnInterruptedClusterAnew) {
  fs::create_directories(folder + "/postgres.making/base");
  std::ofstream(folder + "/postgres.making/PG_VERSION") << "15\n";
  auto server = Embedded::start({.data_dir = folder});
  ASSERT_TRUE(server.ok()) << server.error().message;
  EXPECT_FALSE(fs::exists(folder + "/postgres.making"));
}

TEST_F(EmbeddedServer, TouchesNothingThatItDidNotMake) {
  fs::create_directories(folder + "/postgres");
  std::ofstream(folder + "/postgres/precious") << "data";
  EXPECT_EQ(code(Embedded::start({.data_dir = folder})), "data_dir_not_ours");
  EXPECT_TRUE(fs::exists(folder + "/postgres/precious"));
}

TEST_F(EmbeddedServer, NeedsNoShortPath) {
  const std::string deep = folder + "/" + std::string(90, 'd') + "/a folder, 'quoted'";
  auto server = Embedded::start({.data_dir = deep});
  ASSERT_TRUE(server.ok()) << server.error().message;
  EXPECT_EQ(ask(*server, "SELECT 'here'"), "here");
  EXPECT_EQ(server->folder(), deep);
}

TEST_F(EmbeddedServer, RunsForAUserWhoIsNotRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "the other tests of this program show it";
  fs::create_directories(folder + "/theirs");
  ASSERT_EQ(::chown((folder + "/theirs").c_str(), kNobody, kNobody), 0);
  Child program(
      [&] {
        static auto server = Embedded::start({.data_dir = folder + "/theirs"});
        if (!server) return server.error().message;
        return ask(*server, "SELECT 'as nobody'");
      },
      kNobody);
  EXPECT_EQ(program.said, "as nobody");
  program.kill();
  // Root finds the folder of somebody else, and runs the server as them.
  auto as_root = Embedded::start({.data_dir = folder + "/theirs"});
  ASSERT_TRUE(as_root.ok()) << as_root.error().message;
  EXPECT_EQ(ask(*as_root, "SELECT 'still'"), "still");
  as_root->stop();
}

TEST_F(EmbeddedServer, AFolderOfAnotherUserIsAClearError) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make one";
  Child stranger([&] { return Embedded::start({.data_dir = folder}).error().message; }, kNobody);
  EXPECT_NE(stranger.said.find("belongs to user root"), std::string::npos) << stranger.said;
  EXPECT_NE(stranger.said.find("chown"), std::string::npos) << stranger.said;
}

TEST_F(EmbeddedServer, RootFallsBackWhereTheDatabasesUserMayNotEnter) {
  if (::geteuid() != 0) GTEST_SKIP() << "it is about root";
  fs::create_directories(folder + "/closed");
  fs::permissions(folder + "/closed", fs::perms(0700));
  std::string said;
  auto server = Embedded::start({.data_dir = folder + "/closed/data",
                                 .root_fallback_dir = folder + "/fallback",
                                 .say = [&](const std::string& line) { said += line + "\n"; }});
  ASSERT_TRUE(server.ok()) << server.error().message;
  EXPECT_EQ(server->folder(), folder + "/fallback");
  EXPECT_NE(said.find(folder + "/fallback"), std::string::npos) << said;
  EXPECT_FALSE(fs::exists(folder + "/closed/data"));
  EXPECT_EQ(code(Embedded::start({.data_dir = folder + "/closed/data", .root_fallback_dir = ""})),
            "data_dir_unreachable");
}

TEST(ServerPrograms, ThatAreMissingAreNamedByPackage) {
  const auto found = server_programs(9);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, "postgres_missing");
  EXPECT_NE(found.error().message.find("apt-get install postgresql-9"), std::string::npos);
  EXPECT_TRUE(server_programs(0).ok());
}

}  // namespace
}  // namespace payoutd::pg
