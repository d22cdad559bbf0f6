//! What the fuzzer and the replay of its corpus check of any bytes taken for an identity, a header,
//! protected data, a certificate or a key.

use std::sync::{Arc, OnceLock};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use vsara::modem::{Input, Modem, Output, PortId};
use vsara::module::{IpVersion, ModuleOptions, Timing, factory};
use vsara::profile::Profile;
use vsara::protocol::certificate::{CertificateSerial, PrivateKey, check_issued, requested_key};
use vsara::protocol::keys::e2e::E2eHeader;
use vsara::protocol::keys::local::LocalHeader;
use vsara::protocol::keys::psk::PskId;
use vsara::protocol::keys::{Key, MasterKey, PskIdentity, RotUid};
use vsara::protocol::protection::{protect, split_header, unprotect};
use vsara::time::{Now, Timestamp};

const ROT: RotUid = RotUid([0x0a, 4, 0xf0, 8, 0, 0x3c, 0x96, 0x23]);

/// The first byte of `input` says which sort of certificate or key the rest is imported as; the rest is
/// taken for everything else as well.
///
/// # Panics
/// A decoder panics, takes bytes that it would not write, opens what nobody sealed or not what was
/// sealed, or a module takes a certificate or key that it cannot show.
pub(crate) fn check(input: &[u8]) {
    let Some((head, bytes)) = input.split_first() else { return };
    identities(bytes);
    protected(bytes);
    // Whatever the bytes are, they are no request that was signed by this key, unless it is one.
    let _ = requested_key(bytes);
    let _ = CertificateSerial::of(bytes);
    // Nobody has this key but we, and we sign nothing with it.
    let key = PrivateKey::from_bytes(&[1; 32]).expect("below the order of the curve");
    assert!(check_issued(bytes, bytes, &key).is_err(), "a certificate for a key that nobody has");
    import(*head % 6, bytes);
}

fn identities(bytes: &[u8]) {
    if let Ok(id) = PskId::decode(bytes) {
        assert_eq!(id.encode(), bytes);
    }
    if let Ok(header) = E2eHeader::decode(bytes) {
        assert_eq!(header.encode(), bytes);
    }
    if let Some((header, sealed)) = LocalHeader::split(bytes) {
        assert_eq!([&header.encode()[..], sealed].concat(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(identity) = text.parse::<PskIdentity>() {
        assert_eq!(identity.to_string(), text);
    }
    if let Ok(rot) = text.parse::<RotUid>() {
        assert_eq!(rot.to_string(), text.to_lowercase());
    }
    if let Ok(key) = text.parse::<Key>() {
        assert_eq!(key.as_bytes().len() * 2, text.len());
    }
}

fn protected(bytes: &[u8]) {
    let Ok((header, sealed)) = split_header(bytes) else { return };
    let key = MasterKey::development().factory_secret(ROT).message_key(ROT, &header);
    assert!(unprotect(&header, &key, sealed).is_err(), "opened what nobody sealed");
    let message = protect(&header, &key, sealed);
    let (again, body) = split_header(&message).expect("it was just written");
    assert_eq!(again, header);
    assert_eq!(unprotect(&header, &key, body).as_deref(), Ok(sealed));
}

/// `AT+USECMNG` in the words of a host: what is taken is listed and shown.
fn import(kind: u8, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let mut modem = modem();
    let mut said = at(&mut modem, format!("AT+USECMNG=0,{kind},\"it\",{}\r", bytes.len()).as_bytes());
    if !said.ends_with(">") {
        // Longer than any certificate.
        assert!(said.ends_with("ERROR\r\n"), "{said:?}");
        return;
    }
    said = at(&mut modem, bytes);
    let taken = said.ends_with("\r\nOK\r\n");
    assert!(taken || said.contains("ERROR"), "{said:?}");
    let listed = at(&mut modem, b"AT+USECMNG=3\r");
    assert_eq!(listed.contains("\"it\""), taken, "{listed:?}");
    assert!(listed.ends_with("OK\r\n"), "{listed:?}");
}

fn modem() -> Modem {
    static PROFILE: OnceLock<Arc<Profile>> = OnceLock::new();
    let profile = PROFILE.get_or_init(|| Arc::new(Profile::built_in("sara-r510s").expect("built in")));
    let mut random = ChaCha12Rng::seed_from_u64(1);
    let nvm = factory::new_module(profile, ROT, &MasterKey::development(), &mut random);
    let options = ModuleOptions {
        timing: Timing::Fast,
        ip: IpVersion::V4,
        service_resolves: false,
        seed: 1,
        entropy: random,
        session_seed: Some(1),
    };
    let mut modem = Modem::new(Arc::clone(profile), nvm, options, 1, now());
    modem.handle_input(Input::PowerOn, now());
    while modem.poll_output().is_some() {}
    at(&mut modem, b"ATE0\r");
    modem
}

/// Says it, and hears what comes back.
fn at(modem: &mut Modem, bytes: &[u8]) -> String {
    modem.handle_input(Input::Serial { port: PortId(0), bytes }, now());
    let mut said = Vec::new();
    while let Some(output) = modem.poll_output() {
        if let Output::Serial { bytes, .. } = output {
            said.extend(bytes);
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn now() -> Now {
    Now::both(Timestamp::from_millis(1_767_225_600_000))
}
