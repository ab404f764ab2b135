// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdlib>
#include <malloc.h>
#include <new>

/// Replaces operator new and delete of the program, and counts. Include it in one source file of a program.
namespace etcdsync::test {

inline std::size_t allocations = 0;  ///< so far
inline std::size_t live_bytes = 0;   ///< allocated and not freed

}  // namespace etcdsync::test

void* operator new(std::size_t size) {
    void* const memory = std::malloc(size > 0 ? size : 1);
    if (memory == nullptr) throw std::bad_alloc();
    ++etcdsync::test::allocations;
    etcdsync::test::live_bytes += malloc_usable_size(memory);
    return memory;
}
// std::stable_sort allocates its buffer with this one.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    try {
        return operator new(size);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}
void operator delete(void* memory) noexcept {
    if (memory != nullptr) etcdsync::test::live_bytes -= malloc_usable_size(memory);
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { operator delete(memory); }
