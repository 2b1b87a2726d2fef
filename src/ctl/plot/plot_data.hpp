// What a page of plots shows, made from a recording or from the daemon's history. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/control/protocol/events.hpp"
#include "src/ctl/plot/series.hpp"
#include "src/record/record.hpp"

namespace vnuma::ctl::plot {

// Of a cell. Later changes of its home are not shown, and the page says so.
inline constexpr std::size_t max_bands = 2000;
// Older events are not shown, and the page says so.
inline constexpr std::size_t max_events = 20'000;
// Two minutes of the history with more time between them have a gap.
inline constexpr Millis longest_step = 180'000;
// Time that is shown between the end of a recording and its continuation after a restart.
inline constexpr Millis restart_gap = 60'000;

// From this time on, until the next band, a cell has this home; a node by the kernel's number.
struct Band {
    Millis time = 0;
    std::optional<int> home;

    friend bool operator==(const Band&, const Band&) = default;
};

struct GuestPlot {
    std::string name, uuid;
    // Column 0 is the locality in thousandths; then follows the memory in bytes on each of
    // PlotData::nodes.
    Series series;
    std::map<std::string, std::vector<Band>> cells;  // by "cell 0", "cell 0, shard 1"
};

struct PlotEvent {
    Millis time = 0;
    std::string kind;                  // name of an EventKind
    std::optional<std::size_t> guest;  // index of PlotData::guests
    std::string text;

    friend bool operator==(const PlotEvent&, const PlotEvent&) = default;
};

struct PlotData {
    std::string title;
    bool is_wall_clock = false;  // times are since 1970, or else since the recording began
    std::vector<int> nodes;      // the kernel's numbers
    Series load;  // by node: CPU use of guests and others, in thousandths of the node's capacity
    Series available;  // by node: bytes
    std::vector<GuestPlot> guests;
    std::vector<PlotEvent> events;      // by time
    std::vector<std::string> problems;  // what is not shown, and why
};

// Puts rows together, one guest and one node after the other. Times must not go back.
class PlotBuilder {
  public:
    explicit PlotBuilder(bool is_wall_clock) { data_.is_wall_clock = is_wall_clock; }

    std::size_t column_of(int node);
    std::size_t index_of(const std::string& uuid, const std::string& name);
    GuestPlot& guest(std::size_t index) { return data_.guests[index]; }
    PlotData& data() { return data_; }
    void set_home(std::size_t guest, const std::string& cell, Millis time, std::optional<int> home);
    void add_event(PlotEvent event);
    // Only the last `length` milliseconds, if it is given.
    PlotData finish(std::string title, std::optional<Millis> length);

  private:
    PlotData data_;
    std::map<int, std::size_t> columns_;
    std::map<std::string, std::size_t> indexes_;
    bool has_too_many_bands_ = false;
};

std::string cell_label(int cell, std::optional<int> shard);

class RecordingPlot {
  public:
    // Records in their order.
    void add(const Record& record);
    PlotData finish(std::string title, std::optional<Millis> length);

  private:
    void add_nodes(const Snapshot& snapshot, Millis time);
    void add_guests(const Snapshot& snapshot, Millis time);
    void add_homes(const Record& record, Millis time);
    void add_moves(const Record& record, Millis time);
    void say(control::EventKind kind, Millis time, std::optional<std::size_t> guest,
             std::string text);

    PlotBuilder builder_{false};
    std::optional<Millis> last_;
    Millis shift_ = 0;  // from the host's clock, which a restart resets, to that of the plot
    std::set<std::size_t> present_;        // guests in the last record
    std::map<CellKey, MoveMemory> moves_;  // of the last record
};

class HistoryPlot {
  public:
    // Pages in their order.
    void add(const control::HistoryPage& page);
    PlotData finish(std::string title, std::optional<Millis> length);

  private:
    // What is known of a minute so far: cells of a guest, or nodes of the host.
    struct Minute {
        Millis time = 0;
        Column values, others;
        std::int64_t weight = 0, weighted = 0;  // CPU use, and its product with the locality
    };
    void add(const control::CellMinute& cell);
    void add(const control::NodeMinute& node);
    void flush(std::size_t guest, Minute& minute);
    void flush_nodes();

    PlotBuilder builder_{true};
    std::map<std::size_t, Minute> guests_;
    std::optional<Minute> nodes_;
};

}  // namespace vnuma::ctl::plot
