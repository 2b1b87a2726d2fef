// The ways in which a QMP call fails. what() names the socket or the command.
#pragma once

#include <boost/system/error_code.hpp>
#include <stdexcept>
#include <string>

#include "qmp/message.hpp"

namespace vnuma::qmp {

// The server refused the command.
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

// The connection could not be made, or has ended.
struct ConnectionError : std::runtime_error {
    ConnectionError(std::string path, boost::system::error_code error, const std::string& note = "")
        : std::runtime_error(path + ": " + error.message() + note),
          socket(std::move(path)),
          cause(error) {}

    std::string socket;
    boost::system::error_code cause;
};

// The peer does not speak QMP, or its messages take more memory than is left, and the connection is
// closed; or its answer to one command is not
// what that command returns.
struct ProtocolError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// No answer arrived before the deadline.
struct Timeout : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The command was not sent, because max_in_flight requests have no answer yet.
struct Busy : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace vnuma::qmp
