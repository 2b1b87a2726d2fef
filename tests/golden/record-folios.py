#!/usr/bin/env python3
"""Records the kernel's page flags of 2 MiB of memory in each of the folio sizes 2 MiB, 64 KiB, 4 KiB.

Prints a line for each page: its index, its page frame number (from /proc/self/pagemap) and its
flags (from /proc/kpageflags). Needs root and Linux 6.8. For a moment it changes which sizes of
transparent huge pages the host uses.
    tests/golden/record-folios.py > tests/golden/folios/linux-$(uname -r | cut -d. -f1-2).txt
"""
import ctypes
import mmap
import struct

SIZES = "/sys/kernel/mm/transparent_hugepage/hugepages-%dkB/enabled"
CHUNK, PAGE, MADV_HUGEPAGE = 2 << 20, 4096, 14


def read_word(file, index):
    file.seek(index * 8)
    return struct.unpack("Q", file.read(8))[0]


def mode_of(size):
    with open(SIZES % size) as file:
        return file.read().split("[")[1].split("]")[0]


def set_mode(size, mode):
    with open(SIZES % size, "w") as file:
        file.write(mode)


def write_chunk(start):
    for at in range(start, start + CHUNK, PAGE):
        ctypes.c_char.from_address(at).value = b"x"


def main():
    memory = mmap.mmap(-1, 4 * CHUNK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    buffer = (ctypes.c_char * len(memory)).from_buffer(memory)
    start = (ctypes.addressof(buffer) + CHUNK - 1) // CHUNK * CHUNK
    libc = ctypes.CDLL(None)
    libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(2 * CHUNK), MADV_HUGEPAGE)
    before = {size: mode_of(size) for size in (64, 2048)}
    try:
        for number, size in enumerate((2048, 64)):
            for each in before:
                set_mode(each, "madvise" if each == size else "never")
            write_chunk(start + number * CHUNK)
    finally:
        for size, mode in before.items():
            set_mode(size, mode)
    write_chunk(start + 2 * CHUNK)
    with open("/proc/self/pagemap", "rb", 0) as pagemap, open("/proc/kpageflags", "rb", 0) as flags:
        for page in range(3 * CHUNK // PAGE):
            pfn = read_word(pagemap, start // PAGE + page) & ((1 << 55) - 1)
            print(page, pfn, "%x" % read_word(flags, pfn))


main()
