// What the live view knows and shows, and how keys and replies change it. Pure: the loop in top.cpp
// asks for what update() wants to know, render() draws the result.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "src/control/protocol/requests.hpp"
#include "src/control/protocol/status.hpp"
#include "src/ctl/top/grid.hpp"
#include "src/ctl/top/guest_order.hpp"
#include "src/ctl/top/keys.hpp"

namespace vnuma::ctl::top {

inline constexpr std::size_t max_filter = 64;  // bytes
inline constexpr std::size_t max_views = 8;    // that Esc goes back through

// A vnumad that has not answered for so long is told of. It answers in milliseconds.
inline constexpr std::chrono::milliseconds silent_after{1000};

// Terminals smaller than this show one message, and take no key but `q`.
inline constexpr Size least_size{40, 10};

enum class Ask {
    no_events,  // the view asks; it has no use for events
    status,
    guests,
    details,
    heat_map,
    explanation,
    freeze,
    thaw,
    set_policy,
    unset_policy
};

struct Request {
    Ask ask = Ask::status;
    std::string guest{};         // uuid, where it is about one
    int blocks = 0;              // of a heat map
    control::Setting setting{};  // set_policy; unset_policy: its key, all if that is empty

    friend bool operator==(const Request& a, const Request& b) {
        return a.ask == b.ask && a.guest == b.guest && a.blocks == b.blocks &&
               a.setting.key == b.setting.key && a.setting.value == b.setting.value;
    }
};

struct Failure {
    Ask ask = Ask::status;
    std::string description;
    bool gone = false;  // the daemon did not answer at all
};

using Reply = std::variant<control::Status, std::vector<control::GuestSummary>,
                           control::GuestDetails, control::HeatMap, control::Explanation,
                           control::Done, control::PolicyView, Failure>;
// The interval between two looks has passed.
struct SecondPassed {
    std::chrono::milliseconds unanswered{0};  // for how long vnumad has not answered a request
};
using Event = std::variant<KeyPress, Size, SecondPassed, Reply>;

enum class View { overview, host, details, heat_map, explanation, help };

enum class HeatMode { heat, node, accessor };

struct Question {
    std::string text;  // with what will follow from "yes"
    Request request;
};
struct Choice {
    std::string label;
    Question question;
};
struct Menu {
    std::string title;
    std::vector<Choice> choices;
    std::size_t chosen = 0;
};

struct Model {
    Size size;
    std::optional<control::Status> status;
    std::vector<control::GuestSummary> guests;
    std::vector<std::size_t> shown;  // indices of `guests` that pass the filter, in order
    // Of the guest `subject`; none before the first reply.
    std::optional<control::GuestDetails> details;
    std::optional<control::HeatMap> heat_map;
    std::optional<control::Explanation> explanation;

    std::string lost;  // why there is no connection to vnumad; empty if there is
    std::chrono::milliseconds unanswered{0};  // as in SecondPassed; 0 after each reply
    std::string view_trouble;                 // why there is nothing newer in the view of one guest
    std::string message;                      // what became of the last order; until the next key

    std::vector<View> views{View::overview};  // the last one is shown
    std::string subject;                      // uuid of the guest that views are about
    std::string selected;                     // uuid
    std::size_t first_row = 0;                // of `shown`
    int scroll = 0;                           // of views other than the overview
    GuestOrder order;
    std::string filter;
    bool typing_filter = false;
    HeatMode heat_mode = HeatMode::heat;
    std::optional<Menu> menu;
    std::optional<Question> question;
    bool quit = false;

    View view() const { return views.back(); }
    // Whether what is shown may be old.
    bool is_silent() const { return !lost.empty() || unanswered >= silent_after; }
    bool too_small() const {
        return size.width < least_size.width || size.height < least_size.height;
    }
};

struct Step {
    Model model;
    std::vector<Request> requests;
};

// The model before anything is known, and what is to be asked first.
Step start(Size size);
Step update(Model model, Event event);

const control::GuestSummary* find_guest(const Model& model, const std::string& uuid);

}  // namespace vnuma::ctl::top
