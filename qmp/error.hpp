// How a QMP call fails; what() names the socket or the command.
#pragma once

#include <boost/system/error_code.hpp>
#include <stdexcept>
#include <string>

#include "qmp/message.hpp"

namespace vnuma::qmp {

// The server understood the command and refused it.
struct CommandError : std::runtime_error {
    CommandError(std::string command_name, Refusal refusal)
        : std::runtime_error(command_name + ": " + refusal.description + " (" +
                             refusal.error_class + ")"),
          command(std::move(command_name)),
          error_class(std::move(refusal.error_class)),
          description(std::move(refusal.description)) {}

    std::string command;
    std::string error_class;  // "GenericError", "CommandNotFound", ...
    std::string description;
};

// The connection is gone, or was never there.
struct ConnectionError : std::runtime_error {
    ConnectionError(std::string path, boost::system::error_code error, const std::string& note = "")
        : std::runtime_error(path + ": " + error.message() + note),
          socket(std::move(path)),
          cause(error) {}

    std::string socket;
    boost::system::error_code cause;
};

// The peer does not speak QMP, and the connection is closed; or it answered one command with
// something else than was asked for.
struct ProtocolError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// No answer in time.
struct Timeout : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// max_in_flight requests have no answer yet; nothing was sent.
struct Busy : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace vnuma::qmp
