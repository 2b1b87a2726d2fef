#include "guests/discovery/size_xml.hpp"

#include <algorithm>
#include <cstdlib>
#include <pugixml.hpp>
#include <string_view>

#include "guests/discovery/xml_text.hpp"

namespace vnuma {
namespace {

// How many bytes one of the unit is; 0 for a unit that libvirt does not know. libvirt ignores case
// (virScaleInteger() in src/util/virutil.c).
std::int64_t unit_bytes(std::string unit) {
    std::transform(unit.begin(), unit.end(), unit.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (unit.empty()) return 1024;
    if (unit == "b" || unit == "byte" || unit == "bytes") return 1;
    constexpr std::string_view powers = "kmgtpe";
    const std::size_t power = powers.find(unit.front());
    const std::string_view rest = std::string_view(unit).substr(1);
    if (power == std::string_view::npos || !(rest.empty() || rest == "ib" || rest == "b")) return 0;
    std::int64_t bytes = 1;
    for (std::size_t i = 0; i <= power; ++i)
        bytes *= rest == "b" ? 1000 : 1024;
    return bytes;
}

}  // namespace

std::optional<std::int64_t> scaled_bytes(const pugi::xml_node& element, const std::string& text) {
    const std::int64_t unit = unit_bytes(element.attribute("unit").as_string());
    char* end = nullptr;
    const long long number = std::strtoll(text.c_str(), &end, 10);
    if (unit == 0 || end == text.c_str() || number < 0 || number > max_xml_bytes / unit)
        return std::nullopt;
    return number * unit;
}

std::optional<std::int64_t> child_bytes(const pugi::xml_node& parent, const char* child) {
    return scaled_bytes(parent.child(child), parent.child_value(child));
}

std::string size_problem(const std::string& what, const pugi::xml_node& element,
                         const std::string& text) {
    return what + " must be a size in a unit that libvirt knows, not \"" + printable(text) +
           "\" in \"" + printable(element.attribute("unit").as_string("KiB")) + "\"";
}

}  // namespace vnuma
