#include "integration/demo/picture.hpp"

#include <algorithm>
#include <cstdio>
#include <set>
#include <sstream>

namespace vnuma::lab {
namespace {

using nlohmann::json;

constexpr int bar_width = 24;
constexpr std::int64_t mib = 1 << 20;

template <typename... Values>
std::string format(const char* pattern, Values... values) {
    std::string text(static_cast<std::size_t>(std::snprintf(nullptr, 0, pattern, values...)), '\0');
    std::snprintf(text.data(), text.size() + 1, pattern, values...);
    return text;
}

std::int64_t total(const GuestPicture& guest) {
    std::int64_t sum = 0;
    for (const auto& [node, bytes] : guest.bytes)
        sum += bytes;
    return std::max<std::int64_t>(sum, 1);
}

std::string repeat(const char* text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i)
        all += text;
    return all;
}

std::string bar(std::int64_t part, std::int64_t whole, bool terminal) {
    const int filled = static_cast<int>((part * bar_width + whole / 2) / whole);
    if (!terminal) return repeat("#", filled) + repeat(".", bar_width - filled);
    return "\033[32m" + repeat("█", filled) + "\033[90m" + repeat("·", bar_width - filled) +
           "\033[0m";
}

// The vCPUs on a node, such as "vCPU 0 1"; empty if there are none.
std::string vcpus_on(const GuestPicture& guest, int node) {
    std::ostringstream text;
    for (std::size_t vcpu = 0; vcpu < guest.vcpu_nodes.size(); ++vcpu)
        if (guest.vcpu_nodes[vcpu] == node) text << (text.tellp() > 0 ? " " : "vCPU ") << vcpu;
    return text.str();
}

std::set<int> nodes_of(const std::vector<GuestPicture>& guests) {
    std::set<int> nodes;
    for (const GuestPicture& guest : guests)
        for (const auto& [node, bytes] : guest.bytes)
            nodes.insert(node);
    return nodes;
}

std::int64_t bytes_on(const GuestPicture& guest, int node) {
    const auto found = guest.bytes.find(node);
    return found == guest.bytes.end() ? 0 : found->second;
}

}  // namespace

std::vector<GuestPicture> guests_of(const json& report) {
    std::vector<GuestPicture> guests;
    for (const json& guest : report.value("guests", json::array())) {
        GuestPicture picture;
        picture.name = guest.at("domain");
        double locality = 0;
        for (const json& cell : guest.at("cells")) {
            for (const auto& [node, bytes] : cell.at("memory_bytes").items())
                picture.bytes[std::stoi(node)] += bytes.get<std::int64_t>();
            for (const json& vcpu : cell.at("vcpus"))
                picture.vcpu_nodes.push_back(
                    vcpu.at("node").is_null() ? -1 : vcpu.at("node").get<int>());
            locality += cell.at("locality").get<double>();
            if (cell.contains("verdict")) picture.verdict = cell["verdict"].at("explanation");
        }
        picture.locality =
            locality / static_cast<double>(std::max<std::size_t>(guest["cells"].size(), 1));
        guests.push_back(std::move(picture));
    }
    std::sort(guests.begin(), guests.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return guests;
}

std::int64_t moved_bytes(const json& report) {
    std::int64_t sum = 0;
    for (const json& action : report.value("actions", json::array()))
        sum += action.value("moved_bytes", std::int64_t{0});
    return sum;
}

bool all_home(const json& report) {
    const json guests = report.value("guests", json::array());
    for (const json& guest : guests) {
        if (guest.at("cells").empty()) return false;  // the guest could not be read
        for (const json& cell : guest.at("cells"))
            if (!cell.contains("verdict") || cell["verdict"].at("reason") != "settled")
                return false;
    }
    return !guests.empty();
}

std::string draw(const std::vector<GuestPicture>& guests, bool terminal) {
    std::string text;
    for (const GuestPicture& guest : guests) {
        text += format("  %-8s local %3.0f %%   %s\n", guest.name.c_str(), guest.locality * 100,
                       guest.verdict.c_str());
        for (const int node : nodes_of(guests))
            text += format("    node %d  %s %5lld MiB  %s\n", node,
                           bar(bytes_on(guest, node), total(guest), terminal).c_str(),
                           static_cast<long long>(bytes_on(guest, node) / mib),
                           vcpus_on(guest, node).c_str());
    }
    return text;
}

std::string draw_line(const std::vector<GuestPicture>& guests) {
    std::string text;
    for (const GuestPicture& guest : guests) {
        text += (text.empty() ? "" : " | ") + guest.name + ":";
        for (const int node : nodes_of(guests))
            text +=
                format(" N%d %lld MiB", node, static_cast<long long>(bytes_on(guest, node) / mib));
        text += " vCPUs on";
        for (const int node : guest.vcpu_nodes)
            text += format(" N%d", node);
        text += format(", local %.0f %%", guest.locality * 100);
    }
    return text;
}

std::string draw_table(const std::vector<GuestPicture>& before,
                       const std::vector<GuestPicture>& after) {
    std::string head = "guest   ", text;
    for (const char* when : {"before", "after"}) {
        for (const int node : nodes_of(before))
            head += format("  %6s N%d", when, node);
        head += "   local";
    }
    for (const GuestPicture& guest : before) {
        text += format("%-8s", guest.name.c_str());
        const auto same = std::find_if(after.begin(), after.end(),
                                       [&](const auto& other) { return other.name == guest.name; });
        for (const GuestPicture* side : {&guest, same == after.end() ? &guest : &*same}) {
            for (const int node : nodes_of(before))
                text += format("  %5lld MiB", static_cast<long long>(bytes_on(*side, node) / mib));
            text += format("   %3.0f %%", side->locality * 100);
        }
        text += "\n";
    }
    return head + "\n" + text;
}

}  // namespace vnuma::lab
