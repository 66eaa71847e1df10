#include "support/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "base/check.h"

namespace payoutd::support {
namespace {

using Monotonic = std::chrono::steady_clock;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// Ours first: who looks a name up finds the first.
std::vector<std::string> with_own(const Environment& environment) {
  std::vector<std::string> all;
  for (const auto& [name, value] : environment) all.push_back(name + "=" + value);
  for (char** one = environ; *one != nullptr; ++one) all.emplace_back(*one);
  return all;
}

std::string empty_file() {
  std::string path = "/tmp/payoutd-program-XXXXXX";
  const int fd = ::mkstemp(path.data());
  CHECK(fd >= 0);
  ::close(fd);
  return path;
}

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

bool eventually(const std::function<bool()>& holds) {
  const auto until = Monotonic::now() + std::chrono::seconds(60);
  while (!holds()) {
    if (Monotonic::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // leaves it the processor
  }
  return true;
}

Program::Program(const std::vector<std::string>& arguments, const Environment& environment)
    : output_(empty_file()), errors_(empty_file()) {
  std::vector<std::string> words{PAYOUTD_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = with_own(environment);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 1, output_.c_str(), O_WRONLY | O_APPEND, 0);
  posix_spawn_file_actions_addopen(&files, 2, errors_.c_str(), O_WRONLY | O_APPEND, 0);
  const int failed = ::posix_spawn(&pid_, PAYOUTD_PROGRAM, &files, nullptr, pointers(words).data(),
                                   pointers(variables).data());
  posix_spawn_file_actions_destroy(&files);
  CHECK(failed == 0);
}

Program::~Program() {
  if (!status_) signal(SIGKILL);
  if (!status_) ::waitpid(pid_, nullptr, 0);
  ::unlink(output_.c_str());
  ::unlink(errors_.c_str());
}

std::uint16_t Program::port() {
  const std::string before = "url=http://127.0.0.1:";
  std::string found;
  eventually([&] {
    const std::string text = said();
    const auto at = text.find(before);
    // Its digits are whole once something follows them.
    const auto end = at == std::string::npos ? at : text.find_first_of("\r\n ", at);
    if (end != std::string::npos) found = text.substr(at + before.size(), end - at - before.size());
    return !found.empty() || ended(std::chrono::seconds(0)).has_value();
  });
  return found.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(std::stoi(found));
}

void Program::signal(int number) const { ::kill(pid_, number); }

std::optional<int> Program::ended(std::chrono::seconds time) {
  const auto until = Monotonic::now() + time;
  while (!status_) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    } else if (Monotonic::now() >= until) {
      return std::nullopt;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  return status_;
}

std::string Program::printed() const { return text_of(output_); }
std::string Program::said() const { return text_of(errors_) + text_of(output_); }

}  // namespace payoutd::support
