#include "webhooks/webhooks_api.h"

#include "http/schema.h"

namespace payoutd::webhooks {
namespace {

constexpr std::size_t kMaxBody = 2 * 1024 * 1024;

// Which of two signature headers was meant nobody can know; Stripe sends one, with several v1 in
// it.
Result<std::string> signature_of(const http::Request& request) {
  const std::string* found = nullptr;
  for (const auto& [name, value] : request.headers) {
    if (name != "stripe-signature") continue;
    if (found)
      return Error{Kind::invalid, "signature_twice",
                   "there is more than one Stripe-Signature header"};
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
    hold.refuse({Kind::retry, "inbox_full", "too many events wait; deliver it again"});
  }
  static const std::string kReceived = R"({"received":true})";
  return http::Reply{200, kReceived, "application/json", {}};
}

namespace is = http::schema;

// The fields of Stripe's event that are read here; the rest is kept as it is.
Json event_schema() {
  const Json data =
      is::object({{"object", is::any_object("The object, as it was when it happened.")}});
  Json schema =
      is::object({{"id", is::text("evt_…")},
                  {"object", {{"const", "event"}}},
                  {"type", is::text("payout.paid, charge.refunded, …")},
                  {"created", is::count("Unix seconds.")},
                  {"livemode", is::flag("Real money.")},
                  {"account", is::or_null(is::text("acct_…, of a connected account."))},
                  {"api_version", is::or_null(is::text("In which the object is written."))},
                  {"data", data}},
                 {"account", "api_version"});
  schema["properties"]["data"]["additionalProperties"] = true;
  schema["additionalProperties"] = true;
  return schema;
}

http::Docs docs() {
  http::Docs docs{
      "Receives Stripe's events, of the platform and of connected accounts. Answers 200 only after "
      "the "
      "commit that stores the event; a duplicate is answered 200 too",
      "webhooks"};
  docs.parameters = Json::parse(R"([{"name": "Stripe-Signature", "in": "header", "required": true,
    "description": "t=<unix seconds>,v1=<HMAC-SHA256 of t.body>", "schema": {"type": "string"}}])");
  docs.request_body = is::body(event_schema(), Json::parse(R"({
    "id": "evt_1QxExample", "object": "event", "type": "payout.paid", "created": 1760000000, "livemode": false,
    "account": "acct_1PlatformDemo001", "data": {"object": {"id": "po_1QxExample", "object": "payout"}}})"));
  docs.responses["200"] = is::answer(
      "Stored.", is::object({{"received", is::flag("Always true.")}}), {{"received", true}});
  docs.responses["400"] = is::refusal(
      "A bad signature, or a body that is no event.",
      {Kind::invalid, "signature_header_missing", "the Stripe-Signature header is missing"});
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
