// SPDX-License-Identifier: Apache-2.0
#include "etcd/txn.hpp"

#include "grpc/framing.hpp"

#include <boost/assert.hpp>
#include <google/protobuf/io/coded_stream.h>

#include <cstdint>
#include <vector>

namespace etcdsync::etcd {
namespace {

// Field numbers of etcd-wire.md 2.2, as tags of length-delimited (…|2) and varint (…|0) fields. All
// take one byte.
constexpr std::uint8_t length_delimited(unsigned field) { return static_cast<std::uint8_t>(field << 3 | 2); }
constexpr std::uint8_t varint(unsigned field) { return static_cast<std::uint8_t>(field << 3); }

constexpr std::uint8_t txn_compare = length_delimited(1);
constexpr std::uint8_t txn_success = length_delimited(2);
constexpr std::uint8_t op_put = length_delimited(2);
constexpr std::uint8_t op_delete_range = length_delimited(3);
constexpr std::uint8_t op_txn = length_delimited(4);
constexpr std::uint8_t field_key = length_delimited(1);
constexpr std::uint8_t put_value = length_delimited(2);
constexpr std::uint8_t put_lease = varint(3);
constexpr std::uint8_t delete_range_end = length_delimited(2);
constexpr std::uint8_t compare_result = varint(1);
constexpr std::uint8_t compare_target = varint(2);
constexpr std::uint8_t compare_key = length_delimited(3);
constexpr std::uint8_t compare_create = varint(5);
constexpr std::uint8_t compare_mod = varint(6);
constexpr std::uint8_t compare_value = length_delimited(7);
constexpr std::uint8_t compare_range_end[] = {0x82, 0x04};  // 64, the only tag of two bytes
constexpr std::uint64_t result_greater = 1;
constexpr std::uint64_t result_less = 2;  // EQUAL is 0 and omitted
constexpr std::uint64_t target_create = 1;
constexpr std::uint64_t target_mod = 2;
constexpr std::uint64_t target_value = 3;

std::size_t varint_size(std::uint64_t n) { return google::protobuf::io::CodedOutputStream::VarintSize64(n); }

std::size_t field_size(std::size_t length) { return 1 + varint_size(length) + length; }

void put_varint(std::string& out, std::uint64_t n) {
    std::uint8_t bytes[10];
    const std::uint8_t* const end = google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(n, bytes);
    out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(end - bytes));
}

void put_tag(std::string& out, std::uint8_t tag, std::size_t length) {
    out.push_back(static_cast<char>(tag));
    put_varint(out, length);
}

void put_bytes(std::string& out, std::uint8_t tag, std::string_view bytes) {
    put_tag(out, tag, bytes.size());
    out.append(bytes);
}

/// Size of the PutRequest or DeleteRangeRequest.
std::size_t body_size(const operation& op) {
    const std::size_t value = op.type == event_type::put && !op.value.empty() ? field_size(op.value.size()) : 0;
    const std::size_t range_end = op.range_end.empty() ? 0 : field_size(op.range_end.size());
    const std::size_t lease = op.lease == 0 ? 0 : 1 + varint_size(static_cast<std::uint64_t>(op.lease));
    return field_size(op.key.size()) + value + range_end + lease;
}

/// Size of the RequestOp around it.
std::size_t request_op_size(const operation& op) { return field_size(body_size(op)); }

void put_operation(std::string& out, const operation& op) {
    put_tag(out, txn_success, request_op_size(op));
    put_tag(out, op.type == event_type::put ? op_put : op_delete_range, body_size(op));
    put_bytes(out, field_key, op.key);
    if (op.type == event_type::put && !op.value.empty()) put_bytes(out, put_value, op.value);
    if (!op.range_end.empty()) put_bytes(out, delete_range_end, op.range_end);
    if (op.lease != 0) {
        out.push_back(static_cast<char>(put_lease));
        put_varint(out, static_cast<std::uint64_t>(op.lease));
    }
}

/// Most writes in two levels below a node whose children may use `limit` operations.
std::size_t two_level_capacity(std::size_t limit) { return (limit / 2) * (limit - limit / 2); }

/// How a level of at most `limit` operations holds `count` writes: directly if 0, else in that many
/// nested Txns.
std::size_t fan_out(std::size_t count, std::size_t limit) {
    if (count <= limit) return 0;
    for (std::size_t children = 1; children < limit; ++children) {
        if (children * (limit - children) >= count) return children;
    }
    for (std::size_t children = 1; children < limit; ++children) {
        if (children * two_level_capacity(limit - children) >= count) return children;
    }
    BOOST_ASSERT_MSG(false, "more writes than txn_capacity()");
    return 1;
}

/// The writes of a Txn as a tree of nested Txns. On the wire, lengths precede contents, so the tree
/// is traversed twice in the same order: measure() records the size of each nested Txn, and write()
/// uses these sizes.
class txn_tree {
public:
    txn_tree(std::span<const operation> writes, std::size_t limit) : writes_(writes), limit_(limit) {
        size_ = measure(writes_, limit_);
    }

