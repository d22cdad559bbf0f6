//! Module profiles: what a user who writes one is told, and what the built-in ones promise.

use std::collections::BTreeSet;

use proptest::test_runner::Config as ProptestConfig;
use vsara::profile::{self, Profile, Rat, SealedAgain, WhileBootstrapping};

const COMMANDS: &[&str] = &["E", "&W", "+CREG"];

fn parse(text: &str) -> Result<Profile, String> {
    Profile::parse(text, "my.toml", None).map_err(|error| error.to_string())
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(parse(text).expect_err("a bad profile is refused"), expected, "in:\n{text}");
}

fn built_in(name: &str) -> Profile {
    Profile::built_in(name).expect("a listed profile exists")
}

/// A complete file with one line exchanged.
fn exchanged(line: &str, with: &str) -> String {
    let text = profile::text("sara-r510s").expect("built in");
    assert_eq!(text.matches(line).count(), 1, "{line}");
    text.replace(line, with)
}

/// Files of the repository, so that a file that is not embedded is noticed.
fn files() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles");
    let entries = std::fs::read_dir(folder).expect("the repository has profiles");
    entries
        .map(|entry| {
            let path = entry.expect("a readable folder").path();
            let name = path.file_stem().expect("a file").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("a readable file"))
        })
        .collect()
}

fn is_value(line: &str) -> bool {
    !line.is_empty() && !line.starts_with(['#', '['])
}

