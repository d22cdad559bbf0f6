//! What of each setting survives, and what changes none.

use desk::{Desk, check};
use vsara::module::{Nvm, Timing};

mod desk;

/// How a module loses what is not kept.
const RESET: &str = "AT+CFUN=15";

/// A setting: how it reads from the factory, how it is set, how it reads then, after a reboot, and
/// after a reboot with `AT&W` before it.
struct Setting {
    profile: &'static str,
    read: &'static str,
    factory: &'static str,
    set: &'static str,
    now: &'static str,
    rebooted: &'static str,
    stored: &'static str,
}

#[track_caller]
fn check_setting(setting: &Setting) {
    let Setting { profile, read, factory, set, now, rebooted, stored } = setting;
    for (store, after) in [(false, rebooted), (true, stored)] {
        let mut desk = Desk::new(profile, Timing::Fast);
        assert_eq!(desk.at(read), format!("{factory}|OK"), "{profile}: {read}, from the factory");
        assert_eq!(desk.at(set), "OK", "{profile}: {set}");
        assert_eq!(desk.at(read), format!("{now}|OK"), "{profile}: {read} after {set}");
        if store {
            assert_eq!(desk.at("AT&W"), "OK");
        }
        desk.at(RESET);
        assert_eq!(desk.at(read), format!("{after}|OK"), "{profile}: {read} after a reboot");
    }
}

/// A row of the table: the profile, then the six columns.
const fn row(profile: &'static str, columns: [&'static str; 6]) -> Setting {
    let [read, factory, set, now, rebooted, stored] = columns;
    Setting { profile, read, factory, set, now, rebooted, stored }
}

/// What `AT&V` shows from the factory, and with every basic setting changed.
const FACTORY: &str = "ACTIVE PROFILE:|&C1, &D1, &S1, &K3, E1, Q0, V1, X4, S0:000, S2:043, S3:013, S4:010, S5:008, S6:002, S7:060, S8:002, S10:001, S12:050,|+ICF:3,1, +IFC:2,2, +IPR:0,|+CREG:0, +CGREG:0, +CEREG:0, +CMEE:0, +COPS:0, +UPSV:0";
const CHANGED: &str = "ACTIVE PROFILE:|&C0, &D0, &S0, &K0, E1, Q0, V1, X0, S0:000, S2:043, S3:013, S4:010, S5:008, S6:002, S7:060, S8:002, S10:001, S12:050,|+ICF:3,1, +IFC:0,0, +IPR:0,|+CREG:0, +CGREG:0, +CEREG:0, +CMEE:0, +COPS:0, +UPSV:0";

