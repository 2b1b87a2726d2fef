// What is different from a recording: settings, added nodes, guests that are left out. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "src/record/record.hpp"

namespace vnuma::ctl {

// What is wrong with a change, as a sentence without its end.
struct ChangeError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The keys of the configuration that a recording can be planned with in other ways.
std::vector<std::string> keys_of_settings();

class Changes {
  public:
    // `settings` are "KEY=VALUE" with keys and values of the configuration; quotes around a text
    // may be left out. `without` has names or UUIDs of guests. Throws ChangeError.
    Changes(const std::vector<std::string>& settings, int add_nodes,
            std::vector<std::string> without);

    // The record as it would have been. Its plan is as recorded. Throws ChangeError if the host
    // cannot have so many nodes.
    Record apply(Record record);

    bool empty() const { return settings_.empty() && add_nodes_ == 0 && without_.empty(); }
    // Of what was to be left out, that which named no guest in any record so far.
    std::vector<std::string> unknown_guests() const;
    // Names of up to this many guests that were seen, for error messages.
    static constexpr std::size_t named_guests = 10;
    const std::set<std::string>& seen_guests() const { return seen_; }
    // "planner.margin=0.2, 1 more node, without web1".
    std::string to_text() const;

  private:
    void remove_guests(Snapshot& snapshot);

    struct Setting {
        std::string text;
        std::function<void(PlannerSettings&)> apply;
    };

    std::vector<Setting> settings_;
    std::optional<Mode> mode_;
    int add_nodes_ = 0;
    std::vector<std::string> without_;
    std::map<std::string, bool> matched_;  // by what was to be left out, normalized
    std::set<std::string> seen_;
};

}  // namespace vnuma::ctl
