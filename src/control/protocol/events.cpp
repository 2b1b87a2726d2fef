#include "src/control/protocol/events.hpp"

namespace vnuma::control {

std::string to_log_line(const Happening& happening) {
    if (happening.cell) {
        const std::string shard =
            happening.shard ? ", shard " + std::to_string(*happening.shard) : "";
        return happening.guest + ", cell " + std::to_string(*happening.cell) + shard + ": " +
               happening.text;
    }
    if (happening.kind == EventKind::guest_came || happening.kind == EventKind::guest_went)
        return happening.guest + ": " + happening.text + " (" + happening.uuid + ")";
    if (!happening.uuid.empty()) return happening.guest + ": " + happening.text;
    return happening.text;
}

}  // namespace vnuma::control
