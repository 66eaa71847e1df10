// A simulator that stands at noon of a Monday until a test moves its clock.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "stripe/sim/sim.h"
#include "stripe/sim/world/calendar.h"

namespace payoutd::sim {

inline constexpr std::int64_t kMondayNoon = 1'767'614'400;  // 2026-01-05T12:00:00Z

struct Answered {
  int status = 0;
  Json json;
  Answer answer;
  std::string id() const { return json.value("id", ""); }
  std::string error(const char* field) const {
    return json.contains("error") ? json["error"].value(field, "") : "";
  }
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : answer.headers)
      if (key == name) return value;
    return "";
  }
};

inline Answered answered(Answer answer) {
  Answered out{
      .status = answer.status, .json = Json::parse(answer.body, nullptr, false), .answer = {}};
  out.answer = std::move(answer);
  return out;
}

struct Stage {
  ManualClock clock{from_unix(kMondayNoon)};
  Sim sim;

  explicit Stage(Options options = {}) : sim(clock, std::move(options)) {}

  Answered get(const std::string& path, Json params = Json::object(), std::string account = "") {
    return answered(sim.call("GET", path, std::move(params), std::move(account)));
  }
  Answered post(const std::string& path, Json params = Json::object(), std::string account = "") {
    return answered(sim.call("POST", path, std::move(params), std::move(account)));
  }
  Answered remove(const std::string& path, std::string account = "") {
    return answered(sim.call("DELETE", path, Json::object(), std::move(account)));
  }
  void wait(std::int64_t seconds) { ASSERT_TRUE(sim.advance(std::chrono::seconds(seconds))); }

  // Money that is available at once.
  Answered charge(std::int64_t amount, std::string account = "",
                  const char* card = "pm_card_bypassPending") {
    return post("/v1/payment_intents",
                {{"amount", std::to_string(amount)},
                 {"currency", "usd"},
                 {"payment_method", card},
                 {"confirm", "true"}},
                std::move(account));
  }
  std::string connect(const std::string& number = "000123456789") {
    const auto id = post("/v1/accounts", {{"type", "custom"}, {"country", "US"}}).id();
    post("/v1/accounts/" + id + "/external_accounts", {{"external_account",
                                                        {{"object", "bank_account"},
                                                         {"country", "US"},
                                                         {"currency", "usd"},
                                                         {"routing_number", "110000000"},
                                                         {"account_number", number}}}});
    return id;
  }
  void schedule(const std::string& account, const char* interval) {
    post("/v1/accounts/" + account,
         {{"settings", {{"payouts", {{"schedule", {{"interval", interval}}}}}}}});
  }
  std::int64_t balance(const char* part, std::string account = "") {
    const auto found = get("/v1/balance", {}, std::move(account));
    return found.json[part].empty() ? 0 : found.json[part][0]["amount"].get<std::int64_t>();
  }
  // Event types of the account, oldest first.
  std::vector<std::string> events(std::string account = "", std::string type = "") {
    Json params{{"limit", "100"}};
    if (!type.empty()) params["type"] = type;
    std::vector<std::string> out;
    const auto page = get("/v1/events", params, std::move(account));
    for (const auto& event : page.json["data"])
      out.insert(out.begin(), event["type"].get<std::string>());
    return out;
  }
};

// available + pending is the sum of net, each part that of its rows, per account and currency; the
// members of each automatic payout sum to its amount.
void expect_sums(Sim& sim);

}  // namespace payoutd::sim
