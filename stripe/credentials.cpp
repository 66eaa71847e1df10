#include "stripe/credentials.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace payoutd::stripe {
namespace {

bool is_this_machine(std::string_view host) {
  const bool numbers = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "[::1]" || (numbers && host.starts_with("127."));
}

}  // namespace

std::optional<std::string> why_wrong_key(const Secret& key) {
  const std::string& text = key.reveal();
  const bool secret = text.starts_with("sk_") || text.starts_with("rk_");
  const bool plain = std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
  if (secret && plain) return std::nullopt;
  std::string why = "must be a secret or restricted one, sk_… or rk_…";
  if (text.starts_with("pk_")) why += "; this is a publishable one, which cannot read an account";
  if (!plain) why += "; it has characters that no key has, perhaps a space or line end";
  return why;
}

std::optional<std::string> why_wrong_base(const std::string& base, const Secret& key) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url{curl_url(), &curl_url_cleanup};
  const auto part = [&url](CURLUPart which) {
    char* text = nullptr;
    std::string found = curl_url_get(url.get(), which, &text, 0) == CURLUE_OK ? text : "";
    curl_free(text);
    return found;
  };
  const auto refuse = [](std::string_view why) {
    return fmt::format("must be like https://api.stripe.com: {}", why);
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

}  // namespace payoutd::stripe
