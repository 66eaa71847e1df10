// Threads for handlers that may block, behind a queue with an end.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace payoutd::http {

class Workers {
 public:
  using Job = std::move_only_function<void()>;

  Workers(int threads, std::size_t max_queued);
  ~Workers();  // drops what has not begun and waits for what has

  bool submit(Job job);  // false: the queue is full; the job was not taken
  std::size_t queued() const;
  void drop_queued();

 private:
  void work();

  const std::size_t max_queued_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Job> queue_;
  std::size_t idle_ = 0;
  bool closed_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace payoutd::http
