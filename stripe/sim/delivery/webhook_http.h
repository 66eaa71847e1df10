// Sends POSTs in parallel over libcurl and hands back what each came to. Everything but wake()
// belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace payoutd::sim {

// The path of an http or https URL with a host, "/" where it has none; nothing for anything else.
std::optional<std::string> webhook_url_path(const std::string& url);

class WebhookHttp {
 public:
  struct Outcome {
    std::uint64_t ticket;
    int status;  // 0: no answer (refused, reset, TLS, timeout)
  };

  explicit WebhookHttp(int timeout_ms);
  ~WebhookHttp();
  WebhookHttp(const WebhookHttp&) = delete;
  WebhookHttp& operator=(const WebhookHttp&) = delete;

  // False when the transfer can't be set up: then there is no outcome. Redirects are not followed,
  // and the answer's body is not kept.
  bool post(std::uint64_t ticket, const std::string& url, std::string body,
            const std::string& signature);

  // Waits at most `wait_ms` for the network, for a timer or for wake(), and returns what has ended.
  std::vector<Outcome> run(int wait_ms);

  void wake();  // from any thread: run() returns soon

 private:
  struct Transfer;
  std::unique_ptr<Transfer> idle_transfer();

  void* multi_;
  int timeout_ms_;
  std::vector<std::unique_ptr<Transfer>> running_;
  std::vector<std::unique_ptr<Transfer>> idle_;
};

}  // namespace payoutd::sim
