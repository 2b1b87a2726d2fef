// Who has connected to the control socket, and whether they may act.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace vnuma::control {

// Members of this group may act, if the system has it.
inline constexpr const char* actors_group = "vnumad";

// A process by its credentials when it called connect(2).
struct Peer {
    pid_t pid = -1;  // it may have ended, and the number may be another's by now
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
    std::vector<gid_t> groups;  // supplementary ones
};

// Nothing if the kernel does not tell.
std::optional<Peer> read_peer(int socket);

// Those who may act, besides root.
struct Actors {
    uid_t own_user = 0;
    std::optional<gid_t> group;
};

// Reads the system's groups, which may block and needs files that seccomp may hide: at start only.
Actors find_actors(const std::string& group = actors_group);

// Pure.
bool may_act(const Peer& peer, const Actors& actors);

}  // namespace vnuma::control
