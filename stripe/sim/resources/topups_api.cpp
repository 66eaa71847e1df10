// Top-ups: money that a platform adds to its balance from its bank.
#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/charges.h"
#include "stripe/sim/world/events.h"
#include "stripe/sim/world/ledger.h"

namespace payoutd::sim {
namespace {

std::string failure_of(const std::string& source) {
  if (source == "btok_us_verified_noAccount") return "no_account";
  if (source == "btok_us_verified_accountClosed") return "account_closed";
  if (source == "btok_us_verified_insufficientFunds") return "insufficient_funds";
  if (source == "btok_us_verified_debitNotAuthorized") return "debit_not_authorized";
  if (source == "btok_us_verified_invalidCurrency") return "invalid_currency";
  return "";
}

void finish(World& world, Document& topup, const std::string& failure) {
  if (topup.str("status") != "pending") return;
  Account& account = *world.store.account(topup.account);
  Edit edit(world, topup);
  if (!failure.empty()) {
    edit["status"] = "failed";
    edit["failure_code"] = failure;
    edit["failure_message"] = failure_message(failure);
    return edit.emit("topup.failed");
  }
  const Row& row = post(world, account,
                        {.type = row::topup,
                         .amount = topup.num("amount"),
                         .currency = topup.currency(),
                         .source = topup.id,
                         .description = topup.str("description")});
  edit["status"] = "succeeded";
  edit["balance_transaction"] = row.id;
  edit.emit("topup.succeeded");
}

Try<Shown> create_topup(const Ask& ask) {
  const auto amount = *ask.params.num("amount");
  if (amount < 1)
    return refuse("parameter_invalid_integer", "This value must be greater than or equal to 1.",
                  "amount");
  if (amount > 999'999'999'999)
    return refuse("amount_too_large", "Amount must be no more than $9,999,999,999.99", "amount");
  const auto source = ask.params.str("source", "btok_us_verified");
  if (!source.starts_with("btok_us_verified")) return no_such("source", source, "source");
  World& world = ask.world;
  OrderedJson json{{"id", world.id("tu", ask.account)},
                   {"object", "topup"},
                   {"amount", amount},
                   {"balance_transaction", nullptr},
                   {"created", world.now},
                   {"currency", ask.params.currency("currency")->str()},
                   {"description", or_null(ask.params.str("description"))},
                   {"expected_availability_date", world.now + world.options.timings.topup},
                   {"failure_code", nullptr},
                   {"failure_message", nullptr},
                   {"livemode", world.livemode},
                   {"metadata", OrderedJson::object()},
                   {"source", nullptr},
                   {"statement_descriptor", or_null(ask.params.str("statement_descriptor"))},
                   {"status", "pending"},
                   {"transfer_group", or_null(ask.params.str("transfer_group"))}};
  merge_metadata(json, ask.params);
  Document& topup = world.store.add(ask.account, std::move(json));
  emit(world, topup, "topup.created");
  world.at(world.now + world.options.timings.topup,
           [&topup, failure = failure_of(source)](World& w) { finish(w, topup, failure); });
  return &topup;
}

Try<Shown> get_topup(const Ask& ask) {
  auto topup = named(ask, "topup");
  if (!topup) return Refused(topup.error());
  return *topup;
}

Try<Shown> update_topup(const Ask& ask) {
  auto topup = named(ask, "topup");
  if (!topup) return Refused(topup.error());
  Edit edit(ask.world, **topup);
  merge_metadata(edit.json(), ask.params);
  if (ask.params.has("description")) edit["description"] = or_null(ask.params.str("description"));
  edit.save();
  return *topup;
}

Try<Shown> cancel_topup(const Ask& ask) {
  auto topup = named(ask, "topup");
  if (!topup) return Refused(topup.error());
  if ((*topup)->str("status") != "pending")
    return refuse("", "Only pending top-ups can be canceled.");
  Edit edit(ask.world, **topup);
  edit["status"] = "canceled";
  edit.emit("topup.canceled");
  return *topup;
}

Try<Shown> list_topups(const Ask& ask) {
  return list_kind(ask, "topup",
                   [&](const Document& topup) { return matches(ask, topup, "status"); });
}

}  // namespace

std::vector<Endpoint> topup_endpoints() {
  return {
      {"POST", "/v1/topups",
       "amount:int! currency:currency! source description statement_descriptor transfer_group "
       "metadata:map",
       create_topup},
      {"GET", "/v1/topups",
       "list created:range amount:range status:pending|succeeded|failed|canceled", list_topups},
      {"GET", "/v1/topups/:id", "", get_topup},
      {"POST", "/v1/topups/:id", "description metadata:map", update_topup},
      {"POST", "/v1/topups/:id/cancel", "", cancel_topup},
  };
}

}  // namespace payoutd::sim
