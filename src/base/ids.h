// Ids of ours are UUIDv7 (RFC 9562): they sort by the time they were made.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace payoutd {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
  std::string str() const;  // 36 characters, lower case

  // Takes the 36-character form in either case; nothing for anything else.
  static std::optional<Uuid> parse(std::string_view text);
  // A new one of this machine's time. Later calls in one process give larger ones.
  static Uuid v7();
};

template <class Tag>
struct Id {
  Uuid value;

  friend auto operator<=>(const Id&, const Id&) = default;
  std::string str() const { return value.str(); }
  static Id make() { return Id{Uuid::v7()}; }
  static std::optional<Id> parse(std::string_view text) {
    const auto uuid = Uuid::parse(text);
    if (!uuid) return std::nullopt;
    return Id{*uuid};
  }
};

using OrgId = Id<struct OrgTag>;
using ApiKeyId = Id<struct ApiKeyTag>;
using JobId = Id<struct JobTag>;
using PayoutId = Id<struct PayoutTag>;
using InstructionId = Id<struct InstructionTag>;
using RunId = Id<struct RunTag>;

// `length` characters of [0-9A-Za-z] from the system's random source, for keys and request ids.
std::string random_text(std::size_t length);

}  // namespace payoutd

template <>
struct std::hash<payoutd::Uuid> {
  std::size_t operator()(const payoutd::Uuid& id) const noexcept {
    std::size_t h = 0;
    for (auto b : id.bytes) h = h * 1099511628211u + b;
    return h;
  }
};
template <class Tag>
struct std::hash<payoutd::Id<Tag>> {
  std::size_t operator()(const payoutd::Id<Tag>& id) const noexcept {
    return std::hash<payoutd::Uuid>{}(id.value);
  }
};
