#include "app/config.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <fstream>
#include <string_view>

#include "base/log.h"
#include "stripe/credentials.h"

extern char** environ;

namespace payoutd::app {
namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                      value.back() == value.front();
  if (quoted) return std::string(value.substr(1, value.size() - 2));
  const auto comment = value.find(" #");
  return std::string(trim(value.substr(0, comment)));
}

bool known_name(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos;
}

Result<void> read_env_line(std::string_view line, int number, Variables& into) {
  line = trim(line);
  if (line.empty() || line.front() == '#') return {};
  if (line.starts_with("export ")) line = trim(line.substr(7));
  const auto equals = line.find('=');
  const std::string_view name = trim(line.substr(0, equals));
  if (equals == std::string_view::npos || !known_name(name)) {
    return Error{Kind::invalid, "invalid_env_file",
                 fmt::format(".env, line {}: expected NAME=value with a name in capitals", number)};
  }
  into[std::string(name)] = unquoted(trim(line.substr(equals + 1)));
  return {};
}

class Reader {
 public:
  explicit Reader(const Variables& variables) : variables_(variables) {}

  // Nothing when it is unset or empty.
  const std::string* get(const char* name) const {
    const auto found = variables_.find(name);
    return found == variables_.end() || found->second.empty() ? nullptr : &found->second;
  }
  void wrong(const char* name, std::string message) {
    errors_.push_back({name, "invalid_value", std::move(message)});
  }
  std::vector<FieldError>& errors() { return errors_; }

 private:
  const Variables& variables_;
  std::vector<FieldError> errors_;
};

void read_database(Reader& in, Config& config) {
  for (const auto& [name, into] : {std::pair{"DATABASE_URL", &config.database_url},
                                   std::pair{"PAYOUTD_REPLICA_URL", &config.replica_url}}) {
    const std::string* url = in.get(name);
    if (url == nullptr) continue;
    if (url->starts_with("postgres://") || url->starts_with("postgresql://") ||
        url->find('=') != std::string::npos) {
      *into = Secret(*url);
    } else {
      in.wrong(name, "must be postgresql://user:password@host:port/database, or host=… dbname=…");
    }
  }
}

void read_stripe(Reader& in, Config& config) {
  if (const auto* key = in.get("STRIPE_SECRET_KEY")) {
    if (auto why = stripe::why_wrong_key(Secret(*key))) in.wrong("STRIPE_SECRET_KEY", *why);
    else config.stripe_key = Secret(*key);
  }
  if (const auto* list = in.get("STRIPE_WEBHOOK_SECRETS")) {
    std::string_view rest = *list;
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      const std::string_view one = trim(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      if (one.empty()) continue;
      if (!one.starts_with("whsec_")) {
        in.wrong("STRIPE_WEBHOOK_SECRETS",
                 "each secret must begin with whsec_; separate them by commas");
        break;
      }
      config.webhook_secrets.emplace_back(std::string(one));
    }
  }
  if (const auto* base = in.get("STRIPE_API_BASE")) {
    config.stripe_api_base = *base;
    while (config.stripe_api_base.ends_with('/')) config.stripe_api_base.pop_back();
    const Secret key = config.stripe_key.value_or(Secret("sk_test_"));
    if (auto why = stripe::why_wrong_base(config.stripe_api_base, key))
      in.wrong("STRIPE_API_BASE", *why);
  }
}

void read_rest(Reader& in, Config& config) {
  if (const auto* listen = in.get("PAYOUTD_LISTEN")) {
    auto address = parse_address(*listen);
    if (address) config.listen = *address;
    else in.wrong("PAYOUTD_LISTEN", address.error().message);
  }
  if (const auto* dir = in.get("PAYOUTD_DATA_DIR")) config.data_dir = *dir;
  if (const auto* setting = in.get("PAYOUTD_LOG")) {
    config.log = *setting;
    if (auto set = log::configure(*setting); !set) in.wrong("PAYOUTD_LOG", set.error().message);
  }
  if (const auto* rps = in.get("PAYOUTD_STRIPE_RPS")) {
    const auto [end, failed] =
        std::from_chars(rps->data(), rps->data() + rps->size(), config.stripe_rps);
    const bool whole = failed == std::errc{} && end == rps->data() + rps->size();
    if (!whole || config.stripe_rps < 1 || config.stripe_rps > 1000) {
      in.wrong("PAYOUTD_STRIPE_RPS", fmt::format("\"{}\" is not a number from 1 to 1000", *rps));
    }
  }
}

}  // namespace

Result<Variables> read_variables(const std::string& folder) {
  Variables variables;
  std::ifstream file(folder + "/.env");
  std::string line;
  for (int number = 1; file && std::getline(file, line); ++number) {
    if (auto read = read_env_line(line, number, variables); !read) return read.error();
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const char* equals = std::strchr(*entry, '=');
    if (equals == nullptr) continue;
    variables[std::string(*entry, static_cast<std::size_t>(equals - *entry))] = equals + 1;
  }
  return variables;
}

Result<Address> parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  std::string host = colon == std::string::npos ? "127.0.0.1" : text.substr(0, colon);
  const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  if (host.empty()) host = "0.0.0.0";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  unsigned number = 0;
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || failed != std::errc{} || end != port.data() + port.size() || number > 65535) {
    return Error{
        Kind::invalid, "invalid_address",
        fmt::format("\"{}\" is no address: give host:port, like 127.0.0.1:8080 (port 0: any free "
                    "one)",
                    text)};
  }
  return Address{host, static_cast<std::uint16_t>(number)};
}

Result<Config> parse_config(const Variables& variables) {
  Config config;
  Reader in(variables);
  read_database(in, config);
  read_stripe(in, config);
  read_rest(in, config);
  if (!in.errors().empty()) {
    Error error{Kind::invalid, "invalid_configuration", "wrong settings:"};
    for (const FieldError& wrong : in.errors())
      error.message += fmt::format("\n  {}: {}", wrong.param, wrong.message);
    error.details = std::move(in.errors());
    return error;
  }
  return config;
}

}  // namespace payoutd::app
