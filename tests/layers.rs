//! Holds the layers of the house: each may use those below it, never those above, and below
//! `host` and `web` nothing reads a clock, opens a file, owns a socket, spawns a task, asks for
//! randomness or prints. It reads the source as text, so a breach is named with file and line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use source::{Mention, mentions};

#[path = "layers/source.rs"]
mod source;

/// A layer of the crate: a folder of `src`, or a file where it is one.
struct Layer {
    name: &'static str,
    /// What it may use: a layer, or the one item of it that is named.
    uses: &'static [&'static str],
    /// Whether it may touch the operating system.
    world: World,
}

#[derive(PartialEq, Eq)]
enum World {
    Open,
    Closed,
}

/// From the top down. Module and service meet on the wire alone, so neither sees the other, and
/// nor does what stands between them.
#[rustfmt::skip]
const LAYERS: &[Layer] = &[
    Layer { name: "cli", world: World::Open, uses: &["web", "host", "scenario", "modem", "commands", "module", "service", "protocol", "at", "c2c", "profile", "time"] },
    Layer { name: "web", world: World::Open, uses: &["host", "service", "protocol", "time"] },
    Layer { name: "host", world: World::Open, uses: &["scenario", "modem", "commands", "module", "service", "protocol", "at", "c2c", "profile", "time"] },
    Layer { name: "scenario", world: World::Closed, uses: &["modem", "commands", "module", "service", "protocol", "at", "c2c", "profile", "time"] },
    Layer { name: "modem", world: World::Closed, uses: &["commands", "module", "protocol", "at", "c2c", "profile", "time"] },
    Layer { name: "commands", world: World::Closed, uses: &["module", "protocol", "at", "c2c", "profile", "time"] },
    // The settings of a port are kept with the module's NVM by `AT&W`.
    Layer { name: "module", world: World::Closed, uses: &["protocol", "at::Settings", "at::settings::Settings", "c2c", "profile", "time"] },
    Layer { name: "service", world: World::Closed, uses: &["protocol", "time"] },
    Layer { name: "protocol", world: World::Closed, uses: &["time"] },
    Layer { name: "at", world: World::Closed, uses: &[] },
    // Between port and language, it knows neither.
    Layer { name: "c2c", world: World::Closed, uses: &[] },
    Layer { name: "profile", world: World::Closed, uses: &[] },
    Layer { name: "time", world: World::Closed, uses: &[] },
];

/// What only an open layer may name: a run of path segments, and why not elsewhere.
const FORBIDDEN: &[(&[&str], &str)] = &[
    (&["now"], "time is an argument: only the host reads a clock"),
    (&["std", "fs"], "files belong to the host"),
    (&["File"], "files belong to the host"),
    (&["rusqlite"], "files belong to the host"),
    (&["tempfile"], "files belong to the host"),
    (&["UdpSocket"], "sockets belong to the host; an address is a value, and fine"),
    (&["TcpStream"], "sockets belong to the host; an address is a value, and fine"),
    (&["TcpListener"], "sockets belong to the host; an address is a value, and fine"),
    (&["UnixStream"], "sockets belong to the host; an address is a value, and fine"),
    (&["UnixListener"], "sockets belong to the host; an address is a value, and fine"),
    (&["UnixDatagram"], "sockets belong to the host; an address is a value, and fine"),
    (&["ToSocketAddrs"], "names are resolved by the host"),
    (&["std", "os"], "the operating system belongs to the host"),
    (&["rustix"], "the operating system belongs to the host"),
    (&["pty_process"], "the operating system belongs to the host"),
    (&["tokio_serial"], "the operating system belongs to the host"),
    (&["std", "env"], "the environment belongs to the host"),
    (&["std", "process"], "processes belong to the host"),
    (&["tokio"], "the core has no tasks: it is called with an input or a time"),
    (&["std", "thread"], "the core has no tasks: it is called with an input or a time"),
    (&["SystemRandom"], "randomness is a seeded generator handed in by the host"),
    (&["OsRng"], "randomness is a seeded generator handed in by the host"),
    (&["SysRng"], "randomness is a seeded generator handed in by the host"),
    (&["thread_rng"], "randomness is a seeded generator handed in by the host"),
    (&["getrandom"], "randomness is a seeded generator handed in by the host"),
    (&["RandomState"], "randomness is a seeded generator handed in by the host"),
    (&["std", "io", "stdout"], "the core returns what it has to say"),
    (&["std", "io", "stderr"], "the core returns what it has to say"),
    (&["println!"], "the core returns what it has to say"),
    (&["print!"], "the core returns what it has to say"),
    (&["eprintln!"], "the core returns what it has to say"),
    (&["eprint!"], "the core returns what it has to say"),
    (&["dbg!"], "the core returns what it has to say"),
];

