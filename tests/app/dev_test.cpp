// `payoutd dev`: its own database and no other, and an end in time whatever its Stripe does.
#include <sys/stat.h>

#include <filesystem>
#include <system_error>

#include "world.h"

namespace payoutd::app {
namespace {

// Far beyond every bound of a stop.
constexpr int kHeldMs = 600'000;

struct Dev : ProgramTest {
  Dev() {
    CHECK(::mkdtemp(folder.data()) != nullptr);
    ::chmod(folder.c_str(), 0755);  // run as root, the database's own user must reach it
  }
  ~Dev() override {
    program.reset();
    std::error_code still_ending;  // of a server whose program was killed
    std::filesystem::remove_all(folder, still_ending);
  }
  std::string data_dir() const { return folder + "/data"; }

  void run_dev() {
    program = std::make_unique<Program>(
        std::vector<std::string>{"dev", "--json", "--no-activity", "--listen", "127.0.0.1:0",
                                 "--sim-listen", "127.0.0.1:0", "--data-dir", data_dir()},
        Environment{{"DATABASE_URL", url().reveal()},
                    {"PAYOUTD_REPLICA_URL", "mysql://of-another-project"},
                    {"PAYOUTD_LOG", "info"}});
  }
  // What it prints once it is ready; asking() and get() are then about it.
  void start_dev() {
    run_dev();
    // Half a year of history is made first.
    for (int minutes = 0; minutes < 5 && !eventually([&] { return has_begun(); }); ++minutes) {
    }
    ASSERT_FALSE(access.is_null()) << program->said();
    port = port_of("url");
    key = access.at("keys").at("admin");
  }
  bool has_begun() {
    const std::string said = program->printed();
    const auto begin = said.find("{\"url\"");
    const auto end = begin == std::string::npos ? begin : said.find('\n', begin);
    if (end != std::string::npos) access = Json::parse(said.substr(begin, end - begin));
    return !access.is_null() || program->ended(std::chrono::seconds(0)).has_value();
  }
  std::uint16_t port_of(const char* url) const {
    const std::string text = access.at(url);
    return static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':') + 1)));
  }
  void fault(const Json& one) const {
    http::Client client(port_of("stripe_api_base"));
    const auto answered = client.ask(http::post("/_sim/faults", one.dump()), kPatienceMs);
    ASSERT_EQ(answered.status, 200) << answered.body;
  }
  void hold_up(const char* method, const char* path, int count = 0) const {
    fault(
        {{"method", method}, {"path", path}, {"do", "latency"}, {"ms", kHeldMs}, {"count", count}});
  }
  Json ask_sim(const char* path) const {
    http::Client client(port_of("stripe_api_base"));
    return Json::parse(client.ask(http::get(path), kPatienceMs).body);
  }
  bool holds_up(int requests) const {
    return eventually([&] { return ask_sim("/_sim/stats").at("in_flight") >= requests; });
  }
  // A fault for one request is not listed any more once that has come.
  bool waits_for_one() const {
    return std::ranges::any_of(ask_sim("/_sim/faults").at("data"),
                               [](const Json& one) { return one.at("count") == 1; });
  }
  http::Client paying_euros() const {
    return asking("POST", "/api/payouts", R"({"amount": 1000, "currency": "eur"})",
                  "Idempotency-Key: k1\r\n");
  }
  // The deadline of the stop, which ends whatever still runs, was not needed.
  void expect_ends_by_itself() {
    program->signal(SIGTERM);
    const auto code = program->ended();
    ASSERT_TRUE(code.has_value()) << "it still runs\n" << program->said();
    EXPECT_EQ(*code, 0) << program->said();
    EXPECT_FALSE(program->says("cut off")) << program->said();
  }

  std::string folder = "/tmp/payoutd-dev-XXXXXX";
  Json access;
};

TEST_F(Dev, WritesNothingIntoTheDatabaseOfTheSettingsAndEndsWhileItsStripeHangs) {
  start_dev();
  EXPECT_TRUE(program->says("DATABASE_URL and PAYOUTD_REPLICA_URL are not used"))
      << program->said();
  EXPECT_NE(access.at("database_url"), url().reveal());
  EXPECT_EQ(sql("SELECT count(*)::text FROM organizations"), "1");
  EXPECT_EQ(sql("SELECT string_agg(stripe_account_id, ' ') FROM connected_accounts"), shop);
  hold_up("POST", "/v1/payouts", 1);
  hold_up("POST", "/v1/payouts");
  hold_up("GET", "/v1/balance_transactions");
  ASSERT_TRUE(waits_for_one());
  auto payer = paying_euros();
  ASSERT_TRUE(eventually([&] { return !waits_for_one(); })) << program->said();
  auto syncing = asking("POST", "/api/balance/transactions/sync");
  hold_up("GET", "/v1/balance");
  const std::string other = access.at("accounts").at(1);
  auto reader = asking("GET", "/api/balance?account=" + other);
  ASSERT_TRUE(holds_up(3)) << program->said();
  expect_ends_by_itself();
  const auto paid = payer.read();
  EXPECT_EQ(paid.status, 201) << paid.body;
  EXPECT_EQ(Json::parse(paid.body).at("status"), "processing");
  EXPECT_EQ(reader.read().code(), "stripe_client_stopping");
}

TEST_F(Dev, EndsWhileItsStripeBreaksOff) {
  start_dev();
  fault({{"method", "POST"}, {"path", "/v1/payouts"}, {"do", "reset_before"}, {"count", 0}});
  fault({{"method", "GET"}, {"path", "/v1/*"}, {"do", "status"}, {"status", 429}, {"count", 0}});
  fault({{"method", "POST"}, {"path", "/v1/*"}, {"do", "status"}, {"status", 500}, {"count", 0}});
  auto syncing = asking("POST", "/api/balance/transactions/sync");
  auto reader = asking("GET", "/api/balance");
  auto payer = paying_euros();
  ASSERT_TRUE(eventually([&] { return program->says("will call Stripe again"); }))
      << program->said();
  expect_ends_by_itself();
}

TEST_F(Dev, WritesNothingBesideTheAccountsOfAService) {
  Environment own = environment(sim.url());
  own["DATABASE_URL"] = "";
  own["PAYOUTD_DATA_DIR"] = data_dir();
  program = std::make_unique<Program>(std::vector<std::string>{"serve"}, own);
  port = program->port();
  ASSERT_TRUE(eventually([&] {
    Program list({"accounts", "list"}, own);
    return list.ended() == 0 && list.says("acct_");
  })) << program->said();
  expect_ends_by_itself();
  run_dev();
  EXPECT_EQ(program->ended(), 1) << program->said();
  EXPECT_TRUE(program->says("give `payoutd dev` another folder")) << program->said();
  EXPECT_FALSE(std::filesystem::exists(data_dir() + "/simulator.journal"));
}

}  // namespace
}  // namespace payoutd::app
