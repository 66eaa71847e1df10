// The program's settings: environment variables, also from a file `.env` in the working folder (the
// environment wins). All wrong ones are reported at once; secrets are never printed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace payoutd::app {

struct Address {
  std::string host;
  std::uint16_t port = 0;  // 0: any free one
};

struct Config {
  std::optional<Secret> database_url;   // DATABASE_URL; without it the embedded PostgreSQL is used
  std::optional<Secret> replica_url;    // PAYOUTD_REPLICA_URL: reports read here
  std::optional<Secret> stripe_key;     // STRIPE_SECRET_KEY
  std::vector<Secret> webhook_secrets;  // STRIPE_WEBHOOK_SECRETS, comma separated
  std::string stripe_api_base = "https://api.stripe.com";  // STRIPE_API_BASE, no slash at the end
  Address listen{"127.0.0.1", 8080};                       // PAYOUTD_LISTEN
  std::string data_dir = ".payoutd";                       // PAYOUTD_DATA_DIR
  std::string log = "info,text";                           // PAYOUTD_LOG
  int stripe_rps = 25;                                     // PAYOUTD_STRIPE_RPS, 1 to 1000
};

using Variables = std::map<std::string, std::string>;

// What the process was given, over what `.env` in `folder` says. A line of `.env` that is no
// KEY=value is an error that names the line.
Result<Variables> read_variables(const std::string& folder = ".");

// Error: `invalid_configuration`, with one detail for each wrong variable.
Result<Config> parse_config(const Variables& variables);

// "127.0.0.1:8080", "[::1]:8080", ":8080" (all interfaces), "8080".
Result<Address> parse_address(const std::string& text);

}  // namespace payoutd::app
