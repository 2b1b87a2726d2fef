// The cost of reading a guest's residency, for each GiB of its RAM, compared to a bare loop over
// the same interface of the kernel. Both run in turns, and the median time of each is reported.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <numaif.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "guests/memory/page_nodes.hpp"
#include "guests/memory/residency_scan.hpp"
#include "guests/memory/summed_residency.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t gib = 1 << 30;
constexpr std::uint64_t all_pages = gib / small_page_bytes;
constexpr std::uint64_t all_chunks = gib / chunk_bytes;
constexpr std::uint64_t qemu_mappings = 500;

// A child process with 1 GiB of private memory, like that of a guest.
class Guest {
  public:
    explicit Guest(bool huge) {
        const std::uint64_t size = gib + chunk_bytes;
        void* memory =
            ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        const auto address = reinterpret_cast<std::uint64_t>(memory);
        start_ = (address + chunk_bytes - 1) / chunk_bytes * chunk_bytes;
        ::madvise(reinterpret_cast<void*>(start_), gib, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
        std::array<int, 2> ready{};
        if (memory == MAP_FAILED || ::pipe(ready.data()) != 0 || (child_ = ::fork()) < 0)
            throw std::bad_alloc();
        if (child_ == 0) hold(ready[1]);
        ::munmap(memory, size);
        char byte = 0;
        if (::read(ready[0], &byte, 1) != 1) throw std::bad_alloc();
        ::close(ready[0]);
        ::close(ready[1]);
    }
    ~Guest() {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

    pid_t pid() const { return child_; }
    RamRange range() const { return {start_, gib}; }
    std::vector<CellRam> cells() const { return {{{range()}, {}}}; }

  private:
    [[noreturn]] void hold(int ready) const {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (std::uint64_t page = 0; page < all_pages; ++page)
            *reinterpret_cast<char*>(start_ + page * small_page_bytes) = 1;
        map_like_qemu();
        if (::write(ready, "", 1) == 1) ::pause();
        _exit(0);
    }
    // Maps as many areas as QEMU has for libraries, heaps and stacks, half of them guard pages.
    static void map_like_qemu() {
        const std::uint64_t size = qemu_mappings * small_page_bytes;
        char* memory = static_cast<char*>(
            ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (memory == MAP_FAILED) _exit(1);
        for (std::uint64_t at = 0; at < size; at += 2 * small_page_bytes) {
            memory[at] = 1;
            ::mprotect(memory + at + small_page_bytes, small_page_bytes, PROT_NONE);
        }
    }
    pid_t child_ = -1;
    std::uint64_t start_ = 0;
};

// Measures both in turns and reports their times for 1 GiB. `share` is the part of a GiB that one
// run covers. The bare loop is `ahead` runs ahead, so that neither finds in the caches what the
// other has just read.
void compare(benchmark::State& state, double share, int ahead, const std::function<void()>& ours,
             const std::function<void()>& bare) {
    const auto time = [](const std::function<void()>& run) {
        const auto begin = std::chrono::steady_clock::now();
        run();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    const auto median = [](std::vector<double>& times) {
        std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
        return times[times.size() / 2];
    };
    for (int i = 0; i < ahead; ++i)
        bare();
    ours();
    std::vector<double> our_times, bare_times;
    for ([[maybe_unused]] auto _ : state) {
        bare_times.push_back(time(bare));
        our_times.push_back(time(ours));
        state.SetIterationTime(our_times.back());
    }
    const double our_time = median(our_times), bare_time = median(bare_times);
    state.counters["ms_per_GiB"] = our_time * 1000 / share;
    state.counters["bare_ms_per_GiB"] = bare_time * 1000 / share;
    state.counters["ratio"] = our_time / bare_time;
}

void report_held(benchmark::State& state, const ResidencyScan& scan) {
    state.counters["bytes_per_chunk"] =
        static_cast<double>(scan.bytes_held()) / static_cast<double>(all_chunks);
}

class BareMovePages {
  public:
    // Queries all pages by address, or in the order of sampling.
    BareMovePages(const Guest& guest, bool sampled) : pid_(guest.pid()) {
        const std::uint64_t stride = sampled ? pages_in_chunk : 1;
        for (std::uint64_t pass = 0; pass < stride; ++pass)
            for (std::uint64_t page = 0; page < all_pages; page += stride) {
                const auto at = page + (sampled ? static_cast<unsigned>(sampled_page(pass)) : 0);
                addresses_.push_back(
                    reinterpret_cast<void*>(guest.range().start + at * small_page_bytes));
            }
    }
    void read(std::size_t pages) {
        if (next_ + pages > addresses_.size()) next_ = 0;
        for (const std::size_t end = next_ + pages; next_ < end;) {
            const std::size_t count = std::min(max_pages_per_read, end - next_);
            ::move_pages(pid_, count, addresses_.data() + next_, nullptr, status_.data(), 0);
            benchmark::DoNotOptimize(status_.data());
            next_ += count;
        }
    }

  private:
    pid_t pid_;
    std::vector<void*> addresses_;
    std::size_t next_ = 0;
    std::array<int, max_pages_per_read> status_{};
};

class BarePagemap {
  public:
    explicit BarePagemap(const Guest& guest)
        : file_(::open(("/proc/" + std::to_string(guest.pid()) + "/pagemap").c_str(), O_RDONLY)),
          first_(guest.range().start / small_page_bytes) {}
    ~BarePagemap() { ::close(file_); }
    BarePagemap(const BarePagemap&) = delete;
    BarePagemap& operator=(const BarePagemap&) = delete;
    // Continues where the previous call stopped, as a scan does.
    void read(std::size_t pages) {
        for (std::size_t done = 0; done < pages; done += max_pages_per_read) {
            read_at(next_, max_pages_per_read);
            next_ = (next_ + max_pages_per_read) % all_pages;
        }
    }
    // Reads one page of each chunk, another one in each call.
    void sample() {
        for (std::size_t page = 0; page < all_pages; page += pages_in_chunk)
            read_at(page + static_cast<std::size_t>(sampled_page(next_)), 1);
        ++next_;
    }

  private:
    void read_at(std::size_t page, std::size_t pages) {
        const auto offset = static_cast<off_t>((first_ + page) * sizeof(entries_[0]));
        benchmark::DoNotOptimize(
            ::pread(file_, entries_.data(), pages * sizeof(entries_[0]), offset));
    }

    int file_;
    std::uint64_t first_, next_ = 0;
    std::array<std::uint64_t, max_pages_per_read> entries_{};
};

std::unique_ptr<PagemapReader> make_reader_or_skip(benchmark::State& state) {
    std::string why;
    auto reader = make_pagemap_reader(why);
    if (!reader) state.SkipWithError(why.c_str());
    return reader;
}

constexpr std::uint64_t slice_pages = 16 * pages_in_chunk;  // 32 MiB of guest RAM
constexpr int half_a_pass = static_cast<int>(all_pages / slice_pages / 2);
constexpr int half_of_all_samples = pages_in_chunk / 2;
constexpr double slice_share = static_cast<double>(slice_pages) / all_pages;

void full_by_move_pages(benchmark::State& state) {
    const Guest guest(state.range(0) != 0);
    const auto process = Process::open(guest.pid());
    ResidencyScan scan(guest.cells());
    MovePagesReader reader;
    BareMovePages bare(guest, false);
    compare(
        state, 1, 0, [&] { scan.scan_all(reader, *process); }, [&] { bare.read(all_pages); });
    report_held(state, scan);
}

void slice_by_move_pages(benchmark::State& state) {
    const Guest guest(state.range(0) != 0);
    const auto process = Process::open(guest.pid());
    ResidencyScan scan(guest.cells());
    MovePagesReader reader;
    BareMovePages bare(guest, false);
    compare(
        state, slice_share, half_a_pass, [&] { scan.scan_slice(reader, *process, slice_pages); },
        [&] { bare.read(slice_pages); });
    report_held(state, scan);
}

void sample_by_move_pages(benchmark::State& state) {
    const Guest guest(state.range(0) != 0);
    const auto process = Process::open(guest.pid());
    ResidencyScan scan(guest.cells());
    MovePagesReader reader;
    BareMovePages bare(guest, true);
    compare(
        state, 1, half_of_all_samples, [&] { scan.sample(reader, *process, all_chunks); },
        [&] { bare.read(all_chunks); });
    report_held(state, scan);
}

void full_by_pagemap(benchmark::State& state) {
    const auto reader = make_reader_or_skip(state);
    if (!reader) return;
    const Guest guest(state.range(0) != 0);
    const auto process = Process::open(guest.pid());
    ResidencyScan scan(guest.cells());
    BarePagemap bare(guest);
    compare(
        state, 1, 0, [&] { scan.scan_all(*reader, *process); }, [&] { bare.read(all_pages); });
    report_held(state, scan);
}

void slice_by_pagemap(benchmark::State& state) {
    const auto reader = make_reader_or_skip(state);
    if (!reader) return;
    const Guest guest(state.range(0) != 0);
    const auto process = Process::open(guest.pid());
    ResidencyScan scan(guest.cells());
    BarePagemap bare(guest);
    compare(
        state, slice_share, half_a_pass, [&] { scan.scan_slice(*reader, *process, slice_pages); },
        [&] { bare.read(slice_pages); });
    report_held(state, scan);
}

void sample_by_pagemap(benchmark::State& state) {
    const auto reader = make_reader_or_skip(state);
    if (!reader) return;
    const Guest guest(state.range(0) != 0);
    const auto process = Process::open(guest.pid());
    ResidencyScan scan(guest.cells());
    BarePagemap bare(guest);
    compare(
        state, 1, half_of_all_samples, [&] { scan.sample(*reader, *process, all_chunks); },
        [&] { bare.sample(); });
    report_held(state, scan);
}

void totals_by_numa_maps(benchmark::State& state) {
    const Guest guest(state.range(0) != 0);
    const auto process = Process::open(guest.pid());
    const std::string file = "/proc/" + std::to_string(guest.pid()) + "/numa_maps";
    std::array<char, 16384> buffer{};
    compare(
        state, 1, 0,
        [&] {
            const auto mappings = parse_numa_maps(process->read("numa_maps").value_or(""));
            benchmark::DoNotOptimize(sum_residency({guest.range()}, mappings).bytes.size());
        },
        [&] {
            const int fd = ::open(file.c_str(), O_RDONLY);
            while (::read(fd, buffer.data(), buffer.size()) > 0)
                benchmark::DoNotOptimize(buffer.data());
            ::close(fd);
        });
}

void page_sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("huge")->Arg(0)->Arg(1)->UseManualTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(full_by_move_pages)->Apply(page_sizes);
BENCHMARK(full_by_pagemap)->Apply(page_sizes);
BENCHMARK(slice_by_move_pages)->Apply(page_sizes);
BENCHMARK(slice_by_pagemap)->Apply(page_sizes);
BENCHMARK(sample_by_move_pages)->Apply(page_sizes);
BENCHMARK(sample_by_pagemap)->Apply(page_sizes);
BENCHMARK(totals_by_numa_maps)->Apply(page_sizes);

}  // namespace
}  // namespace vnuma
