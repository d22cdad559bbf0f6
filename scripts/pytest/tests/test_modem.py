"""A module as a test has it."""

import os
import sys
from datetime import datetime, timedelta, timezone

import pytest
from conftest import PROFILE_UID, SEAL

import pytest_vsara
from pytest_vsara import CtlError, Modem, Options, TimedOut


def test_a_module_says_who_and_where_it_is(sara):
    assert sara.at("AT+USECROTUID").lines == [f'+USECROTUID: "{sara.rot}"']
    assert sara.at("AT+CGSN").lines == [sara.imei]
    assert (sara.profile, sara.state.name, sara.is_running) == ("sara-r510s", "sara", True)
    assert os.stat(sara.port).st_rdev and sara.ports == (sara.port,)
    assert sara.service.startswith("127.0.0.1:")
    assert sara.ctl.status()["pid"] == sara.pid
    assert "made a new module" in sara.log()


def test_a_port_is_opened_by_pyserial_and_closed_at_the_end(sara_factory):
    sara = sara_factory()
    with sara.serial(timeout=10) as line:
        assert line.baudrate == 115200
        line.write(b"ATE0\r")
        assert line.read_until(b"OK\r\n") == b"ATE0\r\r\nOK\r\n"
    left_open = sara.serial(baudrate=9600)
    sara_factory.end()
    assert not left_open.is_open


def test_without_pyserial_the_error_says_what_to_install(sara, monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(ImportError, match=r"pip install pytest-vsara\[serial\]"):
        sara.serial()
    assert sara.at("AT").ok, "nothing else needs it"


@pytest.mark.sara(args=["--port", "pty", "--port", "tcp:127.0.0.1:0", "--port", "pty"])
def test_every_port_has_an_address_that_pyserial_takes(sara):
    assert [port.split("/")[0] for port in sara.ports] == ["", "socket:", ""]
    for number in range(3):
        with sara.terminal(number) as terminal:
            assert terminal.command("AT+USECROTUID").ok
        with sara.serial(number, timeout=10) as line:
            line.write(b"AT\r")
            assert line.read_until(b"OK\r\n").endswith(b"OK\r\n")


def test_an_answer_is_lines_and_a_final_result_code(sara):
    with sara.terminal() as terminal:
        assert str(terminal.command("ATI")) == "SARA-R510S-01B-00 | OK"
        assert terminal.command("AT+CMEE=2").ok
        wrong = terminal.command("AT+NONSENSE")
        assert (wrong.lines, wrong.ok) == ([], False)
        assert wrong.final.startswith("+CME ERROR: ")
        assert terminal.command("ATE0").ok
        assert terminal.command("AT+CGSN").lines == [sara.imei], "without an echo"
        terminal.send("AT+CGMM")
        assert terminal.read_until(b"OK\r\n") == b"\r\nSARA-R510S\r\n\r\nOK\r\n"
        terminal.write(b"AT\r")
        assert (terminal.line(), terminal.hear(0.05)) == ("OK", b"")


def test_a_module_that_is_silent_is_no_endless_wait(sara):
    sara.ctl.power("cut")
    with pytest.raises(TimedOut, match=r"AT: no final result code within 0.1 s"):
        sara.at("AT", within=0.1)
    with sara.terminal() as terminal:
        for listen in (lambda: terminal.line(0.1), lambda: terminal.read_until(b"@", 0.1)):
            with pytest.raises(TimedOut, match=r"within 0.1 s"):
                listen()


def test_a_wait_says_what_came_instead(sara):
    with pytest.raises(AssertionError, match=r"AT\+CFUN\?: \+CFUN: 1,0 \| OK instead of \+CFUN: 4 after 1 s$"):
        sara.wait_until("+CFUN: 4", within=1)
    sara.wait_until("+CFUN: 1,0")
    sara.wait_until(sara.imei, command="AT+CGSN")


@pytest.mark.sara(time="virtual")
def test_virtual_time_is_moved_by_hand(sara):
    begun = sara.ctl.time_advance(timedelta(0))
    assert begun.tzinfo == timezone.utc
    assert sara.ctl.time_advance("24h") == begun + timedelta(days=1)
    assert sara.ctl.time_advance(timedelta(days=1, milliseconds=250)) == begun + timedelta(days=2, milliseconds=250)
    assert sara.ctl.time_set(begun + timedelta(days=7)) == begun + timedelta(days=7)
    with pytest.raises(CtlError, match="time moves forward only"):
        sara.ctl.time_set("2026-01-01T00:00:00Z")
    with pytest.raises(ValueError, match="no time zone"):
        sara.ctl.time_set(datetime(2030, 1, 1))
    with pytest.raises(TimedOut, match="its time is virtual: only sara.ctl.time_advance moves it"):
        sara.wait_until("+USECDEVINFO: 0,0,0", within=0.1)


def test_ctl_does_to_the_module_what_it_says(sara):
    sara.wait_until("+USECDEVINFO: 1,0,1")
    sara.ctl.network("down")
    assert not sara.at("AT+USECCONN").ok
    sara.ctl.network("up")
    sara.ctl.network("loss", "30%")
    sara.ctl.network("loss", "0%")
    sara.ctl.clock("=2030-01-01T00:00:00Z")
    assert sara.at("AT+CCLK?").lines[0].startswith('+CCLK: "30/01/01,00:00:')
    sara.ctl.reset()
    sara.ctl.factory_reset()
    sara.ctl("power", "cut")
    assert sara.ctl.status()["power"] == "off"
    with pytest.raises(CtlError, match="has never seen the root of trust 0a00000000000001"):
        sara.ctl.forget("0a00000000000001")


def test_ctl_tells_a_refusal_from_a_wrong_word(sara):
    with pytest.raises(CtlError) as refused:
        sara.ctl("time", "set", "1999-01-01T00:00:00Z")
    assert refused.value.status == 1
    with pytest.raises(CtlError) as wrong:
        sara.ctl.power("sideways")
    assert wrong.value.status == 2
    assert "vsara ctl power sideways: " in str(wrong.value)
    assert "[possible values: on, off, cut]" in wrong.value.message


def test_a_module_for_more_than_one_test_is_made_by_hand(vsara_bin, tmp_path):
    with Modem(vsara_bin, tmp_path / "by hand", Options(profile="sara-r422m8s")) as modem:
        assert modem.at(SEAL).ok
        assert modem.profile == "sara-r422m8s"
        assert PROFILE_UID not in modem.log(), "what is secret to the log stays so"
    assert not modem.is_running
    assert modem.stop() == 0, "twice is no error"


def test_every_name_for_annotations_is_there():
    assert all(hasattr(pytest_vsara, name) for name in pytest_vsara.__all__)
