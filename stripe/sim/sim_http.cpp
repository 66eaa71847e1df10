// The simulator's HTTP: a thin skin that reads headers and forms, and writes answers.
#include <fmt/chrono.h>
#include <openssl/evp.h>

#include <array>

#include "stripe/sim/control.h"
#include "stripe/sim/sim.h"
#include "stripe/sim/wire/form.h"

namespace payoutd::sim {
namespace {

constexpr std::size_t kMaxBody = 1024 * 1024;
constexpr int kDeepest = 8;  // segments of a path; beyond, the server's own 404

// The user of HTTP Basic, which Stripe takes for the key.
std::string basic_user(std::string_view encoded) {
  std::string decoded(encoded.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                                   reinterpret_cast<const unsigned char*>(encoded.data()),
                                   static_cast<int>(encoded.size()));
  if (size < 0) return "";
  decoded.resize(static_cast<std::size_t>(size));
  return decoded.substr(0, decoded.find(':'));
}

std::string key_of(const http::Request& request) {
  const auto header = request.header("authorization").value_or("");
  if (header.starts_with("Bearer ")) return std::string(header.substr(7));
  if (header.starts_with("Basic ")) return basic_user(header.substr(6));
  return "";
}

// As HTTP writes a date: "Thu, 26 Nov 2026 01:05:03 GMT".
std::string http_date(Time time) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT",
                     fmt::gmtime(static_cast<std::time_t>(to_unix(time))));
}

Result<Json> params_of(const http::Request& request) {
  if (request.method == "POST" && !request.body.empty()) return parse_form(request.body);
  return form_tree(request.query);
}

http::Wire wire_of(Cut cut) {
  switch (cut) {
    case Cut::none: return http::Wire::whole;
    case Cut::reset: return http::Wire::reset;
    case Cut::truncate: return http::Wire::truncated;
  }
  return http::Wire::whole;
}

}  // namespace

http::Reply Sim::serve(const http::Request& request) {
  const auto header = [&](std::string_view name) {
    return std::string(request.header(name).value_or(""));
  };
  auto params = params_of(request);
  if (!params)
    return {.status = 400,
            .body = error_body({.code = params.error().code,
                                .message = params.error().message,
                                .param = params.error().param}),
            .headers = {{"Request-Id", request.request_id}}};
  const std::string date = http_date(clock_.now());
  Answer answer = handle({.method = request.method,
                          .path = request.path,
                          .params = std::move(*params),
                          .key = key_of(request),
                          .account = header("stripe-account"),
                          .idempotency_key = header("idempotency-key"),
                          .version = header("stripe-version")});
  answer.headers.emplace_back("Date", date);
  return {.status = answer.status,
          .body = std::move(answer.body),
          .headers = std::move(answer.headers),
          .wire = wire_of(answer.cut)};
}

http::Router Sim::router() {
  http::Router router;
  // Dispatch knows the endpoints and what to say to an unknown one: here every path leads to it.
  for (const char* method : {"GET", "POST", "DELETE"}) {
    std::string pattern = "/v1";
    for (int depth = 1; depth <= kDeepest; ++depth) {
      pattern += "/:s" + std::to_string(depth);
      router.add({.method = method,
                  .pattern = pattern,
                  .access = "",
                  .handler = [this](http::Context& context) { return serve(context.request); },
                  .max_body = kMaxBody});
    }
  }
  for (auto& route :
       control_routes({.advance = [this](std::chrono::seconds by) { return advance(by); },
       .now = [this] { return clock_.now(); },
       .payments = [this] { return payments()["data"]; },
       .stats = [this] { return stats(); },
       .activity = [this](const std::string&account,
                          const Json&counts) { return activity(account, counts); },
       .faults = &faults_}))
    router.add(std::move(route));
  router.form_errors_with([](int status, const Error& error, std::string_view request_id) {
    return http::Reply{
        .status = status,
        .body = error_body({.type = status >= 500 ? "api_error" : "invalid_request_error",
                            .message = error.message}),
        .headers = {{"Request-Id", std::string(request_id)}}};
  });
  return router;
}

}  // namespace payoutd::sim
