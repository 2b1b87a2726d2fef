#include "src/record/record.hpp"

#include "policy/units/split.hpp"
#include "src/json/fields.hpp"
#include "src/record/snapshot_shapes.hpp"
#include "src/record/verdict_shape.hpp"

namespace vnuma {
namespace {

using recorded::key_shape;
using recorded::point_in_time;
using recorded::positions;
using recorded::verdict_shape;

constexpr PerMille most_permille = 10'000;

auto settings_shape() {
    return object_of([](auto& io, auto& settings) {
        auto& [horizon, margin, cool_down, pace, watermark, imbalance, changes_per_hour] = settings;
        io.field("horizon", horizon, Number{1, max_recorded_horizon});
        io.field("margin", margin, Number{0, most_permille});
        io.field("cool_down", cool_down, Number{0, max_recorded_cool_down});
        io.field("pace", pace, recorded::some_memory);
        io.field("watermark", watermark, Number{0, 1000});
        io.field("imbalance", imbalance, Number{0, most_permille});
        io.field("changes_per_hour", changes_per_hour, Number{1, max_changes_per_hour});
    });
}

// Whether the shards have all vCPUs from 0 on, each vCPU once, and no shard is empty.
bool is_partition(const Partition& partition) {
    std::set<std::size_t> vcpus;
    std::size_t count = 0;
    for (const auto& shard : partition) {
        if (shard.empty()) return false;
        vcpus.insert(shard.begin(), shard.end());
        count += shard.size();
    }
    return vcpus.size() == count && (count == 0 || *vcpus.rbegin() == count - 1);
}

auto history_shape(std::size_t nodes) {
    const auto cell = [nodes](auto& io, auto& key, auto& known) {
        auto& [home, home_since, failures, retry_at, roams] = known;
        io.field("key", key, key_shape());
        io.field("home", home, OneNode{nodes});
        io.field("home_since", home_since, point_in_time);
        io.field("failures", failures, Number{0, max_counted_failures});
        io.field("retry_at", retry_at, point_in_time);
        io.unless(false, "roams", roams, Flag());
    };
    const auto shard = [](auto& io, auto& uuid, auto& known) {
        auto& [partition, since, changes, changed] = known;
        io.field("uuid", uuid, Text());
        io.field("partition", partition,
                 list_between(positions(max_recorded_vcpus), 0, max_recorded_vcpus));
        io.check("partition", is_partition(partition), "must have every vCPU in exactly one shard");
        io.field("since", since, point_in_time);
        io.unless(0, "changes", changes, Number{0, max_counted_changes});
        io.unless(Millis{0}, "changed", changed, point_in_time);
    };
    const auto change = [](auto& io, auto& uuid, auto& times) {
        io.field("uuid", uuid, Text());
        io.field("times", times, list_between(point_in_time, 1, max_changes_per_hour));
        io.check("times", std::is_sorted(times.begin(), times.end()), "must be in their order");
    };
    return object_of([=](auto& io, auto& history) {
        auto& [cells, shards, changes] = history;
        io.field("cells", cells, entries_of(cell));
        io.maybe("shards", shards, entries_of(shard));
        io.maybe("changes", changes, entries_of(change));
    });
}

// The kind of an action, which has to be read before its fields.
struct ActionName {
    static constexpr std::array<const char*, 3> names{"pin", "unpin", "move"};

    JsonOut write(const Action& action) const { return names[action.index()]; }
    void read(const JsonIn& in, Action& action) const {
        const std::string& text = in.text();
        if (text == names[0])
            action = PinCell();
        else if (text == names[1])
            action = UnpinCell();
        else if (text == names[2])
            action = MoveMemory();
        else
            in.fail("has an unknown value " + quoted(text));
    }
};

template <typename Io, typename One>
void describe_action(Io& io, One& one, std::size_t nodes) {
    using Kind = std::remove_const_t<One>;
    if constexpr (std::is_same_v<Kind, PinCell>) {
        auto& [key, to, vcpus] = one;
        io.field("key", key, key_shape());
        io.field("to", to, OneNode{nodes});
        io.maybe("vcpus", vcpus, positions(max_recorded_vcpus));
    } else if constexpr (std::is_same_v<Kind, UnpinCell>) {
        auto& [key, vcpus] = one;
        io.field("key", key, key_shape());
        io.maybe("vcpus", vcpus, positions(max_recorded_vcpus));
    } else {
        auto& [key, to, bytes, vcpus, extents] = one;
        io.field("key", key, key_shape());
        io.field("to", to, OneNode{nodes});
        io.field("bytes", bytes, any_number);
        io.maybe("vcpus", vcpus, positions(max_recorded_vcpus));
        io.maybe("extents", extents, positions(max_recorded_extents));
    }
}

auto plan_shape(std::size_t nodes) {
    const auto action = object_of([nodes](auto& io, auto& one) {
        io.field("action", one, ActionName());
        std::visit([&](auto& kind) { describe_action(io, kind, nodes); }, one);
    });
    return object_of([=](auto& io, auto& plan) {
        auto& [verdicts, actions, advised] = plan;
        io.field("verdicts", verdicts, list_of(verdict_shape(OneNode{nodes})));
        io.field("actions", actions, list_of(action));
        io.maybe("advised", advised, list_of(action));
    });
}

std::string dump(const JsonOut& json) {
    return json.dump(-1, ' ', false, JsonOut::error_handler_t::replace);
}

nlohmann::json parse_json(std::string_view line) {
    if (line.size() > max_record_bytes)
        throw FormatError("", "has " + std::to_string(line.size()) + " bytes, the limit is " +
                                  std::to_string(max_record_bytes));
    try {
        return nlohmann::json::parse(line);
    } catch (const nlohmann::json::parse_error& error) {
        throw FormatError("", "is not JSON: error at byte " + std::to_string(error.byte));
    } catch (const nlohmann::json::exception&) {
        throw FormatError("", "is not JSON that can be read: it has a number that is too large");
    }
}

}  // namespace

std::string to_line(const Record& record) {
    const auto& [settings, history, snapshot, plan] = record;
    const std::size_t nodes = snapshot.topology.nodes.size();
    JsonOut line = JsonOut::object();
    FieldWriter writer(line);
    writer.field("version", record_version, any_number);
    writer.field("settings", settings, settings_shape());
    writer.field("history", history, history_shape(nodes));
    writer.field("snapshot", snapshot, recorded::snapshot_shape());
    writer.field("plan", plan, plan_shape(nodes));
    return dump(line);
}

Record parse_record(std::string_view line) {
    const nlohmann::json value = parse_json(line);
    const JsonIn in{value};
    FieldReader reader(in);
    std::int64_t version = 0;
    reader.field("version", version, any_number);
    const std::string other_version = "is " + std::to_string(version) + ", this vnumad reads " +
                                      std::to_string(record_version) + " only";
    reader.check("version", version == record_version, other_version.c_str());
    Record record;
    reader.field("settings", record.settings, settings_shape());
    // The number of nodes limits values in all other fields.
    reader.field("snapshot", record.snapshot, recorded::snapshot_shape());
    const std::size_t nodes = record.snapshot.topology.nodes.size();
    reader.field("history", record.history, history_shape(nodes));
    reader.field("plan", record.plan, plan_shape(nodes));
    reader.finish();
    return record;
}

std::string to_text(const Verdict& verdict) {
    return dump(verdict_shape(OneNode{max_host_nodes}).write(verdict));
}

}  // namespace vnuma
