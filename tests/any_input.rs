//! The modem as a whole: whatever happens to it, in any order, it neither panics nor hangs.

use std::num::NonZeroU32;
use std::sync::Arc;

use proptest::prelude::*;
use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use vsara::modem::{Dte, Input, Modem, Output, PortId};
use vsara::module::network::OPERATORS;
use vsara::module::power::Power;
use vsara::module::{self, Flow, IpVersion, ModuleOptions, Timing, factory};
use vsara::profile::Profile;
use vsara::protocol::keys::{MasterKey, RotUid};
use vsara::time::{Now, Timestamp};

const ROT: RotUid = RotUid([0x0a, 0x04, 0xf0, 0x08, 0x00, 0x3c, 0x96, 0x23]);
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

#[derive(Clone, Debug)]
enum Step {
    PowerOn,
    PowerOff,
    PowerCut,
    Reset,
    Serial(usize, Vec<u8>),
    /// A port's rate, DTR and RTS.
    Line(usize, u32, bool, bool),
    Datagram(u32, Vec<u8>),
    /// The module's own datagram, thrown back at it.
    Mirror,
    Unresolved(u32),
    Coverage(bool),
    /// Which of the networks there are.
    Networks(usize, usize),
    ContextLost(u8),
    Clock(i64),
    /// The steady and the system clock move on, by different amounts.
    Wait(i64, i64),
    NextDeadline,
}

fn command() -> impl Strategy<Value = Vec<u8>> {
    let names = prop::sample::select(vec![
        "+USECDEVINFO?",
        "+USECDEVINFO=\"AgbCtixjwqLjwV3VWpfPyz\",\"1\"",
        "+USECCONN",
        "+USECROTUID",
        "+USECPRF=0,2,100,\"c0\",\"2b\",0",
        "+USECPRF=0,8,\"k\"",
        "+USECPRF=0,13,2",
        "+USECPRF=0",
        "+USECMNG=0,0,\"a\",5",
        "+USECMNG=3",
        "+USECMNG=2,0,\"a\"",
        "+USECPSK=32",
        "+USECE2EDATAENC=5",
        "+USECE2EDATADEC=40",
        "+USECDATAENC=0",
        "+USECDATADEC=28",
        "+USECOPCMD=\"e2e_enc\",1",
        "+CFUN=0",
        "+CFUN=1",
        "+CFUN=4",
        "+CFUN=15",
        "+CFUN=16",
        "+CPWROFF",
        "+COPS=2",
        "+COPS=0",
        "+CGATT=0",
        "+CGATT=1",
        "+CGACT=0,1",
        "+CGACT=1,1",
        "+CGDCONT=1,\"IP\",\"a\"",
        "+CGDCONT?",
        "+CREG=2",
        "+CEREG=4",
        "+CMEE=2",
        "+CCLK=\"00/01/01,00:00:00-96\"",
        "+CCLK=\"99/12/31,23:59:59+96\"",
        "+CCLK?",
        "+CTZU=0",
        "+CTZU=1",
        "&W",
        "Z",
        "&F",
        "E0",
        "V0",
        "Q1",
        "S3=10",
        "S5?",
        "+URAT=8",
        "+CFUN=10",
        "+CFUN=126",
        "+COPS=?",
        "+COPS=1,2,\"00103\"",
        "+UPSDA=0,3",
        "+CEDRXS=2,4",
        "+CPSMS=1,,,\"00100001\",\"00000001\"",
        "+UPSMR=1",
        "+UMNOPROF=100",
        "+CSGT=1,\"hello\"",
        "+UFACTORY=0,2",
        "+CLCK=\"SC\",1,\"1234\"",
        "+CPIN=1234",
        "+CPIN=0000",
        "+CPIN=\"12345678\",\"1234\"",
        "+CRSM=214,28539,0,0,3,\"00F110\"",
        "+CGEREP=2",
        "+CMER=1,0,0,2",
        "+IPR=0",
        "+IPR=9600",
        "+IPR?",
        "&C0&S0",
        "&K0",
        "&K4",
        "&K6",
        "+CLAC",
        "I9",
        "&V",
        "+NONE",
    ]);
    prop::collection::vec(names, 1..4).prop_map(|parts| {
        let parts: Vec<_> = parts.iter().map(|part| part.to_string()).collect();
        format!("AT{}\r", parts.join(";")).into_bytes()
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::PowerOn),
        1 => Just(Step::PowerOff),
        1 => Just(Step::PowerCut),
        1 => Just(Step::Reset),
        6 => (0..4_usize, command()).prop_map(|(port, line)| Step::Serial(port, line)),
        3 => (0..4_usize, prop::collection::vec(any::<u8>(), 0..80)).prop_map(|(port, bytes)| Step::Serial(port, bytes)),
        2 => (0..4_usize, prop_oneof![Just(0), Just(9600), Just(115_200), any::<u32>()], any::<bool>(), any::<bool>())
            .prop_map(|(port, rate, dtr, rts)| Step::Line(port, rate, dtr, rts)),
        2 => (0..6_u32, prop::collection::vec(any::<u8>(), 0..80)).prop_map(|(flow, bytes)| Step::Datagram(flow, bytes)),
        1 => Just(Step::Mirror),
        1 => (0..6_u32).prop_map(Step::Unresolved),
        2 => any::<bool>().prop_map(Step::Coverage),
        1 => (0..=3_usize, 0..=3_usize).prop_map(|(from, to)| Step::Networks(from.min(to), from.max(to))),
        1 => (0..3_u8).prop_map(Step::ContextLost),
        // All that RFC 3339 can say.
        1 => (-62_167_219_200_000..=253_402_207_199_999_i64).prop_map(Step::Clock),
        3 => (0..100_000_i64, 0..10_000_000_i64).prop_map(|(steady, system)| Step::Wait(steady, system)),
        3 => Just(Step::NextDeadline),
    ]
}