#[test]
#[rustfmt::skip]
fn a_setting_is_kept_at_once_or_by_and_w_or_not_at_all() {
    for setting in [
        // At once.
        row("sara-r510s", ["AT+CSGT?", "+CSGT: \"\",0", "AT+CSGT=0,\"hi\"", "+CSGT: \"hi\",0", "+CSGT: \"hi\",0", "+CSGT: \"hi\",0"]),
        row("sara-r510s", ["AT+UPSMR?", "+UPSMR: 0", "AT+UPSMR=1", "+UPSMR: 1", "+UPSMR: 1", "+UPSMR: 1"]),
        row("sara-r510s", ["AT+UPSMVER?", "+UPSMVER: 0", "AT+UPSMVER=4", "+UPSMVER: 4", "+UPSMVER: 4", "+UPSMVER: 4"]),
        row("sara-r510s", ["AT+CEDRXS?", "+CEDRXS: 4,\"0000\"|+CEDRXS: 5,\"0000\"", "AT+CEDRXS=1,4,\"0101\",\"0001\"",
            "+CEDRXS: 4,\"0101\",\"0001\"|+CEDRXS: 5,\"0000\"", "+CEDRXS: 4,\"0101\",\"0001\"|+CEDRXS: 5,\"0000\"",
            "+CEDRXS: 4,\"0101\",\"0001\"|+CEDRXS: 5,\"0000\""]),
        row("sara-r410m-02b", ["AT+CEDRXS?", "+CEDRXS:", "AT+CEDRXS=2,5,\"1001\"", "+CEDRXS: 5,\"1001\"", "+CEDRXS: 5,\"1001\"", "+CEDRXS: 5,\"1001\""]),
        row("sara-r510s", ["AT+UCTS?", "+UCTS: 0", "AT+UCTS=1", "+UCTS: 1", "+UCTS: 1", "+UCTS: 1"]),
        row("sara-r510s", ["AT+ULWM2M?", "+ULWM2M: 0", "AT+ULWM2M=1", "+ULWM2M: 1", "+ULWM2M: 1", "+ULWM2M: 1"]),
        row("sara-r510s", ["AT+UDCONF=1", "+UDCONF: 1,0", "AT+UDCONF=1,1", "+UDCONF: 1,1", "+UDCONF: 1,1", "+UDCONF: 1,1"]),
        row("sara-r510s", ["AT+CPSMS?", "+CPSMS: 0,,,\"00011000\",\"00001010\"", "AT+CPSMS=0,,,\"00100001\",\"00000001\"",
            "+CPSMS: 0,,,\"00100001\",\"00000001\"", "+CPSMS: 0,,,\"00100001\",\"00000001\"", "+CPSMS: 0,,,\"00100001\",\"00000001\""]),
        row("sara-r510s", ["AT+UGPRF?", "+UGPRF: 0", "AT+UGPRF=2", "+UGPRF: 2", "+UGPRF: 2", "+UGPRF: 2"]),
        row("sara-r510s", ["AT+UGPRF?", "+UGPRF: 0", "AT+UGPRF=16,7,\"a.b\"", "+UGPRF: 16,7,\"a.b\"", "+UGPRF: 16,7,\"a.b\"", "+UGPRF: 16,7,\"a.b\""]),
        row("sara-r410m-02b", ["AT+UEMBPF?", "+UEMBPF: 0,\"9999-19999\"", "AT+UEMBPF=1,\"6000-6100\"", "+UEMBPF: 1,\"6000-6100\"",
            "+UEMBPF: 1,\"6000-6100\"", "+UEMBPF: 1,\"6000-6100\""]),
        row("sara-r510s", ["AT+CTZU?", "+CTZU: 1", "AT+CTZU=0", "+CTZU: 0", "+CTZU: 0", "+CTZU: 0"]),
        row("sara-r510s", ["AT+CGPADDR=?", "+CGPADDR: (1)", "AT+CGDCONT=2,\"IP\",\"a\"", "+CGPADDR: (1,2)", "+CGPADDR: (1,2)", "+CGPADDR: (1,2)"]),
        row("sara-r510s", ["AT+UMNOPROF?", "+UMNOPROF: 90", "AT+COPS=2;+UMNOPROF=1", "+UMNOPROF: 1", "+UMNOPROF: 1", "+UMNOPROF: 1"]),
        row("sara-r422s", ["AT+UBANDMASK?", "+UBANDMASK: 0,168761503,1,168761503,2,5243648", "AT+CFUN=0;+UBANDMASK=2,256",
            "+UBANDMASK: 0,168761503,1,168761503,2,256", "+UBANDMASK: 0,168761503,1,168761503,2,256", "+UBANDMASK: 0,168761503,1,168761503,2,256"]),
        row("sara-r410m-83b", ["AT+URAT?", "+URAT: 7,8", "AT+URAT=8", "+URAT: 8", "+URAT: 8", "+URAT: 8"]),
        // At once, in use after the next boot.
        row("sara-r510s", ["AT+USIO?", "+USIO: 0,*0", "AT+USIO=2", "+USIO: 2,*0", "+USIO: 2,*2", "+USIO: 2,*2"]),
        // By AT&W.
        row("sara-r510s", ["AT+UPSV?", "+UPSV: 0", "AT+UPSV=1,1300", "+UPSV: 1,1300", "+UPSV: 0", "+UPSV: 1,1300"]),
        row("sara-r410m-02b", ["AT+UPSV?", "+UPSV: 0", "AT+UPSV=4", "+UPSV: 4", "+UPSV: 0", "+UPSV: 4"]),
        row("sara-r510s", ["AT+ICF?", "+ICF: 3,1", "AT+ICF=2,0", "+ICF: 2,0", "+ICF: 3,1", "+ICF: 2,0"]),
        row("sara-r510s", ["AT+IFC?", "+IFC: 2,2", "AT&K0", "+IFC: 0,0", "+IFC: 2,2", "+IFC: 0,0"]),
        row("sara-r510s", ["AT+IPR?", "+IPR: 115200", "AT+IPR=9600", "+IPR: 9600", "+IPR: 115200", "+IPR: 9600"]),
        row("sara-r510s", ["ATS0?", "000", "ATS0=3", "003", "000", "003"]),
        row("sara-r510s", ["AT&V", FACTORY, "AT&C0&D0&S0&K0X0", CHANGED, FACTORY, CHANGED]),
        row("sara-r510s", ["AT+CREG?", "+CREG: 0,1", "AT+CREG=1", "+CREG: 1,1", "+CREG: 0,1", "+CREG: 1,1"]),
        row("sara-r510s", ["AT+CGREG?", "+CGREG: 0,1", "AT+CGREG=1", "+CGREG: 1,1", "+CGREG: 0,1", "+CGREG: 1,1"]),
        row("sara-r510s", ["AT+CEREG?", "+CEREG: 0,1", "AT+CEREG=1", "+CEREG: 1,1", "+CEREG: 0,1", "+CEREG: 1,1"]),
        row("sara-r510s", ["AT+CSCON?", "+CSCON: 0,1", "AT+CSCON=1", "+CSCON: 1,1", "+CSCON: 0,1", "+CSCON: 1,1"]),
        row("sara-r510s", ["AT+CGEREP?", "+CGEREP: 0,0", "AT+CGEREP=2,1", "+CGEREP: 2,1", "+CGEREP: 0,0", "+CGEREP: 2,1"]),
        row("sara-r510s", ["AT+CTZR?", "+CTZR: 0", "AT+CTZR=1", "+CTZR: 1", "+CTZR: 0", "+CTZR: 1"]),
        // By +UPSDA=<profile>,1.
        row("sara-r510s", ["AT+UPSD=1,100", "+UPSD: 1,100,1", "AT+UPSD=1,100,2", "+UPSD: 1,100,2", "+UPSD: 1,100,1", "+UPSD: 1,100,1"]),
        row("sara-r510s", ["AT+UPSD=1,100", "+UPSD: 1,100,1", "AT+UPSD=1,100,2;+UPSDA=1,1", "+UPSD: 1,100,2", "+UPSD: 1,100,2", "+UPSD: 1,100,2"]),
        // Never.
        row("sara-r510s", ["AT+CMEE?", "+CMEE: 0", "AT+CMEE=2", "+CMEE: 2", "+CMEE: 0", "+CMEE: 0"]),
        row("sara-r510s", ["AT+CFUN?", "+CFUN: 1,0", "AT+CFUN=4", "+CFUN: 4,0", "+CFUN: 1,0", "+CFUN: 1,0"]),
        row("sara-r510s", ["AT+COPS?", "+COPS: 0,0,\"vsara test network\",7", "AT+COPS=3,2", "+COPS: 0,2,\"00101\",7",
            "+COPS: 0,0,\"vsara test network\",7", "+COPS: 0,0,\"vsara test network\",7"]),
        row("sara-r422s", ["AT+UCGED?", "+UCGED: 0", "AT+CFUN=4;+UCGED=2", "+UCGED: 2", "+UCGED: 0", "+UCGED: 2|6,001,01|6300,20,50,50,0001,101,-86,-14,100,-1,3,255,128,\"00000000\""]),
        row("sara-r410m-02b", ["AT+UDCONF=1", "+UDCONF: 1,0", "AT+UDCONF=1,1", "+UDCONF: 1,1", "+UDCONF: 1,0", "+UDCONF: 1,0"]),
        row("sara-r410m-02b", ["AT+ULWM2M?", "+ULWM2M: 0", "AT+ULWM2M=1", "+ULWM2M: 1", "+ULWM2M: 0", "+ULWM2M: 0"]),
        row("sara-r510s", ["AT+CMER?", "+CMER: 0,0,0,0,0", "AT+CMER=1,0,0,2,1", "+CMER: 1,0,0,2,1", "+CMER: 0,0,0,0,0", "+CMER: 0,0,0,0,0"]),
        row("sara-r510s", ["AT+UTEMP?", "+UTEMP: 25", "AT+UTEMP=1", "+UTEMP: 77", "+UTEMP: 25", "+UTEMP: 25"]),
    ] {
        check_setting(&setting);
    }
}

