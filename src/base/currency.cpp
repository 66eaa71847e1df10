#include "base/currency.h"

#include <algorithm>

namespace payoutd {
namespace {

constexpr std::string_view kTwoDecimals[] = {
    "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt",
    "bgn", "bmd", "bnd", "bob", "brl", "bsd", "btn", "bwp", "byn", "bzd", "cad", "cdf", "chf",
    "cny", "cop", "crc", "cve", "czk", "dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp",
    "gbp", "gel", "ghs", "gip", "gmd", "gtq", "gyd", "hkd", "hnl", "htg", "huf", "idr", "ils",
    "inr", "jmd", "kes", "kgs", "khr", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad",
    "mdl", "mkd", "mmk", "mnt", "mop", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn",
    "nio", "nok", "npr", "nzd", "pab", "pen", "pgk", "php", "pkr", "pln", "qar", "ron", "rsd",
    "rub", "sar", "sbd", "scr", "sek", "sgd", "shp", "sle", "sos", "srd", "std", "szl", "thb",
    "tjs", "top", "try", "ttd", "twd", "tzs", "uah", "usd", "uyu", "uzs", "wst", "xcd", "yer",
    "zar", "zmw", "isk", "ugx"};
constexpr std::string_view kZeroDecimals[] = {"bif", "clp", "djf", "gnf", "jpy",
                                              "kmf", "krw", "mga", "pyg", "rwf",
                                              "vnd", "vuv", "xaf", "xof", "xpf"};
constexpr std::string_view kThreeDecimals[] = {"bhd", "jod", "kwd", "omr", "tnd"};

template <std::size_t N>
bool in(const std::string_view (&list)[N], std::string_view code) {
  return std::find(std::begin(list), std::end(list), code) != std::end(list);
}

std::string_view view(const Currency& c) { return {c.code.data(), c.code.size()}; }

bool is(const Currency& c, std::string_view a, std::string_view b) {
  return view(c) == a || view(c) == b;
}

}  // namespace

std::optional<Currency> Currency::parse(std::string_view text) {
  const auto currency = shown(text);
  if (!currency || !currency->known()) return std::nullopt;
  return currency;
}

std::optional<Currency> Currency::shown(std::string_view text) {
  if (text.size() != 3) return std::nullopt;
  Currency currency;
  for (std::size_t i = 0; i < 3; ++i) {
    const char c = text[i];
    currency.code[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (currency.code[i] < 'a' || currency.code[i] > 'z') return std::nullopt;
  }
  return currency;
}

bool Currency::known() const {
  const std::string_view code = view(*this);
  return in(kTwoDecimals, code) || in(kZeroDecimals, code) || in(kThreeDecimals, code);
}

int Currency::decimals() const {
  if (in(kZeroDecimals, view(*this))) return 0;
  return in(kThreeDecimals, view(*this)) ? 3 : 2;
}

int Currency::display_decimals() const {
  if (is(*this, "isk", "ugx")) return 0;
  return view(*this) == "mga" ? 2 : decimals();
}

int Currency::charge_step() const {
  if (is(*this, "isk", "ugx")) return 100;
  return decimals() == 3 ? 10 : 1;
}

int Currency::payout_step() const { return is(*this, "huf", "twd") ? 100 : charge_step(); }

}  // namespace payoutd