/// The exceptions, by file and forbidden path, each with its reason.
const EXCEPTIONS: &[(&str, &[&str])] = &[
    // The DTLS engine takes `std::time::Instant`, which can only be had by reading the clock: one
    // reading at the start of a session is the zero that the argument's time is added to.
    ("src/protocol/session/engine.rs", &["now"]),
];

#[test]
fn each_layer_uses_only_those_below_it_and_the_core_never_touches_the_world() {
    let breaches: Vec<_> = source_files()
        .iter()
        .flat_map(|(path, text)| breaches(path, text))
        .filter(|breach| !EXCEPTIONS.contains(&(breach.file.as_str(), breach.forbidden)))
        .collect();
    assert!(breaches.is_empty(), "\n{}", listed(&breaches));
}

#[test]
fn every_exception_is_still_needed() {
    let files = source_files();
    for (file, forbidden) in EXCEPTIONS {
        let Some((path, text)) = files.iter().find(|(path, _)| path == file) else { continue };
        let used = breaches(path, text).iter().any(|breach| breach.forbidden == *forbidden);
        assert!(used, "{file} no longer needs its exception for {}", forbidden.join("::"));
    }
}

#[test]
fn the_table_has_no_way_up() {
    for (height, layer) in LAYERS.iter().enumerate() {
        for used in layer.uses {
            let name = used.split("::").next().unwrap_or(used);
            let found = LAYERS.iter().position(|below| below.name == name);
            assert!(found.is_some_and(|found| found > height), "{} uses {used}", layer.name);
        }
    }
}

#[test]
fn a_layer_is_refused_what_is_above_it() {
    let check = |file: &str, text: &str, expected: &[&str]| {
        let found: Vec<_> = breaches(file, text).iter().map(|breach| breach.text()).collect();
        let fits = found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| f.starts_with(e));
        assert!(fits, "{file}: {text}\nfound {found:#?}\nexpected {expected:#?}");
    };
    // Fine.
    check("src/commands/security.rs", "use crate::{at::{Form, Request}, module::Module};", &[]);
    check("src/module/nvm.rs", "use crate::at::Settings; use super::power::Power;", &[]);
    check("src/module.rs", "use crate::at::settings::Settings; pub(crate) mod power;", &[]);
    check("src/lib.rs", "pub mod host; pub use crate::host::Clock;", &[]);
    check("src/main.rs", "fn main() { vsara::cli::run() }", &[]);
    check("src/at/line.rs", "// use crate::module;\n/* crate::host */ const A: &str = \"crate::host\";", &[]);
    check("src/at.rs", "const A: &str = r#\"\"crate::host\"#; fn f<'a>(c: char) { c == '\"'; }", &[]);
    check("src/at.rs", "#[cfg(test)]\nmod tests { use crate::module; fn f() {} }", &[]);
    check("src/at/tests.rs", "use crate::module;", &[]);
    check("src/at/parse_tests.rs", "use crate::module;", &[]);
    // Up, in every spelling.
    check("src/at/line.rs", "\nuse crate::module::Power;", &["src/at/line.rs:2: at may not use module"]);
    check("src/at.rs", "fn f() { crate::profile::x() }", &["src/at.rs:1: at may not use profile"]);
    check("src/at/line.rs", "use super::super::host;", &["src/at/line.rs:1: at may not use host"]);
    check("src/at.rs", "use super::host;", &["src/at.rs:1: at may not use host"]);
    check(
        "src/service.rs",
        "use crate::{\n time::Now,\n module::{\n self, Power as P},\n at,\n};",
        &[
            "src/service.rs:4: service may not use module",
            "src/service.rs:4: service may not use module::Power",
            "src/service.rs:5: service may not use at",
        ],
    );
    check("src/module.rs", "use crate::at::Form;", &["src/module.rs:1: module may not use at::Form"]);
    check("src/module.rs", "use crate::at;", &["src/module.rs:1: module may not use at"]);
    check("src/module.rs", "use crate::service::Event;", &["src/module.rs:1: module may not use service"]);
    check("src/protocol.rs", "use crate::*;", &["src/protocol.rs:1: protocol may not use *"]);
    check("src/protocol.rs", "use vsara::host;", &["src/protocol.rs:1: protocol may not use host"]);
    check("src/web/api.rs", "use crate::module::Nvm;", &["src/web/api.rs:1: web may not use module"]);
    check("src/gadgets.rs", "fn f() {}", &["src/gadgets.rs:1: gadgets is no layer"]);
}

