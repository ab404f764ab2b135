// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <stdexcept>
#include <string_view>

/// The fuzz targets. Each accepts any bytes, and throws std::logic_error if a requirement does not
/// hold for them.
namespace etcdsync::fuzz {

void http2(std::string_view input);         ///< bytes of a server into a client session, in chunks
void grpc(std::string_view input);          ///< headers, body and end of a call
void watch(std::string_view input);         ///< messages of a watch, up to the log
void range(std::string_view input);         ///< the response to a Range
void txn(std::string_view input);           ///< the response to a Txn
void checkpoint(std::string_view input);    ///< a checkpoint on a slave
void leader(std::string_view input);        ///< a leader key on a slave
void config(std::string_view input);        ///< a configuration file
void command_line(std::string_view input);  ///< arguments, each terminated by a NUL

struct target {
    std::string_view name;
    void (*run)(std::string_view input);
};
inline constexpr std::array<target, 9> targets{{{"http2", http2},
                                                {"grpc", grpc},
                                                {"watch", watch},
                                                {"range", range},
                                                {"txn", txn},
                                                {"checkpoint", checkpoint},
                                                {"leader", leader},
                                                {"config", config},
                                                {"command_line", command_line}}};

inline void require(bool holds, const char* what) {
    if (!holds) throw std::logic_error(what);
}

/// Reads values from the front of an input; zeros after its end.
class source {
public:
    explicit source(std::string_view input) : left_(input) {}

    unsigned byte() {
        if (left_.empty()) return 0;
        const auto out = static_cast<unsigned char>(left_.front());
        left_.remove_prefix(1);
        return out;
    }
    std::string_view bytes(std::size_t max_size) {
        const std::string_view out = left_.substr(0, max_size);
        left_.remove_prefix(out.size());
        return out;
    }
    [[nodiscard]] bool empty() const { return left_.empty(); }

private:
    std::string_view left_;
};

}  // namespace etcdsync::fuzz
