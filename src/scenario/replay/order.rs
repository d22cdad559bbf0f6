//! [`Order`]: which exchange answers a command, where it is written more than once or comes at another
//! time.
//!
//! 1. The next one, or one behind it where nothing in between changes the state of the module.
//! 2. One that was left out before, unless a later one has been answered.
//! 3. The one that was answered last, again.
//! 4. One from far behind: where it was never answered, or is asked again and again.

/// How often a command is answered as before until the file goes on to the next answer to it: a host
/// program that polls would wait for ever.
const AGAIN_MAX: u32 = 3;

/// Where a replay is in its file.
#[derive(Debug)]
pub(super) struct Order {
    /// When each exchange was answered first, counted from 1; 0: it was not.
    answered: Vec<usize>,
    count: usize,
    /// Behind the last one that was answered in order.
    position: usize,
    /// The last one that was answered.
    last: Option<usize>,
    /// How often which one was answered again since something new was.
    again: Vec<(usize, u32)>,
}

/// An exchange, and how it was come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) exchange: usize,
    pub(super) why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It is the next.
    Next,
    /// Another order, in the same state.
    OutOfOrder,
    /// It had been left out before.
    LeftOut,
    /// It was answered before.
    Again,
    /// It was asked often enough to go on, over others.
    MovedOn,
    /// It was never asked before, and its time has not come.
    Early,
}

impl Order {
    pub(super) fn new(exchanges: usize) -> Self {
        Self { answered: vec![0; exchanges], count: 0, position: 0, last: None, again: Vec::new() }
    }

    /// The exchange that answers, of those that `fits` says; `changes` are those that change the state.
    pub(super) fn choose(
        &mut self,
        fits: impl Fn(usize) -> bool,
        changes: impl Fn(usize) -> bool,
    ) -> Option<Choice> {
        let choice = self.find(fits, changes)?;
        self.take(choice);
        Some(choice)
    }

    /// Which were never answered.
    pub(super) fn left(&self) -> impl Iterator<Item = usize> {
        self.answered.iter().enumerate().filter(|(_, at)| **at == 0).map(|(exchange, _)| exchange)
    }

    fn find(&self, fits: impl Fn(usize) -> bool, changes: impl Fn(usize) -> bool) -> Option<Choice> {
        let is_left = |exchange: &usize| self.answered[*exchange] == 0;
        let all = 0..self.answered.len();
        let ahead = (self.position..all.end).filter(is_left).find(|exchange| fits(*exchange));
        let follows = self.last.map(|last| last + 1).filter(|next| ahead == Some(*next));
        if let Some(exchange) = follows {
            return Some(Choice { exchange, why: Why::Next });
        }
        if let Some(exchange) = ahead {
            let mut between = (self.position..exchange).filter(is_left).peekable();
            if between.peek().is_none() {
                return Some(Choice { exchange, why: Why::Next });
            }
            if !between.any(changes) {
                return Some(Choice { exchange, why: Why::OutOfOrder });
            }
        }
        let latest = all.clone().rev().find(|exchange| !is_left(exchange) && fits(*exchange));
        let from = latest.map_or(0, |latest| latest + 1);
        let left_out = (from..self.position).filter(is_left).find(|exchange| fits(*exchange));
        if let Some(exchange) = left_out {
            return Some(Choice { exchange, why: Why::LeftOut });
        }
        let before = all.filter(|exchange| !is_left(exchange) && fits(*exchange));
        match (before.max_by_key(|exchange| self.answered[*exchange]), ahead) {
            (Some(exchange), Some(ahead)) if self.times_again(exchange) >= AGAIN_MAX => {
                Some(Choice { exchange: ahead, why: Why::MovedOn })
            }
            (Some(exchange), _) => Some(Choice { exchange, why: Why::Again }),
            (None, Some(exchange)) => Some(Choice { exchange, why: Why::Early }),
            (None, None) => None,
        }
    }

    fn take(&mut self, Choice { exchange, why }: Choice) {
        if why == Why::Again {
            match self.again.iter_mut().find(|(known, _)| *known == exchange) {
                Some((_, times)) => *times += 1,
                None => self.again.push((exchange, 1)),
            }
            return;
        }
        self.again.clear();
        self.count += 1;
        self.answered[exchange] = self.count;
        self.last = Some(exchange);
        if matches!(why, Why::Next | Why::OutOfOrder | Why::MovedOn) {
            self.position = self.position.max(exchange + 1);
        }
    }

    fn times_again(&self, exchange: usize) -> u32 {
        self.again.iter().find(|(known, _)| *known == exchange).map_or(0, |(_, times)| *times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays one-letter commands to a file of them; capitals change the state.
    fn check(file: &str, asked: &str, expected: &[(usize, Why)]) {
        let file = file.as_bytes();
        let mut order = Order::new(file.len());
        let chosen: Vec<_> = asked
            .bytes()
            .map(|letter| {
                let choice = order.choose(|it| file[it] == letter, |it| file[it].is_ascii_uppercase());
                choice.map(|choice| (choice.exchange, choice.why)).expect("it is in the file")
            })
            .collect();
        assert_eq!(chosen, expected, "{asked}");
    }

    #[test]
    fn what_comes_in_order_is_the_next() {
        check("aBa", "aBa", &[(0, Why::Next), (1, Why::Next), (2, Why::Next)]);
    }

    #[test]
    fn questions_change_places_where_nothing_changes() {
        check("abC", "baC", &[(1, Why::OutOfOrder), (0, Why::LeftOut), (2, Why::Next)]);
    }

    #[test]
    fn a_question_has_its_latest_answer_until_the_state_has_changed() {
        check("aBa", "aaBa", &[(0, Why::Next), (0, Why::Again), (1, Why::Next), (2, Why::Next)]);
    }

    #[test]
    fn a_host_program_that_asks_again_and_again_comes_to_the_next_answer() {
        let again = (0, Why::Again);
        check("aBa", "aaaaa", &[(0, Why::Next), again, again, again, (2, Why::MovedOn)]);
        check(
            "aBa",
            "aaaaaaB",
            &[(0, Why::Next), again, again, again, (2, Why::MovedOn), (2, Why::Again), (1, Why::LeftOut)],
        );
    }

    #[test]
    fn what_was_left_out_never_brings_an_old_answer_back() {
        check("aaBa", "aBaa", &[(0, Why::Next), (2, Why::OutOfOrder), (3, Why::Next), (3, Why::Again)]);
    }

    #[test]
    fn one_command_that_is_never_sent_does_not_make_the_rest_a_guess() {
        check("ABCD", "BCD", &[(1, Why::Early), (2, Why::Next), (3, Why::Next)]);
        check("ABCD", "BCDA", &[(1, Why::Early), (2, Why::Next), (3, Why::Next), (0, Why::LeftOut)]);
    }

    #[test]
    fn a_command_from_far_behind_takes_nothing_away() {
        check("ABa", "aAB", &[(2, Why::Early), (0, Why::Next), (1, Why::Next)]);
    }
}