#[test]
fn a_bad_file_is_refused_with_line_and_column_and_what_is_allowed() {
    let inherit = |rest: &str| format!("inherits = \"sara-r510s\"\n{rest}");
    let table: &[(&str, &str)] = &[
        ("[power\n", "my.toml:1:7: unclosed table, expected `]`"),
        ("\n[at]\ncmee_default = 1\ncmee_default = 2\n", "my.toml:4:1: duplicate key"),
        (
            &inherit("[power]\nboot_s = 3\n"),
            "my.toml:3:1: unknown key `power.boot_s`; allowed: boot_ms, reset_ms, sim_ready_ms, \
             security_ready_ms, power_off_ms, announces_power_off, cfun_reset, cfun_power_off, cfun_ignored, \
             sim_busy_commands, rtc_survives_power_loss, rtc_survives_reset_pin, response_ms",
        ),
        (
            &inherit("[radio]\nx = 1\n"),
            "my.toml:2:2: unknown table `radio`; allowed: identity, at, commands, power, network, packet, \
             power_saving, gpio, system, security",
        ),
        (&inherit("at = 3\n"), "my.toml:2:6: `at` is an integer, not a table"),
        (&inherit("[at]\ncmee_default = 3\n"), "my.toml:3:16: `at.cmee_default` can't be 3; allowed: 0 to 2"),
        (
            &inherit("[at]\ncmee_default = \"2\"\n"),
            "my.toml:3:16: `at.cmee_default` is a string, not an integer; allowed: 0 to 2",
        ),
        (
            &inherit("[at]\ncmee_default = 2.0\n"),
            "my.toml:3:16: `at.cmee_default` is a float, not an integer; allowed: 0 to 2",
        ),
        (
            &inherit("[at]\ncommand_line_max = 99999999999999999999\n"),
            "my.toml:3:20: `at.command_line_max` is a huge integer, not an integer; allowed: 80 to 65536",
        ),
        (
            &inherit("[at]\ncommand_line_max = -1\n"),
            "my.toml:3:20: `at.command_line_max` can't be -1; allowed: 80 to 65536",
        ),
        (
            &inherit("[at]\nipr_default = 1200\n"),
            "my.toml:3:15: `at.ipr_default` can't be 1200; allowed: 0, 9600, 19200, 38400, 57600, 115200, \
             230400, 460800, 921600, 3000000, 3250000",
        ),
        (
            &inherit("identity.tac = \"3527530\"\n"),
            "my.toml:2:16: `identity.tac` can't be `3527530`; allowed: 8 digits",
        ),
        (
            &inherit("identity.model = \"\"\n"),
            "my.toml:2:18: `identity.model` can't be ``; allowed: 1 to 64 printable ASCII characters, no quotes",
        ),
        (
            &inherit("identity = { model = \"ö\", cgsn_with_type = 1 }\n"),
            "my.toml:2:22: `identity.model` can't be `ö`; allowed: 1 to 64 printable ASCII characters, no quotes",
        ),
        (
            &inherit("# ä\nidentity = { model = 'Ä', tac = 5 }\n").replace('Ä', "A"),
            "my.toml:3:33: `identity.tac` is an integer, not a string; allowed: 8 digits",
        ),
        (
            &inherit("[identity]\ncgsn_with_type = 1\n"),
            "my.toml:3:18: `identity.cgsn_with_type` is an integer, not a boolean; allowed: true, false",
        ),
        (
            &inherit("[commands]\ngeneral = [\"I\", \"cgmi\"]\n"),
            "my.toml:3:17: `cgmi` can't be in `commands.general`; allowed: names as they are typed after AT, \
             in capitals: E, &W, +CREG",
        ),
        (
            &inherit("[commands]\ngeneral = [\"I\",\n  \"I\"]\n"),
            "my.toml:4:3: `I` stands twice in `commands.general`",
        ),
        (
            &inherit("[commands]\ngeneral = [\"I\", \"+CREG\"]\n"),
            "my.toml:3:17: `+CREG` stands in two chapters",
        ),
        (
            &inherit("[power]\ncfun_reset = [15, 1]\n"),
            "my.toml:3:19: wrong item in `power.cfun_reset`; allowed: integers of 5 to 127",
        ),
        (
            &inherit("[network]\nrats = [\"lte-m\", \"5g\"]\n"),
            "my.toml:3:18: `5g` can't be in `network.rats`; allowed: lte-m, nb-iot, gsm",
        ),
        (
            &inherit("[network]\nrats = \"gsm\"\n"),
            "my.toml:3:8: `network.rats` is a string, not an array; allowed: [lte-m, nb-iot, gsm]",
        ),
        (
            &inherit("[network]\nrats = []\n"),
            "my.toml:3:8: `network.rats` is empty; allowed: lte-m, nb-iot, gsm",
        ),
        (&inherit("[network]\nrats = [\"gsm\"]\n"), "my.toml:3:9: table `[network.gsm]` is missing"),
        (
            &inherit("[network.gsm]\nlatency_ms = 1\n"),
            "my.toml:2:10: `network.gsm.registration_ms` is missing",
        ),
        (
            &inherit("[packet]\nactive_max = 13\n"),
            "my.toml:3:14: `packet.active_max` is more than the 12 contexts there are",
        ),
        (
            &inherit("[packet]\ncid_min = 1\ncid_max = 4\n"),
            "my.toml:4:11: `packet.active_max` is more than the 4 contexts there are",
        ),
        (
            &inherit("[packet]\npdp_type_default = \"PPP\"\n"),
            "my.toml:3:20: `packet.pdp_type_default` can't be `PPP`; allowed: IP, IPV6, IPV4V6, NONIP",
        ),
        (
            &inherit("[security]\nsealed_again = \"maybe\"\n"),
            "my.toml:3:16: `security.sealed_again` can't be `maybe`; allowed: ignore, error",
        ),
        (
            &inherit("[security]\nheartbeat_first = [\"+USECPSK\", \"+USECDEVINFO\"]\n"),
            "my.toml:3:32: `+USECDEVINFO` can't be in `security.heartbeat_first`; allowed: +USEC… commands but \
             +USECDEVINFO, +USECROTUID",
        ),
        (
            &inherit("[security]\nheartbeat_first = [\"+USECROTUID\"]\n"),
            "my.toml:3:20: `+USECROTUID` can't be in `security.heartbeat_first`; allowed: +USEC… commands but \
             +USECDEVINFO, +USECROTUID",
        ),
        (
            &inherit("[security]\nretry_jitter_percent = 101\n"),
            "my.toml:3:24: `security.retry_jitter_percent` can't be 101; allowed: 0 to 100",
        ),
        (
            &inherit("[security]\nretry_max_s = 29\n"),
            "my.toml:3:15: `security.retry_first_s` is more than `security.retry_max_s`",
        ),
        ("", "my.toml:1:1: table `[identity]` is missing"),
        (
            "inherits = \"sara-r410m-02b\"\n[commands]\nsecurity = [\"+USECCONN\"]\n",
            "my.toml:3:13: `+USECCONN` needs a table `[security]`",
        ),
        (
            "inherits = \"sara-r410m-02b\"\n[security.errors]\nbusy = 1684\n",
            "my.toml:2:2: `security.devinfo_while_bootstrapping` is missing",
        ),
    ];
    for (text, expected) in table {
        check(text, expected);
    }
}

