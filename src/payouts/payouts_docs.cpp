#include "payouts/payouts_docs.h"

#include "http/page.h"
#include "http/schema.h"
#include "mirror/balance_transactions_api.h"
#include "payouts/in_doubt.h"

namespace payoutd::payouts {
namespace {

namespace is = http::schema;

constexpr const char* kLeftOut =
    "How many changes stand between the first 500 and the newest 500, where there are more.";

Json status_schema(const char* about) {
  return is::word(about, {"pending", "approved", "queued", "processing", "in_transit", "paid",
                          "failed", "canceled"});
}

Json rail_schema(const char* about) {
  return is::word(about, {"stripe_payout", "stripe_transfer", "bank_file", "manual"});
}

Json text_or_null(const char* about) { return is::or_null(is::text(about)); }
Json time_or_null(const char* about) { return is::or_null(is::time(about)); }
Json minor_or_null(const char* about) { return is::or_null(is::minor(about)); }

void add_money(Json& fields) {
  fields["amount"] = is::minor("Gross, in minor units.");
  fields["amount_decimal"] = text_or_null("The same: \"1000.00\".");
  fields["currency"] = is::text("ISO 4217, lower case.");
  fields["molam_fee"] =
      minor_or_null("The platform's fee, in minor units; of the engine's payouts.");
  fields["bank_fee"] = minor_or_null("The bank's fee, in minor units; of the engine's payouts.");
  fields["tax"] = minor_or_null("In minor units; of the engine's payouts.");
  fields["net_amount"] = minor_or_null("amount - fees - tax; of the engine's payouts.");
}

void add_stripe(Json& fields) {
  fields["account"] = text_or_null("The account it is paid from: acct_…");
  fields["stripe_payout_id"] = text_or_null("po_…");
  fields["arrival_date"] = time_or_null("When Stripe expects it at the bank.");
  fields["automatic"] = is::or_null(is::flag("Made by Stripe's schedule, not asked for."));
  fields["destination"] = text_or_null("The bank account or card at Stripe: ba_…");
  fields["failure_code"] = text_or_null("account_closed, no_account, …");
  fields["failure_message"] = text_or_null("Why, in words.");
  fields["reconciliation_status"] =
      text_or_null("completed, in_progress or not_applicable, by Stripe.");
  fields["trace_id"] = text_or_null("By which the bank finds it.");
}

void add_origin(Json& fields) {
  fields["origin_module"] = text_or_null("Who asked the engine.");
  fields["origin_entity_id"] = text_or_null("For whom.");
  fields["influencerId"] = text_or_null("Of a commission.");
  fields["campaignId"] = text_or_null("Of a campaign's payment.");
  fields["invoiceId"] = text_or_null("The invoice that it pays.");
  fields["poId"] = text_or_null("The purchase order that it pays.");
  fields["beneficiary"] = {{"type", "null"},
                           {"description", "Where it goes, masked; only of the engine's payouts."}};
  fields["batch_id"] = is::or_null(is::uuid("The batch that it is executed in."));
  fields["hold_id"] = is::or_null(is::uuid("The hold of its money."));
  fields["external_id"] = text_or_null("The Idempotency-Key that it was asked for with.");
  fields["reference_code"] = text_or_null("On the bank statement.");
}

constexpr const char* kSeenAt =
    "When Stripe was asked and showed it, where no event had told of it; null otherwise.";
constexpr const char* kPaidAt =
    "When it was paid: the second of Stripe's payout.paid, or Stripe's arrival date; null where "
    "neither is known, or the payout was seen paid before that date or under way after it.";
constexpr const char* kFailedAt =
    "When it failed: the second of Stripe's payout.failed, or of the balance transaction that gave "
    "the money back; null where neither is known.";
constexpr const char* kProcessedAt =
    "When it was first sent to Stripe; a payout of Stripe's own: when Stripe made it.";

Json status_history_schema() {
  return is::array(is::object({{"status", status_schema("The status it took.")},
                               {"timestamp", time_or_null("Since when; null where nobody said.")},
                               {"seen_at", time_or_null(kSeenAt)},
                               {"changedBy", is::text("stripe, or the actor.")},
                               {"notes", text_or_null("What was said about it.")}}),
                   "The statuses it went through.");
}

void add_progress(Json& fields) {
  const Json block = is::object(
      {{"code", is::text("pending_kyc, paused, …")}, {"message", is::text("In words.")}});
  fields["attempts"] = is::count("Sends begun so far.");
  fields["next_attempt_at"] = time_or_null("When it is looked into, or sent again, next.");
  fields["returned_at"] = time_or_null("When the bank sent it back, if that is known.");
  fields["blocks"] = is::array(block, "Why it may not be paid now.");
  fields["created_by"] = text_or_null("stripe, or the actor who asked for it.");
  fields["approved_by"] = text_or_null("The last signature's actor.");
  fields["requestedAt"] = time_or_null("When it was asked for.");
  fields["approvedAt"] = time_or_null("When it was approved.");
  fields["processedAt"] = time_or_null(kProcessedAt);
  fields["paidAt"] = time_or_null(kPaidAt);
  fields["failedAt"] = time_or_null(kFailedAt);
  fields["statusHistory"] = status_history_schema();
  fields["created"] = is::time("At Stripe, where it was made there.");
  fields["updated"] = is::time("When Stripe last showed it, or we changed it.");
}

Json event_schema() {
  return is::object(
      {{"id", is::uuid("Ours.")},
       {"sequence", is::count("Of the payout's changes, from 1, in the order of writing.")},
       {"kind", is::text("payout.paid, seen, sent, …")},
       {"from_status", text_or_null("The payout's before; null for the first, and where it was "
                                    "not kept.")},
       {"status", status_schema("The payout's afterwards.")},
       {"timestamp", time_or_null("When it happened; null where nobody said.")},
       {"seen_at", time_or_null(kSeenAt)},
       {"notes", text_or_null("What was said about it.")},
       {"changedBy", is::text("stripe, or the actor.")},
       {"source", is::word("How we learned of it.", {"event", "list", "fetch", "engine"})},
       {"stripe_event_id", text_or_null("evt_…")},
       {"detail", is::any_object("What else changed.")},
       {"recorded_at", is::time("When it was written down.")}});
}

Json event_example() {
  return Json::parse(
      R"({"id": "019a9f3c-6a10-7b6e-8d0a-5f1c2e3d4b5a", "sequence": 3, "kind": "payout.paid",
    "from_status": "in_transit", "status": "paid", "timestamp": "2026-03-03T09:00:00Z", "seen_at": null, "notes": null, "changedBy": "stripe",
    "source": "event",
    "stripe_event_id": "evt_1QxExample", "detail": {}, "recorded_at": "2026-03-03T09:00:01.2Z"})");
}

void say_id(http::Docs& docs) {
  docs.parameters.push_back({{"name", "id"},
                             {"in", "path"},
                             {"required", true},
                             {"description", "Our id, or Stripe's: po_…"},
                             {"schema", {{"type", "string"}}}});
}

Json filter_parameters() {
  Json all = http::page_parameters();
  all.push_back(
      is::query("status", "In any case; settled, sent, scheduled and cancelled are taken too."));
  all.push_back(is::query("type", "bank_account, card, or a purpose of the engine's."));
  all.push_back(is::query("priority", "Of the engine's.",
                          is::word("", {"instant", "priority", "normal", "low"})));
  all.push_back(is::query("currency", "ISO 4217, in any case."));
  all.push_back(is::query("rail", "How it is paid.", rail_schema("")));
  all.push_back(is::account_query());
  for (const char* name : {"origin_module", "origin_entity_id", "influencerId", "campaignId"}) {
    all.push_back(is::query(name, "Exactly this one."));
  }
  is::add_dates(all);
  return all;
}

Json payout_fields() {
  Json fields{
      {"id", is::uuid("Ours.")},
      {"status", status_schema("Stripe's word, or the engine's.")},
      {"type",
       is::text("bank_account or card for Stripe's payouts, the purpose for the engine's.")},
      {"rail", rail_schema("How it is paid.")},
      {"priority", text_or_null("instant, priority, normal, low; of the engine's payouts.")},
      {"method", text_or_null("standard or instant, of Stripe's payouts.")},
      {"scheduled_run", time_or_null("Not before.")},
      {"description", text_or_null("As it was asked for.")},
      {"notes", text_or_null("For people.")},
      {"metadata", is::map(is::text("At most 500 characters."), "As it was asked for.")}};
  add_money(fields);
  add_stripe(fields);
  add_origin(fields);
  add_progress(fields);
  return fields;
}

Json wanted_schema() {
  Json amount = is::minor("Minor units; or amount_decimal.");
  amount["minimum"] = 1;
  const auto text = [](const char* about, std::size_t max) {
    Json schema = is::text(about);
    schema["maxLength"] = max;
    return schema;
  };
  Json schema = is::object(
      {{"amount", amount},
       {"amount_decimal", is::text("In place of amount: \"1000.00\".")},
       {"currency", is::text("ISO 4217, in any case; default: the account's.")},
       {"method", is::word("Default standard.", {"standard", "instant"})},
       {"description", text("Shown at Stripe.", 500)},
       {"account", is::text("acct_…; default: the organization's default account.")},
       {"metadata", is::map(text("", 500), "At most 47; keys of at most 40 characters.")}},
      {"amount", "amount_decimal", "currency", "method", "description", "account", "metadata"});
  schema["anyOf"] = {{{"required", {"amount"}}}, {{"required", {"amount_decimal"}}}};
  return schema;
}

}  // namespace

