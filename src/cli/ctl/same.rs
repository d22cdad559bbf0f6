//! Which verb does what a call of REST or of the admin API does.

/// Paths, and the verb that does the same.
const VERBS: &[(&str, &str)] = &[
    ("/v1/accesskey/create", "accesskey create"),
    ("/v1/accesskey/delete", "accesskey delete"),
    ("/v1/accesskey/list", "accesskey list"),
    ("/v1/ca/create", "ca create"),
    ("/v1/ca/delete", "ca delete"),
    ("/v1/ca/list", "ca list"),
    ("/v1/campaign/device/list", "campaign things"),
    ("/v1/campaign/feature/set", "campaign create"),
    ("/v1/campaign/get", "campaign show"),
    ("/v1/campaign/heartbeat/set", "campaign create"),
    ("/v1/campaign/list", "campaign list"),
    ("/v1/campaign/plan/set", "campaign create"),
    ("/v1/certificate/list", "certificate list"),
    ("/v1/device/clone/get", "clones"),
    ("/v1/device/feature/set", "feature"),
    ("/v1/device/get", "thing"),
    ("/v1/device/heartbeat/set", "heartbeat-period"),
    ("/v1/device/list", "things"),
    ("/v1/device/suspicious/get", "suspicious"),
    ("/v1/device/unblock", "unblock"),
    ("/v1/deviceprofile/create", "device-profile create"),
    ("/v1/deviceprofile/get", "device-profile show"),
    ("/v1/deviceprofile/list", "device-profile list"),
    ("/v1/deviceprofile/update", "device-profile update"),
    ("/v1/e2e/key/rotate", "new-keys"),
    ("/v1/plan/list", "plans"),
    ("/v1/whitelist/add", "whitelist add"),
    ("/v1/whitelist/list", "whitelist list"),
    ("/v1/whitelist/remove", "whitelist remove"),
    ("/devices/forget", "forget"),
    ("/domains", "domain list"),
    ("/ownership/transfer", "transfer"),
];

/// A hint that speaks of calls, for somebody at a terminal.
pub(super) fn in_words_of_ctl(hint: &str) -> String {
    let hint = hint
        .replace("the document at /docs", "`--help` of the verb")
        .replace("the admin API lists the domains: GET /domains", "`vsara ctl domain list` names them");
    let mut said: Vec<String> = Vec::new();
    for word in hint.split(' ') {
        let is_of_call =
            word.starts_with('/') && said.last().is_some_and(|last| last == "POST" || last == "GET");
        if is_of_call {
            said.pop();
            said.push(verb_for(word));
        } else {
            said.push(word.to_owned());
        }
    }
    said.join(" ")
}

/// A path, perhaps with a stop behind it.
fn verb_for(word: &str) -> String {
    let path = word.trim_end_matches([',', ';', ':', '.']);
    let stop = &word[path.len()..];
    match VERBS.iter().find(|(known, _)| *known == path) {
        Some((_, verb)) => format!("`vsara ctl {verb}`{stop}"),
        None => format!("`vsara ctl rest {path}`{stop}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_verb_is_there() {
        let mut vsara = crate::cli::Cli::command();
        vsara.build();
        for (path, verb) in VERBS {
            let mut words = std::iter::once("ctl").chain(verb.split(' '));
            let found = words.try_fold(&vsara, |command, word| command.find_subcommand(word));
            assert!(found.is_some(), "{path}: vsara ctl {verb}");
        }
    }

    #[test]
    fn a_hint_names_verbs_in_place_of_calls() {
        let check = |hint: &str, expected: &str| assert_eq!(in_words_of_ctl(hint), expected);
        check("POST /v1/device/list names them", "`vsara ctl things` names them");
        check("delete one: POST /v1/accesskey/delete", "delete one: `vsara ctl accesskey delete`");
        check(
            "POST /v1/a/list, or GET /b; then",
            "`vsara ctl rest /v1/a/list`, or `vsara ctl rest /b`; then",
        );
        check("the document at /docs says what is allowed", "`--help` of the verb says what is allowed");
        check("choose another", "choose another");
    }
}
