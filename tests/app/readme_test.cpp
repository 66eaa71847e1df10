// The README's tables are true: every command, setting and path that it names is there, and none is
// left out.
#include <fstream>
#include <regex>
#include <set>

#include "world.h"

namespace payoutd::app {
namespace {

using Names = std::set<std::string>;

// The first cells of the rows of the table whose header begins so.
std::vector<std::string> first_cells(const std::string& header) {
  std::ifstream readme(std::string(PAYOUTD_SOURCE_DIR) + "/README.md");
  std::vector<std::string> cells;
  bool inside = false;
  for (std::string line; std::getline(readme, line);) {
    if (line.starts_with(header)) inside = true;
    else if (inside && !line.starts_with("|")) return cells;
    else if (inside && line.starts_with("| "))
      cells.push_back(line.substr(2, line.find(" |", 2) - 2));
  }
  return cells;
}

Names matches(const std::string& text, const std::regex& pattern) {
  Names found;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
    found.insert((*at)[1]);
  return found;
}

std::string text_of(const std::string& path) {
  std::ifstream in(std::string(PAYOUTD_SOURCE_DIR) + "/" + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Readme : ProgramTest {};

TEST_F(Readme, NamesEveryCommand) {
  Program help({"--help"}, environment(sim.url()));
  ASSERT_EQ(help.ended(), 0);
  const std::string printed = help.printed();
  const auto at = printed.find("Subcommands:");
  ASSERT_NE(at, std::string::npos) << printed;
  const Names commands = matches(printed.substr(at), std::regex(R"(\n  ([a-z-]+) )"));
  Names told;
  for (const std::string& cell : first_cells("| command |"))
    told.merge(matches(cell, std::regex("`payoutd ([a-z-]+)")));
  EXPECT_EQ(told, commands);
}

TEST_F(Readme, NamesEverySetting) {
  const Names settings =
      matches(text_of("src/app/config.cpp"), std::regex(R"~("([A-Z][A-Z_]{5,})")~"));
  Names told;
  for (const std::string& cell : first_cells("| variable |"))
    told.merge(matches(cell, std::regex("`([A-Z_]+)`")));
  EXPECT_EQ(told, settings);
}

// A cell is `GET /api/things`, `/:id` · `POST /api/others`: what begins with a slash alone follows
// the path before it.
Names paths_of(const std::string& cell) {
  Names paths;
  std::string base;
  const std::regex quoted("`([^`]+)`");
  for (std::sregex_iterator at(cell.begin(), cell.end(), quoted), end; at != end; ++at) {
    std::string path = (*at)[1];
    if (const auto space = path.rfind(' '); space != std::string::npos) {
      path.erase(0, space + 1);
      base = path;
    } else if (!path.starts_with("/api")) {
      path = (base.ends_with("/revenue") ? base.substr(0, base.rfind('/')) : base) + path;
    }
    paths.insert(std::regex_replace(path, std::regex(":([a-z_]+)"), "{$1}"));
  }
  return paths;
}

TEST_F(Readme, NamesEveryPath) {
  serve(sim.url());
  const Json contract = Json::parse(get("/openapi.json").body);
  Names served;
  for (const auto& [path, unused] : contract.at("paths").items()) {
    if (path.starts_with("/api/") || path.starts_with("/webhooks/")) served.insert(path);
  }
  Names told;
  for (const std::string& cell : first_cells("| path |")) told.merge(paths_of(cell));
  EXPECT_EQ(told, served);
}

}  // namespace
}  // namespace payoutd::app
