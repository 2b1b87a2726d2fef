// The history on disk, read. For one thread at a time; a connection of its own, which never waits
// for the writer. A query reads a limited number of rows.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/control/protocol/events.hpp"
#include "src/control/protocol/requests.hpp"
#include "src/history/database.hpp"
#include "src/history/history_schema.hpp"

namespace vnuma::history {

// Rows that a query for a page looks at, of each kind, where it is about one guest: its own are
// among them. Other clients wait while a query is answered, so this and the size of a page bound it
// to a few milliseconds.
inline constexpr std::int64_t max_scanned_rows = 4000;
// What SinceArguments::limit may be at most; a larger one counts as this. Happenings have no pages.
inline constexpr int max_page_limit = 1000;
inline constexpr int max_happenings_limit = 10'000;

// What is on disk of a page. `end`: nothing at this time and later was looked at to the end; none:
// all was.
struct PagePart {
    control::HistoryPage page;
    std::optional<std::int64_t> end;
    Progress progress;
};

// The page of what was found, in the order of time. It has at most `limit` entries of each kind,
// but always all of one moment: so a next page can begin where this one ends. Pure.
control::HistoryPage cut_page(PagePart part, int limit);

// Whether a happening is asked for.
bool is_asked_for(const control::Happening& happening, const control::SinceArguments& arguments);

class HistoryReader {
  public:
    // Throws DatabaseError, as all its functions do. The file must exist.
    explicit HistoryReader(const std::string& file);

    // A guest is asked for by its UUID, or by a name that it has had.
    PagePart page(const control::SinceArguments& arguments);
    // The newest `limit` happenings since then, ordered by time.
    std::vector<control::Happening> happenings(const control::SinceArguments& arguments,
                                               Progress& progress);

  private:
    std::set<std::int64_t> find_ids(const std::string& guest);
    Progress read_progress();

    Database database_;
};

}  // namespace vnuma::history