#[test]
fn the_core_is_refused_the_world() {
    let check = |text: &str, expected: usize| {
        let found = breaches("src/module/power.rs", text);
        assert_eq!(found.len(), expected, "{text}\n{}", listed(&found));
        assert!(breaches("src/host/clock.rs", text).is_empty(), "the host may: {text}");
    };
    check("use std::net::SocketAddr; use std::collections::BTreeMap; use std::time::Duration;", 0);
    check("fn f(now: Now) { self.now(now); let later = now.system; } // Instant::now()", 0);
    check("let text = \"println!(std::fs)\"; #[doc = \"tokio\"] struct A;", 0);
    check("#[cfg(test)] #[allow(x)] fn f() -> [u8; 3] { std::fs::read(p); } fn g() {}", 0);
    check("let t = Instant::now();", 1);
    check("let t = std::time::SystemTime::now();", 1);
    check("let t = I::now() - J::now();", 2);
    check("use std::{fs, io::Read};", 1);
    check("let b = ::std::fs::read(path);", 1);
    check("fn f(s: &std::net::UdpSocket) {}", 1);
    check("use tokio::sync::mpsc;", 1);
    check("std::thread::spawn(f);", 1);
    check("let rng = ring::rand::SystemRandom::new();", 1);
    check("getrandom::fill(&mut b);", 1);
    check("println!(\"x\"); eprint!{\"y\"} dbg![z];", 3);
    check("#[cfg(test)] mod tests { fn f() { println!(); } } fn g() { println!(); }", 1);
}

/// One use of what a layer may not see.
struct Breach {
    file: String,
    line: usize,
    what: String,
    /// The entry of [`FORBIDDEN`] it hit; empty for a layer.
    forbidden: &'static [&'static str],
}

impl Breach {
    fn text(&self) -> String {
        format!("{}:{}: {}", self.file, self.line, self.what)
    }
}

fn listed(breaches: &[Breach]) -> String {
    breaches.iter().fold(String::new(), |mut list, breach| {
        let _ = writeln!(list, "{}", breach.text());
        list
    })
}

/// Everything a file names that its layer may not use. `file` is relative to the crate.
fn breaches(file: &str, text: &str) -> Vec<Breach> {
    let module: Vec<_> = file.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
    let is_test = module.last().is_some_and(|name| *name == "tests" || name.ends_with("_tests"));
    if is_test || matches!(module.as_slice(), ["lib" | "main"]) {
        return Vec::new();
    }
    let Some(layer) = LAYERS.iter().find(|layer| layer.name == module[0]) else {
        let what = format!("{} is no layer: give it a place in the table of tests/layers.rs", module[0]);
        return vec![Breach { file: file.to_owned(), line: 1, what, forbidden: &[] }];
    };
    let breach = |line, what, forbidden| Breach { file: file.to_owned(), line, what, forbidden };
    let mut found = Vec::new();
    for Mention { line, segments } in mentions(text) {
        if let Some(path) = from_crate_root(&segments, module.len())
            && !may_use(layer, path)
        {
            let below = if layer.uses.is_empty() { "nothing".to_owned() } else { layer.uses.join(", ") };
            found.push(breach(
                line,
                format!("{} may not use {}; it may use {below}", layer.name, path.join("::")),
                &[],
            ));
        }
        if layer.world == World::Closed
            && let Some((forbidden, why)) = FORBIDDEN.iter().find(|(path, _)| names(&segments, path))
        {
            found.push(breach(
                line,
                format!("{} may not name {}: {why}", layer.name, segments.join("::")),
                forbidden,
            ));
        }
    }
    found
}

/// The part of a path behind the crate's root, where it starts there.
fn from_crate_root(segments: &[String], depth: usize) -> Option<&[String]> {
    let supers = segments.iter().take_while(|segment| *segment == "super").count();
    let start = match segments.first().map(String::as_str) {
        Some("crate" | "vsara") => 1,
        Some("super") if supers >= depth => supers,
        _ => return None,
    };
    Some(&segments[start..]).filter(|path| !path.is_empty())
}

fn may_use(layer: &Layer, path: &[String]) -> bool {
    path[0] == layer.name
        || layer.uses.iter().any(|used| {
            let mut path = path.iter();
            used.split("::").all(|segment| path.next().is_some_and(|named| named == segment))
        })
}

/// Whether a path has `forbidden` in it. A single name that is also a good name for a value
/// (`now`) counts only behind another segment.
fn names(segments: &[String], forbidden: &[&str]) -> bool {
    let hit = segments.windows(forbidden.len()).any(|part| part == forbidden);
    hit && (forbidden != ["now"] || segments.len() > 1 && segments[segments.len() - 1] == "now")
}

/// Every source file: its path relative to the crate, and its text.
fn source_files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the sources are beside the manifest") {
            let path = entry.expect("the folder is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push((
                    relative(&path, root),
                    std::fs::read_to_string(&path).expect("sources are UTF-8"),
                ));
            }
        }
    }
    assert!(!files.is_empty(), "no sources under {}", root.display());
    files.sort();
    files
}

fn relative(path: &Path, root: &Path) -> String {
    let path: PathBuf = path.strip_prefix(root).unwrap_or(path).into();
    path.to_string_lossy().into_owned()
}
