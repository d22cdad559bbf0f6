//! What the statements of a scenario mean, each as a short script that holds, or that fails at the
//! line and for the reason it must.

use std::path::PathBuf;

use vsara::host::nvm_file::NvmFile;
use vsara::host::scenario_files::ScenarioFile;
use vsara::scenario::report::{PlayOptions, Report, play};
use vsara::scenario::{BuiltIn, Script, World, WorldOptions};

const ONE: &str = "modem dut sara-r510s\n";
const OFF: &str = "modem dut sara-r510s off\n";
const SEAL: &str = "AT+USECDEVINFO=\"AgbCtixjwqLjwV3VWpfPyz\",\"serial-1\"";

fn played(text: &str) -> Report {
    let script = Script::parse(text, "test.at").unwrap_or_else(|error| panic!("{error}\n{text}"));
    play(&script, "test.at", PlayOptions::default(), &BuiltIn)
}

fn check_holds(scripts: &[(&str, &str)]) {
    for (head, body) in scripts {
        let report = played(&format!("{head}{}", trimmed(body)));
        assert!(report.has_passed(), "{report}");
    }
}

/// Scripts that fail, with the line where they do and what the report shows.
fn check_fails(scripts: &[(&str, usize, &str)]) {
    for (text, line, shown) in scripts {
        let report = played(&trimmed(text)).to_string();
        assert!(report.starts_with(&format!("FAIL test.at:{line}: ")), "line {line}:\n{report}");
        assert!(report.contains(shown), "{shown}:\n{report}");
    }
}