    [[nodiscard]] std::size_t size() const { return size_; }

    void write(std::string& out) {
        next_ = 0;
        write(out, writes_, limit_);
    }

private:
    static std::span<const operation> part(std::span<const operation> writes, std::size_t index, std::size_t parts) {
        const std::size_t from = writes.size() * index / parts;
        const std::size_t to = writes.size() * (index + 1) / parts;
        return writes.subspan(from, to - from);
    }

    std::size_t measure(std::span<const operation> writes, std::size_t limit) {
        const std::size_t children = fan_out(writes.size(), limit);
        std::size_t total = 0;
        if (children == 0) {
            for (const operation& op : writes) total += op.encoded_size();
            return total;
        }
        for (std::size_t i = 0; i < children; ++i) {
            const std::size_t place = sizes_.size();
            sizes_.push_back(0);
            const std::size_t inner = measure(part(writes, i, children), limit - children);
            sizes_[place] = inner;
            total += field_size(field_size(inner));
        }
        return total;
    }

    void write(std::string& out, std::span<const operation> writes, std::size_t limit) {
        const std::size_t children = fan_out(writes.size(), limit);
        if (children == 0) {
            for (const operation& op : writes) put_operation(out, op);
            return;
        }
        for (std::size_t i = 0; i < children; ++i) {
            const std::size_t inner = sizes_[next_++];
            put_tag(out, txn_success, field_size(inner));
            put_tag(out, op_txn, inner);
            write(out, part(writes, i, children), limit - children);
        }
    }

    std::span<const operation> writes_;
    std::size_t limit_;
    std::vector<std::size_t> sizes_;
    std::size_t next_ = 0;
    std::size_t size_ = 0;
};

/// The operand of a compare with a revision, in `field`.
std::string number_operand(std::uint8_t field, revision rev) {
    std::string operand(1, static_cast<char>(field));
    put_varint(operand, static_cast<std::uint64_t>(rev));
    return operand;
}

std::string value_operand(std::string_view value) {
    std::string operand;
    put_bytes(operand, compare_value, value);
    return operand;
}

void put_compare(std::string& out, std::string_view key, std::uint64_t target, std::string_view operand,
                 std::string_view range_end = {}, std::uint64_t result = 0) {
    std::string compare;
    if (result != 0) {
        compare.push_back(static_cast<char>(compare_result));
        put_varint(compare, result);
    }
    compare.push_back(static_cast<char>(compare_target));
    put_varint(compare, target);
    put_bytes(compare, compare_key, key);
    compare.append(operand);
    if (!range_end.empty()) {
        compare.append(std::begin(compare_range_end), std::end(compare_range_end));
        put_varint(compare, range_end.size());
        compare.append(range_end);
    }
    put_bytes(out, txn_compare, compare);
}

/// True only if the interval has no keys, because every key has a create revision above 0.
void put_absent(std::string& out, std::string_view key, std::string_view range_end = {}) {
    put_compare(out, key, target_create, number_operand(compare_create, 0), range_end);
}

std::string encode_compares(const guard& before, const absent_condition& absent) {
    std::string out;
    if (before.mod_revision == 0) {
        put_absent(out, before.key);
    } else {
        put_compare(out, before.key, target_mod, number_operand(compare_mod, before.mod_revision));
        put_compare(out, before.key, target_value, value_operand(before.value));
    }
    if (!absent.key.empty()) put_absent(out, absent.key, absent.range_end);
    return out;
}

}  // namespace

