#include "stripe/outcome.h"

#include <gtest/gtest.h>

namespace payoutd::stripe {
namespace {

using enum Outcome;

struct Row {
  const char* what;
  Send send;
  Outcome first;          // of a first send
  Outcome after_unknown;  // once a send was unknown
};

Send answered(int status, bool parsed = true) {
  return {.reach = Reach::answered, .status = status, .parsed = parsed};
}
Send refused(int status, std::string type, std::string code, bool replayed = false) {
  return {Reach::answered, status, true, replayed, std::move(type), std::move(code)};
}

const Row kRows[] = {
    {"connection refused, DNS, TLS", {.reach = Reach::not_sent}, not_done, unknown},
    {"timeout, reset, truncated", {.reach = Reach::lost}, unknown, unknown},
    {"200", answered(200), done, done},
    {"200 replayed", {Reach::answered, 200, true, true}, done, done},
    {"200 that is no JSON", answered(200, false), unknown, unknown},
    {"204 without a body", answered(204, false), unknown, unknown},
    {"301 to somewhere", answered(301, false), unknown, unknown},
    {"304", answered(304, false), unknown, unknown},
    {"400 balance_insufficient", refused(400, "invalid_request_error", "balance_insufficient"),
     not_done, unknown},
    {"the same replayed", refused(400, "invalid_request_error", "balance_insufficient", true),
     not_done, not_done},
    {"400 from a proxy", answered(400, false), unknown, unknown},
    {"400 other parameters", refused(400, "idempotency_error", ""), unknown, unknown},
    {"the same replayed", refused(400, "idempotency_error", "", true), unknown, unknown},
    {"401", refused(401, "invalid_request_error", ""), not_done, unknown},
    {"402 replayed", refused(402, "card_error", "card_declined", true), not_done, not_done},
    {"402", refused(402, "card_error", "card_declined"), not_done, unknown},
    {"403", refused(403, "invalid_request_error", "account_invalid"), not_done, unknown},
    {"404", refused(404, "invalid_request_error", "resource_missing"), not_done, unknown},
    {"404 replayed", refused(404, "invalid_request_error", "resource_missing", true), not_done,
     not_done},
    {"409 key in use", refused(409, "invalid_request_error", "idempotency_key_in_use"), unknown,
     unknown},
    {"409 key in use, other type", refused(409, "idempotency_error", "idempotency_key_in_use"),
     unknown, unknown},
    {"409 key in use, replayed", refused(409, "", "idempotency_key_in_use", true), unknown,
     unknown},
    {"409 that does not say why", refused(409, "invalid_request_error", ""), unknown, unknown},
    {"409 for another reason", refused(409, "invalid_request_error", "payout_in_use"), not_done,
     unknown},
    {"409 for another reason, replayed", refused(409, "", "payout_in_use", true), not_done,
     not_done},
    {"409 from a proxy", answered(409, false), unknown, unknown},
    {"429 of a limiter", refused(429, "invalid_request_error", "rate_limit"), not_done, unknown},
    {"429 lock_timeout", refused(429, "invalid_request_error", "lock_timeout"), not_done, unknown},
    {"429 from a gateway", answered(429, false), unknown, unknown},
    {"500", refused(500, "api_error", ""), unknown, unknown},
    {"500 replayed proves nothing", refused(500, "api_error", "", true), unknown, unknown},
    {"502 from a proxy", answered(502, false), unknown, unknown},
    {"503", answered(503, false), unknown, unknown},
};

TEST(Outcome, IsWhatTheTableSays) {
  for (const Row& row : kRows) {
    EXPECT_EQ(classify({}, row.send), row.first) << row.what;
    EXPECT_EQ(classify({.unknown = true, .sends = 1}, row.send), row.after_unknown)
        << row.what << ", later";
  }
}

// The rule in its own words, over every combination of what a send can show.
Outcome by_the_rule(bool unknown_before, const Send& s) {
  const bool parsed_2xx = s.reach == Reach::answered && s.status / 100 == 2 && s.parsed;
  if (parsed_2xx) return done;
  const bool of_this_key = s.type == "idempotency_error" || s.code == "idempotency_key_in_use" ||
                           (s.status == 409 && s.code.empty() && !s.replayed);
  const bool stripe_4xx =
      s.reach == Reach::answered && s.status / 100 == 4 && s.parsed && !of_this_key;
  if (unknown_before) return stripe_4xx && s.replayed ? not_done : unknown;
  return s.reach == Reach::not_sent || stripe_4xx ? not_done : unknown;
}

TEST(Outcome, HoldsForEveryCombination) {
  int seen = 0;
  for (const auto reach : {Reach::not_sent, Reach::lost, Reach::answered}) {
    for (int status = 100; status < 600; ++status) {
      for (const bool parsed : {false, true}) {
        for (const bool replayed : {false, true}) {
          for (const char* type :
               {"", "invalid_request_error", "idempotency_error", "card_error", "api_error"}) {
            for (const char* code :
                 {"", "idempotency_key_in_use", "balance_insufficient", "lock_timeout"}) {
              for (const bool before : {false, true}) {
                // Without an answer there is no status, and without a parsed body no type or code.
                if (reach != Reach::answered && status > 100) continue;
                if (!parsed && (*type != '\0' || *code != '\0')) continue;
                const Send send{
                    reach, reach == Reach::answered ? status : 0, parsed, replayed, type, code};
                ASSERT_EQ(classify({.unknown = before}, send), by_the_rule(before, send))
                    << status << ' ' << parsed << replayed << before << ' ' << type << ' ' << code;
                ++seen;
              }
            }
          }
        }
      }
    }
  }
  EXPECT_GT(seen, 30'000);
}

TEST(Outcome, UnknownStaysUntilSomethingResolvesIt) {
  History history = after({}, {.reach = Reach::lost});
  EXPECT_TRUE(history.unknown);
  history = after(history, {.reach = Reach::not_sent});
  EXPECT_TRUE(history.unknown);
  history = after(history, refused(401, "invalid_request_error", ""));
  history = after(history, refused(429, "invalid_request_error", "rate_limit"));
  EXPECT_TRUE(history.unknown);
  EXPECT_EQ(history.sends, 3);  // the refused connection was none
  EXPECT_FALSE(after(history, refused(402, "card_error", "card_declined", true)).unknown);
  EXPECT_FALSE(after(history, answered(200)).unknown);
}

TEST(Outcome, ARefusalBeforeAnUnknownSendDoesNotResolveIt) {
  const Send limited = refused(429, "invalid_request_error", "rate_limit");
  History history = after({}, limited);
  EXPECT_FALSE(history.unknown);
  history = after(history, {.reach = Reach::lost});
  EXPECT_EQ(classify(history, limited), unknown);
}

}  // namespace
}  // namespace payoutd::stripe
