#include "pg/server_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

namespace payoutd::pg {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestSocket = 107;
constexpr const char* kSocketName = "/.s.PGSQL.5432";
constexpr const char* kMarker = "/payoutd.ready";
constexpr const char* kOtherFolder = "give another folder (--data-dir or PAYOUTD_DATA_DIR)";

Error folder_error(const char* code, std::string message) {
  return Error{Kind::refused, code, std::move(message)};
}

std::string reason() { return std::strerror(errno); }

bool exists(const std::string& path) {
  struct stat found = {};
  return ::lstat(path.c_str(), &found) == 0;
}

uid_t owner_of(const std::string& path) {
  struct stat found = {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_uid : 0;
}

std::string first_that_exists(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  return path;
}

bool sync_folder(const std::string& path, int (*sync)(int)) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && sync(fd) == 0;
  if (fd >= 0) ::close(fd);
  return synced;
}

// Parents as usual; the folder itself closed to others. As root it may be passed through, since the
// database's user has to reach its cluster in it.
Result<void> make_folder(const std::string& path) {
  std::error_code error;
  const bool there = exists(path);
  fs::create_directories(path, error);
  if (error) {
    return folder_error("data_dir_unreachable", fmt::format("can't make the data folder {}: {}; {}",
                                                            path, error.message(), kOtherFolder));
  }
  if (!there) ::chmod(path.c_str(), ::geteuid() == 0 ? 0711 : 0700);
  if (::access(path.c_str(), R_OK | W_OK | X_OK) == 0) return {};
  return folder_error(
      "data_dir_not_ours",
      fmt::format("the data folder {} belongs to user {} and {} can't write to it; {}, or make it "
                  "yours: sudo chown -R {} {}",
                  path, user_name(owner_of(path)), user_name(::geteuid()), kOtherFolder,
                  user_name(::geteuid()), path));
}

// Without a slash at its end.
std::string cleaned(const std::string& path) {
  std::string whole = fs::absolute(path).lexically_normal();
  while (whole.size() > 1 && whole.back() == '/') whole.pop_back();
  return whole;
}

bool reachable(const ServerFolder& folder) {
  return may_enter(folder.user, first_that_exists(folder.path));
}

Error nobody_may_enter(const ServerFolder& folder) {
  return folder_error(
      "data_dir_unreachable",
      fmt::format("PostgreSQL can't run as root, and user {} may not enter {}; {} that everyone "
                  "may pass through, with all folders above it (chmod o+x)",
                  user_name(folder.user.uid), folder.path, kOtherFolder));
}

std::string line_of(const std::string& file, int number) {
  std::ifstream in(file);
  std::string line;
  for (int i = 0; i < number; ++i) {
    if (!std::getline(in, line)) return {};
  }
  return line;
}

std::string socket_folder(const std::string& folder) {
  const std::string beside = folder + "/run";
  const bool plain = beside.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") ==
                     std::string::npos;
  if (plain && beside.size() + std::strlen(kSocketName) <= kLongestSocket) return beside;
  return fmt::format("/tmp/payoutd-{:016x}", std::hash<std::string>{}(folder));
}

}  // namespace

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FolderLock> FolderLock::take(const std::string& folder) {
  const std::string path = folder + "/lock";
  FolderLock lock;
  lock.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock.fd_ < 0) {
    return folder_error("data_dir_not_ours",
                        fmt::format("can't open {}, which belongs to user {}: {}; {}", path,
                                    user_name(owner_of(path)), reason(), kOtherFolder));
  }
  if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    const std::string holder = line_of(path, 1);
    const std::string name = line_of("/proc/" + holder + "/comm", 1);
    return folder_error("data_dir_in_use",
                        fmt::format("the data folder {} is in use by process {} ({}); stop that, "
                                    "or {}",
                                    folder, holder, name.empty() ? "unknown" : name, kOtherFolder));
  }
  // Root was here once: the folder's owner can still take it.
  if (::geteuid() == 0 && ::fchown(lock.fd_, owner_of(folder), static_cast<gid_t>(-1)) != 0) {
    return folder_error("data_dir_unreachable", fmt::format("can't keep {}: {}", path, reason()));
  }
  const std::string holder = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock.fd_, 0) != 0 ||
      ::pwrite(lock.fd_, holder.data(), holder.size(), 0) != static_cast<ssize_t>(holder.size())) {
    return folder_error("data_dir_unreachable", fmt::format("can't write {}: {}", path, reason()));
  }
  return lock;
}

