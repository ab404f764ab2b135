// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etcdsync::base {

/// Lets a pointer point to something for as long as it lives.
template <class T>
class pointing {
public:
    pointing(T*& pointer, T& to) : pointer_(&pointer) { pointer = &to; }
    pointing(const pointing&) = delete;
    pointing& operator=(const pointing&) = delete;
    ~pointing() { *pointer_ = nullptr; }

private:
    T** pointer_;
};

}  // namespace etcdsync::base
