//! What a host program gets to hear, and what is said of it.

use proptest::prelude::*;

use super::*;
use crate::scenario::script::Script;

const START: Timestamp = Timestamp::from_millis(0);

struct Stand {
    replay: Replay,
    now: Timestamp,
}

impl Stand {
    fn new(text: &str) -> Self {
        let script = Script::parse(&format!("modem dut sara-r510s\n{text}"), "x.at").expect("a scenario");
        let mut replay = Replay::new(&script).expect("it can be replayed");
        replay.opened(START);
        Self { replay, now: START }
    }

    fn send(&mut self, text: &str) -> String {
        self.replay.hear(text.as_bytes(), self.now);
        String::from_utf8(self.replay.poll(self.now)).expect("text")
    }

    /// Sends a command line, and gives the lines that come at once, without the echo.
    fn ask(&mut self, text: &str) -> Vec<String> {
        let said = self.send(&format!("{text}\r"));
        let lines = said.split(['\r', '\n']);
        lines.filter(|line| !line.is_empty() && *line != text).map(str::to_owned).collect()
    }

    fn wait(&mut self, millis: i64) -> String {
        self.now = self.now.offset_millis(millis);
        String::from_utf8(self.replay.poll(self.now)).expect("text")
    }

    fn account(&self) -> String {
        self.replay.account().to_string()
    }
}

