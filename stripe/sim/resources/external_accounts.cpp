#include "stripe/sim/resources/external_accounts.h"

#include <fmt/format.h>

#include <algorithm>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/cards.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

std::string last4(std::string_view number) {
  return std::string(number.substr(number.size() > 4 ? number.size() - 4 : 0));
}

OrderedJson bank_object(World& world, const Account& account, const BankOrder& order) {
  OrderedJson methods = OrderedJson::array({"standard"});
  if (bank_fate(order.number).instant) methods.push_back("instant");
  return {{"id", world.id("ba", account)},
          {"object", "bank_account"},
          {"account", account.id},
          {"account_holder_name", or_null(order.holder)},
          {"account_holder_type", "company"},
          {"account_type", nullptr},
          {"available_payout_methods", methods},
          {"bank_name", "STRIPE TEST BANK"},
          {"country", order.country},
          {"created", world.now},
          {"currency", order.currency},
          {"customer", nullptr},
          {"default_for_currency", false},
          {"fingerprint", "AuoSJ18zsVWV" + last4(order.number)},
          {"last4", last4(order.number)},
          {"metadata", OrderedJson::object()},
          {"routing_number", or_null(order.routing)},
          {"status", "new"}};
}

OrderedJson card_object(World& world, const Account& account, const Card& card,
                        const std::string& currency) {
  OrderedJson out{{"id", world.id("card", account)}, {"object", "card"}, {"account", account.id}};
  for (const char* field :
       {"address_city", "address_country", "address_line1", "address_line1_check", "address_line2",
        "address_state", "address_zip", "address_zip_check"})
    out[field] = nullptr;
  out["available_payout_methods"] =
      card.instant ? OrderedJson::array({"standard", "instant"}) : OrderedJson::array({"standard"});
  out["brand"] = card.brand == "visa"         ? "Visa"
                 : card.brand == "mastercard" ? "MasterCard"
                                              : "Discover";
  out["country"] = card.country;
  out["created"] = world.now;
  out["currency"] = currency;
  out["customer"] = nullptr;
  out["cvc_check"] = "pass";
  out["default_for_currency"] = false;
  out["dynamic_last4"] = nullptr;
  out["exp_month"] = 8;
  out["exp_year"] = 2035;
  out["fingerprint"] = "AOB934RVNwzk" + last4(card.number);
  out["funding"] = card.funding;
  out["last4"] = last4(card.number);
  out["metadata"] = OrderedJson::object();
  out["name"] = nullptr;
  out["regulated_status"] = nullptr;
  out["status"] = "new";
  out["tokenization_method"] = nullptr;
  return out;
}

Document& attach(World& world, Account& account, OrderedJson object) {
  const bool first = default_destination(account, object["currency"].get<std::string>()) == nullptr;
  Document& added = world.store.add(account, std::move(object));
  if (first) make_default(world, account, added);
  account.totals[*Currency::parse(added.str("currency"))];
  show_on_account(world, account);
  emit(world, added, "account.external_account.created");
  return added;
}

Try<void> check_token(const std::string& token) {
  if (token.starts_with("btok_")) return {};
  const Card* card = find_card(token);
  if (!card) return no_such("token", token, "external_account");
  if (card->funding != "debit")
    return refuse("invalid_card_type", "The card must be a non-prepaid debit card.",
                  "external_account");
  return {};
}

Document& attach_token(World& world, Account& account, const std::string& token) {
  const auto currency = account.object->str("default_currency");
  if (token.starts_with("btok_")) return attach_bank(world, account, {.currency = currency});
  const Card& card = *find_card(token);
  Document& added = attach(world, account, card_object(world, account, card, currency));
  added.hidden["card"] = card.number;
  return added;
}

}  // namespace

void show_on_account(World& world, Account& account) {
  Edit edit(world, *account.object);
  auto& data = edit["external_accounts"]["data"];
  data = OrderedJson::array();
  for (const Document* destination : destinations_of(account)) data.push_back(destination->json);
  edit.save();
}

void make_default(World& world, Account& account, Document& chosen) {
  for (Document* other : destinations_of(account)) {
    if (other->str("currency") != chosen.str("currency")) continue;
    Edit edit(world, *other);
    edit["default_for_currency"] = other == &chosen;
    edit.save();
  }
}

std::vector<Document*> destinations_of(const Account& account) {
  std::vector<Document*> out;
  for (const char* kind : {"bank_account", "card"}) {
    const auto it = account.documents.find(kind);
    if (it == account.documents.end()) continue;
    for (Document* document : it->second)
      if (document->listed && document->str("account") == account.id) out.push_back(document);
  }
  std::ranges::sort(out, {}, [](const Document* d) { return std::pair(d->created, d->sequence); });
  return out;
}

Document* default_destination(const Account& account, const std::string& currency) {
  for (Document* document : destinations_of(account))
    if (document->str("currency") == currency && document->flag("default_for_currency"))
      return document;
  return nullptr;
}

Try<void> check_external(const Params& params) {
  if (const auto token = params.str("external_account"); !token.empty()) return check_token(token);
  const std::string at = "external_account.";
  if (params.str(at + "object") != "bank_account")
    return refuse("", "Invalid external_account: must be a token or a bank_account",
                  "external_account");
  for (const char* field : {"account_number", "country", "currency"})
    if (params.str(at + field).empty())
      return refuse("parameter_missing",
                    fmt::format("Missing required param: external_account[{}].", field),
                    fmt::format("external_account[{}]", field));
  if (!params.currency(at + "currency"))
    return refuse("", "Invalid currency.", "external_account[currency]");
  return {};
}

Document& attach_external(World& world, Account& account, const Params& params) {
  if (const auto token = params.str("external_account"); !token.empty())
    return attach_token(world, account, token);
  const std::string at = "external_account.";
  return attach_bank(world, account,
                     {.number = params.str(at + "account_number"),
                      .routing = params.str(at + "routing_number"),
                      .currency = params.currency(at + "currency")->str(),
                      .country = params.str(at + "country"),
                      .holder = params.str(at + "account_holder_name")});
}

Document& attach_bank(World& world, Account& account, const BankOrder& order) {
  Document& bank = attach(world, account, bank_object(world, account, order));
  bank.hidden["number"] = order.number;
  if (order.replaces) {
    make_default(world, account, bank);
    show_on_account(world, account);
  }
  return bank;
}

}  // namespace payoutd::sim
