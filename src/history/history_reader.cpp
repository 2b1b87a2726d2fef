#include "src/history/history_reader.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "src/history/minutes.hpp"

namespace vnuma::history {
namespace {

using control::CellMinute;
using control::EventKind;
using control::Happening;
using control::HistoryPage;
using control::NodeMinute;
using control::SinceArguments;

constexpr int patience_ms = 0;  // whoever asks does not wait for another process' lock
constexpr std::int64_t max_time_ms = std::int64_t{1} << 53;

// Each begins with the time, and with the guest's number where there is one.
constexpr const char* cells_since =
    "SELECT minute * 60000, guest, cell, home, cpu_use, locality, memory, moved "
    "FROM cells WHERE minute >= ? ORDER BY minute, guest, cell";
constexpr const char* nodes_since =
    "SELECT minute * 60000, NULL, node, capacity, guest_use, other_use, memory, available "
    "FROM nodes WHERE minute >= ? ORDER BY minute, node";
constexpr const char* happenings_since =
    "SELECT time_ms, guest, kind, cell, shard, from_node, to_node, bytes, text "
    "FROM happenings WHERE time_ms >= ? ORDER BY time_ms, id";
constexpr const char* newest_happenings =
    "SELECT time_ms, guest, kind, cell, shard, from_node, to_node, bytes, text "
    "FROM happenings WHERE time_ms >= ? ORDER BY time_ms DESC, id DESC LIMIT ?";
constexpr const char* newest_happenings_of_guest =
    "SELECT time_ms, guest, kind, cell, shard, from_node, to_node, bytes, text "
    "FROM happenings INDEXED BY happenings_by_guest "
    "WHERE guest IN (SELECT id FROM guests WHERE uuid IN "
    "(SELECT uuid FROM guests WHERE uuid = ?3 OR name = ?3)) AND time_ms >= ?1 "
    "ORDER BY time_ms DESC, id DESC LIMIT ?2";

// Names of guests, each read once: a join would read one for every row.
class Names {
  public:
    explicit Names(Database& database)
        : find_(database, "SELECT uuid, name FROM guests WHERE id = ?") {}

    // Sets both of an entry, if it is about a guest.
    template <typename Item>
    void set(std::optional<std::int64_t> id, Item& item) {
        if (!id) return;
        auto known = known_.find(*id);
        if (known == known_.end()) {
            known = known_.emplace(*id, std::pair<std::string, std::string>()).first;
            if (find_.bind(1, *id).step()) known->second = {find_.text(0), find_.text(1)};
            find_.reset();
        }
        std::tie(item.uuid, item.guest) = known->second;
    }

