// All commands and events of the control socket. The server, the schema query, docs/control.md and
// vnumactl's completion have them from here. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/control/protocol/events.hpp"
#include "src/json/shapes.hpp"

namespace vnuma::control {

enum class Right {
    read,  // any client of either socket
    act,   // clients of control.sock that the server lets act
};

struct Command {
    const char* name;
    const char* summary;  // sentences
    Right right;
    JsonOut (*arguments)();           // schema of the object of arguments
    JsonOut (*reply)();               // schema of the value that is returned
    std::vector<const char*> errors;  // classes beyond InvalidArgument and GenericError
    const char* verb;                 // of vnumactl, that uses it; empty: none does
};

// In the order of the document.
const std::vector<Command>& commands();
// Null if there is none.
const Command* find_command(std::string_view name);

// Events that are not of an EventKind.
inline constexpr const char* plan_event = "PLAN";                // data: a line of a recording
inline constexpr const char* events_lost_event = "EVENTS_LOST";  // data: {"count": N}

struct Event {
    const char* name;
    const char* meaning;  // a sentence
    JsonOut (*data)();    // schema
};
const std::vector<Event>& events();

// A class of errors that a reply may have.
struct ErrorClass {
    const char* name;
    const char* meaning;  // a sentence
};
const std::vector<ErrorClass>& error_classes();

// Reply of query-schema: {"commands": [{"name", "summary", "right", "arguments", "reply", "errors",
// "verb"}], "events": [{"name", "meaning", "data"}]}. Arguments, reply and data are JSON Schemas.
JsonOut schema();

// docs/control.md.
std::string control_document();

}  // namespace vnuma::control
