#include "src/ctl/top/model.hpp"

#include <algorithm>
#include <utility>

#include "src/ctl/plain_text.hpp"
#include "src/ctl/top/layout.hpp"
#include "src/ctl/top/navigation.hpp"
#include "src/ctl/top/orders.hpp"

namespace vnuma::ctl::top {
namespace {

bool is_of_guest(View view) {
    return view == View::details || view == View::heat_map || view == View::explanation;
}

// What the shown view needs beyond status and guests.
void ask_for_view(Step& step) {
    const Model& model = step.model;
    if (!model.lost.empty() || model.too_small()) return;
    switch (model.view()) {
        case View::details:
            step.requests.push_back({Ask::details, model.subject});
            break;
        case View::explanation:
            step.requests.push_back({Ask::explanation, model.subject});
            break;
        case View::heat_map:
            step.requests.push_back({Ask::heat_map, model.subject, lay_out_heat(model).blocks()});
            break;
        case View::overview:
        case View::host:
        case View::help:
            break;
    }
}

void open(Step& step, View view) {
    Model& model = step.model;
    if (model.view() == view) return;
    if (is_of_guest(view)) {
        if (!is_of_guest(model.view())) {
            if (model.selected.empty()) return;
            if (model.subject != model.selected) {
                model.details.reset();
                model.heat_map.reset();
                model.explanation.reset();
            }
            model.subject = model.selected;
        }
        model.view_trouble.clear();
    }
    model.scroll = 0;
    if (model.views.size() == max_views) model.views.erase(model.views.begin() + 1);
    model.views.push_back(view);
    ask_for_view(step);
}

void go_back(Step& step) {
    Model& model = step.model;
    if (model.views.size() > 1) {
        model.views.pop_back();
        model.scroll = 0;
        model.view_trouble.clear();
        ask_for_view(step);
    } else if (!model.filter.empty()) {
        model.filter.clear();
        list_again(model, 0);
    }
}

const std::string& guest_in_view(const Model& model) {
    return is_of_guest(model.view()) ? model.subject : model.selected;
}

void offer_order(Model& model, char32_t key) {
    if (model.is_silent() || !model.status) {
        model.message = "vnumad does not answer, so nothing can be changed now.";
        return;
    }
    if (key == U'f') {
        model.question = ask_freeze(*model.status);
    } else if (const auto* guest = find_guest(model, guest_in_view(model))) {
        model.menu = offer_policies(*guest, *model.status);
    } else {
        model.message = "There is no guest whose policy could be changed.";
    }
}

void take_question_key(Step& step, const KeyPress& press) {
    Model& model = step.model;
    const bool no = press.key == Key::escape || press.character == U'n' || press.character == U'N';
    const bool yes = press.character == U'y' || press.character == U'Y';
    if (yes) step.requests.push_back(model.question->request);
    if (yes || no) model.question.reset();
    if (no) model.message = "Nothing was changed.";
}

void take_menu_key(Model& model, const KeyPress& press) {
    Menu& menu = *model.menu;
    const std::size_t last = menu.choices.size() - 1;
    const bool down = press.key == Key::down || press.character == U'j';
    const bool up = press.key == Key::up || press.character == U'k';
    if (down) menu.chosen = std::min(menu.chosen + 1, last);
    if (up && menu.chosen > 0) --menu.chosen;
    if (press.key == Key::home) menu.chosen = 0;
    if (press.key == Key::end) menu.chosen = last;
    if (press.key == Key::enter) model.question = menu.choices[menu.chosen].question;
    if (press.key == Key::enter || press.key == Key::escape || press.character == U'q')
        model.menu.reset();
}

void take_filter_key(Model& model, const KeyPress& press) {
    if (press.key == Key::enter) model.typing_filter = false;
    if (press.key == Key::escape) {
        model.typing_filter = false;
        model.filter.clear();
    }
    if (press.key == Key::backspace) {
        // Removes a whole character: its continuation bytes first.
        while (!model.filter.empty() && (model.filter.back() & 0xc0) == 0x80)
            model.filter.pop_back();
        if (!model.filter.empty()) model.filter.pop_back();
    }
    constexpr std::size_t longest_character = 4;
    if (press.key == Key::character && press.character >= 0x20 && press.character != 0x7f &&
        model.filter.size() + longest_character <= max_filter)
        append_utf8(model.filter, press.character);
    list_again(model, 0);
}

void take_overview_key(Model& model, char32_t character) {
    const std::size_t row = find_selected_row(model);
    if (character == U's') model.order = {next(model.order.key), false};
    if (character == U'r') model.order.reversed = !model.order.reversed;
    if (character == U'/') model.typing_filter = true;
    if (character == U's' || character == U'r') list_again(model, row);
}

void take_character(Step& step, char32_t character) {
    Model& model = step.model;
    switch (character) {
        case U'q':
            model.quit = true;
            break;
        case U'?':
            open(step, View::help);
            break;
        case U'e':
            open(step, View::explanation);
            break;
        case U'h':
            open(step, View::heat_map);
            break;
        case U'n':
            open(step, View::host);
            break;
        case U'j':
            navigate(model, Key::down);
            break;
        case U'k':
            navigate(model, Key::up);
            break;
        case U'f':
        case U'p':
            offer_order(model, character);
            break;
        default:
            if (model.view() == View::overview) take_overview_key(model, character);
    }
}

void take(Step& step, const KeyPress& press) {
    Model& model = step.model;
    if (model.too_small()) {
        // No order is given by a key while its question cannot be read.
        if (press.character == U'q' && !model.typing_filter) model.quit = true;
        return;
    }
    model.message.clear();
    if (model.question) {
        take_question_key(step, press);
    } else if (model.menu) {
        take_menu_key(model, press);
    } else if (model.typing_filter && !navigate(model, press.key)) {
        take_filter_key(model, press);
    } else if (model.typing_filter || navigate(model, press.key)) {
        return;
    } else if (press.key == Key::enter && model.view() == View::overview) {
        open(step, View::details);
    } else if (press.key == Key::escape || press.key == Key::backspace) {
        go_back(step);
    } else if (press.key == Key::tab && model.view() == View::heat_map) {
        model.heat_mode = static_cast<HeatMode>((static_cast<int>(model.heat_mode) + 1) % 3);
    } else if (press.key == Key::character) {
        take_character(step, press.character);
    }
}

void take(Step& step, const Size& size) {
    step.model.size = size;
    select_row(step.model, find_selected_row(step.model));
    // More or fewer blocks fit now.
    if (step.model.view() == View::heat_map) ask_for_view(step);
}

void take(Step& step, const SecondPassed& passed) {
    step.model.unanswered = passed.unanswered;
    step.requests.push_back({Ask::status});
}

// Guests and the shown view cannot have changed before the next tick.
void take(Step& step, control::Status& status) {
    Model& model = step.model;
    const bool was_lost = !model.lost.empty();
    const bool is_new = was_lost || !model.status || model.status->tick != status.tick ||
                        model.status->pid != status.pid;
    model.lost.clear();
    model.status = std::move(status);
    select_row(model, find_selected_row(model));
    if (was_lost) step.requests.push_back({Ask::no_events});
    if (!is_new) return;
    step.requests.push_back({Ask::guests});
    ask_for_view(step);
}

void take(Step& step, std::vector<control::GuestSummary>& guests) {
    const std::size_t row = find_selected_row(step.model);
    step.model.guests = std::move(guests);
    list_again(step.model, row);
}

// A late reply about another guest is dropped.
template <typename T>
void keep_if_subject(Model& model, std::optional<T>& kept, T& reply, const std::string& uuid) {
    if (uuid != model.subject) return;
    kept = std::move(reply);
    model.view_trouble.clear();
}

void take(Step& step, control::GuestDetails& reply) {
    const std::string uuid = reply.summary.uuid;
    keep_if_subject(step.model, step.model.details, reply, uuid);
}

void take(Step& step, control::HeatMap& reply) {
    const std::string uuid = reply.uuid;
    keep_if_subject(step.model, step.model.heat_map, reply, uuid);
}

void take(Step& step, control::Explanation& reply) {
    const std::string uuid = reply.uuid;
    keep_if_subject(step.model, step.model.explanation, reply, uuid);
}

void take(Step& step, control::Done& done) {
    step.model.message = std::move(done.what);
    step.requests.push_back({Ask::status});
}

void take(Step& step, const control::PolicyView& policy) {
    step.model.message = "The policy of " + policy.target + " was changed.";
    for (const std::string& problem : policy.problems)
        step.model.message += ' ' + problem;
    step.requests.push_back({Ask::status});
}

void take(Step& step, Failure& failure) {
    Model& model = step.model;
    if (failure.gone) {
        model.lost = std::move(failure.description);
        if (model.lost.empty()) model.lost = "the connection was closed";
        // What was asked cannot be answered rightly any more.
        model.question.reset();
        model.menu.reset();
        return;
    }
    switch (failure.ask) {
        case Ask::details:
        case Ask::heat_map:
        case Ask::explanation:
            model.view_trouble = std::move(failure.description);
            break;
        case Ask::no_events:
            break;
        case Ask::status:
        case Ask::guests:
        case Ask::freeze:
        case Ask::thaw:
        case Ask::set_policy:
        case Ask::unset_policy:
            model.message = std::move(failure.description);
            break;
    }
}

void take(Step& step, Reply& reply) {
    step.model.unanswered = {};
    std::visit([&step](auto& value) { take(step, value); }, reply);
}

}  // namespace

Step start(Size size) {
    Step step;
    step.model.size = size;
    step.requests = {{Ask::no_events}, {Ask::status}};
    return step;
}

Step update(Model model, Event event) {
    Step step{std::move(model), {}};
    std::visit([&step](auto& value) { take(step, value); }, event);
    return step;
}

const control::GuestSummary* find_guest(const Model& model, const std::string& uuid) {
    if (uuid.empty()) return nullptr;
    const auto found = std::find_if(model.guests.begin(), model.guests.end(),
                                    [&](const auto& guest) { return guest.uuid == uuid; });
    return found == model.guests.end() ? nullptr : &*found;
}

}  // namespace vnuma::ctl::top
