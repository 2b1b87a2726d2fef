#include "qmp/outline.hpp"

namespace vnuma::qmp {
namespace {

// Returns the end of the string that begins at `begin`, the position of its closing quote. The end
// of the line if there is none.
std::size_t end_of_string(std::string_view line, std::size_t begin) {
    std::size_t at = begin;
    while (at < line.size() && line[at] != '"')
        at += line[at] == '\\' ? 2 : 1;
    return at < line.size() ? at : line.size();
}

}  // namespace

Outline outline_of(std::string_view line) {
    Outline outline;
    int depth = 0;
    bool other = false;            // a key that makes the message something else than an event
    std::string_view last_string;  // in the outermost object
    for (std::size_t i = 0; i < line.size(); ++i) {
        switch (line[i]) {
            case '"': {
                const std::size_t end = end_of_string(line, i + 1);
                if (depth == 1) last_string = line.substr(i + 1, end - i - 1);
                i = end;
                break;
            }
            case ':':
                if (depth != 1) break;
                outline.event |= last_string == "event";
                other |= last_string == "QMP" || last_string == "return" || last_string == "error";
                break;
            case '[':
            case '{':
                ++outline.values;
                if (++depth > max_nesting) return {.too_deep = true};
                break;
            case ']':
            case '}':
                --depth;
                break;
            case ',':
                ++outline.values;
                break;
            default:
                break;
        }
    }
    outline.event &= !other;
    return outline;
}

}  // namespace vnuma::qmp
