//! [`Suggested`]: values a shell completes, of an argument that takes others too.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};

/// A parser with suggestions. They say nothing about what it accepts.
#[derive(Clone)]
pub(super) struct Suggested<P> {
    parser: P,
    values: Vec<&'static str>,
}

impl<P> Suggested<P> {
    pub(super) fn new(values: impl IntoIterator<Item = &'static str>, parser: P) -> Self {
        Self { parser, values: values.into_iter().collect() }
    }
}

impl<P: TypedValueParser> TypedValueParser for Suggested<P> {
    type Value = P::Value;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Self::Value, Error> {
        self.parser.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.values.iter().copied().map(PossibleValue::new)))
    }
}
