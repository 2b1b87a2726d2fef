#include "src/control/server/peer.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace vnuma::control {
namespace {

// The kernel's NGROUPS_MAX.
constexpr std::size_t max_groups = 65536;
constexpr std::size_t max_group_entry_bytes = std::size_t{1} << 20;

// SO_PEERCRED has the main group only.
std::optional<std::vector<gid_t>> read_groups(int socket) {
    std::vector<gid_t> groups(64);
    while (true) {
        auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        const bool done =
            ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0;
        const std::size_t count = size / sizeof(gid_t);
        if (!done && (errno != ERANGE || count <= groups.size() || count > max_groups))
            return std::nullopt;
        groups.resize(count);
        if (done) return groups;
    }
}

}  // namespace

std::optional<Peer> read_peer(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return std::nullopt;
    auto groups = read_groups(socket);
    if (!groups) return std::nullopt;
    return Peer{credentials.pid, credentials.uid, credentials.gid, std::move(*groups)};
}

Actors find_actors(const std::string& group) {
    Actors actors{::geteuid(), std::nullopt};
    ::group entry{};
    ::group* found = nullptr;
    for (std::size_t size = 1024; size <= max_group_entry_bytes; size *= 2) {
        std::vector<char> memory(size);
        const int error = ::getgrnam_r(group.c_str(), &entry, memory.data(), memory.size(), &found);
        if (error == ERANGE) continue;  // the group has many members
        if (error == 0 && found) actors.group = entry.gr_gid;
        break;
    }
    return actors;
}

bool may_act(const Peer& peer, const Actors& actors) {
    if (peer.uid == 0 || peer.uid == actors.own_user) return true;
    if (!actors.group) return false;
    return peer.gid == *actors.group ||
           std::find(peer.groups.begin(), peer.groups.end(), *actors.group) != peer.groups.end();
}

}  // namespace vnuma::control