std::size_t operation::encoded_size() const { return field_size(request_op_size(*this)); }

std::size_t txn_capacity(unsigned max_ops) {
    const std::size_t limit = max_ops - 1;  // the checkpoint takes one
    std::size_t capacity = limit;
    for (std::size_t children = 1; children < limit; ++children) {
        capacity = std::max(capacity, children * two_level_capacity(limit - children));
        capacity = std::max(capacity, children * (limit - children));
    }
    return capacity;
}

bool has_room_for_manifest(std::size_t writes, unsigned max_ops) {
    if (max_ops < 2) return false;
    const bool flat = writes < max_ops;
    return writes <= (flat ? max_ops - 2 : txn_capacity(max_ops - 1));
}

std::string encode_guarded_txn(const guard& before, std::span<const operation> writes, std::string_view record,
                               unsigned max_ops, const absent_condition& absent, const operation& manifest) {
    const bool has_manifest = !manifest.key.empty();
    const std::string compares = encode_compares(before, absent);
    const operation checkpoint{event_type::put, before.key, record};
    txn_tree nested(writes, max_ops - (has_manifest ? 2 : 1));
    std::size_t size = compares.size() + nested.size() + checkpoint.encoded_size();
    if (has_manifest) size += manifest.encoded_size();

    std::string out;
    out.reserve(grpc::prefix_size + size);
    out.resize(grpc::prefix_size);
    grpc::write_prefix(out, size);
    out.append(compares);
    nested.write(out);
    put_operation(out, checkpoint);
    if (has_manifest) put_operation(out, manifest);
    BOOST_ASSERT(out.size() == grpc::prefix_size + size);
    return out;
}

std::string encode_conditional_txn(const unmodified_since& since, std::string_view absent,
                                   std::span<const operation> writes, unsigned max_ops) {
    std::string compares;
    put_compare(compares, since.key, target_mod, number_operand(compare_mod, since.rev + 1), since.range_end,
                result_less);
    put_compare(compares, since.sample, target_value, value_operand(since.value));
    if (!absent.empty()) put_absent(compares, absent);
    txn_tree nested(writes, max_ops);  // no checkpoint is put beside them
    const std::size_t size = compares.size() + nested.size();

    std::string out;
    out.reserve(grpc::prefix_size + size);
    out.resize(grpc::prefix_size);
    grpc::write_prefix(out, size);
    out.append(compares);
    nested.write(out);
    BOOST_ASSERT(out.size() == grpc::prefix_size + size);
    return out;
}

std::string encode_leased_put(const guard& before, std::string_view value, std::int64_t lease) {
    operation put{event_type::put, before.key, value};
    put.lease = lease;
    std::string body = encode_compares(before, {});
    put_operation(body, put);

    std::string out(grpc::prefix_size, '\0');
    grpc::write_prefix(out, body.size());
    return out.append(body);
}

std::string encode_permission_probe(std::string_view readable, const operation& would_write) {
    constexpr revision never = revision{1} << 62;  // no key was created after it
    std::string body;
    put_compare(body, readable, target_create, number_operand(compare_create, never), {}, result_greater);
    put_operation(body, would_write);

    std::string out(grpc::prefix_size, '\0');
    grpc::write_prefix(out, body.size());
    return out.append(body);
}

}  // namespace etcdsync::etcd
