// SPDX-License-Identifier: Apache-2.0
// For LD_PRELOAD: lookups of names under hangs.example never return.
#include <dlfcn.h>
#include <netdb.h>
#include <string_view>
#include <unistd.h>

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
    while (name != nullptr && std::string_view(name).ends_with("hangs.example")) ::pause();
    using function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(name, service, hints, found);
}
