//! What a host program feels: AT→OK over a real pseudo-terminal, against a responder that does
//! nothing else; what chip-to-chip security costs of that; start-up, memory and processor time at rest.
//!
//! `cargo bench --bench round_trip` takes about half a minute; `-- --quick` a few seconds; `-- --pin`
//! puts everybody on one processor, without the noise of waking another.
#![allow(missing_docs, reason = "a program of its own")]
#![allow(clippy::print_stdout, reason = "it prints a table")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]

mod chip;
mod line;
mod process;
mod responder;

use std::sync::Arc;
use std::time::Duration;

use line::Line;
use process::Program;
use vsara::commands::Vocabulary;
use vsara::profile::Profile;

const PROFILE: &str = "sara-r510s";

/// How thoroughly.
struct Effort {
    batches: usize,
    batch: usize,
    starts: usize,
    rest: Duration,
}

fn main() {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    if given(responder::ARGUMENT) {
        return responder::run();
    }
    if given("--pin") {
        process::pin_to_one_processor();
    }
    let effort = if given("--quick") || given("--test") {
        Effort { batches: 5, batch: 50, starts: 3, rest: Duration::from_millis(500) }
    } else {
        Effort { batches: 100, batch: 200, starts: 21, rest: Duration::from_secs(5) }
    };
    let place = tempfile::tempdir().expect("a temporary directory");
    let mut program = Program::start(place.path());
    program.wait_until_bootstrapped();
    program.line.exchange(b"ATE0\r");
    program.line.exchange(b"AT&W\r");
    round_trips(&mut program.line, &effort);
    at_rest(&program, effort.rest);
    program.stop();
    start_up(place.path(), effort.starts);
    chip::throughput(&effort);
}

/// Batches of the responder and of each command in turn.
fn round_trips(line: &mut Line, effort: &Effort) {
    let vocabulary = Vocabulary::of(&Arc::new(Profile::built_in(PROFILE).expect("a built-in profile")));
    let command = |name: Option<&str>| format!("AT{}", name.expect("a profile has commands"));
    let commands = [
        ("nothing", "AT".to_owned()),
        ("first of the table", command(vocabulary.names().next())),
        ("last of the table", command(vocabulary.names().last())),
        ("unknown", "AT+NOSUCH".to_owned()),
    ];
    let (mut floor, _responder) = responder::start();
    let mut floor_times = Vec::new();
    let mut times = vec![Vec::new(); commands.len()];
    for batch in 0..=effort.batches {
        for (at, (_, command)) in commands.iter().enumerate() {
            let command = format!("{command}\r");
            let of_floor: Vec<_> = (0..effort.batch).map(|_| floor.exchange(b"AT\r")).collect();
            let of_module: Vec<_> = (0..effort.batch).map(|_| line.exchange(command.as_bytes())).collect();
            // The first batch warms up.
            if batch > 0 {
                floor_times.extend(of_floor);
                times[at].extend(of_module);
            }
        }
    }
    let floor = Quantiles::of(floor_times);
    println!("Round trip on a pseudo-terminal, echo off, in microseconds.\n");
    println!("{:<34}{:>9}{:>9}   ratio of medians   ratio of p99", "", "median", "p99");
    println!("{:<34}{:>9.1}{:>9.1}", "a responder that says OK", floor.median, floor.p99);
    for ((what, command), times) in commands.iter().zip(times) {
        let Quantiles { median, p99 } = Quantiles::of(times);
        let name = format!("{command} ({what})");
        let ratios = (median / floor.median, p99 / floor.p99);
        println!("{name:<34}{median:>9.1}{p99:>9.1}{:>19.2}{:>15.2}", ratios.0, ratios.1);
    }
}

struct Quantiles {
    median: f64,
    p99: f64,
}

impl Quantiles {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let at = |part: f64| times[(times.len() as f64 * part) as usize].as_secs_f64() * 1e6;
        Self { median: at(0.5), p99: at(0.99) }
    }
}

fn at_rest(program: &Program, rest: Duration) {
    let before = program.processor_time_s();
    std::thread::sleep(rest);
    let part = (program.processor_time_s() - before) / rest.as_secs_f64();
    println!("\nat rest: {} KiB resident, {:.2} % of a processor", program.resident_kib(), part * 100.0);
}

fn start_up(state: &std::path::Path, starts: usize) {
    let mut times: Vec<_> = (0..starts)
        .map(|_| {
            let program = Program::start(state);
            let took = program.first_ok;
            program.stop();
            took.as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let (min, median, max) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    println!("start to first OK, existing state: {median:.1} ms ({min:.1}-{max:.1}, {starts} starts)");
}
