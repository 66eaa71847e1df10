// A call to the simulated API and its answer, free of HTTP, so that the whole simulator can be
// driven in process; and the refusals an endpoint answers with.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace payoutd::sim {

inline constexpr std::string_view kApiVersion = "2026-07-29.dahlia";

struct Call {
  std::string method{};          // "POST"
  std::string path{};            // "/v1/payouts", decoded, without the query
  Json params = Json::object();  // form.h: leaves are strings
  std::string key{};             // the API key, from Bearer or Basic
  std::string account{};         // Stripe-Account
  std::string idempotency_key{};
  std::string version{};  // Stripe-Version
};

// How the connection ends after the answer: on demand only, see faults.h.
enum class Cut { none, reset, truncate };

struct Answer {
  int status = 200;
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
  Cut cut = Cut::none;
};

// Stripe's error object. Empty fields are left out of the answer.
struct Refusal {
  int status = 400;
  std::string type = "invalid_request_error";
  std::string code{};
  std::string message{};
  std::string param{};
  std::string decline_code{};
  std::string charge{};
  OrderedJson payment_intent{};
};

template <class T>
using Try = std::expected<T, Refusal>;
using Refused = std::unexpected<Refusal>;

Refused refuse(std::string code, std::string message, std::string param = {});
// 404 for the object a path names; 400 where a parameter names it.
Refused no_such(std::string_view kind, std::string_view id, std::string_view param = "id");

std::string error_body(const Refusal& refusal);

}  // namespace payoutd::sim