Json payout_schema() { return is::object(payout_fields()); }

Json payout_example() {
  return Json::parse(R"({
    "id": "019a9f3c-52c1-7b6e-8d0a-5f1c2e3d4b5a", "status": "paid", "type": "bank_account", "rail": "stripe_payout",
    "amount": 100000, "amount_decimal": "1000.00", "currency": "eur", "molam_fee": null, "bank_fee": null,
    "tax": null, "net_amount": null, "priority": null, "method": "standard", "scheduled_run": null,
    "description": "March", "notes": null, "metadata": {"invoice": "7"}, "account": "acct_1PlatformDemo001",
    "stripe_payout_id": "po_1QxExample", "arrival_date": "2026-03-03T00:00:00Z", "automatic": false,
    "destination": "ba_1QxExample", "failure_code": null, "failure_message": null,
    "reconciliation_status": "not_applicable", "trace_id": null, "origin_module": null, "origin_entity_id": null,
    "influencerId": null, "campaignId": null, "invoiceId": null, "poId": null, "beneficiary": null,
    "batch_id": null, "hold_id": null, "external_id": "march-1", "reference_code": null, "attempts": 1,
    "next_attempt_at": null, "returned_at": null, "blocks": [],
    "created_by": "key:019a9f3c-1111-7b6e-8d0a-5f1c2e3d4b5a", "approved_by": null,
    "requestedAt": "2026-03-01T09:30:00Z", "approvedAt": null, "processedAt": "2026-03-01T09:30:00Z",
    "paidAt": "2026-03-03T09:00:00Z", "failedAt": null,
    "statusHistory": [
      {"status": "processing", "timestamp": "2026-03-01T09:30:00Z", "seen_at": null,
       "changedBy": "key:019a9f3c-1111-7b6e-8d0a-5f1c2e3d4b5a", "notes": null},
      {"status": "paid", "timestamp": "2026-03-03T09:00:00Z", "seen_at": null,
       "changedBy": "stripe", "notes": null}],
    "created": "2026-03-01T09:30:00Z", "updated": "2026-03-03T09:00:01.2Z"})");
}

