// The shape (src/json/shapes.hpp) of a verdict, which a recording and the report have in common.
// Each struct is taken apart into all of its fields, so that a new field does not compile before it
// is described here.
#pragma once

#include "policy/model/verdict.hpp"
#include "src/json/fields.hpp"
#include "src/record/record.hpp"

namespace vnuma::recorded {

inline auto key_shape() {
    return object_of([](auto& io, auto& key) {
        auto& [uuid, cell, shard] = key;
        io.field("uuid", uuid, Text());
        io.field("cell", cell, kernel_number);
        io.unless(CellKey::whole, "shard", shard, kernel_number);
    });
}

// Positions of vCPUs among a cell's, or of extents among a guest's.
inline auto positions(std::size_t most) {
    return list_between(Number{0, static_cast<std::int64_t>(most) - 1}, 0, most);
}

template <typename Node>
auto home_fields(Node node_shape) {
    const auto former_fields = [node_shape](auto& io, auto& home) {
        auto& [node, cost, above_watermark] = home;
        io.field("former_home", node, node_shape);
        io.field("former_cost_cpu_ms", cost, any_number);
        io.unless(Bytes{0}, "above_watermark_bytes", above_watermark, any_number);
    };
    return [=](auto& io, auto& home) {
        auto& [node, cost, former, to_move, left_away, queued_behind, memory] = home;
        io.field("home", node, node_shape);
        io.field("cost_cpu_ms", cost, any_number);
        io.fields_if("former_home", former, former_fields);
        io.field("to_move_bytes", to_move, any_number);
        io.field("left_away_bytes", left_away, any_number);
        io.unless(Bytes{0}, "queued_behind_bytes", queued_behind, any_number);
        io.maybe("memory_node", memory, node_shape);
    };
}

template <typename Node>
auto alternative_fields(Node node_shape) {
    const auto shortage_fields = [](auto& io, auto& shortage) {
        auto& [wanted, room, cpus_wanted] = shortage;
        io.field("wanted_bytes", wanted, any_number);
        io.field("room_bytes", room, any_number);
        io.unless(0, "cpus_wanted", cpus_wanted, any_number);
    };
    return [=](auto& io, auto& alternative) {
        auto& [node, lack, cost, shortage, apart_from] = alternative;
        io.field("alternative", node, node_shape);
        io.field("lacks", lack, word_of(lacks));
        io.maybe("other_cost_cpu_ms", cost, any_number);
        io.fields_if("wanted_bytes", shortage, shortage_fields);
        io.maybe("apart_from", apart_from, Text());
    };
}

// `node_shape` writes a node as its index or as the kernel's number.
template <typename Node>
auto verdict_shape(Node node_shape) {
    return object_of([node_shape](auto& io, auto& verdict) {
        auto& [key, reason, acts, vcpus, home, alternative, wait, group_parted, detail,
               roaming_cost, unspread_vcpus] = verdict;
        io.field("key", key, key_shape());
        io.field("reason", reason, word_of(reasons));
        io.field("acts", acts, Flag());
        io.maybe("vcpus", vcpus, positions(max_recorded_vcpus));
        io.fields_if("home", home, home_fields(node_shape));
        io.fields_if("alternative", alternative, alternative_fields(node_shape));
        io.unless(Millis{0}, "wait_ms", wait, any_number);
        io.unless(false, "group_parted", group_parted, Flag());
        io.maybe("detail", detail, Text());
        io.maybe("roaming_cost_cpu_ms", roaming_cost, any_number);
        io.unless(0, "unspread_vcpus", unspread_vcpus, Number{0, max_recorded_vcpus});
    });
}

}  // namespace vnuma::recorded
