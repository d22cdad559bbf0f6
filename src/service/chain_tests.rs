//! The model of the contact chain: one service, one original, copies made and let loose at any
//! step, a network that loses, repeats and delays, power cuts anywhere.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::*;
use crate::protocol::message::HELD_NONCES_MAX;

const NOON: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn nonce(n: u8) -> ChainNonce {
    ChainNonce([n; 8])
}

fn step(fresh: u8, held: &[u8]) -> Step {
    Step { nonce: nonce(fresh), held: held.iter().copied().map(nonce).collect() }
}

fn link(accepted: u8, answered: u8) -> Link {
    Link { accepted: nonce(accepted), answered: nonce(answered), at: NOON }
}

#[test]
fn only_the_last_accepted_step_is_continued() {
    let check = |links: &[Link], contact: Step, expected: Verdict| {
        let mut chain = Chain::default();
        links.iter().for_each(|link| chain.accept(*link));
        assert_eq!(chain.verdict(&contact), expected, "{links:?} {contact:?}");
    };
    let (old, last) = (link(1, 101), link(2, 102));
    check(&[], step(9, &[]), Verdict::First);
    check(&[], step(9, &[7, 8]), Verdict::First);
    check(&[last], step(9, &[102]), Verdict::Continues);
    check(&[last], step(9, &[101, 2]), Verdict::Continues);
    check(&[old, last], step(2, &[]), Verdict::Continues);
    check(&[last], step(9, &[]), Verdict::Clone { copy_of: None });
    check(&[old, last], step(9, &[101]), Verdict::Clone { copy_of: Some(NOON) });
    check(&[old, last], step(9, &[1]), Verdict::Clone { copy_of: Some(NOON) });
    check(&[link(0, 100), old, last], step(9, &[100, 0]), Verdict::Clone { copy_of: None });
}

#[test]
fn only_what_the_service_holds_is_named() {
    let mut chain = Chain::default();
    assert_eq!(chain.held_among(&[nonce(1)]), []);
    chain.accept(link(1, 101));
    chain.accept(link(2, 102));
    assert_eq!(
        chain.held_among(&[nonce(1), nonce(101), nonce(2), nonce(102), nonce(3)]),
        [nonce(2), nonce(102)]
    );
}

#[test]
fn no_original_is_refused_and_no_older_copy_accepted() {
    let (mut exchanges, mut refused) = (0, 0);
    for seed in 0..10_000 {
        let world = World::new(seed).run(300);
        exchanges += world.exchanges;
        refused += world.refused;
    }
    // The traces are worth something: copies were tried, and the originals got through.
    assert!(exchanges > 50_000 && refused > 50_000, "{exchanges} exchanges, {refused} copies refused");
}

/// A module's half: what its NVM holds, and what a power cut takes.
#[derive(Clone)]
struct Module {
    held: Vec<ChainNonce>,
    /// The session still open, and what waits for an answer in it.
    open: Option<(u32, Waiting)>,
    /// How many nonces the original had drawn when this NVM was its own.
    drawn: usize,
}

#[derive(Clone, PartialEq)]
enum Waiting {
    Nothing,
    Step(ChainNonce),
    Held,
}

#[derive(Clone)]
enum Datagram {
    Step(u32, Step),
    Held(u32, Vec<ChainNonce>),
    Answer(u32, ChainNonce, ChainNonce),
    HeldAnswer(u32, Vec<ChainNonce>),
}

