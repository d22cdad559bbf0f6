//! The contact chain, the module's half: which nonces it holds.
//!
//! Before each exchange the module draws a nonce, stores it and sends it with all it holds; the
//! answer's nonce replaces all of them. The service lets in whoever shows the nonce it last
//! accepted or the one it last answered, so of two modules in different states one falls out.

use serde::{Deserialize, Serialize};

use crate::protocol::message::{ChainNonce, HELD_NONCES_MAX, Step};

/// The nonces held, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    held: Vec<ChainNonce>,
}

impl Chain {
    /// Whether the list has to be shortened before the next step.
    pub fn is_full(&self) -> bool {
        self.held.len() >= HELD_NONCES_MAX
    }

    /// All nonces held.
    pub fn held(&self) -> &[ChainNonce] {
        &self.held
    }

    /// Takes a fresh nonce for the next exchange. It must be stored before the step leaves.
    pub fn draw(&mut self, nonce: ChainNonce) -> Step {
        let step = Step { nonce, held: self.held.clone() };
        self.held.push(nonce);
        step
    }

    /// The answer to the last step: its nonce replaces all that was held.
    pub fn answered(&mut self, nonce: ChainNonce) {
        self.held.clear();
        self.held.push(nonce);
    }

    /// The service has said which of the nonces it holds; the others can never matter again.
    pub fn keep(&mut self, known: &[ChainNonce]) {
        self.held.retain(|nonce| known.contains(nonce));
    }
}
