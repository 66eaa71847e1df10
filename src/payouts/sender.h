// Sends an instruction that is on record as being sent, once, and settles it by the answer; on
// threads of its own, so that no caller's thread waits as long as Stripe may.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "payouts/settler.h"

namespace payoutd::payouts {

// `began`, before the transaction that allowed the send: a process that was stopped since sends
// nothing.
struct Allowed {
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  Time at{};  // of the business clock
};

// A send whose intent has committed.
struct CommittedSend {
  rails::Instruction instruction;
  std::string stripe_header;
  Allowed allowed;
};

class Sender {
 public:
  Sender(const SendingParts& parts, Settler& settler) : parts_(parts), settler_(settler) {}
  // Ends the threads once what they were handed has ended: stop the Stripe client first.
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  // Sends it on this thread. Nothing is sent later than kLastStart after it was allowed: then the
  // result is unknown, and the look that stands with the instruction finds out.
  Result<SendResult> send(const CommittedSend& committed);

  // Hands it to a thread, and waits for what it comes to, at most that long. Nothing: it is not
  // known yet, or the threads have too much to do and it was not sent; the look that stands with
  // the instruction finds out. Throws what the send threw.
  std::optional<Result<SendResult>> send_and_wait(CommittedSend committed,
                                                  std::chrono::milliseconds at_most);

 private:
  struct Task;
  void work();
  void run(Task& task);

  static constexpr std::size_t kThreads = 8;
  static constexpr std::size_t kMostWaiting = 256;

  const SendingParts& parts_;
  Settler& settler_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Task>> waiting_;
  std::vector<std::thread> threads_;  // begun by the first send
  bool ending_ = false;
};

}  // namespace payoutd::payouts
