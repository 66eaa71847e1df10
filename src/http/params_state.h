// What Fields keeps while it is read; only params*.cpp include this.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "http/params.h"

namespace payoutd::http {

struct Mistake {
  Kind kind;
  FieldError error;
};

struct Fields::State {
  Json fields = Json::object();
  bool typed = true;   // a body's numbers are numbers; a query's are text
  std::string prefix;  // "splits[1]."
  std::shared_ptr<std::vector<Mistake>> mistakes = std::make_shared<std::vector<Mistake>>();
  std::vector<std::string> known;  // in the order they were asked for
  std::set<std::string, std::less<>> known_names;
  std::vector<std::shared_ptr<State>> inner;
  std::optional<Error> unreadable;

  void know(std::string_view name) {
    if (known_names.emplace(name).second) known.emplace_back(name);
  }
  void note_unknown(std::vector<Mistake>& into) const;
};

bool has_nul(const Json& json);
bool fits_int64(const Json& number);

}  // namespace payoutd::http