#[test]
fn a_session_is_answered_as_it_is_written() {
    let mut stand =
        Stand::new("> ATI\n< SARA-R510S-01B-00\n< OK\n> ATE0\n< OK\n> AT+CSQ\n< +CSQ: 20,99\n< OK\n");
    assert_eq!(stand.send("ATI\r"), "ATI\r\r\nSARA-R510S-01B-00\r\n\r\nOK\r\n");
    assert_eq!(stand.send("ATE0\r"), "ATE0\r\r\nOK\r\n");
    assert_eq!(stand.send("AT+CSQ\r\n"), "\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
    assert_eq!(
        stand.account(),
        "3 answered (0 out of order, 0 repeated), 0 unknown, 0 guessed, 0 never asked"
    );
}

#[test]
fn spaces_case_and_pieces_do_not_matter() {
    let mut stand = Stand::new("> AT+CGDCONT=1,\"IP\",\"apn\"\n< OK\n> AT\n< OK\n");
    assert_eq!(stand.send("at+cg"), "at+cg");
    assert_eq!(stand.send("dcont = 1, \"IP\",\"apn\" \r"), "dcont = 1, \"IP\",\"apn\" \r\r\nOK\r\n");
    assert_eq!(stand.ask("AX\u{8}T"), ["OK"]);
    assert_eq!(stand.replay.account().guessed, 0);
}

#[test]
fn what_is_in_no_line_is_an_error_and_is_said() {
    let mut stand = Stand::new("> AT\n< OK\n");
    assert_eq!(stand.ask("AT+NOSUCH?"), ["ERROR"]);
    assert_eq!(stand.ask("AT+NOSUCH?"), ["ERROR"]);
    assert!(stand.ask("noise").is_empty());
    assert!(stand.ask("").is_empty());
    let lines = stand.replay.account().lines("x.at");
    assert_eq!(
        lines,
        [
            "x.at: AT+NOSUCH? is in no line; the answer was ERROR (2 times)",
            "x.at:2: never asked: > AT",
            "0 answered (0 out of order, 0 repeated), 2 unknown, 0 guessed, 1 never asked",
        ]
    );
}

#[test]
fn other_values_are_answered_as_those_that_are_written_and_said() {
    let mut stand = Stand::new("> AT+CCLK=\"26/01/01,00:00:00+00\"\n< OK\n");
    assert_eq!(stand.ask("AT+CCLK=\"26/02/02,11:11:11+04\""), ["OK"]);
    assert_eq!(stand.ask("AT+CCLK?"), ["ERROR"]);
    let account = stand.replay.account();
    assert_eq!((account.guessed, account.unknown), (1, 1));
    assert_eq!(account.remarks[0].line, Some(2));
}

#[test]
fn what_is_open_in_the_file_is_filled_and_said() {
    let mut stand = Stand::new("> AT+CGSN\n< {imei}\n< OK\n> AT+X=${imei}\n< +X: *,${imei}\n< OK\n");
    assert_eq!(stand.ask("AT+CGSN"), ["004999010640000", "OK"]);
    assert_eq!(stand.ask("AT+X=004999010640000"), ["+X: 1,004999010640000", "OK"]);
    let lines: Vec<_> = stand.replay.account().remarks.iter().map(|remark| remark.line).collect();
    assert_eq!(lines, [Some(3), Some(6)]);
}

#[test]
fn what_comes_unasked_comes_after_its_waits() {
    let mut stand =
        Stand::new("<< +UUBOOT\n> AT+COPS=0\n< OK\nwait 30s\n<< +CEREG: 5\n<< +CGEV: ME\n> AT\n< OK\n");
    assert_eq!(stand.replay.wakeup(), Some(START.offset_millis(UNASKED_MS)));
    assert_eq!(stand.wait(UNASKED_MS), "\r\n+UUBOOT\r\n");
    assert_eq!(stand.ask("AT+COPS=0"), ["OK"]);
    assert_eq!(stand.wait(30_000), "");
    assert_eq!(stand.wait(UNASKED_MS), "\r\n+CEREG: 5\r\n");
    // The rest comes before what stands behind it, though its time has not come.
    assert_eq!(stand.ask("AT"), ["+CGEV: ME", "OK"]);
    assert_eq!(stand.wait(60_000), "");
}

#[test]
fn nothing_unasked_comes_into_a_command_line() {
    let mut stand = Stand::new("<< +CEREG: 5\n> AT\n< OK\n");
    assert_eq!(stand.send("A"), "A");
    assert_eq!(stand.wait(10_000), "");
    assert_eq!(stand.replay.wakeup(), None);
    assert_eq!(stand.send("\u{8}"), "\u{8}\r\n+CEREG: 5\r\n");
}

#[test]
fn data_is_taken_behind_its_prompt_and_other_data_is_said() {
    let text = "> AT+USOWR=0,3\n<prompt \"@\"\n>> \"a\\rb\"\n< +USOWR: 0,3\n< OK\n";
    let mut stand = Stand::new(text);
    assert_eq!(stand.send("AT+USOWR=0,3\r"), "AT+USOWR=0,3\r\r\n@");
    assert_eq!(stand.send("a\r"), "");
    assert_eq!(stand.send("bAT\r"), "\r\n+USOWR: 0,3\r\n\r\nOK\r\nAT\r\r\nERROR\r\n");
    assert_eq!(stand.replay.account().guessed, 0);
    let mut stand = Stand::new(text);
    stand.send("AT+USOWR=0,3\rab");
    assert_eq!(stand.wait(DATA_QUIET_MS), "\r\n+USOWR: 0,3\r\n\r\nOK\r\n");
    assert_eq!(stand.replay.account().guessed, 1);
}

#[test]
fn text_ends_with_what_ends_it_however_long_it_is() {
    let mut stand = Stand::new("> AT+CMGS=1\n<prompt \"> \"\n>> \"Hi\\x1a\"\n< OK\n");
    stand.send("AT+CMGS=1\r");
    assert_eq!(stand.send("much longer"), "");
    assert_eq!(stand.send("\u{1a}"), "\r\nOK\r\n");
}

#[test]
fn a_connection_goes_on_behind_connect() {
    let mut stand = Stand::new(
        "> ATD*99#\n< CONNECT\n>> \"ping\"\n<prompt \"pong\"\n< NO CARRIER\n> A/\n>> \"A/\"\n< OK\n>> \"+++\"\n< OK\n",
    );
    assert_eq!(stand.send("ATD*99#\rping"), "ATD*99#\r\r\nCONNECT\r\n\r\npong\r\nNO CARRIER\r\n");
    assert_eq!(stand.send("+++"), "+++\r\nOK\r\n");
}

#[test]
fn short_result_codes_are_as_atv0_has_them() {
    let mut stand = Stand::new("> ATE0V0\n< 0\n> AT+CGMI\n< u-blox\n< 0\n> ATV1\n< OK\n");
    assert_eq!(stand.send("ATE0V0\r"), "ATE0V0\r0\r");
    assert_eq!(stand.send("AT+CGMI\r"), "u-blox\r\n0\r");
    assert_eq!(stand.send("AT+NOSUCH\r"), "4\r");
    assert_eq!(stand.send("ATV1\r"), "\r\nOK\r\n");
}

#[test]
fn a_read_that_is_waited_for_is_a_question_and_its_answer() {
    let mut stand = Stand::new("wait until < +USECDEVINFO: 1,1,1 within 10m\n");
    assert_eq!(stand.ask("AT+USECDEVINFO?"), ["+USECDEVINFO: 1,1,1", "OK"]);
}

#[test]
fn what_cannot_be_stood_for_is_refused_with_its_line() {
    let check = |text: &str, line: usize| {
        let text = format!("modem dut sara-r510s ports=2\n{text}");
        let script = Script::parse(&text, "x.at").expect("a scenario");
        assert_eq!(Replay::new(&script).expect_err("refused").line, line);
    };
    check("dut> AT\ndut< OK\ndut.2> AT\n", 4);
    check("modem two sara-r510s\ndut> AT\ntwo> AT\n", 4);
    check("wait 1d\n", 1);
}

#[test]
fn what_has_nothing_to_do_with_the_port_is_said() {
    let stand = Stand::new("power dut cut\n> AT\n< OK\n");
    assert_eq!(stand.replay.account().passed_over, [2]);
}

proptest! {
    #[test]
    fn whatever_a_host_sends_it_is_heard_to_the_end(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut stand = Stand::new(
            "<< +A\n> AT\n< OK\n> AT+X=1\n<prompt \"@\"\n>> \"ab\"\n< *\n< OK\n<< {x}\n>> \"+++\"\n< OK\n",
        );
        for (at, piece) in bytes.chunks(7).enumerate() {
            stand.replay.hear(piece, START.offset_millis(at as i64 * 400));
            stand.replay.poll(START.offset_millis(at as i64 * 400));
        }
        stand.now = START.offset_millis(1_000_000);
        stand.replay.poll(stand.now);
        stand.send("\r");
        prop_assert!(stand.ask("AT").iter().any(|line| line == "OK"));
    }
}
