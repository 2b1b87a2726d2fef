#include "src/ctl/verbs/place.hpp"

#include <CLI/CLI.hpp>
#include <memory>

#include "policy/model/number_list.hpp"
#include "src/ctl/arguments.hpp"
#include "src/ctl/prose.hpp"
#include "src/ctl/table.hpp"
#include "src/ctl/units.hpp"
#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

using control::PlaceArguments;
using control::PlaceReply;

struct PlaceOptions {
    int vcpus = 0, cells = 1;
    std::string memory, near, nodes, huge_pages, reserve, name;
    bool xml = false;
};

PlaceArguments arguments_of(const PlaceOptions& options) {
    PlaceArguments arguments;
    arguments.vcpus = options.vcpus;
    arguments.cells = options.cells;
    arguments.memory = read_size("--memory", options.memory);
    arguments.name = options.name;
    if (!options.near.empty()) arguments.near = options.near;
    if (!options.huge_pages.empty())
        arguments.huge_page = read_size("--hugepages", options.huge_pages);
    if (!options.nodes.empty()) {
        arguments.nodes = parse_node_list(options.nodes);
        if (!arguments.nodes)
            throw UsageError("--nodes " + options.nodes + ": must be a list of nodes: \"0-1,3\"");
    }
    if (!options.reserve.empty()) arguments.reserve = read_duration("--reserve", options.reserve);
    return arguments;
}

int run_place(Context& context, const PlaceOptions& options) {
    const PlaceArguments arguments = arguments_of(options);
    const nlohmann::json json = context.connection().call("place", control::to_json(arguments));
    const auto reply = Connection::read_reply<PlaceReply>("place", json);
    if (context.options.json) {
        context.print_json(json);
    } else if (!options.xml) {
        context.print(format_place(reply, context.terminal()));
    } else {
        if (reply.nodes.empty()) throw Failed("there is no place for the guest: " + reply.why);
        context.print(place_as_xml(arguments, reply));
    }
    return reply.has_room ? exit_done : exit_failed;
}

std::string all_cpus(const PlaceReply& reply) {
    std::vector<int> cpus;
    for (const std::string& list : reply.cpus)
        if (const auto some = parse_number_list(list))
            cpus.insert(cpus.end(), some->begin(), some->end());
    return format_number_list(sorted_unique(std::move(cpus)));
}

}  // namespace

std::string format_place(const PlaceReply& reply, const Terminal& terminal) {
    std::string text = paragraph(reply.why, terminal);
    Table cells({{"CELL", Align::right}, {"NODE", Align::right}, {"CPUS", Align::left}});
    for (std::size_t i = 0; i < reply.nodes.size(); ++i)
        cells.add({std::to_string(i), std::to_string(reply.nodes[i]),
                   i < reply.cpus.size() ? reply.cpus[i] : "-"});
    if (!cells.empty()) text += "\n" + cells.print(terminal);
    Table moves({{"GUEST", Align::left, true},
                 {"CELL", Align::right, false, 1},
                 {"FROM", Align::right},
                 {"TO", Align::right},
                 {"MEMORY", Align::right}});
    for (const control::PlaceMove& move : reply.moves)
        moves.add({move.guest, std::to_string(move.cell), std::to_string(move.from),
                   std::to_string(move.to), format_size(move.bytes)});
    if (!moves.empty())
        text += "\n" + heading("Would have to move to make room", terminal) + moves.print(terminal);
    return text;
}

std::string place_as_xml(const PlaceArguments& asked, const PlaceReply& reply) {
    const std::string nodes = format_number_list(sorted_unique(reply.nodes));
    std::string xml;
    if (!reply.has_room) xml += "<!-- There is no room yet: see vnumactl place without xml. -->\n";
    xml += "<vcpu placement='static' cpuset='" + all_cpus(reply) + "'>" +
           std::to_string(asked.vcpus) + "</vcpu>\n";
    xml += "<memory unit='KiB'>" + std::to_string((asked.memory + 1023) / 1024) + "</memory>\n";
    if (asked.huge_page > 0)
        xml += "<memoryBacking>\n  <hugepages>\n    <page size='" +
               std::to_string(asked.huge_page / 1024) +
               "' unit='KiB'/>\n  </hugepages>\n</memoryBacking>\n";
    // "preferred" lets vnumad move the memory later, "strict" would not.
    xml += "<numatune>\n";
    if (reply.nodes.size() == 1) {
        xml += "  <memory mode='preferred' nodeset='" + nodes + "'/>\n";
    } else {
        // libvirt takes one node only with "preferred", and each cell has its own below.
        xml +=
            "  <memory mode='preferred' nodeset='" + std::to_string(reply.nodes.front()) + "'/>\n";
        for (std::size_t cell = 0; cell < reply.nodes.size(); ++cell)
            xml += "  <memnode cellid='" + std::to_string(cell) + "' mode='preferred' nodeset='" +
                   std::to_string(reply.nodes[cell]) + "'/>\n";
    }
    return xml + "</numatune>\n";
}

void add_place(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(app, asking,
                              {"place", "where a new guest should go, and what would make room",
                               "vnumactl place --vcpus 8 --memory 16G --cells 2 --xml"});
    const auto options = std::make_shared<PlaceOptions>();
    verb->add_option("--vcpus", options->vcpus, "number of vCPUs")
        ->required()
        ->check(CLI::Range(1, control::max_requested_vcpus));
    verb->add_option("--memory", options->memory, "size of its memory: \"16G\"")
        ->required()
        ->type_name("SIZE");
    verb->add_option("--cells", options->cells, "number of cells of equal size (1)")
        ->check(CLI::Range(1, static_cast<int>(max_host_nodes)));
    verb->add_option("--near", options->near,
                     "a device that it uses: PCI address, network interface or block device")
        ->type_name("DEVICE");
    verb->add_option("--nodes", options->nodes, "nodes that are allowed: \"0-1\"")
        ->type_name("LIST");
    verb->add_option("--hugepages", options->huge_pages, "size of its pages: \"2M\", \"1G\"")
        ->type_name("SIZE");
    verb->add_option("--reserve", options->reserve, "keep the room for this time: \"30s\"")
        ->type_name("DURATION");
    verb->add_option("--name", options->name, "name of the guest that will come");
    verb->add_flag("--xml", options->xml, "print elements of libvirt's domain XML");
    verb->callback([&context, options] {
        context.run = [&context, options] { return run_place(context, *options); };
    });
}

}  // namespace vnuma::ctl
