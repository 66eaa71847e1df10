// A simulated Stripe: stateful, deterministic by seed, on a clock that can be moved, over HTTP for
// any Stripe SDK, or called in process. It knows nothing of our own client, so that one mistake
// cannot cancel itself out.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/server.h"
#include "stripe/sim/api/dispatch.h"
#include "stripe/sim/delivery/webhook_sender.h"
#include "stripe/sim/wire/call.h"
#include "stripe/sim/wire/faults.h"
#include "stripe/sim/wire/journal.h"
#include "stripe/sim/world/options.h"
#include "stripe/sim/world/world.h"

namespace payoutd::sim {

class Sim {
 public:
  // `clock` outlives it. With a clock that can be moved, POST /_sim/clock moves it.
  Sim(MovableClock& clock, Options options);
  Sim(ManualClock& clock, Options options);
  Sim(const Clock& clock, Options options);
  ~Sim();  // stops
  Sim(const Sim&) = delete;
  Sim& operator=(const Sim&) = delete;

  // Serves HTTP, delivers webhooks, and does by itself what the clock brings. Errors: `port_taken`,
  // and those of Journal::open.
  Result<void> start();
  // Cuts off what a latency fault holds. The next start() serves the same world on the same port.
  void stop();
  std::uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:12111"

  // The same without HTTP; any number of threads, started or not.
  Answer handle(const Call& call);
  // A call with the first key: POST /v1/payouts with {"amount": 100, …} as `account` ("": the
  // platform).
  Answer call(std::string method, std::string path, Json params = Json::object(),
              std::string account = "");

  const Secret& api_key() const { return keys_.front(); }
  void expire_key(const Secret& key);  // answers 401 api_key_expired from now on
  std::string platform() const;
  std::vector<std::string> connected() const;  // the demo's: of the platform's organization first
  // The demo's connected account of another organization than the platform's; "" without a demo.
  std::string second_tenant() const;

  // Registers an endpoint as POST /v1/webhook_endpoints does, and gives its secret.
  Result<Secret> add_webhook(const std::string& url, bool connect,
                             std::vector<std::string> events = {"*"});
  // Gives an endpoint another secret; deliveries carry signatures of both until `overlap` has
  // passed on the clock. Error: `missing`.
  Result<Secret> roll_webhook_secret(const std::string& endpoint, std::chrono::seconds overlap);
  bool wait_webhooks_drained(std::chrono::milliseconds timeout) const;
  WebhookSender::Counts webhook_counts() const { return sender_.counts(); }

  // Does all that is due on the clock. Calls do so, too: it is for those who only watch.
  void tick();
  // Moves the clock and does what came due. Error: the clock can't be moved.
  Result<Time> advance(std::chrono::seconds by);

  OrderedJson payments() const;  // {"data": [...]}, see control.h
  OrderedJson stats() const;
  Result<OrderedJson> activity(const std::string& account, const Json& counts);

  // Adds `count` available balance transactions, spread over the ninety days before now: small
  // charges of one cent net each, that no object stands behind. 200 bytes each; a million takes a
  // second.
  void bulk_balance_transactions(const std::string& account, std::size_t count);

  Faults& faults() { return faults_; }
  RateLimiter& limits() { return dispatch_->limits(); }
  // Looks at the state under its lock; nothing may be kept from it.
  void inspect(const std::function<void(World&)>& look);

 private:
  void build();
  void open_journal();
  void replay();
  void replay(const Json& entry);
  void record(OrderedJson entry);  // under the lock
  void connect_outside();
  void follow_endpoint(const Document& endpoint);
  std::optional<std::string> webhook_body(const std::string& event,
                                          const WebhookEndpoint& endpoint);
  void acknowledged(const std::string& event);
  http::Router router();
  http::Reply serve(const http::Request& request);
  void keep_time();

  JournalClock clock_;
  Options options_;
  std::vector<Secret> keys_;
  Faults faults_;
  mutable std::shared_mutex mutex_;
  std::unique_ptr<Journal> journal_;
  std::optional<Error> journal_error_;  // start() answers it
  bool replaying_ = false;
  std::unique_ptr<World> world_;
  std::unique_ptr<Dispatch> dispatch_;
  std::unique_ptr<http::Server> server_;
  std::thread keeper_;
  std::mutex keeper_mutex_;
  std::condition_variable keeper_wakes_;
  bool stopping_ = false;
  WebhookSender sender_;  // last: its thread calls into all of the above
};

}  // namespace payoutd::sim
