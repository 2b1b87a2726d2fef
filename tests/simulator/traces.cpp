#include "tests/simulator/traces.hpp"

#include "tests/simulator/trace_maker.hpp"

namespace vnuma::simulator {

Trace steady_mix(unsigned seed) {
    TraceMaker maker("steady mix", seed, 2, 24, 128 * gib);
    maker.fill(650, 750, [&] { maker.set_load(maker.add_ordinary(), 100, 900); });
    return maker.trace();
}

// Each guest alternates between busy and quiet phases.
Trace phases(unsigned seed) {
    TraceMaker maker("phases", seed, 4, 16, 96 * gib);
    maker.fill(550, 700, [&] { maker.set_load(maker.add_ordinary(), 450, 450); });
    for (GuestTrace& guest : maker.trace().guests) {
        const auto change = [&](Phase& phase) {
            const bool busy = maker.between(0, 1) == 1;
            for (std::size_t c = 0; c < guest.cells.size(); ++c) {
                phase.cells[c].work = guest.cells[c].vcpus *
                                      (busy ? maker.between(600, 950) : maker.between(50, 250));
                phase.cells[c].first_hot = static_cast<std::size_t>(maker.between(0, regions - 1));
            }
        };
        change(guest.phases[0]);
        maker.add_phases(guest, 3 * minute, 15 * minute, change);
    }
    return maker.trace();
}

// Guests are admitted in turn as long as the host has the CPUs and memory.
Trace arrivals_and_departures(unsigned seed) {
    TraceMaker maker("arrivals and departures", seed, 4, 16, 96 * gib);
    for (Millis at = 0; at < maker.trace().length; at += maker.between(5, 50) * second) {
        GuestTrace& guest = maker.add_ordinary();
        guest.arrives = at;
        guest.departs = at + maker.between(5, 40) * minute;
        maker.set_load(guest, 100, 900);
        Bytes size = 0, total = 0;
        MilliCpu work = 0, capacity = 0;
        for (const GuestTrace& other : maker.trace().guests)
            if (other.departs > at)
                size += other.phases[0].cells[0].size, work += other.phases[0].cells[0].work;
        for (const HostNode& node : maker.trace().topology.nodes)
            total += node.memory_total, capacity += node.cpu_capacity;
        if (size > total / 100 * 75 || work > capacity / 100 * 70) maker.trace().guests.pop_back();
    }
    return maker.trace();
}

Trace crowded_host(unsigned seed) {
    TraceMaker maker("crowded host", seed, 2, 16, 96 * gib);
    maker.fill(1050, 850, [&] {
        const int vcpus = maker.one_of({2, 4, 4, 8});
        maker.set_load(maker.add(1, vcpus, vcpus * maker.between(1, 4) * gib / 2), 400, 1000);
    });
    return maker.trace();
}

// In guests of several cells the work, and with it the hot memory, moves from cell to cell. There
// are guests of one cell as well.
Trace wide_guests(unsigned seed) {
    TraceMaker maker("wide guests", seed, 4, 16, 96 * gib);
    maker.make_ring();
    maker.fill(600, 700, [&] {
        if (maker.between(0, 1) == 0) {
            maker.set_load(maker.add_ordinary(), 100, 900);
            return;
        }
        const auto cells = static_cast<std::size_t>(maker.between(2, 4));
        const int vcpus = maker.one_of({2, 4, 6});
        maker.set_load(maker.add(cells, vcpus, vcpus * maker.between(2, 6) * gib / 2), 300, 600);
    });
    for (GuestTrace& guest : maker.trace().guests) {
        const std::size_t cells = guest.cells.size();
        if (cells == 1) continue;
        guest.phases[0].cross_cell_share = 100;
        maker.add_phases(guest, 4 * minute, 12 * minute, [&](Phase& phase) {
            const auto busy = static_cast<std::size_t>(maker.between(0, std::int64_t(cells) - 1));
            phase.target = busy;
            phase.cross_cell_share = maker.between(50, 250);
            for (std::size_t c = 0; c < cells; ++c) {
                phase.cells[c].work = guest.cells[c].vcpus * (c == busy ? maker.between(700, 950)
                                                                        : maker.between(150, 500));
                phase.cells[c].first_hot = static_cast<std::size_t>(maker.between(0, regions - 1));
            }
        });
    }
    return maker.trace();
}

// One guest needs more CPUs than a node has, and has no vNUMA. Each vCPU, or each pair of vCPUs,
// has a buffer, and they exchange these every few minutes. There are ordinary guests as well.
Trace without_vnuma(unsigned seed) {
    TraceMaker maker("without vNUMA", seed, 2, 24, 192 * gib);
    const auto vcpus = static_cast<std::size_t>(maker.between(26, 36));
    GuestTrace& guest = maker.add(vcpus, 1, maker.between(2, 5) * gib / 2);
    guest.wide = true;
    maker.set_load(guest, 700, 1000);
    const bool in_pairs = maker.between(0, 1) == 1;
    const auto exchange = [&](Phase& phase) {
        std::vector<std::size_t> buffers;
        for (std::size_t v = 0; v < vcpus; ++v)
            buffers.push_back(in_pairs ? v / 2 * 2 : v);
        for (std::size_t v = vcpus - 1; v > 0; --v)
            std::swap(buffers[v],
                      buffers[static_cast<std::size_t>(maker.between(0, std::int64_t(v)))]);
        for (std::size_t v = 0; v < vcpus; ++v)
            phase.cells[v].buffer = buffers[v];
    };
    exchange(guest.phases[0]);
    maker.add_phases(guest, 6 * minute, 20 * minute, exchange);
    maker.fill(800, 700, [&] { maker.set_load(maker.add_ordinary(), 100, 700); });
    return maker.trace();
}

Trace nearly_full_host(unsigned seed) {
    TraceMaker maker("nearly full host", seed, 2, 24, 128 * gib);
    maker.fill(600, 800, [&] {
        const int vcpus = maker.one_of({1, 2, 2, 4});
        maker.set_load(maker.add(1, vcpus, vcpus * maker.between(4, 10) * gib / 2), 100, 800);
    });
    // Balloons return memory to their guests, until nearly all memory of the host is used.
    std::vector<GuestTrace>& guests = maker.trace().guests;
    Bytes left = 2 * 128 * gib / 100 * 8;
    for (GuestTrace& guest : guests) {
        const Bytes growth = guest.phases[0].cells[0].size / 4;
        if (growth > left) continue;
        left -= growth;
        Phase phase = guest.phases[0];
        phase.begins = maker.between(5, 50) * minute;
        phase.cells[0].size += growth;
        guest.phases.push_back(phase);
    }
    return maker.trace();
}

std::vector<Trace> make_traces(unsigned seed) {
    return {steady_mix(seed),      phases(seed),      arrivals_and_departures(seed),
            crowded_host(seed),    wide_guests(seed), without_vnuma(seed),
            nearly_full_host(seed)};
}

}  // namespace vnuma::simulator