#[test]
fn a_profile_that_does_not_exist_is_answered_with_those_that_do() {
    let names = profile::list().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
    let unknown = "there is no built-in profile `sara-r9` to inherit from";
    check("inherits = \"sara-r9\"\n", &format!("my.toml:1:12: {unknown}; allowed: {names}"));
    let number = "`inherits` is an integer, not a string";
    check("inherits = 5\n", &format!("my.toml:1:12: {number}; allowed: {names}"));
}

#[test]
fn a_type_without_secure_element_drops_the_service_it_would_inherit() {
    for name in ["sara-r510s-01b-01", "sara-r500s-01b-01", "sara-r510m8s-01b-01"] {
        let plain = built_in(name);
        assert_eq!(plain.security, None, "{name}");
        assert!(!plain.commands.all().any(|name| name.starts_with("+USEC")), "{name}");
        let text = profile::text(name).expect("listed");
        assert!(!text.contains("\n[security") && !text.contains("\nsecurity = \"none\""), "{text}");
    }
    let needs = "inherits = \"sara-r510s\"\nsecurity = \"none\"\n";
    let error = parse(needs).expect_err("its commands need the table");
    assert!(error.ends_with("`+USECC2C` needs a table `[security]`"), "{error}");
}

#[test]
fn an_error_code_that_is_not_published_is_refused() {
    let text = "inherits = \"sara-r510s\"\n[security.errors]\nbusy = 1690\n";
    let error = parse(text).expect_err("1690 is no code");
    assert!(
        error.starts_with("my.toml:3:8: `security.errors.busy` can't be 1690; allowed: 0-8, "),
        "{error}"
    );
    assert!(error.contains(", 1670-1689, "), "{error}");
}

#[test]
fn a_file_without_inherits_must_set_every_key() {
    let missing = exchanged("boot_ms = 6000 ", "# ");
    let header = missing.lines().position(|line| line == "[power]").expect("there") + 1;
    check(&missing, &format!("my.toml:{header}:2: `power.boot_ms` is missing"));
}

#[test]
fn a_misspelt_key_is_reported_and_not_the_one_that_is_missing_for_it() {
    let misspelt = exchanged("boot_ms = 6000 ", "boot_msec = 6000 ");
    let error = parse(&misspelt).expect_err("misspelt");
    assert!(error.contains(": unknown key `power.boot_msec`; allowed: boot_ms, "), "{error}");
}

#[test]
fn of_several_faults_the_first_in_the_file_is_reported() {
    check(
        "inherits = \"sara-r510s\"\n[packet]\ncid_min = 7\n[at]\ncmee_default = 7\n",
        "my.toml:3:11: `packet.cid_min` can't be 7; allowed: 0 to 1",
    );
}

