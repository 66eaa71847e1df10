#include "pg/proxy.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

#include "base/check.h"

namespace payoutd::pg {
namespace {

constexpr const char* kSocket = "/.s.PGSQL.5432";
constexpr int kLookMs = 20;  // how often the end of the test is looked for

sockaddr_un address_in(const std::string& folder) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = folder + kSocket;
  CHECK(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

int unix_socket() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  return fd;
}

bool readable(int fd) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, kLookMs) > 0;
}

}  // namespace

Proxy::Proxy(std::string server) : server_(std::move(server)), folder_("/tmp/d-pg-XXXXXX") {
  CHECK(::mkdtemp(folder_.data()) != nullptr);
  listener_ = unix_socket();
  const auto address = address_in(folder_);
  CHECK(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(::listen(listener_, 64) == 0);
  acceptor_ = std::jthread([this] { accept_all(); });
}

Proxy::~Proxy() {
  ends_ = true;
  acceptor_.join();
  relays_.clear();
  ::close(listener_);
  ::unlink((folder_ + kSocket).c_str());
  ::rmdir(folder_.c_str());
}

Secret Proxy::url(const std::string& database) const {
  return Secret(fmt::format("host={} user=payoutd dbname={}", folder_, database));
}

void Proxy::accept_all() {
  while (!ends_) {
    if (!readable(listener_)) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const std::scoped_lock lock(mutex_);
    relays_.emplace_back([this, client] { relay(client); });
  }
}

void Proxy::relay(int client) {
  const int server = unix_socket();
  const auto address = address_in(server_);
  bool open = ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  Cut pending = Cut::never;
  while (open && !ends_) {
    pollfd polled[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    if (::poll(polled, 2, kLookMs) <= 0) continue;
    if (polled[0].revents != 0) open = forward(client, server, true, pending);
    if (open && polled[1].revents != 0) open = forward(server, client, false, pending);
  }
  ::close(server);
  ::close(client);
}

bool Proxy::forward(int from, int to, bool to_server, Cut& pending) {
  char bytes[64 * 1024];
  const ssize_t got = ::read(from, bytes, sizeof bytes);
  if (got <= 0) return false;
  const std::string_view text(bytes, static_cast<std::size_t>(got));
  if (to_server && text.find("COMMIT") != std::string_view::npos) pending = cut_;
  if (to_server && pending == Cut::before_commit) return false;
  if (!to_server && pending == Cut::after_commit) return false;
  return ::send(to, bytes, text.size(), MSG_NOSIGNAL) == got;
}

}  // namespace payoutd::pg
