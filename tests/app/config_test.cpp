#include "app/config.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace payoutd::app {
namespace {

TEST(Config, HasDefaultsForEverything) {
  const auto config = parse_config({});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->stripe_api_base, "https://api.stripe.com");
  EXPECT_EQ(config->listen.port, 8080);
  EXPECT_EQ(config->data_dir, ".payoutd");
  EXPECT_EQ(config->stripe_rps, 25);
  EXPECT_FALSE(config->database_url);
}

TEST(Config, ReportsEveryWrongSettingAtOnceAndNoSecret) {
  const auto config = parse_config({{"DATABASE_URL", "nonsense"},
                                    {"STRIPE_SECRET_KEY", "pk_live_abc"},
                                    {"STRIPE_WEBHOOK_SECRETS", "whsec_ok,secret123"},
                                    {"PAYOUTD_LISTEN", "here"},
                                    {"PAYOUTD_LOG", "loud"},
                                    {"PAYOUTD_STRIPE_RPS", "many"}});
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().details.size(), 6u);
  EXPECT_EQ(config.error().message.find("secret123"), std::string::npos);
  EXPECT_EQ(config.error().message.find("pk_live_abc"), std::string::npos);
}

TEST(Config, TakesSeveralWebhookSecrets) {
  const auto config = parse_config({{"STRIPE_WEBHOOK_SECRETS", "whsec_a, whsec_b,"}});
  ASSERT_TRUE(config);
  ASSERT_EQ(config->webhook_secrets.size(), 2u);
  EXPECT_EQ(config->webhook_secrets[1].reveal(), "whsec_b");
}

TEST(Config, NeverSendsALiveKeyOverPlainHttp) {
  EXPECT_FALSE(parse_config(
      {{"STRIPE_SECRET_KEY", "sk_live_x"}, {"STRIPE_API_BASE", "http://example.com"}}));
  EXPECT_TRUE(parse_config(
      {{"STRIPE_SECRET_KEY", "sk_live_x"}, {"STRIPE_API_BASE", "http://127.0.0.1:1/"}}));
}

TEST(Config, ReadsAddresses) {
  EXPECT_EQ(parse_address("8080")->host, "127.0.0.1");
  EXPECT_EQ(parse_address(":80")->host, "0.0.0.0");
  EXPECT_EQ(parse_address("[::1]:80")->host, "::1");
  EXPECT_EQ(parse_address("localhost:0")->port, 0);
  for (const char* bad : {"", "a:b", "1.2.3.4:", "h:70000", "h:-1"})
    EXPECT_FALSE(parse_address(bad)) << bad;
}

class EnvFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "payoutd-env-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& text) { std::ofstream(folder_ + "/.env") << text; }
  std::string folder_;
};

TEST_F(EnvFile, IsReadAndTheEnvironmentWins) {
  write(
      "# comment\nPAYOUTD_T_A=from file # note\nexport PAYOUTD_T_B=\"quoted # "
      "kept\"\n\nPAYOUTD_T_C=x\n");
  ::setenv("PAYOUTD_T_C", "from environment", 1);
  const auto variables = read_variables(folder_);
  ::unsetenv("PAYOUTD_T_C");
  ASSERT_TRUE(variables);
  EXPECT_EQ(variables->at("PAYOUTD_T_A"), "from file");
  EXPECT_EQ(variables->at("PAYOUTD_T_B"), "quoted # kept");
  EXPECT_EQ(variables->at("PAYOUTD_T_C"), "from environment");
}

TEST_F(EnvFile, NamesTheLineThatIsWrong) {
  write("A=1\nnot a setting\n");
  const auto variables = read_variables(folder_);
  ASSERT_FALSE(variables);
  EXPECT_NE(variables.error().message.find("line 2"), std::string::npos);
}

}  // namespace
}  // namespace payoutd::app
