//! What the doors put up with.

use std::time::Duration;

use crate::service::Rate;

/// Most connections of one door at once; more wait in the system's queue.
pub const CONNECTIONS_MAX: usize = 256;

/// Most event streams at once: they stay, so they must leave connections for everybody else.
pub const STREAMS_MAX: usize = 64;

/// Longest request line and headers, in bytes.
pub const HEAD_LEN_MAX: usize = 16 * 1024;

/// Most headers of a request.
pub const HEADERS_MAX: usize = 64;

/// How long a request line and headers may take, and how long a connection may be idle.
pub const HEAD_TIME_MAX: Duration = Duration::from_secs(15);

/// Longest body of a request, in bytes: a whitelist of ten thousand, with room.
pub const BODY_LEN_MAX: usize = 512 * 1024;

/// How long a body may take.
pub const BODY_TIME_MAX: Duration = Duration::from_secs(15);

/// Requests of one address.
pub const REQUEST_RATE: Rate = Rate { per_s: 500, burst: 2000 };

/// Wrong secrets of one access key. The tokens of the doors are 192 random bits: nobody guesses one.
pub const WRONG_SECRET_RATE: Rate = Rate { per_s: 1, burst: 20 };

/// Most addresses and access keys that are counted at once; one that has not been heard of for
/// longest goes first.
pub const COUNTED_MAX: usize = 4096;

/// Most entries of an answer.
pub const PAGE_LEN_MAX: usize = 1000;

/// Entries of an answer where the request does not say.
pub const PAGE_LEN: usize = 100;

/// Most roots of trust of one request.
pub const ROTS_MAX: usize = 10_000;

/// How long an AuthToken is good for, on the service's clock (published).
pub const AUTH_TOKEN_LIFE: Duration = Duration::from_secs(60 * 60);

/// How long a RefreshToken is good for, on the service's clock (`designed`).
pub const REFRESH_TOKEN_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
