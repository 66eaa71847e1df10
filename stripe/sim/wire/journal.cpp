#include "stripe/sim/wire/journal.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace payoutd::sim {
namespace {

Error unreadable(const std::string& path) {
  return Error{Kind::refused, "journal_unreadable",
               path +
                   " can't be read as the simulator's journal: give another --data-dir, or remove "
                   "the old one"};
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path, const Header& fresh) {
  auto journal = std::unique_ptr<Journal>(new Journal);
  journal->header_ = fresh;
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto whole = text.rfind('\n');
  std::size_t from = 0;
  bool first = true;
  while (whole != std::string::npos && from <= whole) {
    const auto end = text.find('\n', from);
    Json line = Json::parse(text.substr(from, end - from), nullptr, false);
    from = end + 1;
    if (!line.is_object()) return unreadable(path);
    if (first) {
      first = false;
      journal->header_ = {line.value("seed", std::uint64_t{0}), line.value("demo", 0),
                          line.value("epoch", std::int64_t{0})};
    } else {
      journal->entries_.push_back(std::move(line));
    }
  }
  const Header& found = journal->header_;
  if (found.seed != fresh.seed || found.demo != fresh.demo) {
    return Error{
        Kind::refused, "journal_other_seed",
        fmt::format(
            "{} holds the world of seed {}: start with --seed {}, or give another --data-dir", path,
            found.seed, found.seed)};
  }
  if (whole != std::string::npos && whole + 1 < text.size() &&
      ::truncate(path.c_str(), static_cast<off_t>(whole + 1)) != 0) {
    return unreadable(path);
  }
  journal->out_.open(path, std::ios::app | std::ios::binary);
  ::chmod(path.c_str(), 0600);
  if (!journal->out_) return unreadable(path);
  if (first) {
    if (!text.empty() && ::truncate(path.c_str(), 0) != 0) return unreadable(path);
    journal->append({{"seed", fresh.seed}, {"demo", fresh.demo}, {"epoch", fresh.epoch}});
  }
  return journal;
}

void Journal::append(const OrderedJson& entry) { out_ << dump(entry) << '\n' << std::flush; }

}  // namespace payoutd::sim