#[test]
fn wrong_parameters_change_nothing() {
    for (profile, set, read, kept) in [
        ("sara-r510s", "AT+UPSV=4", "AT+UPSV?", "+UPSV: 0"),
        ("sara-r410m-02b", "AT+UPSV=1", "AT+UPSV?", "+UPSV: 0"),
        ("sara-r410m-02b", "AT+UPSV=4,2000", "AT+UPSV?", "+UPSV: 0"),
        ("sara-r510s", "AT+USIO=9", "AT+USIO?", "+USIO: 0,*0"),
        ("sara-r510s", "AT+IFC=1,2", "AT+IFC?", "+IFC: 2,2"),
        ("sara-r510s", "AT+CPSMS=1,,,\"101\"", "AT+CPSMS?", "+CPSMS: 0,,,\"00011000\",\"00001010\""),
        ("sara-r510s", "AT+CEDRXS=1,4,\"11111\"", "AT+CEDRXS?", "+CEDRXS: 4,\"0000\"|+CEDRXS: 5,\"0000\""),
        ("sara-r510s", "AT+CEDRXS=1", "AT+CEDRXS?", "+CEDRXS: 4,\"0000\"|+CEDRXS: 5,\"0000\""),
        ("sara-r510s", "AT+CSGT=2", "AT+CSGT?", "+CSGT: \"\",0"),
        ("sara-r510s", "AT+UDCONF=9,1", "AT+UDCONF=1", "+UDCONF: 1,0"),
        ("sara-r410m-02b", "AT+IPR=0", "AT+IPR?", "+IPR: 115200"),
        ("sara-r410m-02b", "AT+UEMBPF=1,\"9-1\"", "AT+UEMBPF?", "+UEMBPF: 0,\"9999-19999\""),
        ("sara-r510s", "AT+CMER=4", "AT+CMER?", "+CMER: 0,0,0,0,0"),
        ("sara-r510s", "AT+CLCK=\"ZZ\",2", "AT+CLCK=\"SC\",2", "+CLCK: 0"),
    ] {
        let kept = format!("{kept}|OK");
        check(profile, &[(read, &kept), (set, "ERROR"), (read, &kept)]);
    }
}

