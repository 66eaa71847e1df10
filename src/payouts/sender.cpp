#include "payouts/sender.h"

#include <utility>

#include "base/log.h"
#include "payouts/look_rules.h"

namespace payoutd::payouts {

// A send on its way through the threads. The sender's mutex guards every field but `committed`.
struct Sender::Task {
  CommittedSend committed;
  std::optional<Result<SendResult>> result{};
  std::exception_ptr thrown{};
  bool ended = false;
  bool awaited = true;  // by a caller
  std::condition_variable end{};
};

Sender::~Sender() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Result<SendResult> Sender::send(const CommittedSend& committed) {
  const rails::Instruction& instruction = committed.instruction;
  CHECK(!instruction.is_settled() && !instruction.key.empty() && instruction.sends >= 1);
  parts_.settings.at("committed");
  // Others may have sent and settled it by now, and Stripe may have forgotten the key.
  if (parts_.clock.now() - committed.allowed.at > kLastStart) return SendResult{};
  auto request = stripe::Request::post(instruction.path, stripe::IdempotencyKey(instruction.key),
                                       instruction.body)
                     .on(committed.stripe_header)
                     .with(stripe::Priority::money)
                     .with(stripe::Retries::money())
                     .with(parts_.settings.timeout)
                     .until(committed.allowed.began + kLastStart)
                     .earlier({.unknown = instruction.was_unknown,
                               .sends = instruction.was_unknown ? instruction.sends - 1 : 0});
  const stripe::Answer answer = parts_.client.send(std::move(request));
  parts_.settings.at("answered");
  return settler_.settle(instruction, answer);
}

std::optional<Result<SendResult>> Sender::send_and_wait(CommittedSend committed,
                                                        std::chrono::milliseconds at_most) {
  CHECK(at_most.count() > 0);
  const auto task = std::make_shared<Task>(std::move(committed));
  std::unique_lock lock(mutex_);
  if (ending_ || waiting_.size() >= kMostWaiting) {
    log::warn("too many payouts wait to be sent; this one is sent by its next look",
              {{"instruction", task->committed.instruction.id.str()}});
    return std::nullopt;
  }
  if (threads_.empty()) {
    for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { work(); });
  }
  waiting_.push_back(task);
  changed_.notify_one();
  if (!task->end.wait_for(lock, at_most, [&] { return task->ended; })) {
    task->awaited = false;
    return std::nullopt;
  }
  if (task->thrown) std::rethrow_exception(std::exchange(task->thrown, nullptr));
  return std::move(task->result);
}

void Sender::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const auto task = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    run(*task);
    lock.lock();
  }
}

// A thread of its own, like a worker's: what is thrown ends the send, not the process. The look
// that stands with the instruction goes on from there.
void Sender::run(Task& task) {
  std::optional<Result<SendResult>> result;
  std::exception_ptr thrown;
  std::string what = "no exception of the standard library";
  try {
    result = send(task.committed);
  } catch (const std::exception& error) {
    thrown = std::current_exception();
    what = error.what();
  } catch (...) {
    thrown = std::current_exception();
  }
  const std::scoped_lock lock(mutex_);
  if (thrown && !task.awaited) {
    log::error("a send ended early; its outcome is being found out",
               {{"instruction", task.committed.instruction.id.str()}, {"what", what}});
  }
  task.result = std::move(result);
  task.thrown = std::move(thrown);  // only one thread may end the exception's life
  task.ended = true;
  task.end.notify_all();
}

}  // namespace payoutd::payouts
