//! Interleaved rounds: each work is run once in every round, so that what else the machine does
//! falls on all of them, and a ratio compares neighbours.

use rustix::time::{ClockId, clock_gettime};

/// Something that can be done any number of times.
pub(crate) trait Work {
    /// Makes what the next `run` needs; not measured.
    fn prepare(&mut self, _times: usize) {}
    /// Does it so often.
    fn run(&mut self, times: usize);
}

/// How thoroughly.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    rounds: usize,
    /// How long a work takes in one round.
    slice_s: f64,
    /// How many modules are weighed.
    pub(crate) fleet: usize,
}

impl Effort {
    pub(crate) const FULL: Self = Self { rounds: 101, slice_s: 0.03, fleet: 10_000 };
    pub(crate) const QUICK: Self = Self { rounds: 5, slice_s: 0.005, fleet: 200 };
}

/// A line of the table.
pub(crate) struct Row {
    name: &'static str,
    work: Box<dyn Work>,
    floors: Vec<Floor>,
}

/// An earlier row, and how often it is part of this one.
struct Floor {
    row: usize,
    parts: f64,
}

impl Row {
    pub(crate) fn new(name: &'static str, work: impl Work + 'static) -> Self {
        Self { name, work: Box::new(work), floors: Vec::new() }
    }

    /// Shows the rate also as a part of what `row`, done `parts` times, would leave.
    pub(crate) fn against(mut self, row: usize, parts: f64) -> Self {
        self.floors.push(Floor { row, parts });
        self
    }

    /// How often the work fits in a slice.
    fn fit(&mut self, slice_s: f64) -> usize {
        let mut times = 1;
        loop {
            let rate = self.rate(times);
            if times as f64 / rate >= slice_s / 4.0 {
                return ((rate * slice_s) as usize).max(1);
            }
            times *= 2;
        }
    }

    fn rate(&mut self, times: usize) -> f64 {
        self.work.prepare(times);
        let began = processor_time_s();
        self.work.run(times);
        times as f64 / (processor_time_s() - began)
    }
}

/// Measures the rows and prints the table.
pub(crate) fn measure<const N: usize>(mut rows: [Row; N], effort: Effort) {
    let times: Vec<_> = rows.iter_mut().map(|row| row.fit(effort.slice_s)).collect();
    let rounds: Vec<[f64; N]> =
        (0..effort.rounds).map(|_| std::array::from_fn(|row| rows[row].rate(times[row]))).collect();

    println!("Per second of one core's time; median (min-max) of {} interleaved rounds.\n", effort.rounds);
    println!("{:<46}{:>34}  as a ratio to", "what", "per second");
    for (index, row) in rows.iter().enumerate() {
        let rate = Spread::of(rounds.iter().map(|round| round[index]));
        let ratios = row.floors.iter().map(|Floor { row, parts }| {
            let ratio = Spread::of(rounds.iter().map(|round| round[index] * parts / round[*row]));
            format!("{} of {} [{parts}x]", ratio.with(2), rows[*row].name)
        });
        println!("{:<46}{:>34}  {}", row.name, rate.with(0), ratios.collect::<Vec<_>>().join("; "));
    }
}

struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        Self { min: values[0], median: values[values.len() / 2], max: values[values.len() - 1] }
    }

    fn with(&self, digits: usize) -> String {
        let Self { min, median, max } = self;
        format!("{median:.digits$} ({min:.digits$}-{max:.digits$})")
    }
}

/// Time this thread was on a processor: others on the machine add nothing to it.
fn processor_time_s() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
