#include "qmp/session.hpp"

#include <algorithm>
#include <utility>

namespace vnuma::qmp {

std::optional<std::uint64_t> Session::begin(std::string_view command,
                                            const nlohmann::json& arguments) {
    if (open_.size() >= max_in_flight) return std::nullopt;
    const std::uint64_t id = next_id_++;
    open_.push_back({id, false});
    outgoing_ += encode_request(command, arguments, id);
    return id;
}

void Session::abandon(std::uint64_t id) {
    if (auto request = find(id); request != open_.end()) request->abandoned = true;
}

std::optional<Incoming> Session::next() {
    if (broken_) return *broken_;
    while (auto message = decoder_.next()) {
        if (auto* reply = std::get_if<Reply>(&*message)) {
            if (complete(reply->id))
                return Answer{*reply->id, std::move(reply->value), std::move(reply->memory)};
        } else if (auto* refusal = std::get_if<Refusal>(&*message)) {
            const auto id = refusal->id;
            if (!id) last_refusal_ = refusal->description;
            if (complete(id)) return Answer{*id, std::move(*refusal)};
        } else if (auto* event = std::get_if<Event>(&*message)) {
            return std::move(*event);
        } else if (auto* greeting = std::get_if<Greeting>(&*message)) {
            // Another server has taken over the socket, and does not know the open requests.
            if (std::exchange(greeted_, true)) return fail({"a second greeting arrived"});
            return std::move(*greeting);
        } else {
            return fail(std::move(std::get<Malformed>(*message)));
        }
    }
    return std::nullopt;
}

bool Session::complete(std::optional<std::uint64_t> id) {
    if (!id) {
        ++stray_answers_.without_id;
        return false;
    }
    auto request = find(*id);
    if (request == open_.end()) {
        ++(*id > 0 && *id < next_id_ ? stray_answers_.duplicate : stray_answers_.unknown);
        return false;
    }
    const bool abandoned = request->abandoned;
    open_.erase(request);
    if (abandoned) ++stray_answers_.late;
    return !abandoned;
}

std::vector<Session::Request>::iterator Session::find(std::uint64_t id) {
    return std::find_if(open_.begin(), open_.end(),
                        [id](const Request& request) { return request.id == id; });
}

Malformed Session::fail(Malformed reason) {
    broken_ = std::move(reason);
    return *broken_;
}

}  // namespace vnuma::qmp
