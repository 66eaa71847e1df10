// ISO 4217 codes as Stripe uses them, with the two facts that differ per use: how many decimals an
// amount in minor units has, and which multiples a payout allows.
// Source: Stripe's "Supported currencies"; ISO 4217 for the display exponent.
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace payoutd {

struct Currency {
  std::array<char, 3> code{};  // lower case: {'e','u','r'}

  friend auto operator<=>(const Currency&, const Currency&) = default;
  std::string str() const { return {code.data(), code.size()}; }

  // Any case in; nothing for what is no currency of Stripe's.
  static std::optional<Currency> parse(std::string_view text);
  // Any three letters, for what Stripe shows: it may add a currency before this table does.
  static std::optional<Currency> shown(std::string_view text);
  bool known() const;  // to this table; amounts of others are counted with two decimals

  int decimals() const;          // of Stripe's amounts: usd 2, jpy 0, kwd 3, isk 2
  int display_decimals() const;  // of ISO 4217: isk 0
  int charge_step() const;       // charges and transfers: kwd 10, isk 100
  int payout_step() const;       // payouts: huf and twd 100
};

}  // namespace payoutd
