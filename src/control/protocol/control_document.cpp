// docs/control.md. Its reference part comes from the tables of commands.hpp.
#include <algorithm>
#include <cstdint>

#include "src/control/protocol/commands.hpp"

namespace vnuma::control {
namespace {

constexpr std::size_t columns = 100;
// Larger limits of numbers only say that they fit into their types, and are not shown.
constexpr std::int64_t max_shown_limit = 1'000'000'000;

const char* const introduction = R"(# The control socket

<!-- src/control/protocol/control_document.cpp writes this file. Change the text there. -->

vnumad is asked and told through two sockets of this host:

| socket | for |
| --- | --- |
| `/run/vnumad/control.sock` | clients that act: root and the members of group vnumad. They may read as well. |
| `/run/vnumad/control-ro.sock` | clients that read. The administrator sets who may connect. |

The command line for it is vnumactl. This page is for programs, and for people with a QMP shell: the
sockets speak the syntax of QMP, QEMU's monitor protocol. A program that knows QMP needs nothing new
but the commands.

Every reply that is about the host or its guests is made of what vnumad saw in its last tick. So a
request neither waits for a tick nor delays one.

## A conversation

    socat - UNIX-CONNECT:/run/vnumad/control.sock

Each message is one line of JSON. `C:` and `S:` tell the client's messages from the server's. Here
long messages take two lines, and they are shortened where they have `...`.

```
S: {"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 1}, "package": "vnumad 1.2.0"},
    "capabilities": []}}
C: {"execute": "qmp_capabilities"}
S: {"return": {}}
C: {"execute": "query-explanation", "arguments": {"guest": "web1"}, "id": 1}
S: {"return": {"name": "web1", "uuid": "6ba7b810-...", "guest": [...], "cells": [...]}, "id": 1}
C: {"execute": "move", "arguments": {"guest": "web2", "home": [1]}, "id": 2}
S: {"error": {"class": "GuestNotFound", "desc": "no guest is called \"web2\"; ..."}, "id": 2}
S: {"timestamp": {"seconds": 1753000000, "microseconds": 250000}, "event": "HOME_CHANGED",
    "data": {"guest": "web1", "uuid": "6ba7b810-...", "cell": 0, "from": 0, "to": 1, "text": "..."}}
```

- The server greets each client. Shells for QMP expect the three numbers of `qemu`. They are those
  of vnumad's version, which `package` names as well.
- The client sends `qmp_capabilities`. Until then, all other commands are errors and no events are
  sent.
- `execute` names a command, `arguments` is an object, and `id` is any JSON value that the answer
  has, too. `arguments` and `id` may be left out.
- The answer has either `return` or `error`. `class` is for programs and `desc` for people.
- Events come between answers. Each has a name, its data, and the time when it happened.

No client can make others wait:

- A request that is too long is answered with an error, and the connection ends. One whose JSON is
  nested too deeply is answered with an error.
- There are limits on the number of clients, of all users and of each. Further ones are told so, and
  their connections end. Some places are kept for clients that may act.
- Each client may send a number of requests in a second. The server reads further ones later.
- A client that reads too slowly loses events, and [EVENTS_LOST](#events) tells it how many. A reply
  for which there is no room becomes an error. If the client reads nothing for a while, its
  connection ends, and so does that of a client that does not send `qmp_capabilities`.

The numbers are in `src/control/server/limits.hpp` and `qmp/server_session.hpp`.

## Values

- Sizes are bytes, times are milliseconds, and CPU time is thousandths of a CPU. The name of a field
  ends in its unit: `_bytes`, `_ms`, `_milli`, `_permille`.
- Nodes, CPUs and cells have the kernel's and the guest's numbers.
- A field that is optional is missing where it does not apply. Arrays are always there, maybe empty.
- An argument that is unknown is an error. Clients should ignore fields of replies that they do not
  know: a later version may have more of them.

## Errors

Every command can fail with `InvalidArgument` and `GenericError`. The other classes that a command
can fail with are named with the command.

| class | meaning |
| --- | --- |
)";

// Words in lines of at most `columns` columns.
std::string wrapped(const std::string& text) {
    std::string lines;
    std::size_t line_begin = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        const std::string word = text.substr(at, end - at);
        if (lines.size() > line_begin) {
            const bool fits = lines.size() - line_begin + 1 + word.size() <= columns;
            lines += fits ? ' ' : '\n';
            if (!fits) line_begin = lines.size();
        }
        lines += word;
        at = end + 1;
    }
    return lines + "\n";
}

std::string code(const std::string& text) {
    return "`" + text + "`";
}

std::string link_to(const std::string& heading) {
    std::string anchor = heading;
    std::transform(anchor.begin(), anchor.end(), anchor.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return "[" + heading + "](#" + anchor + ")";
}

// ", 1 to 64 elements" or ", 1 or more"; nothing where the limits say nothing.
std::string range(const JsonOut& schema, const char* least, const char* most, const char* what) {
    const std::int64_t from = schema.value(least, std::int64_t{0});
    const std::int64_t to = schema.value(most, std::int64_t{max_shown_limit + 1});
    if (to <= max_shown_limit)
        return ", " + std::to_string(from) + " to " + std::to_string(to) + what;
    return from == 0 ? "" : ", " + std::to_string(from) + " or more" + what;
}

std::string type_text(const JsonOut& schema) {
    if (schema.contains("title")) return link_to(schema["title"]);
    if (schema.contains("anyOf"))
        return type_text(schema["anyOf"][0]) + " or " + type_text(schema["anyOf"][1]);
    if (schema.contains("enum")) {
        std::string words;
        for (const auto& word : schema["enum"])
            words += (words.empty() ? "" : ", ") + code(word);
        return words;
    }
    const std::string type = schema.value("type", "any JSON");
    if (type == "array")
        return "array of " + type_text(schema["items"]) +
               range(schema, "minItems", "maxItems", " elements");
    return type == "integer" ? type + range(schema, "minimum", "maximum", "") : type;
}

bool is_required(const JsonOut& object, const std::string& field) {
    if (!object.contains("required")) return false;
    const JsonOut& names = object["required"];
    return std::find(names.begin(), names.end(), JsonOut(field)) != names.end();
}

// `what` is "field" or "argument". Empty if the object has no fields.
std::string fields_table(const JsonOut& object, const std::string& what) {
    if (!object.contains("properties")) return "";
    std::string table = "| " + what + " | type | meaning |\n| --- | --- | --- |\n";
    for (const auto& field : object["properties"].items()) {
        const JsonOut& schema = field.value();
        std::string type = type_text(schema);
        if (schema.contains("default"))
            type += "; default " + code(schema["default"].dump());
        else if (!is_required(object, field.key()))
            type += "; optional";
        table += "| " + code(field.key()) + " | " + type + " | " + schema.value("description", "") +
                 " |\n";
    }
    return table;
}

// The types in a schema that have a name, each once, in the order in which they are met.
void collect_types(const JsonOut& schema, std::vector<JsonOut>& types) {
    if (schema.contains("title")) {
        const bool is_known = std::any_of(types.begin(), types.end(), [&](const JsonOut& type) {
            return type["title"] == schema["title"];
        });
        if (is_known) return;
        types.push_back(schema);
    }
    if (schema.contains("items")) collect_types(schema["items"], types);
    for (const char* several : {"properties", "anyOf"})
        if (schema.contains(several))
            for (const auto& part : schema[several].items())
                collect_types(part.value(), types);
}

std::string command_section(const Command& command) {
    std::string text =
        "### " + std::string(command.name) + "\n\n" + wrapped(command.summary) + "\n";
    std::string facts = command.right == Right::act ? "Only a client that may act may use it."
                                                    : "Any client may use it.";
    if (*command.verb) facts += " It serves vnumactl's verb " + code(command.verb) + ".";
    if (!command.errors.empty()) {
        facts += " It can fail with";
        for (std::size_t i = 0; i < command.errors.size(); ++i)
            facts += (i == 0 ? " " : ", ") + code(command.errors[i]);
        facts += ".";
    }
    text += wrapped(facts) + "\n";
    const std::string arguments = fields_table(command.arguments(), "argument");
    text += arguments.empty() ? "No arguments.\n" : arguments;
    return text + "\n" + wrapped("Returns: " + type_text(command.reply()) + ".") + "\n";
}

std::string types_section() {
    std::vector<JsonOut> types;
    for (const Command& command : commands()) {
        collect_types(command.reply(), types);
        // The tables of the arguments are with the commands.
        const JsonOut arguments = command.arguments();
        if (arguments.contains("properties"))
            for (const auto& argument : arguments["properties"].items())
                collect_types(argument.value(), types);
    }
    std::string text = "## Types\n\n";
    for (const JsonOut& type : types)
        text +=
            "### " + type["title"].get<std::string>() + "\n\n" + fields_table(type, "field") + "\n";
    return text;
}

std::string events_section() {
    std::string text = "## Events\n\n| event | meaning |\n| --- | --- |\n";
    for (const Event& event : events())
        text += "| " + code(event.name) + " | " + event.meaning + " |\n";
    const auto& all = events();
    text += "\n" + wrapped("The data of " + code(events_lost_event) + ":") + "\n";
    for (const Event& event : all)
        if (event.name == std::string(events_lost_event))
            text += fields_table(event.data(), "field");
    text += "\n" + wrapped("The data of all others but " + code(plan_event) + ":") + "\n";
    return text + fields_table(all.front().data(), "field");
}

}  // namespace

std::string control_document() {
    std::string text = introduction;
    for (const ErrorClass& one : error_classes())
        text += "| " + code(one.name) + " | " + one.meaning + " |\n";
    text += "\n## Commands\n\n" +
            wrapped(
                "query-schema returns the same as this part of the page, for programs: the "
                "arguments, the replies and the data of events as JSON Schemas.") +
            "\n";
    for (const Command& command : commands())
        text += command_section(command);
    return text + types_section() + events_section();
}

}  // namespace vnuma::control
