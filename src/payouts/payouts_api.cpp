#include "payouts/payouts_api.h"

#include "access/connected_accounts.h"
#include "access/principal.h"
#include "http/params.h"
#include "mirror/balance_transactions.h"
#include "payouts/payouts.h"
#include "payouts/payouts_docs.h"
#include "rails/instructions_store.h"

namespace payoutd::payouts {
namespace {

constexpr std::int64_t kMaxMembers = 1'000;

struct Query {
  PayoutFilter filter;
  http::Page page;
};

Result<Query> read_query(const http::Request& request) {
  auto fields = http::Fields::of_query(request);
  Query query;
  PayoutFilter& filter = query.filter;
  if (const auto status = fields.text({"status"})) {
    filter.status = parse_status(*status);
    if (!filter.status) {
      fields.wrong("status", "invalid_status",
                   "\"" + *status +
                       "\" is no status: give pending, approved, queued, processing, "
                       "in_transit, paid, failed or canceled");
    }
  }
  filter.type = fields.text({"type"});
  filter.priority = fields.word({"priority"}, {"instant", "priority", "normal", "low"});
  if (const auto currency = fields.currency({"currency"})) filter.currency = currency->str();
  filter.rail = fields.word({"rail"}, {"stripe_payout", "stripe_transfer", "bank_file", "manual"});
  filter.account = fields.text({"account"});
  filter.origin_module = fields.text({"origin_module"});
  filter.origin_entity_id = fields.text({"origin_entity_id"});
  filter.influencer_id = fields.text({"influencerId"});
  filter.campaign_id = fields.text({"campaignId"});
  filter.from = fields.time({"startDate", "from_date", "dateFrom"});
  filter.to = fields.time({"endDate", "to_date", "dateTo"}, DayEdge::last);
  query.page = fields.page();
  if (auto error = fields.done()) return *error;
  return query;
}

http::Reply list(pg::Database& db, const http::Request& request) {
  const auto query = read_query(request);
  if (!query) return http::error_reply(query.error(), request.request_id);
  const OrgId organization = access::principal(request).organization;
  if (query->filter.account) {
    const auto account = access::pick_account(db, organization, query->filter.account);
    if (!account) return http::error_reply(account.error(), request.request_id);
  }
  const auto answer = db.read([&](pg::Tx& tx) -> Result<OrderedJson> {
    const auto page = list_payouts(tx, organization, query->filter, query->page);
    if (!page) return page.error();
    std::vector<PayoutId> ids;
    for (const Payout& payout : page->data) ids.push_back(payout.id);
    const auto events = events_of(tx, organization, ids);
    return http::to_json(*page, [&](const Payout& payout) {
      const auto found = events.find(payout.id);
      return found == events.end() ? to_json(payout, {}) : to_json(payout, found->second.shown);
    });
  });
  if (!answer) return http::error_reply(answer.error(), request.request_id);
  return http::Reply::json(200, *answer);
}

// The reason why a payout waits, as a code and a sentence; null once its status is final.
OrderedJson waits_for(const Payout& payout, const std::optional<rails::Instruction>& instruction) {
  const auto waiting = [](const char* code, std::string message) {
    return OrderedJson{{"code", code}, {"message", std::move(message)}};
  };
  if (payout.rail != rails::RailName::stripe_payout) return nullptr;
  if (instruction && instruction->state == rails::InstructionState::needs_review) {
    return waiting("person", "Stripe's records do not tell what became of it: " +
                                 instruction->outcome_message.value_or("look there"));
  }
  if (payout.status == Status::queued) {
    return waiting("stripe",
                   "Stripe could not be reached, or asked to wait: it is sent again soon");
  }
  if (payout.status == Status::processing) {
    return waiting("stripe_answer", "what became of the request at Stripe is being found out");
  }
  if (payout.status == Status::pending)
    return waiting("submission", "Stripe has not sent it to the bank yet");
  if (payout.status == Status::in_transit) {
    return waiting("bank", payout.arrival_date
                               ? "expected at the bank on " + to_iso(*payout.arrival_date)
                               : "the bank has not confirmed it yet");
  }
  if (payout.automatic.value_or(false) && payout.reconciliation_status == "in_progress") {
    return waiting("reconciliation", "Stripe has not said yet which transactions it settled");
  }
  return nullptr;
}

// The request that was sent to Stripe, and its known outcome.
OrderedJson instruction_json(const std::optional<rails::Instruction>& one) {
  if (!one) return nullptr;
  return OrderedJson{{"id", one->id.str()},
                     {"state", word_of(one->state)},
                     {"attempt", one->attempt},
                     {"idempotency_key", one->key},
                     {"sends", one->sends},
                     {"first_sent_at", or_null(one->first_sent_at)},
                     {"last_sent_at", or_null(one->last_sent_at)},
                     {"looks", one->looks},
                     {"next_look_at", or_null(one->next_look_at)},
                     {"outcome_code", or_null(one->outcome_code)},
                     {"outcome_message", or_null(one->outcome_message)}};
}

struct Shown {
  Payout payout;
  PayoutEvents events;
};

Result<Shown> find(pg::Tx& tx, const http::Request& request) {
  const OrgId organization = access::principal(request).organization;
  auto payout = find_payout(tx, organization, request.param("id"));
  if (!payout) return payout.error();
  auto events = events_of(tx, organization, payout->id);
  return Shown{std::move(*payout), std::move(events)};
}

http::Reply show(pg::Database& db, const http::Request& request) {
  const auto answer = db.read([&](pg::Tx& tx) -> Result<OrderedJson> {
    const auto found = find(tx, request);
    if (!found) return found.error();
    const Payout& payout = found->payout;
    OrderedJson json = to_json(payout, found->events.shown);
    json["events"] = audit_trail(payout, found->events.shown);
    json["events_left_out"] = found->events.left_out;
    const auto instruction = rails::instructions_store::find_of(tx, payout.organization, payout.id);
    json["instruction"] = instruction_json(instruction);
    json["waits_for"] = waits_for(payout, instruction);
    json["balance_transactions"] = OrderedJson::array();
    if (payout.account && payout.stripe_payout_id) {
      for (const auto& row : mirror::transactions_of_payout(
               tx, payout.organization, *payout.account, *payout.stripe_payout_id, kMaxMembers)) {
        json["balance_transactions"].push_back(mirror::to_json(row));
      }
    }
    return json;
  });
  if (!answer) return http::error_reply(answer.error(), request.request_id);
  return http::Reply::json(200, *answer);
}

http::Reply show_events(pg::Database& db, const http::Request& request) {
  const auto answer = db.read([&](pg::Tx& tx) -> Result<OrderedJson> {
    const auto found = find(tx, request);
    if (!found) return found.error();
    return OrderedJson{{"data", audit_trail(found->payout, found->events.shown)},
                       {"left_out", found->events.left_out}};
  });
  if (!answer) return http::error_reply(answer.error(), request.request_id);
  return http::Reply::json(200, *answer);
}

http::Reply timeline(pg::Database& db, const http::Request& request) {
  const auto answer = db.read([&](pg::Tx& tx) -> Result<OrderedJson> {
    const auto found = find(tx, request);
    if (!found) return found.error();
    const Payout& payout = found->payout;
    return OrderedJson{{"id", payout.id.str()},
                       {"status", payout.status.text},
                       {"requested", or_null(payout.requested_at)},
                       {"approved", or_null(payout.approved_at)},
                       {"processing", or_null(payout.processed_at)},
                       {"paid", or_null(paid_at(payout, found->events.shown))},
                       {"failed", or_null(payout.failed_at)},
                       {"statusHistory", status_history(payout, found->events.shown)},
                       {"left_out", found->events.left_out}};
  });
  if (!answer) return http::error_reply(answer.error(), request.request_id);
  return http::Reply::json(200, *answer);
}

}  // namespace

std::vector<http::Route> payout_routes(pg::Database& db) {
  const auto with =
      [&db](http::Reply (*serve)(pg::Database&, const http::Request&)) -> http::Handler {
    return [&db, serve](http::Context& context) { return serve(db, context.request); };
  };
  return {{"GET", "/api/payouts", "read", with(list), list_docs()},
          {"GET", "/api/payouts/:id", "read", with(show), show_docs()},
          {"GET", "/api/payouts/:id/timeline", "read", with(timeline), timeline_docs()},
          {"GET", "/api/payouts/:id/audit-trail", "read", with(show_events), audit_trail_docs()}};
}

}  // namespace payoutd::payouts
