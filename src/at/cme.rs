//! `+CME ERROR` codes.

use std::fmt;

/// An error of the mobile equipment: the `<err>` of `+CME ERROR` (3GPP TS 27.007, 9.2, and the list
/// u-blox appends to its AT manuals).
///
/// Displayed as its text, and as its number where no text is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CmeError(pub u16);

impl fmt::Display for CmeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => f.write_str(text),
            None => self.0.fmt(f),
        }
    }
}

impl std::error::Error for CmeError {}

macro_rules! cme_errors {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        impl CmeError {
            $(
                #[doc = concat!("`", $code, "`: ", $text, ".")]
                pub const $name: Self = Self($code);
            )*

            /// Every code with a name, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The text of `+CMEE=2`.
            pub const fn text(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

cme_errors! {
    PHONE_FAILURE = 0, "phone failure";
    NO_CONNECTION_TO_PHONE = 1, "no connection to phone";
    PHONE_ADAPTOR_LINK_RESERVED = 2, "phone-adaptor link reserved";
    OPERATION_NOT_ALLOWED = 3, "operation not allowed";
    OPERATION_NOT_SUPPORTED = 4, "operation not supported";
    PH_SIM_PIN_REQUIRED = 5, "PH-SIM PIN required";
    PH_FSIM_PIN_REQUIRED = 6, "PH-FSIM PIN required";
    PH_FSIM_PUK_REQUIRED = 7, "PH-FSIM PUK required";
    SIM_NOT_INSERTED = 10, "SIM not inserted";
    SIM_PIN_REQUIRED = 11, "SIM PIN required";
    SIM_PUK_REQUIRED = 12, "SIM PUK required";
    SIM_FAILURE = 13, "SIM failure";
    SIM_BUSY = 14, "SIM busy";
    SIM_WRONG = 15, "SIM wrong";
    INCORRECT_PASSWORD = 16, "incorrect password";
    SIM_PIN2_REQUIRED = 17, "SIM PIN2 required";
    SIM_PUK2_REQUIRED = 18, "SIM PUK2 required";
    MEMORY_FULL = 20, "memory full";
    INVALID_INDEX = 21, "invalid index";
    NOT_FOUND = 22, "not found";
    MEMORY_FAILURE = 23, "memory failure";
    TEXT_STRING_TOO_LONG = 24, "text string too long";
    INVALID_CHARACTERS_IN_TEXT_STRING = 25, "invalid characters in text string";
    DIAL_STRING_TOO_LONG = 26, "dial string too long";
    INVALID_CHARACTERS_IN_DIAL_STRING = 27, "invalid characters in dial string";
    NO_NETWORK_SERVICE = 30, "no network service";
    NETWORK_TIMEOUT = 31, "network timeout";
    EMERGENCY_CALLS_ONLY = 32, "network not allowed - emergency calls only";
    NETWORK_PERSONALISATION_PIN_REQUIRED = 40, "network personalisation PIN required";
    NETWORK_PERSONALISATION_PUK_REQUIRED = 41, "network personalisation PUK required";
    NETWORK_SUBSET_PERSONALISATION_PIN_REQUIRED = 42, "network subset personalisation PIN required";
    NETWORK_SUBSET_PERSONALISATION_PUK_REQUIRED = 43, "network subset personalisation PUK required";
    SERVICE_PROVIDER_PERSONALISATION_PIN_REQUIRED = 44, "service provider personalisation PIN required";
    SERVICE_PROVIDER_PERSONALISATION_PUK_REQUIRED = 45, "service provider personalisation PUK required";
    CORPORATE_PERSONALISATION_PIN_REQUIRED = 46, "corporate personalisation PIN required";
    CORPORATE_PERSONALISATION_PUK_REQUIRED = 47, "corporate personalisation PUK required";
    HIDDEN_KEY_REQUIRED = 48, "hidden key required";
    EAP_METHOD_NOT_SUPPORTED = 49, "EAP method not supported";
    INCORRECT_PARAMETERS = 50, "incorrect parameters";
    COMMAND_DISABLED = 51, "command implemented but currently disabled";
    ABORTED_BY_USER = 52, "command aborted by user";
    NOT_ATTACHED_DUE_TO_RESTRICTIONS = 53, "not attached to network due to MT functionality restrictions";
    UNKNOWN = 100, "unknown";
    ILLEGAL_MS = 103, "illegal MS";
    ILLEGAL_ME = 106, "illegal ME";
    GPRS_SERVICES_NOT_ALLOWED = 107, "GPRS services not allowed";
    PLMN_NOT_ALLOWED = 111, "PLMN not allowed";
    LOCATION_AREA_NOT_ALLOWED = 112, "location area not allowed";
    ROAMING_NOT_ALLOWED = 113, "roaming not allowed in this location area";
    NO_SUITABLE_CELLS = 115, "no suitable cells in location area";
    CONGESTION = 122, "congestion";
    INSUFFICIENT_RESOURCES = 126, "insufficient resources";
    MISSING_OR_UNKNOWN_APN = 127, "missing or unknown APN";
    UNKNOWN_PDP_ADDRESS_OR_TYPE = 128, "unknown PDP address or PDP type";
    USER_AUTHENTICATION_FAILED = 129, "user authentication failed";
    SERVICE_OPTION_NOT_SUPPORTED = 132, "service option not supported";
    SERVICE_OPTION_NOT_SUBSCRIBED = 133, "requested service option not subscribed";
    SERVICE_OPTION_OUT_OF_ORDER = 134, "service option temporarily out of order";
    UNSPECIFIED_GPRS_ERROR = 148, "unspecified GPRS error";
    PDP_AUTHENTICATION_FAILURE = 149, "PDP authentication failure";
    INVALID_MOBILE_CLASS = 150, "invalid mobile class";
    LAST_PDN_DISCONNECTION_NOT_ALLOWED = 171, "last PDN disconnection not allowed";
    INVALID_ERROR_MAPPING = 254, "invalid error mapping";
    INTERNAL_ERROR = 255, "internal error";
    SIM_BLOCKED = 262, "SIM blocked";
    UNKNOWN_ERROR = 500, "unknown error";
    VOICE_CALL_ACTIVE = 608, "voice call active";
    WRONG_RAT = 1400, "wrong RAT";
    GPRS_GENERIC_OPERATION_ERROR = 1550, "GPRS generic operation error";
    INVALID_APN = 1551, "invalid APN";
    AUTHENTICATION_FAILURE = 1552, "authentication failure";
    NETWORK_FAILURE = 1554, "network failure";
    CONTEXT_BUSY = 1555, "context busy";
    PLMN_SCAN_NOT_ALLOWED = 1559, "PLMN scan not allowed";
    FILE_NOT_FOUND = 1612, "FILE NOT FOUND";
    BUFFER_FULL = 1620, "Buffer full";
    FFS_INITIALIZING = 1621, "FFS initializing";
    COMMAND_LINE_TOO_LONG = 1650, "Command line too long";
    SEC_REMOTE_OBJECT_WRONG_STATE = 1670, "SEC remote object wrong state";
    SEC_ROT_NOT_PERSONALIZED = 1671, "SEC ROT not personalized";
    SEC_LOSS_OF_CONNECTIVITY = 1672, "SEC loss of connectivity";
    SEC_SERVICE_NOT_AUTHORIZED = 1673, "SEC service not authorized";
    SEC_FW_PACKAGE_INSTALLATION_REQUIRED = 1674, "SEC FW package installation required";
    SEC_FW_PACKAGE_NOT_VALID = 1675, "SEC FW package not valid";
    SEC_RESOURCE_NOT_AVAILABLE = 1676, "SEC resource not available";
    SEC_DATA_NOT_AVAILABLE = 1677, "SEC data not available";
    SEC_TIMEOUT = 1678, "SEC timeout";
    SEC_DATA_INCONSISTENT_OR_UNSUPPORTED = 1679, "SEC data inconsistent or unsupported";
    SEC_PSPK_LOCK_PENDING = 1680, "SEC pspk lock pending";
    SEC_C2C_ALREADY_PAIRED = 1681, "SEC C2C already paired";
    SEC_C2C_CHANNELS_CONSUMED = 1682, "SEC C2C channels consumed";
    SEC_C2C_PAIRING_NOT_PRESENT = 1683, "SEC C2C pairing not present";
    SEC_BUSY = 1684, "SEC busy";
    SEC_DNS_RESOLUTION_ERROR = 1685, "SEC connection failed due to a DNS resolution error";
    SEC_RESTORE_PENDING = 1686, "SEC restore pending";
    SEC_ROT_IO_ERROR = 1687, "SEC RoT IO error";
    SEC_ROT_IO_PENDING = 1688, "SEC RoT IO pending";
    SEC_DISABLED = 1689, "SEC disabled";
    USECMNG_IMPORT_TIMEOUT = 1910, "USECMNG import timeout";
    USECMNG_IMPORT_SIZE = 1911, "USECMNG import size exceeded";
    USECMNG_NO_MEMORY = 1912, "USECMNG no memory available";
    USECMNG_INVALID_FORMAT = 1913, "USECMNG invalid certificate or key format";
    USECMNG_DATABASE_FULL = 1914, "USECMNG database full";
    USECMNG_NAME_NOT_FOUND = 1916, "USECMNG internal name not found";
    COMMAND_TIMEOUT = 2000, "Command timeout";
    COMMAND_ABORTED = 3000, "Command aborted";
    APN_CONFIGURATION_MISMATCH = 4000, "APN configuration mismatch";
    IP_TYPE_CONFIGURATION_MISMATCH = 4001, "IP type configuration mismatch";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_each_has_a_text() {
        assert!(CmeError::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(CmeError::ALL.iter().all(|error| error.text().is_some_and(|text| !text.is_empty())));
    }

    #[test]
    fn an_error_shows_its_text_or_else_its_number() {
        let check = |code, shown: &str| assert_eq!(CmeError(code).to_string(), shown);
        check(3, "operation not allowed");
        check(1684, "SEC busy");
        check(999, "999");
    }
}