PayoutId example_id() { return *PayoutId::parse(payout_example()["id"].get<std::string>()); }

Json instruction_schema() {
  return is::object(
      {{"id", is::uuid("Ours.")},
       {"state", is::word("What is known of it.",
                          {"ready", "sending", "unknown", "done", "not_done", "needs_review"})},
       {"attempt", is::count("Under a key of its own.")},
       {"idempotency_key", is::text("The one that Stripe was sent.")},
       {"sends", is::count("Under that key.")},
       {"first_sent_at", time_or_null("When it was first sent.")},
       {"last_sent_at", time_or_null("When it was last sent.")},
       {"looks", is::count("How often it was looked into what became of it.")},
       {"next_look_at", time_or_null("When it is looked into next; the pauses grow.")},
       {"outcome_code", text_or_null("Why it is not done.")},
       {"outcome_message", text_or_null("The same in words.")}});
}

Json instruction_example() {
  return Json::parse(
      R"({"id": "019a9f3c-6a11-7b6e-8d0a-5f1c2e3d4b5a", "state": "done", "attempt": 1,
    "idempotency_key": "payoutd-019a9f3c-6a0f-7b6e-8d0a-5f1c2e3d4b5a-1", "sends": 1,
    "first_sent_at": "2026-03-01T09:30:00Z", "last_sent_at": "2026-03-01T09:30:00Z", "looks": 0,
    "next_look_at": null, "outcome_code": null,
    "outcome_message": null})");
}