#[test]
fn a_command_that_vsara_does_not_have_is_refused_at_its_place() {
    let text = "inherits = \"sara-r510s\"\n[commands]\ngeneral = []\ncontrol = []\nsim = []\nnetwork = [\"+CREG\"]\n\
                power_saving = []\ngpio = []\nsystem = []\nv25ter = [\"E\", \"&W\"]\npacket = [\"+CGATT\"]\nsecurity = []\n";
    let error = Profile::parse(text, "my.toml", Some(COMMANDS)).expect_err("unknown to vsara");
    assert_eq!(
        error.to_string(),
        "my.toml:11:11: `+CGATT` can't be in `commands.packet`; allowed: E, &W, +CREG"
    );
    let known = text.replace("\"+CGATT\"", "");
    let profile = Profile::parse(&known, "my.toml", Some(COMMANDS)).expect("all known");
    assert_eq!(profile.commands.all().collect::<Vec<_>>(), ["+CREG", "E", "&W"]);
}

#[test]
fn an_error_speaks_its_place_in_fields_too() {
    let error = Profile::parse("inherits = \"sara-r510s\"\n[at]\ncmee_default = 9", "dir/x.toml", None)
        .expect_err("out of range");
    assert_eq!((error.file.as_str(), error.line, error.column), ("dir/x.toml", 3, 16));
    assert_eq!((error.message.as_str(), error.allowed.as_str()), ("`at.cmee_default` can't be 9", "0 to 2"));
}

#[test]
fn a_file_may_inherit_and_override_single_keys() {
    let text = "inherits = \"sara-r422m8s\"\nsecurity.heartbeat_limit_s = 60\n[network.gsm]\nlatency_ms = 1\n\
                [at]\nunknown_command_cme = \"none\"\n";
    let mine = Profile::parse(text, "dir/mine.toml", None).expect("valid");
    let mut expected = built_in("sara-r422m8s");
    expected.name = "mine".to_owned();
    expected.at.unknown_command_cme = None;
    expected.security.as_mut().expect("it has one").heartbeat_limit_s = 60;
    expected.network.rats[2].latency_ms = 1;
    assert_eq!(mine, expected);
}

#[test]
fn rats_come_in_the_order_of_preference() {
    let mine = parse("inherits = \"sara-r422m8s\"\nnetwork.rats = [\"gsm\", \"lte-m\"]\n").expect("valid");
    assert_eq!(mine.network.rats.iter().map(|facts| facts.rat).collect::<Vec<_>>(), [Rat::Gsm, Rat::LteM]);
}

#[test]
fn every_file_of_the_repository_is_built_in() {
    let listed: BTreeSet<String> = profile::list().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(files().into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>(), listed);
    for (name, summary) in profile::list() {
        assert!(summary.to_lowercase().starts_with(&format!("{name}: ")), "{name}: {summary}");
        assert_eq!(built_in(name).name, name);
    }
    assert_eq!(Profile::built_in("sara-r9"), None);
    assert_eq!(profile::text("sara-r9"), None);
}

#[test]
fn the_printed_text_is_complete_and_means_the_same() {
    for (name, _) in profile::list() {
        let text = profile::text(name).expect("listed");
        assert!(!text.lines().any(|line| line.starts_with("inherits")), "{name} inherits");
        let parsed = Profile::parse(&text, &format!("{name}.toml"), None).map_err(|error| error.to_string());
        assert_eq!(parsed, Ok(built_in(name)), "{text}");
    }
}

#[test]
fn every_value_has_its_source() {
    let printed = profile::list().map(|(name, _)| (name.to_owned(), profile::text(name).expect("listed")));
    for (name, text) in files().into_iter().chain(printed) {
        for line in text.lines().filter(|line| is_value(line)) {
            let source = line.rsplit_once(" # ").and_then(|(_, comment)| comment.split_once(": "));
            let named = source.is_some_and(|(kind, why)| {
                ["manual", "driver", "seed", "designed"].contains(&kind) && !why.trim().is_empty()
            });
            assert!(named, "{name}: no source: {line}");
        }
    }
}