  private:
    Statement find_;
    std::unordered_map<std::int64_t, std::pair<std::string, std::string>> known_;
};

std::optional<int> maybe_int(const Statement& row, int column) {
    const auto value = row.maybe_number(column);
    return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
}

CellMinute read_cell(const Statement& row, Names& names) {
    CellMinute cell;
    cell.time_ms = row.number(0);
    names.set(row.maybe_number(1), cell);
    cell.cell = static_cast<int>(row.number(2));
    cell.home = maybe_int(row, 3);
    cell.cpu_use = row.number(4);
    cell.locality = row.number(5);
    cell.memory = from_column(row.text(6));
    cell.moved = row.number(7);
    return cell;
}

NodeMinute read_node(const Statement& row, Names&) {
    return {row.number(0), static_cast<int>(row.number(2)),
            row.number(3), row.number(4),
            row.number(5), row.number(6),
            row.number(7)};
}

Happening read_happening(const Statement& row, Names& names) {
    Happening happening;
    happening.time_ms = row.number(0);
    names.set(row.maybe_number(1), happening);
    // A kind that is unknown is no reason to lose the others.
    happening.kind = find_by_name(control::event_kinds, row.text(2)).value_or(EventKind::trouble);
    happening.cell = maybe_int(row, 3);
    happening.shard = maybe_int(row, 4);
    happening.from = maybe_int(row, 5);
    happening.to = maybe_int(row, 6);
    happening.bytes = row.maybe_number(7);
    happening.text = row.text(8);
    return happening;
}

std::int64_t since_of(const SinceArguments& arguments) {
    return std::clamp<std::int64_t>(arguments.since_ms, 0, max_time_ms);
}

struct Wanted {
    const std::set<std::int64_t>* guests;  // null: all, and the host
    int limit;
    Names& names;
};

// Reads rows until there are enough, but all of the first moment, or until the page ends because of
// rows of another kind. If there are enough, the page ends with the first row that was not read; of
// this moment, others may have been read.
template <typename Item>
void collect(Statement rows, const Wanted& wanted, Item (*read)(const Statement&, Names&),
             std::vector<Item>& items, std::optional<std::int64_t>& end) {
    std::optional<std::int64_t> first;
    for (std::int64_t scanned = 0; rows.step(); ++scanned) {
        const std::int64_t time = rows.number(0);
        if (end && time >= *end) return;
        if (!first) first = time;
        const bool is_full =
            scanned >= max_scanned_rows || items.size() > static_cast<std::size_t>(wanted.limit);
        if (is_full && time != *first) {
            end = time;
            return;
        }
        if (!wanted.guests || wanted.guests->contains(rows.maybe_number(1).value_or(0)))
            items.push_back(read(rows, wanted.names));
    }
}

// Where a list that is too long has to end.
template <typename Item>
void shorten(const std::vector<Item>& items, int limit, std::optional<std::int64_t>& end) {
    if (items.size() <= static_cast<std::size_t>(limit)) return;
    std::int64_t cut = items[static_cast<std::size_t>(limit)].time_ms;
    if (cut == items.front().time_ms) {
        const auto next = std::find_if(items.begin(), items.end(),
                                       [&](const Item& item) { return item.time_ms != cut; });
        if (next == items.end()) return;
        cut = next->time_ms;
    }
    if (!end || cut < *end) end = cut;
}

}  // namespace

HistoryPage cut_page(PagePart part, int limit) {
    limit = std::clamp(limit, 1, max_page_limit);
    HistoryPage& page = part.page;
    std::stable_sort(page.events.begin(), page.events.end(),
                     [](const Happening& a, const Happening& b) { return a.time_ms < b.time_ms; });
    shorten(page.cells, limit, part.end);
    shorten(page.nodes, limit, part.end);
    shorten(page.events, limit, part.end);
    page.next_ms = part.end;
    if (part.end) {
        const auto is_later = [&](const auto& item) { return item.time_ms >= *part.end; };
        std::erase_if(page.cells, is_later);
        std::erase_if(page.nodes, is_later);
        std::erase_if(page.events, is_later);
    }
    return std::move(page);
}

bool is_asked_for(const Happening& happening, const SinceArguments& arguments) {
    if (happening.time_ms < arguments.since_ms) return false;
    return !arguments.guest || happening.uuid == *arguments.guest ||
           happening.guest == *arguments.guest;
}

HistoryReader::HistoryReader(const std::string& file)
    : database_(file, Database::Access::read, patience_ms) {
    database_.execute("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024");
}

PagePart HistoryReader::page(const SinceArguments& arguments) {
    Transaction transaction(database_, "BEGIN");
    PagePart part;
    part.progress = read_progress();
    const std::int64_t since = since_of(arguments);
    std::set<std::int64_t> ids;
    if (arguments.guest) ids = find_ids(*arguments.guest);
    Names names(database_);
    const Wanted wanted{arguments.guest ? &ids : nullptr,
                        std::clamp(arguments.limit, 1, max_page_limit), names};
    const auto rows = [&](const char* sql, std::int64_t from) {
        Statement statement(database_, sql);
        statement.bind(1, from);
        return statement;
    };
    // A minute that had begun before is part of the page before.
    const std::int64_t minute = (since + minute_ms - 1) / minute_ms;
    collect(rows(cells_since, minute), wanted, read_cell, part.page.cells, part.end);
    if (!wanted.guests)
        collect(rows(nodes_since, minute), wanted, read_node, part.page.nodes, part.end);
    collect(rows(happenings_since, since), wanted, read_happening, part.page.events, part.end);
    transaction.commit();
    return part;
}

std::vector<Happening> HistoryReader::happenings(const SinceArguments& arguments,
                                                 Progress& progress) {
    Transaction transaction(database_, "BEGIN");
    progress = read_progress();
    std::vector<Happening> happenings;
    {
        Names names(database_);
        Statement rows(database_, arguments.guest ? newest_happenings_of_guest : newest_happenings);
        rows.bind(1, since_of(arguments))
            .bind(2, std::int64_t{std::clamp(arguments.limit, 1, max_happenings_limit)});
        if (arguments.guest) rows.bind(3, *arguments.guest);
        while (rows.step())
            happenings.push_back(read_happening(rows, names));
    }
    transaction.commit();
    std::reverse(happenings.begin(), happenings.end());
    return happenings;
}

std::set<std::int64_t> HistoryReader::find_ids(const std::string& guest) {
    Statement rows(database_,
                   "SELECT id FROM guests WHERE uuid IN "
                   "(SELECT uuid FROM guests WHERE uuid = ?1 OR name = ?1)");
    rows.bind(1, guest);
    std::set<std::int64_t> ids;
    while (rows.step())
        ids.insert(rows.number(0));
    return ids;
}

Progress HistoryReader::read_progress() {
    Statement row(database_, "SELECT writer, batch FROM progress");
    if (!row.step()) return {};
    return {row.number(0), row.number(1)};
}

}  // namespace vnuma::history
