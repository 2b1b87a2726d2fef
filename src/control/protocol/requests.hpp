// Arguments of the control socket's commands, and replies that are not about guests. Data only;
// units as in guests.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/control/protocol/guests.hpp"

namespace vnuma::control {

// Names one guest: its name, libvirt's id, UUID in any spelling, or pid.
struct GuestArgument {
    std::string guest;
};

struct HeatMapArguments {
    std::string guest;
    int blocks = 256;  // at most; 1 to 4096
};

struct SinceArguments {
    std::int64_t since_ms = 0;         // since 1970
    std::optional<std::string> guest;  // of all guests and of the host if none
    int limit = 1000;                  // of each kind of entry; 1 to 10000
};

// What a policy belongs to: exactly one of them; none: the defaults of all guests.
struct PolicyTarget {
    std::optional<std::string> guest;  // a guest as in GuestArgument, or a section's pattern
    std::optional<std::string> cgroup, group;
};
struct PolicyView {
    std::string target;               // "guest web1", "cgroup /kubepods/*", "group web", "defaults"
    std::vector<PolicyValue> values;  // in force
    std::vector<PolicyValue> run_time;  // of them, those that were set at run time
    std::vector<std::string> problems;
};
struct Setting {
    std::string key, value;
};
struct SetPolicyArguments {
    PolicyTarget target;
    std::vector<Setting> settings;
    std::optional<std::int64_t> for_ms;  // how long; none: until unset
    bool absent = false;                 // the guest need not run yet
};
struct UnsetPolicyArguments {
    PolicyTarget target;
    std::vector<std::string> keys;  // all if empty
};

struct GroupMember {
    std::string name, uuid;
    std::vector<int> homes;  // nodes
};
struct GroupView {
    std::string name, arrangement;
    std::vector<GroupMember> members;
    std::vector<std::string> problems;
};

struct MoveArguments {
    std::string guest;
    std::vector<int> home;  // of each cell, or one for all
    bool force = false;     // also where the planner says that it costs more
};
struct MoveReply {
    bool accepted = false;
    std::string opinion;  // the planner's: what it costs there and here, what is in the way
};

// Of freeze, thaw and restore.
struct GuestOrAll {
    std::optional<std::string> guest;  // vnumad as a whole if none
};
struct Done {
    std::string what;  // a sentence
};

struct PlaceArguments {
    int vcpus = 1;
    Bytes memory = 0;
    int cells = 1;
    std::optional<std::string> near;        // PCI address, network interface or block device
    std::optional<std::vector<int>> nodes;  // allowed
    Bytes huge_page = 0;
    Millis reserve = 0;  // at most max_reservation; 0: nothing is reserved
    std::string name;    // of the guest that will come, if it is known
};
struct PlaceMove {
    std::string guest, uuid;
    int cell = 0, from = 0, to = 0;
    Bytes bytes = 0;
};
struct PlaceReply {
    bool has_room = false;
    std::vector<int> nodes;         // of each cell; empty: nowhere
    std::vector<std::string> cpus;  // of each cell, as lists
    std::vector<PlaceMove> moves;   // that would make room
    std::string why;                // a sentence
};

struct EventsArguments {
    bool events = true;    // whether events are sent to this client
    bool records = false;  // whether each plan is, as event PLAN: a line of a recording
};

// A request that is refused: QMP's "class" and "desc".
struct Refused {
    const char* error_class = "GenericError";
    std::string description;
};
inline constexpr const char* guest_not_found = "GuestNotFound";
inline constexpr const char* invalid_argument = "InvalidArgument";
inline constexpr const char* not_permitted = "NotPermitted";
inline constexpr const char* is_blind = "Blind";       // nothing could be seen in the last tick
inline constexpr const char* was_refused = "Refused";  // understood, but not done
inline constexpr const char* command_not_found = "CommandNotFound";  // as QEMU has it
inline constexpr const char* generic_error = "GenericError";         // as QEMU has it

}  // namespace vnuma::control