#[test]
fn every_key_is_explained_once() {
    let own = files().into_iter().find(|(name, _)| name == "sara-r510s").expect("there").1;
    let lines: Vec<&str> = own.lines().collect();
    let mut explained = BTreeSet::new();
    for pair in lines.windows(2).filter(|pair| pair[0].starts_with("# ")) {
        let key = pair[1].split(" = ").next().unwrap_or_default();
        if is_value(pair[1]) || pair[1].starts_with('[') {
            assert!(explained.insert(key.to_owned()), "{key} is explained twice");
        }
    }
    for (name, text) in files() {
        for line in text.lines().filter(|line| is_value(line) && !line.starts_with("inherits")) {
            let key = line.split(" = ").next().unwrap_or_default();
            assert!(explained.contains(key), "{name}: {key} is not explained in sara-r510s.toml");
        }
    }
    for line in
        profile::text("sara-r410m-02b").expect("built in").lines().filter(|line| line.starts_with('['))
    {
        assert!(lines.contains(&line), "{line}");
    }
}

#[test]
fn a_rat_of_its_own_is_printed_after_the_others() {
    let text = profile::text("sara-r422m8s").expect("built in");
    let rats: Vec<_> = text.lines().filter(|line| line.starts_with("[network.")).collect();
    assert_eq!(rats, ["[network.lte-m]", "[network.nb-iot]", "[network.gsm]"]);
}

#[test]
fn the_printed_text_of_the_explained_profile_is_its_file() {
    let own = files().into_iter().find(|(name, _)| name == "sara-r510s").expect("there").1;
    assert_eq!(profile::text("sara-r510s"), Some(own));
}

#[test]
fn the_families_differ_where_the_guide_says_so() {
    for (name, limit_s, timeout_s, waiting, first) in [
        ("sara-r510s", 86_400, 300, WhileBootstrapping::Error, 4),
        ("sara-r500s", 86_400, 300, WhileBootstrapping::Error, 4),
        ("sara-r510m8s", 86_400, 300, WhileBootstrapping::Error, 4),
        ("sara-r422m8s", 300, 150, WhileBootstrapping::Block, 0),
        ("sara-r410m-83b", 300, 150, WhileBootstrapping::Block, 0),
    ] {
        let security = built_in(name).security.expect("it has the service");
        assert_eq!(
            (security.heartbeat_limit_s, security.heartbeat_timeout_s),
            (limit_s, timeout_s),
            "{name}"
        );
        assert_eq!(security.devinfo_while_bootstrapping, waiting, "{name}");
        assert_eq!(security.heartbeat_first.len(), first, "{name}");
        assert_eq!(security.sealed_again, SealedAgain::Ignore, "{name}");
        assert_eq!(security.heartbeat_period_s, 7 * 86_400, "{name}");
    }
    let plain = built_in("sara-r410m-02b");
    assert_eq!(plain.security, None);
    assert!(!plain.commands.all().any(|name| name.starts_with("+USEC")));
}

#[test]
fn a_type_has_its_own_identity() {
    let mut seen = BTreeSet::new();
    for (name, _) in profile::list() {
        let identity = built_in(name).identity;
        assert!(identity.type_number.to_lowercase().starts_with(name), "{name}");
        assert_eq!(identity.model.contains("M8"), name.contains("m8"), "a host finds GNSS by it: {name}");
        assert_eq!(identity.cgsn_with_type, name.starts_with("sara-r5"), "{name}");
        assert!(seen.insert(identity.tac), "{name}");
    }
}

proptest::proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(line in 0..200_usize, with in "\\PC{0,40}|(-?[0-9]{1,20})|(\\[[a-z.]{0,9}\\])") {
        let text = profile::text("sara-r510s").expect("built in");
        let index = line % text.lines().count();
        let lines = text.lines().enumerate();
        let edited: Vec<String> = lines
            .map(|(at, old)| match old.split_once(" = ") {
                Some((key, _)) if at == index => format!("{key} = {with}"),
                _ if at == index => with.clone(),
                _ => old.to_owned(),
            })
            .collect();
        if let Err(error) = parse(&edited.join("\n")) {
            proptest::prop_assert!(error.starts_with("my.toml:"), "{error}");
        }
    }
}
