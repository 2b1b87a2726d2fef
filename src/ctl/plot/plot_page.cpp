#include "src/ctl/plot/plot_page.hpp"

#include <map>

#include "src/ctl/plot/embedded.hpp"
#include "src/json/shapes.hpp"

namespace vnuma::ctl::plot {
namespace {

// The first time and then the differences, which are shorter.
JsonOut json_of(const std::vector<Millis>& times) {
    JsonOut list = JsonOut::array();
    Millis before = 0;
    for (const Millis time : times) {
        list.push_back(time - before);
        before = time;
    }
    return list;
}

JsonOut json_of(const Column& column, std::int64_t unit) {
    JsonOut list = JsonOut::array();
    for (const auto& value : column)
        list.push_back(value ? JsonOut(*value / unit) : JsonOut(nullptr));
    return list;
}

// Sizes are in MiB, all else is as it is.
JsonOut json_of(const Series& series, std::size_t first_size) {
    JsonOut json = JsonOut::object();
    json["times"] = json_of(series.times);
    json["columns"] = JsonOut::array();
    for (std::size_t c = 0; c < series.columns.size(); ++c)
        json["columns"].push_back(json_of(series.columns[c], c < first_size ? 1 : mib));
    return json;
}

JsonOut json_of(const GuestPlot& guest) {
    JsonOut json = JsonOut::object();
    json["name"] = guest.name;
    json["uuid"] = guest.uuid;
    json["series"] = json_of(guest.series, 1);
    json["cells"] = JsonOut::array();
    for (const auto& [label, bands] : guest.cells) {
        JsonOut& cell = json["cells"].emplace_back(JsonOut::object());
        cell["label"] = label;
        cell["homes"] = JsonOut::array();
        for (const Band& band : bands)
            cell["homes"].push_back(
                {band.time, band.home ? JsonOut(*band.home) : JsonOut(nullptr)});
    }
    return json;
}

std::string without_tags(const std::string& text) {
    std::string safe;
    safe.reserve(text.size());
    for (const char byte : text)
        byte == '<' ? safe += "\\u003c" : safe += byte;
    return safe;
}

// Replaces each @NAME@ of the template once. What is inserted is not looked at again.
std::string filled(std::string_view text, const std::map<std::string_view, std::string>& values) {
    std::string page;
    while (!text.empty()) {
        const std::size_t begin = text.find('@');
        page += text.substr(0, begin);
        if (begin == std::string_view::npos) break;
        const std::size_t end = text.find('@', begin + 1);
        const auto value = end == std::string_view::npos
                               ? values.end()
                               : values.find(text.substr(begin + 1, end - begin - 1));
        page += value == values.end() ? std::string("@") : value->second;
        text.remove_prefix(value == values.end() ? begin + 1 : end + 1);
    }
    return page;
}

std::string policy() {
    return "default-src 'none'; script-src '" + std::string(dygraph_js.hash) + "' '" +
           std::string(page_js.hash) +
           "'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
}

}  // namespace

std::string to_page_json(const PlotData& data) {
    const std::size_t no_sizes = data.load.columns.size();
    JsonOut json = JsonOut::object();
    json["title"] = data.title;
    json["wallClock"] = data.is_wall_clock;
    json["nodes"] = data.nodes;
    json["load"] = json_of(data.load, no_sizes);
    json["available"] = json_of(data.available, 0);
    json["problems"] = data.problems;
    json["guests"] = JsonOut::array();
    for (const GuestPlot& guest : data.guests)
        json["guests"].push_back(json_of(guest));
    json["events"] = JsonOut::array();
    for (const PlotEvent& event : data.events)
        json["events"].push_back({event.time, event.kind,
                                  event.guest ? JsonOut(*event.guest) : JsonOut(nullptr),
                                  event.text});
    return without_tags(json.dump(-1, ' ', false, JsonOut::error_handler_t::replace));
}

std::string to_page(const PlotData& data) {
    return filled(page_html.text, {{"POLICY", policy()},
                                   {"DYGRAPH_CSS", std::string(dygraph_css.text)},
                                   {"PAGE_CSS", std::string(page_css.text)},
                                   {"DYGRAPH_JS", std::string(dygraph_js.text)},
                                   {"PAGE_JS", std::string(page_js.text)},
                                   {"DATA", to_page_json(data)}});
}

}  // namespace vnuma::ctl::plot
