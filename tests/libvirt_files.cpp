// Runs the parser of domain XML over files, and says what it refuses or does not understand, and
// why. tests/libvirt_files.sh gives it the files that libvirt tests its own parser with.
#include <fstream>
#include <iostream>
#include <iterator>
#include <pugixml.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "guests/discovery/domain_xml.hpp"

using namespace vnuma;

namespace {

struct Counts {
    int files = 0, others = 0, domains = 0, refused = 0, with_problems = 0;
};

// The domain in a file: the whole file, or a part of it, as in the status that libvirt keeps of a
// running domain. Nothing if there is none, or if neither QEMU nor KVM runs it.
pugi::xml_node find_domain(const pugi::xml_document& document) {
    const pugi::xml_node root = document.document_element();
    const bool whole = std::string_view(root.name()) == "domain";
    const pugi::xml_node domain = whole ? root : root.child("domain");
    const std::string_view type = domain.attribute("type").as_string();
    return type == "kvm" || type == "qemu" ? domain : pugi::xml_node();
}

void check(const std::string& file, Counts& counts) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    ++counts.files;
    pugi::xml_document document;
    const bool parsed = static_cast<bool>(document.load_string(text.c_str()));
    const pugi::xml_node node = parsed ? find_domain(document) : pugi::xml_node();
    if (!node) {
        ++counts.others;
        return;
    }
    ++counts.domains;
    std::ostringstream xml;
    node.print(xml);
    std::string error;
    const auto domain = parse_domain(xml.str(), error);
    if (!domain) {
        ++counts.refused;
        std::cout << "refused: " << file << ": " << error << "\n";
        return;
    }
    if (!domain->problems.empty()) ++counts.with_problems;
    for (const std::string& problem : domain->problems)
        std::cout << "not understood: " << file << ": " << problem << "\n";
}

}  // namespace

// Arguments: files. Exit status 1 if a domain was refused.
int main(int count, char** arguments) {
    Counts counts;
    for (int i = 1; i < count; ++i)
        check(arguments[i], counts);
    std::cout << counts.files << " files: " << counts.domains << " domains of QEMU and KVM, "
              << counts.others << " other files; " << counts.refused << " domains refused, "
              << counts.with_problems << " with details that are not understood\n";
    return counts.refused == 0 ? 0 : 1;
}