/// Without the indentation of this file.
fn trimmed(body: &str) -> String {
    body.lines().map(str::trim_start).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_only_modem_needs_no_name() {
    check_holds(&[
        (ONE, "> AT\n< OK\ndut> AT\n< OK\n> AT\ndut< OK"),
        (ONE, "power cut\npower on\nreset\nclock +1h\nnetwork down\n> AT\n< OK"),
        (ONE, "wait until at phase 1\nwait until < +USECDEVINFO: 1,0,1\ndevice state=UNOWNED\nno event"),
    ]);
    let error = Script::parse("modem a sara-r510s\nmodem b sara-r510s\n> AT", "test.at");
    let error = error.expect_err("which of them?").to_string();
    assert_eq!(error, "test.at:3:1: which modem?; allowed: a, b");
}

#[test]
fn what_was_captured_is_expected_and_sent_again() {
    check_holds(&[
        (ONE, "> AT+CGSN\n< {imei}\n< OK\n> AT+CGSN\n< ${imei}\n< OK"),
        (
            ONE,
            "> AT+CEREG?\n< +CEREG: {n},{stat}\n< OK\n> AT+CREG=${stat}\n< OK\n> AT+CREG?\n< +CREG: ${stat},1",
        ),
        (ONE, ">> \"AT+CGMM\\r\"\n< SARA-{type}S\n< OK\n> AT+CGMM\n< SARA-${type}S"),
    ]);
    check_fails(&[
        (
            "modem a sara-r510s\nmodem b sara-r510s\na> AT+CGSN\na< {imei}\nb> AT+CGSN\nb< ${imei}",
            6,
            "expected  3527530",
        ),
        ("modem dut sara-r510s\n> AT+CSQ\n< +CSQ: *,98", 3, "expected  +CSQ: *,98\n"),
    ]);
}

#[test]
fn a_line_is_the_next_one_and_skipping_says_so() {
    check_holds(&[
        (ONE, "> AT+CSQ\n< +CSQ: *,*\n< OK"),
        (ONE, "> ATI;+CGMI;+CGMM\n<< SARA-R510S within 1s\n< OK"),
        (ONE, "> ATV0\n<prompt \"0\"\n> ATV1\n< OK"),
    ]);
    check_fails(&[
        ("modem dut sara-r510s\n> AT+CGMI\n< OK", 3, "seen      u-blox"),
        ("modem dut sara-r510s\n> AT+CGMI\n\n# a comment\n< u-blux", 5, "\n                ^\n"),
        ("modem dut sara-r510s\n> AT\n<< ERROR within 5s", 3, "seen      OK and no more within 5s"),
        ("modem dut sara-r510s\n> AT\n<prompt \"@\"", 3, "expected  @\n"),
        ("modem dut sara-r510s\r\n> AT\r\n\r\n< ERROR\r\n", 4, "expected  ERROR\n"),
        (
            "modem dut sara-r510s\n> AT\n> AT+CGMI\n< u-blox",
            4,
            "seen      OK\n            ^\n  it was there, unread, before line 3 sent anything",
        ),
    ]);
}

#[test]
fn nothing_takes_as_long_as_it_is_waited_for() {
    check_holds(&[
        (ONE, "<none for 1h\n> AT+CCLK?\n< +CCLK: \"26/01/01,01:00:00*\n< OK"),
        (ONE, "wait 1d2h3m4s\n> AT+CCLK?\n< +CCLK: \"26/01/02,02:03:04*\n< OK"),
    ]);
    check_fails(&[
        ("modem dut sara-r510s\n> AT\n<none for 10s", 3, "seen      OK"),
        ("modem dut sara-r510s\n> AT+CREG=1\n< OK\nnetwork down\n<none for 1s", 5, "seen      +CREG: 2"),
    ]);
}

#[test]
fn wait_until_asks_again_and_leaves_other_lines_to_others() {
    check_holds(&[
        (OFF, "power on\nwait until < +USECDEVINFO: 1,*,1 within 2s\n<none for 1m"),
        (ONE, "> AT+CREG=1\n< OK\nnetwork down\nwait until < +CREG: 1,2\n< +CREG: 2\n<none for 1m"),
        (ONE, "> AT\nwait until < +CREG: 0,1\n< OK\n<none for 1m"),
        // Power comes back while it asks: the question is asked again.
        (ONE, "fault at phase 2 cut\nwait until at phase 2\npower on\nwait until < +USECDEVINFO: 1,0,1"),
    ]);
    check_fails(&[
        (
            "modem dut sara-r510s\nnetwork down\nwait until dut < +CREG: 0,1 within 5s",
            3,
            "seen      +CREG: 0,2 and no more within 5s",
        ),
        ("modem dut sara-r510s\npower cut\nwait until < +CREG: 0,1 within 5s", 3, "nothing within 5s"),
    ]);
}

#[test]
fn a_phase_is_waited_for_in_its_order() {
    check_holds(&[
        (ONE, "wait until at phase 1\nwait until at phase 2\nwait until at phase 3\nwait until at phase 4"),
        // It is the next time that it begins.
        (ONE, "wait until dut at phase 3\nreset\nwait until at phase 3 within 1s\ndevice key-set=0"),
        // Its request has left, and its answer is not there yet.
        (ONE, "wait until at phase 1\ndevice state=NONE\nwait until at phase 2\ndevice state=BOOTSTRAPPING"),
    ]);
    check_fails(&[
        (
            "modem dut sara-r510s\nwait until at phase 2\nwait until at phase 1 within 1m",
            3,
            "expected  dut at phase 1\n  seen      phase 4 and no more within 1m",
        ),
        ("modem a sara-r510s off\nwait until at phase 1 within 7d", 2, "seen      nothing within 7d"),
    ]);
    for (text, place) in [
        ("modem dut sara-r510s\nwait until dut at phase 5", "test.at:2:25: "),
        ("modem dut sara-r510s\nwait until dut phase 3", "test.at:2:16: "),
        ("modem dut sara-r510s\nwait until dut at phase 3 after 1m", "test.at:2:27: "),
    ] {
        let error = Script::parse(text, "test.at").expect_err(text).to_string();
        assert!(error.starts_with(place) && error.contains("allowed: "), "{error}");
    }
}

#[test]
fn each_port_speaks_for_itself() {
    check_holds(&[(
        "modem dut sara-r510s ports=2\n",
        "dut.2> ATE0V0\ndut.2<prompt \"0\"
        dut> AT\ndut.2> AT\ndut< OK\ndut.2<prompt \"0\"
        dut.1> AT\ndut.1< OK",
    )]);
    let error = Script::parse("modem dut sara-r510s ports=2\ndut.3> AT", "test.at").expect_err("no third");
    assert_eq!(error.to_string(), "test.at:2:1: dut has no port 3; allowed: ports 1 to 2");
}

#[test]
fn a_clone_has_memory_and_power_state_of_the_other_as_they_are() {
    check_holds(&[
        ("modem a sara-r510s\n", "modem b clone-of a\nb> AT\nb< OK"),
        ("modem a sara-r510s off\n", "modem b clone-of a\npower a on\nb> AT\nb<none for 10s\na> AT\na< OK"),
        (
            "modem a sara-r510s\n",
            "a> AT+CGDCONT=2,\"IP\",\"before\"\na< OK\nmodem b clone-of a
            a> AT+CGDCONT=2,\"IP\",\"after\"\na< OK\nb> AT+CGDCONT?\nb<< *\"before*\nb< OK",
        ),
        (
            "modem a sara-r510s\n",
            "modem b clone-of a\na> AT+USECROTUID\na< {rot}\na< OK\nb> AT+USECROTUID\nb< ${rot}\nb< OK",
        ),
        ("modem a sara-r510s ports=2\n", "modem b clone-of a\nb.2> AT\nb.2< OK"),
    ]);
}

#[test]
fn a_memory_is_read_from_a_state_directory_beside_the_scenario() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = World::new(7);
    let profile = std::sync::Arc::new(vsara::profile::Profile::built_in("sara-r510s").expect("built in"));
    let modem = world.add_modem(&profile, WorldOptions::default());
    world.input(modem, vsara::modem::Input::PowerOn);
    assert_eq!(world.at(modem, SEAL), "OK");
    let nvm = &world.disk(modem).primary;
    let state = folder.path().join("module");
    std::fs::create_dir(&state).expect("made");
    NvmFile::new(&state).and_then(|mut file| file.save(nvm, &nvm.secrets)).expect("saved");
    for (name, line) in [("module", 0), ("module/nvm.toml", 0), ("nowhere", 2)] {
        let text = format!(
            "device-profile \"AgbCtixjwqLjwV3VWpfPyz\"\nmodem dut sara-r510s from {name} off\npower on\n\
             > AT+USECROTUID\n< +USECROTUID: \"{}\"\n< OK\nwait until < +USECDEVINFO: 1,1,1\n\
             device serial=serial-1",
            nvm.identity.rot
        );
        let path: PathBuf = folder.path().join("test.at");
        std::fs::write(&path, text).expect("written");
        let file = ScenarioFile::read(&path).expect("a scenario");
        let report = play(&file.script, "test.at", PlayOptions::default(), &file.shelf());
        let expected = if line == 0 { "pass test.at".to_owned() } else { format!("FAIL test.at:{line}: ") };
        assert!(report.to_string().starts_with(&expected), "{name}: {report}");
    }
}

