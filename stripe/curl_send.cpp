#include "stripe/curl_send.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "base/log.h"
#include "stripe/document.h"
#include "stripe/server_time.h"

namespace payoutd::stripe {
namespace {

template <class T>
void set(CURL* easy, CURLoption option, T value) {
  CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// Seconds only; Stripe is not known to send dates.
std::optional<std::chrono::seconds> whole_seconds(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (wrong != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds{std::min<std::int64_t>(seconds, 86'400)};
}

std::size_t digits(std::string_view text) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Will not heal by itself: a certificate that is not trusted, an answer beyond the limit.
bool hopeless(CURLcode result, bool too_large) {
  return too_large || result == CURLE_PEER_FAILED_VERIFICATION ||
         result == CURLE_SSL_CACERT_BADFILE || result == CURLE_URL_MALFORMAT ||
         result == CURLE_UNSUPPORTED_PROTOCOL;
}

// All that Stripe answers says which `object` it is; the `{}` of a gateway does not.
bool is_stripes_object(const std::string& body) {
  thread_local simdjson::dom::parser parser;
  const auto root = parse(parser, body);
  simdjson::dom::object object;
  return root && root->get(object) == simdjson::SUCCESS && !text_at(object, "object").empty();
}

}  // namespace

CurlSend::CurlSend(const Client::Options& options, const Request& request, Time sent_at, CURL* easy)
    : easy_(easy), max_bytes_(options.max_response_bytes) {
  response_.sent_at = sent_at;
  curl_easy_reset(easy_);
  const std::string url = options.base + request.path;
  set(easy_, CURLOPT_URL, url.c_str());
  set_method(request);
  set_headers(options, request);
  set_connection(options, request);
  set(easy_, CURLOPT_ERRORBUFFER, failure_);
  set(easy_, CURLOPT_PREREQFUNCTION, &CurlSend::about_to_send);
  set(easy_, CURLOPT_PREREQDATA, this);
  set(easy_, CURLOPT_HEADERFUNCTION, &CurlSend::on_header);
  set(easy_, CURLOPT_HEADERDATA, this);
  set(easy_, CURLOPT_WRITEFUNCTION, &CurlSend::on_body);
  set(easy_, CURLOPT_WRITEDATA, this);
}

void CurlSend::set_method(const Request& request) {
  set(easy_, CURLOPT_PATH_AS_IS, 1L);
  switch (request.method) {
    case Method::get: set(easy_, CURLOPT_HTTPGET, 1L); break;
    case Method::del: set(easy_, CURLOPT_CUSTOMREQUEST, "DELETE"); break;
    case Method::post:
      set(easy_, CURLOPT_POST, 1L);
      set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(easy_, CURLOPT_POSTFIELDS, request.body.c_str());  // not copied: the call outlives us
      break;
  }
}

void CurlSend::set_headers(const Client::Options& options, const Request& request) {
  curl_slist* list = nullptr;
  const auto add = [&list](const std::string& line) {
    curl_slist* longer = curl_slist_append(list, line.c_str());
    CHECK(longer != nullptr);
    list = longer;
  };
  add(fmt::format("Authorization: Bearer {}", options.key.reveal()));
  headers_.reset(list);  // the first node stays the head
  add(fmt::format("Stripe-Version: {}", kApiVersion));
  if (!request.account.empty()) add("Stripe-Account: " + request.account);
  if (!request.key.empty()) add("Idempotency-Key: " + request.key);
  if (request.method == Method::post) add("Content-Type: application/x-www-form-urlencoded");
  add("Accept: application/json");
  add("Expect:");  // libcurl would wait for a 100 before a large body
  set(easy_, CURLOPT_HTTPHEADER, list);
  set(easy_, CURLOPT_USERAGENT, "payoutd/" PAYOUTD_VERSION);
}

void CurlSend::set_connection(const Client::Options& options, const Request& request) {
  const bool tls = options.base.starts_with("https:");
  set(easy_, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
  set(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy_, CURLOPT_NOSIGNAL, 1L);
  set(easy_, CURLOPT_QUICK_EXIT, 1L);  // a name that is still being resolved holds up nobody
  set(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy_, CURLOPT_MAXAGE_CONN, 60L);  // older idle ones are likely to be dead at the other end
  set(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  set(easy_, CURLOPT_TIMEOUT_MS,
      static_cast<long>(request.timeout.value_or(options.timeout).count()));
  if (!tls) {
    set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(easy_, CURLOPT_PROXY, "");  // a proxy would see the key
    return;
  }
  set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(easy_, CURLOPT_PIPEWAIT, 1L);  // rather a stream of a connection being made than another one
  set(easy_, CURLOPT_ACCEPT_ENCODING, "gzip");
  set(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) set(easy_, CURLOPT_CAINFO, options.ca_file.c_str());
}

// Called when the connection stands, its handshake done, before the first byte of the request:
// without this call nothing left. A second call is libcurl's own repeat on another connection.
int CurlSend::about_to_send(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<CurlSend*>(self);
  ++transfer.sends_;
  const Time sent_at = transfer.response_.sent_at;
  transfer.response_ = Response{};
  transfer.response_.sent_at = sent_at;
  transfer.date_.reset();
  transfer.left_ = std::chrono::steady_clock::now();
  return CURL_PREREQFUNC_OK;
}

std::size_t CurlSend::on_header(char* bytes, std::size_t, std::size_t count, void* self) {
  static_cast<CurlSend*>(self)->take_header({bytes, count});
  return count;
}

std::size_t CurlSend::on_body(char* bytes, std::size_t, std::size_t count, void* self) {
  return static_cast<CurlSend*>(self)->take_body({bytes, count}) ? count : 0;
}

void CurlSend::take_header(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  const std::string_view value = trimmed(line.substr(colon + 1)).substr(0, 1024);
  if (name == "request-id") response_.request_id = value;
  if (name == "original-request") response_.original_request = value;
  if (name == "idempotent-replayed") response_.replayed = value == "true";
  if (name == "stripe-rate-limited-reason") response_.rate_limited_reason = value;
  if (name == "stripe-should-retry" && value == "true") response_.should_retry = true;
  if (name == "stripe-should-retry" && value == "false") response_.should_retry = false;
  if (name == "retry-after") response_.retry_after = whole_seconds(value);
  if (name == "date") {
    date_ = parse_date(value);
    dated_ = std::chrono::steady_clock::now();
  }
  if (name == "stripe-notice") log::warn("Stripe gives notice", {{"notice", value}});
  if (name == "content-length")
    response_.body.reserve(std::min(digits(value), max_bytes_) + kPadding);
}

bool CurlSend::take_body(std::string_view bytes) {
  std::string& body = response_.body;
  if (bytes.size() > max_bytes_ - body.size()) {
    too_large_ = true;
    return false;
  }
  const std::size_t needed = body.size() + bytes.size() + kPadding;
  if (needed > body.capacity()) body.reserve(std::max(needed, 2 * body.capacity()));
  body += bytes;
  return true;
}

Sent CurlSend::finish(CURLcode result) {
  Sent sent;
  sent.lost_before = std::max(0, sends_ - 1);
  curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &sent.connections);
  Send& send = sent.last.send;
  if (result != CURLE_OK) {
    send.reach = sends_ == 0 ? Reach::not_sent : Reach::lost;
    sent.last.hopeless = hopeless(result, too_large_);
    sent.failure = too_large_
                       ? fmt::format("the answer is larger than {} bytes", max_bytes_)
                       : log::redact(failure_[0] != '\0' ? failure_ : curl_easy_strerror(result));
    return sent;
  }
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  send.reach = Reach::answered;
  send.status = response_.status;
  send.replayed = response_.replayed;
  if (response_.ok()) {
    send.parsed = is_stripes_object(response_.body);
    // One text with half a surrogate pair would spoil a page for all its objects.
    if (!send.parsed) {
      std::string mended = mended_json(response_.body);
      mended.reserve(mended.size() + kPadding);
      send.parsed = is_stripes_object(mended);
      if (send.parsed) response_.body = std::move(mended);
    }
  } else {
    sent.refusal = parse_error(response_);
    send.parsed = sent.refusal.has_value();
    if (sent.refusal) {
      send.type = sent.refusal->type;
      send.code = sent.refusal->code;
    }
  }
  sent.last.should_retry = response_.should_retry;
  sent.last.retry_after = response_.retry_after;
  sent.response = std::move(response_);
  sent.date = date_;
  sent.left = left_;
  sent.dated = dated_;
  return sent;
}

}  // namespace payoutd::stripe
