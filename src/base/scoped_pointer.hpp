// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etcdsync::base {

/// Sets a pointer for the lifetime of this object, and resets it to null afterwards. The pointer
/// and the object that it points to must outlive this object.
template <class T>
class scoped_pointer {
public:
    scoped_pointer(T*& pointer, T& target) : pointer_(&pointer) { pointer = &target; }
    scoped_pointer(const scoped_pointer&) = delete;
    scoped_pointer& operator=(const scoped_pointer&) = delete;
    ~scoped_pointer() { *pointer_ = nullptr; }

private:
    T** pointer_;
};

}  // namespace etcdsync::base
