// Where a cell is, and where it should be.
#include <algorithm>

#include "policy/model/number_list.hpp"
#include "src/control/queries/explanation.hpp"
#include "src/control/queries/words.hpp"

namespace vnuma::control {
namespace {

std::string vcpus_text(const std::vector<int>& vcpus) {
    return (vcpus.size() == 1 ? "vCPU " : "vCPUs ") + format_number_list(vcpus);
}

// Where each vCPU ran last.
std::string vcpus_sentence(const Subject& subject, const CellView& view) {
    if (view.vcpus.empty()) return "It has no vCPUs. ";
    const auto nodes = vcpus_by_node(subject.tick, view);
    std::vector<std::string> places;
    std::size_t known = 0;
    for (const auto& [node, vcpus] : nodes) {
        known += vcpus.size();
        places.push_back("node " + std::to_string(node) + " (" + vcpus_text(vcpus) + ")");
    }
    if (known == 0) return "It is not known where its vCPUs ran last. ";
    std::string text = view.vcpus.size() == 1 ? "Its vCPU ran last on " : "Its vCPUs ran last on ";
    text += join(places);
    if (known < view.vcpus.size())
        text += "; where " +
                count_text(static_cast<long long>(view.vcpus.size() - known), "other vCPU") +
                " ran is not known";
    return text + ". ";
}

// Of a shard the memory that its vCPUs alone access.
std::vector<Bytes> memory_of(const CellView& view) {
    if (!view.is_shard()) return view.cell->residency;
    std::vector<Bytes> memory(view.cell->residency.size());
    for (const std::size_t vcpu : view.positions) {
        if (!view.state->wide || vcpu >= view.state->wide->own.size()) continue;
        const std::vector<Bytes>& own = view.state->wide->own[vcpu];
        for (std::size_t n = 0; n < std::min(own.size(), memory.size()); ++n)
            memory[n] += own[n];
    }
    return memory;
}

std::string memory_sentence(const Subject& subject, const CellView& view) {
    std::vector<std::string> places;
    const std::vector<Bytes> memory = memory_of(view);
    for (std::size_t n = 0; n < memory.size(); ++n)
        if (memory[n] > 0)
            places.push_back(subject.node(NodeIndex(n)) + " (" + size_text(memory[n]) + ")");
    if (view.is_shard())
        return places.empty()
                   ? "It is not known which memory is its own."
                   : "The memory that its vCPUs alone access is on " + join(places) + ".";
    return places.empty() ? "None of its memory is allocated yet."
                          : "Its memory is on " + join(places) + ".";
}

std::string locality_sentence(const Subject& subject, const CellView& view) {
    const auto& residency = view.cell->residency;
    const bool has_memory =
        std::any_of(residency.begin(), residency.end(), [](Bytes bytes) { return bytes > 0; });
    if (!has_memory || vcpus_by_node(subject.tick, view).empty()) return "";
    const std::vector<Bytes> own = memory_of(view);
    const bool has_own = std::any_of(own.begin(), own.end(), [](Bytes bytes) { return bytes > 0; });
    if (view.is_shard() && !has_own) return "";
    const std::string share = percent_text(locality_of(subject.tick, view));
    if (view.is_shard())
        return " If its vCPUs access all of that alike, " + share + " of the accesses are local.";
    return is_heat_known(view)
               ? " By how much it accesses which memory, " + share + " of its accesses are local."
               : " If it accesses all of its memory alike, " + share +
                     " of its accesses are local.";
}

std::string home_sentence(const Subject& subject, const CellView& view) {
    const Home& home = *view.verdict->home;
    const std::string at = subject.node(home.node);
    std::string text = "Its home is " + at;
    if (view.vcpus.empty())
        text += ", where its memory should be.";
    else if (subject.state.policy.memory == MemoryPolicy::none || !view.cell->movable)
        text += ", where its vCPUs should run. Its memory stays where it is.";
    else if (home.memory)
        text +=
            ", where its vCPUs should run. That node has no memory, so its memory should be on " +
            subject.node(*home.memory) + ", the nearest node that has.";
    else
        text += ", where its vCPUs should run and its memory should be.";
    if (home.to_move > 0) text += " Still to move there: " + size_text(home.to_move) + ".";
    if (home.left_away > 0)
        text += " Its memory on other nodes, " + size_text(home.left_away) +
                ", stays there: it accesses that too little for a move to pay back.";
    return text;
}

}  // namespace

std::string where_it_is(const Subject& subject, const CellView& view) {
    if (!view.cell) return "It has neither vCPUs nor memory.";
    return vcpus_sentence(subject, view) + memory_sentence(subject, view) +
           locality_sentence(subject, view);
}

std::string where_it_should_be(const Subject& subject, const CellView& view) {
    if (!view.cell) return "It needs no home.";
    if (!view.verdict) return "It is not known: the planner has not looked at it yet.";
    if (view.verdict->home) return home_sentence(subject, view);
    switch (view.verdict->reason) {
        case Reason::split:
            return "It has no home as a whole. Each of its shards has a home of its own.";
        case Reason::roams:
            return "It is to have no home: its vCPUs may run wherever its owner lets them.";
        case Reason::unsteady:
        case Reason::off:
        case Reason::one_node:
            return "No home is planned for it.";
        default:
            return "It has no home: its vCPUs run wherever its owner lets them, and its memory "
                   "stays where it is.";
    }
}

}  // namespace vnuma::control
