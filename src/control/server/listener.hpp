// The sockets that the control socket's clients connect to.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "guests/process/file_descriptor.hpp"
#include "src/control/server/peer.hpp"

namespace vnuma::control {

inline constexpr const char* act_socket_name = "control.sock";
inline constexpr const char* read_socket_name = "control-ro.sock";
inline constexpr mode_t act_socket_mode = 0660;
inline constexpr mode_t read_socket_mode = 0666;  // unless the configuration says otherwise

// A socket cannot be made or used. what() names it, the reason and what to do.
struct ListenError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A socket that is listening. One that this process has made is removed at the end of its life,
// unless another file has taken its path by then.
class Listener {
  public:
    // Makes a socket. It appears at the path with its owner and mode when it is listening. Takes
    // the path from a socket whose server is gone; throws ListenError if something else is there,
    // or if a server answers. `group`: its group, if any.
    static Listener make(const std::string& path, mode_t mode, std::optional<gid_t> group,
                         bool may_act);

    // A socket that systemd has made, and removes.
    Listener(FileDescriptor socket, std::string path, bool may_act);

    Listener(Listener&&) noexcept;
    Listener& operator=(Listener&&) = delete;
    ~Listener();

    const std::string& path() const { return path_; }
    bool may_act() const { return may_act_; }  // whether clients who may act can do so here

    // Hands the socket to the caller. The path is still removed at the end of the listener's life.
    FileDescriptor take_socket() { return std::move(socket_); }

  private:
    FileDescriptor socket_;
    std::string path_;
    bool may_act_ = false;
    // The file that this process has made, so as not to remove another's.
    std::optional<std::pair<dev_t, ino_t>> file_;
};

// Makes both sockets in `directory`, which is made if it is not there. Throws ListenError. Only
// members of a group, and who has CAP_CHOWN, may give the sockets to that group.
std::vector<Listener> make_listeners(const std::string& directory, const Actors& actors,
                                     mode_t read_mode = read_socket_mode);

// Which socket a descriptor is by the name that its unit gives it (FileDescriptorName=), "control"
// or "control-ro", or else by the file name of its path. Returns whether clients may act there;
// nothing if it is neither. Pure.
std::optional<bool> recognise(std::string_view path, std::string_view name);

// What systemd has passed to this process; empty if it has passed nothing. Throws ListenError if a
// descriptor is no listening socket of AF_UNIX, or neither of the two.
std::vector<Listener> take_listeners_of_systemd();

}  // namespace vnuma::control
