// A closed-loop HTTP load from one thread: each connection sends a request, waits for the whole
// answer and sends the next. Only for 127.0.0.1, and bounded in time.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace payoutd::bench {

struct LoadPlan {
  std::uint16_t port = 0;
  std::size_t connections = 1;
  std::string request;                  // the same bytes each time
  std::vector<std::string> requests{};  // instead: each once, in order; the load ends with the last
  std::chrono::milliseconds warm_up{300};
  std::chrono::milliseconds measured{2'000};
};

struct LoadResult {
  double per_second = 0;
  double p50_ms = 0, p99_ms = 0;
  std::size_t answers = 0;
  std::size_t failures = 0;            // another status than 2xx, or a connection that ended
  std::size_t served_connections = 0;  // those that got at least one answer
  double server_cpu_us =
      0;  // of all other threads of this process, an answer: holds on a busy machine
};

class Load {
 public:
  explicit Load(LoadPlan plan) : plan_(std::move(plan)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~Load() {
    for (const Line& line : lines_) {
      if (line.fd >= 0) ::close(line.fd);
    }
    ::close(epoll_);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  LoadResult run() {
    connect_all();
    for (std::size_t i = 0; i < lines_.size(); ++i) send_one(i);
    const auto start = Clock::now() + plan_.warm_up;
    const auto end = start + plan_.measured;
    start_ = start;
    const double cpu_before = other_threads_cpu_us();
    auto now = Clock::now();
    for (; now < end && !done(); now = Clock::now()) wait(end - now);
    if (now > start) seconds_ = std::chrono::duration<double>(now - start).count();
    LoadResult measured = result();
    const double cpu_used = other_threads_cpu_us() - cpu_before;
    measured.server_cpu_us = noted_ > 0 ? cpu_used / static_cast<double>(noted_) : 0;
    return measured;
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool done() const { return !plan_.requests.empty() && next_ == plan_.requests.size(); }

  struct Line {
    int fd = -1;
    bool served = false;
    Clock::time_point sent;
    std::string in;
  };

  static double other_threads_cpu_us() {
    const auto of = [](clockid_t clock) {
      timespec time{};
      ::clock_gettime(clock, &time);
      return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
    };
    return of(CLOCK_PROCESS_CPUTIME_ID) - of(CLOCK_THREAD_CPUTIME_ID);
  }

  void connect_all() {
    lines_.resize(plan_.connections);
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(plan_.port);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("the load can't connect");
      }
      const int yes = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      lines_[i].fd = fd;
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = i;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }
  }

  // A request is far smaller than a socket's buffer, and only one is ever on its way.
  void send_one(std::size_t i) {
    if (!plan_.requests.empty() && next_ == plan_.requests.size()) return;
    const std::string& request = plan_.requests.empty() ? plan_.request : plan_.requests[next_++];
    lines_[i].sent = Clock::now();
    const ssize_t n = ::send(lines_[i].fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (n != static_cast<ssize_t>(request.size())) fail(i);
  }

  void fail(std::size_t i) {
    ++failures_;
    ::close(lines_[i].fd);
    lines_[i].fd = -1;
  }

  void wait(Clock::duration left) {
    std::array<epoll_event, 256> events;
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(std::min<long>(ms, 100)));
    for (int k = 0; k < count; ++k)
      receive(static_cast<std::size_t>(events[static_cast<std::size_t>(k)].data.u64));
  }

  void receive(std::size_t i) {
    Line& line = lines_[i];
    if (line.fd < 0) return;
    std::array<char, 16'384> buffer;
    const ssize_t n = ::recv(line.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n <= 0) return fail(i);
    line.in.append(buffer.data(), static_cast<std::size_t>(n));
    const auto head = line.in.find("\r\n\r\n");
    if (head == std::string::npos || line.in.size() < head + 4 + body_size(line.in)) return;
    note(line);
    line.in.clear();
    send_one(i);
  }

  static std::size_t body_size(std::string_view answer) {
    constexpr std::string_view kName = "Content-Length: ";
    const auto at = answer.find(kName);
    if (at == std::string_view::npos) return 0;
    return std::strtoul(answer.data() + at + kName.size(), nullptr, 10);
  }

  void note(Line& line) {
    line.served = true;
    ++noted_;
    const auto now = Clock::now();
    if (line.in[9] != '2') ++failures_;
    if (now < start_) return;
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - line.sent);
    micros_.push_back(static_cast<std::uint32_t>(took.count()));
  }

  LoadResult result() {
    LoadResult result;
    result.answers = micros_.size();
    result.failures = failures_;
    result.per_second = static_cast<double>(micros_.size()) / seconds_;
    result.served_connections = static_cast<std::size_t>(
        std::ranges::count_if(lines_, [](const Line& line) { return line.served; }));
    std::ranges::sort(micros_);
    const auto at = [&](double share) {
      if (micros_.empty()) return 0.0;
      const auto index = static_cast<std::size_t>(share * static_cast<double>(micros_.size() - 1));
      return micros_[index] / 1'000.0;
    };
    result.p50_ms = at(0.50);
    result.p99_ms = at(0.99);
    return result;
  }

  LoadPlan plan_;
  int epoll_;
  std::vector<Line> lines_;
  std::vector<std::uint32_t> micros_;
  std::size_t failures_ = 0;
  std::size_t noted_ = 0;  // answers, also those of the warm-up
  std::size_t next_ = 0;
  Clock::time_point start_;
  double seconds_ = 1;
};

inline LoadResult run_load(LoadPlan plan) { return Load(std::move(plan)).run(); }

// Both ends of every connection are in this process.
inline void allow_many_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace payoutd::bench
