#include "src/ctl/verbs/list.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <memory>
#include <thread>

#include "src/ctl/guest_words.hpp"
#include "src/ctl/table.hpp"
#include "src/ctl/units.hpp"
#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

using control::GuestSummary;

constexpr const char* clear_screen = "\033[H\033[J";
constexpr double least_seconds = 0.1, most_seconds = 86'400;

struct ListOptions {
    std::string sort = "name";
    double watch_s = 0;  // 0: once
};

// What guests are sorted by, ascending.
std::int64_t rank_of(const GuestSummary& guest, const std::string& key) {
    if (key == "id") return guest.id.value_or(std::numeric_limits<int>::max());
    if (key == "cpu") return -guest.cpu_use;
    if (key == "memory") return -guest.size;
    if (key == "locality") return guest.locality;
    if (key == "moving") return -guest.to_move;
    if (key == "doing") return static_cast<std::int64_t>(guest.doing);
    return 0;
}

std::string format_id(const GuestSummary& guest) {
    return guest.id ? std::to_string(*guest.id) : "-";
}

// The reply as it is, with fields that this version does not know, in the order of these guests.
nlohmann::json in_order_of(const std::vector<GuestSummary>& guests, const nlohmann::json& reply) {
    std::map<std::string, const nlohmann::json*> by_uuid;
    for (const nlohmann::json& guest : reply)
        by_uuid[guest.at("uuid")] = &guest;
    nlohmann::json ordered = nlohmann::json::array();
    for (const GuestSummary& guest : guests)
        ordered.push_back(*by_uuid.at(guest.uuid));
    return ordered;
}

void print_list(Context& context, const ListOptions& options, bool clear) {
    const nlohmann::json reply = context.connection().call("query-guests");
    auto guests = Connection::read_reply<std::vector<GuestSummary>>("query-guests", reply);
    sort_guests(guests, options.sort);
    if (context.options.json) {
        context.print_json(in_order_of(guests, reply));
        return;
    }
    const Terminal terminal = context.terminal();
    context.print((clear && terminal.understands_codes ? clear_screen : "") +
                  format_list(guests, terminal));
}

int run_list(Context& context, const ListOptions& options) {
    print_list(context, options, options.watch_s > 0);
    // Until a signal ends vnumactl, or vnumad ends.
    while (options.watch_s > 0) {
        std::this_thread::sleep_for(std::chrono::duration<double>(options.watch_s));
        if (!context.terminal().understands_codes && !context.options.json) context.print("\n");
        print_list(context, options, true);
    }
    return exit_done;
}

}  // namespace

void sort_guests(std::vector<GuestSummary>& guests, const std::string& key) {
    std::sort(guests.begin(), guests.end(), [&](const GuestSummary& a, const GuestSummary& b) {
        const auto rank_a = rank_of(a, key), rank_b = rank_of(b, key);
        return rank_a != rank_b   ? rank_a < rank_b
               : a.name != b.name ? a.name < b.name
                                  : a.uuid < b.uuid;
    });
}

std::string format_list(const std::vector<GuestSummary>& guests, const Terminal& terminal) {
    Table table({{"ID", Align::right, false, 6},
                 {"NAME", Align::left, true},
                 {"STATE", Align::left, false, 4},
                 {"DOING"},
                 {"HOMES", Align::left},
                 {"LOCAL", Align::right},
                 {"VCPUS", Align::right, false, 5},
                 {"CPU", Align::right, false, 3},
                 {"MEMORY", Align::right, false, 7},
                 {"BY NODE", Align::left, false, 1},
                 {"TO MOVE", Align::left, false, 2}});
    for (const GuestSummary& guest : guests)
        table.add({format_id(guest),
                   guest.name,
                   guest.state,
                   {format_doing(guest.doing), colour_of(guest.doing)},
                   format_homes(guest.cells),
                   format_share(guest.locality),
                   std::to_string(guest.vcpus),
                   format_cpus(guest.cpu_use),
                   format_size(guest.size),
                   format_by_node(guest.memory),
                   format_move(guest.to_move, guest.moved_per_second)});
    return table.print(terminal);
}

void add_list(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(app, asking,
                              {"list", "a line for each guest: where it is and what is being done",
                               "vnumactl list --sort cpu --watch 5"});
    const auto options = std::make_shared<ListOptions>();
    verb->add_option("--sort", options->sort, "name, id, cpu, memory, locality, moving or doing")
        ->type_name("KEY")
        ->check(CLI::IsMember(std::vector<std::string>(sort_keys.begin(), sort_keys.end())));
    CLI::Option* watch =
        verb->add_option("--watch", options->watch_s, "again every SECONDS (2), until ^C")
            ->type_name("[SECONDS]")
            ->expected(0, 1)
            ->check(CLI::Range(least_seconds, most_seconds));
    verb->callback([&context, options, watch] {
        if (watch->count() > 0 && options->watch_s == 0) options->watch_s = 2;
        context.run = [&context, options] { return run_list(context, *options); };
    });
}

}  // namespace vnuma::ctl
