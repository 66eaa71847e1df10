#include "webhooks/webhooks_api.h"

namespace payoutd::webhooks {
namespace {

constexpr std::size_t kMaxBody = 2 * 1024 * 1024;

// Which of two signature headers was meant nobody can know; Stripe sends one, with several v1 in it.
Result<std::string> signature_of(const http::Request& request) {
  const std::string* found = nullptr;
  for (const auto& [name, value] : request.headers) {
    if (name != "stripe-signature") continue;
    if (found) return Error{Kind::invalid, "signature_twice", "there is more than one Stripe-Signature header"};
    found = &value;
  }
  return found ? *found : std::string();
}

http::Reply receive(http::Context& context, const stripe::SignatureVerifier& verifier, Inbox& inbox,
                    const Clock& clock) {
  const http::Request& request = context.request;
  const auto signature = signature_of(request);
  if (!signature) return http::error_reply(signature.error(), request.request_id);
  if (const auto verified = verifier.verify(request.body, *signature, clock.now()); !verified) {
    return http::error_reply(verified.error(), request.request_id);
  }
  auto head = read_head(request.body);
  if (!head) return http::error_reply(head.error(), request.request_id);
  http::Hold hold = context.hold();
  if (!inbox.offer(std::move(*head), request.body, hold)) {
    hold.replace(http::error_reply(
                     Error{Kind::retry, "inbox_full", "too many events wait; deliver it again"},
                     request.request_id));
  }
  static const std::string kReceived = R"({"received":true})";
  return http::Reply{200, kReceived, "application/json", {}};
}

http::Docs docs() {
  http::Docs docs;
  docs.summary = "Receives Stripe's events, of the platform and of connected accounts. Answers 200 only "
                 "after the commit that stores the event; a duplicate is answered 200 too.";
  docs.tag = "webhooks";
  docs.parameters = Json::parse(R"([{"name": "Stripe-Signature", "in": "header", "required": true,
    "description": "t=<unix seconds>,v1=<HMAC-SHA256 of t.body>", "schema": {"type": "string"}}])");
  docs.request_body = Json::parse(R"({"required": true, "content": {"application/json": {
    "schema": {"type": "object", "required": ["id", "object", "type", "created", "livemode", "data"]},
    "example": {"id": "evt_1", "object": "event", "type": "payout.paid", "created": 1760000000,
                "livemode": false, "data": {"object": {"id": "po_1", "object": "payout"}}}}}})");
  docs.responses = Json::parse(R"({
    "200": {"description": "stored", "content": {"application/json": {
      "schema": {"type": "object", "properties": {"received": {"type": "boolean"}}},
      "example": {"received": true}}}},
    "400": {"description": "bad signature or body"},
    "413": {"description": "larger than 2 MiB"},
    "503": {"description": "not stored: the database is away, or too many events wait"}})");
  return docs;
}

}  // namespace

std::vector<http::Route> webhook_routes(const stripe::SignatureVerifier& verifier, Inbox& inbox,
                                        const Clock& clock) {
  http::Route route;
  route.method = "POST";
  route.pattern = "/webhooks/stripe";
  route.handler = [&](http::Context& context) { return receive(context, verifier, inbox, clock); };
  route.docs = docs();
  route.runs = http::Runs::on_loop;
  route.max_body = kMaxBody;
  return {std::move(route)};
}

}  // namespace payoutd::webhooks
