// One value of each struct of the control socket's protocol, with something in every field.
#pragma once

#include "src/control/protocol/json.hpp"

namespace vnuma::control::test {

template <typename T>
T sample();

template <>
inline NodeBytes sample() {
    return {1, 4096};
}
template <>
inline CellSummary sample() {
    return {1, 2, 3, {4, 5}, "settled", 1500, 1 << 20, {sample<NodeBytes>()}, 900, 8192};
}
template <>
inline GuestSummary sample() {
    GuestSummary guest;
    guest.name = "web1";
    guest.uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    guest.id = 3;
    guest.pid = 4711;
    guest.source = "libvirt";
    guest.state = "running";
    guest.mode = Mode::advise;
    guest.doing = Doing::hands_off;
    guest.why = "an administrator pinned it";
    guest.cells = {sample<CellSummary>(), CellSummary()};
    guest.vcpus = 4;
    guest.cpu_use = 2500;
    guest.size = 2 << 20;
    guest.memory = {sample<NodeBytes>()};
    guest.locality = 950;
    guest.to_move = 4096;
    guest.moved_per_second = 1'000'000;
    return guest;
}
template <>
inline PolicyValue sample() {
    return {"home", "1", "run-time", 1'753'000'000'000};
}
template <>
inline GuestDetails sample() {
    return {sample<GuestSummary>(), {sample<PolicyValue>()}, {{"uuid", "u"}, {"cells", {1, 2}}}};
}
template <>
inline HeatBlock sample() {
    return {1, 300, -2};
}
template <>
inline HeatMap sample() {
    return {"web1", "u", 4096, "no tracker", {sample<HeatBlock>(), HeatBlock()}};
}
template <>
inline CellExplanation sample() {
    return {0, 1, "It is here.", "It should be there.", "Because.", {"No."}, {"This."}, {"That."}};
}
template <>
inline Explanation sample() {
    return {"web1", "u", {"It runs."}, {sample<CellExplanation>()}};
}

template <>
inline HugePool sample() {
    return {2 << 20, 64 << 20};
}
template <>
inline NodeStatus sample() {
    return {0,
            "0-3,8",
            4500,
            1000,
            200,
            1 << 30,
            1 << 29,
            1 << 28,
            8192,
            4096,
            {sample<HugePool>()},
            {10, 21}};
}
template <>
inline GuestCounts sample() {
    return {6, 1, 2, 1, 1, 1};
}
template <>
inline RivalStatus sample() {
    return {"numad", "a process", "yield", "vnumad only watches"};
}
template <>
inline Status sample() {
    Status status;
    status.version = "1.2.0";
    status.pid = 100;
    status.uptime_ms = 5000;
    status.mode = Mode::observe;
    status.source = "auto";
    status.tick = 12;
    status.time_ms = 1'753'000'000'000;
    status.interval_ms = 2000;
    status.frozen = "an administrator froze it";
    status.blind = "no libvirt";
    status.trouble = {"The disk is full."};
    status.rivals = {sample<RivalStatus>()};
    status.guests = sample<GuestCounts>();
    status.nodes = {sample<NodeStatus>()};
    status.not_at_home = {sample<GuestSummary>()};
    return status;
}

template <>
inline Happening sample() {
    return {EventKind::home_changed, 1'753'000'000'000, "web1", "u", 0, 1, 0, 1, 4096,
            "its home is node 1"};
}
template <>
inline CellMinute sample() {
    return {1'753'000'000'000, "web1", "u", 0, 1, 1500, 800, {sample<NodeBytes>()}, 4096};
}
template <>
inline NodeMinute sample() {
    return {1'753'000'000'000, 1, 4000, 2000, 100, 1 << 30, 1 << 29};
}
template <>
inline PastEvents sample() {
    return {{sample<Happening>()}, "lost"};
}
template <>
inline HistoryPage sample() {
    return {{sample<CellMinute>()}, {sample<NodeMinute>()}, {sample<Happening>()}, 1, "lost"};
}

template <>
inline GuestArgument sample() {
    return {"web1"};
}
template <>
inline HeatMapArguments sample() {
    return {"web1", 64};
}
template <>
inline SinceArguments sample() {
    return {1'753'000'000'000, "web1", 10};
}
template <>
inline PolicyTarget sample() {
    return {"web1", std::nullopt, std::nullopt};
}
template <>
inline PolicyView sample() {
    return {"guest web1", {sample<PolicyValue>()}, {sample<PolicyValue>()}, {"It is impossible."}};
}
template <>
inline Setting sample() {
    return {"mode", "observe"};
}
template <>
inline SetPolicyArguments sample() {
    return {{std::nullopt, "/kubepods/*", std::nullopt}, {sample<Setting>()}, 7'200'000, true};
}
template <>
inline UnsetPolicyArguments sample() {
    return {{std::nullopt, std::nullopt, "web"}, {"mode", "home"}};
}
template <>
inline GroupMember sample() {
    return {"web1", "u", {0, 1}};
}
template <>
inline GroupView sample() {
    return {"web", "apart", {sample<GroupMember>()}, {"It does not fit."}};
}
template <>
inline MoveArguments sample() {
    return {"web1", {1, 0}, true};
}
template <>
inline MoveReply sample() {
    return {true, "It costs less there."};
}
template <>
inline GuestOrAll sample() {
    return {"web1"};
}
template <>
inline Done sample() {
    return {"It was done."};
}
template <>
inline PlaceArguments sample() {
    return {8, 1 << 30, 2, "eth0", std::vector<int>{0, 1}, 2 << 20, 30'000, "web9"};
}
template <>
inline PlaceMove sample() {
    return {"web1", "u", 0, 0, 1, 4096};
}
template <>
inline PlaceReply sample() {
    return {true, {0, 1}, {"0-3", "4-7"}, {sample<PlaceMove>()}, "There is room."};
}
template <>
inline EventsArguments sample() {
    return {false, true};
}

}  // namespace vnuma::control::test