#[test]
fn memory_written_before_these_settings_existed_is_read() {
    let mut desk = Desk::new("sara-r510s", Timing::Fast);
    let untouched = desk.modem.module().nvm().clone();
    desk.at("AT+CFUN=0;+UBANDMASK=0,9223372036854775807,3;+UMNOPROF=100;+UBANDMASK=1,1");
    desk.at("AT+CSGT=1,\"hi\";+CPSMS=1;+CEDRXS=1,5;+UGPIOC=16,0,1;+CLCK=\"SC\",1,\"1234\";&W");
    for nvm in [&untouched, desk.modem.module().nvm()] {
        let text = toml::to_string(nvm).expect("memory is a TOML document");
        let mut read: Nvm = toml::from_str(&text).expect("and is read as one");
        read.secrets = nvm.secrets.clone();
        assert_eq!(read, *nvm, "{text}");
    }
    let text = toml::to_string(&untouched).expect("memory is a TOML document");
    let mut old: toml::Table = text.parse().expect("a table");
    for table in ["sim", "configuration", "power_saving", "gpio"] {
        assert!(old.remove(table).is_some(), "{table}");
    }
    let mut read: Nvm = old.try_into().expect("older memory is read");
    read.secrets = untouched.secrets.clone();
    assert_eq!(read, untouched);
}
