#include "cli/command.h"
#include "jobs/dead_jobs.h"

namespace payoutd::cli {
namespace {

struct DlqOptions {
  std::string kind;
  std::string id;
  int limit = 50;
  bool json = false;
};

OrderedJson to_json(const jobs::DeadJob& job) {
  return {{"id", job.id.str()},
          {"kind", job.kind},
          {"organization_id",
           job.organization ? OrderedJson(job.organization->str()) : OrderedJson(nullptr)},
          {"payload", OrderedJson::parse(job.payload)},
          {"attempts", job.attempts},
          {"error", job.error},
          {"created", to_iso(job.created_at)},
          {"died", to_iso(job.died_at)}};
}

int list(pg::Database& db, const app::Config&, DlqOptions& options) {
  const auto dead = db.read([&](pg::Tx& tx) -> Result<std::vector<jobs::DeadJob>> {
    jobs::DeadFilter filter{.limit = options.limit};
    if (!options.kind.empty()) filter.kind = options.kind;
    return jobs::dead_jobs(tx, filter);
  });
  if (!dead) return fail(dead.error(), options.json);
  OrderedJson all = OrderedJson::array();
  for (const jobs::DeadJob& job : *dead) {
    if (options.json) all.push_back(to_json(job));
    else
      std::puts(fmt::format("{}  {}  {} attempts  {}  {}  {}", job.id.str(), to_iso(job.died_at),
                            job.attempts, job.kind, job.payload, job.error)
                    .c_str());
  }
  if (options.json) print(OrderedJson{{"data", all}});
  else if (dead->empty())
    say(options.kind.empty() ? "no dead letters" : "no dead letters of kind " + options.kind);
  return kDone;
}

using Change = Result<void> (*)(pg::Tx&, JobId, std::optional<OrgId>);

int change(pg::Database& db, const DlqOptions& options, Change to, const char* done) {
  const auto id = JobId::parse(options.id);
  if (!id)
    return fail({Kind::invalid, "invalid_id", "a job's id is a UUID: payoutd dlq list shows them"},
                options.json);
  const auto changed = db.transact([&](pg::Tx& tx) { return to(tx, *id, std::nullopt); });
  if (!changed) return fail(changed.error(), options.json);
  if (options.json) print(OrderedJson{{"id", id->str()}, {"result", done}});
  else say(fmt::format("{} {}", done, id->str()));
  return kDone;
}

int requeue(pg::Database& db, const app::Config&, DlqOptions& options) {
  return change(db, options, jobs::requeue, "requeued");
}
int discard(pg::Database& db, const app::Config&, DlqOptions& options) {
  return change(db, options, jobs::discard, "discarded");
}

}  // namespace

void add_dlq(CLI::App& program, Action& action) {
  auto* dlq = program.add_subcommand("dlq", "Jobs that were given up: list, requeue, discard");
  dlq->require_subcommand(1);
  const auto options = std::make_shared<DlqOptions>();
  auto* listing = dlq->add_subcommand("list", "The newest, with what went wrong");
  listing->add_option("--kind", options->kind, "like mirror.refetch");
  listing->add_option("--limit", options->limit, "at most so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  bind(*listing, action, options, list);
  auto* requeuing =
      dlq->add_subcommand("requeue", "Try one again, at once and with all its attempts");
  requeuing->add_option("id", options->id, "of the job")->required();
  bind(*requeuing, action, options, requeue);
  auto* discarding = dlq->add_subcommand("discard", "Forget one for good");
  discarding->add_option("id", options->id, "of the job")->required();
  bind(*discarding, action, options, discard);
}

}  // namespace payoutd::cli
