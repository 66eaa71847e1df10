#include "sync/account_context.h"

#include <fmt/format.h>

#include "base/log.h"
#include "sync/runs_store.h"

namespace payoutd::sync {
namespace {

constexpr const char* kAccount = "account";

}  // namespace

AccountContext::AccountContext(const Surroundings& surroundings,
                               const access::ConnectedAccount& account, RunId run_id,
                               const Wanted& what)
    : in(surroundings),
      target{account.organization, account.id(), std::string(account.stripe_header())},
      run(run_id),
      wanted(what),
      began_at(surroundings.clock.now()) {}

void AccountContext::read(const std::shared_ptr<Pass>& pass) const {
  in.lister.add(pass);
  in.lister.wait(pass);
}

std::shared_ptr<Pass> AccountContext::pass_of(const Stream& stream, std::vector<Range> ranges,
                                              bool resumable) const {
  return std::make_shared<Pass>(target, stream, std::move(ranges), resumable);
}

void AccountContext::note(StreamRecord record) {
  record.finished_at = in.clock.now();
  const auto stored = in.db.transact([&](pg::Tx& tx) -> Result<void> {
    runs_store::add(tx, target.organization, run, record);
    return {};
  });
  if (!stored) log::warn("a run's record could not be stored", {{"error", stored.error().message}});
  records_.push_back(std::move(record));
}

void AccountContext::fail(std::string_view stream, std::string_view kind, const Error& error,
                          Counts counts) {
  if (error.code == "account_invalid" && !deauthorized_) {
    deauthorized_ = true;
    const auto done = in.db.transact([&](pg::Tx& tx) -> Result<void> {
      access::deauthorize_account(tx, target.organization, target.account, in.clock.now());
      return {};
    });
    CHECK(done.ok());
    log::warn("an account took its authorization back", {{"account", target.account}});
  }
  const bool stopped = error.code == "sync_stopped" || error.code == "stripe_client_stopping";
  if (!deauthorized_ && !stopped) failed_ = true;
  interrupted_ = interrupted_ || stopped;
  if (first_error_.empty()) first_error_ = fmt::format("{}: {}", stream, error.message);
  note({.account = target.account,
        .stream = std::string(stream),
        .kind = std::string(kind),
        .status = deauthorized_ ? "deauthorized"
                  : stopped     ? "interrupted"
                                : "failed",
        .counts = counts,
        .error = error.message});
}

void AccountContext::break_off(const std::exception& error) {
  failed_ = true;
  if (first_error_.empty()) first_error_ = error.what();
  log::error("an account could not be synced",
             {{"account", target.account}, {"error", error.what()}});
}

std::vector<StreamRecord> AccountContext::finish() {
  interrupted_ = interrupted_ || in.stopping;
  const char* status = deauthorized_  ? "deauthorized"
                       : failed_      ? "failed"
                       : interrupted_ ? "interrupted"
                                      : "succeeded";
  note({.account = target.account,
        .stream = kAccount,
        .kind = kAccount,
        .status = status,
        .error = first_error_});
  return std::move(records_);
}

std::vector<StreamRecord> AccountContext::finish_busy() {
  note({.account = target.account,
        .stream = kAccount,
        .kind = kAccount,
        .status = "busy",
        .error = "another run syncs this account"});
  return std::move(records_);
}

}  // namespace payoutd::sync
