#include "pg/embedded.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/check.h"
#include "pg/connection.h"
#include "pg/server_folder.h"

namespace payoutd::pg {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kQuitTimeoutMs = 5'000;
constexpr const char* kOwner = "payoutd";

Error failed(const std::string& what, const std::string& log) {
  return Error{Kind::refused, "postgres_failed",
               fmt::format("{}; its log ({}) ends with:\n{}", what, log, tail_of(log))};
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
    encoded += plain ? std::string(1, c)
                     : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return encoded;
}

// Why each: platform measurements of this program's load; the log keeps what people need to repair
// something, not every refused insert, and no values of rows.
std::vector<std::string> server_settings(const ServerFolder& folder,
                                         const Embedded::Options& options, int major) {
  std::vector<std::string> settings{"listen_addresses=",
                                    "port=5432",
                                    "unix_socket_directories=" + folder.sockets,
                                    "unix_socket_permissions=0700",
                                    fmt::format("max_connections={}", options.max_connections),
                                    "jit=off",
                                    "timezone=UTC",
                                    "log_timezone=UTC",
                                    "lc_messages=C",
                                    "logging_collector=off",
                                    "log_destination=stderr",
                                    "log_min_messages=log",
                                    "log_min_error_statement=panic",
                                    "log_error_verbosity=terse",
                                    "log_checkpoints=off",
                                    "cluster_name=payoutd"};
  if (major >= 15) settings.push_back("wal_compression=lz4");
  if (major >= 14) settings.push_back("default_toast_compression=lz4");
  if (options.durable) {
    settings.insert(settings.end(), {"shared_buffers=256MB", "max_wal_size=4GB", "fsync=on",
                                     "synchronous_commit=on", "full_page_writes=on"});
    // After a crash one call instead of one a file.
    if (major >= 14) settings.push_back("recovery_init_sync_method=syncfs");
  } else {
    settings.insert(settings.end(), {"shared_buffers=64MB", "max_wal_size=1GB", "fsync=off",
                                     "synchronous_commit=on", "full_page_writes=off"});
  }
  return settings;
}

bool held_by_dying_backends(const std::string& log) {
  return tail_of(log).find("pre-existing shared memory block") != std::string::npos;
}

}  // namespace

struct Embedded::Server {
  Options options;
  ServerFolder folder;
  ServerPrograms programs;
  pid_t pid = 0;

  Result<void> prepare();
  Result<void> make_cluster();
  Result<void> wait_for_orphan();
  Result<void> launch_server();
  Result<bool> await_ready(Deadline deadline);  // false: once more
  Result<void> make_database();
  void stop();
  std::string url(std::string_view database) const;
};

Result<void> Embedded::Server::prepare() {
  auto opened = open_folder(options.data_dir, options.root_fallback_dir);
  if (!opened) return opened.error();
  folder = std::move(*opened);
  if (folder.instead_of) {
    options.say(fmt::format("user {}, who runs PostgreSQL for root, may not enter {}: using {}",
                            user_name(folder.user.uid), *folder.instead_of, folder.path));
  }
  const auto there = has_cluster(folder);
  if (!there) return there.error();
  auto found = server_programs(cluster_version(folder));
  if (!found) return found.error();
  programs = *found;
  if (*there) return {};
  return make_cluster();
}

Result<void> Embedded::Server::make_cluster() {
  options.say(fmt::format("making a PostgreSQL {} database in {}", programs.major, folder.path));
  const auto making = begin_cluster(folder);
  if (!making) return making.error();
  const std::string log = folder.path + "/initdb.log";
  ::unlink(log.c_str());
  Launch command{
      {programs.bin + "/initdb", "--pgdata=" + *making, fmt::format("--username={}", kOwner),
       "--auth=trust", "--encoding=UTF8", "--lc-collate=C", "--lc-ctype=C.UTF-8", "--lc-messages=C",
       "--data-checksums", "--no-instructions", "--no-sync"},
      folder.user,
      log,
      SIGTERM};
  const auto child = launch(command);
  if (!child) return child.error();
  int status = -1;
  if (!wait_for_exit(*child, options.start_timeout_ms, status)) {
    ::kill(*child, SIGKILL);
    wait_for_exit(*child, kQuitTimeoutMs, status);
    return failed("initdb did not end in time", log);
  }
  if (status != 0) return failed("initdb failed", log);
  return finish_cluster(folder, *making, options.durable);
}

// After a kill -9 of this program its server is told to stop by the kernel, and may still be at it.
Result<void> Embedded::Server::wait_for_orphan() {
  const auto started = steady_clock::now();
  for (;;) {
    const pid_t orphan = live_postmaster(folder);
    if (orphan == 0) return {};
    const auto waited = steady_clock::now() - started;
    if (waited > milliseconds{options.stop_timeout_ms + kQuitTimeoutMs}) {
      return Error{Kind::refused, "data_dir_in_use",
                   fmt::format("a PostgreSQL (process {}) still serves {}; stop it: kill -QUIT {}",
                               orphan, folder.cluster, orphan)};
    }
    if (waited > milliseconds{options.stop_timeout_ms}) ::kill(orphan, SIGQUIT);
    std::this_thread::sleep_for(milliseconds{10});
  }
}

