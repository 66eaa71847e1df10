#include "pg/server_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/check.h"

namespace payoutd::pg {
namespace {

namespace fs = std::filesystem;

constexpr int kExitNotStarted = 125;

// Everything the child needs, made before fork.
struct Prepared {
  std::vector<char*> argv;
  std::vector<char*> envp;
  int output = -1;
  int nothing = -1;
  pid_t parent = 0;
};

bool become(const ServerUser& user) {
  if (!user.drop) return true;
  return ::setgroups(1, &user.gid) == 0 && ::setgid(user.gid) == 0 && ::setuid(user.uid) == 0;
}

void reset_signals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 32; ++signal) ::sigaction(signal, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(const Launch& launch, const Prepared& prepared) {
  reset_signals();
  ::setsid();
  ::umask(077);
  ::dup2(prepared.nothing, STDIN_FILENO);
  ::dup2(prepared.output, STDOUT_FILENO);
  ::dup2(prepared.output, STDERR_FILENO);
  ::close_range(3, ~0U, 0);
  if (!become(launch.user) || ::chdir("/") != 0) ::_exit(kExitNotStarted);
  // After setuid, which clears it. A parent that is gone already sends nothing more.
  ::prctl(PR_SET_PDEATHSIG, launch.death_signal);
  if (::getppid() != prepared.parent) ::_exit(kExitNotStarted);
  ::execve(prepared.argv[0], prepared.argv.data(), prepared.envp.data());
  ::_exit(kExitNotStarted);
}

std::vector<int> installed_versions() {
  std::vector<int> versions;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const std::string name = entry.path().filename();
    int version = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
    if (error == std::errc{} && end == name.data() + name.size()) versions.push_back(version);
  }
  std::sort(versions.rbegin(), versions.rend());
  return versions;
}

bool complete(const std::string& bin) {
  return ::access((bin + "/postgres").c_str(), X_OK) == 0 &&
         ::access((bin + "/initdb").c_str(), X_OK) == 0;
}

std::string first_line_of(const char* command) {
  std::string line(512, '\0');
  FILE* pipe = ::popen(command, "re");
  if (pipe == nullptr) return {};
  const bool read = std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr;
  ::pclose(pipe);
  return read ? line.substr(0, line.find_first_of(std::string_view("\n\0", 2))) : std::string{};
}

// "PostgreSQL 15.20 (Debian …)" is 15.
int major_of(std::string_view version) {
  const auto digit = version.find_first_of("0123456789");
  int major = 0;
  if (digit != std::string_view::npos) {
    std::from_chars(version.data() + digit, version.data() + version.size(), major);
  }
  return major;
}

std::string name_or_nothing(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry != nullptr ? std::string(entry->pw_name) : std::string{};
}

}  // namespace

std::string user_name(uid_t uid) {
  const std::string name = name_or_nothing(uid);
  return name.empty() ? fmt::format("number {}", uid) : name;
}

ServerUser server_user(const std::string& cluster) {
  const uid_t self = ::geteuid();
  if (self != 0) return {self, ::getegid(), name_or_nothing(self), false};
  struct stat found = {};
  const passwd* entry = nullptr;
  if (::stat(cluster.c_str(), &found) == 0 && found.st_uid != 0) {
    entry = ::getpwuid(found.st_uid);
    if (entry == nullptr) return {found.st_uid, found.st_gid, {}, true};
  }
  if (entry == nullptr) entry = ::getpwnam("postgres");
  if (entry == nullptr) entry = ::getpwnam("nobody");
  CHECK(entry != nullptr);
  return {entry->pw_uid, entry->pw_gid, entry->pw_name, true};
}

bool may_enter(const ServerUser& user, const std::string& folder) {
  const char* path = folder.c_str();
  if (!user.drop) return ::access(path, X_OK) == 0;
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(become(user) && ::access(path, X_OK) == 0 ? 0 : 1);
  int status = 1;
  return pid > 0 && ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

Result<pid_t> launch(const Launch& launch) {
  std::vector<std::string> environment{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"};
  Prepared prepared;
  for (const auto& word : launch.command) prepared.argv.push_back(const_cast<char*>(word.c_str()));
  for (const auto& word : environment) prepared.envp.push_back(const_cast<char*>(word.c_str()));
  prepared.argv.push_back(nullptr);
  prepared.envp.push_back(nullptr);
  prepared.parent = ::getpid();
  prepared.nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  prepared.output = ::open(launch.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_t pid = -1;
  if (prepared.nothing >= 0 && prepared.output >= 0) pid = ::fork();
  if (pid == 0) run_child(launch, prepared);
  const int error = errno;
  ::close(prepared.nothing);
  ::close(prepared.output);
  if (pid > 0) return pid;
  return Error{Kind::refused, "postgres_failed",
               fmt::format("can't start {}: {}", launch.command[0], std::strerror(error))};
}

bool wait_for_exit(pid_t pid, int timeout_ms, int& status) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{timeout_ms};
  for (;;) {
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid || (ended < 0 && errno == ECHILD)) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
}

std::string tail_of(const std::string& log, std::size_t bytes) {
  std::ifstream in(log, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const auto size = static_cast<std::size_t>(in.tellg());
  const std::size_t from = size > bytes ? size - bytes : 0;
  in.seekg(static_cast<std::streamoff>(from));
  return {std::istreambuf_iterator<char>(in), {}};
}

Result<ServerPrograms> server_programs(int major) {
  for (const int version : installed_versions()) {
    const std::string bin = fmt::format("/usr/lib/postgresql/{}/bin", version);
    if ((major == 0 || major == version) && complete(bin)) return ServerPrograms{bin, version};
  }
  const std::string bin = first_line_of("pg_config --bindir 2>/dev/null");
  if (!bin.empty() && complete(bin)) {
    const int version = major_of(first_line_of("pg_config --version 2>/dev/null"));
    if (major == 0 || major == version) return ServerPrograms{bin, version};
  }
  const std::string package = major == 0 ? "postgresql" : fmt::format("postgresql-{}", major);
  return Error{Kind::refused, "postgres_missing",
               fmt::format("no PostgreSQL server is installed{}: run `apt-get install {}`, or set "
                           "DATABASE_URL",
                           major == 0 ? "" : fmt::format(" that reads a version {} folder", major),
                           package)};
}

}  // namespace payoutd::pg
