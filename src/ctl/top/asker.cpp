#include "src/ctl/top/asker.hpp"

#include <string>

#include "src/control/protocol/json.hpp"

namespace vnuma::ctl::top {
namespace {

using nlohmann::json;

template <typename T>
T read(const json& reply) {
    return control::from_json<T>(reply, false);
}

JsonOut name_guest(const Request& request) {
    return control::to_json(control::GuestArgument{request.guest});
}

control::PolicyTarget target_of(const Request& request) {
    control::PolicyTarget target;
    target.guest = request.guest;
    return target;
}

Reply set_policy(Connection& connection, const Request& request) {
    control::SetPolicyArguments arguments;
    arguments.target = target_of(request);
    arguments.settings = {request.setting};
    return read<control::PolicyView>(connection.call("set-policy", control::to_json(arguments)));
}

Reply unset_policy(Connection& connection, const Request& request) {
    control::UnsetPolicyArguments arguments;
    arguments.target = target_of(request);
    if (!request.setting.key.empty()) arguments.keys = {request.setting.key};
    return read<control::PolicyView>(connection.call("unset-policy", control::to_json(arguments)));
}

Reply ask_or_throw(Connection& connection, const Request& request) {
    const JsonOut none = JsonOut::object();
    switch (request.ask) {
        case Ask::no_events:
            connection.call("set-events", control::to_json(control::EventsArguments{false, false}));
            // Nobody needs to be told that there are no events.
            return Failure{Ask::no_events, "", false};
        case Ask::status:
            return read<control::Status>(connection.call("query-status", none));
        case Ask::guests:
            return read<std::vector<control::GuestSummary>>(connection.call("query-guests", none));
        case Ask::details:
            return read<control::GuestDetails>(connection.call("query-guest", name_guest(request)));
        case Ask::heat_map:
            return read<control::HeatMap>(connection.call(
                "query-heat-map",
                control::to_json(control::HeatMapArguments{request.guest, request.blocks})));
        case Ask::explanation:
            return read<control::Explanation>(
                connection.call("query-explanation", name_guest(request)));
        case Ask::freeze:
            return read<control::Done>(connection.call("freeze", none));
        case Ask::thaw:
            return read<control::Done>(connection.call("thaw", none));
        case Ask::set_policy:
            return set_policy(connection, request);
        case Ask::unset_policy:
            return unset_policy(connection, request);
    }
    return Failure{request.ask, "", false};
}

}  // namespace

Reply Asker::ask(const Request& request) {
    try {
        return ask_or_throw(connection_, request);
    } catch (const NoDaemon& error) {
        return Failure{request.ask, error.what(), true};
    } catch (const ConnectionLost& error) {
        return Failure{request.ask, error.what(), true};
    } catch (const ControlError& error) {
        return Failure{request.ask, error.what(), false};
    } catch (const FormatError& error) {
        return Failure{request.ask,
                       std::string("vnumad may be of another version, its reply cannot be read: ") +
                           error.what(),
                       false};
    }
}

}  // namespace vnuma::ctl::top
