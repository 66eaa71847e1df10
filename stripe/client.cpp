#include "stripe/client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "stripe/credentials.h"
#include "stripe/loop.h"
#include "stripe/pages.h"

namespace payoutd::stripe {
namespace {

const SystemClock kMachineClock;

void init_curl_once() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(result == CURLE_OK);
}

// Parts of a request that came from outside must not reach past their place in it.
std::optional<Error> wrong_request(const Request& request) {
  const auto refuse = [](std::string message) {
    return Error{Kind::invalid, "stripe_request_invalid", std::move(message)};
  };
  const std::string& path = request.path;
  if (!path.starts_with('/') || path.starts_with("//"))
    return refuse("a path begins with one slash");
  if (!std::ranges::all_of(path,
                           [](char c) { return c > ' ' && c < 0x7f && c != '#' && c != '\\'; })) {
    return refuse("a path is encoded ASCII");
  }
  const std::string_view route = std::string_view(path).substr(0, path.find('?'));
  if (route.contains("/../") || route.contains("/./") || route.ends_with("/..") ||
      route.ends_with("/.")) {
    return refuse("a path has no dot segments");
  }
  const auto in_account = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (!std::ranges::all_of(request.account, in_account)) return refuse("an account is acct_…");
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<Client>> Client::open(Options options) {
  while (options.base.ends_with('/')) options.base.pop_back();
  if (auto why = why_wrong_key(options.key))
    return Error{Kind::invalid, "stripe_key_invalid", "the Stripe key " + *why};
  if (auto why = why_wrong_base(options.base, options.key))
    return Error{Kind::invalid, "stripe_base_invalid", "Stripe's address " + *why};
  CHECK(options.max_in_flight > 0 && options.max_payout_creations > 0 &&
        options.timeout.count() > 0 && options.connect_timeout.count() > 0);
  if (!options.budget) options.budget = std::make_shared<LocalBudget>();
  if (options.clock == nullptr) options.clock = &kMachineClock;
  if (!options.pause) options.pause = [](Pause wanted) { return wanted; };
  return std::unique_ptr<Client>(new Client(std::move(options)));
}

Client::Client(Options options) {
  init_curl_once();
  loop_ = std::make_unique<Loop>(std::move(options));
}
Client::~Client() = default;

Client::Ticket Client::submit(Request request, Callback callback) {
  if (auto wrong = wrong_request(request)) {
    const History history = request.history;
    callback(Answer{.outcome = history.unknown ? Outcome::unknown : Outcome::not_done,
                    .history = history,
                    .error = *std::move(wrong)});
    return 0;
  }
  return loop_->submit(std::move(request), std::move(callback));
}

Answer Client::send(Request request) {
  CHECK(!loop_->on_own_thread());
  std::promise<Answer> promise;
  std::future<Answer> answer = promise.get_future();
  submit(std::move(request), [promise = std::move(promise)](Answer given) mutable {
    promise.set_value(std::move(given));
  });
  return answer.get();
}

Result<Response> Client::call(Request request) {
  Answer answer = send(std::move(request));
  if (!answer.ok()) return std::move(answer.error);
  return std::move(answer.response);
}

void Client::cancel(Ticket ticket) { loop_->cancel(ticket); }
void Client::stop(std::chrono::milliseconds drain) { loop_->stop(drain); }
Client::Counts Client::counts() const { return loop_->counts(); }
Pages Client::list(Listing listing) { return Pages(*this, std::move(listing)); }

}  // namespace payoutd::stripe
