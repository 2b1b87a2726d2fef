#include "src/record/replay.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <vector>

#include "policy/verdict/explain.hpp"
#include "src/json/shapes.hpp"

namespace vnuma {
namespace {

// Names of guests may have any bytes. As JSON they stay on their line.
std::string as_json(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

const Verdict* find_verdict(const Plan& plan, const CellKey& key) {
    const auto found = std::find_if(plan.verdicts.begin(), plan.verdicts.end(),
                                    [&](const Verdict& verdict) { return verdict.key == key; });
    return found == plan.verdicts.end() ? nullptr : &*found;
}

std::string name_of(const CellKey& key, const Snapshot& snapshot) {
    std::string name = key.uuid;
    for (const GuestState& guest : snapshot.guests)
        if (guest.uuid == key.uuid) name = guest.name;
    return as_json(name) + " cell " + std::to_string(key.cell) +
           (key.shard == CellKey::whole ? "" : " shard " + std::to_string(key.shard));
}

std::string compare_verdicts(const Verdict* recorded, const Verdict* now,
                             const Topology& topology) {
    const auto sentence = [&](const Verdict* verdict) {
        return verdict ? explain(*verdict, topology) : "no verdict";
    };
    std::string before = sentence(recorded), after = sentence(now);
    // Verdicts may differ in numbers that are not in their sentences.
    if (before == after && recorded && now) before = to_text(*recorded), after = to_text(*now);
    return "recorded " + as_json(before) + ", planned now " + as_json(after);
}

std::string compare_actions(const Plan& recorded, const Plan& now) {
    const bool advised = recorded.actions == now.actions;
    const std::vector<Action>& before = advised ? recorded.advised : recorded.actions;
    const std::vector<Action>& after = advised ? now.advised : now.actions;
    std::size_t i = 0;
    while (i < before.size() && i < after.size() && before[i] == after[i])
        ++i;
    return std::string("the verdicts are equal, but the ") +
           (advised ? "advised actions" : "actions") + " differ from number " + std::to_string(i) +
           " on: recorded " + std::to_string(before.size()) + ", planned now " +
           std::to_string(after.size());
}

// The lines of a file. A line longer than max_record_bytes is an error.
class Lines {
  public:
    explicit Lines(const std::string& file)
        : file_(file), in_(file, std::ios::binary), buffer_(max_record_bytes + 2) {
        in_.peek();  // opening a directory succeeds, reading it fails
        if (!in_.is_open() || in_.bad()) throw ReplayError(file + ": cannot be read");
        in_.clear();
    }

    bool next() {
        ++number_;
        in_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
        if (in_.bad()) fail("cannot be read");
        const auto got = static_cast<std::size_t>(in_.gcount());
        if (in_.fail() && got > 0)
            fail("has more than " + std::to_string(max_record_bytes) + " bytes");
        if (in_.fail()) return false;
        line_ = {buffer_.data(), in_.eof() ? got : got - 1};
        return true;
    }
    std::string_view line() const { return line_; }
    [[noreturn]] void fail(const std::string& problem) const {
        throw ReplayError(file_ + ":" + std::to_string(number_) + ": " + problem);
    }

  private:
    std::string file_;
    std::ifstream in_;
    std::vector<char> buffer_;
    std::string_view line_;
    std::size_t number_ = 0;
};

Record read_record(const Lines& lines) {
    try {
        return parse_record(lines.line());
    } catch (const FormatError& error) {
        lines.fail(error.what());
    }
}

}  // namespace

std::string find_difference(const Record& recorded, const Plan& now) {
    if (recorded.plan == now) return "";
    std::vector<CellKey> different;
    for (const Verdict& verdict : recorded.plan.verdicts) {
        const Verdict* other = find_verdict(now, verdict.key);
        if (!other || *other != verdict) different.push_back(verdict.key);
    }
    for (const Verdict& verdict : now.verdicts)
        if (!find_verdict(recorded.plan, verdict.key)) different.push_back(verdict.key);
    if (different.empty()) return compare_actions(recorded.plan, now);
    const CellKey& first = different.front();
    const std::size_t others = different.size() - 1;
    return name_of(first, recorded.snapshot) + ": " +
           compare_verdicts(find_verdict(recorded.plan, first), find_verdict(now, first),
                            recorded.snapshot.topology) +
           (others > 0 ? " (and " + std::to_string(others) + " more)" : "");
}

Replayed replay(const std::string& file, std::ostream& out) {
    Lines lines(file);
    Replayed done;
    while (lines.next()) {
        const Record record = read_record(lines);
        const Plan now = plan(record.snapshot, record.history, record.settings);
        const std::string difference = find_difference(record, now);
        ++done.plans;
        if (difference.empty()) continue;
        ++done.different;
        out << "tick at " << record.snapshot.now << " ms: " << difference << "\n";
    }
    out << done.plans << " plans, " << done.plans - done.different << " the same, "
        << done.different << " different\n";
    return done;
}

}  // namespace vnuma
