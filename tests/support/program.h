// The program itself, in a process of its own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace payoutd::support {

using Environment = std::map<std::string, std::string>;

// Looks at a fact of another process until it holds. False: not within a minute.
bool eventually(const std::function<bool()>& holds);

class Program {
 public:
  // Runs `payoutd arguments…` with these variables beside the test's own.
  Program(const std::vector<std::string>& arguments, const Environment& environment);
  ~Program();  // kills it
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Of `serve`: the port that it says it listens on; 0: it ended, or took more than a minute.
  std::uint16_t port();
  void signal(int number) const;
  // The exit code; minus the signal that ended it; nothing: it still runs after `time`.
  std::optional<int> ended(std::chrono::seconds time = std::chrono::seconds(60));
  std::string printed() const;  // on standard output, so far
  std::string said() const;     // on standard error, and then what it printed
  bool says(const std::string& text) const { return said().find(text) != std::string::npos; }

 private:
  pid_t pid_ = -1;
  std::string output_, errors_;  // files
  std::optional<int> status_;
};

}  // namespace payoutd::support