http::Docs list_docs() {
  http::Docs docs{"Payouts of all the organization's accounts, newest first", "payouts"};
  docs.parameters = filter_parameters();
  docs.responses["200"] = is::answer(
      "One page.", is::page(payout_schema()),
      {{"data", Json::array({payout_example()})}, {"has_more", false}, {"next_cursor", nullptr}});
  return docs;
}

http::Docs show_docs() {
  http::Docs docs{
      "One payout with its balance transactions, what happened to it, and what it waits for",
      "payouts"};
  say_id(docs);
  Json fields = payout_fields();
  fields["events"] = is::array(event_schema(), "Every change, in order.");
  fields["events_left_out"] = is::count(kLeftOut);
  fields["waits_for"] = is::or_null(is::object(
      {{"code", is::text("stripe, stripe_answer, submission, bank, reconciliation, person")},
       {"message", is::text("In words.")}}));
  fields["instruction"] = is::or_null(instruction_schema());
  fields["balance_transactions"] =
      is::array(mirror::balance_transaction_schema(),
                "What an automatic payout settled, its own row included.");
  Json example = payout_example();
  example["events"] = Json::array({event_example()});
  example["events_left_out"] = 0;
  example["waits_for"] = nullptr;
  example["instruction"] = instruction_example();
  example["balance_transactions"] = Json::array({mirror::balance_transaction_example()});
  docs.responses["200"] = is::answer("The payout.", is::object(std::move(fields)), example);
  return docs;
}

http::Docs timeline_docs() {
  http::Docs docs{"When a payout was requested, approved, processed, paid, failed", "payouts"};
  say_id(docs);
  const Json schema = is::object({{"id", is::uuid("Ours.")},
                                  {"status", status_schema("As it stands.")},
                                  {"requested", time_or_null("When it was asked for.")},
                                  {"approved", time_or_null("When it was approved.")},
                                  {"processing", time_or_null(kProcessedAt)},
                                  {"paid", time_or_null(kPaidAt)},
                                  {"failed", time_or_null(kFailedAt)},
                                  {"statusHistory", status_history_schema()},
                                  {"left_out", is::count(kLeftOut)}});
  const Json payout = payout_example();
  docs.responses["200"] = is::answer("The dates.", schema,
                                     {{"id", payout["id"]},
                                      {"status", "paid"},
                                      {"requested", payout["requestedAt"]},
                                      {"approved", nullptr},
                                      {"processing", payout["processedAt"]},
                                      {"paid", payout["paidAt"]},
                                      {"failed", nullptr},
                                      {"statusHistory", payout["statusHistory"]},
                                      {"left_out", 0}});
  return docs;
}

