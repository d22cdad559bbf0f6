//! An owner of an interpreter with a handful of commands, for tests and the fuzz target.

use vsara::at::{
    Args, CmeError, DataPhase, Event, Failure, Form, Interpreter, Limits, Request, Response, Settings,
};

/// An interpreter and what left it so far.
pub(crate) struct Owner {
    pub(crate) interpreter: Interpreter,
    /// Each item was one write.
    pub(crate) writes: Vec<Vec<u8>>,
    /// What came in data phases.
    pub(crate) data: Vec<Vec<u8>>,
    pub(crate) requests: Vec<Request>,
    /// Whether a data phase was ever opened.
    pub(crate) prompted: bool,
}

impl Owner {
    pub(crate) fn new(limits: Limits) -> Self {
        let interpreter = Interpreter::new(limits, Settings::factory(2));
        Self { interpreter, writes: Vec::new(), data: Vec::new(), requests: Vec::new(), prompted: false }
    }

    /// Hands over what the DTE sent, executes what there is to execute, collects what leaves.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.interpreter.handle_bytes(bytes);
        self.execute();
    }

    /// Executes what there is to execute and collects what leaves.
    pub(crate) fn execute(&mut self) {
        while let Some(event) = self.interpreter.poll_event() {
            match event {
                Event::Request(request) => {
                    self.requests.push(request.clone());
                    self.request(request);
                }
                Event::Data(data) => {
                    let length = data.len();
                    self.data.push(data);
                    self.interpreter.answer(Response::line(format!("+DATA: {length}")));
                }
                Event::DataAborted => self.interpreter.answer(Response::ok()),
                Event::Abort => self.interpreter.answer(Response::aborted()),
            }
        }
        self.writes.extend(std::iter::from_fn(|| self.interpreter.poll_output()));
    }

    fn request(&mut self, request: Request) {
        match (request.name.as_str(), request.form) {
            ("+WAIT", Form::Action) => {}
            ("+SCAN", Form::Action) => self.interpreter.set_abortable(true),
            ("+SEND", Form::Set(mut args)) => match args.number(0..=64) {
                Ok(length) => self.prompt(b"@", DataPhase::Exactly(length)),
                Err(error) => self.interpreter.answer(Response::failed(error)),
            },
            ("+TEXT", Form::Action) => self.prompt(b"> ", DataPhase::UntilCtrlZ { max: 16 }),
            (name, form) => {
                let answer = self.answer_at_once(name, form);
                self.interpreter.answer(answer.unwrap_or_else(Response::failed));
            }
        }
    }

    fn prompt(&mut self, prompt: &[u8], phase: DataPhase) {
        self.prompted = true;
        self.interpreter.prompt(prompt, phase);
    }

    fn answer_at_once(&mut self, name: &str, form: Form) -> Result<Response, Failure> {
        let settings = self.interpreter.settings_mut();
        match (name, form) {
            ("I", Form::Action) => return Ok(Response::line("vsara")),
            ("+LIST", Form::Action) => return Ok(Response::lines(["+LIST: 1", "+LIST: 2"])),
            ("E", Form::Set(args)) => settings.echo = flag(args)?,
            ("Q", Form::Set(args)) => settings.quiet = flag(args)?,
            ("V", Form::Set(args)) => settings.verbose = flag(args)?,
            ("+CMEE", Form::Set(mut args)) => settings.cmee = args.number(0..=2)?,
            ("S", Form::Set(mut args)) => {
                let register = args.number(0..=255)?;
                if args.is_empty() {
                    let value = settings.register(register).ok_or(CmeError::OPERATION_NOT_SUPPORTED)?;
                    return Ok(Response::line(format!("{value:03}")));
                }
                settings.set_register(register, args.number(0..=255)?)?;
            }
            _ => return Err(Failure::Cme(CmeError::UNKNOWN)),
        }
        Ok(Response::ok())
    }
}

fn flag(mut args: Args) -> Result<bool, CmeError> {
    let on = args.number(0..=1)? == 1;
    args.finish()?;
    Ok(on)
}
