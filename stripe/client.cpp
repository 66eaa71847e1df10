#include "stripe/client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "stripe/loop.h"
#include "stripe/pages.h"

namespace payoutd::stripe {
namespace {

const SystemClock kMachineClock;

void init_curl_once() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(result == CURLE_OK);
}

std::optional<Error> wrong_key(const Secret& key) {
  const std::string& text = key.reveal();
  const bool secret = text.starts_with("sk_") || text.starts_with("rk_");
  const bool plain = std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
  if (secret && plain) return std::nullopt;
  std::string message = "the Stripe key must be a secret or restricted key, sk_… or rk_…";
  if (text.starts_with("pk_"))
    message += "; this is a publishable one, which cannot read an account";
  if (!plain) message += "; it has characters that no key has, perhaps a space or line end";
  return Error{Kind::invalid, "stripe_key_invalid", std::move(message)};
}

bool is_this_machine(std::string_view host) {
  const bool numbers = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "[::1]" || (numbers && host.starts_with("127."));
}

// Plain http would show the key to the network: only to this machine, or with a test key.
std::optional<Error> wrong_base(const std::string& base, const Secret& key) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url{curl_url(), &curl_url_cleanup};
  const auto part = [&url](CURLUPart which) {
    char* text = nullptr;
    std::string found = curl_url_get(url.get(), which, &text, 0) == CURLUE_OK ? text : "";
    curl_free(text);
    return found;
  };
  const auto refuse = [](std::string_view why) {
    return Error{Kind::invalid, "stripe_base_invalid",
                 fmt::format("Stripe's address must be like https://api.stripe.com: {}", why)};
  };
  if (curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK)
    return refuse("it is no URL");
  const std::string scheme = part(CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http") return refuse("it is neither https nor http");
  if (!part(CURLUPART_USER).empty() || !part(CURLUPART_QUERY).empty() ||
      !part(CURLUPART_FRAGMENT).empty() || part(CURLUPART_PATH) != "/") {
    return refuse("it has more than a host and a port");
  }
  const bool test_key =
      key.reveal().starts_with("sk_test_") || key.reveal().starts_with("rk_test_");
  if (scheme == "http" && !test_key && !is_this_machine(part(CURLUPART_HOST))) {
    return refuse("a live key is sent by https only");
  }
  return std::nullopt;
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
  if (auto wrong = wrong_key(options.key)) return *std::move(wrong);
  if (auto wrong = wrong_base(options.base, options.key)) return *std::move(wrong);
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
