#include "mirror/table.h"

#include <fmt/format.h>

namespace payoutd::mirror {

namespace {

constexpr std::string_view kVersion =
    "organization_id, account, stripe_id, stage, shown_at, rank, digest, tied";
constexpr std::string_view kVersionArrays =
    "$1::uuid[], $2::text[], $3::text[], $4::int[], $5::timestamptz[], $6::bigint[], $7::bigint[],"
    " $8::boolean[]";

std::string set_of(const ColumnText& column) {
  switch (column.keep) {
    case Keep::nothing: return fmt::format(",\n  {0} = excluded.{0}", column.name);
    case Keep::first: return fmt::format(",\n  {0} = coalesce(t.{0}, excluded.{0})", column.name);
    case Keep::when_cut:
      return fmt::format(",\n  {0} = CASE WHEN excluded.cut THEN t.{0} ELSE excluded.{0} END",
                         column.name);
  }
  CHECK(false);
}

std::string upsert_sql(std::string_view table, const std::vector<ColumnText>& columns) {
  std::string names, values, arrays, sets;
  int parameter = 9;
  for (const ColumnText& column : columns) {
    names += fmt::format(", {}", column.name);
    values += fmt::format(", {}{}", column.name, column.cast);
    arrays += fmt::format(", ${}::{}[]", parameter++, column.sent);
    sets += set_of(column);
  }
  return fmt::format(R"sql(
  INSERT INTO {table} AS t ({version}{names})
  SELECT {version}{values}
    FROM unnest({version_arrays}{arrays}) AS given({version}{names})
  ON CONFLICT (organization_id, account, stripe_id) DO UPDATE SET
    stage = excluded.stage, shown_at = excluded.shown_at, rank = excluded.rank,
    digest = excluded.digest,
    tied = excluded.tied OR (excluded.stage, excluded.shown_at, excluded.rank) =
                            (t.stage, t.shown_at, t.rank){sets}
   WHERE (excluded.stage, excluded.shown_at, excluded.rank, excluded.digest) >
         (t.stage, t.shown_at, t.rank, t.digest)
  RETURNING account, stripe_id, tied, xmax = 0 AS created)sql",
                     fmt::arg("table", table), fmt::arg("version", kVersion),
                     fmt::arg("names", names), fmt::arg("values", values),
                     fmt::arg("version_arrays", kVersionArrays), fmt::arg("arrays", arrays),
                     fmt::arg("sets", sets));
}

std::string tie_sql(std::string_view table) {
  return fmt::format(R"sql(
  UPDATE {table} AS t SET tied = true
    FROM unnest({version_arrays}) AS given({version})
   WHERE t.organization_id = given.organization_id AND t.account = given.account
     AND t.stripe_id = given.stripe_id AND NOT t.tied
     AND (t.stage, t.shown_at, t.rank) = (given.stage, given.shown_at, given.rank)
     AND (given.tied OR t.digest <> given.digest)
  RETURNING t.account, t.stripe_id)sql",
                     fmt::arg("table", table), fmt::arg("version", kVersion),
                     fmt::arg("version_arrays", kVersionArrays));
}

}  // namespace

Statements::Statements(std::string table, const std::vector<ColumnText>& columns)
    : upsert_name_("upsert_" + table),
      tie_name_("tie_" + table),
      upsert_sql_(upsert_sql(table, columns)),
      tie_sql_(tie_sql(table)),
      upsert(upsert_name_, upsert_sql_),
      tie(tie_name_, tie_sql_) {}

}  // namespace payoutd::mirror
