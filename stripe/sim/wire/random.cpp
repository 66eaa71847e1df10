#include "stripe/sim/wire/random.h"

#include <array>

namespace payoutd::sim {
namespace {

constexpr std::string_view kAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kAccountTail = 10;

std::string of_second(std::int64_t second) {
  std::array<char, 5> text{};
  auto rest = static_cast<std::uint64_t>(second);
  for (auto at = text.rbegin(); at != text.rend(); ++at, rest /= kAlphabet.size())
    *at = kAlphabet[rest % kAlphabet.size()];
  return {text.data(), text.size()};
}

}  // namespace

std::string Random::text(std::size_t length) {
  std::string out(length, '0');
  for (auto& c : out) c = kAlphabet[next() % kAlphabet.size()];
  return out;
}

std::string Ids::make(std::string_view prefix, std::int64_t created, std::string_view account) {
  std::string id(prefix);
  id += "_1";
  id += of_second(created);
  id += account.size() > kAccountTail ? account.substr(account.size() - kAccountTail) : account;
  id += random_.text(8);
  return id;
}

std::string Ids::account(std::int64_t created) {
  return "acct_1" + of_second(created) + random_.text(kAccountTail);
}

std::string Ids::brief(std::string_view prefix) {
  return std::string(prefix) + "_" + random_.text(14);
}

std::string Ids::secret(std::string_view prefix, std::size_t length) {
  return std::string(prefix) + random_.text(length);
}

}  // namespace payoutd::sim