Result<ServerFolder> open_folder(const std::string& wanted, const std::string& fallback) {
  ServerFolder folder;
  folder.path = cleaned(wanted);
  folder.user = server_user(folder.path + "/postgres");
  if (folder.user.drop && !reachable(folder)) {
    const std::string other = fallback.empty() ? folder.path : cleaned(fallback);
    if (other == folder.path) return nobody_may_enter(folder);
    folder.instead_of = std::exchange(folder.path, other);
    folder.user = server_user(folder.path + "/postgres");
    if (!reachable(folder)) return nobody_may_enter(folder);
  }
  if (auto made = make_folder(folder.path); !made) return made.error();
  if (folder.user.drop && !reachable(folder)) return nobody_may_enter(folder);  // a strict umask
  folder.cluster = folder.path + "/postgres";
  folder.log = folder.path + "/postgres.log";
  folder.sockets = socket_folder(folder.path);
  auto lock = FolderLock::take(folder.path);
  if (!lock) return lock.error();
  folder.lock = std::move(*lock);
  return folder;
}

Result<bool> has_cluster(const ServerFolder& folder) {
  if (!exists(folder.cluster)) return false;
  if (owner_of(folder.cluster) != folder.user.uid) {
    return folder_error(
        "data_dir_not_ours",
        fmt::format("the database in {} belongs to user {}; run as that user (or "
                    "as root), or {}",
                    folder.cluster, user_name(owner_of(folder.cluster)), kOtherFolder));
  }
  if (exists(folder.cluster + kMarker)) return true;
  return folder_error(
      "data_dir_not_ours",
      fmt::format("{} is there and was not made by payoutd; {}", folder.cluster, kOtherFolder));
}

Result<std::string> begin_cluster(const ServerFolder& folder) {
  const std::string making = folder.cluster + ".making";
  std::error_code error;
  fs::remove_all(making, error);
  if (::mkdir(making.c_str(), 0700) != 0 ||
      (folder.user.drop && ::chown(making.c_str(), folder.user.uid, folder.user.gid) != 0)) {
    return folder_error("data_dir_unreachable", fmt::format("can't make {}: {}", making, reason()));
  }
  return making;
}

Result<void> finish_cluster(const ServerFolder& folder, const std::string& made, bool durable) {
  const std::string marker = made + kMarker;
  const int fd = ::open(marker.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  bool done = fd >= 0 && ::fchown(fd, folder.user.uid, folder.user.gid) == 0;
  if (fd >= 0) ::close(fd);
  // The file system at once is several times faster than initdb's thousand files one by one.
  if (durable) done = done && sync_folder(made, ::syncfs);
  done = done && ::rename(made.c_str(), folder.cluster.c_str()) == 0;
  if (durable) done = done && sync_folder(folder.path, ::fsync);
  if (done) return {};
  return folder_error("data_dir_unreachable",
                      fmt::format("can't make {}: {}", folder.cluster, reason()));
}

int cluster_version(const ServerFolder& folder) {
  const std::string version = line_of(folder.cluster + "/PG_VERSION", 1);
  return version.empty() ? 0 : std::atoi(version.c_str());
}

pid_t live_postmaster(const ServerFolder& folder) {
  const pid_t pid = std::atoi(line_of(folder.cluster + "/postmaster.pid", 1).c_str());
  if (pid <= 1) return 0;
  std::error_code error;
  const fs::path working_in = fs::read_symlink(fmt::format("/proc/{}/cwd", pid), error);
  return !error && working_in == fs::path(folder.cluster) ? pid : 0;
}

bool postmaster_ready(const ServerFolder& folder, pid_t pid) {
  const std::string file = folder.cluster + "/postmaster.pid";
  return std::atoi(line_of(file, 1).c_str()) == pid && line_of(file, 8).starts_with("ready");
}

void remove_leftovers(const ServerFolder& folder) {
  ::unlink((folder.cluster + "/postmaster.pid").c_str());
  ::unlink((folder.sockets + kSocketName).c_str());
  ::unlink((folder.sockets + kSocketName + ".lock").c_str());
}

Result<void> make_sockets(const ServerFolder& folder) {
  const char* path = folder.sockets.c_str();
  if (::mkdir(path, 0700) == 0 && folder.user.drop) {
    if (::chown(path, folder.user.uid, folder.user.gid) != 0) {
      return folder_error("data_dir_unreachable", fmt::format("can't make {}: {}", path, reason()));
    }
  }
  struct stat found = {};
  const bool ours = ::lstat(path, &found) == 0 && S_ISDIR(found.st_mode) &&
                    found.st_uid == folder.user.uid && (found.st_mode & 077) == 0;
  if (ours) return {};
  return folder_error("data_dir_not_ours",
                      fmt::format("{} has to be a folder that only user {} may enter; remove it",
                                  path, user_name(folder.user.uid)));
}

}  // namespace payoutd::pg
