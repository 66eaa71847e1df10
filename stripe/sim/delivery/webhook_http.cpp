#include "stripe/sim/delivery/webhook_http.h"

#include <curl/curl.h>

#include <algorithm>

#include "base/check.h"

namespace payoutd::sim {
namespace {

void init_curl_once() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  CHECK(ready);
}

std::size_t ignore_body(char*, std::size_t size, std::size_t count, void*) { return size * count; }

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeText {
  void operator()(char* text) const { curl_free(text); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  return std::unique_ptr<char, FreeText>(text).get();
}

HeaderList header_list(const std::string& signature) {
  const std::string signed_by = "Stripe-Signature: " + signature;
  HeaderList list;
  // "Expect:" keeps libcurl from asking before it sends a larger body.
  for (const char* line : {"Content-Type: application/json; charset=utf-8",
                           "Cache-Control: no-cache", "Expect:", signed_by.c_str()}) {
    curl_slist* longer = curl_slist_append(list.get(), line);
    CHECK(longer != nullptr);
    (void)list.release();
    list.reset(longer);
  }
  return list;
}

void set_common_options(CURL* easy, int timeout_ms) {
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "Stripe/1.0 (+https://stripe.com/docs/webhooks)");
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // a proxy of the environment is not Stripe's
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body);
}

}  // namespace

std::optional<std::string> webhook_url_path(const std::string& url) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  CHECK(parsed != nullptr);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return std::nullopt;
  const std::string scheme = url_part(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return std::nullopt;
  if (url_part(parsed.get(), CURLUPART_HOST).empty()) return std::nullopt;
  return url_part(parsed.get(), CURLUPART_PATH);
}

struct WebhookHttp::Transfer {
  std::unique_ptr<CURL, FreeEasy> easy;
  std::uint64_t ticket = 0;
  std::string body;
  HeaderList headers;
};

WebhookHttp::WebhookHttp(int timeout_ms) : timeout_ms_(timeout_ms) {
  init_curl_once();
  multi_ = curl_multi_init();
  CHECK(multi_ != nullptr);
}

WebhookHttp::~WebhookHttp() {
  for (const auto& transfer : running_) curl_multi_remove_handle(multi_, transfer->easy.get());
  running_.clear();
  idle_.clear();
  curl_multi_cleanup(multi_);
}

std::unique_ptr<WebhookHttp::Transfer> WebhookHttp::idle_transfer() {
  if (!idle_.empty()) {
    auto transfer = std::move(idle_.back());
    idle_.pop_back();
    return transfer;
  }
  auto transfer = std::make_unique<Transfer>();
  transfer->easy.reset(curl_easy_init());
  CHECK(transfer->easy != nullptr);
  set_common_options(transfer->easy.get(), timeout_ms_);
  return transfer;
}

bool WebhookHttp::post(std::uint64_t ticket, const std::string& url, std::string body,
                       const std::string& signature) {
  auto transfer = idle_transfer();
  CURL* easy = transfer->easy.get();
  transfer->ticket = ticket;
  transfer->body = std::move(body);
  transfer->headers = header_list(signature);
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(transfer->body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body.data());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers.get());
  if (curl_multi_add_handle(multi_, easy) != CURLM_OK) return false;
  running_.push_back(std::move(transfer));
  return true;
}

std::vector<WebhookHttp::Outcome> WebhookHttp::run(int wait_ms) {
  int active = 0;
  curl_multi_perform(multi_, &active);
  std::vector<Outcome> outcomes;
  const auto collect = [&] {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      const auto found =
          std::ranges::find(running_, message->easy_handle,
                            [](const auto& transfer) { return transfer->easy.get(); });
      CHECK(found != running_.end());
      long status = 0;
      if (message->data.result == CURLE_OK) {
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
      }
      outcomes.push_back({(*found)->ticket, static_cast<int>(status)});
      curl_multi_remove_handle(multi_, message->easy_handle);
      idle_.push_back(std::move(*found));
      running_.erase(found);
    }
  };
  collect();
  if (!outcomes.empty()) return outcomes;
  curl_multi_poll(multi_, nullptr, 0, wait_ms, nullptr);
  curl_multi_perform(multi_, &active);
  collect();
  return outcomes;
}

void WebhookHttp::wake() { curl_multi_wakeup(multi_); }

}  // namespace payoutd::sim