Result<void> Embedded::Server::launch_server() {
  const Deadline deadline = steady_clock::now() + milliseconds{options.start_timeout_ms};
  if (auto free = wait_for_orphan(); !free) return free.error();
  if (auto made = make_sockets(folder); !made) return made.error();
  ::rename(folder.log.c_str(), (folder.log + ".1").c_str());
  for (;;) {
    remove_leftovers(folder);
    Launch command{
        {programs.bin + "/postgres", "-D", folder.cluster}, folder.user, folder.log, SIGINT};
    for (auto& setting : server_settings(folder, options, programs.major)) {
      command.command.insert(command.command.end(), {"-c", std::move(setting)});
    }
    const auto child = launch(command);
    if (!child) return child.error();
    pid = *child;
    const auto ready = await_ready(deadline);
    if (!ready) {
      stop();
      return ready.error();
    }
    if (*ready) return make_database();
    std::this_thread::sleep_for(milliseconds{50});
    ::unlink(folder.log.c_str());
  }
}

Result<bool> Embedded::Server::await_ready(Deadline deadline) {
  for (int status = 0; steady_clock::now() < deadline;) {
    if (wait_for_exit(pid, 0, status)) {
      pid = 0;
      if (held_by_dying_backends(folder.log)) return false;
      return failed("PostgreSQL did not start", folder.log);
    }
    if (postmaster_ready(folder, pid)) return true;
    std::this_thread::sleep_for(milliseconds{2});
  }
  return failed("PostgreSQL did not start in time", folder.log);
}

// initdb's own database takes our name: copying one would cost a quarter of the first start.
Result<void> Embedded::Server::make_database() {
  try {
    const auto admin =
        Connection::open({.url = Secret(url("template1")), .application_name = kOwner},
                         steady_clock::now() + std::chrono::seconds{30});
    const auto found = admin->command("SELECT 1 FROM pg_database WHERE datname = 'payoutd'");
    if (PQntuples(found.get()) == 0) admin->command("ALTER DATABASE postgres RENAME TO payoutd");
    return {};
  } catch (const std::runtime_error& error) {
    stop();
    return failed(fmt::format("can't use the new PostgreSQL: {}", error.what()), folder.log);
  }
}

void Embedded::Server::stop() {
  if (pid == 0) return;
  int status = 0;
  ::kill(pid, SIGINT);
  if (!wait_for_exit(pid, options.stop_timeout_ms, status)) {
    ::kill(pid, SIGQUIT);
    if (!wait_for_exit(pid, kQuitTimeoutMs, status)) {
      ::kill(pid, SIGKILL);
      wait_for_exit(pid, kQuitTimeoutMs, status);
    }
  }
  pid = 0;
  ::rmdir(folder.sockets.c_str());  // fails, rightly, where something is left in it
}

// Nobody else's server is taken for ours: libpq asks the kernel who listens.
std::string Embedded::Server::url(std::string_view database) const {
  std::string url = fmt::format("postgresql://{}@/{}?host={}", kOwner, percent_encoded(database),
                                percent_encoded(folder.sockets));
  if (!folder.user.name.empty()) url += "&requirepeer=" + percent_encoded(folder.user.name);
  return url;
}

Result<Embedded> Embedded::start(Options options) {
  CHECK(!options.data_dir.empty());
  auto server = std::make_unique<Server>();
  server->options = std::move(options);
  if (auto prepared = server->prepare(); !prepared) return prepared.error();
  if (auto running = server->launch_server(); !running) return running.error();
  return Embedded(std::move(server));
}

Embedded::Embedded(std::unique_ptr<Server> server) : server_(std::move(server)) {}
Embedded::Embedded(Embedded&&) noexcept = default;
Embedded& Embedded::operator=(Embedded&& other) noexcept {
  std::swap(server_, other.server_);
  return *this;
}

Embedded::~Embedded() {
  if (server_) server_->stop();
}

Secret Embedded::url(std::string_view database) const { return Secret(server_->url(database)); }
const std::string& Embedded::folder() const { return server_->folder.path; }
pid_t Embedded::pid() const { return server_->pid; }

bool Embedded::running() {
  int status = 0;
  if (server_->pid != 0 && wait_for_exit(server_->pid, 0, status)) server_->pid = 0;
  return server_->pid != 0;
}

void Embedded::stop() { server_->stop(); }

Result<void> Embedded::restart() {
  server_->stop();
  return server_->launch_server();
}

void Embedded::kill() {
  if (server_->pid == 0) return;
  int status = 0;
  ::kill(server_->pid, SIGKILL);
  wait_for_exit(server_->pid, kQuitTimeoutMs, status);
  server_->pid = 0;
}

}  // namespace payoutd::pg
