// Fuzzes the arguments of the control socket's commands with JSON. They must be taken, or refused
// with a FormatError. What is taken must be written as arguments that mean the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/control/protocol/json.hpp"

using namespace vnuma;
using namespace vnuma::control;

namespace {

template <typename Arguments>
void check(const nlohmann::json& json) {
    for (const bool strict : {false, true}) {
        std::string written;
        try {
            written = to_json(from_json<Arguments>(json, strict)).dump();
        } catch (const FormatError&) {
            continue;
        }
        const auto again = from_json<Arguments>(nlohmann::json::parse(written), true);
        if (to_json(again).dump() != written) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto json = nlohmann::json::parse(data, data + size, nullptr, false);
    if (!json.is_object()) return 0;  // the session refuses it
    check<GuestArgument>(json);
    check<HeatMapArguments>(json);
    check<SinceArguments>(json);
    check<PolicyTarget>(json);
    check<SetPolicyArguments>(json);
    check<UnsetPolicyArguments>(json);
    check<MoveArguments>(json);
    check<GuestOrAll>(json);
    check<PlaceArguments>(json);
    check<EventsArguments>(json);
    return 0;
}
