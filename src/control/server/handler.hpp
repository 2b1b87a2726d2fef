// What answers the requests of the control socket.
#pragma once

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <variant>

#include "src/control/protocol/commands.hpp"
#include "src/control/protocol/requests.hpp"

namespace vnuma::control {

// The process that has connected, as it was then.
struct Caller {
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
    pid_t pid = -1;
    bool may_act = false;  // it may, and it is connected to the socket where it can
};

using Reply = std::variant<JsonOut, Refused>;

class Handler {
  public:
    virtual ~Handler() = default;

    // Called on the server's thread only. It must not wait: all clients wait meanwhile. The server
    // has checked the command's Right. `arguments` is an object whose fields nobody has checked.
    // FormatError becomes a refusal of class InvalidArgument; any other exception one of class
    // GenericError, and is logged.
    virtual Reply handle(const Command& command, const nlohmann::json& arguments,
                         const Caller& caller) = 0;
};

}  // namespace vnuma::control
