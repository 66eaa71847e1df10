#include "http/workers.h"

#include "base/check.h"

namespace payoutd::http {

Workers::Workers(int threads, std::size_t max_queued) : max_queued_(max_queued) {
  CHECK(threads > 0);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Workers::~Workers() {
  std::deque<Job> dropped;
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    dropped.swap(queue_);
  }
  ready_.notify_all();
  threads_.clear();
}

bool Workers::submit(Job job) {
  {
    const std::scoped_lock lock(mutex_);
    // A worker that waits will take its job at once: that one does not count as queued.
    if (closed_ || queue_.size() >= max_queued_ + idle_) return false;
    queue_.push_back(std::move(job));
  }
  ready_.notify_one();
  return true;
}

std::size_t Workers::queued() const {
  const std::scoped_lock lock(mutex_);
  return queue_.size();
}

void Workers::drop_queued() {
  std::deque<Job> dropped;
  const std::scoped_lock lock(mutex_);
  dropped.swap(queue_);
}

void Workers::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    ready_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    --idle_;
    if (closed_) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace payoutd::http
