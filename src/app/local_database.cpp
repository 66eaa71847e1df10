#include "app/local_database.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "app/signals.h"
#include "base/log.h"
#include "pg/database.h"

namespace payoutd::app {
namespace {

constexpr const char* kNote = "/database.url";
constexpr std::chrono::milliseconds kLook{500};
constexpr const char* kRootFolder = "/var/lib/payoutd";

// The database of a service that runs on this folder, or nothing.
std::optional<Secret> running_in(const std::string& folder) {
  std::ifstream in(folder + kNote);
  std::string text;
  if (!std::getline(in, text) || text.empty()) return std::nullopt;
  const Secret url(text);
  pg::Database probe({.url = url, .max_connections = 1, .wait_ms = 1000});
  if (!probe.alive(1000)) return std::nullopt;
  return url;
}

// Holds no password: the socket's folder lets only this user in.
Result<void> write_note(const std::string& path, const Secret& url) {
  const std::string draft = path + ".draft";
  {
    std::ofstream out(draft, std::ios::trunc);
    ::chmod(draft.c_str(), 0600);
    out << url.reveal() << "\n";
    if (!out.flush()) {
      return Error{Kind::refused, "data_dir_not_writable", "can't write " + draft};
    }
  }
  std::error_code failed;
  std::filesystem::rename(draft, path, failed);
  if (failed) return Error{Kind::refused, "data_dir_not_writable", "can't write " + path};
  return {};
}

}  // namespace

Result<LocalDatabase> LocalDatabase::open(const Config& config, Use use, Say say) {
  if (config.database_url) {
    if (auto readable = pg::check_url(*config.database_url); !readable) return readable.error();
    return LocalDatabase(*config.database_url, config.data_dir);
  }
  if (use == Use::share) {
    for (const std::string& folder : {config.data_dir, std::string(kRootFolder)}) {
      if (auto url = running_in(folder)) return LocalDatabase(*url, folder);
      if (::geteuid() != 0) break;
    }
  }
  auto server = pg::Embedded::start({.data_dir = config.data_dir, .say = std::move(say)});
  if (!server) return server.error();
  LocalDatabase database(server->url(), server->folder());
  if (use == Use::own) {
    const std::string note = server->folder() + kNote;
    if (auto written = write_note(note, database.url_); !written) return written.error();
    database.note_ = note;
  }
  database.server_ = std::move(*server);
  return database;
}

Result<void> LocalDatabase::stand_by() {
  int failed = 0;
  while (wait_for_stop(kLook) == 0) {
    if (!server_ || server_->running()) continue;
    log::error("the embedded PostgreSQL has ended by itself; starting it again",
               {{"folder", folder_}});
    const auto again = server_->restart();
    if (again) {
      failed = 0;
      log::info("the embedded PostgreSQL runs again");
    } else if (++failed == kMostTries) {
      return again.error();
    } else {
      log::warn("it did not start", {{"error", again.error().message}});
    }
  }
  return {};
}

LocalDatabase::~LocalDatabase() {
  if (server_ && !note_.empty()) ::unlink(note_.c_str());
}

}  // namespace payoutd::app
