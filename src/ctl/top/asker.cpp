#include "src/ctl/top/asker.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "src/control/protocol/json.hpp"

namespace vnuma::ctl::top {
namespace {

using nlohmann::json;

JsonOut name_guest(const Request& request) {
    return control::to_json(control::GuestArgument{request.guest});
}

control::PolicyTarget target_of(const Request& request) {
    control::PolicyTarget target;
    target.guest = request.guest;
    return target;
}

JsonOut setting_of(const Request& request) {
    control::SetPolicyArguments arguments;
    arguments.target = target_of(request);
    arguments.settings = {request.setting};
    return control::to_json(arguments);
}

JsonOut unset_key_of(const Request& request) {
    control::UnsetPolicyArguments arguments;
    arguments.target = target_of(request);
    if (!request.setting.key.empty()) arguments.keys = {request.setting.key};
    return control::to_json(arguments);
}

template <typename T>
Reply read(const json& reply) {
    return control::from_json<T>(reply, false);
}

// Nobody needs to be told that there are no events.
Reply say_nothing(const json&) {
    return Failure{Ask::no_events, "", false};
}

// How vnumad is asked, and how its reply is read.
struct Wire {
    const char* command;
    JsonOut arguments;
    Reply (*read)(const json&);
};

Wire wire_of(const Request& request) {
    const JsonOut none = JsonOut::object();
    switch (request.ask) {
        case Ask::no_events:
            return {"set-events", control::to_json(control::EventsArguments{false, false}),
                    say_nothing};
        case Ask::status:
            return {"query-status", none, read<control::Status>};
        case Ask::guests:
            return {"query-guests", none, read<std::vector<control::GuestSummary>>};
        case Ask::details:
            return {"query-guest", name_guest(request), read<control::GuestDetails>};
        case Ask::heat_map:
            return {"query-heat-map",
                    control::to_json(control::HeatMapArguments{request.guest, request.blocks}),
                    read<control::HeatMap>};
        case Ask::explanation:
            return {"query-explanation", name_guest(request), read<control::Explanation>};
        case Ask::freeze:
            return {"freeze", none, read<control::Done>};
        case Ask::thaw:
            return {"thaw", none, read<control::Done>};
        case Ask::set_policy:
            return {"set-policy", setting_of(request), read<control::PolicyView>};
        case Ask::unset_policy:
            break;
    }
    return {"unset-policy", unset_key_of(request), read<control::PolicyView>};
}

}  // namespace

void Asker::add(Request request) {
    const bool waits = std::find(pending_.begin(), pending_.end(), request) != pending_.end();
    if (!waits && pending_.size() < max_pending) pending_.push_back(std::move(request));
}

std::optional<Reply> Asker::next() {
    const Ask asked = sent_ ? sent_->ask : pending_.empty() ? Ask::status : pending_.front().ask;
    try {
        if (sent_) return take();
        if (pending_.empty()) return std::nullopt;
        sent_ = std::move(pending_.front());
        pending_.pop_front();
        sent_at_ = Clock::now();
        const Wire wire = wire_of(*sent_);
        connection_.begin(wire.command, wire.arguments);
        return std::nullopt;
    } catch (const ControlError& error) {
        sent_.reset();
        return Failure{asked, error.what(), false};
    } catch (const FormatError& error) {
        sent_.reset();
        return Failure{asked,
                       std::string("vnumad may be of another version, its reply cannot be read: ") +
                           error.what(),
                       false};
    } catch (const std::runtime_error& error) {
        // No daemon, or none any more. What waits would each find that out for itself.
        sent_.reset();
        pending_.clear();
        return Failure{asked, error.what(), true};
    }
}

std::optional<Reply> Asker::take() {
    const std::optional<json> reply = connection_.take_reply();
    if (!reply) return std::nullopt;
    const Request answered = *std::exchange(sent_, std::nullopt);
    return wire_of(answered).read(*reply);
}

std::chrono::milliseconds Asker::unanswered(Clock::time_point now) const {
    if (!sent_) return std::chrono::milliseconds(0);
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - sent_at_);
}

}  // namespace vnuma::ctl::top
