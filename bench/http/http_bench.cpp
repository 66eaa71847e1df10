// Requests a second and latencies of our server beside stock cpp-httplib, in one run on one
// machine: a 2.4 kB POST over kept connections, a small JSON answer. Client and server share the
// cores, so on a busy machine read the CPU column (the server's microseconds an answer). Stock
// feeds only as many connections as it has threads; the others wait for ever.
#include <fmt/format.h>
#include <httplib.h>

#include <array>
#include <thread>
#include <vector>

#include "bench/support/load.h"
#include "http/server.h"

namespace payoutd::bench {
namespace {

constexpr std::array<std::size_t, 4> kConnections = {1, 64, 256, 4'000};

std::string request_to(const char* path) {
  const std::string body = R"({"id":"evt_1","data":")" + std::string(2'400, 'x') + "\"}";
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
      "Authorization: Bearer bench\r\nContent-Length: {}\r\n\r\n{}",
      path, body.size(), body);
}

LoadResult measure(std::uint16_t port, const char* path, std::size_t connections) {
  return run_load({.port = port, .connections = connections, .request = request_to(path)});
}

// As fast as cpp-httplib gets by its own settings; its backlog of 5 is widened, or most connections
// would wait for a second SYN.
class Stock : public httplib::Server {
 public:
  Stock() {
    set_tcp_nodelay(true);
    set_keep_alive_max_count(1'000'000);
    new_task_queue = [] { return new httplib::ThreadPool(64); };
    Post("/events", [](const httplib::Request& request, httplib::Response& response) {
      response.set_content(fmt::format(R"({{"received":{}}})", request.body.size()),
                           "application/json");
    });
    port_ = bind_to_any_port("127.0.0.1");
    ::listen(svr_sock_, 4'096);
    thread_ = std::jthread([this] { listen_after_bind(); });
  }
  ~Stock() override { stop(); }
  std::uint16_t port() const { return static_cast<std::uint16_t>(port_); }

 private:
  int port_ = 0;
  std::jthread thread_;
};

http::Router routes() {
  http::Router router;
  const http::Handler handler = [](http::Context& c) {
    return http::Reply::text(200, fmt::format(R"({{"received":{}}})", c.request.body.size()),
                             "application/json");
  };
  http::Route on_loop{"POST", "/events", "", handler};
  on_loop.runs = http::Runs::on_loop;
  router.add(std::move(on_loop));
  router.add({"POST", "/worked", "", handler});
  return router;
}

void print_row(std::string_view name, std::size_t connections, const LoadResult& result,
               double stock) {
  fmt::print("{:>11}  {:<22} {:>9.0f} {:>9.2f} {:>9.2f} {:>7} / {:<6} {:>8} {:>8.1f} {:>7.2f}\n",
             connections, name, result.per_second, result.p50_ms, result.p99_ms,
             result.served_connections, connections, result.failures, result.server_cpu_us,
             stock > 0 ? result.per_second / stock : 1.0);
}

int run() {
  allow_many_files();
  http::Server::Options options;
  options.port = 0;
  options.workers = 8;
  options.limits.max_queued = 8'192;
  http::Server ours(routes(), options);
  if (auto started = ours.start(); !started) {
    fmt::print(stderr, "{}\n", started.error().message);
    return 1;
  }
  fmt::print("{:>11}  {:<22} {:>9} {:>9} {:>9} {:>16} {:>8} {:>8} {:>7}\n", "connections", "server",
             "req/s", "p50 ms", "p99 ms", "connections fed", "failures", "CPU us", "ratio");
  for (const std::size_t connections : kConnections) {
    double stock_per_second = 0;
    {
      Stock stock;
      const LoadResult result = measure(stock.port(), "/events", connections);
      stock_per_second = result.per_second;
      print_row("stock, 64 threads", connections, result, stock_per_second);
    }
    print_row("ours, on the loop", connections, measure(ours.port(), "/events", connections),
              stock_per_second);
    print_row("ours, 8 workers", connections, measure(ours.port(), "/worked", connections),
              stock_per_second);
  }
  return ours.stop() ? 0 : 1;
}

}  // namespace
}  // namespace payoutd::bench

int main() { return payoutd::bench::run(); }
