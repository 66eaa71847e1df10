#include "stripe/sim/wire/call.h"

#include <fmt/format.h>

namespace payoutd::sim {

Refused refuse(std::string code, std::string message, std::string param) {
  return Refused(
      Refusal{.code = std::move(code), .message = std::move(message), .param = std::move(param)});
}

Refused no_such(std::string_view kind, std::string_view id, std::string_view param) {
  return Refused(Refusal{.status = param == "id" ? 404 : 400,
                         .code = "resource_missing",
                         .message = fmt::format("No such {}: '{}'", kind, id),
                         .param = std::string(param)});
}

std::string error_body(const Refusal& refusal) {
  OrderedJson error;
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) error[name] = value;
  };
  put("charge", refusal.charge);
  put("code", refusal.code);
  put("decline_code", refusal.decline_code);
  if (!refusal.code.empty())
    error["doc_url"] = "https://stripe.com/docs/error-codes/" + refusal.code;
  put("message", refusal.message);
  put("param", refusal.param);
  if (refusal.payment_intent.is_object()) error["payment_intent"] = refusal.payment_intent;
  error["type"] = refusal.type;
  return dump(OrderedJson{{"error", std::move(error)}});
}

}  // namespace payoutd::sim