struct World {
    rng: ChaCha8Rng,
    seed: u64,
    original: Module,
    copies: Vec<Module>,
    chain: Chain,
    network: Vec<Datagram>,
    /// Sessions are numbered as they stand; those below are closed.
    next_session: u32,
    oldest_open: u32,
    /// What the service already answered, by session and request: repeats are not judged anew.
    seen: Vec<(u32, ChainNonce)>,
    /// Nonces the original drew, in order, and how many of them the service has gone past.
    drawn: Vec<ChainNonce>,
    accepted_up_to: usize,
    lost_to_a_copy: bool,
    exchanges: u32,
    refused: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        World {
            rng: ChaCha8Rng::seed_from_u64(seed),
            seed,
            original: Module { held: Vec::new(), open: None, drawn: 0 },
            copies: Vec::new(),
            chain: Chain::default(),
            network: Vec::new(),
            next_session: 0,
            oldest_open: 0,
            seen: Vec::new(),
            drawn: Vec::new(),
            accepted_up_to: 0,
            lost_to_a_copy: false,
            exchanges: 0,
            refused: 0,
        }
    }

    fn draw(&mut self) -> ChainNonce {
        ChainNonce(self.rng.next_u64().to_be_bytes())
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.next_u32() % 100 < percent
    }

    fn below(&mut self, n: usize) -> usize {
        self.rng.next_u32() as usize % n
    }

    fn run(mut self, steps: u32) -> Self {
        let loss = self.rng.next_u32() % 95;
        for _ in 0..steps {
            match self.below(10) {
                0 => self.original.open = None, // Power cut or session given up.
                1 => self.copies.push(Module { open: None, ..self.original.clone() }),
                2 if !self.copies.is_empty() => self.let_a_copy_loose(),
                3..=5 => self.contact(),
                _ => self.deliver(loss),
            }
            if self.lost_to_a_copy {
                break;
            }
        }
        self
    }

    fn contact(&mut self) {
        if self.original.open.is_none() {
            self.original.open = Some((self.next_session, Waiting::Nothing));
            self.next_session += 1;
        }
        let Some((session, Waiting::Nothing)) = self.original.open else { return };
        if self.original.held.len() >= HELD_NONCES_MAX.min(4) {
            self.original.open = Some((session, Waiting::Held));
            self.network.push(Datagram::Held(session, self.original.held.clone()));
            return;
        }
        let fresh = self.draw();
        let held = self.original.held.clone();
        self.original.held.push(fresh);
        self.drawn.push(fresh);
        self.original.drawn = self.drawn.len();
        self.original.open = Some((session, Waiting::Step(fresh)));
        if !self.chance(10) {
            self.network.push(Datagram::Step(session, Step { nonce: fresh, held }));
        }
    }

    /// A copy contacts over a perfect network of its own.
    fn let_a_copy_loose(&mut self) {
        let index = self.below(self.copies.len());
        // In most traces copies wait until they can be told, so that the trace goes on.
        if !self.seed.is_multiple_of(4) && self.accepted_up_to <= self.copies[index].drawn {
            return;
        }
        let copy = self.copies.swap_remove(index);
        let contact = Step { nonce: self.draw(), held: copy.held };
        let accepted = !matches!(self.chain.verdict(&contact), Verdict::Clone { .. });
        let older = self.accepted_up_to > copy.drawn;
        assert!(!(accepted && older), "seed {}: an older copy was accepted", self.seed);
        // Nobody can tell a copy of the very same state from the original: it wins, if first.
        self.lost_to_a_copy = accepted;
        self.refused += u32::from(!accepted);
    }

    fn deliver(&mut self, loss: u32) {
        if self.network.is_empty() {
            return;
        }
        let index = self.below(self.network.len());
        let datagram =
            if self.chance(15) { self.network[index].clone() } else { self.network.swap_remove(index) };
        if self.chance(loss) {
            return;
        }
        match datagram {
            Datagram::Step(session, step) => self.serve(session, &step),
            Datagram::Held(session, sent) if session >= self.oldest_open => {
                self.oldest_open = session;
                self.network.push(Datagram::HeldAnswer(session, self.chain.held_among(&sent)));
            }
            Datagram::Answer(session, asked, nonce) => {
                if self.original.open == Some((session, Waiting::Step(asked))) {
                    self.original.held = vec![nonce];
                    self.original.open = Some((session, Waiting::Nothing));
                }
            }
            Datagram::HeldAnswer(session, held) => {
                if self.original.open == Some((session, Waiting::Held)) {
                    self.original.held = held;
                    self.original.open = Some((session, Waiting::Nothing));
                }
            }
            Datagram::Held(..) => {}
        }
    }

    fn serve(&mut self, session: u32, step: &Step) {
        if session < self.oldest_open || self.seen.contains(&(session, step.nonce)) {
            return;
        }
        let verdict = self.chain.verdict(step);
        assert!(!matches!(verdict, Verdict::Clone { .. }), "seed {}: the original was refused", self.seed);
        self.seen.push((session, step.nonce));
        self.oldest_open = session;
        self.exchanges += 1;
        let answered = self.draw();
        self.chain.accept(Link { accepted: step.nonce, answered, at: NOON });
        let position = self.drawn.iter().position(|drawn| *drawn == step.nonce);
        self.accepted_up_to = position.map_or(0, |index| index + 1);
        self.network.push(Datagram::Answer(session, step.nonce, answered));
    }
}