#[test]
fn a_factory_reset_forgets_on_both_ends() {
    check_holds(&[
        (
            "device-profile \"AgbCtixjwqLjwV3VWpfPyz\"\nmodem dut sara-r510s\n",
            "> AT+USECDEVINFO=\"AgbCtixjwqLjwV3VWpfPyz\",\"1\"\n< OK\nwait until < +USECDEVINFO: 1,1,1
            factory-reset
            device state=UNOWNED
            wait until < +USECDEVINFO: 1,0,1
            > AT+USECDEVINFO=\"AgbCtixjwqLjwV3VWpfPyz\",\"2\"\n< OK\nwait until < +USECDEVINFO: 1,1,1
            device serial=2
            no event",
        ),
        (OFF, "factory-reset dut\n> AT\n<none for 10s\npower on\n> AT\n< OK"),
    ]);
}

#[test]
fn a_loss_of_nothing_ends_all_that_is_wrong_with_a_link() {
    for wrong in ["loss 100%", "delay 50s", "drop 1000", "duplicate 1000", "reorder"] {
        let bad = if matches!(wrong, "duplicate 1000" | "reorder") { "" } else { "device state=NONE\n" };
        check_holds(&[(
            OFF,
            &format!(
                "network {wrong}\npower on\nwait 1s\n{bad}power cut\nwait 5m\nnetwork loss 0%\npower on\n\
                 wait 1s\ndevice state=UNOWNED"
            ),
        )]);
    }
}

