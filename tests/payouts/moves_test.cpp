// The rows of payouts and instructions as the one place that moves them leaves them.
#include <algorithm>

#include "payouts/moves_store.h"
#include "payouts/settlement.h"
#include "payouts/world.h"

namespace payoutd::payouts {
namespace {

using moves_store::Cause;
using rails::Instruction;
using rails::InstructionState;

struct Moves : PayoutsTest {
  // An engine's payout of 10.00 euros on the manual rail.
  PayoutId make(const std::string& status, const std::string& rail = "manual") {
    const PayoutId id = PayoutId::make();
    sql(
        fmt::format("INSERT INTO payouts (organization_id, id, rail, account, amount, currency, "
                    "status, type, created,"
                    " updated, external_id) VALUES ('{0}', '{1}', '{3}', 'acct_1', 1000, 'eur', "
                    "'{2}', 'PAYOUT',"
                    " '2026-01-01Z', '2026-01-01Z', '{1}') RETURNING '' AS it",
                    org.str(), id.str(), status, rail));
    return id;
  }
  Result<void> move(std::vector<PayoutId> ids, Statuses from, Status to, Cause cause) {
    return db().transact([&](pg::Tx& tx) -> Result<void> {
      lock_payouts(tx, org, ids);
      moves_store::move(tx, {org, ids, from, to}, cause);
      return {};
    });
  }
  std::string column(const char* name, PayoutId id) {
    return sql(fmt::format("SELECT coalesce({}::text, 'null') AS it FROM payouts WHERE id = '{}'",
                           name, id.str()));
  }
  std::string trail(PayoutId id) {
    return sql(fmt::format(
        "SELECT string_agg(sequence || ' ' || kind || ' ' || coalesce(from_status, '-') || '>'"
        " || status, ', ' ORDER BY sequence) AS it FROM payout_events WHERE payout_id = '{}'",
        id.str()));
  }
  Cause cause(std::string_view kind) { return {.kind = kind, .at = from_unix(kStart)}; }
};

TEST_F(Moves, AreNumberedAndTellWhereTheyBegan) {
  const PayoutId id = make("pending");
  ASSERT_TRUE(move({id}, {Status::pending}, Status::queued, cause("due")));
  ASSERT_TRUE(move({id}, {Status::queued}, Status::processing, cause("sent")));
  EXPECT_EQ(trail(id), "1 due pending>queued, 2 sent queued>processing");
  EXPECT_EQ(column("processed_at", id), column("updated", id));
}

TEST_F(Moves, OfOneKindInOneInstantAreTwo) {
  const PayoutId id = make("processing");
  for (int i = 0; i < 2; ++i) {
    const auto noted = db().transact([&](pg::Tx& tx) -> Result<void> {
      moves_store::note(tx, org, id, cause("needs_review"));
      return {};
    });
    ASSERT_TRUE(noted);
  }
  EXPECT_EQ(trail(id),
            "1 needs_review processing>processing, 2 needs_review processing>processing");
}

// Whether the webhooks of a life are applied together or one by one.
TEST_F(Moves, OfStripesTellWhatEachEventFound) {
  Shelf shelf{org};
  const auto at = [&](const char* status) { return with(payout, {{"status", status}}); };
  shelf.event("payout.created", at("pending"), kStart);
  shelf.event("payout.updated", at("in_transit"), kStart + 5);
  shelf.event("payout.paid", at("paid"), kStart + 5);
  shelf.event("payout.failed", at("failed"), kStart + 9);
  int run = 0;
  const std::vector<Version> life = shelf.all();
  const std::vector<std::vector<Version>> together{life};
  const std::vector<std::vector<Version>> one_by_one{{life[0]}, {life[1]}, {life[2]}, {life[3]}};
  const std::vector<std::vector<Version>> in_two{{life[0]}, {life[3], life[2], life[1]}};
  for (std::vector<std::vector<Version>> calls : {together, one_by_one, in_two}) {
    const std::string account = fmt::format("acct_told{}", run++);
    for (std::vector<Version>& call : calls) {
      for (Version& version : call) version.account = account;
      apply(call);
    }
    const auto id = PayoutId::parse(
        sql(fmt::format("SELECT id::text AS it FROM payouts WHERE account = '{}'", account)));
    EXPECT_EQ(trail(*id),
              "1 payout.created ->pending, 2 payout.updated pending>in_transit, "
              "3 payout.paid in_transit>paid, 4 payout.failed paid>failed")
        << account;
  }
}

TEST_F(Moves, FromElsewhereAreABrokenPromiseAndMoveNothing) {
  const PayoutId paid = make("paid"), queued = make("queued");
  std::vector<PayoutId> both{paid, queued};
  std::ranges::sort(both);
  EXPECT_THROW((void)move(both, {Status::queued}, Status::processing, cause("sent")), Broken);
  EXPECT_EQ(column("status", paid) + column("status", queued), "paidqueued");
  // A step that the table does not have on that rail.
  const PayoutId transfer = make("queued", "stripe_transfer");
  EXPECT_THROW((void)move({transfer}, {Status::queued}, Status::paid, cause("paid")), Broken);
  EXPECT_EQ(column("status", transfer), "queued");
}

TEST_F(Moves, ReachHiddenRows) {
  const PayoutId id = make("queued");
  sql(fmt::format("UPDATE payouts SET hidden_at = now() WHERE id = '{}' RETURNING '' AS it",
                  id.str()));
  ASSERT_TRUE(move({id}, {Status::queued}, Status::processing, cause("sent")));
  EXPECT_EQ(column("status", id), "processing");
}

TEST_F(Moves, ThatFailKeepTheKeyOfTheEnginesPayouts) {
  const PayoutId id = make("processing");
  Cause refused = cause("refused");
  refused.failure_code = "account_closed";
  ASSERT_TRUE(move({id}, {Status::processing}, Status::failed, refused));
  EXPECT_EQ(column("external_id", id), id.str());
  EXPECT_EQ(column("failure_code", id), "account_closed");
  EXPECT_EQ(column("failed_at", id), column("updated", id));
}

struct Netted : Moves {
  Netted() {
    members = {make("processing"), make("processing")};
    std::ranges::sort(members);
    instruction.organization = org;
    instruction.id = InstructionId::make();
    instruction.rail = rails::RailName::stripe_transfer;
    instruction.members = members;
    instruction.account = "acct_1";
    instruction.money = {2'000, *Currency::parse("eur")};
    instruction.key = "key";
    instruction.path = "/v1/transfers";
    instruction.body = "amount=2000";
    instruction.next_look_at = from_unix(kStart + 150);
    CHECK(insert({1'000, 1'000}).ok());
  }
  Result<void> insert(const std::vector<std::int64_t>& amounts) {
    return db().transact([&](pg::Tx& tx) -> Result<void> {
      rails::instructions_store::insert(tx, instruction, amounts, from_unix(kStart));
      return {};
    });
  }
  Instruction known() {
    const auto found = db().read([&](pg::Tx& tx) -> Result<Instruction> {
      return *rails::instructions_store::find_of(tx, org, members.back());
    });
    return *found;
  }
  template <class F>
  void settle(F&& how) {
    const auto settled = db().transact([&](pg::Tx& tx) -> Result<void> {
      lock_payouts(tx, org, members);
      how(tx, *rails::instructions_store::lock_of(tx, org, members.front()));
      return {};
    });
    ASSERT_TRUE(settled);
  }
  std::string statuses() {
    return column("status", members[0]) + " " + column("status", members[1]);
  }

  std::vector<PayoutId> members;
  Instruction instruction;
};

TEST_F(Netted, InstructionsSettleEveryMember) {
  EXPECT_EQ(known().members, members);
  settle([](pg::Tx& tx, const Instruction& known) {
    settlement::not_arrived(tx, known, "no connection", from_unix(kStart));
  });
  EXPECT_EQ(statuses(), "queued queued");
  settle([](pg::Tx& tx, const Instruction& known) {
    settlement::sending(tx, known, from_unix(kStart + 20));
  });
  EXPECT_EQ(statuses(), "processing processing");
  EXPECT_EQ(column("attempts", members[1]), "2");
  settle([](pg::Tx& tx, const Instruction& known) {
    settlement::not_done(tx, known, {"no_such_account", "No such account"}, from_unix(kStart + 21));
  });
  EXPECT_EQ(statuses(), "failed failed");
  EXPECT_EQ(known().state, InstructionState::not_done);
  EXPECT_EQ(sql("SELECT count(*)::text AS it FROM instruction_payouts WHERE live"), "0");
  for (const PayoutId member : members) {
    EXPECT_EQ(trail(member),
              "1 not_arrived processing>queued, 2 sent queued>processing, 3 refused "
              "processing>failed");
  }
}

TEST_F(Netted, InstructionsCarryWhatTheirMembersAmountTo) {
  instruction.id = InstructionId::make();
  EXPECT_THROW((void)insert({1'000, 999}), Broken);
}

TEST_F(Netted, InstructionsDoneAfterTheyWereNotDoneNeedReview) {
  settle([](pg::Tx& tx, const Instruction& known) {
    settlement::not_done(tx, known, {"not_at_stripe", "two lists"}, from_unix(kStart));
  });
  settle([](pg::Tx& tx, const Instruction& known) {
    settlement::done(tx, known, "tr_1", "req_1", from_unix(kStart + 1));
  });
  EXPECT_EQ(known().state, InstructionState::needs_review);
  EXPECT_EQ(known().outcome_code, settlement::kDoneAfterNotDone);
  EXPECT_EQ(statuses(), "failed failed");
}

// A state that another transaction has changed since it was read is never overwritten.
TEST_F(Netted, InstructionsMoveFromTheStateThatWasLocked) {
  const Instruction stale = known();
  settle([](pg::Tx& tx, const Instruction& known) {
    settlement::unknown(tx, known, {"stripe_timeout", "no answer"}, from_unix(kStart));
  });
  EXPECT_THROW(settle([&](pg::Tx& tx, const Instruction&) {
                 settlement::not_arrived(tx, stale, "late", from_unix(kStart));
               }),
               Broken);
  EXPECT_EQ(known().state, InstructionState::unknown);
}

}  // namespace
}  // namespace payoutd::payouts
