//! Randomness of the operating system, for everything that must never repeat.

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use ring::rand::{SecureRandom, SystemRandom};

use crate::host::error::HostError;

/// Bytes nobody can foresee.
pub fn draw<const N: usize>() -> Result<[u8; N], HostError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| HostError::running("the operating system gives no random numbers"))?;
    Ok(bytes)
}

/// A generator nobody can foresee.
pub fn generator() -> Result<ChaCha12Rng, HostError> {
    Ok(ChaCha12Rng::from_seed(draw()?))
}