#[test]
fn a_fault_that_never_strikes_fails_the_scenario_at_its_line() {
    check_holds(&[
        (ONE, "fault at phase 4 drop-response\nwait 1m\ndevice state=UNOWNED"),
        (ONE, "fault at datagram 3 drop\nfault at nvm-write 2 cut between\nwait 1m\n> AT\n<none for 1s"),
    ]);
    check_fails(&[
        ("modem dut sara-r510s\nwait 1m\nfault at phase 1 cut\n> AT\n< OK", 3, "this fault never struck"),
        ("modem dut sara-r510s\nfault at datagram 900 drop\nwait 1m", 2, "this fault never struck"),
    ]);
}

#[test]
fn a_host_recovers_from_a_cut_where_it_is_told_to() {
    let seal = "> AT+CMEE=2\n< OK\n> AT+USECDEVINFO=\"AgbCtixjwqLjwV3VWpfPyz\",\"s\"\n< OK\n> AT+CMEE?\n< +CMEE: 2\n< OK";
    let cut = |aftermath: &str| format!("wait 1m\nfault at nvm-write 1 cut before{aftermath}\n{seal}");
    check_holds(&[(ONE, &cut(" recover"))]);
    check_fails(&[(&format!("modem dut sara-r510s\n{}", cut("")), 7, "OK")]);
}

#[test]
fn a_service_that_is_cut_keeps_what_it_had() {
    check_holds(&[
        (ONE, "wait 1m\nservice cut\nwait 1h\nservice on\ndevice state=UNOWNED\n> AT+USECCONN\n< OK"),
        (OFF, "service cut\npower on\nwait 1h\nservice on\ndevice state=NONE\nwait 3h\ndevice state=UNOWNED"),
        (OFF, "fault service silent for 1h\npower on\nwait 1h\ndevice state=NONE\nwait 3h\ndevice key-set=1"),
        // On already, and cut already: nothing happens.
        (
            ONE,
            "wait 1m\nservice on\ndevice state=UNOWNED\nservice cut\nservice cut\nservice on\ndevice key-set=1",
        ),
    ]);
    check_fails(&[("modem dut sara-r510s\nservice cut\ndevice state=NONE", 3, "the service is cut")]);
}

#[test]
fn what_happens_from_outside_is_done_when_the_next_statement_begins() {
    check_holds(&[
        (ONE, "power off\npower on\n> AT\n< OK"),
        (ONE, "> ATE0\n< OK\nreset\n> AT+CMEE?\n< +CMEE: 0\n< OK"),
        (ONE, "power cut\n> AT\n<none for 10s\npower on\n> AT\n< OK"),
        (ONE, "> AT+CMEE=2\npower cut\npower on\n> AT\n< OK\n< OK"),
        (ONE, "clock =2030-06-01T12:00:00Z\n> AT+CCLK?\n< +CCLK: \"30/06/01,12:00:00*\n< OK"),
        (ONE, "clock -1h\n> AT+CCLK?\n< +CCLK: \"25/12/31,23:00:00*\n< OK"),
    ]);
}

