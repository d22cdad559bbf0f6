//! The security service core.

pub mod chain;
pub mod device;
pub mod device_profile;
pub mod event;
pub mod key_sets;
pub mod memory_store;
pub mod plan;
pub mod store;
