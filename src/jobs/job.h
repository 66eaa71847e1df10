// A piece of work that is done after the transaction that asks for it commits, by any instance, at
// least once. Its handler must be able to run again: after a crash, a lost database or a lease that
// ran out.
#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "base/json.h"
#include "base/time.h"

namespace payoutd::jobs {

// A smaller one goes first, always. Within one priority, tenants take turns.
enum class Priority { money = 0, prompt = 1, normal = 2, sync = 3 };
inline constexpr int kPriorities = 4;

struct Job {
  std::string kind;                     // whose handler runs it: "apply_event"
  std::optional<OrgId> organization{};  // none: work for the whole installation
  Json payload = Json::object();
  Priority priority = Priority::normal;
  // While a job of this kind, organization and key waits, another is not added; the waiting one
  // keeps its payload, and takes the earlier time and the better priority.
  std::optional<std::string> unique_key{};
  std::optional<Time> run_at{};  // of the business clock; none: at once
  int max_attempts = 20;         // after the last one it is dead
};

}  // namespace payoutd::jobs