#[test]
fn a_device_is_compared_with_numbers_and_with_another() {
    check_holds(&[
        (ONE, "wait 15d\ndevice heartbeats=2 heartbeats>1 heartbeats<3 heartbeats>=2 heartbeats<=2"),
        (
            "modem a sara-r510s\nmodem b sara-r510s\nmodem c sara-r510s ip=6\n",
            "wait 1m\ndevice a bytes=b bytes>=b bytes<c\ndevice c bytes>a bytes>1048",
        ),
    ]);
    check_fails(&[
        (
            "modem dut sara-r510s\nwait 1m\ndevice state=ACTIVE owner= key-set>3",
            3,
            "seen      state=UNOWNED key-set=1",
        ),
        ("modem a sara-r510s\nmodem b sara-r510s\nwait 1m\ndevice a bytes>b", 4, "expected  bytes>2"),
        ("modem a sara-r510s\nmodem b sara-r510s off\nwait 1m\ndevice a bytes>b", 4, "which there is not"),
        ("modem dut sara-r510s off\ndevice key-set=0", 2, "never heard of it"),
    ]);
}

#[test]
fn events_are_counted_and_belong_to_the_module_that_called() {
    let copied = "modem a sara-r510s off\nmodem b clone-of a\npower a on\nwait 1m\npower b on\nwait 1m\n";
    check_holds(&[(
        copied,
        "event bootstrap a\nevent bootstrap a count=1\nevent clone b\nno event a\nno event bootstrap b",
    )]);
    check_fails(&[
        (
            &format!("{copied}no event b"),
            7,
            "expected  clone and suspicious events: count=0\n  seen      1: clone: ",
        ),
        (&format!("{copied}event clone a"), 7, "seen      none"),
        (
            &format!("{copied}event bootstrap a count>1"),
            7,
            "expected  bootstrap events: count>1\n  seen      1: ",
        ),
    ]);
}

#[test]
fn a_scenario_ends() {
    let text = "wait 3660d\n".repeat(11);
    check_fails(&[(&text, 11, "more than 100 years of virtual time")]);
}

#[test]
fn a_serial_line_loses_spoils_cuts_up_joins_and_delays() {
    let quiet = "> ATE0\n< OK\n";
    let holds = |body: &str| check_holds(&[(ONE, &format!("{quiet}{body}"))]);
    holds("fault line drop 2 to-module\n> AT\n<none for 1s\n> AT\n< OK");
    holds("fault line drop 100% to-host\n> AT\n<none for 1m\nfault line none\n> AT\n< OK");
    holds("fault line drop 1 to-host\n> AT\n< OK");
    holds("fault line drop 3 to-host\n> AT\n< K");
    holds("fault line delay 3s to-host\n> AT\n<none for 2900ms\n< OK");
    holds("fault line delay 3s 1 to-module\n> AT\n<none for 2900ms\n< OK\n> AT\n< OK\n<none for 1s");
    holds("fault line split 1 to-host\n> AT\n< OK\nfault line split 100%\n> AT+CGMM\n< SARA-R510S\n< OK");
    holds("fault line merge 100% to-host\nwait 10ms\n> AT\n<none for 50ms\n< OK");
    holds(
        "fault line corrupt 100% to-module\n> AT+CGMM\nwait 1s\nfault line none to-module\n>> \"\\r\"\nwait 1s",
    );
    check_fails(&[
        ("modem dut sara-r510s\nfault line drop 1\nwait 1h", 2, "this fault never struck"),
        ("modem dut sara-r510s\nfault line corrupt 100% to-host\n> ATE0\n< OK", 4, "seen"),
    ]);
}

#[test]
fn each_of_several_faults_counts_for_itself() {
    for order in [[1, 2, 3], [3, 2, 1]] {
        let faults: String = order.iter().map(|at| format!("fault at datagram {at} drop\n")).collect();
        let script =
            Script::parse(&format!("{OFF}{faults}power on\nwait 2m\n"), "test.at").expect("a script");
        let report =
            play(&script, "test.at", PlayOptions { trace: true, ..PlayOptions::default() }, &BuiltIn);
        assert!(report.has_passed(), "{report}");
        let datagrams = report.trace.lines().filter(|line| {
            line.contains(" bytes to the service") || line.contains(" bytes from the service")
        });
        let struck: Vec<_> = datagrams.map(|line| line.contains("struck: drop")).take(5).collect();
        assert_eq!(struck, [true, true, true, false, false], "{order:?}");
    }
}

