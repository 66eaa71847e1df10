#include "http/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/log.h"

namespace payoutd::http {
namespace {

constexpr int kBacklog = 4'096;  // the kernel takes the lower of this and net.core.somaxconn

Error failed(const std::string& host, std::uint16_t port, int error) {
  if (error == EADDRINUSE) {
    return Error{Kind::refused, "port_taken",
                 fmt::format("port {} on {} is taken by another process: stop that one, or give "
                             "another port (port 0 takes any free one)",
                             port, host)};
  }
  return Error{Kind::invalid, "listen_failed",
               fmt::format("can't listen on {}:{}: {}", host, port, std::strerror(error))};
}

std::string address_of(const sockaddr_storage& peer) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* address = &reinterpret_cast<const sockaddr_in&>(peer).sin_addr;
  if (peer.ss_family == AF_INET6) address = &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
  if (::inet_ntop(peer.ss_family, address, text.data(), text.size()) == nullptr) return {};
  return text.data();
}

std::uint16_t port_of(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                           : reinterpret_cast<sockaddr_in&>(bound).sin_port);
}

// A listening socket, or minus errno.
int listen_on(const addrinfo& address) {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int yes = 1;
  // Lets a restart bind while old connections are in TIME_WAIT; never joins a socket that listens.
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(fd, address.ai_addr, address.ai_addrlen) == 0 && ::listen(fd, kBacklog) == 0)
    return fd;
  const int error = errno;
  ::close(fd);
  return -error;
}

}  // namespace

Listener::~Listener() { close(); }

void Listener::close() {
  if (fd_ >= 0) ::close(fd_);
  if (spare_fd_ >= 0) ::close(spare_fd_);
  fd_ = spare_fd_ = -1;
}

Result<void> Listener::open(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0) {
    return Error{Kind::invalid, "listen_failed",
                 fmt::format("can't listen on {}: {}", host, ::gai_strerror(code))};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  const int fd = listen_on(*found);
  if (fd < 0) return failed(host, port, -fd);
  fd_ = fd;
  spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  port_ = port_of(fd_);
  return {};
}

std::optional<Listener::Accepted> Listener::accept() {
  while (true) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int fd =
        ::accept4(fd_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      const int yes = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      return Accepted{fd, address_of(peer)};
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if ((errno == EMFILE || errno == ENFILE) && turn_one_away()) continue;
    return std::nullopt;  // EAGAIN: nobody waits. Else the next event tries again.
  }
}

bool Listener::turn_one_away() {
  if (spare_fd_ < 0) return false;
  ::close(spare_fd_);
  const int fd = ::accept(fd_, nullptr, nullptr);
  if (fd >= 0) ::close(fd);
  spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  return fd >= 0;
}

void allow_open_files(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, wanted);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted) {
    log::warn("this process may open fewer files than the server may have connections",
              {{"allowed", limit.rlim_cur}, {"wanted", wanted}});
  }
}

}  // namespace payoutd::http
