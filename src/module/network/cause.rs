//! Why the network said no.

/// A reject cause of the network (3GPP 24.301 §9.9.3.9 and §9.9.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `EMM` (registration) or `ESM` (contexts).
    pub layer: &'static str,
    /// Its number.
    pub code: u8,
    /// Its name.
    pub text: &'static str,
}

impl Cause {
    /// The network is closed to this SIM.
    pub const PLMN_NOT_ALLOWED: Self = Self { layer: "EMM", code: 11, text: "PLMN not allowed" };
    /// The attach failed for its default context.
    pub const ESM_FAILURE: Self = Self { layer: "EMM", code: 19, text: "ESM failure" };
    /// No such APN.
    pub const UNKNOWN_APN: Self = Self { layer: "ESM", code: 27, text: "Missing or unknown APN" };
    /// User name and password are not known for the APN.
    pub const AUTHENTICATION_FAILED: Self =
        Self { layer: "ESM", code: 29, text: "User authentication failed" };
}