#[test]
fn what_was_said_before_a_question_is_no_answer_to_it() {
    check_fails(&[(
        "modem dut sara-r510s\n> AT+CFUN?\n> AT+CFUN=4\nwait 2s\nwait until < +CFUN: 1,* within 3s",
        5,
        "+CFUN: 4,0",
    )]);
}

#[test]
fn bytes_are_sent_exactly_as_they_are_written() {
    let heard = |line: &str| {
        let text = format!("{ONE}> AT+CGMI\n< {{x}}-blox\n< OK\n{line}\n");
        let script = Script::parse(&text, "test.at").unwrap_or_else(|error| panic!("{error}"));
        play(&script, "test.at", PlayOptions { trace: true, ..PlayOptions::default() }, &BuiltIn).trace
    };
    for (line, bytes) in [
        (r#">> "\xff${x}\r""#, r#"dut> "\xffu\r""#),
        (r#">> "\x24{x}\r""#, r#"dut> "${x}\r""#),
        (r#">> "\${x}\r""#, r#"dut> "${x}\r""#),
        (r"> \${x}", r#"dut> "${x}\r""#),
    ] {
        let trace = heard(line);
        assert!(trace.contains(bytes), "{line}: {bytes}\n{trace}");
    }
}

#[test]
fn a_fault_that_never_struck_fails_whatever_it_is() {
    check_fails(&[
        ("modem dut sara-r510s off\nfault service silent for 10m\nwait 1h", 2, "this fault never struck"),
        (
            "modem dut sara-r510s\nfault dut line drop 2 to-host\nfault dut line none\n> AT\n< OK",
            2,
            "this fault never struck",
        ),
    ]);
    check_holds(&[(OFF, "fault service silent for 10m\npower on\nwait 1h\nno event")]);
}

#[test]
fn a_chip_speaks_in_frames_from_its_opening_to_its_closing() {
    const DOWN: &str = "modem dut sara-r510s off\nnetwork dut down\npower dut on\n";
    const TE: &str = "\"0001020304050607f8f9fafbfcfdfeff\"";
    let check = |body: &str| check_holds(&[(DOWN, &body.replace("TE", TE))]);
    check("c2c pair TE\nc2c open TE\n> AT\n< OK\nc2c dut close\n> AT\n< OK");
    check("c2c pair TE\nc2c dut.1 open TE\n>> \"A\"\n>> \"T\\r\"\n< OK");
    check("> ATV0\n<prompt \"0\"\nc2c pair TE\nc2c open TE\n> ATV1\n< OK");
    check("c2c dut pair TE\nmodem two clone-of dut\nc2c two open TE\ntwo> AT\ntwo< OK\ndut> AT\ndut< OK");
    // What was said before is for others to read.
    check("> AT+CGMM\nc2c pair TE\n< SARA-R510S\n< OK");
    let fails = |body: &str, line, shown| {
        check_fails(&[(&format!("{DOWN}{}", body.replace("TE", TE)), line, shown)]);
    };
    fails("c2c open TE", 4, "the scenario has no keys under this secret");
    fails("> AT+CMEE=2\n< OK\nc2c close", 6, "operation not allowed");
    fails("> AT+CMEE=2\n< OK\nc2c pair TE\nc2c pair TE", 7, "SEC C2C already paired");
    fails("c2c pair TE\nc2c open TE\n> AT\n< NO", 7, "< OK");
    for (line, problem) in [
        ("c2c", "pair, open, close"),
        ("c2c dut", "pair, open, close"),
        ("c2c dut shut", "pair, open, close"),
        ("c2c nobody close", "pair, open, close"),
        ("c2c dut.2 close", "one port; more with"),
        ("c2c pair", "a TE secret, 32 hex digits in quotes"),
        ("c2c pair \"00\"", "a TE secret, 32 hex digits in quotes"),
        ("c2c close now", ""),
    ] {
        let error = Script::parse(&format!("{DOWN}{line}"), "test.at").expect_err(line).to_string();
        assert!(error.starts_with("test.at:4:") && error.contains(problem), "{line}: {error}");
    }
}
