// A virtual machine without an operating system, whose vCPUs access the pages that a test sets.
#pragma once

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>

namespace vnuma {

// A file descriptor, and KVM's calls on it.
class KvmFile {
  public:
    explicit KvmFile(int file, const char* what = "KVM") : file_(file) {
        if (file < 0) throw std::system_error(errno, std::generic_category(), what);
    }
    ~KvmFile() { ::close(file_); }
    KvmFile(const KvmFile&) = delete;
    KvmFile& operator=(const KvmFile&) = delete;

    template <typename Argument>
    int call(unsigned long request, Argument argument, const char* what) const {
        const int result = ::ioctl(file_, request, argument);
        if (result < 0) throw std::system_error(errno, std::generic_category(), what);
        return result;
    }
    int number() const { return file_; }

  private:
    int file_;
};

// A mapping of memory that ends with the object.
class Mapped {
  public:
    Mapped(std::size_t size, int file, int flags)
        : size_(size),
          bytes_(static_cast<std::uint8_t*>(
              ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, file, 0))) {
        if (bytes_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    }
    ~Mapped() { ::munmap(bytes_, size_); }
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;

    std::uint8_t* bytes() const { return bytes_; }
    std::size_t size() const { return size_; }

  private:
    std::size_t size_;
    std::uint8_t* bytes_;
};

// Accesses of one vCPU: to `pages` pages, the first at `start`, `stride` bytes apart. Both are
// multiples of 4 KiB, and all addresses are below 1 MiB, which is what real mode reaches.
struct Accesses {
    std::uint32_t start = 0;
    int pages = 0;
    std::uint32_t stride = 0;
    bool write = false;
};

class TinyVm {
  public:
    static constexpr std::uint32_t memory_bytes = 0x100000;

    static std::string why_not() {
        const int kvm = ::open("/dev/kvm", O_RDWR | O_CLOEXEC);
        if (kvm < 0) return std::string("/dev/kvm: ") + std::strerror(errno);
        ::close(kvm);
        return {};
    }

    // `more_bytes` of memory beyond the vCPUs' reach only make the process larger.
    explicit TinyVm(std::size_t more_bytes = 0)
        : kvm_(::open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm"),
          vm_(kvm_.call(KVM_CREATE_VM, 0, "KVM_CREATE_VM")),
          memory_(memory_bytes + more_bytes, -1, MAP_PRIVATE | MAP_ANONYMOUS) {
        ::madvise(memory_.bytes(), memory_.size(), MADV_NOHUGEPAGE);
        std::fill_n(memory_.bytes(), memory_.size(), 0xf4);  // hlt
        // Intel CPUs may need this to emulate real mode. Others ignore it.
        ::ioctl(vm_.number(), KVM_SET_TSS_ADDR, 0xfffbd000);
        kvm_userspace_memory_region region{};
        region.memory_size = memory_.size();
        region.userspace_addr = reinterpret_cast<std::uint64_t>(memory_.bytes());
        vm_.call(KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
    }

    int kvm() const { return kvm_.number(); }
    int vm() const { return vm_.number(); }
    std::span<std::uint8_t> memory() const { return {memory_.bytes(), memory_.size()}; }

  private:
    KvmFile kvm_, vm_;
    Mapped memory_;
};

class TinyVcpu {
  public:
    // Puts the vCPU's program into the page at `code`.
    TinyVcpu(const TinyVm& vm, int id, std::uint32_t code, const Accesses& accesses)
        : vcpu_(::ioctl(vm.vm(), KVM_CREATE_VCPU, id), "KVM_CREATE_VCPU"),
          run_(static_cast<std::size_t>(::ioctl(vm.kvm(), KVM_GET_VCPU_MMAP_SIZE, 0)),
               vcpu_.number(), MAP_SHARED),
          program_(vm.memory().subspan(code)) {
        load(accesses);
        kvm_sregs segments{};
        vcpu_.call(KVM_GET_SREGS, &segments, "KVM_GET_SREGS");
        segments.cs.base = code;
        segments.cs.selector = static_cast<__u16>(code >> 4);
        vcpu_.call(KVM_SET_SREGS, &segments, "KVM_SET_SREGS");
    }

    // Sets the accesses of the next runs.
    void load(const Accesses& accesses) {
        const auto program = assemble(accesses);
        std::copy(program.begin(), program.end(), program_.begin());
    }

    // Accesses all pages once. The fault counter takes the calling thread for the vCPU's.
    void run() {
        kvm_regs registers{};
        registers.rflags = 2;
        vcpu_.call(KVM_SET_REGS, &registers, "KVM_SET_REGS");
        const auto* state = reinterpret_cast<const kvm_run*>(run_.bytes());
        for (int attempt = 0; attempt < max_attempts; ++attempt) {
            if (::ioctl(vcpu_.number(), KVM_RUN, 0) == 0) {
                if (state->exit_reason == KVM_EXIT_HLT) return;
                throw std::runtime_error("the vCPU left guest mode with exit reason " +
                                         std::to_string(state->exit_reason));
            }
            if (errno != EINTR && errno != EAGAIN)
                throw std::system_error(errno, std::generic_category(), "KVM_RUN");
        }
        throw std::runtime_error("KVM_RUN was interrupted " + std::to_string(max_attempts) +
                                 " times");
    }

  private:
    static constexpr int max_attempts = 100;

    static std::array<std::uint8_t, 22> assemble(const Accesses& accesses) {
        const std::uint32_t first = accesses.start >> 4, step = accesses.stride >> 4;
        const auto low = [](std::uint32_t value) { return static_cast<std::uint8_t>(value); };
        const auto high = [](std::uint32_t value) { return static_cast<std::uint8_t>(value >> 8); };
        const auto pages = static_cast<std::uint32_t>(accesses.pages);
        return {
            0xb8,
            low(first),
            high(first),  // mov ax, first
            0xb9,
            low(pages),
            high(pages),  // mov cx, pages
            0x31,
            0xdb,  // xor bx, bx
            0x8e,
            0xd8,  // again: mov ds, ax
            low(accesses.write ? 0x88U : 0x8aU),
            0x17,  // mov [bx], dl; or mov dl, [bx]
            0x05,
            low(step),
            high(step),  // add ax, step
            0x49,        // dec cx
            0x75,
            0xf6,  // jnz again
            0xf4,
            0xf4,
            0xf4,
            0xf4,  // hlt
        };
    }

    KvmFile vcpu_;
    Mapped run_;
    std::span<std::uint8_t> program_;
};

}  // namespace vnuma
