// A host with two nodes and a few guests, for tests of the view.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "src/ctl/top/model.hpp"

namespace vnuma::ctl::top {

inline constexpr Bytes gib = Bytes{1} << 30;

inline control::NodeStatus make_node(int number) {
    control::NodeStatus node;
    node.node = number;
    node.cpus = number == 0 ? "0-7" : "8-15";
    node.capacity = 8000;
    node.guest_use = 3200;
    node.other_use = 400;
    node.memory = 64 * gib;
    node.available = 40 * gib;
    node.guest_memory = 20 * gib;
    node.hot_remote = number == 0 ? 0 : gib / 2;
    node.distances = number == 0 ? std::vector{10, 21} : std::vector{21, 10};
    return node;
}

inline control::Status make_status(int nodes = 2) {
    control::Status status;
    status.version = "0.8";
    status.pid = 812;
    status.source = "libvirt";
    status.tick = 7;
    status.time_ms = 8'000'000;
    status.interval_ms = 2000;
    status.uptime_ms = 600'000;
    status.guests = {4, 2, 1, 1, 0, 0};
    for (int i = 0; i < nodes; ++i)
        status.nodes.push_back(make_node(i));
    return status;
}

inline control::GuestSummary make_guest(const std::string& name, control::Doing doing, int home) {
    control::GuestSummary guest;
    guest.name = name;
    guest.uuid = "uuid-of-" + name;
    guest.id = 3;
    guest.pid = 4711;
    guest.source = "libvirt";
    guest.state = "running";
    guest.doing = doing;
    guest.vcpus = 4;
    guest.cpu_use = 1500;
    guest.size = 8 * gib;
    guest.memory = {{home, 7 * gib}, {1 - home, gib / 2}};
    guest.locality = 933;
    control::CellSummary cell;
    cell.home = home;
    cell.vcpus = {0, 1, 2, 3};
    cell.reason = "settled";
    cell.cpu_use = guest.cpu_use;
    cell.size = guest.size;
    cell.memory = guest.memory;
    cell.locality = guest.locality;
    guest.cells = {cell};
    return guest;
}

inline std::vector<control::GuestSummary> make_guests() {
    using control::Doing;
    auto moving = make_guest("db-of-the-accounting-department", Doing::moving, 1);
    moving.moved_per_second = gib / 4;
    moving.to_move = 3 * gib;
    moving.locality = 412;
    auto waiting = make_guest("build", Doing::waiting, 0);
    waiting.cells[0].home.reset();
    waiting.why = "no node that it may use has enough memory left";
    waiting.locality = 505;
    return {make_guest("web1", Doing::at_home, 0), make_guest("web2", Doing::at_home, 1), moving,
            waiting};
}

inline Model after(Model model, Event event) {
    return update(std::move(model), std::move(event)).model;
}

inline Model press(Model model, char32_t character) {
    return after(std::move(model), KeyPress{Key::character, character});
}

inline Model press(Model model, Key key) {
    return after(std::move(model), KeyPress{key});
}

inline Model make_model(Size size = {}, int nodes = 2) {
    Model model = start(size).model;
    model = after(std::move(model), Reply(make_status(nodes)));
    return after(std::move(model), Reply(make_guests()));
}

}  // namespace vnuma::ctl::top
