//! The profiles that are embedded in the program, and their complete text.

use std::fmt::Write;

/// Name and file of each, in the order in which they are listed.
const FILES: &[(&str, &str)] = &[
    ("sara-r510s", include_str!("../../profiles/sara-r510s.toml")),
    ("sara-r500s", include_str!("../../profiles/sara-r500s.toml")),
    ("sara-r510m8s", include_str!("../../profiles/sara-r510m8s.toml")),
    ("sara-r510s-01b-01", include_str!("../../profiles/sara-r510s-01b-01.toml")),
    ("sara-r500s-01b-01", include_str!("../../profiles/sara-r500s-01b-01.toml")),
    ("sara-r510m8s-01b-01", include_str!("../../profiles/sara-r510m8s-01b-01.toml")),
    ("sara-r510s-00b", include_str!("../../profiles/sara-r510s-00b.toml")),
    ("sara-r500s-00b", include_str!("../../profiles/sara-r500s-00b.toml")),
    ("sara-r510m8s-00b", include_str!("../../profiles/sara-r510m8s-00b.toml")),
    ("sara-r422s", include_str!("../../profiles/sara-r422s.toml")),
    ("sara-r422m8s", include_str!("../../profiles/sara-r422m8s.toml")),
    ("sara-r410m-83b", include_str!("../../profiles/sara-r410m-83b.toml")),
    ("sara-r410m-73b", include_str!("../../profiles/sara-r410m-73b.toml")),
    ("sara-r410m-63b", include_str!("../../profiles/sara-r410m-63b.toml")),
    ("sara-r410m-02b", include_str!("../../profiles/sara-r410m-02b.toml")),
    ("sara-r410m-02b-03", include_str!("../../profiles/sara-r410m-02b-03.toml")),
    ("sara-r412m-03b", include_str!("../../profiles/sara-r412m-03b.toml")),
];

/// The profile in which every key is explained.
const EXPLAINED: &str = "sara-r510s";

/// Name of each built-in profile, and what it is in one line.
pub fn list() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().map(|(name, text)| (*name, text.lines().next().unwrap_or_default().trim_start_matches("# ")))
}

/// The complete TOML of a built-in profile, as `vsara profiles NAME` prints it: what it inherits
/// is written out, and each key stands under its explanation. It parses by itself.
pub fn text(name: &str) -> Option<String> {
    let own = source(name)?;
    let mut lines = Lines::default();
    lines.lay(own);
    let mut base = inherited(own);
    while let Some(text) = base {
        lines.lay(text);
        base = inherited(text);
    }
    lines.drop_security();
    Some(lines.render(own, &explanations()))
}

/// The file of a built-in profile, as it is.
pub(super) fn source(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// All names, for error messages.
pub(super) fn names() -> String {
    FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// The lines that set a key, with their comment, by table; what was laid first wins.
#[derive(Default)]
struct Lines<'t>(Vec<(&'t str, Vec<(&'t str, &'t str)>)>);

impl<'t> Lines<'t> {
    /// Adds what a file sets and no earlier one did.
    fn lay(&mut self, text: &'t str) {
        for line in split(text) {
            let Line::Key { table, key, line } = line else { continue };
            let index = self.0.iter().position(|(known, _)| *known == table).unwrap_or_else(|| {
                self.0.push((table, Vec::new()));
                self.0.len() - 1
            });
            let keys = &mut self.0[index].1;
            if key != "inherits" && !keys.iter().any(|(known, _)| *known == key) {
                keys.push((key, line));
            }
        }
    }

    /// Leaves out what a file has dropped with `security = "none"`.
    fn drop_security(&mut self) {
        if self
            .0
            .iter()
            .any(|(table, keys)| table.is_empty() && keys.iter().any(|(key, _)| *key == "security"))
        {
            self.0.retain(|(table, _)| !table.is_empty() && !table.starts_with("security"));
        }
    }

    /// One file of it all: the comment at the top of `own`, then the tables in the order of the
    /// explanations.
    fn render(&self, own: &str, explanations: &[(&str, Vec<(&str, String)>)]) -> String {
        let mut out: String =
            own.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
        let exact = |table: &str| explanations.iter().position(|(known, _)| *known == table);
        // A RAT that the explained profile does not have follows the last one that it has.
        let last_rat = explanations.iter().rposition(|(known, _)| known.starts_with("network."));
        let place = |table: &str| exact(table).or(last_rat.filter(|_| table.starts_with("network.")));
        let mut tables: Vec<_> = self.0.iter().filter(|(_, keys)| !keys.is_empty()).collect();
        tables.sort_by_key(|(table, _)| (place(table), exact(table).is_none()));
        for (table, keys) in tables {
            let explained = place(table).map_or(&[][..], |index| &explanations[index].1);
            let comment = |key| explained.iter().find(|(known, _)| *known == key);
            let _ = write!(out, "\n{}[{table}]\n", comment("").map_or("", |(_, text)| text));
            let mut keys = keys.clone();
            keys.sort_by_key(|(key, _)| explained.iter().position(|(known, _)| known == key));
            for (key, line) in keys {
                let _ = writeln!(out, "{}{line}", comment(key).map_or("", |(_, text)| text));
            }
        }
        out
    }
}

/// The comments above each table (key `""`) and each key of the explained profile, by table.
fn explanations() -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let mut tables = Vec::new();
    let mut comment = String::new();
    for line in split(source(EXPLAINED).unwrap_or_default()) {
        match line {
            Line::Table(table) => tables.push((table, vec![("", std::mem::take(&mut comment))])),
            Line::Key { key, .. } => {
                let explanation = std::mem::take(&mut comment);
                if let Some((_, keys)) = tables.last_mut() {
                    keys.push((key, explanation));
                }
            }
            Line::Comment(text) => {
                comment.push_str(text);
                comment.push('\n');
            }
            Line::Blank => comment.clear(),
        }
    }
    tables
}

/// The text of the profile that `text` inherits from.
fn inherited(text: &str) -> Option<&'static str> {
    let name = text.lines().find_map(|line| line.strip_prefix("inherits = \""))?;
    source(name.split('"').next()?)
}

/// A line of a built-in file. Built-in files set a key on one line.
enum Line<'t> {
    Table(&'t str),
    Key { table: &'t str, key: &'t str, line: &'t str },
    Comment(&'t str),
    Blank,
}

fn split(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut table = "";
    text.lines().map(move |line| match line.as_bytes().first() {
        None => Line::Blank,
        Some(b'#') => Line::Comment(line),
        Some(b'[') => {
            table = line.trim_matches(['[', ']']);
            Line::Table(table)
        }
        Some(_) => Line::Key { table, key: line.split(" = ").next().unwrap_or(line), line },
    })
}
