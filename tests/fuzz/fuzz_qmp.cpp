// Fuzzes a QMP Session with received bytes, once in one piece and twice in several. Each time the
// messages must be the same, and the number of open requests must be right. Where events are not
// wanted, all other messages are the same, and no memory is held at the end.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qmp/session.hpp"

using namespace vnuma::qmp;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

struct Seen {
    std::vector<std::string> messages;
    StrayAnswers strays;
    std::size_t in_flight = 0;
    bool operator==(const Seen& other) const {
        return messages == other.messages && strays.late == other.strays.late &&
               strays.duplicate == other.strays.duplicate &&
               strays.unknown == other.strays.unknown &&
               strays.without_id == other.strays.without_id && in_flight == other.in_flight;
    }
};

std::string describe(const Incoming& incoming) {
    if (auto* greeting = std::get_if<Greeting>(&incoming)) return "greeting " + greeting->version;
    if (auto* event = std::get_if<Event>(&incoming))
        return "event " + event->name + std::to_string(event->time_us) + event->data.dump();
    if (auto* malformed = std::get_if<Malformed>(&incoming))
        return "malformed " + malformed->reason;
    const auto& answer = std::get<Answer>(incoming);
    const std::string id = "answer " + std::to_string(answer.id) + " ";
    if (auto* refusal = std::get_if<Refusal>(&answer.outcome))
        return id + refusal->error_class + ": " + refusal->description;
    return id + std::get<nlohmann::json>(answer.outcome).dump();
}

// Takes all messages that have arrived. False if the conversation is over.
bool drain(Session& session, Seen& seen) {
    while (auto incoming = session.next()) {
        seen.messages.push_back(describe(*incoming));
        if (std::holds_alternative<Malformed>(*incoming)) return false;
    }
    return true;
}

// Receives the bytes with 16 open requests, half of them abandoned. `step` determines the lengths
// of the pieces; 0 means one piece.
Seen converse(std::string_view bytes, std::size_t step, Reception reception) {
    Session session(std::move(reception));
    for (std::size_t i = 1; i <= 16; ++i) {
        require(session.begin("x", nullptr) == i);
        if (i % 2 == 0) session.abandon(i);
    }
    Seen seen;
    bool going = true;
    while (going && !bytes.empty()) {
        const std::size_t size =
            step == 0 ? bytes.size()
                      : std::min(bytes.size(),
                                 1 + (step + static_cast<unsigned char>(bytes[0])) % (4 * step));
        session.feed(bytes.substr(0, size));
        bytes.remove_prefix(size);
        going = drain(session, seen);
    }
    if (!going) require(std::holds_alternative<Malformed>(*session.next()));
    seen.strays = session.stray_answers();
    seen.in_flight = session.in_flight();
    const std::size_t answers = static_cast<std::size_t>(
        std::count_if(seen.messages.begin(), seen.messages.end(),
                      [](const std::string& message) { return message.starts_with("answer"); }));
    require(seen.in_flight + answers + seen.strays.late == 16);
    require(answers <= 8 && seen.strays.late <= 8);
    return seen;
}

// Drops events. What is left of a conversation is the same as with events, or longer: a malformed
// message that looks like an event ends it only where events are wanted.
void converse_without_events(std::string_view bytes, std::size_t step, Seen with_events) {
    const auto budget = std::make_shared<MemoryBudget>(std::size_t{16} << 20);
    const Seen seen = converse(bytes, step, {.budget = budget});
    require(budget->used() == 0);
    auto& expected = with_events.messages;
    std::erase_if(expected, [](const auto& message) { return message.starts_with("event"); });
    const bool ended = !expected.empty() && expected.back().starts_with("malformed");
    if (!ended) require(seen.messages == expected);
    if (ended) expected.pop_back();
    require(seen.messages.size() >= expected.size());
    require(std::equal(expected.begin(), expected.end(), seen.messages.begin()));
}

// A request with any text must be one line of valid JSON.
void encode(std::string_view bytes) {
    const std::string text(bytes.substr(0, 256));
    const std::string line = encode_request(text, {{text, text}}, 1);
    require(line.find('\n') == line.size() - 1);
    require(nlohmann::json::accept(line));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Reception all{.events = true};
    const Seen whole = converse(bytes, 0, all);
    require(converse(bytes, 1, all) == whole);
    require(converse(bytes, 1 + size % 97, all) == whole);
    converse_without_events(bytes, 0, whole);
    converse_without_events(bytes, 1 + size % 97, whole);
    encode(bytes);
    return 0;
}
