#include "balances/balance.h"

#include <fmt/format.h>

#include <algorithm>

namespace payoutd::balances {
namespace {

using SteadyClock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// Somebody waits for the answer: better a 503 soon than a balance in a minute.
constexpr stripe::Retries kRetries{.give_up_after = 10s};
constexpr std::chrono::milliseconds kTimeout = 10s;
constexpr std::size_t kLongestCode = 32;

Error unreadable(const std::string& what) {
  return Error{Kind::upstream, "stripe_answer_invalid", "Stripe's balance can't be read: " + what};
}

bool fits(const Json& figure) {
  return figure.is_number_integer() &&
         !(figure.is_number_unsigned() && figure.get<std::uint64_t>() > INT64_MAX);
}

Result<Part> parse_part(const Json& json) {
  const auto amount = json.find("amount");
  const auto code = json.find("currency");
  if (amount == json.end() || !fits(*amount) || code == json.end() || !code->is_string()) {
    return unreadable("an entry without amount and currency");
  }
  Part part{amount->get<std::int64_t>(), code->get<std::string>(), {}};
  if (part.currency.empty() || part.currency.size() > kLongestCode || part.currency.contains('\0'))
    return unreadable("the currency " + dump(*code));
  std::ranges::transform(part.currency, part.currency.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const auto types = json.find("source_types");
  if (types != json.end() && types->is_object()) {
    for (const auto& [type, figure] : types->items()) {
      if (fits(figure)) part.source_types[type] = figure.get<std::int64_t>();
    }
  }
  return part;
}

Result<std::vector<Part>> parse_parts(const Json& balance, const char* name) {
  std::vector<Part> parts;
  const auto list = balance.find(name);
  if (list == balance.end() || !list->is_array()) return parts;
  for (const Json& entry : *list) {
    auto part = parse_part(entry);
    if (!part) return part.error();
    parts.push_back(std::move(*part));
  }
  return parts;
}

OrderedJson parts_json(const std::vector<Part>& parts) {
  OrderedJson list = OrderedJson::array();
  for (const Part& part : parts) {
    // How many decimals an unknown currency has is not known either.
    const auto currency = Currency::parse(part.currency);
    OrderedJson entry{
        {"amount", part.amount},
        {"amount_decimal",
         currency ? OrderedJson(to_decimal({part.amount, *currency})) : OrderedJson(nullptr)},
        {"currency", part.currency}};
    entry["source_types"] = OrderedJson::object();
    for (const auto& [type, amount] : part.source_types) entry["source_types"][type] = amount;
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

std::optional<std::int64_t> Balance::amount_in(const std::vector<Part>& parts,
                                               const Currency& currency) {
  for (const Part& part : parts) {
    if (part.currency == currency.str()) return part.amount;
  }
  return std::nullopt;
}

Result<Balance> parse_balance(const std::string& account, const std::string& body) {
  const auto json = parse_json(body);
  if (!json || !json->is_object()) return unreadable("no JSON object");
  const auto livemode = json->find("livemode");
  Balance balance{
      .account = account,
      .livemode = livemode != json->end() && livemode->is_boolean() && livemode->get<bool>()};
  for (const auto& [name, into] :
       {std::pair{"available", &balance.available}, std::pair{"pending", &balance.pending},
        std::pair{"connect_reserved", &balance.connect_reserved},
        std::pair{"instant_available", &balance.instant_available}}) {
    auto parts = parse_parts(*json, name);
    if (!parts) return parts.error();
    *into = std::move(*parts);
  }
  return balance;
}

Result<Balance> Balances::fetch(const access::ConnectedAccount& account) {
  if (client_ == nullptr) {
    return Error{Kind::retry, "stripe_not_configured",
                 "this service has no STRIPE_SECRET_KEY, so Stripe can't be asked"};
  }
  auto answer = client_->call(stripe::Request::get("/v1/balance")
                                  .on(std::string(account.stripe_header()))
                                  .with(kRetries)
                                  .with(kTimeout)
                                  .until(SteadyClock::now() + kTimeout));
  if (!answer) return answer.error();
  auto balance = parse_balance(account.id(), answer->body);
  if (!balance) return balance.error();
  balance->as_of = answer->sent_at;
  balance->read_at = SteadyClock::now();
  return balance;
}

// Ends also when reading throws: all who ask later would wait for ever.
struct Balances::Reading {
  std::mutex& mutex;
  std::condition_variable& read;
  Entry& entry;
  ~Reading() {
    const std::scoped_lock lock(mutex);
    entry.being_read = false;
    read.notify_all();
  }
};

Result<Balance> Balances::get(const access::ConnectedAccount& account) {
  std::unique_lock lock(mutex_);
  for (;;) {
    Entry& entry = entries_[account.id()];
    if (entry.balance && SteadyClock::now() - entry.balance->read_at < kept_for_)
      return *entry.balance;
    if (!entry.being_read) break;
    // One reads for all who ask meanwhile, also when it fails: one after the other they would wait
    // for a Stripe that hangs as often as they are many.
    const int reads = entry.reads;
    read_.wait(lock, [&] { return !entry.being_read || entry.reads != reads; });
    if (entry.reads != reads && entry.failure) return *entry.failure;
  }
  Entry& entry = entries_[account.id()];  // stays where it is
  entry.being_read = true;
  const auto forgotten = entry.forgotten;
  lock.unlock();
  const Reading reading{mutex_, read_, entry};
  auto balance = fetch(account);
  const std::scoped_lock keeping(mutex_);
  ++entry.reads;
  entry.failure = balance ? std::nullopt : std::optional(balance.error());
  if (balance && entry.forgotten == forgotten) entry.balance = *balance;
  return balance;
}

void Balances::forget(const std::string& account) {
  const std::scoped_lock lock(mutex_);
  Entry& entry = entries_[account];
  entry.balance.reset();
  ++entry.forgotten;
}

OrderedJson to_json(const Balance& balance) {
  const std::chrono::duration<double> age = SteadyClock::now() - balance.read_at;
  return OrderedJson{{"object", "balance"},
                     {"account", balance.account},
                     {"available", parts_json(balance.available)},
                     {"pending", parts_json(balance.pending)},
                     {"connectReserved", parts_json(balance.connect_reserved)},
                     {"instantAvailable", parts_json(balance.instant_available)},
                     {"livemode", balance.livemode},
                     {"as_of", to_iso(balance.as_of)},
                     {"age_seconds", static_cast<std::int64_t>(age.count())}};
}

}  // namespace payoutd::balances