struct Bench {
    modem: Modem,
    now: Now,
    sent: Option<(Flow, Vec<u8>)>,
}

impl Bench {
    fn new(profile: &str, timing: Timing, resolves: bool) -> Self {
        let profile = Arc::new(Profile::built_in(profile).expect("a built-in profile"));
        let now = Now::both(START);
        let mut entropy = ChaCha12Rng::seed_from_u64(1);
        let nvm = factory::new_module(&profile, ROT, &MasterKey::development(), &mut entropy);
        let options = ModuleOptions {
            timing,
            ip: IpVersion::V4,
            service_resolves: resolves,
            seed: 1,
            entropy,
            session_seed: Some(1),
        };
        Self { modem: Modem::new(profile, nvm, options, 3, now), now, sent: None }
    }

    fn apply(&mut self, step: &Step) {
        let now = self.now;
        match step {
            Step::PowerOn => self.modem.handle_input(Input::PowerOn, now),
            Step::PowerOff => self.modem.handle_input(Input::PowerOff, now),
            Step::PowerCut => self.modem.handle_input(Input::PowerCut, now),
            Step::Reset => self.modem.handle_input(Input::Reset, now),
            Step::Serial(port, bytes) => {
                self.modem.handle_input(Input::Serial { port: PortId(*port), bytes }, now);
            }
            Step::Line(port, rate, dtr, rts) => {
                let dte = Dte { rate_bps: NonZeroU32::new(*rate), dtr: *dtr, rts: *rts };
                self.modem.handle_input(Input::Line { port: PortId(*port), dte }, now);
            }
            Step::Datagram(flow, bytes) => {
                self.modem.handle_input(Input::Datagram { flow: Flow(*flow), bytes }, now);
            }
            Step::Mirror => {
                if let Some((flow, bytes)) = self.sent.take() {
                    self.modem.handle_input(Input::Datagram { flow, bytes: &bytes }, now);
                }
            }
            Step::Unresolved(flow) => self.modem.handle_input(Input::Unresolved { flow: Flow(*flow) }, now),
            Step::Coverage(coverage) => self.modem.handle_input(Input::Coverage(*coverage), now),
            Step::Networks(from, to) => {
                self.modem.handle_input(Input::Networks(&OPERATORS.each_ref()[*from..*to]), now);
            }
            Step::ContextLost(cid) => self.modem.handle_input(Input::ContextLost(*cid), now),
            Step::Clock(millis) => {
                self.modem.handle_input(Input::SetClock(Timestamp::from_millis(*millis)), now);
            }
            Step::Wait(steady, system) => {
                self.now = Now {
                    steady: now.steady.offset_millis(*steady),
                    system: now.system.offset_millis(*system),
                };
                self.modem.handle_timeout(self.now);
            }
            Step::NextDeadline => {
                let next = self.modem.next_timeout();
                self.now.steady = next.steady.map_or(now.steady, |at| at.max(now.steady));
                self.now.system = next.system.map_or(now.system, |at| at.max(now.system));
                self.modem.handle_timeout(self.now);
            }
        }
    }

    /// Drains what there is to do; returns how many serial bytes there were.
    fn drain(&mut self) -> usize {
        let mut said = 0;
        while let Some(output) = self.modem.poll_output() {
            match output {
                Output::Serial { port, bytes } => {
                    assert!(port.0 < 3 && !bytes.is_empty());
                    said += bytes.len();
                }
                Output::Module(module::Output::Datagram { flow, bytes }) => self.sent = Some((flow, bytes)),
                Output::Line { .. } | Output::Module(_) => {}
            }
        }
        said
    }

    /// Handling what is due brings the modem to rest.
    fn rests(&mut self) -> bool {
        for _ in 0..20 {
            if !self.modem.next_timeout().is_due(self.now) {
                return true;
            }
            self.modem.handle_timeout(self.now);
            self.drain();
        }
        false
    }
}

fn profile() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "sara-r510s",
        "sara-r510s-00b",
        "sara-r410m-83b",
        "sara-r410m-02b-03",
        "sara-r412m-03b",
        "sara-r422m8s",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if std::env::var_os("VSARA_LONG").is_some() { 50_000 } else { 400 }, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_modem_goes_on(
        profile in profile(),
        module_timing in any::<bool>(),
        resolves in any::<bool>(),
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let timing = if module_timing { Timing::Module } else { Timing::Fast };
        let mut bench = Bench::new(profile, timing, resolves);
        for step in &steps {
            bench.apply(step);
            let said = bench.drain();
            // Three ports with full queues of short commands, each answered by a few lines.
            prop_assert!(said < 3 * 60_000, "{said} bytes at {step:?}");
            prop_assert!(bench.rests(), "it never rests after {step:?}");
            if bench.modem.module().power() == Power::Off {
                prop_assert_eq!(bench.modem.next_timeout().system, None);
            }
        }
        // A power cycle always makes it answer again, before it may sleep.
        bench.apply(&Step::PowerCut);
        bench.apply(&Step::PowerOn);
        let answers = (0..8).any(|_| {
            bench.drain();
            let on = bench.modem.module().power() == Power::On;
            bench.apply(&Step::NextDeadline);
            on
        });
        prop_assert!(answers, "{:?}", bench.modem.module().power());
    }
}
