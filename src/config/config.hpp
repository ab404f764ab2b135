// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The configuration after validation: plain values with all defaults filled in. It satisfies every
/// rule of the file format (names are unique and known, each rule has exactly one selector, start <
/// end, spans are disjoint). Durations are in milliseconds.
namespace etcdsync::config {

using duration = std::chrono::milliseconds;

/// One endpoint of a cluster: `endpoints = ["http://host:port", ...]`.
struct endpoint {
    std::string url;         ///< as written, for messages
    bool tls = false;        ///< https
    std::string host;        ///< a name, an IPv4 or (without brackets) an IPv6 literal
    std::uint16_t port = 0;  ///< 2379 by default
    std::string socket;      ///< unix:// only: the path of the socket; host and port are then unset
    friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// The selector of a rule as a half-open interval of keys.
struct selector {
    enum class kind { key, prefix, range };
    kind form = kind::prefix;
    std::string begin;  ///< the key, the prefix, or the start of the range
    std::string end;    ///< only for a range: the first key after it; empty = to the last key
    friend bool operator==(const selector&, const selector&) = default;
};

struct rule {
    std::string name;
    selector select;
    /// Patterns: a prefix if it ends in "/", a glob if it contains one of * ? [, else one exact
    /// key.
    std::vector<std::string> include;
    std::vector<std::string> exclude;
    std::string strip;           ///< a prefix of every key the rule can match
    std::string dest;            ///< new key = slave.dest + dest + key without strip
    bool replay_deletes = true;  ///< `delete` in the file
    friend bool operator==(const rule&, const rule&) = default;
};

enum class prune_mode { off, guarded, always };
enum class master_change { hold, resync };

/// `max_delete`: a percentage of the keys ("10%") or a number of keys (100).
struct delete_limit {
    bool is_share = true;
    std::uint64_t amount = 10;  ///< percent, or keys
    friend bool operator==(const delete_limit&, const delete_limit&) = default;
};

struct safety {
    prune_mode prune = prune_mode::guarded;
    delete_limit max_delete;
    master_change on_master_change = master_change::hold;
    friend bool operator==(const safety&, const safety&) = default;
};

/// `tls = { ... }`. File names are as written until locate_files() makes them paths.
struct tls_settings {
    std::string ca;
    std::string cert;  ///< with `key`, or both empty
    std::string key;
    std::string server_name;  ///< empty: the host of the endpoint
    bool insecure_skip_verify = false;
    friend bool operator==(const tls_settings&, const tls_settings&) = default;
};

/// `auth = { ... }`: a user with exactly one kind of password, or all empty.
struct auth_settings {
    std::string user;
    std::string password_file;  ///< a file name, as in tls_settings
    std::string password_env;   ///< name of a variable; the caller stores its value in `password`
    std::string password;
    friend bool operator==(const auth_settings&, const auth_settings&) = default;
};

struct cluster {
    std::vector<endpoint> endpoints;  ///< tried in order
    tls_settings tls;
    auth_settings auth;
    friend bool operator==(const cluster&, const cluster&) = default;
};

struct slave : cluster {
    std::string name;
    std::vector<std::size_t> rules;  ///< indexes into config::rules, in ascending order
    std::string dest;
    bool required = true;
    bool paused = false;
    safety guards;  ///< [safety], overridden by this slave's own `safety = {}`
};

/// "all": one watch and one checkpoint per slave. "rule": one watch and one checkpoint per rule.
enum class consistency_mode { all, rule };

struct replication {
    consistency_mode consistency = consistency_mode::all;
    duration probe_interval{10'000};
    base::byte_count memory_limit{12ULL << 20};
    base::byte_count log_limit{4ULL << 20};
    unsigned full_sync_parallel = 2;
    unsigned txn_max_ops = 128;
    base::byte_count txn_max_bytes{1ULL << 20};
    duration request_timeout{5'000};
    std::string checkpoint_prefix = "/.etcd-sync/";
};

struct verification {
    duration interval{0};  ///< 0: off
    bool repair = false;
};

/// One element of `listen`: a Unix socket, or an address with a port.
struct listen_address {
    std::string socket;  ///< path; empty for TCP
    std::string host;
    std::uint16_t port = 0;
    friend bool operator==(const listen_address&, const listen_address&) = default;
};

struct admin_access {
    std::optional<std::vector<listen_address>> listen;  ///< nothing: not in the file
    std::string token_file;
};

enum class log_level { trace, debug, info, warn, error };
enum class log_format { automatic, text, logfmt, json };

struct log {
    log_level level = log_level::info;
    log_format format = log_format::automatic;
};

struct config {
    std::string instance = "etcd-sync";
    cluster master;
    std::vector<slave> slaves;
    std::vector<rule> rules;
    safety guards;  ///< [safety]; each slave has its own
    replication replicate;
    verification verify;
    admin_access admin;
    log logging;
};

/// One error or warning about the file. `line` and `column` count from 1 (columns in code points);
/// 0 if there is no place.
struct diagnostic {
    enum class severity { error, warning };
    severity level = severity::error;
    std::size_t line = 0;
    std::size_t column = 0;
    std::size_t width = 1;  ///< number of columns that the caret line underlines
    std::string message;    ///< what is wrong
    std::string hint;       ///< `did you mean "password"?`, `write "30s"`; may be empty
};

}  // namespace etcdsync::config
