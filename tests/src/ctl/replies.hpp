// Replies of a daemon, for tests of what vnumactl makes of them.
#pragma once

#include "src/control/protocol/events.hpp"
#include "src/control/protocol/requests.hpp"
#include "src/control/protocol/status.hpp"

namespace vnuma::test {

inline constexpr Bytes gib = Bytes{1} << 30;

inline control::GuestSummary orders_guest() {
    control::GuestSummary guest;
    guest.name = "orders-db";
    guest.uuid = "5f6c2d1e-8b0a-4f57-9a3e-2c1d7e9b4a60";
    guest.id = 3;
    guest.pid = 4711;
    guest.source = "libvirt";
    guest.state = "running";
    guest.doing = control::Doing::moving;
    guest.vcpus = 4;
    guest.cpu_use = 3200;
    guest.size = 16 * gib;
    guest.memory = {{0, 4 * gib}, {1, 12 * gib}};
    guest.locality = 750;
    guest.to_move = 4 * gib;
    guest.moved_per_second = gib / 4;
    control::CellSummary cell;
    cell.home = 1;
    cell.vcpus = {0, 1, 2, 3};
    cell.reason = "better";
    cell.cpu_use = 3200;
    cell.size = 16 * gib;
    cell.memory = guest.memory;
    cell.locality = 750;
    cell.to_move = 4 * gib;
    guest.cells = {cell};
    return guest;
}

inline control::GuestSummary web_guest() {
    control::GuestSummary guest;
    guest.name = "web1";
    guest.uuid = "11111111-2222-3333-4444-555555555555";
    guest.source = "proc";
    guest.state = "running";
    guest.doing = control::Doing::at_home;
    guest.vcpus = 2;
    guest.cpu_use = 100;
    guest.size = 2 * gib;
    guest.memory = {{0, gib / 2}};
    guest.locality = 1000;
    control::CellSummary cell;
    cell.home = 0;
    cell.vcpus = {0, 1};
    cell.reason = "settled";
    cell.size = guest.size;
    cell.memory = guest.memory;
    cell.locality = 1000;
    guest.cells = {cell};
    return guest;
}

inline control::Status a_status() {
    control::Status status;
    status.version = "0.1.0";
    status.pid = 812;
    status.uptime_ms = 273'600'000;
    status.source = "auto";
    status.tick = 1234;
    status.time_ms = 1'000'000'000'000;  // 01:46:40 in UTC
    status.interval_ms = 2000;
    status.guests = {2, 1, 1, 0, 0, 0};
    for (const int node : {0, 1}) {
        control::NodeStatus one;
        one.node = node;
        one.cpus = node == 0 ? "0-3" : "4-7";
        one.capacity = 4000;
        one.guest_use = node == 0 ? 100 : 3200;
        one.other_use = 250;
        one.memory = 64 * gib;
        one.available = 40 * gib;
        one.guest_memory = node == 0 ? 9 * gib / 2 : 12 * gib;
        one.hot_remote = node == 0 ? 4 * gib : 0;
        status.nodes.push_back(one);
    }
    status.not_at_home = {orders_guest()};
    status.not_at_home[0].why = "its memory moves";
    return status;
}

inline control::Happening a_happening() {
    control::Happening happening;
    happening.kind = control::EventKind::move_ended;
    happening.time_ms = 1'000'000'000'000;
    happening.guest = "orders-db";
    happening.uuid = orders_guest().uuid;
    happening.cell = 0;
    happening.to = 1;
    happening.bytes = 4 * gib;
    happening.text = "4 GiB have moved to node 1 in 16 s";
    return happening;
}

}  // namespace vnuma::test
