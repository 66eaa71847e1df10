// How many list pages of 100 balance transactions and charges the simulator serves a second: in
// process, and over HTTP on kept connections. It must never be what a benchmark measures: aim
// 2,000.
#include <curl/curl.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "stripe/sim/sim.h"

namespace payoutd::sim {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::seconds kEach{3};
constexpr std::size_t kRows = 1'000'000;

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

std::size_t count_bytes(char*, std::size_t size, std::size_t count, void* sum) {
  *static_cast<std::size_t*>(sum) += size * count;
  return size * count;
}

// Where a page begins: ids spread over the whole list, so that pages are looked for, not
// remembered.
std::vector<std::string> cursors(Sim& sim, const char* kind) {
  std::vector<std::string> out;
  sim.inspect([&](World& world) {
    const auto take = [&](const auto& series) {
      for (std::size_t i = 200; i < series.size(); i += series.size() / 64 + 1)
        out.push_back(series[i]->id);
    };
    if (std::string_view(kind) == "balance_transactions") take(world.platform().row_list);
    else take(world.platform().documents["charge"]);
  });
  return out;
}

void in_process(Sim& sim, const char* kind) {
  const auto from = cursors(sim, kind);
  const std::string path = fmt::format("/v1/{}", kind);
  std::size_t pages = 0, bytes = 0;
  const auto start = Steady::now();
  while (Steady::now() - start < kEach) {
    const auto answer =
        sim.call("GET", path, {{"limit", "100"}, {"starting_after", from[pages % from.size()]}});
    bytes += answer.body.size();
    ++pages;
  }
  const double took = seconds_since(start);
  fmt::print("{:22} in process, 1 thread       {:8.0f} pages/s {:8.0f} MB/s\n", kind,
             static_cast<double>(pages) / took, static_cast<double>(bytes) / took / 1e6);
}

void over_http(Sim& sim, const char* kind, int connections) {
  const auto from = cursors(sim, kind);
  std::atomic<std::size_t> pages{0}, bytes{0};
  const auto start = Steady::now();
  std::vector<std::thread> clients;
  for (int i = 0; i < connections; ++i)
    clients.emplace_back([&, i] {
      CURL* curl = curl_easy_init();
      std::size_t received = 0, mine = static_cast<std::size_t>(i) * 7;
      curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, count_bytes);
      curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received);
      curl_easy_setopt(curl, CURLOPT_USERNAME, sim.api_key().reveal().c_str());
      curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
      while (Steady::now() - start < kEach) {
        const auto url = fmt::format("{}/v1/{}?limit=100&starting_after={}", sim.url(), kind,
                                     from[mine++ % from.size()]);
        curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
        if (curl_easy_perform(curl) == CURLE_OK) ++pages;
      }
      bytes += received;
      curl_easy_cleanup(curl);
    });
  for (auto& client : clients) client.join();
  const double took = seconds_since(start);
  fmt::print("{:22} HTTP, {:3} connections      {:8.0f} pages/s {:8.0f} MB/s\n", kind, connections,
             static_cast<double>(pages) / took, static_cast<double>(bytes) / took / 1e6);
}

int run() {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  MovableClock clock;
  auto start = Steady::now();
  Sim sim(clock, {.demo = Demo::full, .port = 0, .workers = 16});
  fmt::print("{:22} six months                 {:8.2f} s\n", "history", seconds_since(start));
  start = Steady::now();
  sim.bulk_balance_transactions(sim.platform(), kRows);
  fmt::print("{:22} {} rows              {:8.2f} s\n", "bulk", kRows, seconds_since(start));
  if (auto ok = sim.start(); !ok) {
    fmt::print(stderr, "{}\n", ok.error().message);
    return 1;
  }
  for (const char* kind : {"balance_transactions", "charges"}) {
    in_process(sim, kind);
    for (const int connections : {1, 16, 64}) over_http(sim, kind, connections);
  }
  sim.stop();
  curl_global_cleanup();
  return 0;
}

}  // namespace
}  // namespace payoutd::sim

int main() { return payoutd::sim::run(); }