http::Docs audit_trail_docs() {
  http::Docs docs{"Every change of a payout, in order: status, timestamp, notes, changedBy",
                  "payouts"};
  say_id(docs);
  docs.responses["200"] = is::answer("The first and the newest of them.",
                                     is::object({{"data", is::array(event_schema(), "In order.")},
                                                 {"left_out", is::count(kLeftOut)}}),
                                     {{"data", Json::array({event_example()})}, {"left_out", 0}});
  return docs;
}

http::Docs create_docs() {
  http::Docs docs{
      "Pays an amount of an account's Stripe balance out to its bank. `status` is Stripe's word; "
      "queued "
      "while Stripe can't be reached, processing while its answer is not known",
      "payouts"};
  docs.request_body = is::body(wanted_schema(),
                               {{"amount", 100000}, {"currency", "eur"}, {"description", "March"}});
  docs.responses["201"] = is::answer(
      "The payout. Where `status` is processing, Stripe's answer is not known yet: GET "
      "/api/payouts/{id} "
      "tells once it is. The same key gives this first answer again.",
      payout_schema(), payout_example());
  docs.responses["404"] =
      is::refusal("The organization has no such account.",
                  {Kind::missing, "account_not_found",
                   "your organization has no such connected account", "account"});
  docs.responses["409"] = is::refusal(
      "account_deauthorized: the named account took its authorization back; "
      "default_account_inactive: no "
      "`account` was named, and the default one did; another_platform: STRIPE_SECRET_KEY is not of "
      "this "
      "database's platform; or idempotency_key_in_use.",
      {Kind::refused, "default_account_inactive",
       "the default account acct_1PlatformDemo001 took its authorization back, and no other one is "
       "paid from in its place: name one in `account`, or have an admin choose with PUT "
       "/api/accounts/{id}/default",
       "account"});
  docs.responses["422"] = is::refusal(
      "It can't be paid as it stands: balance_insufficient, amount_too_large, amount_precision, "
      "amount_step_invalid, "
      "what Stripe refuses, or idempotency_key_reused.",
      {Kind::unprocessable, "balance_insufficient",
       "1000.00 eur were asked for; 12.50 eur are available", "amount"});
  docs.responses["502"] = is::shared("Upstream");
  docs.responses["503"] = is::refusal(
      "The same request may work later; see Retry-After. After outcome_unknown the payout may have "
      "been made: "
      "`details` name its id. Look there, or send the request again with the same Idempotency-Key, "
      "never "
      "without it. Every other 503 says that this request paid nothing; an earlier one with the "
      "same key may have.",
      may_be_paid(example_id(), "march-1"));
  return docs;
}

http::Docs cancel_docs() {
  http::Docs docs{
      "Cancels a manual payout that Stripe has not sent yet; 409 with the reason otherwise",
      "payouts"};
  say_id(docs);
  Json example = payout_example();
  example["status"] = "canceled";
  example["paidAt"] = nullptr;
  docs.responses["200"] = is::answer("The canceled payout.", payout_schema(), example);
  docs.responses["409"] =
      is::refusal("payout_not_cancelable, with the reason; or idempotency_key_in_use.",
                  {Kind::refused, "payout_not_cancelable",
                   "the payout is paid; Stripe cancels only pending ones"});
  docs.responses["503"] = is::refusal(
      "The same request may work later; see Retry-After. After outcome_unknown it may be canceled: "
      "look at it, "
      "or ask again.",
      may_be_canceled(example_id()));
  return docs;
}

}  // namespace payoutd::payouts
