#include "access/keys.h"
#include "access/keys_api.h"
#include "cli/command.h"

namespace payoutd::cli {
namespace {

struct KeyOptions {
  std::string organization;  // a name or an id; empty: the platform's own
  std::string name = "command line";
  std::string role = "admin";
  std::string expires;
  std::string id;
  bool json = false;
};

constexpr const char* kActor = "command line";

int create(pg::Database& db, const app::Config&, KeyOptions& options) {
  const auto organization = organization_of(db, options.organization);
  if (!organization) return fail(organization.error(), options.json);
  const auto role = access::parse_role(options.role);
  CHECK(role);  // the option takes no other
  access::KeyRequest request{.name = options.name, .role = *role, .created_by = kActor};
  if (!options.expires.empty()) {
    const auto expires = parse_time(options.expires, DayEdge::last);
    if (!expires) return fail(expires.error(), options.json);
    request.expires_at = *expires;
  }
  access::Keys keys(db);
  const auto created = keys.create(organization->id, request);
  if (!created) return fail(created.error(), options.json);
  if (options.json) {
    OrderedJson answer = access::to_json(created->key);
    answer["key"] = created->text.reveal();
    print(answer);
  } else {
    say(fmt::format("{} key of {}; it is shown this once:", options.role, organization->name));
    std::fputs((created->text.reveal() + "\n").c_str(), stdout);
  }
  return kDone;
}

int list(pg::Database& db, const app::Config&, KeyOptions& options) {
  const auto organization = organization_of(db, options.organization);
  if (!organization) return fail(organization.error(), options.json);
  access::Keys keys(db);
  const auto page = keys.list(organization->id, {.limit = 100});
  if (!page) return fail(page.error(), options.json);
  OrderedJson all = OrderedJson::array();
  for (const access::ApiKey& key : page->data) {
    if (options.json) {
      all.push_back(access::to_json(key));
      continue;
    }
    std::fputs(fmt::format("{}  {:9} {:16} {}{}\n", key.id.str(), access::name_of(key.role),
                           key.prefix, key.name, key.revoked_at ? "  (revoked)" : "")
                   .c_str(),
               stdout);
  }
  if (options.json) print(OrderedJson{{"data", all}});
  else if (page->data.empty()) say(organization->name + " has no keys");
  return kDone;
}

int revoke(pg::Database& db, const app::Config&, KeyOptions& options) {
  const auto organization = organization_of(db, options.organization);
  if (!organization) return fail(organization.error(), options.json);
  const auto id = ApiKeyId::parse(options.id);
  if (!id) {
    return fail(
        Error{Kind::invalid, "invalid_id", "give the key's id, as `payoutd keys list` shows it"},
        options.json);
  }
  access::Keys keys(db);
  const auto revoked = keys.revoke(organization->id, *id, kActor);
  if (!revoked) return fail(revoked.error(), options.json);
  if (options.json) print(access::to_json(*revoked));
  else say("revoked " + revoked->prefix + "…");
  return kDone;
}

}  // namespace

void add_keys(CLI::App& program, Action& action) {
  auto* keys = program.add_subcommand("keys", "API keys: create, list, revoke");
  keys->require_subcommand(1);
  const auto options = std::make_shared<KeyOptions>();
  auto* creating =
      keys->add_subcommand("create", "Make a key; its text is shown once, on standard output");
  creating->add_option("--name", options->name, "for people, to tell keys apart")
      ->capture_default_str();
  creating->add_option("--role", options->role, "what the key may do")
      ->check(one_of({"viewer", "operator", "approver", "admin", "system"}))
      ->capture_default_str();
  creating->add_option("--expires", options->expires, "a date or time after which it ends");
  auto* listing = keys->add_subcommand("list", "The keys of an organization");
  auto* revoking = keys->add_subcommand("revoke", "End a key");
  revoking->add_option("id", options->id, "the key's id")->required();
  for (CLI::App* command : {creating, listing, revoking})
    add_organization(*command, options->organization);
  bind(*creating, action, options, create);
  bind(*listing, action, options, list);
  bind(*revoking, action, options, revoke);
}

}  // namespace payoutd::cli
