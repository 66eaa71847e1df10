#include "stripe/pages.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <charconv>

#include "stripe/world.h"

namespace payoutd::stripe {
namespace {

static_assert(std::input_iterator<Pages::Iterator>);

std::string id_of(int n) { return fmt::format("txn_{:05}", n); }

// What stands behind "name=" in a query.
std::string param(const std::string& target, std::string_view name) {
  const auto at = target.find(fmt::format("{}=", name));
  if (at == std::string::npos) return {};
  const auto from = at + name.size() + 1;
  return target.substr(from, target.find('&', from) - from);
}

int number(const std::string& id) {
  int n = 0;
  std::from_chars(id.data() + 4, id.data() + id.size(), n);
  return n;
}

// A list of objects 1 to `count` as Stripe serves it: newest first, cursors both ways.
class List {
 public:
  explicit List(int count) : count_(count) {}

  std::string page(const std::string& target) const {
    const int limit = std::stoi(param(target, "limit"));
    const std::string older = param(target, "starting_after");
    const std::string newer = param(target, "ending_before");
    int top = older.empty() ? count_ : number(older) - 1;
    bool more = false;
    if (!newer.empty()) {
      top = std::min(count_, number(newer) + limit);
      more = top < count_;
    }
    const int floor = newer.empty() ? 0 : number(newer);
    const int last = std::max(floor + 1, top - limit + 1);
    if (newer.empty()) more = last > 1;
    std::string items;
    for (int n = top; n >= last; --n) {
      if (!items.empty()) items += ", ";
      items += object(n);
    }
    return fmt::format(
        R"({{"object": "list", "data": [{}], "has_more": {}, "url": "/v1/elsewhere"}})", items,
        more);
  }
  // With what could mislead a careless cutter of text.
  static std::string object(int n) {
    return fmt::format(
        R"({{"id": "{}", "amount": {}, "description": "a \"]}}\" \\", "data": [{{"id": "x"}}], "source": null}})",
        id_of(n), n * 10);
  }

 private:
  int count_;
};

struct Shop {
  explicit Shop(int count)
      : list(count),
        wire([this](WireConnection& c, const WireRequest& r) {
          c.reply(200, list.page(r.target), "Request-Id: req_7\r\n");
        }),
        client(World(wire).client()) {}
  List list;
  Wire wire;
  std::unique_ptr<Client> client;
};

Listing listing(std::string from = "", Direction direction = Direction::newest_first) {
  return {.path = "/v1/balance_transactions", .direction = direction, .from = std::move(from)};
}

std::vector<int> read_all(Pages& pages) {
  std::vector<int> seen;
  for (const Page& page : pages) {
    for (const Item& item : page.items) seen.push_back(number(std::string(item.id)));
  }
  return seen;
}

std::vector<int> countdown(int from, int to) {
  std::vector<int> all;
  for (int n = from; n >= to; --n) all.push_back(n);
  return all;
}

TEST(Pages, GiveEveryItemOnceNewestFirst) {
  for (const int count : {1, 99, 100, 101, 250, 300}) {
    Shop shop(count);
    Pages pages = shop.client->list(listing());
    EXPECT_EQ(read_all(pages), countdown(count, 1));
    EXPECT_TRUE(pages.finished());
    EXPECT_EQ(shop.wire.requests().size(), static_cast<std::size_t>((count + 99) / 100));
  }
}

TEST(Pages, OfAnEmptyListAreOneEmptyPage) {
  Shop shop(0);
  Pages pages = shop.client->list(listing());
  const auto page = pages.next();
  ASSERT_TRUE(page);
  EXPECT_TRUE((*page)->items.empty());
  EXPECT_FALSE((*page)->has_more);
  EXPECT_EQ(*pages.next(), nullptr);
  EXPECT_TRUE(pages.finished());
}

TEST(Pages, RepeatFiltersAndAccountOnEveryPage) {
  Shop shop(250);
  Listing what = listing();
  what.query.add("created[gte]", 7).add("expand[]", "data.source");
  what.account = "acct_1";
  Pages pages = shop.client->list(what);
  read_all(pages);
  for (const auto& request : shop.wire.requests()) {
    EXPECT_EQ(param(request.target, "created[gte]"), "7");
    EXPECT_EQ(param(request.target, "limit"), "100");
    EXPECT_EQ(request.headers.at("stripe-account"), "acct_1");
    EXPECT_TRUE(request.target.starts_with("/v1/balance_transactions?"));  // not what "url" says
  }
}

TEST(Pages, ResumeAtACursor) {
  Shop shop(250);
  Pages first = shop.client->list(listing());
  const auto page = first.next();
  ASSERT_TRUE(page);
  const std::string cursor = (*page)->next;
  EXPECT_EQ(cursor, id_of(151));
  Pages rest = shop.client->list(listing(cursor));
  EXPECT_EQ(read_all(rest), countdown(150, 1));
}

TEST(Pages, GoForwardsFromAKnownObject) {
  Shop shop(250);
  Pages pages = shop.client->list(listing(id_of(20), Direction::oldest_first));
  auto expected = countdown(250, 21);
  std::ranges::reverse(expected);
  EXPECT_EQ(read_all(pages), expected);
  Pages none = shop.client->list(listing(id_of(250), Direction::oldest_first));
  const auto page = none.next();
  ASSERT_TRUE(page);
  EXPECT_EQ((*page)->next, id_of(250));  // the cursor stays where it was
}

