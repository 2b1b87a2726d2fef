#include "guests/discovery/proc_guest.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "guests/discovery/domain_from_mappings.hpp"
#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/kvm_memory.hpp"
#include "guests/discovery/kvm_processes.hpp"
#include "guests/discovery/qemu_command_line.hpp"
#include "guests/discovery/run_state.hpp"
#include "guests/process/file_descriptor.hpp"
#include "guests/process/files.hpp"
#include "guests/process/kvm_debugfs.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/regular_file.hpp"
#include "guests/process/thread_roles.hpp"
#include "guests/process/vmm_names.hpp"

namespace vnuma {
namespace {

constexpr std::size_t max_config_bytes = 1024 * 1024, max_configs = 16;
// Programs start with less than 6 MiB of arguments and environment together (execve(2)), and can
// say later that they have more.
constexpr std::size_t max_command_line_bytes = std::size_t{4} << 20;
constexpr std::size_t max_problems = 15;  // and one of other memory
// A thread gets its name just after it was made.
constexpr int looks_at_a_name = 2;

std::string task_file(pid_t task, const char* file) {
    return "task/" + std::to_string(task) + "/" + file;
}

// Other programs have QEMU's options too, such as a wrapper's or a vendor's QEMU.
bool has_qemu_options(const std::string& command_line) {
    for (const char* option : {"-machine", "-M", "-nodefaults"})
        if (command_line.find('\0' + std::string(option) + '\0') != std::string::npos) return true;
    return false;
}

// vCPUs that KVM has and the command line does not are in the first cell.
void add_missing_vcpus(std::size_t vcpus, Domain& domain) {
    std::size_t described = 0;
    for (const DomainCell& cell : domain.cells)
        described += cell.vcpus.size();
    if (described >= vcpus || domain.cells.empty()) return;
    domain.problems.push_back("KVM has " + std::to_string(vcpus) + " vCPUs of it, and -smp " +
                              std::to_string(described));
    for (std::size_t vcpu = described; vcpu < vcpus; ++vcpu)
        domain.cells.front().vcpus.push_back(static_cast<int>(vcpu));
}

// The process' directory as the process sees it. The links have paths as vnumad sees them, or, in
// another mount namespace, from the root of that.
std::string working_directory(const Process& process) {
    const std::string root = process.read_link("root");
    std::string directory = process.read_link("cwd");
    if (root.size() > 1 && (directory + "/").starts_with(root + "/"))
        directory.erase(0, root.size());
    return directory;
}

// Files are read as the process sees them, which may be in a mount namespace of its own.
Domain describe_qemu(const Process& process, const std::string& command_line) {
    const FileDescriptor root = process.open_for_reading("root");
    std::vector<std::string> configs, problems;
    std::vector<std::string> files = find_config_files(command_line);
    if (files.size() > max_configs) {
        problems.push_back("it has more than " + std::to_string(max_configs) +
                           " configuration files; the others are ignored");
        files.resize(max_configs);
    }
    for (const std::string& file : files) {
        const std::string path =
            file.starts_with('/') ? file : working_directory(process) + "/" + file;
        if (auto text = read_regular_file(root.get(), path, max_config_bytes))
            configs.push_back(std::move(*text));
        else
            problems.push_back("its configuration file " + in_one_line(file) + " cannot be read");
    }
    Domain domain = parse_qemu_command_line(command_line, configs);
    domain.problems.insert(domain.problems.begin(), problems.begin(), problems.end());
    return domain;
}

KvmFiles kvm_files_of(const Process& process, const std::vector<std::string>& descriptors) {
    KvmFiles files;
    for (const std::string& descriptor : descriptors)
        add_file(files, descriptor, process.read_link("fd/" + descriptor));
    return files;
}

}  // namespace

ProcGuest::ProcGuest(std::shared_ptr<const Process> process, Roots roots, KvmAccess& kvm)
    : process_(std::move(process)), roots_(std::move(roots)), kvm_(kvm) {}

std::optional<ListedGuest> ProcGuest::list(Time now) {
    if (!first_) first_ = now;
    const bool all = lists_++ % lists_for_all == 0;
    if (!process_->alive() || !read_files(all)) return std::nullopt;
    const bool changed = read_tasks(all) || all;
    if (!domain_) read_command_line();
    if (changed) find_vcpus();
    if (!is_qemu_)
        describe_by_mappings(all);
    else if (all)
        note_other_memory();
    read_run_times(now);
    // What was read is the process' own only if it still lives.
    if (!process_->alive()) return std::nullopt;
    ListedGuest guest;
    guest.uuid = domain_->uuid.empty() ? std::to_string(process_->pid()) + "-" +
                                             std::to_string(process_->start_time())
                                       : domain_->uuid;
    guest.name = name_;
    guest.source = "proc";
    guest.certainty = certainty();
    guest.has_monitor = false;
    guest.state = state_;
    guest.read_at = now;
    guest.unsteady = why_unsteady();
    guest.pid = process_->pid();
    guest.process = process_;
    guest.domain = domain_;
    guest.memory = memory_;
    guest.vcpu_threads = vcpus_.threads;
    for (const auto& [thread, task] : tasks_)
        if (role_by_name(task.name) == ThreadRole::iothread) guest.iothreads[task.name] = thread;
    return guest;
}

// False if the process holds no VM.
bool ProcGuest::read_files(bool all) {
    errno = 0;
    auto descriptors = process_->open_files();
    if (descriptors.empty()) throw_if_exhausted("the open files of its process");
    if (!all && descriptors == descriptors_) return files_.is_guest();
    KvmFiles files = kvm_files_of(*process_, descriptors);
    descriptors_ = std::move(descriptors);
    if (files != files_) tasks_.clear();  // its vCPUs are looked for again
    files_ = std::move(files);
    return files_.is_guest();
}

// Returns whether there are other threads or names than before.
bool ProcGuest::read_tasks(bool all) {
    const std::vector<pid_t> listed = process_->tasks();
    const std::set<pid_t> tasks(listed.begin(), listed.end());
    bool changed =
        std::erase_if(tasks_, [&](const auto& entry) { return !tasks.contains(entry.first); }) > 0;
    for (const pid_t id : tasks) {
        const auto [at, is_new] = tasks_.try_emplace(id);
        Task& task = at->second;
        if (!all && task.looks >= looks_at_a_name) continue;
        ++task.looks;
        std::string name = process_->read(task_file(id, "comm")).value_or("");
        if (name.ends_with('\n')) name.pop_back();
        changed |= is_new || name != task.name;
        task.name = std::move(name);
    }
    return changed;
}

// The threads that run the vCPUs, without debugfs. Nothing if KVM may not be read.
std::map<int, pid_t> ProcGuest::read_vcpus_of_kvm(const std::set<pid_t>& tasks) {
    std::map<int, pid_t> threads = kvm_.read(process_->pid()).threads;
    std::erase_if(threads, [&](const auto& vcpu) { return !tasks.contains(vcpu.second); });
    return threads;
}

// KVM's debugfs is read only if what is known cannot be all, or has changed. Where debugfs tells
// nothing, the names of QEMU's threads are enough. KVM is read for the memory of other VMMs anyway.
void ProcGuest::find_vcpus() {
    std::map<int, pid_t> named;
    std::set<pid_t> tasks;
    for (const auto& [thread, task] : tasks_) {
        tasks.insert(thread);
        if (const auto vcpu = parse_vcpu_thread_name(task.name)) named.emplace(*vcpu, thread);
    }
    const bool is_known =
        vcpus_.threads.size() >= files_.vcpus.size() &&
        std::all_of(vcpus_.threads.begin(), vcpus_.threads.end(),
                    [&](const auto& vcpu) { return tasks.contains(vcpu.second); });
    std::erase_if(run_ns_, [&](const auto& entry) { return !tasks.contains(entry.first); });
    if (is_known && named == named_vcpus_) return;
    std::map<int, pid_t> by_kvm = read_vcpu_threads(roots_.sysfs, files_, tasks);
    const bool by_debugfs = !by_kvm.empty();
    if (!by_debugfs && (!is_qemu_ || named.size() < files_.vcpus.size()))
        by_kvm = read_vcpus_of_kvm(tasks);
    vcpus_ = join_vcpu_threads(files_, by_kvm, named);
    if (!by_debugfs && vcpus_.source == VcpuThreads::Source::kvm)
        vcpus_.source = VcpuThreads::Source::bpf;
    named_vcpus_ = std::move(named);
}

void ProcGuest::read_command_line() {
    executable_ = process_->read_link("exe");
    const std::string program = program_of(executable_);
    errno = 0;
    const FileDescriptor file = process_->open_for_reading("cmdline");
    const auto text = file ? read_all(file.get(), max_command_line_bytes) : std::nullopt;
    if (!text) throw_if_exhausted("the command line of its process");
    const std::string command_line = text.value_or("");
    is_qemu_ = is_qemu(program) || has_qemu_options(command_line);
    Domain domain = is_qemu_ ? describe_qemu(*process_, command_line) : Domain();
    if (is_qemu_ && command_line.size() == max_command_line_bytes)
        domain.problems.insert(domain.problems.begin(),
                               "its command line has more than 4 MiB; the rest is ignored");
    if (is_qemu_) add_missing_vcpus(files_.vcpus.size(), domain);
    name_ = is_qemu_ ? domain.name : find_name_argument(command_line);
    named_by_group_ = name_.empty();
    if (named_by_group_) {
        const auto cgroup = parse_cgroup(process_->read("cgroup").value_or(""));
        name_ = name_by_group(program, cgroup ? cgroup->path : "");
    }
    if (domain.machine.empty()) domain.machine = program;
    complete(domain);
    domain_ = std::make_shared<const Domain>(std::move(domain));
}

void ProcGuest::complete(Domain& domain) const {
    if (domain.problems.size() > max_problems) domain.problems.resize(max_problems);
    domain.name = name_;
    // Whose process it is is certain, whatever it runs.
    domain.emulator = executable_;
}

// Leaves out mappings that are no memory of the VM, as far as KVM tells its memory slots. Returns
// those, or nothing. What KVM has told holds until it tells something else: a VM whose slots are
// just being changed must not be described in another way for that.
std::vector<KvmMemorySlot> ProcGuest::keep_mappings_of_kvm(std::vector<Mapping>& mappings) {
    if (auto slots = kvm_.read(process_->pid()).slots; !slots.empty()) slots_ = std::move(slots);
    std::vector<Mapping> named = mappings_with_slots(mappings, slots_);
    // A VMM may have mapped its memory and not given it to KVM yet.
    if (find_ram_mappings(named).empty()) return {};
    mappings = std::move(named);
    return slots_;
}

void ProcGuest::set_memory(const std::vector<KvmMemorySlot>& slots,
                           const std::vector<Mapping>& mappings) {
    memory_ = slots.empty()
                  ? nullptr
                  : std::make_shared<const RamView>(view_of_slots(slots, mappings, *domain_));
}

// For VMMs whose command lines are not read. statm, which is short, tells whether mappings have
// changed. Memory slots may change without them.
void ProcGuest::describe_by_mappings(bool all) {
    const std::string statm = process_->read("statm").value_or("");
    std::string sizes = statm.substr(0, statm.find(' ')) + " " +
                        std::to_string(files_.vcpus.size()) + " " +
                        std::to_string(vcpus_.threads.size());
    if (sizes == sizes_ && !(all && kvm_.may_read())) return;
    std::set<int> vcpus;
    for (int vcpu = 0; vcpu < static_cast<int>(files_.vcpus.size()); ++vcpu)
        vcpus.insert(vcpu);
    for (const auto& [vcpu, thread] : vcpus_.threads)
        vcpus.insert(vcpu);
    const auto maps = process_->read("maps");
    std::vector<Mapping> mappings = parse_maps(maps.value_or(""));
    const std::vector<KvmMemorySlot> slots = keep_mappings_of_kvm(mappings);
    Domain domain = domain_from_mappings(mappings, vcpus);
    domain.machine = domain_->machine;
    complete(domain);
    if (maps) sizes_ = std::move(sizes);
    if (domain != *domain_) domain_ = std::make_shared<const Domain>(std::move(domain));
    set_memory(slots, mappings);
}

// QEMU's monitor may have plugged memory in since the command line was written. KVM is read if that
// is possible, and if several blocks could be mistaken for each other.
void ProcGuest::note_other_memory() {
    const auto maps = process_->read("maps");
    if (!maps) return;
    std::vector<Mapping> mappings = parse_maps(*maps);
    std::string other = describe_other_memory(*domain_, mappings);
    if (!other.empty() || count_blocks(*domain_) > 1) {
        set_memory(keep_mappings_of_kvm(mappings), mappings);
        other = describe_other_memory(*domain_, mappings);
    }
    if (other == other_memory_) return;
    Domain domain = *domain_;
    std::erase(domain.problems, other_memory_);
    if (!other.empty()) domain.problems.push_back(other);
    other_memory_ = std::move(other);
    domain_ = std::make_shared<const Domain>(std::move(domain));
}

// Whether the thread has run since the last time it was asked for.
bool ProcGuest::has_run(pid_t thread) {
    const auto text = process_->read(task_file(thread, "schedstat"));
    const auto times = text ? parse_schedstat(*text) : std::nullopt;
    if (!times) return false;
    std::uint64_t& before = run_ns_.try_emplace(thread, times->run_ns).first->second;
    return std::exchange(before, times->run_ns) < times->run_ns;
}

// Mostly the vCPU that has run last has run again, and tells enough. If it has not, all are read,
// so that all are compared with the same time.
void ProcGuest::read_run_times(Time now) {
    bool ran = runner_ != 0 && has_run(runner_);
    if (!ran)
        for (const auto& [vcpu, thread] : vcpus_.threads)
            if (thread != runner_ && has_run(thread)) {
                runner_ = thread;
                ran = true;
            }
    if (ran) ran_ = now;
    state_ = state_by_names();
    if (state_ != RunState::running) return;
    const bool has_paused = !vcpus_.threads.empty() && now - ran_.value_or(*first_) >= paused_after;
    if (has_paused)
        state_ = RunState::paused;
    else if (vcpus_.threads.empty() || !ran_)
        state_ = RunState::unknown;
}

RunState ProcGuest::state_by_names() const {
    for (const auto& [thread, task] : tasks_)
        if (const RunState state = state_by_thread_name(task.name); state != RunState::running)
            return state;
    return RunState::running;
}

std::string ProcGuest::why_unsteady() const {
    if (vcpus_.threads.empty())
        return "nothing tells which of its threads are its " + std::to_string(files_.vcpus.size()) +
               " vCPUs: neither KVM's debugfs nor their names" +
               (kvm_.why_not().empty() ? "" : ", and BPF cannot: " + kvm_.why_not());
    if (state_ == RunState::paused) return "its vCPUs do not run: it is paused or halted";
    if (state_ == RunState::unknown) return "it has not been seen running yet";
    return vnuma::why_unsteady(state_);
}

std::string ProcGuest::certainty() const {
    std::string text;
    const std::string all = std::to_string(files_.vcpus.size());
    switch (vcpus_.source) {
        case VcpuThreads::Source::kvm:
            text = "vCPU threads from KVM's debugfs";
            break;
        case VcpuThreads::Source::bpf:
            text = "vCPU threads from KVM by BPF";
            break;
        case VcpuThreads::Source::names:
            text = "vCPU threads by their names";
            break;
        case VcpuThreads::Source::some_names:
            text = "threads of " + std::to_string(vcpus_.threads.size()) + " of " + all +
                   " vCPUs by their names";
            break;
        case VcpuThreads::Source::none:
            text = "none of the threads of " + all + " vCPUs";
            break;
    }
    if (is_qemu_)
        text += "; cells and sizes from QEMU's command line";
    else if (!memory_)
        text += "; memory by the size of its mappings";
    if (memory_) text += is_qemu_ ? ", their places from KVM by BPF" : "; memory from KVM by BPF";
    // cloud-hypervisor has no thread of its own for a migration.
    if (!is_qemu_)
        text += "; migrations are not seen";
    else if (named_vcpus_.empty())
        text += "; migrations are not seen, since QEMU does not name its threads";
    return text;
}

RunState ProcGuest::read_state() {
    try {
        if (!process_->alive() || !read_files(true))
            throw MonitorError("its process has ended, or holds no VM any more");
    } catch (const SourceError& error) {
        throw MonitorError(error.what());
    }
    const RunState before = state_;
    read_tasks(true);
    const RunState named = state_by_names();
    // Whether vCPUs run is known from one list to the next only.
    return named == RunState::running ? before : named;
}

}  // namespace vnuma