TEST(Pages, GiveEachObjectAsItsOwnBytesAndParsed) {
  Shop shop(120);
  Pages pages = shop.client->list(listing());
  int n = 120;
  for (const Page& page : pages) {
    EXPECT_EQ(page.request_id, "req_7");
    for (const Item& item : page.items) {
      EXPECT_EQ(item.raw, List::object(n));
      EXPECT_GE(item.raw.data(), page.text.data());
      EXPECT_LE(item.raw.data() + item.raw.size(), page.text.data() + page.text.size());
      EXPECT_EQ(std::int64_t(item.object["amount"]), n * 10);
      --n;
    }
  }
  EXPECT_EQ(n, 0);
}

TEST(Pages, FetchTheNextPageMeanwhile) {
  Shop shop(250);
  Pages pages = shop.client->list(listing());
  ASSERT_TRUE(pages.next());
  EXPECT_TRUE(eventually([&] { return shop.wire.requests().size() == 2; }));
}

TEST(Pages, DoNotFetchAheadWhenToldSo) {
  Shop shop(250);
  Listing what = listing();
  what.prefetch = false;
  Pages pages = shop.client->list(what);
  ASSERT_TRUE(pages.next());
  EXPECT_EQ(shop.client->counts().calls, 1u);
}

TEST(Pages, LeftEarlyCancelWhatIsOnItsWay) {
  Shop shop(250);
  {
    Pages pages = shop.client->list(listing());
    ASSERT_TRUE(pages.next());
    EXPECT_FALSE(pages.finished());
    EXPECT_EQ(pages.finished().error().code, "stripe_list_unfinished");
  }
  EXPECT_TRUE(eventually([&] { return shop.client->counts().in_flight == 0; }));
}

TEST(Pages, AnErrorEndsTheRangeAndStays) {
  std::atomic<int> seen{0};
  const List list(250);
  Wire wire([&](WireConnection& connection, const WireRequest& request) {
    if (++seen == 2)
      return connection.reply(403, stripe_error("invalid_request_error", "account_invalid"),
                              kRequestId);
    connection.reply(200, list.page(request.target));
  });
  const auto client = World(wire).client();
  Pages pages = client->list(listing());
  EXPECT_EQ(read_all(pages).size(), 100u);
  ASSERT_FALSE(pages.finished());
  EXPECT_EQ(pages.finished().error().code, "account_invalid");
  EXPECT_FALSE(pages.next());
}

TEST(Pages, SurviveLimitsAndTruncations) {
  std::atomic<int> seen{0};
  const List list(450);
  Wire wire([&](WireConnection& connection, const WireRequest& request) {
    switch (++seen % 5) {
      case 1: return connection.reply(429, "{}");
      case 2: return connection.reset();
      case 3:
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{\"data\": [");
        return connection.end();
      case 4: return connection.reply(500, "oops");
      default: return connection.reply(200, list.page(request.target));
    }
  });
  const auto client = World(wire).client();
  Pages pages = client->list(listing());
  EXPECT_EQ(read_all(pages), countdown(450, 1));
  EXPECT_TRUE(pages.finished());
}

TEST(Pages, RefuseWhatIsNoList) {
  for (const char* body :
       {R"({"object":"payout","id":"po_1"})", R"({"object":"list","data":[],"has_more":true})",
        R"({"object":"list","data":{},"has_more":false})",
        R"({"object":"list","data":[1],"has_more":false})",
        R"({"object":"list","data":[{"id":7}],"has_more":false})",
        R"({"object":"list","data":[{}],"has_more":false})",
        R"({"object":"list","data":[{"id":"a"}]})"}) {
    Wire wire([&](WireConnection& connection, const WireRequest&) { connection.reply(200, body); });
    const auto client = World(wire).client();
    Pages pages = client->list(listing());
    const auto page = pages.next();
    ASSERT_FALSE(page) << body;
    EXPECT_EQ(page.error().code, "stripe_list_malformed");
    EXPECT_EQ(page.error().kind, Kind::upstream);
  }
}

TEST(Pages, RefuseAListThatDoesNotMoveOn) {
  Wire wire([](WireConnection& connection, const WireRequest&) {
    connection.reply(200, R"({"object":"list","data":[{"id":"txn_1"}],"has_more":true})");
  });
  const auto client = World(wire).client();
  Pages pages = client->list(listing());
  ASSERT_TRUE(pages.next());
  EXPECT_FALSE(pages.next());
}

TEST(Pages, MayBeCanceledFromAnotherThread) {
  Wire* held = nullptr;
  Wire wire([&held](WireConnection&, const WireRequest&) { held->hold(); });
  held = &wire;
  const auto client = World(wire).client();
  Pages pages = client->list(listing());
  std::jthread canceling([&] {
    eventually([&] { return wire.requests().size() == 1; });
    pages.cancel();
  });
  const auto page = pages.next();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, "stripe_call_canceled");
}

TEST(Pages, ManyListsRunAtOnce) {
  Shop shop(350);
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int n = 0; n < 8; ++n) {
      threads.emplace_back([&] {
        Pages pages = shop.client->list(listing());
        if (read_all(pages) == countdown(350, 1)) ++right;
      });
    }
  }
  EXPECT_EQ(right, 8);
}

}  // namespace
}  // namespace payoutd::stripe
